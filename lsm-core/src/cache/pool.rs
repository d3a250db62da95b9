//! `Cache`: which blocks stay in memory, within a number of bytes that is kept exactly.
//!
//! A block that is read for the first time is on probation: it leaves when a tenth of the capacity
//! is on probation and it is the oldest there, unless somebody wanted it meanwhile. Those are kept,
//! and go round a clock: each time one comes first and was wanted since the last time, it goes to
//! the back. So what is read once, as by a scan, never pushes out what is read again and again. A
//! place remembers for a while that its block left on probation; if it is wanted then, it is kept
//! at once. Index blocks go round a clock of their own and leave after the data blocks.
//!
//! A block that leaves is freed when nobody is reaching for it, mostly at once. If not, its bytes
//! wait, and count; nothing is let in over the capacity while they do.
//!
//! Two threads that miss the same block at the same time both load it, and the second one takes the
//! first one's frame. This is harmless, because a block never changes, and nobody ever waits for
//! another one's load: a load may fail, panic, or use the cache itself.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::epoch::Epoch;
use crate::base::error::Result;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::cache::draft::Draft;
use crate::cache::frame::Frame;
use crate::cache::purpose::Use;
use crate::cache::ring::{Queue, Resident, Ring};
use crate::cache::slab::{Cell, PAGE, Slab, cell_len};
use crate::cache::slots::{Binding, Gate, Keeper, Mark, Slots, Turn};

mod room;

/// The part of the room that is for probation: one in so many.
const PROBATION: u64 = 10;
/// So many places are cleared at a time.
const CLEARED_AT_ONCE: usize = 256;
/// Where the capacity is what others leave, one part in so many of the budget stays free, for what
/// they take before they are followed.
const HEADROOM: u64 = 16;
/// From this capacity on frames lie in cells of pages.
const CAPACITY_FOR_PAGES: u64 = 64 << 20;
/// One part in so many of such a capacity is left to cells that are not in use.
const SPARE: u64 = 32;

/// What the cache did so far, and what it has.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Blocks that were resident when they were asked for.
    pub hits: u64,
    /// Blocks that had to be loaded, whether or not that succeeded.
    pub misses: u64,
    /// Blocks that had to leave because room was needed.
    pub evictions: u64,
    /// Blocks that are resident.
    pub frames: u64,
    /// What counts against the capacity: resident blocks, those that wait to be freed, and what
    /// is needed to find them.
    pub bytes: u64,
    /// The part of these bytes that waits to be freed: blocks that have left while somebody was
    /// just reaching for one. Until the next call of the cache after that, they may stand over the
    /// capacity, if it was made smaller or another table came.
    pub waiting: u64,
    /// How much `bytes` may be.
    pub capacity: u64,
}

/// A cache of blocks, shared by all tables of a database.
pub struct Cache {
    gate: Gate,
    budget: Arc<Budget>,
    misses: AtomicU64,
    state: Mutex<State>,
    slab: Arc<Slab>,
    this: Weak<Cache>,
}

struct State {
    capacity: u64,
    /// Set where the capacity is what others leave of the budget, and this at least.
    floor: Option<u64>,
    ring: Ring,
    /// Costs of frames in their places.
    resident: u64,
    /// Costs of frames that wait at the gate.
    retired: u64,
    /// What is needed to find them.
    fixed: Charge,
    ring_cost: Charge,
    evictions: u64,
}

/// What is dropped once the lock is free: dropping frees memory, and may come back for the lock.
#[derive(Default)]
struct Trash {
    drafts: Vec<Draft>,
    frames: Vec<Frame>,
    slots: Vec<Arc<Slots>>,
}

impl Cache {
    /// A cache that holds up to so many bytes and charges them to `budget`.
    #[must_use]
    pub fn new(budget: Arc<Budget>, capacity_bytes: u64) -> Arc<Cache> {
        let own = (size_of::<Cache>() + Epoch::BYTES) as u64;
        let state = State {
            capacity: capacity_bytes,
            floor: None,
            ring: Ring::new(),
            resident: 0,
            retired: 0,
            fixed: budget.charge(MemoryKind::Index, own),
            ring_cost: budget.charge(MemoryKind::Index, 0),
            evictions: 0,
        };
        Arc::new_cyclic(|this| Cache {
            gate: Gate::new(),
            slab: Slab::new(&budget),
            budget,
            misses: AtomicU64::new(0),
            state: Mutex::new(state),
            this: Weak::clone(this),
        })
    }

