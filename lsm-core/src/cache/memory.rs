//! Memory for single blocks, as the allocator gives it.
//!
//! A read that misses takes memory for a block, and lets another block go. An allocator is slow at
//! that, for blocks are aligned and never quite of one length: so each thread keeps the last few
//! that it let go of, and takes one of them where it fits. What a block takes up depends on its
//! length alone, and not on what was kept.

#![allow(unsafe_code, reason = "memory of a size known at run time")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::ptr::NonNull;

/// Blocks begin at multiples of this.
pub(crate) const ALIGN: usize = 64;
/// Sizes are multiples of this, so that blocks of about one length fit into each other's place.
pub(crate) const STEP: usize = 128;
/// What a thread keeps is no larger than this each,
const SPARE_MAX: usize = 20 << 10;
/// and no more than so many.
const SPARES: usize = 3;

thread_local! {
    static KEPT: RefCell<[Option<Memory>; SPARES]> = const { RefCell::new([None, None, None]) };
}

/// Memory of its owner, of which every byte has been written.
#[derive(Debug)]
pub(crate) struct Memory {
    start: NonNull<u8>,
    size: usize,
}

impl Memory {
    /// At least so many bytes, with anything in them; `None` if there is no memory.
    pub(crate) fn take(bytes: usize) -> Option<Self> {
        let size = size_for(bytes)?;
        kept(size).or_else(|| Self::new(size))
    }

    fn new(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, ALIGN).ok()?;
        // SAFETY: the layout is not empty: no size is.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, size })
    }

    /// Lets go of it: it is kept for the thread's next block, or freed.
    pub(crate) fn give(self) {
        if self.size > SPARE_MAX {
            return;
        }
        // The oldest one goes for it.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            kept.rotate_right(1);
            kept.first_mut().map(|first| first.replace(self))
        });
    }

    /// Where it is, for whoever gives it back by `from_raw`.
    pub(crate) fn into_raw(self) -> (NonNull<u8>, usize) {
        let raw = (self.start, self.size);
        std::mem::forget(self);
        raw
    }

    /// What `into_raw` answered.
    ///
    /// # Safety
    ///
    /// It did, and nobody else has it.
    pub(crate) unsafe fn from_raw(start: NonNull<u8>, size: usize) -> Self {
        Self { start, size }
    }
}

/// How much is taken for so many bytes.
pub(crate) fn size_for(bytes: usize) -> Option<usize> {
    bytes.max(1).checked_next_multiple_of(STEP)
}

/// What this thread kept of this size, if it did.
fn kept(size: usize) -> Option<Memory> {
    let take = |kept: &RefCell<[Option<Memory>; SPARES]>| {
        let mut kept = kept.borrow_mut();
        kept.iter_mut().find_map(|kept| kept.take_if(|kept| kept.size == size))
    };
    KEPT.try_with(take).ok().flatten()
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Ok(layout) = Layout::from_size_align(self.size, ALIGN) {
            // SAFETY: `new` got it with this layout, and it is given back once.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

#[cfg(test)]
mod tests;
