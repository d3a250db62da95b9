//! One table on its way: written, synced, read again, and only then believed.
//!
//! Flushes and compactions make tables alike. Where numbers and files come from is the engine's
//! business, and stands behind `Sink`; so is what becomes of a table that was not wanted.

use std::fmt::Debug;
use std::sync::Arc;

use crate::base::checksum::{FileCrc, hash64};
use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::cursor::tombstone::Fragments;
use crate::env::fs::read_full_at;
use crate::journal::blobs::NewBlob;
use crate::journal::tables::NewTable;
use crate::options::keyspace::{Compression, KeyspaceOptions};
use crate::table::builder::{Finished, TableBuilder};
use crate::table::cursor::TableCursor;
use crate::table::opening::Expect;
use crate::table::options::TableOptions;
use crate::table::page::Found;
use crate::table::reader::Table;
use crate::version::edit::Edit;
use crate::version::tree::{SliceMeta, TableFile, TableMeta};

/// What those who make tables need of the engine.
pub trait Sink: Debug + Send + Sync {
    /// A new, empty table file.
    fn new_table(&self) -> Result<NewTable>;

    /// Takes away table files that came from here and that nothing lists. A failure leaves files
    /// behind that the next opening clears away.
    fn discard(&self, numbers: &[u64]);

    /// An input, opened.
    fn open(&self, file: &Arc<TableFile>) -> Result<Arc<Table>>;

    /// Where blocks are kept.
    fn cache(&self) -> Arc<Cache>;

    /// A new file of large values.
    fn new_blob(&self) -> Result<NewBlob>;

    /// Takes away files of large values that came from here and that nothing lists.
    fn discard_blobs(&self, numbers: &[u64]);
}

/// A step reads or writes about so many bytes.
pub const STEP_BYTES: usize = 64 << 10;

/// Filters above the bottom are asked more often than they are right: they get more bits.
const UPPER_FILTER_BITS: u32 = 4;

/// How tables of a keyspace are written. Those above the bottom will soon be rewritten: they are
/// packed quickly or not at all, and have better filters.
#[must_use]
pub fn table_options(keyspace: &KeyspaceOptions, is_bottom: bool) -> TableOptions {
    let bits = keyspace.get_filter_bits_per_key();
    let upper = if bits == 0 { 0 } else { bits.saturating_add(UPPER_FILTER_BITS).min(32) };
    let (codec, codec_level) = match keyspace.get_compression() {
        Compression::None => (Codec::None, 0),
        Compression::Zstd { level } if is_bottom => (Codec::Zstd, level),
        Compression::Lz4 | Compression::Zstd { .. } => (Codec::Lz4, 0),
    };
    let filter_bits = if is_bottom { bits } else { upper };
    TableOptions { block_bytes: keyspace.get_block_bytes(), codec, codec_level, filter_bits }
}

/// What went into a table, or came out of it, as one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    entries: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, key: &[u8], trailer: u64, value: &[u8]) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        for part in [hash64(key), trailer, hash64(value)] {
            self.sum = (self.sum ^ part).wrapping_mul(ODD).rotate_left(29);
        }
        self.entries = self.entries.wrapping_add(1);
    }
}

/// A table that is being written.
#[derive(Debug)]
pub struct Draft {
    new: NewTable,
    builder: Box<TableBuilder>,
    digest: Option<Digest>,
}

impl Draft {
    /// Begins a table; its number goes to `made` as soon as there is a file. No `Proof` can be had
    /// of it.
    pub fn begin(sink: &dyn Sink, options: TableOptions, made: &mut Vec<u64>) -> Result<Self> {
        let new = sink.new_table()?;
        made.push(new.number);
        let builder = TableBuilder::new(Arc::clone(&new.file), new.header.clone(), options)?;
        Ok(Self { new, builder: Box::new(builder), digest: None })
    }

    /// As `begin`, for a table of which there is to be a `Proof`.
    pub fn begin_provable(
        sink: &dyn Sink,
        options: TableOptions,
        made: &mut Vec<u64>,
    ) -> Result<Self> {
        let draft = Self::begin(sink, options, made)?;
        Ok(Self { digest: Some(Digest::default()), ..draft })
    }

    /// Appends an entry.
    pub fn add(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        self.builder.add(key, trailer, value)?;
        if let Some(digest) = &mut self.digest {
            digest.add(key, trailer, value);
        }
        Ok(())
    }

    /// About how long the file will be.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.builder.bytes()
    }

    /// Writes the rest, and syncs the file.
    pub fn finish(mut self, tombstones: &Fragments) -> Result<Written> {
        for tombstone in tombstones.iter() {
            self.builder.add_tombstone(&tombstone)?;
        }
        let finished = (*self.builder).finish()?;
        self.new.sync()?;
        Ok(Written { new: self.new, finished: Box::new(finished), digest: self.digest })
    }
}

/// A table that is written and synced, and that nothing lists yet.
#[derive(Debug)]
pub struct Written {
    new: NewTable,
    finished: Box<Finished>,
    /// None if there is to be no `Proof`: no such proof succeeds.
    digest: Option<Digest>,
}