    /// Changes how much may be held; what is too much leaves before this returns. What somebody is
    /// reaching for just then is freed later, and counts as `waiting` until then.
    pub fn set_capacity(&self, bytes: u64) {
        let mut trash = Trash::default();
        {
            let mut state = self.state.lock();
            let is_less = bytes < state.capacity;
            state.capacity = bytes;
            if is_less {
                // Before, so that no more has to leave than must, and after it for the rest.
                state.ring.shrink();
                self.make_room(&mut state, 0, &mut trash);
                state.ring.shrink();
                let cost = state.ring.cost();
                state.ring_cost.resize(cost);
            }
            self.settle(&mut state, &mut trash);
        }
    }

    /// From now on it holds what all others leave of the budget, whatever they take or give back,
    /// but `floor` bytes at least.
    pub fn take_the_rest(&self, floor: u64) {
        self.state.lock().floor = Some(floor);
        self.give_way();
    }

    /// Makes room for what others have taken since. It does so by itself with each block that is
    /// loaded; who takes memory otherwise calls this.
    pub fn give_way(&self) {
        if self.budget.left() > self.budget.limit() / HEADROOM {
            return;
        }
        let mut trash = Trash::default();
        let mut state = self.state.lock();
        self.follow(&mut state, &mut trash);
        drop(state);
    }

    /// The block in a place, if it is resident.
    #[inline]
    #[must_use]
    pub fn get(&self, slots: &Slots, index: usize) -> Option<Frame> {
        let frame = slots.get(&self.gate, index)?;
        frame.touch();
        Some(frame)
    }

    /// The same for somebody who passes: this is no reason to keep it.
    #[inline]
    #[must_use]
    pub fn pass(&self, slots: &Slots, index: usize) -> Option<Frame> {
        slots.get(&self.gate, index)
    }

    /// Lets `look` see several blocks that are resident in one turn, without counting each: it
    /// must be quick, and load nothing. `None` where there are too many threads for that.
    #[inline]
    pub fn turn<T>(&self, look: impl FnOnce(&Turn<'_>) -> T) -> Option<T> {
        self.gate.turn(look)
    }

    /// The block in a place; if it is not resident, what `load` answers, which is called with no
    /// lock held and may use the cache. Two at once may both load, and get the same frame.
    pub fn get_or_load(
        &self,
        slots: &Arc<Slots>,
        index: usize,
        how: Use,
        load: &mut dyn FnMut() -> Result<Vec<u8>>,
    ) -> Result<Frame> {
        self.get_or_draft(slots, index, how, &mut || Draft::copy_of(&load()?))
    }

    /// The same for a `load` that writes the block where it will stay, which saves a copy.
    pub fn get_or_draft(
        &self,
        slots: &Arc<Slots>,
        index: usize,
        how: Use,
        load: &mut dyn FnMut() -> Result<Draft>,
    ) -> Result<Frame> {
        if let Some(frame) = slots.get(&self.gate, index) {
            if matches!(how, Use::Point | Use::Index) {
                frame.touch();
            }
            return Ok(frame);
        }
        how.check_disk()?;
        self.misses.fetch_add(1, Ordering::Relaxed);
        let draft = load()?;
        if matches!(how, Use::Bypass | Use::Aside) {
            return Ok(draft.admit(&self.budget, MemoryKind::Pin));
        }
        let mut trash = Trash::default();
        let mut state = self.state.lock();
        let frame = self.publish(&mut state, (slots, index), how, draft, &mut trash);
        drop(state);
        Ok(frame)
    }

    /// Lets all blocks of these places leave. What is loaded meanwhile may stay, until the places
    /// are dropped.
    pub fn clear(&self, slots: &Arc<Slots>) {
        for start in (0..slots.len()).step_by(CLEARED_AT_ONCE) {
            let mut trash = Trash::default();
            let mut state = self.state.lock();
            for index in start..slots.len().min(start + CLEARED_AT_ONCE) {
                let Some(frame) = slots.resident(&self.gate, index) else { continue };
                self.evict(&mut state, frame.node(), Mark::NONE, &mut trash);
                trash.frames.push(frame);
            }
            self.settle(&mut state, &mut trash);
            drop(state);
        }
    }

    /// What it did and has.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let state = self.state.lock();
        CacheStats {
            hits: self.gate.hits(),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: state.evictions,
            frames: state.ring.len() as u64,
            bytes: self.used(&state),
            waiting: state.retired,
            capacity: state.capacity,
        }
    }

