//! Handles that all threads use all the time: databases.
//!
//! Counting users in the place itself would make every call of every thread write one cache line.
//! So a thread announces the handle in a record of its own instead, and whoever closes the handle
//! looks for announcements. The reader's side costs no barrier: whoever closes makes every running
//! thread pass one, by `membarrier`. Where the system has no such call, both sides use a fence.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

use lsm_core::{Error, Result};

use crate::border::handle::{Handle, closed};
use crate::border::table::{LIVE, Slot, Table, state_of};
use crate::border::thread::{InUse, is_announced};

/// Closed, and perhaps still in use: whoever leaves last takes the content away.
const RETIRED: u64 = 2;
/// Somebody looks whether it is in use.
const LOOKING: u64 = 3;
/// Meanwhile somebody left: look again.
const LOOK_AGAIN: u64 = 4;

/// Something in use, announced to whoever might close it.
pub(crate) struct Borrowed<T: Send + Sync + 'static> {
    table: &'static Table<T>,
    slot: &'static Slot<T>,
    handle: Handle,
    in_use: ManuallyDrop<InUse>,
}

impl<T: Send + Sync> Table<T> {
    /// Uses what a handle leads to, without writing to anything that other threads write to.
    #[inline(always)]
    pub(crate) fn borrow(&'static self, word: usize) -> Result<Borrowed<T>> {
        let (handle, slot) = self.find(word)?;
        let in_use = InUse::announce(word)?;
        light_fence();
        if slot.state.load(Ordering::Acquire) != state_of(handle.generation, LIVE) {
            return Err(self.too_late(word, in_use));
        }
        Ok(Borrowed { table: self, slot, handle, in_use: ManuallyDrop::new(in_use) })
    }

    /// The handle is closed; but who closes it may have seen the announcement, and relied on it.
    #[cold]
    fn too_late(&'static self, word: usize, in_use: InUse) -> Error {
        drop(in_use);
        light_fence();
        if let Ok((handle, slot)) = self.find(word) {
            self.sweep(word, handle, slot);
        }
        closed(self.kind)
    }

    /// Closes a handle: nobody comes in any more, and the content goes when the last one is out.
    pub(crate) fn retire(&'static self, word: usize) -> Result<()> {
        let (handle, slot) = self.find(word)?;
        let live = state_of(handle.generation, LIVE);
        let retired = state_of(handle.generation, RETIRED);
        let done = slot.state.compare_exchange(live, retired, Ordering::SeqCst, Ordering::Relaxed);
        done.map_err(|_| closed(self.kind))?;
        self.sweep(word, handle, slot);
        Ok(())
    }

    /// Takes the content of a retired place away, unless somebody is still in: that one will.
    #[cold]
    fn sweep(&'static self, word: usize, handle: Handle, slot: &'static Slot<T>) {
        let state = |usage| state_of(handle.generation, usage);
        let change = |from, to| {
            let (from, to) = (state(from), state(to));
            slot.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        if !change(RETIRED, LOOKING) {
            // Somebody else is looking; if not any more, then because the content is gone.
            change(LOOKING, LOOK_AGAIN);
            return;
        }
        loop {
            let is_certain = heavy_fence();
            if is_certain && !is_announced(word) {
                // SAFETY: the place was live, so it is filled. It is not live any more, and every
                // thread has passed a barrier since: who is in had announced it before.
                let content = unsafe { (*slot.content.get()).assume_init_read() };
                self.give_back(handle, slot);
                drop(content);
                return;
            }
            if change(LOOKING, RETIRED) || !change(LOOK_AGAIN, LOOKING) {
                return;
            }
        }
    }
}

impl<T: Send + Sync> Deref for Borrowed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the handle was live after it had been announced, so whoever closes it finds the
        // announcement and leaves the content where it is.
        unsafe { (*self.slot.content.get()).assume_init_ref() }
    }
}

impl<T: Send + Sync> Drop for Borrowed<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: dropped here, once, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.in_use) };
        light_fence();
        let live = state_of(self.handle.generation, LIVE);
        if self.slot.state.load(Ordering::Acquire) != live {
            self.table.sweep(self.handle.to_word(self.table.kind), self.handle, self.slot);
        }
    }
}

const UNKNOWN: u8 = 0;
const HAS_MEMBARRIER: u8 = 1;
const HAS_NONE: u8 = 2;

/// Whether `membarrier` does the reader's part of the work.
static WAY: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Finds out which way this system goes, before the first handle can be borrowed.
pub(crate) fn prepare() {
    if WAY.load(Ordering::Acquire) == UNKNOWN {
        let way = if membarrier(REGISTER_PRIVATE_EXPEDITED) { HAS_MEMBARRIER } else { HAS_NONE };
        WAY.store(way, Ordering::Release);
    }
}

/// What stood before is seen before what stands behind, by whoever passes a heavy fence.
#[inline]
fn light_fence() {
    if WAY.load(Ordering::Relaxed) == HAS_MEMBARRIER {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The other side of it; false if it cannot be had, and then nothing is certain.
fn heavy_fence() -> bool {
    fence(Ordering::SeqCst);
    if WAY.load(Ordering::Relaxed) != HAS_MEMBARRIER {
        return true;
    }
    // A forked child may have to say again that it wants this.
    membarrier(PRIVATE_EXPEDITED)
        || membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
}

/// As linux/membarrier.h numbers the commands.
const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

#[cfg(target_os = "linux")]
fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn membarrier(_command: libc::c_int) -> bool {
    false
}
