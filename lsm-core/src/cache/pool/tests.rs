//! The cache against a model, beside threads, and where loads fail.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::{Cache, Use};
use crate::base::budget::{Budget, MemoryKind};
use crate::base::error::{Error, ErrorKind};
use crate::base::slice::Slice;
use crate::base::sync::{Mutex, Ordering};
use crate::cache::draft::Draft;
use crate::cache::frame::{Frame, cost_of};
use crate::cache::slots::Slots;

/// What a cache takes up that has no blocks, as it says itself.
fn own() -> u64 {
    Cache::new(Budget::new(0), 0).stats().bytes
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % below
    }
}

/// A block that says whose it is, over and over.
fn block(table: usize, index: usize) -> Vec<u8> {
    let word = ((table as u64) << 32 | index as u64).to_le_bytes();
    let len = 8 * (1 + (table * 31 + index * 7) % 60);
    word.into_iter().cycle().take(len).collect()
}

fn read(cache: &Cache, slots: &Arc<Slots>, index: usize, how: Use) -> Frame {
    cache.get_or_load(slots, index, how, &mut || Ok(vec![index as u8; 100])).unwrap()
}

/// True if a block is there; it is touched by that.
fn has(cache: &Cache, slots: &Slots, index: usize) -> bool {
    cache.get(slots, index).is_some()
}

#[test]
fn a_loaded_block_is_found_again() {
    let budget = Budget::new(1 << 20);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let slots = Slots::new(3);
    assert!(cache.get(&slots, 1).is_none());
    let frame = cache.get_or_load(&slots, 1, Use::Point, &mut || Ok(vec![7; 100])).unwrap();
    assert!(cache.get(&slots, 1).unwrap().is_same(&frame));
    let never = &mut || -> crate::base::error::Result<Draft> { unreachable!() };
    assert!(cache.get_or_draft(&slots, 1, Use::Scan, never).unwrap().is_same(&frame));
    assert_eq!(frame.bytes(), [7; 100]);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.frames, stats.evictions), (2, 1, 1, 0));
    cache.clear(&slots);
    assert!(cache.get(&slots, 1).is_none());
    drop((frame, slots, cache));
    assert_eq!(budget.used(), 0);
}

#[test]
fn bypassed_and_impossible_blocks_do_not_stay() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), own() + 4096);
    let slots = Slots::new(2);
    let held = read(&cache, &slots, 0, Use::Bypass);
    assert!(!has(&cache, &slots, 0));
    assert_eq!(budget.used_by(MemoryKind::Pin), held.cost());
    // There is no such place, and no such room.
    assert_eq!(read(&cache, &slots, 2, Use::Point)[0], 2);
    let large = cache.get_or_load(&slots, 0, Use::Point, &mut || Ok(vec![5; 5000])).unwrap();
    assert_eq!(large.len(), 5000);
    assert!(!has(&cache, &slots, 0));
    assert_eq!(budget.used_by(MemoryKind::Pin), held.cost() + large.cost());
    drop((held, large));
    assert_eq!(budget.used_by(MemoryKind::Pin), 0);
    // Who is resident serves those who bypass.
    let resident = read(&cache, &slots, 1, Use::Point);
    assert!(read(&cache, &slots, 1, Use::Bypass).is_same(&resident));
}

#[test]
fn places_of_another_cache_are_left_alone() {
    let budget = Budget::new(0);
    let (one, other) = (Cache::new(Arc::clone(&budget), 1 << 20), Cache::new(budget, 1 << 20));
    let slots = Slots::new(2);
    let resident = read(&one, &slots, 0, Use::Point);
    assert!(other.get(&slots, 0).is_none());
    let frame = read(&other, &slots, 0, Use::Point);
    assert!(!frame.is_same(&resident));
    read(&other, &slots, 1, Use::Point);
    assert!(!has(&one, &slots, 1));
    other.clear(&slots);
    assert!(has(&one, &slots, 0));
    assert_eq!(other.stats().frames, 0);
}

#[test]
fn failing_and_panicking_loads_leave_nothing() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let slots = Slots::new(1);
    let before = budget.used();
    let refuse = &mut || Err(Error::new(ErrorKind::Corruption, "a wrong check"));
    let error = cache.get_or_load(&slots, 0, Use::Point, refuse).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    let throw =
        || cache.get_or_load(&slots, 0, Use::Point, &mut || resume_unwind(Box::new("thrown")));
    assert!(catch_unwind(AssertUnwindSafe(throw)).is_err());
    assert_eq!((budget.used(), cache.stats().misses), (before, 2));
    assert_eq!(read(&cache, &slots, 0, Use::Point)[..], [0; 100]);
}

