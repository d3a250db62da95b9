//! How much memory a thread of the tests has taken from the allocator at most.

#![allow(unsafe_code, reason = "an allocator is what it is about")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

std::thread_local! {
    /// Bytes that this thread has now, as if all that it gives back were its own; and the most.
    static TAKEN: Cell<(i64, i64)> = const { Cell::new((0, 0)) };
}

struct Watched;

fn note(bytes: i64) {
    // A thread that ends gives back memory when this is gone already.
    let _ended = TAKEN.try_with(|taken| {
        let (now, most) = taken.get();
        taken.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is passed on as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Watched {
    /// # Safety
    ///
    /// As the trait says.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(-(layout.size() as i64));
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as i64 - layout.size() as i64);
        // SAFETY: passed on to the caller.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// What `work` answers, and how much more memory it had at once than there was before.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = TAKEN.with(|taken| {
        let (now, _) = taken.get();
        taken.set((now, now));
        now
    });
    let done = work();
    let (_, most) = TAKEN.with(Cell::get);
    (done, (most - before).max(0) as u64)
}
