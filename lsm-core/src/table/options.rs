//! How a table is written.

use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};

/// How a table is written. What it says is not needed to read the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Bytes of entries that share a block, before they are packed.
    pub block_bytes: u32,
    /// How blocks are packed.
    pub codec: Codec,
    /// How hard to try, for a codec that has levels.
    pub codec_level: i32,
    /// Bits of filter for each key; 0 for no filter.
    pub filter_bits: u32,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { block_bytes: 4096, codec: Codec::Lz4, codec_level: 0, filter_bits: 10 }
    }
}

impl TableOptions {
    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<()> {
        let is_sane = (64..=1 << 20).contains(&self.block_bytes) && self.filter_bits <= 32;
        if is_sane {
            return Ok(());
        }
        let message = "a table has blocks of 64 bytes to 1 MiB, and at most 32 filter bits per key";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }
}