    /// What all is charged to.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Brings the capacity in line with what others have of the budget.
    fn follow(&self, state: &mut State, trash: &mut Trash) {
        let Some(floor) = state.floor else { return };
        self.settle(state, trash);
        let others = self.budget.used().saturating_sub(self.used(state));
        let limit = self.budget.limit();
        let rest = limit.saturating_sub(limit / HEADROOM).saturating_sub(others);
        state.capacity = rest.max(floor);
        self.make_room(state, 0, trash);
        if state.fixed.bytes() + state.ring.cost() + state.resident > state.capacity {
            state.ring.shrink();
            let cost = state.ring.cost();
            state.ring_cost.resize(cost);
        }
        self.settle(state, trash);
    }

    /// Puts a loaded block in its place if there is room, and answers the frame to be used.
    fn publish(
        &self,
        state: &mut State,
        (slots, index): (&Arc<Slots>, usize),
        how: Use,
        draft: Draft,
        trash: &mut Trash,
    ) -> Frame {
        self.follow(state, trash);
        if !self.owns(state, slots, trash) {
            return draft.admit(&self.budget, MemoryKind::Pin);
        }
        if let Some(resident) = slots.resident(&self.gate, index) {
            trash.drafts.push(draft);
            return resident;
        }
        let growth = state.ring.growth();
        let need = state.cost_of(&draft).saturating_add(growth);
        if state.room() >= need {
            self.settle(state, trash);
            self.make_room(state, need, trash);
            self.settle(state, trash);
        }
        let cell = self.cell_for(state, &draft);
        let cost = cell.as_ref().map_or(draft.cost(), |cell| cell.len as u64);
        self.keep_within(state, cost + growth, trash);
        // What waits at the gate may have left no room: then the frame is the caller's alone.
        let has_room = self.used(state).saturating_add(cost + growth) <= state.capacity;
        let Some(index) = u32::try_from(index).ok().filter(|_| has_room) else {
            cell.into_iter().for_each(|cell| self.slab.give(cell.id));
            return draft.admit(&self.budget, MemoryKind::Pin);
        };
        let queue = state.queue_for(how, slots.mark(index as usize));
        let is_index = how == Use::Index;
        let kind = if is_index { MemoryKind::Index } else { MemoryKind::Block };
        let frame = self.admit(draft, cell, kind, trash);
        if !slots.publish(&self.gate, index as usize, &frame) {
            frame.set_kind(MemoryKind::Pin);
            return frame;
        }
        state.resident += cost;
        let leaves_mark = how == Use::Point;
        let (slots, own) = (Arc::downgrade(slots), frame.clone());
        state.ring.push(queue, Resident { frame: own, slots, index, leaves_mark });
        let cost = state.ring.cost();
        if cost != state.ring_cost.bytes() {
            state.ring_cost.resize(cost);
        }
        frame
    }

    /// A cell for a draft; none in a small cache, or if no page has one and none may be taken up.
    fn cell_for(&self, state: &State, draft: &Draft) -> Option<Cell> {
        let may_grow = self.used(state).saturating_add(PAGE as u64) <= state.capacity;
        if state.has_pages() { self.slab.take(draft.full_len(), may_grow) } else { None }
    }

