//! Figures, dates and lines.

use std::time::{Duration, UNIX_EPOCH};

use super::{Latency, Work, date_of, short, thousands};
use crate::meter::no_latencies;

#[test]
fn dates_are_right() {
    let cases = [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_795_314_811, "2026-11-22T02:33:31Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ];
    for (seconds, text) in cases {
        assert_eq!(date_of(UNIX_EPOCH + Duration::from_secs(seconds)), text);
    }
}

#[test]
fn numbers_are_short() {
    let shown = [0.0, 0.01234, 1.2345, 12.345, 123.45, 12345.6].map(short);
    assert_eq!(shown, ["0.00", "0.012", "1.23", "12.3", "123", "12346"]);
    assert_eq!([7.0, 1500.0, 2_345_678.0].map(thousands), ["7.00", "1.50 k", "2.35 M"]);
}

#[test]
fn rates_are_of_all_threads_and_micros_of_one() {
    let work = Work { threads: 4, operations: 1000, seconds: 0.5, ..Work::default() };
    assert_eq!((work.per_second(), work.micros()), (2000.0, 2000.0));
}

#[test]
fn latencies_are_in_microseconds() {
    let mut latencies = no_latencies().unwrap();
    assert_eq!(Latency::of(&latencies), None);
    (1..=1000).for_each(|micros| latencies.record(micros * 1000).unwrap());
    let latency = Latency::of(&latencies).unwrap();
    let is_near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.002;
    assert!(is_near(latency.mean, 500.5) && is_near(latency.p50, 500.0), "{latency:?}");
    assert!(is_near(latency.p99, 990.0) && is_near(latency.p999, 999.0), "{latency:?}");
    assert!(is_near(latency.max, 1000.0) && latency.count == 1000, "{latency:?}");
    assert!(latency.curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
}
