//! `Current`: the one value of its kind that counts now, read by many and replaced now and then.

use std::sync::Arc;

use crate::base::sync::RwLock;

/// A shared value that can be replaced as a whole. Who has loaded it keeps what was there.
#[derive(Debug)]
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// Begins with `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// What counts now.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Arc<T> {
        self.0.read().clone()
    }

    /// Replaces the value by what `next` makes of it. What was there is dropped with no lock held.
    pub fn update(&self, next: impl FnOnce(&T) -> T) {
        let mut current = self.0.write();
        let made = Arc::new(next(&current));
        let before = std::mem::replace(&mut *current, made);
        drop(current);
        drop(before);
    }
}

#[cfg(all(test, lsm_loom))]
mod loom_test;
