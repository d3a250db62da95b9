//! Tests of the histogram.

#![allow(clippy::disallowed_methods, reason = "threads that count at once")]

use std::time::Duration;

use super::{BUCKETS, Histogram, Tally, bucket_of, top_of};

#[test]
fn buckets_follow_each_other_and_are_narrow() {
    let mut from = 0;
    for bucket in 0..BUCKETS {
        let top = top_of(bucket);
        assert_eq!((bucket_of(from), bucket_of(top)), (bucket, bucket), "{from} to {top}");
        assert!(top - from <= from / 16, "bucket {bucket} from {from} to {top}");
        from = top + 1;
    }
    assert_eq!(from, 1 << 40);
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
}

#[test]
fn percentiles_are_close_and_never_too_low() {
    let histogram = Histogram::new();
    for micros in 1..=10_000 {
        histogram.record(Duration::from_micros(micros));
    }
    let tally = histogram.read();
    assert_eq!((tally.count(), tally.max()), (10_000, Duration::from_millis(10)));
    assert_eq!(tally.mean(), Duration::from_nanos(5_000_500));
    for thousandths in [1, 500, 900, 990, 999, 1000] {
        let exact = Duration::from_micros(10 * thousandths);
        let told = tally.permille(thousandths);
        assert!(told >= exact && told <= exact.mul_f64(1.07), "{thousandths}: {told:?}");
    }
}

#[test]
fn nothing_is_zero_and_merging_adds() {
    let mut all = Tally::default();
    assert_eq!((all.count(), all.mean(), all.permille(500)), Default::default());
    let one = Histogram::new();
    one.record(Duration::from_nanos(7));
    one.record(Duration::from_secs(3_000_000));
    all.merge(&one.read());
    all.merge(&one.read());
    assert_eq!((all.count(), all.max()), (4, Duration::from_secs(3_000_000)));
    assert_eq!(all.permille(500), Duration::from_nanos(7));
}

#[test]
fn threads_lose_nothing() {
    let histogram = Histogram::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let histogram = &histogram;
            scope.spawn(move || {
                for nanos in 0..10_000 {
                    histogram.record(Duration::from_nanos(nanos * (thread + 1)));
                }
            });
        }
    });
    assert_eq!(histogram.read().count(), 40_000);
}
