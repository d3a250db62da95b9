//! `Slots`: the places of a table's blocks, and the only way out of them.
//!
//! A place is a word: empty, a mark that a block was there, or the pointer to the resident frame,
//! of which the place owns one count. A reader goes from the word to a count of its own while it is
//! pinned. Whoever takes a frame out of its place leaves the place's count with the `Gate`, which
//! gives it back when no reader can be between the two steps any more. All of the proof is in this
//! file: what others can call here is safe.

#![allow(unsafe_code, reason = "a word that owns a count cannot be written otherwise")]

use std::collections::VecDeque;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Weak};

use crate::base::epoch::{Epoch, Pin};
use crate::base::sync::{AtomicPtr, AtomicU64, Mutex, Ordering, fixed};
use crate::cache::frame::{Frame, Glimpse, Head, ask_for};

/// Set in the word of a mark, and in no pointer to a frame.
const MARK: usize = 1;

/// Who answers for the frames in a set of places: the cache.
pub(crate) trait Keeper: Send + Sync {
    /// The places are gone, and these are the counts they owned; nobody reads them there any more.
    fn forget(&self, places: usize, frames: Vec<Frame>);
}

/// Places for blocks, owned by a table. They belong to the first cache that puts a block there.
pub struct Slots {
    /// The gate that what leaves goes through; 0 before the first block.
    gate: AtomicU64,
    words: Box<[AtomicPtr<Head>]>,
    keeper: Mutex<Option<Weak<dyn Keeper>>>,
}

impl Slots {
    /// So many places, all empty.
    #[must_use]
    pub fn new(len: usize) -> Arc<Slots> {
        let words = (0..len).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Arc::new(Slots { gate: AtomicU64::new(0), words, keeper: Mutex::new(None) })
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// What so many places take up.
    pub(crate) fn cost_of(len: usize) -> u64 {
        (size_of::<Slots>() as u64).saturating_add((len as u64).saturating_mul(8))
    }

    /// Makes them this gate's, if they are nobody's yet.
    pub(crate) fn bind(&self, gate: &Gate, keeper: impl FnOnce() -> Weak<dyn Keeper>) -> Binding {
        // It never changes once it is set.
        if self.gate.load(Ordering::Relaxed) == gate.id {
            return Binding::Old;
        }
        let mut place = self.keeper.lock();
        match self.gate.load(Ordering::Relaxed) {
            0 => {
                *place = Some(keeper());
                self.gate.store(gate.id, Ordering::Relaxed);
                Binding::New
            }
            id if id == gate.id => Binding::Old,
            _ => Binding::Foreign,
        }
    }

    /// Asks for the first `len` bytes of the block in a place, if one is resident.
    #[inline]
    pub fn ask(&self, index: usize, len: usize) {
        let word = self.words.get(index).map(|word| word.load(Ordering::Relaxed));
        if let Some(head) = word.and_then(frame_in) {
            ask_for(head, len);
        }
    }

    /// The resident frame, counted for the caller, if the places are the gate's: a hit.
    #[inline(always)]
    pub(crate) fn get(&self, gate: &Gate, index: usize) -> Option<Frame> {
        self.reach(gate, index, true)
    }

    /// The same, not taken for a hit.
    pub(crate) fn resident(&self, gate: &Gate, index: usize) -> Option<Frame> {
        // Most of those who ask this find nothing, which costs no pin.
        frame_in(self.words.get(index)?.load(Ordering::Relaxed))?;
        self.reach(gate, index, false)
    }

    #[inline(always)]
    fn reach(&self, gate: &Gate, index: usize, is_hit: bool) -> Option<Frame> {
        let word = self.words.get(index)?;
        if self.gate.load(Ordering::Relaxed) != gate.id {
            return None;
        }
        let Some(pin) = gate.epoch.pin() else { return gate.get_without_pin(word) };
        let head = frame_in(word.load(Ordering::SeqCst))?;
        // SAFETY: the word owned a count when it was loaded. Frames leave these places only by
        // `evict`, which leaves that count with this gate (`gate.id` is ours), and the gate gives
        // it back only when no pin is left from before: `pin` is one. Or by `drop`, which borrows
        // `self` for itself.
        let frame = unsafe { Frame::count_up(head) };
        if is_hit {
            pin.count(1);
        }
        Some(frame)
    }

    /// Puts a frame in its place, which gets a count of its own. False if another one is there, if
    /// there is no such place, or if the places are not this gate's.
    pub(crate) fn publish(&self, gate: &Gate, index: usize, frame: &Frame) -> bool {
        let Some(word) = self.words.get(index) else { return false };
        let before = word.load(Ordering::Relaxed);
        if self.gate.load(Ordering::Relaxed) != gate.id || frame_in(before).is_some() {
            return false;
        }
        let head = frame.clone().into_head();
        let done =
            word.compare_exchange(before, head.as_ptr(), Ordering::SeqCst, Ordering::Relaxed);
        if done.is_err() {
            // SAFETY: the word did not take the count that was made a pointer above.
            drop(unsafe { Frame::from_head(head) });
        }
        done.is_ok()
    }

    /// Takes `frame` out of its place and leaves the place's count with the gate, and the mark in
    /// the place if there is one. False if it is not there.
    pub(crate) fn evict(&self, gate: &Gate, index: usize, frame: &Frame, mark: Mark) -> bool {
        let Some(word) = self.words.get(index) else { return false };
        if self.gate.load(Ordering::Relaxed) != gate.id {
            return false;
        }
        let head = frame.place();
        let (from, to) = (head.as_ptr(), mark.word());
        if word.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_err() {
            return false;
        }
        // SAFETY: the word owned a count, and no longer has it: of all who try, one succeeds.
        gate.retire(unsafe { Frame::from_head(head) });
        true
    }

    /// The mark that the last frame left in a place, if none is there now.
    pub(crate) fn mark(&self, index: usize) -> Option<Mark> {
        let word = self.words.get(index)?.load(Ordering::Relaxed).addr();
        (word & MARK != 0).then_some(Mark(Some((word >> 1) as u64)))
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let words = self.words.iter().filter_map(|word| frame_in(word.load(Ordering::Relaxed)));
        // SAFETY: the words owned these counts, and are gone after this. No reader is between word
        // and count: readers borrow the places.
        let frames: Vec<Frame> = words.map(|head| unsafe { Frame::from_head(head) }).collect();
        let keeper = self.keeper.get_mut().take();
        if let Some(keeper) = keeper.and_then(|keeper| keeper.upgrade()) {
            keeper.forget(self.words.len(), frames);
        }
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slots({})", self.len())
    }
}

/// A reader's turn: what it finds in places of the gate stays until it is over.
///
/// It is only ever lent by `Gate::turn`, so a turn within another one is over before that: only
/// the outermost pin of a thread holds anything back.
#[derive(Debug)]
pub struct Turn<'g> {
    gate: &'g Gate,
    pin: Pin<'g>,
}

