//! Atomics and locks under one name, so that a model checker can take their place.
//!
//! Nothing else in the crate names `std::sync::atomic` or a lock of another crate.

pub use parking_lot::{Mutex, MutexGuard};
pub use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
};
