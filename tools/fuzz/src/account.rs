//! How much memory a target asks for: an allocator that counts, for each thread by itself.

#![allow(unsafe_code, reason = "an allocator is unsafe to implement")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
#[derive(Debug)]
pub struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

std::thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Takes in that so many bytes more, or fewer, are in use.
fn note(bytes: isize) {
    // A thread that is ending is not counted any more.
    let _gone = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _gone = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call is handed to the system's allocator as it is; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    /// # Safety
    ///
    /// As `GlobalAlloc` has it.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: the caller's layout goes on unchanged.
        unsafe { System.alloc(layout) }
    }

    /// # Safety
    ///
    /// As `GlobalAlloc` has it.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: the caller's layout goes on unchanged.
        unsafe { System.alloc_zeroed(layout) }
    }

    /// # Safety
    ///
    /// As `GlobalAlloc` has it.
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        note(len as isize - layout.size() as isize);
        // SAFETY: what the caller says of `place` goes on unchanged.
        unsafe { System.realloc(place, layout, len) }
    }

    /// # Safety
    ///
    /// As `GlobalAlloc` has it.
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: what the caller says of `place` goes on unchanged.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Does something, and answers how many bytes more than before it had in use at once.
pub fn peak_of(act: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    act();
    usize::try_from(PEAK.get() - before).unwrap_or(0)
}
