//! Turns: something that one caller at a time may use, across I/O, without holding a lock.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::base::sync::Mutex;
use crate::env::schedule::{Scheduler, Signal};

/// A value that is handed from caller to caller.
#[derive(Debug)]
pub struct Turn<T> {
    place: Mutex<Option<T>>,
    returned: Arc<Signal>,
}

/// The value, until this is dropped.
#[derive(Debug)]
pub struct InTurn<'a, T> {
    turn: &'a Turn<T>,
    value: Option<T>,
}

impl<T> Turn<T> {
    /// A value that nobody uses yet.
    pub fn new(value: T) -> Self {
        Self { place: Mutex::new(Some(value)), returned: Signal::new() }
    }

    /// Waits for the value.
    pub fn take(&self, scheduler: &dyn Scheduler) -> InTurn<'_, T> {
        loop {
            if let Some(value) = self.try_take() {
                return value;
            }
            let mut is_back = || self.place.lock().is_some();
            let _always_true = scheduler.wait(&self.returned, None, &mut is_back);
        }
    }

    /// The value, if nobody uses it.
    pub fn try_take(&self) -> Option<InTurn<'_, T>> {
        let value = self.place.lock().take()?;
        Some(InTurn { turn: self, value: Some(value) })
    }
}

impl<T> Deref for InTurn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("the value is here until the drop"),
        }
    }
}

impl<T> DerefMut for InTurn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("the value is here until the drop"),
        }
    }
}

impl<T> Drop for InTurn<'_, T> {
    fn drop(&mut self) {
        *self.turn.place.lock() = self.value.take();
        self.turn.returned.notify();
    }
}
