//! Health: whether the database takes writes, and if not, why.
//!
//! A fault of the log is the log's own and is asked for there. What stands here are faults of what
//! happens in the background and in memory: they stop writes, never reads, until `resume`.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicBool, Mutex, Ordering};
use crate::key::seqno::SeqNo;

/// The first fault since the last `clear`.
#[derive(Debug, Default)]
pub struct Health {
    is_faulty: AtomicBool,
    fault: Mutex<Option<Fault>>,
    /// The last write that there was no room for, and what was visible then.
    full: Mutex<Option<(SeqNo, Error)>>,
}

#[derive(Clone, Debug)]
struct Fault {
    error: Error,
    /// Memory is not what the log says: only another opening helps.
    is_final: bool,
}

impl Health {
    /// All is well.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses a write while there is a fault.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_faulty.load(Ordering::Acquire) { self.refuse() } else { Ok(()) }
    }

    #[cold]
    fn refuse(&self) -> Result<()> {
        match &*self.fault.lock() {
            Some(Fault { error, .. }) => {
                let message = "the database takes no writes since an earlier fault";
                Err(error.as_cause_of(ErrorKind::ReadOnly, message))
            }
            None => Ok(()),
        }
    }

    /// The fault, if there is one.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        self.fault.lock().as_ref().map(|fault| fault.error.clone())
    }

    /// Takes in that there was no room for a write. That is no fault: the next may find some.
    pub fn note_full(&self, visible: SeqNo, error: Error) {
        if planted(Bug::FullDiskForEver) {
            self.report(error.clone());
        }
        *self.full.lock() = Some((visible, error));
    }

    /// How the last write failed for want of room, if what is visible says that none was taken
    /// since.
    #[must_use]
    pub fn full(&self, visible: SeqNo) -> Option<Error> {
        let full = self.full.lock().clone();
        full.filter(|(seqno, _)| *seqno == visible).map(|(_, error)| error)
    }

    /// Takes in a fault that can be mended; the first one stays.
    pub fn report(&self, error: Error) {
        self.take_in(Fault { error, is_final: false });
    }

    /// Takes in a fault that only another opening can mend.
    pub fn report_final(&self, error: Error) {
        self.take_in(Fault { error, is_final: true });
    }

    fn take_in(&self, fault: Fault) {
        self.fault.lock().get_or_insert(fault);
        self.is_faulty.store(true, Ordering::Release);
    }

    /// Forgets the fault, if it can be mended.
    pub fn clear(&self) -> Result<()> {
        let mut fault = self.fault.lock();
        if let Some(Fault { error, is_final: true }) = &*fault {
            let message = "close the database and open it again";
            return Err(error.as_cause_of(ErrorKind::ReadOnly, message));
        }
        *fault = None;
        self.is_faulty.store(false, Ordering::Release);
        Ok(())
    }
}
