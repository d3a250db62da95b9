//! The ring against three plain queues.

use std::collections::VecDeque;
use std::sync::Weak;

use super::{Queue, Resident, Ring};
use crate::base::budget::{Budget, MemoryKind};
use crate::cache::draft::Draft;
use crate::cache::frame::{Frame, NO_NODE};
use crate::cache::slots::Slots;

fn resident(index: usize) -> Resident {
    let frame = Draft::new(index % 300).unwrap().admit(&Budget::new(0), MemoryKind::Pin);
    Resident { frame, slots: Weak::<Slots>::new(), index: index as u32, leaves_mark: false }
}

#[test]
fn the_ring_is_three_queues() {
    const QUEUES: [Queue; 3] = [Queue::New, Queue::Kept, Queue::Index];
    for seed in 1..20_u64 {
        let mut state = seed;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
            (state >> 33) as usize % below
        };
        let mut ring = Ring::new();
        let mut model: [VecDeque<(usize, Frame)>; 3] = Default::default();
        for turn in 0..2000 {
            let at = random(3);
            match random(if turn % 500 < 250 { 5 } else { 9 }) {
                0..3 => {
                    let new = resident(turn);
                    model[at].push_back((turn, new.frame.clone()));
                    ring.push(QUEUES[at], new);
                }
                3 => {
                    let to = random(3);
                    if !model[at].is_empty() {
                        let which = random(model[at].len());
                        let moved = model[at].remove(which).unwrap();
                        ring.move_to(QUEUES[to], moved.1.node());
                        model[to].push_back(moved);
                    }
                }
                4 if random(50) == 0 => ring.shrink(),
                _ if !model[at].is_empty() => {
                    let which = if random(2) == 0 { 0 } else { random(model[at].len()) };
                    let (index, frame) = model[at].remove(which).unwrap();
                    let removed = ring.remove(frame.node()).unwrap();
                    assert_eq!(removed.index as usize, index, "seed {seed}");
                    assert_eq!(frame.node(), NO_NODE);
                }
                _ => {}
            }
            assert_eq!(ring.len(), model.iter().map(VecDeque::len).sum::<usize>());
            for (queue, model) in QUEUES.into_iter().zip(&model) {
                let bytes: u64 = model.iter().map(|(_, frame)| frame.cost()).sum();
                assert_eq!(ring.bytes_of(queue), bytes, "seed {seed}, turn {turn}");
                let first = ring.first(queue).map(|(_, resident)| resident.index as usize);
                assert_eq!(first, model.front().map(|(index, _)| *index), "seed {seed}");
            }
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut ring = Ring::new();
    assert!(ring.remove(NO_NODE).is_none() && ring.remove(0).is_none());
    ring.move_to(Queue::Kept, 3);
    ring.push(Queue::New, resident(1));
    assert!(ring.remove(0).is_some() && ring.remove(0).is_none());
    ring.move_to(Queue::Kept, 0);
    assert!(ring.first(Queue::Kept).is_none());
}

#[test]
fn room_is_used_again_and_given_back() {
    let mut ring = Ring::new();
    let mut cost = 0;
    for index in 0..100 {
        assert_eq!(ring.cost(), cost);
        cost += ring.growth();
        ring.push(Queue::New, resident(index));
    }
    while let Some((node, _)) = ring.first(Queue::New) {
        ring.remove(node);
    }
    assert_eq!((ring.cost(), ring.growth()), (cost, 0));
    ring.push(Queue::Index, resident(7));
    assert_eq!(ring.cost(), cost);
    ring.shrink();
    assert_eq!(ring.cost(), cost_of_one());
    assert_eq!(ring.first(Queue::Index).unwrap().1.index, 7);
    ring.remove(ring.first(Queue::Index).unwrap().0);
    ring.shrink();
    assert_eq!(ring.cost(), 0);
}

fn cost_of_one() -> u64 {
    size_of::<super::Entry>() as u64
}

#[test]
fn frames_outlive_the_ring() {
    let mut ring = Ring::new();
    let one = resident(64);
    let frame = one.frame.clone();
    ring.push(Queue::Kept, one);
    assert_eq!(frame.references(), 2);
    drop(ring);
    assert_eq!(frame.references(), 1);
}
