//! The lock file: who writes the database, and who reads it from other processes.
//!
//! ```text
//!    0  file header 128   kind lock; ids are zero, for it is made before they are
//!  128  pid         u32   of the writer
//!  132  reserved    u32   zero
//!  136  epoch       u64   random for every opening
//!  144  opened      u64   wall clock in milliseconds
//!  152  reserved     32   zero
//!  184  check       u64   hash64 of bytes 128 to 184
//! 4096  slots    64 each  one for each reader, as many as there were readers at one time
//! ```
//!
//! ```text
//! slot   0  pid u32 | 4 state u32 (1: in use) | 8 writer's epoch u64 | 16 edit u64 | 24 seqno u64
//!       32  lease ends, wall clock in milliseconds u64 | 40 nonce u64 | 48 reserved u64
//!       56  check u64: hash64 of the slot's number (u64) and bytes 0 to 56
//! ```
//!
//! The lock itself is the kernel's, on the whole file, and keeps out other writers. Beside it the
//! writer claims bytes 128 to 192, which is how readers see that one lives, and a reader claims the
//! bytes of its slot; so the death of a process frees all of it. What stands in a slot tells the
//! writer which files a reader still needs, and the rest informs people. The file is never synced,
//! never unlinked but by `destroy`, and the writer signs it last at an opening.

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, Claim, Directory, File, Lock, read_full_at, write_all_at};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;

/// So many slots there are. The last one stays free: who destroys a database has them all.
pub const SLOTS_MAX: u64 = 1 << 16;

const WRITER_LEN: usize = 64;
const SLOTS_AT: u64 = 4096;
/// Bytes of a slot.
pub const SLOT_LEN: usize = 64;
const IN_USE: u32 = 1;
/// So many slots are read at once.
const SLOTS_AT_ONCE: u64 = 64;

/// Who writes the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The process.
    pub process_id: u32,
    /// Random for every opening.
    pub epoch: u64,
    /// When it opened the database, in milliseconds of the wall clock.
    pub opened_millis: u64,
}

/// What a reader process needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderSlot {
    /// The process.
    pub process_id: u32,
    /// The writer's epoch when the slot was claimed.
    pub epoch: u64,
    /// Files of this edit of the manifest, and of later ones, are needed.
    pub edit: u64,
    /// Entries up to this sequence number are read.
    pub seqno: u64,
    /// The claim is void after this, in milliseconds of the wall clock.
    pub lease_millis: u64,
    /// Random for every claim.
    pub nonce: u64,
}

/// Takes the writer's lock, making the lock file if `may_create`.
pub fn take(dir: &dyn Directory, may_create: bool) -> Result<Box<dyn Lock>> {
    if may_create {
        match dir.create(names::LOCK) {
            Err(error) if error.kind() != ErrorKind::Exists => return Err(error),
            _ => {}
        }
    }
    if planted(Bug::WritersShareLock) {
        return share(dir);
    }
    dir.lock(names::LOCK).map_err(|error| told(dir, error))
}

/// Keeps writers away, beside others who do the same; `Locked` while somebody writes.
pub fn share(dir: &dyn Directory) -> Result<Box<dyn Lock>> {
    dir.share(names::LOCK).map_err(|error| told(dir, error))
}

/// Lets readers see that a writer lives, for as long as it holds this.
pub fn announce_writer(dir: &dyn Directory) -> Result<Box<dyn Claim>> {
    dir.claim(names::LOCK, HEADER_LEN as u64, WRITER_LEN as u64)
}

/// True while somebody writes the database, or is about to; also where that cannot be told.
pub fn has_writer(dir: &dyn Directory) -> bool {
    match dir.is_claimed(names::LOCK, HEADER_LEN as u64, WRITER_LEN as u64) {
        Ok(answer) => answer,
        Err(error) => !error.is_not_found(),
    }
}

/// Keeps readers away, and those that come; `Locked` while there are any. Nothing where a slot
/// cannot be claimed, for then no reader has one.
pub fn keep_readers_out(dir: &dyn Directory) -> Result<Option<Box<dyn Claim>>> {
    match dir.claim(names::LOCK, SLOTS_AT, SLOTS_MAX * SLOT_LEN as u64) {
        Ok(claim) => Ok(Some(claim)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) if error.kind() == ErrorKind::Busy => {
            let message = match readers(dir).ok().and_then(|readers| readers.first().copied()) {
                Some(reader) => format!("process {} reads the database", reader.process_id),
                None => "another process reads the database".to_owned(),
            };
            Err(error.as_cause_of(ErrorKind::Locked, &message))
        }
        Err(error) => Err(error),
    }
}

/// The error with the writer's name, as far as it wrote that down.
fn told(dir: &dyn Directory, error: Error) -> Error {
    let holder = (error.kind() == ErrorKind::Locked).then(|| read_writer(dir)).flatten();
    match holder {
        Some(writer) => {
            let message = format!("process {} has the database open", writer.process_id);
            error.as_cause_of(ErrorKind::Locked, &message)
        }
        None => error,
    }
}

