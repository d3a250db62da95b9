//! All blob files of a database: where they are found, read, written and made durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;
use crate::base::sync::{AtomicBool, AtomicU64, Ordering, RwLock};
use crate::blob::file::{BlobEnd, BlobEntry, BlobFile};
use crate::blob::record::{Head, Packed};
use crate::blob::reference::BlobRef;
use crate::blob::tail::{Reserved, Tail};
use crate::env::fs::{Directory, File, write_all_at};
use crate::key::seqno::SeqNo;
use crate::record::header::HEADER_LEN;
use crate::record::names;

/// About how long a blob file becomes, if nobody says otherwise.
pub const FILE_BYTES: u64 = 64 << 20;

/// The blob files.
#[derive(Debug)]
pub struct Blobs {
    dir: Arc<dyn Directory>,
    files: RwLock<BTreeMap<u64, Arc<BlobFile>>>,
    tail: Tail,
    stays_open: Arc<AtomicBool>,
    /// How many records were ever written, and how many of those a sync has covered.
    written: AtomicU64,
    synced: AtomicU64,
    /// Everything up to this number is in tables.
    flushed: AtomicU64,
    counts: Counts,
}

/// Records that no sync has covered, by the numbers of their files: offset and length.
#[derive(Clone, Debug, Default)]
pub struct InDoubt(BTreeMap<u64, Vec<(u64, u32)>>);

#[derive(Debug, Default)]
struct Counts {
    values_written: AtomicU64,
    bytes_written: AtomicU64,
    values_read: AtomicU64,
    bytes_read: AtomicU64,
    bytes_moved: AtomicU64,
}

/// What was counted of large values, since the opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobCounts {
    /// Files that there are.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Values that writes have put there.
    pub values_written: u64,
    /// Bytes of those records.
    pub bytes_written: u64,
    /// Values that were read.
    pub values_read: u64,
    /// Bytes of those records.
    pub bytes_read: u64,
    /// Bytes that compactions have moved to other files.
    pub bytes_moved: u64,
}

impl Blobs {
    /// Those of a directory; none yet.
    #[must_use]
    pub fn new(dir: Arc<dyn Directory>) -> Arc<Self> {
        Arc::new(Self {
            dir,
            files: RwLock::default(),
            tail: Tail::new(FILE_BYTES),
            stays_open: Arc::new(AtomicBool::new(true)),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            flushed: AtomicU64::new(0),
            counts: Counts::default(),
        })
    }

    /// Chooses about how long files become, and whether those that were read stay open.
    pub fn configure(&self, file_bytes: u64, stays_open: bool) {
        self.tail.set_file_bytes(file_bytes);
        self.stays_open.store(stays_open, Ordering::Relaxed);
    }

