//! `TableBuilder`: sorted entries in, one file out.

use std::sync::Arc;

use crate::base::checksum::hash64;
use crate::base::error::{Error, ErrorKind, Result};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::env::fs::File;
use crate::key::full::{FullKey, PREFIX_LEN, keyspace_of};
use crate::key::trailer::entry_order;
use crate::record::header::{FileHeader, FileKind};
use crate::table::block::builder::BlockBuilder;
use crate::table::footer::Footer;
use crate::table::handle::{BlockKind, Handle};
use crate::table::options::TableOptions;
use crate::table::properties::{Part, Properties, encode_parts};
use crate::table::tally::{Body, Tally};
use crate::table::writer::Writer;

/// The longest full key.
pub const KEY_MAX: usize = PREFIX_LEN + 65_535;
/// The longest value, with the moment at which it expires.
pub const VALUE_MAX: usize = (1 << 30) + 8;
/// What an entry may take in a block besides key and value, most often.
const ENTRY_BYTES: usize = 24;

/// Writes a table. What it is given is in the file when `finish` has returned; the caller syncs the
/// file and its directory. After an error the builder is good for nothing but to be dropped.
#[derive(Debug)]
pub struct TableBuilder {
    writer: Writer,
    options: TableOptions,
    file_id: u64,
    block: BlockBuilder,
    /// What may be added to the block before its length is looked at.
    room: usize,
    hashes: Vec<u64>,
    tally: Tally,
    tombstones: Vec<Tombstone>,
    tombstone_bytes: u64,
}

/// A table that was written.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The length of the file.
    pub bytes: u64,
    /// CRC-32 of the file as a whole.
    pub crc: u32,
    /// The id in its header.
    pub file_id: u64,
    /// Counts and bounds.
    pub properties: Properties,
    /// What each keyspace has in it, in the order of keyspaces.
    pub parts: Vec<Part>,
}

impl TableBuilder {
    /// Begins a table in `file`, which is empty. The header's kind is that of a table whatever it
    /// says.
    pub fn new(file: Arc<dyn File>, header: FileHeader, options: TableOptions) -> Result<Self> {
        options.check()?;
        let header = FileHeader { kind: FileKind::Table, ..header };
        Ok(Self {
            writer: Writer::new(file, &header, options)?,
            options,
            file_id: header.file_id,
            block: BlockBuilder::new(),
            room: options.block_bytes as usize,
            hashes: Vec::new(),
            tally: Tally::default(),
            tombstones: Vec::new(),
            tombstone_bytes: 0,
        })
    }

    /// Appends an entry, which comes after all before it.
    pub fn add(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        check_entry(key, trailer, value)?;
        let is_first = self.tally.entries() == 0;
        let last = (self.tally.last_key(), self.tally.last_trailer());
        if !is_first && entry_order(last, (key, trailer)).is_ge() {
            return Err(Error::new(ErrorKind::Internal, "the entries of a table are out of order"));
        }
        let target = self.options.block_bytes as usize;
        if key.len() + value.len() >= target {
            // What is as large as a block has one of its own.
            self.end_block()?;
            self.block.make_room(key, value)?;
        }
        let hash = hash64(key);
        if self.options.filter_bits > 0 && self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
        self.tally.add(key, trailer, value).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "an entry is not what its kind says")
        })?;
        if !self.block.add_tagged((hash >> 56) as u8, key, trailer, value) {
            return Err(Error::new(ErrorKind::Internal, "an entry does not fit into a block"));
        }
        // To tell how long the block is takes longer than to add to it: it is asked again when so
        // many bytes were added that it may be long enough.
        self.room = self.room.saturating_sub(key.len() + value.len() + ENTRY_BYTES);
        if self.room > 0 {
            return Ok(());
        }
        self.room = target.saturating_sub(self.block.estimate());
        if self.room == 0 { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let last = (self.tally.last_key(), self.tally.last_trailer());
        let unpacked = self.writer.put_data(&mut self.block, &mut self.hashes, last)?;
        self.room = self.options.block_bytes as usize;
        self.tally.end_block(unpacked);
        Ok(())
    }

    /// Takes a range tombstone, in any order with others and with entries.
    pub fn add_tombstone(&mut self, tombstone: &Tombstone) -> Result<()> {
        let (start, end) = (&tombstone.start, &tombstone.end);
        let is_sane = [start, end].iter().all(|key| (PREFIX_LEN..=KEY_MAX).contains(&key.len()));
        let limit = FullKey::end_of(keyspace_of(start));
        if !is_sane || end.as_slice() > limit.bytes() {
            let message = "a range tombstone reaches from full key to full key of one keyspace";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        self.tombstone_bytes += (start.len() + end.len()) as u64;
        self.tombstones.push(tombstone.clone());
        Ok(())
    }

    /// About how long the file will be.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.writer.bytes() + self.block.estimate() as u64 + self.tombstone_bytes
    }

    /// True if there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tally.entries() == 0 && self.tombstones.is_empty()
    }

    /// Writes what is left. The caller syncs the file and its directory.
    pub fn finish(mut self) -> Result<Finished> {
        self.end_block()?;
        let (bytes, partitions) = self.writer.end_body()?;
        let mut image = Vec::new();
        let fragments = Fragments::build(std::mem::take(&mut self.tombstones));
        let mut tombstones = Handle::NONE;
        if !fragments.is_empty() {
            fragments.encode(&mut image);
            tombstones = self.writer.put_block(BlockKind::Tombstones, &image)?;
        }
        let tally = std::mem::take(&mut self.tally);
        let (counts, shares) = tally.finish(&fragments, Body { bytes, partitions });
        image.clear();
        encode_parts(&shares, &mut image);
        let parts = self.writer.put_block(BlockKind::Parts, &image)?;
        image.clear();
        counts.encode(&mut image);
        let properties = self.writer.put_block(BlockKind::Properties, &image)?;
        // The writer fills in what it knows best.
        let footer =
            Footer { file_id: 0, bytes: 0, top: Handle::NONE, properties, parts, tombstones };
        let (bytes, crc) = self.writer.finish(footer)?;
        let file_id = self.file_id;
        Ok(Finished { bytes, crc, file_id, properties: counts, parts: shares })
    }
}

/// Refuses what no table holds.
fn check_entry(key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
    let refuse = |kind: ErrorKind, message: &str| Err(Error::new(kind, message));
    if key.len() < PREFIX_LEN {
        return refuse(ErrorKind::InvalidArgument, "a full key begins with its keyspace");
    }
    if key.len() > KEY_MAX {
        return refuse(ErrorKind::TooLarge, "a key has at most 65,535 bytes");
    }
    if value.len() > VALUE_MAX {
        return refuse(ErrorKind::TooLarge, "a value has at most 1 GiB");
    }
    // 4 deletes ranges, which stand apart; 255 is for seeking.
    if matches!(trailer & 0xff, 4 | 0xff) {
        return refuse(ErrorKind::InvalidArgument, "an entry of this kind stands in no table");
    }
    Ok(())
}
