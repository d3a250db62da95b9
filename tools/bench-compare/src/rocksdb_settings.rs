//! How RocksDB is set, in the words that its options files use: the same text is shown and handed
//! to RocksDB, which refuses words that it does not know.

use lsm_bench::store::Setup;

/// The settings that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Like lsm.
    Same,
    /// As fast as it goes.
    Tuned,
    /// As it comes, but for the sizes.
    Usual,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "rocksdb",
            Self::Tuned => "rocksdb-tuned",
            Self::Usual => "rocksdb-default",
        }
    }
}

/// What a full compaction does with tables that are at the bottom already.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bottommost {
    /// Rewrites them, unless it has just made them itself.
    ForceOptimized = 3,
}

/// Without it one table would only be moved, and nothing measured.
pub(crate) const BOTTOMMOST: Bottommost = Bottommost::ForceOptimized;

type Lines = Vec<(&'static str, String)>;

/// Everything that is set.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Of the database and its one column family.
    database: Lines,
    /// Of its tables.
    table: Lines,
    pub(crate) cache_bytes: usize,
    /// The cache is a HyperClockCache and no LRU.
    pub(crate) is_clock: bool,
    /// So many threads share one full compaction.
    pub(crate) subcompactions: usize,
}

impl Settings {
    pub(crate) fn new(kind: Kind, setup: &Setup) -> Self {
        let is_tuned = kind == Kind::Tuned;
        Self {
            database: database(kind, setup),
            table: table(kind, setup),
            cache_bytes: setup.cache_bytes,
            is_clock: is_tuned,
            subcompactions: if is_tuned { setup.background_threads } else { 1 },
        }
    }

    /// What RocksDB reads.
    pub(crate) fn text(&self) -> String {
        let join = |lines: &Lines| {
            lines.iter().map(|(name, value)| format!("{name}={value};")).collect::<String>()
        };
        let (database, table) = (join(&self.database), join(&self.table));
        format!("create_if_missing=true;{database}block_based_table_factory={{{table}}}")
    }

    /// What people read.
    pub(crate) fn lines(&self) -> Vec<(String, String)> {
        let both = self.database.iter().chain(&self.table);
        let mut lines: Vec<_> =
            both.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let cache = if self.is_clock { "HyperClockCache" } else { "LRUCache" };
        lines.push(("block_cache".to_owned(), format!("{cache} of {} bytes", self.cache_bytes)));
        let parts = self.subcompactions.to_string();
        lines.push(("CompactRangeOptions.max_subcompactions".to_owned(), parts));
        let bottommost = "CompactRangeOptions.bottommost_level_compaction".to_owned();
        lines.push((bottommost, format!("k{BOTTOMMOST:?}")));
        lines
    }
}

fn database(kind: Kind, setup: &Setup) -> Lines {
    let mut lines = vec![("write_buffer_size", setup.memtable_bytes.to_string())];
    if !setup.is_packed {
        lines.push(("compression", "kNoCompression".to_owned()));
    } else if kind != Kind::Usual {
        lines.push(("compression", "kLZ4Compression".to_owned()));
    }
    if kind != Kind::Usual {
        lines.push(("max_background_jobs", setup.background_threads.to_string()));
    }
    if kind == Kind::Tuned {
        lines.push(("enable_pipelined_write", "true".to_owned()));
        lines.push(("memtable_whole_key_filtering", "true".to_owned()));
        lines.push(("memtable_prefix_bloom_size_ratio", "0.05".to_owned()));
    }
    lines
}

fn table(kind: Kind, setup: &Setup) -> Lines {
    let mut lines = Vec::new();
    if kind != Kind::Usual && setup.filter_bits > 0 {
        lines.push(("filter_policy", format!("bloomfilter:{}:false", setup.filter_bits)));
    }
    if kind == Kind::Tuned {
        lines.push(("data_block_index_type", "kDataBlockBinaryAndHash".to_owned()));
        lines.push(("data_block_hash_table_util_ratio", "0.75".to_owned()));
    }
    lines
}