    /// About how long a file becomes.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.tail.file_bytes()
    }

    /// Takes in a file that the manifest lists, `end` bytes long. It does not count as settled, and
    /// so is not given up, before what is answered is dropped: that can wait until the tables are
    /// shown that refer to it.
    pub fn list(&self, number: u64, entry: &BlobEntry, end: u64) -> Reserved {
        let file = BlobFile::listed(&self.dir, number, entry, end, &self.stays_open);
        let held = Reserved::hold(&file, end);
        self.files.write().entry(number).or_insert(file);
        held
    }

    /// Takes in what a manifest lists that another process writes. Files that it lists no more stay
    /// until they are forgotten.
    pub fn follow(&self, listed: &BTreeMap<u64, BlobEntry>) {
        let mut files = self.files.write();
        for (&number, entry) in listed {
            let end = entry.bytes.unwrap_or(HEADER_LEN as u64);
            match files.get(&number) {
                Some(file) => file.follow(entry, end),
                None => {
                    let (dir, open) = (&self.dir, &self.stays_open);
                    files.insert(number, BlobFile::listed(dir, number, entry, end, open));
                }
            }
        }
    }

    /// The file of this number, if it is there.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<Arc<BlobFile>> {
        self.files.read().get(&number).cloned()
    }

    /// Every file.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<BlobFile>> {
        self.files.read().values().cloned().collect()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.read().is_empty()
    }

    /// Forgets a file that nobody reads any more; answers the number in its name.
    pub fn forget(&self, number: u64) -> Option<u64> {
        self.files.write().remove(&number).map(|file| file.place())
    }

    /// The value of a reference, as it stands in a table or in memory.
    pub fn fetch(&self, bytes: &[u8]) -> Result<Slice> {
        let reference = BlobRef::decode(bytes).ok_or_else(|| {
            Error::new(ErrorKind::Corruption, "a reference to a large value makes no sense")
        })?;
        self.read(&reference)
    }

    /// The value of a reference.
    pub fn read(&self, reference: &BlobRef) -> Result<Slice> {
        let value = self.find(reference)?.value(reference)?;
        self.counts.values_read.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes_read.fetch_add(u64::from(reference.len), Ordering::Relaxed);
        Ok(value)
    }

    /// The record of a reference, verified.
    pub fn record(&self, reference: &BlobRef) -> Result<(Vec<u8>, Head)> {
        self.find(reference)?.record(reference)
    }

    fn find(&self, reference: &BlobRef) -> Result<Arc<BlobFile>> {
        self.get(reference.file).ok_or_else(|| {
            let path = self.dir.path().join(names::blob(reference.file));
            Error::corruption(&path, reference.offset, "the file of a large value is not listed")
        })
    }

    /// A place for a record; `None` if another file must be begun first.
    #[must_use]
    pub fn reserve(&self, len: u64) -> Option<Reserved> {
        self.tail.reserve(len)
    }

    /// Writes a record to its place, and answers the reference to it.
    pub fn write(&self, reserved: &Reserved, mut packed: Packed<'_>) -> Result<BlobRef> {
        let (file, offset) = (reserved.file(), reserved.offset);
        let (len, raw) = (packed.len(), packed.raw());
        let (check, [front, rest]) = packed.place(file.file_id, offset);
        if file.is_sealed() {
            // Writing was taken up again after a fault: whoever has its place from before is late.
            let message = "a file of large values ended while one was written: try again";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        let written = file.file().and_then(|file| {
            write_all_at(file.as_ref(), front, offset)?;
            write_all_at(file.as_ref(), rest, offset + front.len() as u64)
        });
        if let Err(error) = written {
            // What others have written there is whole; what comes next goes elsewhere.
            self.tail.give_up(file);
            return Err(error);
        }
        file.note_written(offset, len as u32);
        self.written.fetch_add(1, Ordering::AcqRel);
        self.counts.values_written.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes_written.fetch_add(len, Ordering::Relaxed);
        let (number, len) = (file.number, len as u32);
        Ok(BlobRef { expiry_millis: None, file: number, offset, len, raw, check })
    }

    /// Goes on in a file that was just made and is listed durably.
    pub fn begin(&self, id: (u64, u64), file: Arc<dyn File>, end: u64) {
        let made = BlobFile::fresh(&self.dir, id, file, end, &self.stays_open);
        self.files.write().insert(made.number, Arc::clone(&made));
        self.tail.begin(&made);
    }

    /// What is written from now on goes to another file.
    pub fn retire(&self) {
        self.tail.retire();
    }

    /// Nothing is written any more.
    pub fn end(&self) {
        self.tail.end();
    }

    /// How many records were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// True if so many of them are durable.
    #[must_use]
    pub fn is_synced_to(&self, written: u64) -> bool {
        self.synced.load(Ordering::Acquire) >= written
    }

    /// Makes durable what was written so far. One caller at a time, and none after it has failed:
    /// what a failed sync has covered is in doubt for ever.
    pub fn sync(&self) -> Result<()> {
        let written = self.written.load(Ordering::Acquire);
        if self.synced.load(Ordering::Acquire) >= written {
            return Ok(());
        }
        if !planted(Bug::BlobSyncSkipped) {
            self.tail.unsealed().iter().try_for_each(|file| file.sync())?;
        }
        self.synced.fetch_max(written, Ordering::AcqRel);
        Ok(())
    }

    /// Files that ended and are durable, and of which the manifest does not know it.
    #[must_use]
    pub fn ends_to_tell(&self) -> Vec<BlobEnd> {
        self.tail.ends_to_tell()
    }

    /// How many files the manifest does not know to be durable.
    #[must_use]
    pub fn unsealed(&self) -> Vec<Arc<BlobFile>> {
        self.tail.unsealed()
    }

    /// The manifest knows the end of a file.
    pub fn note_sealed(&self, number: u64) {
        self.tail.note_sealed(number);
        if let Some(file) = self.get(number) {
            file.note_sealed();
        }
    }

    /// A file was copied, and the copy is durable.
    pub fn move_to(&self, number: u64, place: u64, copy: Arc<dyn File>) {
        if let Some(file) = self.get(number) {
            file.move_to(place, copy);
        }
    }

    /// The records that were written and that no sync has covered, what is in no log too. What came
    /// late to a file that has ended nothing refers to.
    #[must_use]
    pub fn in_doubt(&self) -> InDoubt {
        let files = self.all().into_iter().filter(|file| !file.is_sealed());
        InDoubt(files.map(|file| (file.number, file.in_doubt())).collect())
    }

    /// True if all of those that stand in files of these are there.
    pub fn have(&self, in_doubt: &InDoubt) -> Result<bool> {
        for (number, records) in &in_doubt.0 {
            if let Some(file) = self.get(*number) {
                if !file.has(records)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What was in doubt stands in copies that are durable.
    pub fn settle_doubt(&self) {
        self.synced.fetch_max(self.written.load(Ordering::Acquire), Ordering::AcqRel);
    }

    /// Everything up to this number is in tables.
    pub fn note_flushed(&self, seqno: SeqNo) {
        self.flushed.fetch_max(seqno.get(), Ordering::AcqRel);
    }

    /// True if nothing but tables refers to a file.
    #[must_use]
    pub fn is_settled(&self, file: &BlobFile) -> bool {
        let flushed = SeqNo::new(self.flushed.load(Ordering::Acquire)).unwrap_or(SeqNo::ZERO);
        file.is_settled(flushed)
    }

    /// A compaction has moved so many bytes.
    pub fn note_moved(&self, bytes: u64) {
        self.counts.bytes_moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> BlobCounts {
        let (mut files, mut bytes) = (0, 0_u64);
        for file in self.files.read().values() {
            files += 1;
            bytes = bytes.saturating_add(file.end());
        }
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        BlobCounts {
            files,
            bytes,
            values_written: of(&self.counts.values_written),
            bytes_written: of(&self.counts.bytes_written),
            values_read: of(&self.counts.values_read),
            bytes_read: of(&self.counts.bytes_read),
            bytes_moved: of(&self.counts.bytes_moved),
        }
    }
}

#[cfg(test)]
mod tests;
