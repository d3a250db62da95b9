//! The end of the large values: the file that is written, and those that the manifest does not
//! know to be durable yet.
//!
//! A write gets its place under a lock that is held for a moment, and writes without one. It holds
//! on to the file until what it has written is referred to from memory, or has failed.

use std::sync::Arc;

use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::blob::file::{BlobEnd, BlobFile};
use crate::record::header::HEADER_LEN;

/// A place for one record, until this is dropped.
#[derive(Debug)]
pub struct Reserved {
    file: Arc<BlobFile>,
    /// Where the record begins.
    pub offset: u64,
}

impl Reserved {
    /// Holds on to a file that has this end.
    pub(super) fn hold(file: &Arc<BlobFile>, end: u64) -> Self {
        file.enter();
        Self { file: Arc::clone(file), offset: end }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Arc<BlobFile> {
        &self.file
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.file.leave();
    }
}

/// Where large values are written.
#[derive(Debug)]
pub(super) struct Tail {
    place: Mutex<Place>,
    /// About how long a file becomes.
    file_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Place {
    active: Option<Arc<BlobFile>>,
    end: u64,
    /// Files that the manifest does not know to be durable, the active one too.
    unsealed: Vec<Arc<BlobFile>>,
}

impl Tail {
    pub(super) fn new(file_bytes: u64) -> Self {
        Self { place: Mutex::default(), file_bytes: AtomicU64::new(file_bytes) }
    }

    pub(super) fn set_file_bytes(&self, bytes: u64) {
        self.file_bytes.store(bytes.max(1), Ordering::Relaxed);
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    /// A place for `len` bytes; `None` if another file must be begun first.
    pub(super) fn reserve(&self, len: u64) -> Option<Reserved> {
        let mut place = self.place.lock();
        let offset = place.end;
        let end = offset.checked_add(len)?;
        let active = place.active.as_ref()?;
        if offset > HEADER_LEN as u64 && end > self.file_bytes() {
            return None;
        }
        let file = Arc::clone(active);
        file.enter();
        place.end = end;
        Some(Reserved { file, offset })
    }

    /// Goes on in another file.
    pub(super) fn begin(&self, file: &Arc<BlobFile>) {
        let mut place = self.place.lock();
        place.end = file.end();
        place.unsealed.push(Arc::clone(file));
        if let Some(before) = place.active.replace(Arc::clone(file)) {
            before.fill();
        }
    }

    /// Writes go to another file from now on, if something was written to this one.
    pub(super) fn retire(&self) {
        let mut place = self.place.lock();
        if place.end > HEADER_LEN as u64 {
            if let Some(active) = place.active.take() {
                active.fill();
            }
        }
    }

    /// The same, if it is this one, in any case.
    pub(super) fn give_up(&self, file: &Arc<BlobFile>) {
        let mut place = self.place.lock();
        if place.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, file)) {
            place.active = None;
            file.fill();
        }
    }

    /// No file is written any more.
    pub(super) fn end(&self) {
        if let Some(active) = self.place.lock().active.take() {
            active.fill();
        }
    }

    pub(super) fn unsealed(&self) -> Vec<Arc<BlobFile>> {
        self.place.lock().unsealed.clone()
    }

    /// Files that ended and are durable, and of which the manifest does not know it.
    pub(super) fn ends_to_tell(&self) -> Vec<BlobEnd> {
        self.place.lock().unsealed.iter().filter_map(|file| file.end_to_tell()).collect()
    }

    pub(super) fn note_sealed(&self, number: u64) {
        self.place.lock().unsealed.retain(|file| {
            if file.number == number {
                file.note_sealed();
            }
            file.number != number
        });
    }
}
