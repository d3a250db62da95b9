//! Getters, a loader and one who makes blocks leave, on one or two places.
//!
//! All of the cache is real: places, gate, counts, ring. Freed frames stay in memory there, and the
//! model sees to it that nobody reads them.

use std::sync::Arc;

use super::{Cache, Use};
use crate::base::budget::Budget;
use crate::base::sync::model::{Bound, Mistake, finds, holds, spawn};
use crate::cache::slots::Slots;

/// What makes blocks leave.
#[derive(Clone, Copy)]
enum Leave {
    Clear,
    Shrink,
}

struct Cast {
    places: usize,
    getters: usize,
    glancers: usize,
    loaders: usize,
    leave: Leave,
}

fn get(cache: &Cache, slots: &Slots, index: usize) {
    if let Some(frame) = cache.get(slots, index) {
        assert_eq!(frame.bytes(), [index as u8; 8]);
        assert!(frame.references() > 0);
    }
}

/// Looks without counting, and keeps what it saw for longer than the turn.
fn glance(cache: &Cache, slots: &Slots, index: usize) {
    let kept = cache.turn(|turn| {
        let glimpse = turn.look(slots, index)?;
        assert_eq!(glimpse.bytes(), [index as u8; 8]);
        Some(glimpse.keep())
    });
    if let Some(frame) = kept.flatten() {
        assert_eq!(frame.bytes(), [index as u8; 8]);
    }
}

fn load(cache: &Cache, slots: &Arc<Slots>, index: usize) {
    let load = &mut || Ok(vec![index as u8; 8]);
    let frame = cache.get_or_load(slots, index, Use::Point, load).unwrap();
    assert_eq!(frame.bytes(), [index as u8; 8]);
}

fn play(cast: &Cast) {
    let budget = Budget::new(0);
    let cache = Cache::new(Arc::clone(&budget), 1 << 20);
    let slots = Slots::new(cast.places);
    (0..cast.places).for_each(|index| load(&cache, &slots, index));
    let mut threads = Vec::new();
    let (getters, glancers) = (cast.getters, cast.getters + cast.glancers);
    for number in 0..glancers + cast.loaders {
        let (cache, slots) = (Arc::clone(&cache), Arc::clone(&slots));
        let index = number % cast.places;
        threads.push(spawn(move || match number {
            _ if number < getters => get(&cache, &slots, index),
            _ if number < glancers => glance(&cache, &slots, index),
            _ => load(&cache, &slots, index),
        }));
    }
    match cast.leave {
        Leave::Clear => cache.clear(&slots),
        Leave::Shrink => cache.set_capacity(0),
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // Nobody is left who could be reaching for a block.
    cache.clear(&slots);
    assert_eq!(cache.state.lock().retired, 0);
    drop(slots);
    drop(cache);
    assert_eq!(budget.used(), 0);
}

const BOUND: Bound = Bound { preemptions: 2, seconds: 8 };
const GET: Cast = Cast { places: 1, getters: 1, glancers: 0, loaders: 0, leave: Leave::Clear };
const GLANCE: Cast = Cast { getters: 0, glancers: 1, ..GET };

#[test]
fn a_getter_beside_one_who_clears() {
    holds("cache, get, clear", Bound { preemptions: 3, seconds: 8 }, || play(&GET));
    holds("cache, get, shrink", BOUND, || play(&Cast { leave: Leave::Shrink, ..GET }));
    holds("cache, two getters, clear", BOUND, || play(&Cast { getters: 2, ..GET }));
}

#[test]
fn a_glancer_beside_one_who_clears() {
    holds("cache, glance, clear", Bound { preemptions: 3, seconds: 8 }, || play(&GLANCE));
    holds("cache, glance, shrink", BOUND, || play(&Cast { leave: Leave::Shrink, ..GLANCE }));
    holds("cache, glance, load, clear", BOUND, || play(&Cast { loaders: 1, ..GLANCE }));
}

#[test]
fn a_loader_beside_one_who_clears() {
    holds("cache, load, clear", BOUND, || play(&Cast { getters: 0, loaders: 1, ..GET }));
    holds("cache, get, load, clear", BOUND, || play(&Cast { loaders: 1, ..GET }));
    holds("cache, two loaders, clear", BOUND, || play(&Cast { getters: 0, loaders: 2, ..GET }));
}

#[test]
fn all_at_once_on_two_places() {
    let bound = Bound { preemptions: 1, seconds: 8 };
    holds("cache, all, clear", bound, || {
        play(&Cast { places: 2, getters: 2, loaders: 1, ..GET });
    });
    holds("cache, all, shrink", bound, || {
        play(&Cast { getters: 2, loaders: 1, leave: Leave::Shrink, ..GET });
    });
}

#[test]
fn weaker_orderings_are_found() {
    let find = Bound { preemptions: 3, seconds: 30 };
    for mistake in [Mistake::SeqCst, Mistake::Counts] {
        finds("cache", find, Some(mistake), || play(&GET));
    }
    finds("cache, glance", find, Some(Mistake::SeqCst), || play(&GLANCE));
}
