//! Large values in a merge: most stay where they are, and only their references are written anew.
//! Those in files much of which is of no use any more go to new files.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::blob::file::{BlobEnd, BlobEntry, BlobFile, is_unreadable};
use crate::blob::record::{HEAD_LEN, Head, Packed, verify};
use crate::blob::reference::BlobRef;
use crate::blob::store::Blobs;
use crate::env::fs::{read_full_at, write_all_at};
use crate::journal::blobs::NewBlob;
use crate::output::Sink;
use crate::record::header::HEADER_LEN;
use crate::version::edit::Edit;

/// Which large values a merge moves, and from where.
#[derive(Clone, Debug, Default)]
pub struct Moving {
    /// Where they are read; nothing is moved without it.
    pub blobs: Option<Arc<Blobs>>,
    /// Files that are given up.
    pub files: Arc<BTreeSet<u64>>,
}

/// Moves large values for one part of a merge.
#[derive(Debug, Default)]
pub struct Mover {
    moving: Moving,
    draft: Option<Draft>,
    done: Vec<(u64, BlobEnd)>,
    made: Vec<u64>,
    /// The last reference that was made.
    reference: Vec<u8>,
}

/// A file that is being filled.
#[derive(Debug)]
struct Draft {
    new: NewBlob,
    end: u64,
}

impl Mover {
    /// Moves these; nothing was moved yet.
    #[must_use]
    pub fn new(moving: &Moving) -> Self {
        Self { moving: moving.clone(), ..Self::default() }
    }

    /// Moves the value of a reference if its file is given up. Answers how many bytes that took,
    /// after which `reference` is the one to be written.
    pub fn take(&mut self, sink: &dyn Sink, reference: &[u8]) -> Result<Option<u64>> {
        let Some(blobs) = self.moving.blobs.clone() else { return Ok(None) };
        let Some(old) = BlobRef::decode(reference) else { return Ok(None) };
        if !self.moving.files.contains(&old.file) {
            return Ok(None);
        }
        let record = match blobs.record(&old) {
            Ok((record, _)) => record,
            // It stays where it is, and so does its file: whoever reads it is told.
            Err(error) if is_unreadable(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut packed = Packed::again(record).ok_or_else(malformed)?;
        let len = packed.len();
        let draft = match self.draft.take() {
            Some(draft) if draft.end.saturating_add(len) <= blobs.file_bytes() => draft,
            full => {
                full.map_or(Ok(()), |full| self.close(full))?;
                let new = sink.new_blob()?;
                self.made.push(new.number);
                Draft { new, end: HEADER_LEN as u64 }
            }
        };
        let draft = self.draft.insert(draft);
        let offset = draft.end;
        let (check, parts) = packed.place(draft.new.header.file_id, offset);
        let mut at = offset;
        for part in parts {
            write_all_at(draft.new.file.as_ref(), part, at)?;
            at += part.len() as u64;
        }
        draft.end = at;
        blobs.note_moved(len);
        let new = BlobRef { file: draft.new.number, offset, check, ..old };
        self.reference.clear();
        new.encode(&mut self.reference);
        Ok(Some(len))
    }

    /// The reference to what was moved last.
    #[must_use]
    pub fn reference(&self) -> &[u8] {
        &self.reference
    }

    /// Makes the rest durable.
    pub fn finish(&mut self) -> Result<()> {
        self.draft.take().map_or(Ok(()), |draft| self.close(draft))
    }

    fn close(&mut self, draft: Draft) -> Result<()> {
        let Draft { new, end } = draft;
        new.file.sync_data()?;
        prove(&new, end)?;
        let number = new.number;
        self.done.push((new.header.file_id, BlobEnd { number, place: number, bytes: end }));
        Ok(())
    }

    /// The changes that list what was made.
    pub fn edits(&self) -> impl Iterator<Item = Edit> {
        self.done.iter().flat_map(|&(file_id, end)| {
            [Edit::BlobAdded { number: end.number, file_id }, Edit::BlobSealed(end)]
        })
    }

    /// Gives up: takes away what was made.
    pub fn discard(&mut self, sink: &dyn Sink) {
        self.draft = None;
        self.done.clear();
        let made = std::mem::take(&mut self.made);
        if !made.is_empty() {
            sink.discard_blobs(&made);
        }
    }
}

/// Reads what was just written, before what it was made from goes.
fn prove(new: &NewBlob, end: u64) -> Result<()> {
    let wrong = |at| {
        let why = "large values that were just moved read otherwise";
        Err(Error::corruption(new.file.path(), at, why))
    };
    let mut at = HEADER_LEN as u64;
    let mut bytes = Vec::new();
    while at < end {
        bytes.resize(HEAD_LEN, 0);
        read_full_at(new.file.as_ref(), &mut bytes, at)?;
        let Some(head) = Head::read(&bytes) else { return wrong(at) };
        let len = head.record_len();
        if len > end - at {
            return wrong(at);
        }
        bytes.resize(len as usize, 0);
        read_full_at(new.file.as_ref(), &mut bytes, at)?;
        if verify(&bytes, new.header.file_id, at).is_none() {
            return wrong(at);
        }
        at += len;
    }
    Ok(())
}

/// The files that edits list.
pub fn listed_by(edits: &[Edit]) -> impl Iterator<Item = (u64, BlobEntry, u64)> {
    edits.iter().filter_map(|edit| {
        let Edit::BlobSealed(end) = edit else { return None };
        let file_id = edits.iter().find_map(|edit| match edit {
            Edit::BlobAdded { number, file_id } if *number == end.number => Some(*file_id),
            _ => None,
        })?;
        let entry = BlobEntry { file_id, place: end.place, bytes: Some(end.bytes) };
        Some((end.number, entry, end.bytes))
    })
}

/// How much of a file nothing refers to, in hundredths: `live` bytes of it are referred to.
#[must_use]
pub fn garbage_share(file: &BlobFile, live: u64) -> u64 {
    let all = file.end().saturating_sub(HEADER_LEN as u64);
    let garbage = all.saturating_sub(live);
    garbage.saturating_mul(100) / all.max(1)
}

fn malformed() -> Error {
    Error::new(ErrorKind::Internal, "a large value that was verified has no head")
}
