//! Where handles lead: places that are never freed, each of which knows its generation.
//!
//! A place counts who is using it, or is used by one thread alone. Whoever comes with an old
//! handle, or while another thread has the place for itself, is told so; whoever takes the content
//! away waits for those that are still in. Nothing here takes a lock.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use lsm_core::{Error, ErrorKind, Result};

use crate::border::handle::{Handle, INDEX_MAX, Kind, busy, closed};
use crate::border::thread::is_in_callback;

/// The first segment has so many places, each further one twice as many as the one before.
const FIRST: u32 = 64;
const SEGMENTS: usize = 19;
/// Free places are kept in so many heaps, so that threads seldom meet at one.
const HEAPS: usize = 8;

/// How a place is used: the low half of its state. The high half is its generation.
pub(crate) const FREE: u64 = 0;
pub(crate) const LIVE: u64 = 1 << 31;
const ALONE: u64 = 1 << 30;
const LEAVING: u64 = 1;
const USERS: u64 = ALONE - 1;

pub(crate) fn state_of(generation: u32, usage: u64) -> u64 {
    u64::from(generation) << 32 | usage
}

fn is_live(state: u64, generation: u32) -> bool {
    state >> 32 == u64::from(generation) && state & LIVE != 0
}

/// One place.
pub(crate) struct Slot<T> {
    pub(crate) state: AtomicU64,
    /// The next free place, one more than its index; 0 for none.
    next: AtomicU32,
    pub(crate) content: UnsafeCell<MaybeUninit<T>>,
}

/// The places of one kind of handle.
pub(crate) struct Table<T: 'static> {
    pub(crate) kind: Kind,
    segments: [AtomicPtr<Slot<T>>; SEGMENTS],
    /// How many places were ever in use.
    made: AtomicU32,
    /// The first free place of each heap, one more than its index, under a count of changes.
    free: [Heap; HEAPS],
}

/// On a cache line of its own.
#[repr(align(64))]
struct Heap(AtomicU64);

// SAFETY: contents are handed from thread to thread, and shared only where `T` is Sync: `share` and
// `borrow` ask for that. All else is atomic.
unsafe impl<T: Send> Sync for Table<T> {}

