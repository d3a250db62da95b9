//! Atomics and locks under one name, so that a model checker can take their place.
//!
//! Nothing else in the crate names `std::sync::atomic` or a lock of another crate. In a build with
//! `--cfg lsm_loom` the names stand for those of the model checker, which tries every order of
//! threads that it has the time for; see docs/testing.md.

pub use std::sync::atomic::{Ordering, compiler_fence};

#[cfg(lsm_loom)]
mod modelled;
#[cfg(lsm_loom)]
pub use modelled::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Mutex,
    MutexGuard, OnceLock, Plain, RwLock, fence, look_again, testing as model, thread_index,
};

mod locks;
#[cfg(not(lsm_loom))]
pub use locks::{Mutex, MutexGuard, RwLock};
#[cfg(not(lsm_loom))]
pub use std::sync::OnceLock;
#[cfg(not(lsm_loom))]
pub use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence,
};

/// The machine's own in every build: for statics, which outlive the threads of a model, and for
/// memory that is shared with others.
pub mod fixed {
    pub use super::locks::{Mutex, MutexGuard, RwLock};
    pub use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize};
}

/// Stands beside memory that is not atomic and tells the model checker when that is written and
/// read: every read must come after the write, and the next write after every read. Nothing is left
/// of it in other builds.
#[cfg(not(lsm_loom))]
#[derive(Debug, Default)]
pub struct Plain;

#[cfg(not(lsm_loom))]
impl Plain {
    /// For memory that the caller alone has.
    #[inline(always)]
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// The memory is written, or given up.
    #[inline(always)]
    pub const fn write(&self) {}

    /// The memory is read.
    #[inline(always)]
    pub const fn read(&self) {}
}

/// Called in a loop that waits for another thread's next store.
#[cfg(not(lsm_loom))]
#[inline(always)]
pub fn look_again() {
    std::hint::spin_loop();
}
