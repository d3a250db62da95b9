//! What can be chosen for one keyspace. Stored with it, as text, and readable back.
//!
//! ```text
//! strategy=leveled:10; compression=lz4; block_bytes=4096; filter_bits_per_key=10
//! strategy=user:by-day; ttl_ms=86400000; quota_bytes=1000000000; merge_operator=add_i64
//! comparator=reverse; write_once=true; compaction_filter=sweeper; blob_threshold=65536
//! ```

use std::fmt;
use std::time::Duration;

use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::merge::operator::is_operator_name;
use crate::options::comparator::Comparator;
use crate::options::expiry::millis_of;

/// How a keyspace is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceOptions {
    strategy: Strategy,
    compression: Compression,
    block_bytes: u32,
    filter_bits_per_key: u32,
    ttl_millis: u64,
    quota_bytes: u64,
    comparator: Comparator,
    write_once: bool,
    merge_operator: Option<String>,
    compaction_filter: Option<String>,
    blob_threshold: u64,
}

/// How tables are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Each level is one sorted run, `ratio` times as large as the one above. Reads look in few
    /// places; the default.
    Leveled {
        /// From 2 to 100.
        ratio: u32,
    },
    /// Each level holds up to `runs_max` sorted runs. Writes cost less, reads more.
    Tiered {
        /// From 2 to 100.
        runs_max: u32,
    },
    /// The last level is one sorted run, and each above it holds up to `runs_max`. Writes cost half
    /// of what they do with `Leveled`, and little room is wasted; reads look in more places.
    Lazy {
        /// From 2 to 100.
        runs_max: u32,
    },
    /// Nothing is merged; the oldest tables go when there are too many bytes or they are too old.
    Fifo {
        /// How many bytes may stay; 0 for any number.
        bytes_max: u64,
        /// How long a table may stay; 0 for ever.
        age_max_millis: u64,
    },
    /// As a strategy of the program's own says, which it registers with `Builder::strategy` at each
    /// opening.
    User {
        /// Its name: 1 to 64 letters, digits, `-`, `_` and `.`, all of ASCII.
        name: String,
    },
}

impl Strategy {
    /// A strategy of the program's own, by its name.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User { name: name.to_owned() }
    }
}

/// The longest name of a strategy.
const STRATEGY_NAME_BYTES_MAX: usize = 64;

/// True if a strategy may have this name: it stands in the text form.
#[must_use]
pub fn is_strategy_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=STRATEGY_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// How blocks are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4.
    Lz4,
    /// zstd on the last level, which holds most of the data, and LZ4 above: smaller, and slower to
    /// read and to write. It needs a build with the feature `zstd`.
    Zstd {
        /// From 1, the fastest, to 22, the smallest; 3 is usual.
        level: i32,
    },
}

impl Compression {
    /// True if this build can do it.
    #[must_use]
    pub fn is_built(self) -> bool {
        match self {
            Self::None => Codec::None.is_built(),
            Self::Lz4 => Codec::Lz4.is_built(),
            Self::Zstd { .. } => Codec::Zstd.is_built(),
        }
    }
}

/// Values of this length and longer stand apart, if nothing else is chosen.
pub const BLOB_THRESHOLD: u64 = 4096;
/// The smallest threshold: a reference takes about half as much.
const BLOB_THRESHOLD_MIN: u64 = 64;
const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 512..=65_536;
const FILTER_BITS: std::ops::RangeInclusive<u32> = 0..=32;
const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=22;
const FAN: std::ops::RangeInclusive<u32> = 2..=100;

impl Default for KeyspaceOptions {
    fn default() -> Self {
        Self {
            strategy: Strategy::Leveled { ratio: 10 },
            compression: Compression::Lz4,
            block_bytes: 4096,
            filter_bits_per_key: 10,
            ttl_millis: 0,
            quota_bytes: 0,
            comparator: Comparator::Bytewise,
            write_once: false,
            merge_operator: None,
            compaction_filter: None,
            blob_threshold: BLOB_THRESHOLD,
        }
    }
}

