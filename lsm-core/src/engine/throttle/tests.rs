//! Bytes against time, and numbers at their ends.

use std::time::Duration;

use crate::engine::throttle::Throttle;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_written_is_made_up_for() {
    let throttle = Throttle::new(1000);
    assert_eq!(throttle.until(SECOND), None);
    throttle.note(500, SECOND);
    throttle.note(250, SECOND);
    assert_eq!(throttle.until(SECOND), Some(Duration::from_millis(1750)));
    assert_eq!(throttle.until(SECOND * 2), None);
    // A quiet hour buys nothing.
    throttle.note(1000, SECOND * 3600);
    assert_eq!(throttle.until(SECOND * 3600), Some(SECOND * 3601));
}

#[test]
fn no_limit_and_no_number_break_anything() {
    let free = Throttle::new(0);
    free.note(u64::MAX, SECOND);
    assert!(!free.is_on() && free.until(SECOND).is_none());
    let slow = Throttle::new(1);
    slow.note(u64::MAX, SECOND);
    slow.note(u64::MAX, SECOND);
    assert!(slow.until(Duration::from_secs(1 << 32)).is_some());
}
