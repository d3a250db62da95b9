//! How a database is opened, and what LevelDB's options become.

use std::ops::RangeInclusive;
use std::sync::Arc;

use lsm_core::options::database::MEMORY_LIMIT_MIN;
use lsm_core::{Compression, IfMissing, KeyspaceOptions, Options};

use crate::comparator::Comparator;
use crate::filter::Policy;

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Make one if there is none.
    pub create_if_missing: bool,
    /// Fail if there is one.
    pub error_if_exists: bool,
    /// The program's order of keys; byte by byte if there is none.
    pub comparator: Option<Arc<Comparator>>,
    /// How lookups are filtered.
    pub policy: Option<Arc<Policy>>,
    /// How many bytes of writes are gathered in memory.
    pub write_buffer: usize,
    /// How many bytes of blocks are kept in memory.
    pub cache: usize,
    /// How many bytes of pairs make a block.
    pub block: usize,
    /// Whether blocks are compressed.
    pub is_compressed: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            create_if_missing: false,
            error_if_exists: false,
            comparator: None,
            policy: None,
            write_buffer: 4 << 20,
            cache: 8 << 20,
            block: 4096,
            is_compressed: true,
        }
    }
}

/// The write buffers that LevelDB takes.
const WRITE_BUFFER: RangeInclusive<usize> = 64 << 10..=1 << 30;
/// The blocks that the engine takes.
const BLOCK: RangeInclusive<usize> = 1 << 10..=64 << 10;
/// The buffer that is being filled, those that wait, and what they are flushed through.
const BUFFERS: usize = 4;
/// What the engine needs beside buffers and cache.
const MEMORY_BESIDE: usize = 8 << 20;
/// No cache is taken for larger than this: a program may pass any number.
const CACHE_MAX: usize = 1 << 40;

impl Opening {
    /// What is chosen for the whole database.
    #[must_use]
    pub fn engine(&self) -> Options {
        let buffer = self.write_buffer.clamp(*WRITE_BUFFER.start(), *WRITE_BUFFER.end());
        let memory = self.cache.min(CACHE_MAX) + BUFFERS * buffer + MEMORY_BESIDE;
        let if_missing = match (self.error_if_exists, self.create_if_missing) {
            (true, _) => IfMissing::MustBeMissing,
            (false, true) => IfMissing::Create,
            (false, false) => IfMissing::Fail,
        };
        Options::new()
            .memtable_bytes(buffer as u64)
            .memory_limit((memory as u64).max(MEMORY_LIMIT_MIN))
            .if_missing(if_missing)
    }

    /// What is chosen for the keyspace of the pairs.
    #[must_use]
    pub fn keyspace(&self) -> KeyspaceOptions {
        let bits = self.policy.as_ref().and_then(|policy| policy.bits_per_key());
        let block = self.block.clamp(*BLOCK.start(), *BLOCK.end());
        let usual = KeyspaceOptions::new();
        let bits = bits.unwrap_or(usual.get_filter_bits_per_key());
        usual
            .compression(if self.is_compressed { Compression::Lz4 } else { Compression::None })
            .block_bytes(u32::try_from(block).unwrap_or(u32::MAX))
            .filter_bits_per_key(bits)
    }
}