impl<T: Send> Table<T> {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS],
            made: AtomicU32::new(0),
            free: [const { Heap(AtomicU64::new(0)) }; HEAPS],
        }
    }

    /// Puts something in, and answers its handle as C gets it.
    pub(crate) fn insert(&'static self, content: T) -> Result<usize> {
        Ok(self.insert_at(content, |_| ())?.0)
    }

    /// The same, and answers something about the content where it now stands, until it is taken
    /// out.
    #[inline]
    pub(crate) fn insert_at<U>(
        &'static self,
        content: T,
        fill: impl FnOnce(&mut T) -> U,
    ) -> Result<(usize, U)> {
        let (index, slot) = self.claim()?;
        let generation = (slot.state.load(Ordering::Relaxed) >> 32) as u32;
        // SAFETY: the place is free and was claimed by this thread: nobody else looks inside.
        let seen = fill(unsafe { (*slot.content.get()).write(content) });
        slot.state.store(state_of(generation, LIVE), Ordering::Release);
        Ok((Handle { index, generation }.to_word(self.kind), seen))
    }

    /// Takes something away: its handle is of no use from then on.
    #[inline]
    pub(crate) fn remove(&'static self, word: usize) -> Result<()> {
        let (handle, slot) = self.find(word)?;
        let idle = state_of(handle.generation, LIVE);
        let gone = state_of(handle.generation, LEAVING);
        let mut tries = 0;
        while let Err(state) =
            slot.state.compare_exchange(idle, gone, Ordering::Acquire, Ordering::Relaxed)
        {
            if !is_live(state, handle.generation) {
                return Err(closed(self.kind));
            }
            // It may be this very thread that is in, beneath the callback.
            if is_in_callback() {
                return Err(busy(self.kind));
            }
            wait(&mut tries);
        }
        // SAFETY: the place was live, so it is filled; nobody is in, and nobody comes in any more.
        unsafe { (*slot.content.get()).assume_init_drop() };
        self.give_back(handle, slot);
        Ok(())
    }

    /// Uses something that other threads may be using too.
    pub(crate) fn share(&'static self, word: usize) -> Result<Shared<T>>
    where
        T: Sync,
    {
        let (handle, slot) = self.find(word)?;
        let mut state = slot.state.load(Ordering::Relaxed);
        loop {
            if !is_live(state, handle.generation) {
                return Err(closed(self.kind));
            }
            if state & ALONE != 0 || state & USERS == USERS {
                return Err(busy(self.kind));
            }
            let entered = slot.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match entered {
                Ok(_) => return Ok(Shared { slot }),
                Err(other) => state = other,
            }
        }
    }

    /// Uses something that one thread at a time may use.
    #[inline]
    pub(crate) fn own(&'static self, word: usize) -> Result<Owned<T>> {
        let (handle, slot) = self.find(word)?;
        let idle = state_of(handle.generation, LIVE);
        match slot.state.compare_exchange(idle, idle | ALONE, Ordering::Acquire, Ordering::Relaxed)
        {
            Ok(_) => Ok(Owned { slot, idle }),
            Err(state) if is_live(state, handle.generation) => Err(busy(self.kind)),
            Err(_) => Err(closed(self.kind)),
        }
    }

    /// The place that a handle leads to, of whatever generation it is now.
    #[inline]
    pub(crate) fn find(&'static self, word: usize) -> Result<(Handle, &'static Slot<T>)> {
        let handle = Handle::from_word(word, self.kind)?;
        let slot = self.slot(handle.index).ok_or_else(|| closed(self.kind))?;
        Ok((handle, slot))
    }

    #[inline]
    fn slot(&self, index: u32) -> Option<&'static Slot<T>> {
        let (segment, offset) = place_of(index);
        let start = self.segments.get(segment)?.load(Ordering::Acquire);
        if start.is_null() {
            return None;
        }
        // SAFETY: a segment has as many places as `place_of` says, and is never freed.
        Some(unsafe { &*start.add(offset) })
    }

    /// A place of the next generation for whoever comes next; none if all generations are used up.
    pub(crate) fn give_back(&self, handle: Handle, slot: &Slot<T>) {
        let Some(generation) = handle.generation.checked_add(1) else { return };
        slot.state.store(state_of(generation, FREE), Ordering::Release);
        let Some(Heap(heap)) = self.free.get(heap_of_thread()) else { return };
        let mut head = heap.load(Ordering::Relaxed);
        loop {
            slot.next.store(head as u32, Ordering::Relaxed);
            let new = changed(head, handle.index + 1);
            match heap.compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// A free place, for this thread alone.
    fn claim(&'static self) -> Result<(u32, &'static Slot<T>)> {
        let mine = heap_of_thread();
        if let Some(found) = self.pop(mine) {
            return Ok(found);
        }
        if let Some(found) = self.make() {
            return Ok(found);
        }
        (0..HEAPS).find_map(|heap| self.pop(heap)).ok_or_else(|| {
            Error::new(ErrorKind::OutOfMemory, "too many handles of one kind are in use")
        })
    }

    fn pop(&'static self, heap: usize) -> Option<(u32, &'static Slot<T>)> {
        let Heap(heap) = self.free.get(heap)?;
        let mut head = heap.load(Ordering::Acquire);
        loop {
            let index = (head as u32).checked_sub(1)?;
            let slot = self.slot(index)?;
            let new = changed(head, slot.next.load(Ordering::Relaxed));
            match heap.compare_exchange_weak(head, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(other) => head = other,
            }
        }
    }

    /// A place that was never used.
    fn make(&'static self) -> Option<(u32, &'static Slot<T>)> {
        let next = |made: u32| (made <= INDEX_MAX).then_some(made + 1);
        let index = self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        let (segment, _) = place_of(index);
        let start = self.segments.get(segment)?;
        if start.load(Ordering::Acquire).is_null() {
            let new = new_segment::<T>((FIRST as usize) << segment);
            let (done, seen) = (Ordering::AcqRel, Ordering::Acquire);
            if start.compare_exchange(ptr::null_mut(), new.as_mut_ptr(), done, seen).is_err() {
                // SAFETY: another thread was first, so nobody else has seen this segment.
                drop(unsafe { Box::from_raw(new) });
            }
        }
        Some((index, self.slot(index)?))
    }
}

fn new_segment<T>(places: usize) -> &'static mut [Slot<T>] {
    let free = || Slot {
        // Generations begin at 1: no handle of the first place is a small number.
        state: AtomicU64::new(state_of(1, FREE)),
        next: AtomicU32::new(0),
        content: UnsafeCell::new(MaybeUninit::uninit()),
    };
    Box::leak(std::iter::repeat_with(free).take(places).collect())
}

/// A heap's first place is now another one.
fn changed(head: u64, first: u32) -> u64 {
    (head >> 32).wrapping_add(1) << 32 | u64::from(first)
}

/// The segment of a place, and where in it.
#[inline]
fn place_of(index: u32) -> (usize, usize) {
    let shifted = index + FIRST;
    let segment = shifted.ilog2() - FIRST.ilog2();
    (segment as usize, (shifted - (FIRST << segment)) as usize)
}

/// The heap of this thread: told by where its stack lies.
fn heap_of_thread() -> usize {
    let here = 0u8;
    // Stacks lie at least so far from each other.
    (ptr::from_ref(&here) as usize >> 17).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61
}

/// Lets others go on, first for a moment, then for longer.
#[allow(clippy::disallowed_methods, reason = "a handle is waited for outside of any database")]
fn wait(tries: &mut u32) {
    *tries += 1;
    if *tries < 64 {
        std::thread::yield_now();
    } else {
        std::thread::sleep(std::time::Duration::from_micros(100));
    }
}

/// Something in use that others may use at the same time.
pub(crate) struct Shared<T: 'static> {
    slot: &'static Slot<T>,
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the place is counted as in use, so it stays filled and nobody has it alone.
        unsafe { (*self.slot.content.get()).assume_init_ref() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.slot.state.fetch_sub(1, Ordering::Release);
    }
}

/// Something in use by one thread alone.
pub(crate) struct Owned<T: 'static> {
    slot: &'static Slot<T>,
    idle: u64,
}

impl<T> Deref for Owned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the place is marked as in use by one, so it stays filled and is this one's.
        unsafe { (*self.slot.content.get()).assume_init_ref() }
    }
}

impl<T> DerefMut for Owned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { (*self.slot.content.get()).assume_init_mut() }
    }
}

impl<T> Drop for Owned<T> {
    #[inline]
    fn drop(&mut self) {
        // Others change the state of a place only when nobody has it alone.
        self.slot.state.store(self.idle, Ordering::Release);
    }
}
