//! Options of C as options of the engine, and back.

use std::time::Duration;

use lsm_core::{
    Compression, Durability, Error, ErrorKind, Expiry, IfMissing, KeyspaceOptions, LogMode,
    MemtableKind, Options, Result, Strategy, WriteOptions,
};

use crate::border::pointers::invalid;
use crate::merging::name_for_c;
use crate::options::{
    LSM_BLOB_NEVER, LSM_BUFFERED, LSM_COMPRESSION_LZ4, LSM_COMPRESSION_NONE, LSM_COMPRESSION_ZSTD,
    LSM_DURABLE, LSM_FIFO, LSM_LAZY, LSM_LEVELED, LSM_MEMTABLE_SKIPLIST, LSM_MEMTABLE_TREE,
    LSM_NO_FILTER, LSM_OPEN_EXISTING, LSM_OPEN_NEW, LSM_OPEN_READONLY, LSM_SYNC_NEVER, LSM_TIERED,
    LSM_TTL_NEVER, LSM_VOLATILE, LSM_WAL_AUTO, LSM_WAL_MAPPED, LSM_WAL_WRITE,
    LSM_WRITE_LOW_PRIORITY, LSM_WRITE_NO_WAIT, lsm_keyspace_options, lsm_options,
    lsm_write_options,
};

/// What C can say, and what it means.
pub(crate) type Words<T> = &'static [(u32, T)];

pub(crate) const DURABILITIES: Words<Durability> = &[
    (LSM_DURABLE, Durability::Durable),
    (LSM_BUFFERED, Durability::Buffered),
    (LSM_VOLATILE, Durability::Volatile),
];
pub(crate) const WAL_MODES: Words<LogMode> = &[
    (LSM_WAL_AUTO, LogMode::Auto),
    (LSM_WAL_WRITE, LogMode::Write),
    (LSM_WAL_MAPPED, LogMode::Mapped),
];
pub(crate) const MEMTABLES: Words<MemtableKind> =
    &[(LSM_MEMTABLE_TREE, MemtableKind::Tree), (LSM_MEMTABLE_SKIPLIST, MemtableKind::SkipList)];

/// What a keyspace gets that says nothing of it.
const LEVELED_RATIO: u32 = 10;
const TIERED_RUNS: u32 = 4;
const LAZY_RUNS: u32 = 8;
const ZSTD_LEVEL: u32 = 3;

/// What a number means; `None` for 0.
fn word<T: Copy>(name: &str, words: Words<T>, number: u32) -> Result<Option<T>> {
    if number == 0 {
        return Ok(None);
    }
    let found = words.iter().find(|(known, _)| *known == number).map(|(_, word)| *word);
    found.map(Some).ok_or_else(|| unknown(name, number))
}

/// The number of a word.
pub(crate) fn number<T: PartialEq>(words: Words<T>, word: T) -> u32 {
    words.iter().find(|(_, other)| *other == word).map_or(0, |(number, _)| *number)
}

fn unknown(name: &str, number: u32) -> Error {
    invalid(format!("`{name}` does not know {number}"))
}

/// Refuses flags that there are none of.
pub(crate) fn check_flags(flags: u32, known: u32) -> Result<()> {
    if flags & !known == 0 { Ok(()) } else { Err(unknown("flags", flags & !known)) }
}