#[test]
fn loads_may_use_the_cache() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let (data, index) = (Slots::new(100), Slots::new(10));
    // Every load reads an index block, and its neighbour, whose load does the same.
    fn load(cache: &Cache, data: &Arc<Slots>, index: &Arc<Slots>, at: usize) -> Frame {
        let mut all = || {
            assert_eq!(read(cache, index, at / 10, Use::Index)[0], (at / 10) as u8);
            if at + 1 < data.len() {
                assert_eq!(load(cache, data, index, at + 1)[0], at as u8 + 1);
            }
            Ok(vec![at as u8; 10])
        };
        cache.get_or_load(data, at, Use::Point, &mut all).unwrap()
    }
    assert_eq!(load(&cache, &data, &index, 0)[0], 0);
    assert_eq!(cache.stats().frames, 110);
    // A load of the block that is being loaded: the inner one stays, and the outer one gets it.
    cache.clear(&data);
    let mut inner = None;
    let mut twice = || {
        inner = Some(read(&cache, &data, 5, Use::Scan));
        Ok(vec![1; 1])
    };
    let outer = cache.get_or_load(&data, 5, Use::Point, &mut twice).unwrap();
    assert!(inner.unwrap().is_same(&outer));
    // A load that clears, shrinks and drops what it loads for.
    let clears = &mut || {
        cache.clear(&data);
        cache.set_capacity(0);
        cache.set_capacity(1 << 20);
        Ok(vec![3; 3])
    };
    assert_eq!(cache.get_or_load(&data, 7, Use::Point, clears).unwrap()[..], [3; 3]);
    assert_eq!(cache.stats().frames, 1);
}

#[test]
fn whoever_goes_first_nothing_is_left() {
    for order in 0..24 {
        let budget = Budget::new(0);
        let cache = Cache::new(Arc::clone(&budget), 1 << 20);
        let slots = Slots::new(8);
        let frames: Vec<Frame> =
            (0..8).map(|index| read(&cache, &slots, index, Use::Point)).collect();
        let slice = Slice::pinned(frames[3].clone(), |bytes| bytes);
        let mut all: Vec<Box<dyn std::any::Any>> =
            vec![Box::new(cache), Box::new(slots), Box::new(frames), Box::new(slice)];
        let mut rest = order;
        for left in (1..=4).rev() {
            assert!(budget.used() > 0);
            drop(all.remove(rest % left));
            rest /= left;
        }
        assert_eq!(budget.used(), 0, "order {order}");
    }
}

#[test]
fn places_that_are_dropped_take_their_blocks_along() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let other = Slots::new(4);
    read(&cache, &other, 2, Use::Point);
    let before = cache.stats();
    let slots = Slots::new(50);
    let held = read(&cache, &slots, 0, Use::Index);
    (1..40).for_each(|index| drop(read(&cache, &slots, index, Use::Point)));
    assert_eq!(cache.stats().frames, 41);
    drop(slots);
    assert_eq!(budget.used_by(MemoryKind::Pin), held.cost());
    assert_eq!(cache.stats().frames, before.frames);
    assert_eq!(held[..], [0; 100]);
    drop(held);
    cache.set_capacity(1 << 19);
    assert_eq!(cache.stats().bytes, before.bytes - 3 * 48);
    assert!(has(&cache, &other, 2));
}

#[test]
fn a_scan_does_not_push_out_what_is_wanted() {
    for how in [Use::Scan, Use::Point] {
        for is_mixed in [false, true] {
            let frame = cost_of(4096);
            let cache = Cache::new(Budget::new(0), own() + 200 * (frame + 200));
            let (hot, cold) = (Slots::new(160), Slots::new(2000));
            let load = &mut || Ok(vec![1; 4096]);
            let mut is_hit = |slots: &Arc<Slots>, index, how| {
                let misses = cache.stats().misses;
                cache.get_or_load(slots, index, how, load).unwrap();
                cache.stats().misses == misses
            };
            for index in (0..160).cycle().take(480) {
                is_hit(&hot, index, Use::Point);
            }
            let mut hits = 0;
            for index in 0..2000 {
                assert!(!is_hit(&cold, index, how));
                if is_mixed {
                    hits += usize::from(is_hit(&hot, index % 160, Use::Point));
                }
            }
            assert!(!is_mixed || hits > 1900, "{how:?}: {hits} of 2000");
            let hits = (0..160).filter(|index| is_hit(&hot, *index, Use::Point)).count();
            assert!(hits > 152, "{how:?}: {hits} of 160 after the scan");
        }
    }
}

