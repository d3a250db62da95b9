//! Tables as the ground needs them: a file that holds batches, listed by an edit that retires the
//! log behind them. What is in a real table is no business of these stories.

use std::path::Path;
use std::sync::Arc;

use lsm_core::base::checksum::FileCrc;
use lsm_core::base::codec::Decoder;
use lsm_core::base::error::{Error, Result};
use lsm_core::env::fs::{Access, read_full_at, write_all_at};
use lsm_core::env::schedule::Signal;
use lsm_core::journal::handle::Journal;
use lsm_core::key::full::FullKey;
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::key::seqno::SeqNo;
use lsm_core::record::header::{FileHeader, FileKind};
use lsm_core::record::names;
use lsm_core::version::catalog::TableEntry;
use lsm_core::version::current::Version;
use lsm_core::version::edit::Edit;
use lsm_core::version::garbage::Garbage;
use lsm_core::version::tree::{SliceMeta, TableMeta};

/// First sequence number, entries, payload.
pub type Batch = (u64, u32, Vec<u8>);

/// The versions of an open database, as an engine has them.
pub struct Versions {
    current: Version,
    garbage: Arc<Garbage>,
}

impl Versions {
    pub fn of(journal: &Journal) -> Self {
        let garbage = Garbage::new(Signal::new());
        let catalog = journal.catalog().unwrap();
        let current = Version::from_catalog(&catalog, garbage.clone(), None).unwrap();
        Self { current, garbage }
    }

    /// Commits the edits, installs what comes of them, and unlinks what nobody needs any more.
    pub fn commit(&mut self, journal: &Journal, edits: &[Edit]) -> Result<()> {
        let current = &mut self.current;
        journal.commit(edits, &mut |catalog| {
            let next = current.apply(edits, catalog.edit).unwrap();
            next.check().unwrap();
            let read_back =
                Version::from_catalog(catalog, Garbage::new(Signal::new()), None).unwrap();
            assert_eq!(next.files().count(), read_back.files().count());
            current.retire(&next);
            *current = next;
        })?;
        journal.unlink_tables(&self.garbage.take()).map(drop)
    }

    /// The edits that remove every table.
    pub fn removals(&self) -> Vec<Edit> {
        let slices = self.current.trees.values().flat_map(|tree| tree.slices());
        let gone = slices.map(|slice| Edit::SliceRemoved {
            table: slice.file.meta.number,
            keyspace: slice.meta.keyspace,
        });
        gone.collect()
    }

    /// Puts these batches, which are all there are, into a new table that takes the place of all
    /// others and of the log so far.
    pub fn flush(&mut self, journal: &Journal, batches: &[Batch]) -> Result<()> {
        let ended = journal.rotate()?;
        let new = journal.new_table()?;
        let bytes = encode(&new.header, batches);
        let written = write_all_at(new.file.as_ref(), &bytes, 0).and_then(|()| new.sync());
        let flushed = batches.iter().map(|(first, count, _)| first + u64::from(*count) - 1).max();
        let flushed = SeqNo::new(flushed.unwrap_or(0)).unwrap();
        let committed = written.and_then(|()| {
            let mut edits = self.removals();
            edits.push(table_added(&new.header, &bytes, flushed));
            edits.extend([Edit::LogStart(ended + 1), Edit::Flushed(flushed)]);
            self.commit(journal, &edits)
        });
        if committed.is_err() && self.current.file(new.number).is_none() {
            // What stays is cleared away by the next opening.
            let _left_behind = journal.discard_tables(&[new.number]);
        }
        committed
    }
}

fn table_added(header: &FileHeader, bytes: &[u8], flushed: SeqNo) -> Edit {
    let mut crc = FileCrc::new();
    crc.update(bytes);
    let meta = TableMeta {
        number: header.number,
        file_id: header.file_id,
        bytes: bytes.len() as u64,
        crc: crc.finish(),
        entries: 1,
        deletes: 0,
        range_deletes: 0,
        seqno_min: SeqNo::ZERO,
        seqno_max: flushed,
        created_millis: header.clock_millis,
        expiry_min_millis: 0,
        expiry_max_millis: 0,
        merge_min_millis: 0,
        merge_ends: 0,
        blobs: Vec::new(),
    };
    let slice = SliceMeta {
        keyspace: KeyspaceId::DEFAULT,
        level: 0,
        run: header.number,
        smallest: FullKey::first_of(KeyspaceId::DEFAULT).bytes().to_vec(),
        largest: FullKey::end_of(KeyspaceId::DEFAULT).bytes().to_vec(),
        is_largest_excluded: true,
        bytes: bytes.len() as u64,
        entries: 1,
        deletes: 0,
    };
    Edit::TableAdded { meta, slices: vec![slice] }
}

fn encode(header: &FileHeader, batches: &[Batch]) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    for (first, count, payload) in batches {
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// The batches in the tables of an open database.
pub fn read_tables(journal: &Journal) -> Result<Vec<Batch>> {
    let mut batches = Vec::new();
    for entry in journal.catalog()?.tables.values() {
        read_table(journal, entry, &mut batches)?;
    }
    Ok(batches)
}

fn read_table(journal: &Journal, entry: &TableEntry, batches: &mut Vec<Batch>) -> Result<()> {
    let file = journal.directory().open(&names::table(entry.meta.number), Access::Read)?;
    let mut bytes = vec![0; entry.meta.bytes as usize];
    let len = read_full_at(file.as_ref(), &mut bytes, 0)?;
    let mut crc = FileCrc::new();
    crc.update(&bytes);
    if len != bytes.len() || crc.finish() != entry.meta.crc {
        return Err(Error::corruption(file.path(), 0, "the table is not what was written"));
    }
    assert_eq!(
        FileHeader::decode(&bytes, FileKind::Table, Path::new("x"))?.file_id,
        entry.meta.file_id
    );
    let mut fields = Decoder::new(&bytes[128..]);
    while !fields.is_empty() {
        let (first, count) = (fields.u64().unwrap(), fields.u32().unwrap());
        let len = fields.u32().unwrap() as usize;
        batches.push((first, count, fields.bytes(len).unwrap().to_vec()));
    }
    Ok(())
}
