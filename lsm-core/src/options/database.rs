//! What can be chosen for a whole database.
//!
//! ```text
//! memory_limit=256MiB; durability=buffered; background_threads=2
//! ```

use std::fmt;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::options::durability::{Durability, IfMissing};
use crate::options::log_mode::LogMode;
use crate::options::memory::MemtableKind;

mod readers;

/// How a database is opened. Plain data with chained setters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    memory_limit: Option<u64>,
    memtable_bytes: Option<u64>,
    memtable: MemtableKind,
    background_threads: usize,
    durability: Durability,
    if_missing: IfMissing,
    read_only: bool,
    sync_interval: Option<Duration>,
    log_mode: LogMode,
    log_segment_bytes_max: u64,
    log_bytes_max: u64,
    write_bytes_per_second: u64,
    scrub_bytes_per_second: u64,
    open_files_max: usize,
    refresh_every: Option<Duration>,
    reader_lease: Duration,
}

/// The least memory that a database can live with.
pub const MEMORY_LIMIT_MIN: u64 = 16 << 20;
/// What a database takes at most when nothing is chosen.
pub const MEMORY_LIMIT_USUAL: u64 = 256 << 20;
/// The part of the machine's memory that it takes then: one in so many.
const MEMORY_SHARE: u64 = 8;
/// A limit below this is small: readers that stay open keep memtables in memory, so these are
/// smaller then, and fewer wait for their flush.
pub const MEMORY_LIMIT_SMALL: u64 = 64 << 20;
/// A memtable's part of the memory limit: with three that wait for their flush, four take half.
const MEMTABLE_SHARE: u64 = 8;
/// Its part of a small one.
const MEMTABLE_SHARE_SMALL: u64 = 16;
/// The largest memtable that is chosen by itself.
const MEMTABLE_BYTES_USUAL: u64 = 64 << 20;
/// The smallest memtable that may be asked for.
pub const MEMTABLE_BYTES_MIN: u64 = 4096;
const THREADS_MAX: usize = 64;
/// The slowest background that may be asked for, in bytes a second.
const RATE_MIN: u64 = 64 << 10;
/// The slowest search for damage that may be asked for, in bytes a second.
const SCRUB_MIN: u64 = 4 << 10;
/// The shortest log that may be asked for.
const LOG_BYTES_MIN: u64 = 16 << 10;
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 4096..=1 << 30;

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_limit: None,
            memtable_bytes: None,
            memtable: MemtableKind::default(),
            background_threads: 2,
            durability: Durability::default(),
            if_missing: IfMissing::default(),
            read_only: false,
            sync_interval: Some(Duration::from_secs(1)),
            log_mode: LogMode::default(),
            log_segment_bytes_max: 64 << 20,
            log_bytes_max: 0,
            write_bytes_per_second: 0,
            scrub_bytes_per_second: 0,
            open_files_max: 0,
            refresh_every: None,
            reader_lease: readers::LEASE_USUAL,
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses how much memory everything together may take: memtables, cache, filters, indexes,
    /// buffers, the mapped part of the log, and what readers hold. 16 MiB at least. Otherwise it is
    /// an eighth of what the machine or the process's control group has, from 16 to 256 MiB.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Chooses the size at which a memtable is flushed, instead of leaving it to the engine.
    #[must_use]
    pub fn memtable_bytes(mut self, bytes: u64) -> Self {
        self.memtable_bytes = Some(bytes);
        self
    }

    /// Chooses the structure of memtables.
    #[must_use]
    pub fn memtable(mut self, kind: MemtableKind) -> Self {
        self.memtable = kind;
        self
    }

    /// Chooses how many threads flush and compact: 1 to 64.
    #[must_use]
    pub fn background_threads(mut self, count: usize) -> Self {
        self.background_threads = count;
        self
    }

    /// Chooses when a write is durable, for writes that do not say so themselves.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Chooses what to do when there is no database, or when there is one.
    #[must_use]
    pub fn if_missing(mut self, action: IfMissing) -> Self {
        self.if_missing = action;
        self
    }

    /// Chooses to write nothing: every write answers `ReadOnly`. Another process may write the
    /// database meanwhile: `Db::refresh` and `refresh_every` show what it has done.
    #[must_use]
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Chooses how long a `Buffered` write stays unsynced at most; `None` leaves syncing to `sync`.
    #[must_use]
    pub fn sync_interval(mut self, interval: Option<Duration>) -> Self {
        self.sync_interval = interval;
        self
    }

    /// Chooses how the log is written.
    #[must_use]
    pub fn log_mode(mut self, mode: LogMode) -> Self {
        self.log_mode = mode;
        self
    }

    /// Chooses the size that log segments grow to: 4 KiB to 1 GiB.
    #[must_use]
    pub fn log_segment_bytes_max(mut self, bytes: u64) -> Self {
        self.log_segment_bytes_max = bytes;
        self
    }

    /// Chooses how much log there may be, 0 for no more than memtables need: 16 KiB at least. So
    /// much has to be replayed after a crash at most, and to be kept on the disk. Half of it is for
    /// the memtable where writes go, which is flushed when its half is full, the other half for
    /// those that are being flushed.
    #[must_use]
    pub fn log_bytes_max(mut self, bytes: u64) -> Self {
        self.log_bytes_max = bytes;
        self
    }

    /// Chooses how many bytes a second flushes and merges may write together, 0 for any number:
    /// 64 KiB at least. Merges wait; flushes never do, and count. While writers are held back
    /// because the background is behind, nobody waits for this: a limit that is too low for what
    /// is written is then exceeded.
    #[must_use]
    pub fn write_bytes_per_second(mut self, bytes: u64) -> Self {
        self.write_bytes_per_second = bytes;
        self
    }

    /// Chooses how many bytes a second are read in the background to find damage before somebody
    /// else does: 4 KiB at least, 0 for none, which is the default, for it wears on the disk and
    /// keeps it from sleeping. All tables and all ended segments of the log are read past the
    /// cache, one after the other and round after round, and each byte is checked. A round begins a
    /// minute after the one before at the earliest. What is found is told by `Event::DamageFound`
    /// and in `Stats::damage`; writes go on.
    #[must_use]
    pub fn scrub_bytes_per_second(mut self, bytes: u64) -> Self {
        self.scrub_bytes_per_second = bytes;
        self
    }

    /// Chooses how many table files stay open at most, 0 for all that were ever read. Beyond that
    /// the one that was read least recently is closed, and opened again when it is read. Files that
    /// are being written, and the few of the log and the manifest, do not count.
    #[must_use]
    pub fn open_files_max(mut self, files: usize) -> Self {
        self.open_files_max = files;
        self
    }

    /// How much memory everything together may take. Before `fit_to`, what was not chosen is what
    /// a machine with memory enough would give.
    #[must_use]
    pub fn get_memory_limit(&self) -> u64 {
        self.memory_limit.unwrap_or(MEMORY_LIMIT_USUAL)
    }

    /// The same options, with a memory limit for a machine with so many bytes if none was chosen.
    #[must_use]
    pub fn fit_to(mut self, machine: Option<u64>) -> Self {
        let fit = machine.unwrap_or(u64::MAX) / MEMORY_SHARE;
        let limit = fit.clamp(MEMORY_LIMIT_MIN, MEMORY_LIMIT_USUAL);
        self.memory_limit = Some(self.memory_limit.unwrap_or(limit));
        self
    }

    /// The size at which a memtable is flushed: as chosen, or a part of the memory limit.
    #[must_use]
    pub fn get_memtable_bytes(&self) -> u64 {
        let limit = self.get_memory_limit();
        let is_small = limit < MEMORY_LIMIT_SMALL;
        let share = if is_small { MEMTABLE_SHARE_SMALL } else { MEMTABLE_SHARE };
        let usual = (limit / share).min(MEMTABLE_BYTES_USUAL);
        self.memtable_bytes.unwrap_or(usual)
    }

    /// The structure of memtables.
    #[must_use]
    pub fn get_memtable(&self) -> MemtableKind {
        self.memtable
    }

    /// How many threads flush and compact.
    #[must_use]
    pub fn get_background_threads(&self) -> usize {
        self.background_threads
    }

    /// When a write is durable that does not say so itself.
    #[must_use]
    pub fn get_durability(&self) -> Durability {
        self.durability
    }

    /// What to do when there is no database, or when there is one.
    #[must_use]
    pub fn get_if_missing(&self) -> IfMissing {
        self.if_missing
    }

    /// Nothing is to be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// How long a `Buffered` write stays unsynced at most.
    #[must_use]
    pub fn get_sync_interval(&self) -> Option<Duration> {
        self.sync_interval
    }

    /// How the log is written.
    #[must_use]
    pub fn get_log_mode(&self) -> LogMode {
        self.log_mode
    }

    /// The size that log segments grow to.
    #[must_use]
    pub fn get_log_segment_bytes_max(&self) -> u64 {
        self.log_segment_bytes_max
    }

    /// How much log there may be; 0 if nobody said.
    #[must_use]
    pub fn get_log_bytes_max(&self) -> u64 {
        self.log_bytes_max
    }

    /// How many bytes a second flushes and merges may write; 0 for any number.
    #[must_use]
    pub fn get_write_bytes_per_second(&self) -> u64 {
        self.write_bytes_per_second
    }

    /// How many bytes a second are read to find damage; 0 for none.
    #[must_use]
    pub fn get_scrub_bytes_per_second(&self) -> u64 {
        self.scrub_bytes_per_second
    }

    /// How many table files stay open at most; 0 for all.
    #[must_use]
    pub fn get_open_files_max(&self) -> usize {
        self.open_files_max
    }

    /// Refuses what cannot be meant, and says why.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.get_memory_limit() < MEMORY_LIMIT_MIN {
            return refuse(format!("memory_limit is at least {MEMORY_LIMIT_MIN} bytes"));
        }
        let memtable = self.get_memtable_bytes();
        if memtable < MEMTABLE_BYTES_MIN {
            return refuse(format!("memtable_bytes is at least {MEMTABLE_BYTES_MIN}"));
        }
        if memtable > self.get_memory_limit() / 2 {
            return refuse(format!(
                "memtable_bytes is {memtable}, more than half of the memory_limit of {}",
                self.get_memory_limit()
            ));
        }
        if self.background_threads == 0 || self.background_threads > THREADS_MAX {
            return refuse(format!("background_threads is from 1 to {THREADS_MAX}"));
        }
        if !SEGMENT_BYTES.contains(&self.log_segment_bytes_max) {
            return refuse("log_segment_bytes_max is from 4 KiB to 1 GiB".to_owned());
        }
        if self.log_bytes_max > 0 && self.log_bytes_max < LOG_BYTES_MIN {
            return refuse("log_bytes_max is 0, or at least 16 KiB".to_owned());
        }
        if self.write_bytes_per_second > 0 && self.write_bytes_per_second < RATE_MIN {
            return refuse("write_bytes_per_second is 0, or at least 64 KiB".to_owned());
        }
        if self.scrub_bytes_per_second > 0 && self.scrub_bytes_per_second < SCRUB_MIN {
            return refuse("scrub_bytes_per_second is 0, or at least 4 KiB".to_owned());
        }
        if self.read_only && self.if_missing == IfMissing::MustBeMissing {
            return refuse("a database that must be missing cannot be opened read-only".to_owned());
        }
        if self.read_only && self.durability == Durability::Durable {
            return refuse("read_only and durability=durable contradict each other".to_owned());
        }
        self.check_reading()
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
            "memory_limit" => self.memory_limit = Some(bytes_of(value)?),
            "memtable_bytes" => self.memtable_bytes = Some(bytes_of(value)?),
            "memtable" => self.memtable = named(&MEMTABLES, value)?,
            "background_threads" => self.background_threads = value.parse().ok()?,
            "durability" => self.durability = named(&DURABILITIES, value)?,
            "if_missing" => self.if_missing = named(&IF_MISSING, value)?,
            "read_only" => self.read_only = value.parse().ok()?,
            "sync_interval_ms" => {
                let millis: u64 = value.parse().ok()?;
                self.sync_interval = (millis > 0).then(|| Duration::from_millis(millis));
            }
            "wal" => self.log_mode = named(&LOG_MODES, value)?,
            "log_segment_bytes_max" => self.log_segment_bytes_max = bytes_of(value)?,
            "log_bytes_max" => self.log_bytes_max = bytes_of(value)?,
            "write_bytes_per_second" => self.write_bytes_per_second = bytes_of(value)?,
            "scrub_bytes_per_second" => self.scrub_bytes_per_second = bytes_of(value)?,
            "open_files_max" => self.open_files_max = value.parse().ok()?,
            "refresh_every_ms" => {
                let millis: u64 = value.parse().ok()?;
                self.refresh_every = (millis > 0).then(|| Duration::from_millis(millis));
            }
            "reader_lease_ms" => {
                self.reader_lease = Duration::from_millis(value.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }
}