#[test]
fn what_is_wanted_again_soon_is_kept() {
    let frame = cost_of(100);
    let cache = Cache::new(Budget::new(0), own() + 100 * (frame + 80));
    let slots = Slots::new(1000);
    // Twice within one round, but too late for probation: the mark it left lets it stay.
    for index in 0..200 {
        read(&cache, &slots, index, Use::Point);
    }
    let left = (0..200).find(|index| slots.mark(*index).is_some()).unwrap();
    let late = (left..200).rfind(|index| slots.mark(*index).is_some()).unwrap();
    read(&cache, &slots, late, Use::Point);
    for index in 300..500 {
        read(&cache, &slots, index, Use::Scan);
    }
    assert!(has(&cache, &slots, late));
    assert!((300..500).all(|index| slots.mark(index).is_none()));
}

#[test]
fn the_index_leaves_last() {
    let frame = cost_of(100);
    let cache = Cache::new(Budget::new(0), own() + 100 * (frame + 80));
    let (data, index) = (Slots::new(500), Slots::new(200));
    (0..40).for_each(|at| drop(read(&cache, &index, at, Use::Index)));
    for at in (0..500).chain(0..500) {
        read(&cache, &data, at, Use::Point);
    }
    assert!((0..40).all(|at| has(&cache, &index, at)));
    // With more index than there is room for, some data stays all the same.
    (0..200).for_each(|at| drop(read(&cache, &index, at, Use::Index)));
    let there = (0..500).filter(|at| has(&cache, &data, *at)).count();
    assert!((3..20).contains(&there), "{there}");
    // And all of it can be had for the last byte.
    cache.set_capacity(0);
    assert_eq!(cache.stats().frames, 0);
}

#[test]
fn a_smaller_capacity_holds_at_once() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let slots = Slots::new(300);
    let empty = own() + Slots::cost_of(300);
    let held: Vec<Frame> = (0..300).map(|at| read(&cache, &slots, at, Use::Point)).collect();
    for capacity in [30_000, empty + 1000, empty, 100, 0] {
        cache.set_capacity(capacity);
        let stats = cache.stats();
        assert!(stats.bytes <= capacity.max(empty), "{stats:?}");
        assert_eq!(budget.used_by(MemoryKind::Retired), 0);
    }
    assert_eq!(budget.used_by(MemoryKind::Pin), 300 * cost_of(100));
    cache.set_capacity(1 << 20);
    assert!(held.iter().enumerate().all(|(at, frame)| frame[..] == [at as u8; 100]));
    read(&cache, &slots, 4, Use::Point);
    assert!(has(&cache, &slots, 4));
}

#[test]
fn what_somebody_reaches_for_waits_beside_a_smaller_capacity() {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let slots = Slots::new(100);
    (0..100).for_each(|at| drop(read(&cache, &slots, at, Use::Point)));
    let pin = cache.gate.reach();
    let capacity = own() + Slots::cost_of(100) + 50 * cost_of(100);
    cache.set_capacity(capacity);
    let stats = cache.stats();
    assert!(stats.frames > 0 && stats.bytes > capacity, "{stats:?}");
    assert!(stats.bytes - stats.waiting <= capacity, "{stats:?}");
    assert_eq!(budget.used_by(MemoryKind::Retired), stats.waiting);
    // Nothing comes in meanwhile, and whoever loads it has it all the same.
    let gone = (0..100).find(|at| slots.resident(&cache.gate, *at).is_none()).unwrap();
    let alone = read(&cache, &slots, gone, Use::Point);
    assert!(alone[..] == [gone as u8; 100] && !has(&cache, &slots, gone));
    drop((alone, pin));
    read(&cache, &slots, gone, Use::Point);
    let stats = cache.stats();
    assert!(stats.waiting == 0 && stats.bytes <= capacity, "{stats:?}");
    assert!(has(&cache, &slots, gone));
}

