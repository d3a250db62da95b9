//! Counting, ending, and a stall that must not hide.

use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Account, Board, Goal, Meter};

const STALL: Duration = Duration::from_millis(200);

/// Three hundred operations, of which the tenth stalls.
fn stalled(interval: Option<Duration>) -> Account {
    let board = Board::default();
    let goal = Goal { operations: 300, interval, has_latencies: true, ..Goal::default() };
    let mut meter = Meter::new(&board, goal);
    while meter.goes_on() {
        if meter.tally.operations == 9 {
            sleep(STALL);
        }
        meter.done(1, 10);
    }
    meter.finish()
}

fn millis(account: &Account, quantile: f64) -> f64 {
    account.latencies.as_ref().unwrap().value_at_quantile(quantile) as f64 / 1e6
}

#[test]
fn a_stall_shows_in_everything_that_was_due_meanwhile() {
    let account = stalled(Some(Duration::from_millis(1)));
    // Two hundred of three hundred were due while the store stood still, the median one of all for
    // at least 40 ms more.
    assert!(millis(&account, 0.5) > 40.0, "{}", millis(&account, 0.5));
    assert!(millis(&account, 0.9) > 150.0, "{}", millis(&account, 0.9));
    assert_eq!(account.latencies.unwrap().len(), 300);
}

#[test]
fn without_a_rate_the_next_operation_begins_where_one_ends() {
    let account = stalled(None);
    assert!(millis(&account, 1.0) >= 200.0);
    assert!(millis(&account, 0.9) < 40.0, "{}", millis(&account, 0.9));
}

#[test]
fn a_rate_is_kept() {
    let board = Board::default();
    let interval = Some(Duration::from_millis(2));
    let goal = Goal { operations: 50, interval, has_latencies: true, ..Goal::default() };
    let begun = Instant::now();
    let mut meter = Meter::new(&board, goal);
    while meter.goes_on() {
        meter.done(1, 0);
    }
    assert!(begun.elapsed() >= Duration::from_millis(98));
    assert_eq!(meter.finish().tally.operations, 50);
}

#[test]
fn it_ends_when_the_time_is_over_with_latencies_and_without() {
    for has_latencies in [true, false] {
        let board = Board::default();
        let duration = Some(Duration::from_millis(30));
        let goal = Goal { operations: u64::MAX, duration, has_latencies, ..Goal::default() };
        let mut meter = Meter::new(&board, goal);
        while meter.goes_on() {
            meter.done(1, 0);
        }
        let account = meter.finish();
        assert!(account.ended - account.begun >= Duration::from_millis(30));
        assert_eq!(account.latencies.is_some(), has_latencies);
    }
}

#[test]
fn a_rate_counts_the_operations_of_a_batch() {
    let board = Board::default();
    let interval = Some(Duration::from_millis(1));
    let mut meter = Meter::new(&board, Goal { operations: 100, interval, ..Goal::default() });
    let begun = Instant::now();
    while meter.goes_on() {
        meter.done(20, 0);
    }
    assert!(begun.elapsed() >= Duration::from_millis(80));
}

#[test]
fn a_rate_that_cannot_be_kept_does_not_prolong_it() {
    let board = Board::default();
    let goal = Goal {
        operations: u64::MAX,
        duration: Some(Duration::from_millis(50)),
        interval: Some(Duration::from_micros(1)),
        has_latencies: true,
    };
    let mut meter = Meter::new(&board, goal);
    while meter.goes_on() {
        sleep(Duration::from_millis(1));
        meter.done(1, 0);
    }
    assert!(meter.finish().tally.operations <= 51);
}

#[test]
fn it_ends_when_everything_does() {
    let board = Board::default();
    let goal =
        Goal { operations: u64::MAX, interval: Some(Duration::from_secs(3600)), ..Goal::default() };
    let mut meter = Meter::new(&board, goal);
    assert!(meter.goes_on());
    meter.done(1, 0);
    board.is_over.store(true, Ordering::Relaxed);
    assert!(!meter.goes_on());
}

#[test]
fn what_is_done_is_told_and_counted() {
    let board = Board::default();
    let mut meter = Meter::new(&board, Goal { operations: 1000, ..Goal::default() });
    let mut calls = 0;
    while meter.goes_on() {
        meter.done(100.min(meter.left()), 7);
        calls += 1;
    }
    let account = meter.finish();
    assert_eq!((calls, account.tally.operations, account.tally.bytes), (10, 1000, 70));
    assert_eq!(board.done.load(Ordering::Relaxed), 1000);
}