impl std::str::FromStr for Options {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// The text form: what was chosen, and what has a default.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bytes) in
            [("memory_limit", self.memory_limit), ("memtable_bytes", self.memtable_bytes)]
        {
            if let Some(bytes) = bytes {
                write!(f, "{name}={bytes}; ")?;
            }
        }
        let millis = self.sync_interval.map_or(0, |interval| interval.as_millis().max(1));
        write!(f, "memtable={}; ", name_in(&MEMTABLES, self.memtable))?;
        write!(f, "background_threads={}; ", self.background_threads)?;
        write!(f, "durability={}; ", name_in(&DURABILITIES, self.durability))?;
        write!(f, "if_missing={}; ", name_in(&IF_MISSING, self.if_missing))?;
        write!(f, "read_only={}; sync_interval_ms={millis}; ", self.read_only)?;
        write!(f, "wal={}; ", name_in(&LOG_MODES, self.log_mode))?;
        write!(f, "log_segment_bytes_max={}; ", self.log_segment_bytes_max)?;
        write!(f, "log_bytes_max={}; ", self.log_bytes_max)?;
        write!(f, "write_bytes_per_second={}; ", self.write_bytes_per_second)?;
        write!(f, "scrub_bytes_per_second={}; ", self.scrub_bytes_per_second)?;
        write!(f, "open_files_max={}; ", self.open_files_max)?;
        let millis = self.refresh_every.map_or(0, |every| every.as_millis().max(1));
        write!(f, "refresh_every_ms={millis}; reader_lease_ms={}", self.reader_lease.as_millis())
    }
}

