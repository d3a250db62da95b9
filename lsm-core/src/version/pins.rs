//! Which versions a reader in another process than the writer still holds: the writer keeps the
//! files of the oldest of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::sync::Mutex;
use crate::env::schedule::Signal;

/// The edits whose versions are held.
#[derive(Debug)]
pub struct Pins {
    live: Mutex<BTreeMap<u64, u64>>,
    wake: Arc<Signal>,
}

/// One edit, for as long as its version is held.
#[derive(Debug)]
pub struct Pin {
    all: Arc<Pins>,
    edit: u64,
}

impl Pins {
    /// None. `wake` is notified when the oldest one has gone.
    #[must_use]
    pub fn new(wake: Arc<Signal>) -> Arc<Self> {
        Arc::new(Self { live: Mutex::default(), wake })
    }

    /// Holds an edit.
    #[must_use]
    pub fn hold(self: &Arc<Self>, edit: u64) -> Arc<Pin> {
        *self.live.lock().entry(edit).or_insert(0) += 1;
        Arc::new(Pin { all: self.clone(), edit })
    }

    /// The oldest edit that is held.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.live.lock().keys().next().copied()
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut live = self.all.live.lock();
        let was_oldest = live.keys().next() == Some(&self.edit);
        let mut is_gone = false;
        if let Some(count) = live.get_mut(&self.edit) {
            *count -= 1;
            is_gone = *count == 0;
        }
        if is_gone {
            live.remove(&self.edit);
        }
        drop(live);
        if was_oldest && is_gone {
            self.all.wake.notify();
        }
    }
}
