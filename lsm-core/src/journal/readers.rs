//! A reader's slot in the lock file, and what keeps a database in the hands of a process.
//!
//! A reader stands beside the writer, and any number of others. Which files it needs stands in a
//! slot of the lock file, which is all that it writes; a claim on the slot's bytes tells that it
//! still lives. It writes down that it needs everything before it looks at anything, and what it
//! needs once it knows: so the writer, who unlinks a file only after the edit that removes it and
//! only after a look at the slots, either sees the slot or has made the edit that the reader sees.
//!
//! Where the slot cannot be written, on a read-only medium above all, there is none, and the
//! opening says so.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::Mutex;
use crate::env::fs::{Access, Claim, Directory, File, Lock, write_all_at};
use crate::env::world::Env;
use crate::journal::lockfile::{self, ReaderSlot, SLOT_LEN, SLOTS_MAX, read_writer, slot_offset};
use crate::record::names;

/// While a log is read the lease is renewed when this part of it is over.
const LEASE_PART: u32 = 4;
/// After so many batches it is looked whether it is.
const BEATS_BETWEEN: u64 = 256;

/// What keeps a database in the hands of this process.
#[derive(Debug)]
pub enum Hold {
    /// The writer's lock, and the claim that tells readers of it.
    Writer(Box<dyn Lock>, Option<Box<dyn Claim>>),
    /// A reader's slot.
    Reader(Arc<Slot>),
    /// Nothing: there is no slot. The process that reads.
    Nothing(u32),
}

impl Hold {
    /// The writer's lock with the claim that tells of it. Without that, readers are slower to see
    /// what is damage and what is being written, and nothing else.
    #[must_use]
    pub fn of_writer(dir: &dyn Directory, lock: Box<dyn Lock>) -> Self {
        Self::Writer(lock, lockfile::announce_writer(dir).ok())
    }

    /// True in a child process of the one that opened the database.
    #[inline]
    #[must_use]
    pub fn is_forked(&self, env: &Env) -> bool {
        match self {
            Self::Writer(lock, _) => lock.is_forked(),
            Self::Reader(slot) => slot.claim.is_forked(),
            Self::Nothing(process) => env.host.process_id() != *process,
        }
    }

    /// Lets others in.
    pub fn release(&self) {
        match self {
            Self::Writer(lock, claim) => {
                // Before the lock: the next writer announces itself, too.
                claim.iter().for_each(|claim| claim.release());
                lock.release();
            }
            Self::Reader(slot) => slot.give_back(),
            Self::Nothing(_) => {}
        }
    }

    /// The writer's lock, if that is what it is.
    #[must_use]
    pub fn writer(&self) -> Option<&dyn Lock> {
        match self {
            Self::Writer(lock, _) => Some(lock.as_ref()),
            _ => None,
        }
    }
}

/// A slot of the lock file that this reader holds.
#[derive(Debug)]
pub struct Slot {
    env: Env,
    dir: Arc<dyn Directory>,
    file: Arc<dyn File>,
    claim: Box<dyn Claim>,
    number: u64,
    nonce: u64,
    lease: Duration,
    said: Mutex<Said>,
}

/// What stands in the slot.
#[derive(Clone, Copy, Debug)]
struct Said {
    edit: u64,
    seqno: u64,
    /// When to say it again.
    again_at: Duration,
}

impl Slot {
    /// Takes the first slot that nobody holds, and writes down that everything is needed: whatever
    /// is looked up from now on stays for the time of the lease.
    pub fn take(env: &Env, dir: &Arc<dyn Directory>, lease: Duration) -> Result<Self> {
        if dir.medium()?.is_read_only {
            let message = "the medium is read-only";
            return Err(Error::new(ErrorKind::ReadOnly, message).at_path(dir.path()));
        }
        let file = dir.open(names::LOCK, Access::ReadWrite)?;
        let no_slot = || {
            let message = format!(
                "all {SLOTS_MAX} slots for readers are taken, or the database is being destroyed"
            );
            Error::new(ErrorKind::Locked, message).at_path(dir.path())
        };
        // Whoever destroys the database has claimed them all: no need to try each.
        if dir.is_claimed(names::LOCK, slot_offset(SLOTS_MAX - 1), SLOT_LEN as u64)? {
            return Err(no_slot());
        }
        for number in 0..SLOTS_MAX - 1 {
            match dir.claim(names::LOCK, slot_offset(number), SLOT_LEN as u64) {
                Ok(claim) => {
                    let nonce = env.host.random()?;
                    let (env, dir) = (env.clone(), dir.clone());
                    let again_at = env.clock.monotonic().saturating_add(lease / LEASE_PART);
                    let said = Mutex::new(Said { edit: 0, seqno: 0, again_at });
                    let slot = Self { env, dir, file, claim, number, nonce, lease, said };
                    if !planted(Bug::SlotWrittenTooLate) {
                        slot.need(0, 0)?;
                    }
                    return Ok(slot);
                }
                Err(error) if error.kind() == ErrorKind::Busy => {}
                Err(error) => return Err(error),
            }
        }
        Err(no_slot())
    }

    /// Says again what was said last, if so much of the lease is over that it is time.
    fn keep_alive(&self) -> Result<()> {
        let Said { edit, seqno, again_at } = *self.said.lock();
        if self.env.clock.monotonic() < again_at {
            return Ok(());
        }
        self.need(edit, seqno)
    }

    /// Writes down that files of this edit and of later ones are needed, and begins the lease anew.
    pub fn need(&self, edit: u64, seqno: u64) -> Result<()> {
        let now = self.env.clock.monotonic();
        let again_at = now.saturating_add(self.lease / LEASE_PART);
        *self.said.lock() = Said { edit, seqno, again_at };
        let lease = u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX);
        let reader = ReaderSlot {
            process_id: self.env.host.process_id(),
            epoch: read_writer(self.dir.as_ref()).map_or(0, |writer| writer.epoch),
            edit,
            seqno,
            lease_millis: self.env.clock.machine_millis().saturating_add(lease),
            nonce: self.nonce,
        };
        self.write(&reader.encode(self.number))
    }

    /// Lets the slot go. The next reader finds nothing in it.
    fn give_back(&self) {
        if !self.claim.is_forked() {
            // What stays there says nothing without the claim.
            let _left_behind = self.write(&[0; SLOT_LEN]);
            self.claim.release();
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        write_all_at(self.file.as_ref(), bytes, slot_offset(self.number))
    }
}

/// Keeps a reader's lease while it reads a log, which may take longer than that.
#[derive(Debug)]
pub struct Pulse {
    slot: Option<Arc<Slot>>,
    beats: u64,
}

impl Pulse {
    /// Nothing was read yet. Without a slot there is nothing to keep.
    #[must_use]
    pub fn new(slot: Option<Arc<Slot>>) -> Self {
        Self { slot, beats: 0 }
    }

    /// A batch was read. If the lease cannot be renewed, whoever says next what is needed is told.
    pub fn beat(&mut self) {
        if let (Some(slot), 0) = (&self.slot, self.beats % BEATS_BETWEEN) {
            let _told_later = slot.keep_alive();
        }
        self.beats = self.beats.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
