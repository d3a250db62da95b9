//! Files in memory, entries by chance, and a model that shares no code with tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::budget::Budget;
use crate::base::checksum::hash64;
use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Mutex;
use crate::blob::reference::BlobRef;
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::cursor::tombstone::Tombstone;
use crate::env::fs::{File, Window};
use crate::env::sim::rng::Rng;
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::record::header::{FileHeader, FileKind};
use crate::table::builder::{Finished, TableBuilder};
use crate::table::opening::Expect;
use crate::table::options::TableOptions;
use crate::table::reader::Table;

pub(super) const FILE_ID: u64 = 0x1234_5678_9abc_def0;

/// A file in memory that anybody may change under whoever has it open.
#[derive(Debug)]
pub(super) struct MemFile {
    path: PathBuf,
    pub(super) bytes: Mutex<Vec<u8>>,
    pub(super) reads: Mutex<u64>,
}

impl MemFile {
    pub(super) fn new(bytes: Vec<u8>) -> Arc<Self> {
        let path = PathBuf::from("/db/000007.sst");
        Arc::new(Self { path, bytes: Mutex::new(bytes), reads: Mutex::new(0) })
    }
}

impl File for MemFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        *self.reads.lock() += 1;
        let bytes = self.bytes.lock();
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        // Short reads are allowed, and some are made.
        let len = buffer.len().min(rest.len()).min(100_003);
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, new: &[u8], offset: u64) -> Result<usize> {
        let mut bytes = self.bytes.lock();
        let end = offset as usize + new.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(new);
        Ok(new.len())
    }

    fn allocate(&self, _len: u64) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "memory"))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.bytes.lock().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> Result<()> {
        Ok(())
    }

    fn map(&self, _offset: u64, _len: u64) -> Result<Box<dyn Window>> {
        Err(Error::new(ErrorKind::Unsupported, "memory"))
    }
}

pub(super) fn header() -> FileHeader {
    FileHeader {
        kind: FileKind::Table,
        compatible: 0,
        file_id: FILE_ID,
        database_id: [7; 16],
        incarnation: 8,
        edit: 9,
        number: 7,
        boot_id: None,
        clock_millis: 10,
        flags: 0,
    }
}

pub(super) fn options(block_bytes: u32, codec: Codec, filter_bits: u32) -> TableOptions {
    TableOptions { block_bytes, codec, codec_level: 3, filter_bits }
}

pub(super) fn full(keyspace: u32, key: &[u8]) -> Vec<u8> {
    FullKey::new(KeyspaceId::new(keyspace), key).bytes().to_vec()
}

pub(super) fn tombstone(keyspace: u32, start: &[u8], end: &[u8], seqno: u64) -> Tombstone {
    let seqno = SeqNo::new(seqno).unwrap();
    Tombstone { start: full(keyspace, start), end: full(keyspace, end), seqno }
}

/// Full key, trailer, value.
pub(super) type Entry = (Vec<u8>, u64, Vec<u8>);

/// What a table ought to hold: keys in order, and the entries of each by trailer.
#[derive(Clone, Debug, Default)]
pub(super) struct Model(pub(super) BTreeMap<Vec<u8>, BTreeMap<u64, Vec<u8>>>);

impl Model {
    pub(super) fn add(&mut self, key: Vec<u8>, trailer: u64, value: Vec<u8>) {
        self.0.entry(key).or_default().insert(trailer, value);
    }

    /// All entries in order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for (key, versions) in &self.0 {
            for (trailer, value) in versions.iter().rev() {
                all.push((key.clone(), *trailer, value.clone()));
            }
        }
        all
    }

    pub(super) fn get(&self, key: &[u8], ceiling: u64) -> Option<(u64, &[u8])> {
        let (trailer, value) = self.0.get(key)?.range(..=ceiling).next_back()?;
        Some((*trailer, value))
    }
}

/// How the entries of a model look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taste {
    pub(super) keyspaces: u64,
    pub(super) keys: u64,
    /// Keys have up to so many bytes, and more than one letter if it is not 0.
    pub(super) key_len: u64,
    pub(super) versions: u64,
    pub(super) value_len: u64,
}

/// A model of about `keys` entries.
pub(super) fn model(rng: &mut Rng, taste: Taste) -> Model {
    let mut model = Model::default();
    for _ in 0..taste.keys {
        let mut key = vec![0; rng.below(taste.key_len + 1) as usize];
        key.iter_mut().for_each(|byte| *byte = *b"\x00ab\xff".get(rng.below(4) as usize).unwrap());
        if rng.chance(1, 2) {
            key.extend_from_slice(&rng.below(taste.keys * 2).to_be_bytes()[5..]);
        }
        let key = full(rng.below(taste.keyspaces) as u32 * 255, &key);
        for _ in 0..=rng.below(taste.versions) {
            let kind = [0, 1, 1, 1, 2, 3, 5, 6][rng.below(8) as usize];
            let trailer = rng.below(100_000) << 8 | kind;
            let mut value = vec![0; rng.below(taste.value_len + 1) as usize];
            match kind {
                0 | 3 => value.clear(),
                2 => value.resize(value.len().max(16), b'v'),
                6 => value.resize(value.len().max(8), b'v'),
                _ => {}
            }
            if rng.chance(1, 2) {
                rng.garbage(&mut value);
            }
            if kind == 5 {
                value.clear();
                reference(rng).encode(&mut value);
            }
            model.add(key.clone(), trailer, value);
        }
    }
    model
}

/// To a large value in one of a few files.
fn reference(rng: &mut Rng) -> BlobRef {
    let moment = 1 + rng.below(1 << 40);
    let [len, raw] = [0; 2].map(|_: u32| 1 + rng.below(1 << 20) as u32);
    BlobRef {
        expiry_millis: rng.chance(1, 4).then_some(moment),
        file: 1 + rng.below(9),
        offset: rng.below(1 << 30),
        len,
        raw,
        check: rng.below(u64::MAX),
    }
}

/// The bytes of a table with these entries, and what the builder says of it.
pub(super) fn build(
    model: &Model,
    tombstones: &[Tombstone],
    options: TableOptions,
) -> (Vec<u8>, Finished) {
    let file = MemFile::new(Vec::new());
    let mut builder = TableBuilder::new(Arc::clone(&file) as _, header(), options).unwrap();
    for (key, trailer, value) in model.entries() {
        builder.add(&key, trailer, &value).unwrap();
    }
    for tombstone in tombstones {
        builder.add_tombstone(tombstone).unwrap();
    }
    let finished = builder.finish().unwrap();
    let bytes = file.bytes.lock().clone();
    (bytes, finished)
}

pub(super) fn cache(bytes: u64) -> Arc<Cache> {
    Cache::new(Budget::new(1 << 30), bytes)
}

pub(super) fn open(file: Arc<MemFile>, cache: Arc<Cache>) -> Result<Arc<Table>> {
    let bytes = file.bytes.lock().len() as u64;
    Table::open(file, Expect { file_id: FILE_ID, bytes }, cache)
}

pub(super) fn get(table: &Table, key: &[u8], ceiling: u64) -> Option<(u64, Vec<u8>)> {
    let found = table.get(key, hash64(key), ceiling, Use::Point).unwrap();
    found.map(|found| (found.trailer, found.value.to_vec()))
}
