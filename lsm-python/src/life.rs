//! What all objects of one open database share.

use std::cell::Cell;

use lsm_core::base::sync::{AtomicBool, Mutex, Ordering};
use lsm_core::{Db, Durability, Error, ErrorKind};
use pyo3::prelude::*;

std::thread_local! {
    /// This thread is closing a database.
    static CLOSES: Cell<bool> = const { Cell::new(false) };
}

/// The database, and whether Python has closed it.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) db: Db,
    /// When a write is durable that does not say so itself.
    pub(crate) usual: Durability,
    is_closed: AtomicBool,
    /// Is held by the one who closes, so that others wait until it is done.
    closing: Mutex<()>,
}

impl Life {
    pub(crate) fn new(db: Db, usual: Durability) -> Self {
        Self { db, usual, is_closed: AtomicBool::new(false), closing: Mutex::new(()) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Refuses what is asked of a database that was closed.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "the database is closed"));
        }
        Ok(())
    }

    /// Closes it, or waits until another thread has; does nothing the second time. Only without the
    /// interpreter: background work may be telling a listener, which needs it.
    pub(crate) fn close(&self) -> Result<(), Error> {
        if CLOSES.get() && self.is_closed() {
            // A listener that is told of what closing does: it cannot wait for the end of that.
            return Ok(());
        }
        let _turn = self.closing.lock();
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let outer = CLOSES.replace(true);
        let closed = self.db.clone().close();
        CLOSES.set(outer);
        closed
    }
}

impl Drop for Life {
    /// Closes what nobody has closed, as `DB` sees to with a warning unless its making failed.
    fn drop(&mut self) {
        if !self.is_closed() {
            let closed = Python::try_attach(|py| py.detach(|| self.close()));
            // Nobody is there to be told how it went.
            let _unheard = closed.unwrap_or_else(|| self.close());
        }
    }
}