impl Written {
    /// The number in its name.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.new.number
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.finished.bytes
    }

    /// Opens the table as it lies in its file, and holds what it says of itself against what was
    /// written.
    pub fn reopen(&self, sink: &dyn Sink) -> Result<Arc<Table>> {
        let expect = Expect { file_id: self.finished.file_id, bytes: self.finished.bytes };
        let table = Table::open(Arc::clone(&self.new.file), expect, sink.cache())?;
        if *table.properties() == self.finished.properties {
            return Ok(table);
        }
        Err(self.differs("its properties"))
    }

    fn differs(&self, what: &str) -> Error {
        let why = format!("a table that was just written reads otherwise: {what}");
        Error::corruption(self.new.file.path(), 0, why)
    }

    /// The change that makes it part of the trees.
    #[must_use]
    pub fn edit(&self, level: u8, run: u64, created_millis: u64) -> Edit {
        let properties = &self.finished.properties;
        let meta = TableMeta {
            number: self.new.number,
            file_id: self.finished.file_id,
            bytes: self.finished.bytes,
            crc: self.finished.crc,
            entries: properties.entries,
            deletes: properties.deletes,
            range_deletes: properties.range_deletes,
            seqno_min: properties.seqno_min,
            seqno_max: properties.seqno_max,
            created_millis,
            expiry_min_millis: properties.expiry_min_millis,
            expiry_max_millis: properties.expiry_max_millis(),
            merge_min_millis: properties.merge_min_millis,
            merge_ends: properties.merge_ends,
            blobs: properties.blobs.clone(),
        };
        let slices = self.finished.parts.iter().map(|part| SliceMeta {
            keyspace: part.keyspace,
            level,
            run,
            smallest: part.smallest.clone(),
            largest: part.largest.clone(),
            is_largest_excluded: part.is_largest_excluded,
            bytes: part.bytes,
            entries: part.entries,
            deletes: part.deletes,
        });
        Edit::TableAdded { meta, slices: slices.collect() }
    }
}

/// One entry in so many is looked up by its key as well, through index and filter.
const LOOKUP_EACH: u64 = 128;

/// Reads a table that was just written, and finds in it what was put there: every byte of the file
/// by its CRC, every entry by a digest, and some entries by their keys.
#[derive(Debug)]
pub struct Proof {
    written: Written,
    table: Arc<Table>,
    cursor: TableCursor,
    digest: Digest,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Bytes { crc: FileCrc, at: u64, buffer: Vec<u8> },
    Start,
    Entries,
}

impl Proof {
    /// Opens the table.
    pub fn new(written: Written, sink: &dyn Sink) -> Result<Self> {
        let table = written.reopen(sink)?;
        let cursor = table.cursor(Use::Bypass);
        let stage = Stage::Bytes { crc: FileCrc::new(), at: 0, buffer: vec![0; STEP_BYTES] };
        Ok(Self { written, table, cursor, digest: Digest::default(), stage })
    }

    /// Reads on; true when everything is there.
    pub fn step(&mut self) -> Result<bool> {
        match &mut self.stage {
            Stage::Bytes { crc, at, buffer } => {
                let read = read_full_at(self.written.new.file.as_ref(), buffer, *at)?;
                crc.update(buffer.get(..read).unwrap_or_default());
                *at += read as u64;
                if read == buffer.len() {
                    return Ok(false);
                }
                if crc.clone().finish() != self.written.finished.crc {
                    return Err(self.written.differs("its CRC"));
                }
                self.stage = Stage::Start;
                Ok(false)
            }
            Stage::Start => {
                if self.table.parts()? != self.written.finished.parts {
                    return Err(self.written.differs("its parts"));
                }
                let _they_can_be_read = self.table.tombstones()?;
                self.cursor.seek_first()?;
                self.stage = Stage::Entries;
                Ok(false)
            }
            Stage::Entries => self.read_entries(),
        }
    }

    fn read_entries(&mut self) -> Result<bool> {
        let mut done = 0;
        while done < STEP_BYTES {
            if !self.cursor.is_valid() {
                return self.end();
            }
            let (key, trailer) = (self.cursor.key(), self.cursor.trailer());
            let value = self.cursor.value();
            if self.digest.entries % LOOKUP_EACH == 0 {
                self.look_up(key, trailer, value)?;
            }
            done += key.len() + value.len();
            self.digest.add(key, trailer, value);
            self.cursor.next()?;
        }
        Ok(false)
    }

    fn look_up(&self, key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        let found = self.table.get(key, hash64(key), trailer, Use::Bypass)?;
        let is_it = |found: &Found| found.trailer == trailer && found.value.as_ref() == value;
        if found.as_ref().is_some_and(is_it) {
            return Ok(());
        }
        Err(self.written.differs("an entry is not found by its key"))
    }

    fn end(&self) -> Result<bool> {
        if Some(self.digest) == self.written.digest {
            return Ok(true);
        }
        Err(self.written.differs("its entries"))
    }

    /// The table, which is proved.
    #[must_use]
    pub fn into_written(self) -> Written {
        self.written
    }
}

/// The error of a job that is asked to go on after it failed.
#[must_use]
pub fn is_over() -> Error {
    Error::new(ErrorKind::Internal, "a job that is over is asked to go on")
}

#[cfg(test)]
pub(crate) mod testing;
