//! Readers of a database that nobody writes: how they keep writers away, and where they are noted.
//!
//! A reader shares the lock of the lock file, so that no writer can come while it reads, and any
//! number of readers can. Who it is stands in a slot of that file, which is all that it writes; a
//! claim on the slot's bytes tells that it still lives. Where the slot cannot be written, on a
//! read-only medium above all, there is none, and the opening says so.

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Claim, Directory, Lock, write_all_at};
use crate::env::world::Env;
use crate::journal::lockfile::{ReaderSlot, SLOT_LEN, SLOTS, read_writer, slot_offset};
use crate::record::names;

/// What keeps a database in the hands of this process.
#[derive(Debug)]
pub enum Hold {
    /// The writer's lock.
    Writer(Box<dyn Lock>),
    /// The lock that readers share, and the claim on a slot if one was to be had.
    Reader(Box<dyn Lock>, Option<Box<dyn Claim>>),
    /// Nothing: there is no lock file. The process that reads.
    Nothing(u32),
}

impl Hold {
    /// True in a child process of the one that opened the database.
    #[inline]
    #[must_use]
    pub fn is_forked(&self, env: &Env) -> bool {
        match self {
            Self::Writer(lock) | Self::Reader(lock, _) => lock.is_forked(),
            Self::Nothing(process) => env.host.process_id() != *process,
        }
    }

    /// Lets others in.
    pub fn release(&self) {
        match self {
            Self::Writer(lock) | Self::Reader(lock, _) => lock.release(),
            Self::Nothing(_) => {}
        }
    }

    /// The writer's lock, if that is what it is.
    #[must_use]
    pub fn writer(&self) -> Option<&dyn Lock> {
        match self {
            Self::Writer(lock) => Some(lock.as_ref()),
            _ => None,
        }
    }
}

/// Notes the reader in the first slot that nobody has, and keeps the claim on it.
pub fn take_slot(env: &Env, dir: &dyn Directory, reader: &ReaderSlot) -> Result<Box<dyn Claim>> {
    if dir.medium()?.is_read_only {
        let message = "the medium is read-only";
        return Err(Error::new(ErrorKind::ReadOnly, message).at_path(dir.path()));
    }
    let file = dir.open(names::LOCK, Access::ReadWrite)?;
    for slot in 0..SLOTS {
        match dir.claim(names::LOCK, slot_offset(slot), SLOT_LEN as u64) {
            Ok(claim) => {
                let reader = ReaderSlot { nonce: env.host.random()?, ..*reader };
                write_all_at(file.as_ref(), &reader.encode(slot), slot_offset(slot))?;
                return Ok(claim);
            }
            Err(error) if error.kind() == ErrorKind::Busy => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::Busy, format!("all {SLOTS} slots are taken")).at_path(dir.path()))
}

/// What a reader says of itself in its slot. Its lease does not run out: the lock that it shares
/// keeps writers away as long as it lives.
#[must_use]
pub fn reader_of(env: &Env, dir: &dyn Directory, edit: u64, seqno: u64) -> ReaderSlot {
    ReaderSlot {
        process_id: env.host.process_id(),
        epoch: read_writer(dir).map_or(0, |writer| writer.epoch),
        edit,
        seqno,
        lease_millis: u64::MAX,
        nonce: 0,
    }
}
