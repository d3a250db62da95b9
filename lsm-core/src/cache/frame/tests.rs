//! Frames: alignment, counting, and what they are charged for.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::sync::Arc;

use super::{FRAME_ALIGN, Frame, cost_of};
use crate::base::budget::{Budget, MemoryKind};
use crate::base::error::ErrorKind;
use crate::base::slice::Slice;
use crate::cache::draft::Draft;

fn frame(budget: &Arc<Budget>, bytes: &[u8]) -> Frame {
    Draft::copy_of(bytes).unwrap().admit(budget, MemoryKind::Pin)
}

#[test]
fn bytes_are_aligned_and_as_they_were_written() {
    let budget = Budget::new(0);
    for len in [0, 1, 63, 64, 65, 4096, 1 << 20] {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let mut draft = Draft::new(len).unwrap();
        assert_eq!(draft.len(), len);
        draft.copy_from_slice(&bytes);
        for frame in [draft.admit(&budget, MemoryKind::Block), frame(&budget, &bytes)] {
            assert_eq!(frame.bytes(), bytes);
            assert_eq!(frame.bytes().as_ptr().addr() % FRAME_ALIGN, 0);
            assert_eq!(frame.cost(), cost_of(len));
        }
        assert_eq!(cost_of(len), (64 + len as u64).next_multiple_of(128) + 16);
    }
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_is_left_out_counts_until_the_frame_goes() {
    let budget = Budget::new(0);
    for (len, left) in [(200, 100), (200, 0), (64, 63), (10, 20)] {
        let mut draft = Draft::new(len).unwrap();
        draft.fill(3);
        draft.truncate(left);
        assert_eq!(draft[..], vec![3; len.min(left)]);
        let frame = draft.admit(&budget, MemoryKind::Block);
        assert_eq!(frame.bytes(), vec![3; len.min(left)]);
        assert_eq!((frame.cost(), budget.used()), (cost_of(len), cost_of(len)));
        drop(frame);
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn impossible_lengths_are_refused() {
    for len in [usize::MAX, usize::MAX - 64, isize::MAX as usize, isize::MAX as usize - 63] {
        assert_eq!(Draft::new(len).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
    assert_eq!(cost_of(usize::MAX), u64::MAX);
}

#[test]
fn the_last_reference_frees() {
    let budget = Budget::new(0);
    let one = frame(&budget, &[1; 100]);
    let cost = one.cost();
    assert_eq!(budget.used_by(MemoryKind::Pin), cost);
    let two = one.clone();
    assert!(one.is_same(&two));
    assert_eq!(one.references(), 2);
    one.set_kind(MemoryKind::Block);
    assert_eq!(budget.used_by(MemoryKind::Pin), 0);
    drop(one);
    assert_eq!(budget.used_by(MemoryKind::Block), cost);
    drop(two);
    assert_eq!(budget.used(), 0);
    // A draft that is dropped was never counted.
    drop(Draft::new(10).unwrap());
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_slice_keeps_its_frame_and_copies_nothing() {
    let budget = Budget::new(0);
    let frame = frame(&budget, &(0..200).collect::<Vec<u8>>());
    let slice = Slice::pinned(frame.clone(), |bytes| &bytes[20..120]);
    assert!(std::ptr::eq(slice.as_ptr(), &raw const frame.bytes()[20]));
    assert_eq!(frame.references(), 2);
    drop(frame);
    let part = slice.slice(10..60);
    drop(slice);
    assert_eq!(*part, (30..80).collect::<Vec<u8>>());
    assert!(budget.used() > 0);
    drop(part);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_touch_is_remembered_once() {
    let frame = frame(&Budget::new(0), &[]);
    assert!(!frame.take_touch());
    frame.touch();
    frame.touch();
    assert!(frame.take_touch());
    assert!(!frame.take_touch());
}

#[test]
fn threads_count_together() {
    let budget = Budget::new(0);
    let frame = frame(&budget, &[9; 64]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mine = frame.clone();
            scope.spawn(move || (0..50_000).for_each(|_| assert_eq!(mine.clone()[0], 9)));
        }
    });
    assert_eq!(frame.references(), 1);
    drop(frame);
    assert_eq!(budget.used(), 0);
}