/// One life of a cache in a single thread; what it did, as far as it can be seen.
fn life(seed: u64) -> Vec<u64> {
    const TABLES: usize = 4;
    const PLACES: usize = 40;
    let mut random = Random(seed);
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), own() + 10_000);
    let mut tables: Vec<(usize, Arc<Slots>)> =
        (0..TABLES).map(|name| (name, Slots::new(PLACES))).collect();
    let mut held: Vec<(usize, usize, Frame)> = Vec::new();
    let mut trace = Vec::new();
    for turn in 0..3000 {
        let (at, index) = (random.below(TABLES), random.below(PLACES));
        let (name, slots) = &tables[at];
        let how = [Use::Point, Use::Scan, Use::Bypass, Use::Index][random.below(4)];
        match random.below(100) {
            0 => cache.clear(slots),
            1 => cache.set_capacity(own() + random.below(30_000) as u64),
            2 => tables[at] = (TABLES + turn, Slots::new(PLACES)),
            3..15 => held.truncate(random.below(12)),
            15..20 => {
                let refuse = &mut || Err(Error::new(ErrorKind::Io, "no"));
                let got = cache.get_or_load(slots, index, how, refuse);
                assert!(got.is_err() || got.unwrap()[..] == block(*name, index));
            }
            20..40 => {
                let got = cache.get(slots, index);
                assert!(got.is_none_or(|frame| frame[..] == block(*name, index)));
            }
            _ => {
                let load = &mut || Ok(block(*name, index));
                let frame = cache.get_or_load(slots, index, how, load).unwrap();
                assert_eq!(frame[..], block(*name, index), "seed {seed}, turn {turn}");
                held.push((*name, index, frame));
                held.rotate_left(1);
                held.truncate(12);
            }
        }
        trace.push(check(&cache, &budget, &tables, &held, seed));
    }
    for (name, index, frame) in &held {
        assert_eq!(frame[..], block(*name, *index), "seed {seed}");
    }
    drop((cache, tables));
    let pinned: BTreeMap<_, u64> =
        held.iter().map(|(.., frame)| (frame.bytes().as_ptr(), frame.cost())).collect();
    assert!(budget.used() == pinned.values().sum::<u64>(), "seed {seed}");
    drop(held);
    assert_eq!(budget.used(), 0, "seed {seed}");
    trace
}

/// Compares all figures with what can be reached, and answers them.
fn check(
    cache: &Cache,
    budget: &Arc<Budget>,
    tables: &[(usize, Arc<Slots>)],
    held: &[(usize, usize, Frame)],
    seed: u64,
) -> u64 {
    let stats = cache.stats();
    let state = cache.state.lock();
    let mut resident = BTreeMap::new();
    for (_, slots) in tables {
        let reached = (0..slots.len()).filter_map(|at| slots.resident(&cache.gate, at));
        resident.extend(reached.map(|frame| (frame.bytes().as_ptr(), frame.cost())));
    }
    let mut pinned = BTreeMap::new();
    for (.., frame) in held {
        if !resident.contains_key(&frame.bytes().as_ptr()) {
            pinned.insert(frame.bytes().as_ptr(), frame.cost());
        }
    }
    let frames: u64 = resident.values().sum();
    assert_eq!(stats.frames, resident.len() as u64, "seed {seed}");
    assert_eq!(state.resident, frames, "seed {seed}");
    assert_eq!(state.retired, 0, "seed {seed}");
    assert_eq!(stats.bytes, frames + state.fixed.bytes() + state.ring.cost(), "seed {seed}");
    let pins: u64 = pinned.values().sum();
    assert_eq!(budget.used_by(MemoryKind::Pin), pins, "seed {seed}");
    assert_eq!(budget.used_by(MemoryKind::Retired), 0, "seed {seed}");
    assert_eq!(budget.used(), stats.bytes + pins, "seed {seed}");
    let is_within = stats.bytes <= stats.capacity;
    assert!(is_within || stats.frames == 0, "seed {seed}: {stats:?}");
    stats.frames << 40 | stats.hits << 20 | stats.evictions
}

#[test]
fn every_byte_is_accounted_for() {
    for seed in 0..40 {
        life(seed);
    }
}

#[test]
fn a_life_is_the_same_again() {
    for seed in 100..105 {
        // Other memory is free by then, so addresses differ.
        let first = life(seed);
        let _elsewhere: Vec<Vec<u8>> = (0..100).map(|at| vec![0; at * 50]).collect();
        assert_eq!(first, life(seed), "seed {seed}");
    }
}

