//! Partitions: runs of data blocks with a filter and an index of their own.

use crate::base::codec::{Decoder, HeaderWriter};
use crate::table::handle::{HANDLE_LEN, Handle};

/// Bytes of a partition in the top index.
pub const PARTITION_LEN: usize = 12 + 2 * HANDLE_LEN;

/// What the top index says of a partition.
///
/// ```text
/// 0 start u64 | 8 blocks u32 | 12 filter handle | 24 index handle
/// ```
///
/// From `start` on there stand `blocks` data blocks, the filter if there is one, and the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Where its first data block stands.
    pub start: u64,
    /// How many data blocks it has.
    pub blocks: u32,
    /// Its filter, if it has one.
    pub filter: Handle,
    /// Its index.
    pub index: Handle,
}

impl Partition {
    /// The partition as it stands in the top index.
    #[must_use]
    pub fn encode(&self) -> [u8; PARTITION_LEN] {
        HeaderWriter::<PARTITION_LEN>::new()
            .u64(self.start)
            .u32(self.blocks)
            .put(&self.filter.encode())
            .put(&self.index.encode())
            .finish()
    }

    /// Where its data blocks end.
    #[must_use]
    pub fn data_end(&self) -> u64 {
        if self.filter.is_none() { self.index.offset } else { self.filter.offset }
    }

    /// True if a data block of it may stand there.
    #[must_use]
    pub fn has(&self, block: Handle) -> bool {
        !block.is_none() && block.offset >= self.start && block.end() <= self.data_end()
    }

    /// Reads a partition.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Decoder::new(bytes);
        let partition = Self {
            start: fields.u64()?,
            blocks: fields.u32()?,
            filter: Handle::decode(&mut fields)?,
            index: Handle::decode(&mut fields)?,
        };
        fields.is_empty().then_some(partition)
    }
}
