//! Listeners: told of events as they happen.

use std::fmt;
use std::sync::Arc;

use crate::base::contain::contained;
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::extend::event::Event;

/// Is told what happens inside a database.
///
/// It is called on the thread where it happens, often one of the database's own, with no lock of
/// the database held, and that thread goes on when it returns: it should be quick, and hand on what
/// takes long. It may read the database and ask for its statistics. It must not write, and not wait
/// for background work (`flush`, `compact`, `wait_idle`, `close`): writes may wait for such work
/// too, and the thread that the listener holds up may be the one that would do it.
///
/// Events of different threads may come at once and in any order. A listener that panics is not
/// called again; the database goes on.
pub trait Listener: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Listener for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// The listeners of one database.
#[derive(Clone, Default)]
pub struct Listeners {
    all: Vec<Arc<Registered>>,
    panics: Arc<AtomicU64>,
}

struct Registered {
    listener: Arc<dyn Listener>,
    is_off: AtomicBool,
}

impl Listeners {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, listener: Arc<dyn Listener>) {
        self.all.push(Arc::new(Registered { listener, is_off: AtomicBool::new(false) }));
    }

    /// Tells all of them what `event` makes, which is not called if there is nobody to tell. The
    /// caller holds no lock.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if self.listening() == 0 {
            return;
        }
        let event = event();
        for registered in self.all.iter().filter(|it| !it.is_off.load(Ordering::Acquire)) {
            if contained(|| registered.listener.event(&event)).is_none() {
                registered.is_off.store(true, Ordering::Release);
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many are told of events.
    #[must_use]
    pub fn listening(&self) -> u64 {
        self.all.iter().filter(|it| !it.is_off.load(Ordering::Acquire)).count() as u64
    }

    /// How many calls have panicked.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("listening", &self.listening())
            .field("panics", &self.panics())
            .finish()
    }
}

#[cfg(test)]
mod tests;