    /// What a draft becomes: a frame in the cell, or where it is.
    fn admit(
        &self,
        draft: Draft,
        cell: Option<Cell>,
        kind: MemoryKind,
        trash: &mut Trash,
    ) -> Frame {
        let admit = |cell| draft.admit_to((&self.slab, cell), &self.budget, kind);
        match cell.and_then(admit) {
            Some(frame) => {
                trash.drafts.push(draft);
                frame
            }
            None => draft.admit(&self.budget, kind),
        }
    }

    /// What counts against the capacity.
    fn used(&self, state: &State) -> u64 {
        state.used().saturating_add(self.slab.slack())
    }

    /// True if the places are ours, or become so.
    fn owns(&self, state: &mut State, slots: &Slots, trash: &mut Trash) -> bool {
        let keeper = || -> Weak<dyn Keeper> { self.this.clone() };
        match slots.bind(&self.gate, keeper) {
            Binding::Old => true,
            Binding::New => {
                state.add_fixed(Slots::cost_of(slots.len()));
                self.make_room(state, 0, trash);
                self.settle(state, trash);
                true
            }
            Binding::Foreign => false,
        }
    }
}

impl Keeper for Cache {
    fn forget(&self, places: usize, frames: Vec<Frame>) {
        let mut trash = Trash { frames, ..Trash::default() };
        let mut state = self.state.lock();
        let mut residents = Vec::with_capacity(trash.frames.len());
        for frame in &trash.frames {
            let Some(resident) = state.ring.remove(frame.node()) else { continue };
            state.resident -= frame.cost();
            frame.set_kind(MemoryKind::Pin);
            residents.push(resident.frame);
        }
        trash.frames.append(&mut residents);
        state.sub_fixed(Slots::cost_of(places));
        self.settle(&mut state, &mut trash);
        drop(state);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({:?})", self.stats())
    }
}

impl State {
    /// What counts against the capacity, but for unused parts of pages.
    fn used(&self) -> u64 {
        self.resident + self.retired + self.fixed.bytes() + self.ring.cost()
    }

    /// What frames in their places may cost.
    fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.fixed.bytes() + self.ring.cost() + self.spare())
    }

    /// What is left to cells that are not in use.
    fn spare(&self) -> u64 {
        if self.has_pages() { self.capacity / SPARE } else { 0 }
    }

    /// True if frames may lie in cells.
    fn has_pages(&self) -> bool {
        self.capacity >= CAPACITY_FOR_PAGES
    }

    /// What a draft will count for.
    fn cost_of(&self, draft: &Draft) -> u64 {
        let cell = cell_len(draft.full_len()).filter(|_| self.has_pages());
        cell.map_or(0, |len| len as u64).max(draft.cost())
    }

    fn add_fixed(&mut self, bytes: u64) {
        let bytes = self.fixed.bytes().saturating_add(bytes);
        self.fixed.resize(bytes);
    }

    fn sub_fixed(&mut self, bytes: u64) {
        let bytes = self.fixed.bytes().saturating_sub(bytes);
        self.fixed.resize(bytes);
    }

    /// Where a new frame waits.
    fn queue_for(&self, how: Use, mark: Option<Mark>) -> Queue {
        let age = mark.and_then(Mark::time).map(|time| self.evictions.wrapping_sub(time));
        match how {
            Use::Index => Queue::Index,
            Use::Point if age.is_some_and(|age| age <= self.ring.len() as u64) => Queue::Kept,
            _ => Queue::New,
        }
    }

    /// The queue whose first frame is to leave.
    fn who_leaves(&self) -> Option<Queue> {
        let [new, kept, index] =
            [Queue::New, Queue::Kept, Queue::Index].map(|queue| self.ring.bytes_of(queue));
        let share = self.room() / PROBATION;
        // The index leaves last, but where it fills all, it does not starve the data for ever.
        let is_all_index = new + kept <= share && index > self.room() / 2;
        if index > 0 && (new + kept == 0 || is_all_index) {
            Some(Queue::Index)
        } else if new > 0 && (new > share || kept == 0) {
            Some(Queue::New)
        } else if kept > 0 {
            Some(Queue::Kept)
        } else {
            None
        }
    }
}

#[cfg(all(test, lsm_loom))]
mod loom_test;
#[cfg(test)]
mod tests;
