//! What all objects of one open database share.

use lsm_core::base::sync::{AtomicBool, Ordering};
use lsm_core::{Db, Durability, Error, ErrorKind};

/// The database, and whether Python has closed it.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) db: Db,
    /// When a write is durable that does not say so itself.
    pub(crate) usual: Durability,
    is_closed: AtomicBool,
}

impl Life {
    pub(crate) fn new(db: Db, usual: Durability) -> Self {
        Self { db, usual, is_closed: AtomicBool::new(false) }
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

    /// Closes it; does nothing the second time. Only without the interpreter: background work may
    /// be telling a listener, which needs it.
    pub(crate) fn close(&self) -> Result<(), Error> {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.db.clone().close()
    }
}