impl KeyspaceOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses how tables are merged.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Chooses how blocks are packed.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Chooses how many bytes of entries share a block: 512 to 65,536.
    #[must_use]
    pub fn block_bytes(mut self, bytes: u32) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// Chooses the bits that a filter spends on a key: 0 for no filter, 32 at most.
    #[must_use]
    pub fn filter_bits_per_key(mut self, bits: u32) -> Self {
        self.filter_bits_per_key = bits;
        self
    }

    /// Chooses how long after its write a value expires, if the write does not say it; zero for
    /// never.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl_millis = millis_of(ttl);
        self
    }

    /// How long after its write a value expires, in milliseconds; 0 for never.
    #[must_use]
    pub fn get_ttl_millis(&self) -> u64 {
        self.ttl_millis
    }

    /// Chooses how many bytes the keyspace may take, on disk and in memory together: 0, the
    /// default, for any number. While it takes more, puts are refused with `NoSpace`, deletes are
    /// not. It is looked at now and then, so a little more may be written.
    #[must_use]
    pub fn quota_bytes(mut self, bytes: u64) -> Self {
        self.quota_bytes = bytes;
        self
    }

    /// Chooses how keys are ordered.
    #[must_use]
    pub fn comparator(mut self, comparator: Comparator) -> Self {
        self.comparator = comparator;
        self
    }

    /// Promises that no key is put again before it was deleted. A single delete then goes as soon
    /// as it meets its put, and takes no room until it reaches the last level. Who breaks the
    /// promise may see an older value again after a single delete; nothing else is harmed.
    #[must_use]
    pub fn write_once(mut self, yes: bool) -> Self {
        self.write_once = yes;
        self
    }

    /// Chooses what `merge` does, for as long as the keyspace lives: `add_i64`, `add_f64`, `min`,
    /// `max`, `append`, `bit_or`, `set_union`, `json_merge_patch`, or the name of an operator of
    /// the program's own, which it registers with `Builder::merge_operator` at each opening.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("lsm-merging-{}", std::process::id()));
    /// # let db = lsm_core::Db::open(&dir)?;
    /// let options = lsm_core::KeyspaceOptions::new().merge_operator("add_i64");
    /// let visits = db.keyspace_with("visits", options)?;
    /// visits.merge("home", 2i64.to_le_bytes())?;
    /// visits.merge("home", 40i64.to_le_bytes())?;
    /// assert_eq!(visits.get("home")?.as_deref(), Some(&42i64.to_le_bytes()[..]));
    /// # db.close()?;
    /// # lsm_core::Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    #[must_use]
    pub fn merge_operator(mut self, name: impl Into<String>) -> Self {
        self.merge_operator = Some(name.into());
        self
    }

    /// What `merge` does; `None` if it is refused.
    #[must_use]
    pub fn get_merge_operator(&self) -> Option<&str> {
        self.merge_operator.as_deref()
    }

    /// Chooses a compaction filter of the program's own, by its name, for as long as the keyspace
    /// lives: it is registered with `Builder::compaction_filter` at each opening, and without it
    /// everything is kept. A fifo keyspace has none, since nothing in it is rewritten.
    #[must_use]
    pub fn compaction_filter(mut self, name: impl Into<String>) -> Self {
        self.compaction_filter = Some(name.into());
        self
    }

    /// The name of the compaction filter; `None` if there is none.
    #[must_use]
    pub fn get_compaction_filter(&self) -> Option<&str> {
        self.compaction_filter.as_deref()
    }

    /// Chooses from which length on values stand apart from their keys, in files that are written
    /// once: 4,096 if nothing is chosen, 64 at least, 0 for never. Merges move large values seldom
    /// then, and tables are small; a scan reads each large value from its own place. It counts for
    /// what is written from then on.
    #[must_use]
    pub fn blob_threshold(mut self, bytes: u64) -> Self {
        self.blob_threshold = bytes;
        self
    }

    /// From which length on values stand apart; 0 for never.
    #[must_use]
    pub fn get_blob_threshold(&self) -> u64 {
        self.blob_threshold
    }

    /// How tables are merged.
    #[must_use]
    pub fn get_strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// How blocks are packed.
    #[must_use]
    pub fn get_compression(&self) -> Compression {
        self.compression
    }

    /// How many bytes of entries share a block.
    #[must_use]
    pub fn get_block_bytes(&self) -> u32 {
        self.block_bytes
    }

    /// The bits that a filter spends on a key.
    #[must_use]
    pub fn get_filter_bits_per_key(&self) -> u32 {
        self.filter_bits_per_key
    }

    /// How many bytes the keyspace may take; 0 for any number.
    #[must_use]
    pub fn get_quota_bytes(&self) -> u64 {
        self.quota_bytes
    }

    /// How keys are ordered.
    #[must_use]
    pub fn get_comparator(&self) -> &Comparator {
        &self.comparator
    }

    /// True if no key is put again before it was deleted.
    #[must_use]
    pub fn is_write_once(&self) -> bool {
        self.write_once
    }

    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidArgument, message));
        if !BLOCK_BYTES.contains(&self.block_bytes) {
            return refuse("block_bytes is from 512 to 65536");
        }
        if !FILTER_BITS.contains(&self.filter_bits_per_key) {
            return refuse("filter_bits_per_key is at most 32");
        }
        if (1..BLOB_THRESHOLD_MIN).contains(&self.blob_threshold) {
            return refuse("blob_threshold is 0, for never, or at least 64");
        }
        if matches!(self.compression, Compression::Zstd { level } if !ZSTD_LEVELS.contains(&level))
        {
            return refuse("the level of zstd is from 1 to 22");
        }
        if matches!(&self.comparator, Comparator::User { name } if !is_strategy_name(name)) {
            return refuse("the name of a comparator is 1 to 64 letters, digits, `-`, `_` and `.`");
        }
        if self.merge_operator.as_deref().is_some_and(|name| !is_operator_name(name)) {
            return refuse(
                "the name of a merge operator is 1 to 64 letters, digits, `-`, `_` and `.`",
            );
        }
        if self.compaction_filter.as_deref().is_some_and(|name| !is_strategy_name(name)) {
            return refuse(
                "the name of a compaction filter is 1 to 64 letters, digits, `-`, `_` and `.`",
            );
        }
        match &self.strategy {
            Strategy::Fifo { .. } if self.compaction_filter.is_some() => {
                refuse("a fifo keyspace has no compaction filter: nothing in it is rewritten")
            }
            Strategy::Leveled { ratio } if !FAN.contains(ratio) => {
                refuse("the ratio of a leveled keyspace is from 2 to 100")
            }
            Strategy::Tiered { runs_max } if !FAN.contains(runs_max) => {
                refuse("runs_max of a tiered keyspace is from 2 to 100")
            }
            Strategy::Lazy { runs_max } if !FAN.contains(runs_max) => {
                refuse("runs_max of a lazy keyspace is from 2 to 100")
            }
            Strategy::Fifo { bytes_max: 0, age_max_millis: 0 } => {
                refuse("a fifo keyspace has a limit of bytes, of age, or of both")
            }
            Strategy::User { name } if !is_strategy_name(name) => {
                refuse("the name of a strategy is 1 to 64 letters, digits, `-`, `_` and `.`")
            }
            _ => Ok(()),
        }
    }

    /// Refuses what this build cannot do. Reading options that ask for it is no error.
    pub fn check_built(&self) -> Result<()> {
        if self.compression.is_built() {
            return Ok(());
        }
        let message = "the compression `zstd` needs a build with the feature `zstd`";
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Reads the text form; what it does not name has its default.
    pub fn parse(text: &str) -> Result<Self> {
        let mut options = Self::default();
        for setting in text.split(';').map(str::trim).filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or_else(|| bad(setting))?;
            options.set(name.trim(), value.trim()).ok_or_else(|| bad(setting))?;
        }
        options.check()?;
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "strategy" => self.strategy = parse_strategy(value)?,
            "compression" => {
                self.compression = match value.split_once(':') {
                    None if value == "none" => Compression::None,
                    None if value == "lz4" => Compression::Lz4,
                    Some(("zstd", level)) => Compression::Zstd { level: level.parse().ok()? },
                    _ => return None,
                }
            }
            "block_bytes" => self.block_bytes = value.parse().ok()?,
            "filter_bits_per_key" => self.filter_bits_per_key = value.parse().ok()?,
            "ttl_ms" => self.ttl_millis = value.parse().ok()?,
            "quota_bytes" => self.quota_bytes = value.parse().ok()?,
            "comparator" => self.comparator = value.parse().ok()?,
            "write_once" => self.write_once = value.parse().ok()?,
            "merge_operator" => self.merge_operator = Some(value.to_owned()),
            "compaction_filter" => self.compaction_filter = Some(value.to_owned()),
            "blob_threshold" => self.blob_threshold = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

impl std::str::FromStr for KeyspaceOptions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

fn bad(setting: &str) -> Error {
    let message = format!("`{setting}` is not a setting of a keyspace");
    Error::new(ErrorKind::InvalidArgument, message)
}

fn parse_strategy(text: &str) -> Option<Strategy> {
    let mut parts = text.split(':');
    let strategy = match (parts.next()?, parts.next()?, parts.next()) {
        ("leveled", ratio, None) => Strategy::Leveled { ratio: ratio.parse().ok()? },
        ("tiered", runs, None) => Strategy::Tiered { runs_max: runs.parse().ok()? },
        ("lazy", runs, None) => Strategy::Lazy { runs_max: runs.parse().ok()? },
        ("user", name, None) => Strategy::user(name),
        ("fifo", bytes, Some(age)) => {
            Strategy::Fifo { bytes_max: bytes.parse().ok()?, age_max_millis: age.parse().ok()? }
        }
        _ => return None,
    };
    parts.next().is_none().then_some(strategy)
}

impl fmt::Display for KeyspaceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.strategy {
            Strategy::Leveled { ratio } => write!(f, "strategy=leveled:{ratio}")?,
            Strategy::Tiered { runs_max } => write!(f, "strategy=tiered:{runs_max}")?,
            Strategy::Lazy { runs_max } => write!(f, "strategy=lazy:{runs_max}")?,
            Strategy::Fifo { bytes_max, age_max_millis } => {
                write!(f, "strategy=fifo:{bytes_max}:{age_max_millis}")?;
            }
            Strategy::User { name } => write!(f, "strategy=user:{name}")?,
        }
        match self.compression {
            Compression::None => f.write_str("; compression=none")?,
            Compression::Lz4 => f.write_str("; compression=lz4")?,
            Compression::Zstd { level } => write!(f, "; compression=zstd:{level}")?,
        }
        write!(f, "; block_bytes={}", self.block_bytes)?;
        write!(f, "; filter_bits_per_key={}", self.filter_bits_per_key)?;
        // What is not chosen is not named: older versions read the rest.
        if self.ttl_millis > 0 {
            write!(f, "; ttl_ms={}", self.ttl_millis)?;
        }
        if self.quota_bytes > 0 {
            write!(f, "; quota_bytes={}", self.quota_bytes)?;
        }
        if self.blob_threshold != BLOB_THRESHOLD {
            write!(f, "; blob_threshold={}", self.blob_threshold)?;
        }
        if let Some(name) = &self.merge_operator {
            write!(f, "; merge_operator={name}")?;
        }
        if self.comparator != Comparator::Bytewise {
            write!(f, "; comparator={}", self.comparator)?;
        }
        if self.write_once {
            f.write_str("; write_once=true")?;
        }
        match &self.compaction_filter {
            Some(name) => write!(f, "; compaction_filter={name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
