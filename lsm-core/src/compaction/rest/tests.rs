//! Circles of any length are met; a tree that only becomes tidier is left alone.

use super::*;
use crate::compaction::tests::fake::{simple, tree};

#[test]
fn circles_are_met_whatever_their_length() {
    for length in [1, 2, 3, 7, 50] {
        let mut rest = Rest::default();
        // The files are others each time, and so are the runs.
        let shape =
            |at: u32| tree([simple(u64::from(at), (6, u64::from(at)), (0, 1 + at % length))]);
        let met = (0..100 * length).find(|&at| rest.note(&shape(at)));
        let met = met.unwrap_or_else(|| panic!("a circle of {length} is never met"));
        assert!(met >= 8, "a circle of {length} is met after {met}");
    }
}

#[test]
fn ways_that_lead_somewhere_are_no_circles() {
    let mut rest = Rest::default();
    for at in 0..10_000 {
        assert!(!rest.note(&tree([simple(7, (6, 0), (0, at))])));
    }
    // News make the old shape a new one.
    for at in 0..1000 {
        assert!(!rest.note(&tree([simple(at, (6, 0), (0, 1))])));
        rest.begin_again();
    }
}
