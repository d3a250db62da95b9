//! Where a block stands in its file, and what kinds of block there are.

use crate::base::codec::Decoder;
use crate::record::header::HEADER_LEN;

/// Bytes behind the payload of every block.
pub const TRAILER_LEN: usize = 16;
/// Bytes of a handle.
pub const HANDLE_LEN: usize = 12;
/// Where the first block of a file begins.
pub const BLOCKS_START: u64 = HEADER_LEN as u64;

/// What a block holds. The values stand in files: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockKind {
    /// Entries.
    Data = 1,
    /// The filter of a partition.
    Filter = 2,
    /// The data blocks of a partition.
    Index = 3,
    /// The range tombstones of the file.
    Tombstones = 4,
    /// What each keyspace has in the file.
    Parts = 5,
    /// Counts and bounds.
    Properties = 6,
    /// The partitions.
    Top = 7,
}

/// Offset and payload length of a block. A length of zero says that there is no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handle {
    /// Where its payload begins.
    pub offset: u64,
    /// Bytes of payload as they stand in the file, without the trailer.
    pub len: u32,
}

impl Handle {
    /// No block.
    pub const NONE: Self = Self { offset: 0, len: 0 };

    /// True if there is no such block.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.len == 0
    }

    /// Bytes of payload and trailer; none if there is no block.
    #[must_use]
    pub fn file_len(self) -> u64 {
        if self.is_none() { 0 } else { u64::from(self.len) + TRAILER_LEN as u64 }
    }

    /// Where the next block begins.
    #[must_use]
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.file_len())
    }

    /// The handle as it stands in files.
    #[must_use]
    pub fn encode(self) -> [u8; HANDLE_LEN] {
        let [a, b, c, d, e, f, g, h] = self.offset.to_le_bytes();
        let [i, j, k, l] = self.len.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Reads a handle. There is one way to say that there is no block: all zeros.
    pub fn decode(bytes: &mut Decoder<'_>) -> Option<Self> {
        let handle = Self { offset: bytes.u64()?, len: bytes.u32()? };
        (handle == Self::NONE || !handle.is_none()).then_some(handle)
    }
}
