//! Places: who gets in, who gets out, and when what was taken out is given back.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::sync::{Arc, Weak};

use super::{Binding, Gate, Keeper, Mark, Slots};
use crate::base::budget::{Budget, MemoryKind};
use crate::base::sync::Mutex;
use crate::cache::draft::Draft;
use crate::cache::frame::Frame;

/// Notes what it is brought.
#[derive(Default)]
struct Notes(Mutex<Vec<(usize, Vec<Frame>)>>);

impl Keeper for Notes {
    fn forget(&self, places: usize, frames: Vec<Frame>) {
        self.0.lock().push((places, frames));
    }
}

fn frame(byte: u8) -> Frame {
    Draft::copy_of(&[byte; 10]).unwrap().admit(&Budget::new(0), MemoryKind::Pin)
}

fn bound(len: usize, gate: &Gate) -> (Arc<Slots>, Arc<Notes>) {
    let (slots, notes) = (Slots::new(len), Arc::<Notes>::default());
    let keeper: Arc<dyn Keeper> = notes.clone();
    assert_eq!(slots.bind(gate, || Arc::downgrade(&keeper)), Binding::New);
    assert_eq!(slots.bind(gate, || unreachable!()), Binding::Old);
    (slots, notes)
}

fn settled(gate: &Gate) -> Vec<Frame> {
    let mut settled = Vec::new();
    gate.settle(&mut settled);
    settled
}

#[test]
fn a_place_holds_one_frame_and_one_count() {
    let gate = Gate::new();
    let (slots, _notes) = bound(2, &gate);
    let (one, two) = (frame(1), frame(2));
    assert!(slots.publish(&gate, 0, &one));
    assert!(!slots.publish(&gate, 0, &two));
    assert!(!slots.publish(&gate, 2, &two));
    assert_eq!((one.references(), two.references()), (2, 1));
    let got = slots.get(&gate, 0).unwrap();
    assert!(got.is_same(&one) && got.references() == 3);
    assert_eq!(gate.hits(), 1);
    assert!(slots.get(&gate, 1).is_none() && slots.get(&gate, 2).is_none());
    assert!(!slots.evict(&gate, 0, &two, Mark::NONE));
    assert!(!slots.evict(&gate, 7, &one, Mark::NONE));
    drop(got);
    assert!(slots.evict(&gate, 0, &one, Mark::NONE));
    assert!(!slots.evict(&gate, 0, &one, Mark::NONE));
    assert_eq!(one.references(), 2);
    assert_eq!(settled(&gate).len(), 1);
    assert_eq!(one.references(), 1);
    assert!(slots.publish(&gate, 0, &two));
}

#[test]
fn what_a_turn_has_looked_at_stays_until_it_is_over() {
    let (gate, other) = (Gate::new(), Gate::new());
    let (slots, _notes) = bound(2, &gate);
    let one = frame(1);
    assert!(slots.publish(&gate, 0, &one));
    let kept = gate.turn(|turn| {
        let glimpse = turn.look(&slots, 0).unwrap();
        assert_eq!(one.references(), 2);
        assert!(turn.look(&slots, 1).is_none() && turn.look(&slots, 2).is_none());
        assert!(other.turn(|turn| turn.look(&slots, 0).is_none()).unwrap());
        assert!(slots.evict(&gate, 0, &one, Mark::NONE));
        // Neither a turn nor a look within this one ends it.
        gate.turn(|turn| turn.count(2)).unwrap();
        assert!(slots.get(&gate, 1).is_none());
        assert!(settled(&gate).is_empty());
        assert_eq!(glimpse.bytes(), [1; 10]);
        glimpse.keep()
    });
    assert!(kept.unwrap().is_same(&one));
    assert_eq!(one.references(), 2);
    assert_eq!(settled(&gate).len(), 1);
    assert_eq!((one.references(), gate.hits()), (1, 2));
}

#[test]
fn a_mark_is_no_frame_and_makes_room_for_one() {
    let gate = Gate::new();
    let (slots, _notes) = bound(1, &gate);
    for time in [0, 1, 77, (1 << 63) - 1, u64::MAX] {
        let one = frame(1);
        assert!(slots.publish(&gate, 0, &one));
        assert_eq!(slots.mark(0), None);
        assert!(slots.evict(&gate, 0, &one, Mark::at(time)));
        assert!(slots.get(&gate, 0).is_none());
        assert_eq!(slots.mark(0).and_then(Mark::time), Some(time << 1 >> 1));
    }
    assert_eq!(slots.mark(1), None);
    drop(slots);
    assert_eq!(settled(&gate).len(), 5);
}

