//! What is owed, and for how long.

use super::*;

fn holding(per_kib: Duration) -> Pacer {
    let pacer = Pacer::default();
    assert!(pacer.update(|| Some(Pace { per_kib, cause: Cause::Debt })));
    pacer
}

#[test]
fn time_is_owed_until_there_is_a_slice_of_it() {
    let pacer = holding(Duration::from_micros(50));
    assert_eq!([1024; 3].map(|bytes| pacer.owe(bytes)), [None; 3]);
    assert_eq!(pacer.owe(1024), Some(SLICE));
    assert_eq!(pacer.owe(1024), None);
}

#[test]
fn what_was_not_waited_for_is_owed_again() {
    let pacer = holding(SLICE);
    let owed = pacer.owe(4096).unwrap();
    assert_eq!(owed, SLICE * 4);
    // The write gave up at once: its own part goes with it, and comes with its next attempt.
    pacer.owe_again(owed - pacer.price(1024));
    assert_eq!(pacer.owe(1024), Some(SLICE * 4));
}