/// A choice by its name.
fn named<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    names.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice)
}

/// The name of a choice.
fn name_in<T: PartialEq>(names: &[(&'static str, T)], choice: T) -> &'static str {
    names.iter().find(|(_, other)| *other == choice).map_or("", |(name, _)| name)
}

const MEMTABLES: [(&str, MemtableKind); 2] =
    [("tree", MemtableKind::Tree), ("skiplist", MemtableKind::SkipList)];
const DURABILITIES: [(&str, Durability); 3] = [
    ("durable", Durability::Durable),
    ("buffered", Durability::Buffered),
    ("volatile", Durability::Volatile),
];
const IF_MISSING: [(&str, IfMissing); 3] = [
    ("create", IfMissing::Create),
    ("fail", IfMissing::Fail),
    ("must_be_missing", IfMissing::MustBeMissing),
];
const LOG_MODES: [(&str, LogMode); 3] =
    [("auto", LogMode::Auto), ("write", LogMode::Write), ("mapped", LogMode::Mapped)];

fn bad(setting: &str) -> Error {
    let message = format!("`{setting}` is not a setting of a database");
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A number of bytes, with KiB, MiB or GiB behind it if it is large.
fn bytes_of(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(name, shift)| Some((text.strip_suffix(name)?, *shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    digits.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