#[test]
fn what_a_pinned_reader_may_be_reaching_for_waits() {
    let gate = Gate::new();
    let (slots, _notes) = bound(1, &gate);
    let one = frame(1);
    assert!(slots.publish(&gate, 0, &one));
    // Another test may have all lanes for a moment.
    let pin = std::iter::repeat_with(|| gate.epoch.pin()).find_map(|pin| pin).unwrap();
    assert!(slots.evict(&gate, 0, &one, Mark::NONE));
    assert!(settled(&gate).is_empty());
    assert_eq!(one.references(), 2);
    drop(pin);
    assert_eq!(settled(&gate).len(), 1);
}

#[test]
fn the_way_without_a_pin_gets_the_same() {
    let gate = Gate::new();
    let (slots, _notes) = bound(1, &gate);
    assert!(gate.get_without_pin(&slots.words[0]).is_none());
    let one = frame(1);
    assert!(slots.publish(&gate, 0, &one));
    assert!(gate.get_without_pin(&slots.words[0]).unwrap().is_same(&one));
    assert!(slots.evict(&gate, 0, &one, Mark::at(3)));
    assert!(gate.get_without_pin(&slots.words[0]).is_none());
}

#[test]
fn other_gates_get_nothing() {
    let (gate, other) = (Gate::new(), Gate::new());
    let one = frame(1);
    let unbound = Slots::new(1);
    assert!(!unbound.publish(&gate, 0, &one) && unbound.get(&gate, 0).is_none());
    let (slots, _notes) = bound(1, &gate);
    assert_eq!(slots.bind(&other, || unreachable!()), Binding::Foreign);
    assert!(slots.publish(&gate, 0, &one));
    assert!(slots.get(&other, 0).is_none());
    assert!(!slots.evict(&other, 0, &one, Mark::NONE));
    assert!(slots.get(&gate, 0).is_some());
}

#[test]
fn places_that_go_bring_their_frames_back() {
    let gate = Gate::new();
    let (slots, notes) = bound(5, &gate);
    let frames: Vec<Frame> = (0..3).map(frame).collect();
    assert!(frames.iter().enumerate().all(|(at, frame)| slots.publish(&gate, at, frame)));
    assert!(slots.evict(&gate, 1, &frames[1], Mark::at(5)));
    drop(slots);
    let brought = std::mem::take(&mut *notes.0.lock());
    assert_eq!(brought.len(), 1);
    assert_eq!(brought[0].0, 5);
    assert!(brought[0].1[0].is_same(&frames[0]) && brought[0].1[1].is_same(&frames[2]));
    drop(brought);
    assert_eq!(frames[0].references(), 1);
    assert_eq!(frames[1].references(), 2);
    drop(gate);
    assert_eq!(frames[1].references(), 1);

    // Without anybody who answers for them they are dropped.
    let gate = Gate::new();
    let slots = Slots::new(1);
    let nobody: Weak<dyn Keeper> = Weak::<Notes>::new();
    slots.bind(&gate, || nobody);
    assert!(slots.publish(&gate, 0, &frames[0]));
    drop(slots);
    assert_eq!(frames[0].references(), 1);
}

#[test]
fn readers_beside_a_writer_see_whole_frames_or_none() {
    let gate = Gate::new();
    let (slots, _notes) = bound(2, &gate);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|reader| {
                let (slots, gate) = (&slots, &gate);
                scope.spawn(move || {
                    for turn in 0..100_000_usize {
                        if let Some(frame) = slots.get(gate, (turn + reader) % 2) {
                            assert!(frame.bytes().iter().all(|byte| *byte == frame.bytes()[0]));
                        }
                    }
                })
            })
            .collect();
        let mut turn = 0_usize;
        while readers.iter().any(|reader| !reader.is_finished()) {
            let one = frame(turn as u8);
            assert!(slots.publish(&gate, turn % 2, &one));
            assert!(slots.evict(&gate, turn % 2, &one, Mark::at(turn as u64)));
            drop(one);
            drop(settled(&gate));
            turn += 1;
        }
    });
}