impl Turn<'_> {
    /// The resident frame in a place of this gate's.
    #[inline(always)]
    #[must_use]
    pub fn look<'t>(&'t self, slots: &'t Slots, index: usize) -> Option<Glimpse<'t>> {
        let word = slots.words.get(index)?;
        if slots.gate.load(Ordering::Relaxed) != self.gate.id {
            return None;
        }
        let head = frame_in(word.load(Ordering::SeqCst))?;
        // SAFETY: the word owned a count when it was loaded. As in `reach`, that count is given
        // back only when no pin is left from before, or by the `drop` of the places: for `'t` this
        // turn's pin is there, and the places are borrowed.
        Some(unsafe { Glimpse::new(head) })
    }

    /// Takes so many looks for hits.
    #[inline]
    pub fn count(&self, hits: u64) {
        self.pin.count(hits);
    }
}

/// What `Slots::bind` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    New,
    Old,
    Foreign,
}

/// What is left in a place when a frame goes: when that was, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(Option<u64>);

impl Mark {
    pub(crate) const NONE: Mark = Mark(None);

    /// A mark of this time; of its low 63 bits.
    pub(crate) fn at(time: u64) -> Mark {
        Mark(Some(time << 1 >> 1))
    }

    pub(crate) fn time(self) -> Option<u64> {
        self.0
    }

    fn word(self) -> *mut Head {
        let address = self.0.map_or(0, |time| (time as usize) << 1 | MARK);
        ptr::without_provenance_mut(address)
    }
}

/// The frame that a word points at.
#[inline]
fn frame_in(word: *mut Head) -> Option<NonNull<Head>> {
    // Heads are aligned to more than the mark's bit.
    if word.addr() & MARK == 0 { NonNull::new(word) } else { None }
}

/// Where counts wait that were taken out of their places.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Not 0, and never given twice, so that no other gate's places are taken for ours.
    id: u64,
    epoch: Epoch,
    /// With the stamp of their eviction, oldest first.
    waiting: Mutex<VecDeque<(u64, Frame)>>,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        static NEXT: fixed::AtomicU64 = fixed::AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Gate { id, epoch: Epoch::new(), waiting: Mutex::new(VecDeque::new()) }
    }

    /// Those that nobody can be reaching for any more: the counts their places had.
    pub(crate) fn settle(&self, settled: &mut Vec<Frame>) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            return;
        }
        let oldest = self.epoch.oldest();
        while waiting.front().is_some_and(|(stamp, _)| *stamp < oldest) {
            settled.extend(waiting.pop_front().map(|(_, frame)| frame));
        }
    }

    /// Lets `look` see what is resident, without counting; `None` to threads past the last lane.
    /// What leaves meanwhile is held back, so a turn must be short: no I/O, no waiting, nobody
    /// else's code.
    #[inline]
    pub(crate) fn turn<T>(&self, look: impl FnOnce(&Turn<'_>) -> T) -> Option<T> {
        Some(look(&Turn { gate: self, pin: self.epoch.pin()? }))
    }

    /// Holds back what leaves, as a reader does that is reaching for a frame.
    #[cfg(test)]
    pub(crate) fn reach(&self) -> Option<crate::base::epoch::Pin<'_>> {
        self.epoch.pin()
    }

    /// How many frames were got while pinned.
    pub(crate) fn hits(&self) -> u64 {
        self.epoch.tally()
    }

    fn retire(&self, frame: Frame) {
        let mut waiting = self.waiting.lock();
        // Under the lock, so that the stamps in the queue ascend.
        waiting.push_back((self.epoch.stamp(), frame));
    }

    /// The way of the threads past the last lane.
    #[cold]
    fn get_without_pin(&self, word: &AtomicPtr<Head>) -> Option<Frame> {
        let _waiting = self.waiting.lock();
        let head = frame_in(word.load(Ordering::SeqCst))?;
        // SAFETY: the word owned a count when it was loaded. That count is in the word still, or
        // was taken out after the load by an `evict` that cannot leave it to `settle` before the
        // lock is free: what `settle` gave back under this lock before was out of its word by then.
        Some(unsafe { Frame::count_up(head) })
    }
}

#[cfg(test)]
mod tests;