#[test]
fn threads_get_the_right_blocks_or_none() {
    const TABLES: usize = 3;
    const PLACES: usize = 30;
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), own() + 6_000);
    let tables: Vec<Mutex<(usize, Arc<Slots>)>> =
        (0..TABLES).map(|name| Mutex::new((name, Slots::new(PLACES)))).collect();
    let turns = if cfg!(debug_assertions) { 15_000 } else { 60_000 };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (cache, budget, tables) = (&cache, &budget, &tables);
            scope.spawn(move || {
                let mut random = Random(thread as u64 + 77);
                let mut held: Vec<(usize, usize, Slice)> = Vec::new();
                for turn in 0..turns {
                    let (at, index) = (random.below(TABLES), random.below(PLACES));
                    let (name, slots) = tables[at].lock().clone();
                    let how = [Use::Point, Use::Scan, Use::Bypass, Use::Index][random.below(4)];
                    match random.below(200) {
                        0 => cache.clear(&slots),
                        1 => cache.set_capacity(own() + random.below(9_000) as u64),
                        2 => {
                            let name = TABLES + thread * turns + turn;
                            *tables[at].lock() = (name, Slots::new(PLACES));
                        }
                        3..100 => {
                            if let Some(frame) = cache.get(&slots, index) {
                                assert_eq!(frame[..], block(name, index));
                            }
                        }
                        100..103 => {
                            let fail = || {
                                let panics = &mut || resume_unwind(Box::new("thrown"));
                                cache.get_or_load(&slots, index, how, panics)
                            };
                            if let Ok(got) = catch_unwind(AssertUnwindSafe(fail)) {
                                assert_eq!(got.unwrap()[..], block(name, index));
                            }
                        }
                        _ => {
                            let load = &mut || Ok(block(name, index));
                            let frame = cache.get_or_load(&slots, index, how, load).unwrap();
                            assert_eq!(frame[..], block(name, index));
                            held.push((name, index, Slice::pinned(frame, |bytes| bytes)));
                        }
                    }
                    if held.len() > 8 {
                        let (name, index, bytes) = held.swap_remove(random.below(8));
                        assert_eq!(bytes, block(name, index));
                    }
                    if turn % 64 == 0 {
                        let stats = cache.stats();
                        let held = stats.bytes - stats.waiting;
                        assert!(held <= stats.capacity || stats.frames == 0, "{stats:?}");
                        assert!(budget.used() < 1 << 20);
                    }
                }
            });
        }
    });
    assert!(cache.misses.load(Ordering::Relaxed) > 0);
    cache.set_capacity(0);
    assert_eq!(cache.stats().frames, 0);
    assert_eq!(budget.used_by(MemoryKind::Pin), 0);
    assert_eq!(budget.used_by(MemoryKind::Retired), 0);
    drop((cache, tables));
    assert_eq!(budget.used(), 0);
}

#[test]
fn the_last_handle_may_go_while_a_block_leaves() {
    // Whoever drops the places last does it beside one who makes them leave.
    for round in 0..300 {
        let budget = Budget::new(0);
        let cache = Cache::new(Arc::clone(&budget), own() + 3000);
        let slots = Slots::new(20);
        (0..10).for_each(|at| drop(read(&cache, &slots, at, Use::Point)));
        std::thread::scope(|scope| {
            scope.spawn(|| cache.set_capacity(round));
            scope.spawn(|| drop(slots));
        });
        assert_eq!(cache.stats().frames, 0);
        cache.set_capacity(1);
        assert_eq!(budget.used(), cache.stats().bytes);
        drop(cache);
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn what_others_take_is_given_up() {
    let budget = Budget::new(1 << 20);
    let cache = Cache::new(Arc::clone(&budget), 0);
    cache.take_the_rest(100 << 10);
    let slots = Slots::new(4000);
    (0..4000).for_each(|index| drop(read(&cache, &slots, index, Use::Point)));
    let alone = cache.stats().bytes;
    assert!(alone > 700 << 10 && budget.used() <= budget.limit(), "{alone}");
    let others = budget.charge(MemoryKind::Memtable, 512 << 10);
    cache.give_way();
    assert!(budget.used() <= budget.limit());
    // Even if nothing is left it has its floor, and with the next blocks it takes all back.
    let more = budget.charge(MemoryKind::Buffer, 10 << 20);
    cache.give_way();
    assert!(cache.stats().bytes <= 100 << 10);
    (0..4000).for_each(|index| drop(read(&cache, &slots, index, Use::Point)));
    assert!(cache.stats().bytes > 50 << 10);
    drop((others, more));
    (0..4000).for_each(|index| drop(read(&cache, &slots, index, Use::Point)));
    assert!(cache.stats().bytes > 700 << 10 && budget.used() <= budget.limit());
}
