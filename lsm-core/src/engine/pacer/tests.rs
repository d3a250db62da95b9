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
fn what_was_not_waited_for_stays_owed() {
    let pacer = holding(SLICE);
    let owed = pacer.owe(4096).unwrap();
    assert_eq!(owed, SLICE * 4);
    // Its own part goes with a write that gives up at once, and comes with its next attempt.
    pacer.give_up(owed, Duration::ZERO, 1024);
    assert_eq!(pacer.owe(1024), Some(SLICE * 4));
}

#[test]
fn what_a_write_waited_for_in_vain_counts_for_its_next_attempt() {
    let pacer = holding(SLICE);
    let mut waits = 0;
    while let Some(owed) = pacer.owe(100 << 10) {
        pacer.give_up(owed, SLICE * 10, 100 << 10);
        waits += 1;
    }
    assert_eq!(waits, 10);
}

#[test]
fn nobody_waits_longer_than_it_owes() {
    let pacer = holding(SLICE);
    let owed = pacer.owe(1024).unwrap();
    pacer.give_up(owed, SLICE * 1000, 1024);
    let next = [512; 4].map(|bytes| pacer.owe(bytes));
    assert_eq!(next, [None, None, None, Some(SLICE)]);
}
