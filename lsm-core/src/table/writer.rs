//! Writes the blocks of a table: data, and behind each partition of it a filter and an index.

use std::sync::Arc;

use crate::base::compress::{Codec, compress, packed_len_max};
use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::File;
use crate::filter::FilterBuilder;
use crate::record::header::FileHeader;
use crate::table::block::builder::BlockBuilder;
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::table::handle::{BLOCKS_START, BlockKind, Handle};
use crate::table::options::TableOptions;
use crate::table::output::Output;
use crate::table::partition::Partition;
use crate::table::seal::{Seal, UNPACKED_MAX};
use crate::table::separator::{OLDEST, separate};

/// A partition ends before its filter or its index would take more than this, unless it has but
/// one block.
const PARTITION_BYTES: usize = 64 << 10;
/// What an index entry may take besides its key.
const INDEX_ENTRY: usize = 48;
/// What rounding may add to a filter.
const FILTER_SLACK: usize = 64;
/// Blocks that are longer are not packed: they hold one large value, and packing it would take its
/// length once more.
const PACKED_MAX: usize = 64 << 20;
/// The blocks of a table that is being written.
#[derive(Debug)]
pub struct Writer {
    output: Output,
    file_id: u64,
    options: TableOptions,
    top: BlockBuilder,
    partitions: u64,
    /// Of the partition that is being written:
    index: BlockBuilder,
    filter: FilterBuilder,
    start: u64,
    blocks: u32,
    /// The last data block, whose separator is known when the next one is. `NONE` before it.
    pending: Handle,
    last_key: Vec<u8>,
    last_trailer: u64,
    separator: Vec<u8>,
    separator_trailer: u64,
    image: Vec<u8>,
    packed: Vec<u8>,
}

impl Writer {
    /// Writes the header.
    pub fn new(file: Arc<dyn File>, header: &FileHeader, options: TableOptions) -> Result<Self> {
        let mut output = Output::new(file);
        output.put(&header.encode())?;
        Ok(Self {
            output,
            file_id: header.file_id,
            options,
            top: BlockBuilder::new(),
            partitions: 0,
            index: BlockBuilder::new(),
            filter: FilterBuilder::new(options.filter_bits),
            start: BLOCKS_START,
            blocks: 0,
            pending: Handle::NONE,
            last_key: Vec::new(),
            last_trailer: 0,
            separator: Vec::new(),
            separator_trailer: 0,
            image: Vec::new(),
            packed: Vec::new(),
        })
    }

    /// About how long the file is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let index = self.index.estimate() + self.top.estimate();
        self.output.position() + (index + self.filter_bytes(0)) as u64
    }

    /// What the filter would take with so many more keys.
    fn filter_bytes(&self, more: usize) -> usize {
        match self.options.filter_bits as usize {
            0 => 0,
            bits => self.filter.encoded_len() + (more * bits).div_ceil(8),
        }
    }

    /// Writes a data block that ends with `last`. `hashes` are those of its keys. Answers how many
    /// bytes the block had before it was packed.
    pub fn put_data(
        &mut self,
        block: &mut BlockBuilder,
        hashes: &mut Vec<u64>,
        last: (&[u8], u64),
    ) -> Result<usize> {
        if !self.pending.is_none() {
            let trailer = self.last_trailer;
            self.separator_trailer =
                separate(&self.last_key, trailer, block.first_key(), &mut self.separator);
            self.settle()?;
        }
        let index_bytes = self.index.estimate() + last.0.len() + INDEX_ENTRY;
        let filter_bytes = self.filter_bytes(hashes.len()) + FILTER_SLACK;
        let is_full = index_bytes.max(filter_bytes) > PARTITION_BYTES;
        if is_full && self.blocks > 0 {
            self.end_partition()?;
        }
        let mut image = std::mem::take(&mut self.image);
        image.clear();
        let handle =
            block.finish(&mut image).and_then(|()| self.put_block(BlockKind::Data, &image));
        let unpacked = image.len();
        self.image = image;
        self.pending = handle?;
        self.blocks = self.blocks.saturating_add(1);
        self.last_key.clear();
        self.last_key.extend_from_slice(last.0);
        self.last_trailer = last.1;
        hashes.drain(..).for_each(|hash| self.filter.add(hash));
        Ok(unpacked)
    }

    /// Enters the last data block into the index, now that its separator is known.
    fn settle(&mut self) -> Result<()> {
        let handle = std::mem::take(&mut self.pending).encode();
        let is_in = self.index.add(&self.separator, self.separator_trailer, &handle);
        if is_in { Ok(()) } else { Err(too_large()) }
    }

    /// Writes filter and index of the partition, and enters it into the top index.
    fn end_partition(&mut self) -> Result<()> {
        let mut image = Vec::new();
        let mut filter = Handle::NONE;
        if self.options.filter_bits > 0 {
            self.filter.finish(&mut image);
            filter = self.put_block(BlockKind::Filter, &image)?;
            image.clear();
        }
        self.index.finish(&mut image)?;
        let index = self.put_block(BlockKind::Index, &image)?;
        let partition = Partition { start: self.start, blocks: self.blocks, filter, index };
        if !self.top.add(&self.separator, self.separator_trailer, &partition.encode()) {
            return Err(too_large());
        }
        self.partitions += 1;
        self.start = self.output.position();
        self.blocks = 0;
        Ok(())
    }

    /// Ends the last partition; answers where it ends, and how many there are.
    pub fn end_body(&mut self) -> Result<(u64, u64)> {
        if !self.pending.is_none() {
            self.separator.clear();
            self.separator.extend_from_slice(&self.last_key);
            self.separator_trailer = OLDEST;
            self.settle()?;
            self.end_partition()?;
        }
        Ok((self.output.position(), self.partitions))
    }

    /// Writes a block.
    pub fn put_block(&mut self, kind: BlockKind, payload: &[u8]) -> Result<Handle> {
        let offset = self.output.position();
        let unpacked = payload.len();
        let mut codec = Codec::None;
        let TableOptions { codec: wanted, codec_level, .. } = self.options;
        let is_packable = kind != BlockKind::Filter && unpacked <= PACKED_MAX;
        let room = packed_len_max(wanted, unpacked).filter(|_| is_packable);
        self.packed.clear();
        // Where there is no memory to pack it, it is stored as it is.
        if room.is_some_and(|room| self.packed.try_reserve(room).is_ok()) {
            codec = compress(wanted, codec_level, payload, &mut self.packed);
        }
        let payload = if codec as u8 == 0 { payload } else { &self.packed };
        let (Ok(len), Ok(unpacked)) = (u32::try_from(payload.len()), u32::try_from(unpacked))
        else {
            return Err(too_large());
        };
        if payload.is_empty() || u64::from(unpacked) > UNPACKED_MAX {
            return Err(too_large());
        }
        let trailer = Seal { kind, codec, unpacked }.trailer(self.file_id, offset, payload);
        self.output.put(payload)?;
        self.output.put(&trailer)?;
        Ok(Handle { offset, len })
    }

    /// Writes the top index, if there is a partition, and the footer. `footer` has the other
    /// handles. Answers the length of the file and its CRC.
    pub fn finish(mut self, mut footer: Footer) -> Result<(u64, u32)> {
        if self.partitions > 0 {
            let mut image = Vec::new();
            self.top.finish(&mut image)?;
            footer.top = self.put_block(BlockKind::Top, &image)?;
        }
        footer.file_id = self.file_id;
        footer.bytes = self.output.position() + FOOTER_LEN as u64;
        self.output.put(&footer.encode())?;
        self.output.finish()
    }
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "a block of the table would be longer than 1 GiB and a little")
}
