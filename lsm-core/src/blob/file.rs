//! One blob file: written by one process, from its beginning to its end, and then only read.

use std::sync::Arc;

use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::room::make_room_for_all;
use crate::base::scratch::Scratch;
use crate::base::slice::Slice;
use crate::base::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::blob::record::{Head, LARGE, unpack, verify};
use crate::blob::reference::BlobRef;
use crate::env::fs::{Access, Directory, File, read_full_at};
use crate::key::seqno::SeqNo;
use crate::record::names;

/// From this length on it is asked whether a record lies in its file, before it gets memory.
const LONG: u32 = 1 << 20;
/// A shorter value is copied out of the record, so that nothing else stays in memory for it.
const COPIED_MAX: u32 = 64 << 10;

/// A blob file that is listed, or that somebody may still read.
#[derive(Debug)]
pub struct BlobFile {
    /// The number that it was made under, which references name.
    pub number: u64,
    /// The id in its header, which every check in it goes by.
    pub file_id: u64,
    dir: Arc<dyn Directory>,
    /// The number in its name: a recovery copies what was not known to be durable.
    place: AtomicU64,
    open: Mutex<Option<Arc<dyn File>>>,
    stays_open: Arc<AtomicBool>,
    /// Where the last record ends.
    end: AtomicU64,
    /// It gets no more records.
    is_full: AtomicBool,
    /// The manifest knows its end.
    is_sealed: AtomicBool,
    /// Writes that have a place in it and are not in memory yet, or have failed.
    in_flight: AtomicUsize,
    /// How many records were written, and of how many of them it is known that they are durable.
    written: AtomicU64,
    synced: AtomicU64,
    /// Where those stand of which that is not known, and how long they are.
    in_doubt: Mutex<Vec<(u64, u32)>>,
    /// Memtables refer to it up to this number.
    last_seqno: AtomicU64,
    /// Some of it cannot be read, or does not verify: it is left as it is.
    is_damaged: AtomicBool,
    /// The manifest forgets it, or has forgotten it.
    is_removed: AtomicBool,
}

/// What the manifest says of a blob file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// The id in its header.
    pub file_id: u64,
    /// The number in its name.
    pub place: u64,
    /// How long it is, once it is durable up to there and gets no more records.
    pub bytes: Option<u64>,
}

/// How a blob file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobEnd {
    /// The number that it was made under.
    pub number: u64,
    /// The number in its name.
    pub place: u64,
    /// Its length.
    pub bytes: u64,
}

/// True if an error says that a large value cannot be read, now or later.
#[must_use]
pub fn is_unreadable(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Corruption => true,
        // The disk cannot read a place.
        ErrorKind::Io => !error.is_retryable(),
        _ => false,
    }
}