/// Writes down who holds the lock.
pub fn write_writer(lock: &dyn Lock, header: &FileHeader, writer: &Writer) -> Result<()> {
    let mut block = HeaderWriter::<WRITER_LEN>::new()
        .u32(writer.process_id)
        .u32(0)
        .u64(writer.epoch)
        .u64(writer.opened_millis)
        .finish();
    if let Some((covered, check)) = block.split_last_chunk_mut::<8>() {
        *check = hash64(covered).to_le_bytes();
    }
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(&block);
    write_all_at(lock.file().as_ref(), &bytes, 0)
}

/// Who wrote down that it holds the lock, if that can be read.
pub fn read_writer(dir: &dyn Directory) -> Option<Writer> {
    let file = dir.open(names::LOCK, Access::Read).ok()?;
    FileHeader::read(file.as_ref(), FileKind::Lock).ok()?;
    let mut block = [0; WRITER_LEN];
    read_full_at(file.as_ref(), &mut block, HEADER_LEN as u64).ok()?;
    let (covered, check) = block.split_last_chunk::<8>()?;
    if hash64(covered).to_le_bytes() != *check {
        return None;
    }
    let mut fields = Decoder::new(covered);
    let process_id = fields.u32()?;
    let _reserved = fields.u32()?;
    Some(Writer { process_id, epoch: fields.u64()?, opened_millis: fields.u64()? })
}

/// Where a slot stands in the file.
#[must_use]
pub fn slot_offset(slot: u64) -> u64 {
    SLOTS_AT + slot * SLOT_LEN as u64
}

impl ReaderSlot {
    /// The bytes of slot number `slot`.
    #[must_use]
    pub fn encode(&self, slot: u64) -> [u8; SLOT_LEN] {
        let mut bytes = HeaderWriter::<SLOT_LEN>::new()
            .u32(self.process_id)
            .u32(IN_USE)
            .u64(self.epoch)
            .u64(self.edit)
            .u64(self.seqno)
            .u64(self.lease_millis)
            .u64(self.nonce)
            .finish();
        if let Some((covered, check)) = bytes.split_last_chunk_mut::<8>() {
            *check = slot_check(slot, covered).to_le_bytes();
        }
        bytes
    }

    /// The slot that these bytes hold, if it is in use and verifies.
    #[must_use]
    pub fn decode(bytes: &[u8; SLOT_LEN], slot: u64) -> Option<Self> {
        let (covered, check) = bytes.split_last_chunk::<8>()?;
        let mut fields = Decoder::new(covered);
        let process_id = fields.u32()?;
        let is_in_use = fields.u32()? == IN_USE;
        let reader = Self {
            process_id,
            epoch: fields.u64()?,
            edit: fields.u64()?,
            seqno: fields.u64()?,
            lease_millis: fields.u64()?,
            nonce: fields.u64()?,
        };
        let is_whole = slot_check(slot, covered).to_le_bytes() == *check;
        (is_in_use && is_whole).then_some(reader)
    }
}

/// How often a slot is read again that is being written just now.
const READINGS: usize = 8;

/// What stands in the slots that somebody holds, lease or not. One that cannot be read counts as a
/// reader of unknown name that needs everything, for ever.
pub fn readers(dir: &dyn Directory) -> Result<Vec<ReaderSlot>> {
    readers_in(dir, dir.open(names::LOCK, Access::Read)?.as_ref())
}

/// As `readers`, in this lock file.
pub fn readers_in(dir: &dyn Directory, file: &dyn File) -> Result<Vec<ReaderSlot>> {
    let mut readers = Vec::new();
    let mut bytes = [0; SLOT_LEN * SLOTS_AT_ONCE as usize];
    let mut first = 0;
    while first < SLOTS_MAX {
        let read = read_full_at(file, &mut bytes, slot_offset(first))?;
        let slots = bytes.get(..read).unwrap_or_default().chunks_exact(SLOT_LEN);
        for (slot, bytes) in (first..).zip(slots) {
            if bytes.iter().any(|&byte| byte != 0) && is_claimed(dir, slot)? {
                readers.extend(read_claimed(file, slot)?);
            }
        }
        if read < bytes.len() {
            break;
        }
        first += SLOTS_AT_ONCE;
    }
    Ok(readers)
}

/// What stands in a slot that somebody holds; nothing if that one has not written it yet.
fn read_claimed(file: &dyn File, slot: u64) -> Result<Option<ReaderSlot>> {
    let mut bytes = [0; SLOT_LEN];
    for _ in 0..READINGS {
        let read = read_full_at(file, &mut bytes, slot_offset(slot))?;
        if read < SLOT_LEN || bytes.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if let Some(reader) = ReaderSlot::decode(&bytes, slot) {
            return Ok(Some(reader));
        }
    }
    Ok(Some(ReaderSlot { lease_millis: u64::MAX, ..ReaderSlot::default() }))
}

fn is_claimed(dir: &dyn Directory, slot: u64) -> Result<bool> {
    dir.is_claimed(names::LOCK, slot_offset(slot), SLOT_LEN as u64)
}

fn slot_check(slot: u64, covered: &[u8]) -> u64 {
    let bytes = HeaderWriter::<SLOT_LEN>::new().u64(slot).put(covered).finish();
    hash64(&bytes)
}

/// The error of every call in a process that inherited the database through `fork`.
#[must_use]
pub fn forked() -> Error {
    let message = "the database was opened before a fork: open it anew in the child";
    Error::new(ErrorKind::Forked, message)
}

#[cfg(test)]
mod tests;