/// What this version cannot do yet must not be asked for.
fn absent(name: &str, is_absent: bool) -> Result<()> {
    if is_absent {
        return Ok(());
    }
    let message = format!("`{name}` is reserved for a later version, and must be 0");
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Options of a database.
pub(crate) fn database(chosen: Option<lsm_options>) -> Result<Options> {
    let mut options = Options::new();
    let Some(chosen) = chosen else { return Ok(options) };
    absent("memory", chosen.memory.is_null())?;
    if chosen.memory_limit > 0 {
        options = options.memory_limit(chosen.memory_limit);
    }
    if chosen.memtable_bytes > 0 {
        options = options.memtable_bytes(chosen.memtable_bytes);
    }
    if chosen.background_threads > 0 {
        options = options.background_threads(chosen.background_threads as usize);
    }
    if let Some(durability) = word("durability", DURABILITIES, chosen.durability)? {
        options = options.durability(durability);
    }
    if let Some(mode) = word("wal_mode", WAL_MODES, chosen.wal_mode)? {
        options = options.log_mode(mode);
    }
    if let Some(kind) = word("memtable", MEMTABLES, chosen.memtable)? {
        options = options.memtable(kind);
    }
    if chosen.wal_segment_bytes_max > 0 {
        options = options.log_segment_bytes_max(chosen.wal_segment_bytes_max);
    }
    options = options
        .log_bytes_max(chosen.wal_bytes_max)
        .open_files_max(chosen.open_files_max as usize)
        .write_bytes_per_second(chosen.write_bytes_per_second)
        .scrub_bytes_per_second(chosen.scrub_bytes_per_second);
    options = match chosen.sync_interval_ms {
        0 => options,
        LSM_SYNC_NEVER => options.sync_interval(None),
        millis => options.sync_interval(Some(Duration::from_millis(u64::from(millis)))),
    };
    let millis = |millis: u32| Duration::from_millis(u64::from(millis));
    if chosen.refresh_every_ms > 0 {
        options = options.refresh_every(Some(millis(chosen.refresh_every_ms)));
    }
    if chosen.reader_lease_ms > 0 {
        options = options.reader_lease(millis(chosen.reader_lease_ms));
    }
    with_flags(options, chosen.flags)
}

fn with_flags(options: Options, flags: u32) -> Result<Options> {
    check_flags(flags, LSM_OPEN_EXISTING | LSM_OPEN_NEW | LSM_OPEN_READONLY)?;
    let options = options.read_only(flags & LSM_OPEN_READONLY != 0);
    match (flags & LSM_OPEN_EXISTING != 0, flags & LSM_OPEN_NEW != 0) {
        (true, true) => Err(invalid("LSM_OPEN_EXISTING and LSM_OPEN_NEW contradict each other")),
        (true, false) => Ok(options.if_missing(IfMissing::Fail)),
        (false, true) => Ok(options.if_missing(IfMissing::MustBeMissing)),
        (false, false) => Ok(options),
    }
}

/// Options of a keyspace, but for its merge operator.
pub(crate) fn keyspace(chosen: Option<lsm_keyspace_options>) -> Result<KeyspaceOptions> {
    let mut options = KeyspaceOptions::new();
    let Some(chosen) = chosen else { return Ok(options) };
    options = options.strategy(strategy(&chosen)?);
    if let Some(compression) = compression(&chosen)? {
        options = options.compression(compression);
    }
    if chosen.block_bytes > 0 {
        options = options.block_bytes(chosen.block_bytes);
    }
    options = match chosen.filter_bits_per_key {
        0 => options,
        LSM_NO_FILTER => options.filter_bits_per_key(0),
        bits => options.filter_bits_per_key(bits),
    };
    options = options.ttl(Duration::from_millis(chosen.ttl_ms));
    options = options.quota_bytes(chosen.quota_bytes);
    options = match chosen.write_once {
        0 | 1 => options.write_once(chosen.write_once == 1),
        other => return Err(unknown("write_once", other)),
    };
    options = match chosen.blob_threshold {
        0 => options,
        LSM_BLOB_NEVER => options.blob_threshold(0),
        bytes => options.blob_threshold(bytes),
    };
    options.check()?;
    Ok(options)
}

fn strategy(chosen: &lsm_keyspace_options) -> Result<Strategy> {
    let or = |usual| if chosen.level_ratio == 0 { usual } else { chosen.level_ratio };
    let is_fifo = chosen.strategy == LSM_FIFO;
    if !is_fifo && (chosen.fifo_bytes_max > 0 || chosen.fifo_age_max_ms > 0) {
        return Err(invalid("`fifo_bytes_max` and `fifo_age_max_ms` are for LSM_FIFO"));
    }
    match chosen.strategy {
        0 | LSM_LEVELED => Ok(Strategy::Leveled { ratio: or(LEVELED_RATIO) }),
        LSM_LAZY => Ok(Strategy::Lazy { runs_max: or(LAZY_RUNS) }),
        LSM_TIERED => Ok(Strategy::Tiered { runs_max: or(TIERED_RUNS) }),
        LSM_FIFO => Ok(Strategy::Fifo {
            bytes_max: chosen.fifo_bytes_max,
            age_max_millis: chosen.fifo_age_max_ms,
        }),
        other => Err(unknown("strategy", other)),
    }
}

fn compression(chosen: &lsm_keyspace_options) -> Result<Option<Compression>> {
    let level = chosen.compression_level;
    if level > 0 && chosen.compression != LSM_COMPRESSION_ZSTD {
        return Err(invalid("`compression_level` is for LSM_COMPRESSION_ZSTD"));
    }
    match chosen.compression {
        0 => Ok(None),
        LSM_COMPRESSION_NONE => Ok(Some(Compression::None)),
        LSM_COMPRESSION_LZ4 => Ok(Some(Compression::Lz4)),
        LSM_COMPRESSION_ZSTD => {
            let level = if level == 0 { ZSTD_LEVEL } else { level };
            Ok(Some(Compression::Zstd { level: i32::try_from(level).unwrap_or(i32::MAX) }))
        }
        other => Err(unknown("compression", other)),
    }
}

/// Options of a keyspace as C has them.
pub(crate) fn keyspace_for_c(options: &KeyspaceOptions) -> Result<lsm_keyspace_options> {
    let (compression, compression_level) = match options.get_compression() {
        Compression::None => (LSM_COMPRESSION_NONE, 0),
        Compression::Lz4 => (LSM_COMPRESSION_LZ4, 0),
        Compression::Zstd { level } => (LSM_COMPRESSION_ZSTD, level.unsigned_abs()),
        _ => (0, 0),
    };
    let bits = options.get_filter_bits_per_key();
    let threshold = options.get_blob_threshold();
    let mut chosen = lsm_keyspace_options {
        struct_size: size_of::<lsm_keyspace_options>() as u32,
        strategy: 0,
        level_ratio: 0,
        compression,
        compression_level,
        block_bytes: options.get_block_bytes(),
        filter_bits_per_key: if bits == 0 { LSM_NO_FILTER } else { bits },
        fifo_bytes_max: 0,
        fifo_age_max_ms: 0,
        ttl_ms: options.get_ttl_millis(),
        quota_bytes: options.get_quota_bytes(),
        merge_operator: name_for_c(options.get_merge_operator())?,
        comparator: name_for_c(Some(&options.get_comparator().to_string()))?,
        write_once: u32::from(options.is_write_once()),
        compaction_filter: name_for_c(options.get_compaction_filter())?,
        blob_threshold: if threshold == 0 { LSM_BLOB_NEVER } else { threshold },
    };
    match options.get_strategy() {
        Strategy::Leveled { ratio } => {
            (chosen.strategy, chosen.level_ratio) = (LSM_LEVELED, *ratio);
        }
        Strategy::Tiered { runs_max } => {
            (chosen.strategy, chosen.level_ratio) = (LSM_TIERED, *runs_max);
        }
        Strategy::Lazy { runs_max } => {
            (chosen.strategy, chosen.level_ratio) = (LSM_LAZY, *runs_max);
        }
        Strategy::Fifo { bytes_max, age_max_millis } => {
            chosen.strategy = LSM_FIFO;
            (chosen.fifo_bytes_max, chosen.fifo_age_max_ms) = (*bytes_max, *age_max_millis);
        }
        // A strategy of a Rust program's own has no number.
        _ => {}
    }
    Ok(chosen)
}

/// How long a value lives.
pub(crate) fn ttl(ttl_ms: u64) -> Expiry {
    match ttl_ms {
        0 => Expiry::Usual,
        LSM_TTL_NEVER => Expiry::Never,
        millis => Expiry::After(Duration::from_millis(millis)),
    }
}

/// Options of a write.
pub(crate) fn write(chosen: Option<lsm_write_options>) -> Result<WriteOptions> {
    let mut options = WriteOptions::new();
    let Some(chosen) = chosen else { return Ok(options) };
    check_flags(chosen.flags, LSM_WRITE_NO_WAIT | LSM_WRITE_LOW_PRIORITY)?;
    options = options.expiry(match (chosen.ttl_ms, chosen.expires_at_ms) {
        (ttl_ms, 0) => ttl(ttl_ms),
        (0, moment) => Expiry::At(moment),
        _ => return Err(invalid("`ttl_ms` and `expires_at_ms` say the same twice")),
    });
    if let Some(durability) = word("durability", DURABILITIES, chosen.durability)? {
        options = options.durability(durability);
    }
    if chosen.flags & LSM_WRITE_NO_WAIT != 0 {
        options = options.timeout(Duration::ZERO);
    } else if chosen.timeout_ms > 0 {
        options = options.timeout(Duration::from_millis(u64::from(chosen.timeout_ms)));
    }
    Ok(options.low_priority(chosen.flags & LSM_WRITE_LOW_PRIORITY != 0))
}