impl BlobFile {
    /// A file that the manifest lists and that gets no more records, `end` bytes long.
    #[must_use]
    pub fn listed(
        dir: &Arc<dyn Directory>,
        number: u64,
        entry: &BlobEntry,
        end: u64,
        stays_open: &Arc<AtomicBool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            number,
            file_id: entry.file_id,
            dir: Arc::clone(dir),
            place: AtomicU64::new(entry.place),
            open: Mutex::new(None),
            stays_open: Arc::clone(stays_open),
            end: AtomicU64::new(end),
            is_full: AtomicBool::new(true),
            is_sealed: AtomicBool::new(entry.bytes.is_some()),
            in_flight: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            in_doubt: Mutex::default(),
            last_seqno: AtomicU64::new(0),
            is_damaged: AtomicBool::new(false),
            is_removed: AtomicBool::new(false),
        })
    }

    /// A file that was just made and is going to be written, from `end` on.
    #[must_use]
    pub fn fresh(
        dir: &Arc<dyn Directory>,
        (number, file_id): (u64, u64),
        file: Arc<dyn File>,
        end: u64,
        stays_open: &Arc<AtomicBool>,
    ) -> Arc<Self> {
        let entry = BlobEntry { file_id, place: number, bytes: None };
        let made = Self::listed(dir, number, &entry, end, stays_open);
        // It is written, and open for that.
        *made.open.lock() = Some(file);
        made.is_full.store(false, Ordering::Release);
        made
    }

    /// Takes in what the manifest says of it by now, which another process writes.
    pub(super) fn follow(&self, entry: &BlobEntry, end: u64) {
        if self.place() != entry.place {
            // A recovery has copied it.
            let mut open = self.open.lock();
            self.place.store(entry.place, Ordering::Release);
            *open = None;
        }
        self.end.fetch_max(end, Ordering::AcqRel);
        if entry.bytes.is_some() {
            self.note_sealed();
        }
    }

    /// The number in its name.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.place.load(Ordering::Acquire)
    }

    /// Where the last record ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// The file, opened if it is not.
    pub fn file(&self) -> Result<Arc<dyn File>> {
        if let Some(file) = &*self.open.lock() {
            return Ok(Arc::clone(file));
        }
        let name = names::blob(self.place());
        let file = self.dir.open(&name, Access::Read).map_err(|error| {
            if !error.is_not_found() {
                return error;
            }
            Error::corruption(&self.dir.path().join(&name), 0, "a file of large values is missing")
        })?;
        if self.stays_open.load(Ordering::Relaxed) {
            return Ok(Arc::clone(self.open.lock().get_or_insert(file)));
        }
        Ok(file)
    }

    /// Reads the record of a reference, and holds it against its check.
    pub fn record(&self, reference: &BlobRef) -> Result<(Vec<u8>, Head)> {
        let mut bytes = Vec::new();
        let head = self.read_into(reference, &mut bytes)?;
        Ok((bytes, head))
    }

    fn read_into(&self, reference: &BlobRef, bytes: &mut Vec<u8>) -> Result<Head> {
        self.read_checked(reference, bytes).inspect_err(|error| {
            if is_unreadable(error) {
                self.is_damaged.store(true, Ordering::Relaxed);
            }
        })
    }

    fn read_checked(&self, reference: &BlobRef, bytes: &mut Vec<u8>) -> Result<Head> {
        let file = self.file()?;
        let damaged = |why| Err(Error::corruption(file.path(), reference.offset, why));
        if reference.len >= LONG && reference.end() > file.len()? {
            return damaged("the file ends before a large value does");
        }
        make_room_for_all(bytes, reference.len as usize, LARGE)?;
        bytes.resize(reference.len as usize, 0);
        let read = read_full_at(file.as_ref(), bytes, reference.offset)?;
        if read < bytes.len() {
            return damaged("the file ends before a large value does");
        }
        match verify(bytes, self.file_id, reference.offset) {
            Some(head) if head.check == reference.check && head.raw == reference.raw => Ok(head),
            _ => damaged("a large value does not match its check"),
        }
    }

    /// Reads the value of a reference.
    pub fn value(&self, reference: &BlobRef) -> Result<Slice> {
        if reference.len > COPIED_MAX {
            let (bytes, head) = self.record(reference)?;
            if head.codec == Codec::None {
                return Ok(Slice::from(bytes).slice(head.value()));
            }
            return self.unpacked(reference, &bytes, &head);
        }
        let mut bytes = Scratch::Block.take();
        let value = self.read_into(reference, &mut bytes).and_then(|head| match head.codec {
            Codec::None => Ok(Slice::copy_from(bytes.get(head.value()).unwrap_or_default())),
            _ => self.unpacked(reference, &bytes, &head),
        });
        Scratch::Block.keep(bytes);
        value
    }

    fn unpacked(&self, reference: &BlobRef, bytes: &[u8], head: &Head) -> Result<Slice> {
        if !head.codec.is_built() {
            let message = "a large value is packed in a way that this build does not know";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        unpack(bytes, head)?.map(Slice::from).ok_or_else(|| {
            let path = self.dir.path().join(names::blob(self.place()));
            Error::corruption(&path, reference.offset, "a large value cannot be unpacked")
        })
    }

    /// Memtables refer to it, up to this number.
    pub fn note_reference(&self, seqno: SeqNo) {
        self.last_seqno.fetch_max(seqno.get(), Ordering::AcqRel);
    }

    /// True if only tables refer to it, once everything up to `flushed` is in tables.
    #[must_use]
    pub fn is_settled(&self, flushed: SeqNo) -> bool {
        self.is_sealed.load(Ordering::Acquire)
            && self.in_flight.load(Ordering::Acquire) == 0
            && self.last_seqno.load(Ordering::Acquire) <= flushed.get()
    }

    /// True if it is not going to be listed any more.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Takes in that it is removed; false if somebody else has done that.
    #[must_use]
    pub fn begin_removal(&self) -> bool {
        !self.is_removed.swap(true, Ordering::AcqRel)
    }

    /// It could not be removed.
    pub fn end_removal(&self) {
        self.is_removed.store(false, Ordering::Release);
    }

    /// True if some of it could not be read, or did not verify.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    /// It gets no more records.
    pub(super) fn fill(&self) {
        self.is_full.store(true, Ordering::Release);
    }

    /// One more write has a place in it.
    pub(super) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// One more record is in the file, so long. What a write that failed would have had is not: the
    /// file may end before it.
    pub(super) fn note_written(&self, offset: u64, len: u32) {
        self.end.fetch_max(offset.saturating_add(u64::from(len)), Ordering::AcqRel);
        self.in_doubt.lock().push((offset, len));
        self.written.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes durable what was written so far.
    pub(super) fn sync(&self) -> Result<()> {
        let written = self.written.load(Ordering::Acquire);
        if self.synced.load(Ordering::Acquire) < written {
            let covered = std::mem::take(&mut *self.in_doubt.lock());
            let synced = self.file().and_then(|file| file.sync_data());
            synced.inspect_err(|_| self.in_doubt.lock().extend(covered))?;
            self.synced.fetch_max(written, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Where the records stand that were written and that no sync has covered.
    pub(super) fn in_doubt(&self) -> Vec<(u64, u32)> {
        self.in_doubt.lock().clone()
    }

    /// True if all these records are in it.
    pub(super) fn has(&self, records: &[(u64, u32)]) -> Result<bool> {
        let mut bytes = Vec::new();
        for &(offset, len) in records {
            make_room_for_all(&mut bytes, len as usize, LARGE)?;
            bytes.resize(len as usize, 0);
            let read = read_full_at(self.file()?.as_ref(), &mut bytes, offset)?;
            if read < bytes.len() || verify(&bytes, self.file_id, offset).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How it ended, if it did, all of it is durable and the manifest does not know it yet.
    pub(super) fn end_to_tell(&self) -> Option<BlobEnd> {
        let is_over = self.is_full.load(Ordering::Acquire)
            && self.in_flight.load(Ordering::Acquire) == 0
            && self.synced.load(Ordering::Acquire) == self.written.load(Ordering::Acquire)
            && !self.is_sealed.load(Ordering::Acquire);
        is_over.then(|| BlobEnd { number: self.number, place: self.place(), bytes: self.end() })
    }

    pub(super) fn note_sealed(&self) {
        self.is_sealed.store(true, Ordering::Release);
        if !self.stays_open.load(Ordering::Relaxed) {
            // From now on it is opened to be read. Closed with the lock let go of.
            let _written = self.open.lock().take();
        }
    }

    /// True if the manifest knows its end, and nothing may be written to it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.is_sealed.load(Ordering::Acquire)
    }

    /// From now on it is read where it was copied to, and what is there is durable.
    pub(super) fn move_to(&self, place: u64, file: Arc<dyn File>) {
        let mut open = self.open.lock();
        self.place.store(place, Ordering::Release);
        *open = Some(file);
        self.is_full.store(true, Ordering::Release);
        self.in_doubt.lock().clear();
        self.synced.store(self.written.load(Ordering::Acquire), Ordering::Release);
    }
}
