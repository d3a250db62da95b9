//! Section "options": what can be chosen.
//!
//! Every struct begins with its size, and 0 means "as usual" in every other field.

use std::ffi::{c_char, c_void};

use lsm_core::Slice;

use crate::border::call::done;
use crate::border::pointers::Sized32;
use crate::bytes::{lsm_slice, lsm_value};
use crate::callbacks::{lsm_event_fn, lsm_log_fn, lsm_log_level, lsm_progress_fn};
use crate::comparator::lsm_comparator;
use crate::error::lsm_error;
use crate::filter::lsm_compaction_filter;
use crate::handles::lsm_snapshot;
use crate::merging;
use crate::operator::lsm_merge_operator;
use crate::status::lsm_status;

pub(crate) mod convert;

mod text;

#[cfg(test)]
mod tests;

/// When a write is durable.
pub type lsm_durability = u32;

/// It survives a power cut once the call returns.
pub const LSM_DURABLE: lsm_durability = 1;
/// It survives the death of the process at once, and a power cut after the next background sync.
pub const LSM_BUFFERED: lsm_durability = 2;
/// It is not logged, and survives nothing until it is flushed to a table.
pub const LSM_VOLATILE: lsm_durability = 3;

/// How blocks are packed.
pub type lsm_compression = u32;

/// Not at all.
pub const LSM_COMPRESSION_NONE: lsm_compression = 1;
/// LZ4.
pub const LSM_COMPRESSION_LZ4: lsm_compression = 2;
/// zstd on the last level and LZ4 above, where the build has zstd: see lsm_build_info().
pub const LSM_COMPRESSION_ZSTD: lsm_compression = 3;

/// How tables are merged.
pub type lsm_strategy = u32;

/// Each level is one sorted run, `level_ratio` times as large as the one above.
pub const LSM_LEVELED: lsm_strategy = 1;
/// Each level holds up to `level_ratio` sorted runs: writes cost less, reads more.
pub const LSM_TIERED: lsm_strategy = 2;
/// Nothing is merged; the oldest tables go when there is too much or they are too old.
pub const LSM_FIFO: lsm_strategy = 3;

/// The last level is one sorted run, each above it holds up to `level_ratio`: writes cost half of
/// what they do with LSM_LEVELED, and little room is wasted; reads look in more places.
pub const LSM_LAZY: lsm_strategy = 4;

/// How the log is written; the bytes are the same.
pub type lsm_wal_mode = u32;

/// Mapped where the file system is known to do that well.
pub const LSM_WAL_AUTO: lsm_wal_mode = 1;
/// One system call for each append: for programs that forbid signal handlers.
pub const LSM_WAL_WRITE: lsm_wal_mode = 2;
/// Through a mapping.
pub const LSM_WAL_MAPPED: lsm_wal_mode = 3;

/// The structure of what was written last.
pub type lsm_memtable = u32;

/// A B+tree of key heads.
pub const LSM_MEMTABLE_TREE: lsm_memtable = 1;
/// A skip list.
pub const LSM_MEMTABLE_SKIPLIST: lsm_memtable = 2;

/// For `flags` of lsm_options: fail instead of making a database.
pub const LSM_OPEN_EXISTING: u32 = 1;
/// Fail if there is one.
pub const LSM_OPEN_NEW: u32 = 2;
/// Write nothing. Every write answers LSM_READ_ONLY. A writer may have the database open meanwhile:
/// see lsm_refresh().
pub const LSM_OPEN_READONLY: u32 = 4;

/// For `sync_interval_ms`: no background sync at all.
pub const LSM_SYNC_NEVER: u32 = u32::MAX;

/// One budget of memory for several databases. Reserved: there are none yet.
pub struct lsm_memory {
    _opaque: [u8; 0],
}

/// How a keyspace is kept. Stored with it when it is made. Begin with LSM_KEYSPACE_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_keyspace_options {
    /// sizeof(lsm_keyspace_options).
    pub struct_size: u32,
    /// How tables are merged. Usual: LSM_LEVELED.
    pub strategy: lsm_strategy,
    /// How many times larger each level is, for LSM_TIERED and LSM_LAZY how many runs it holds: 2
    /// to 100. Usual: 10, 4 for LSM_TIERED, and 8 for LSM_LAZY.
    pub level_ratio: u32,
    /// How blocks are packed. Usual: LSM_COMPRESSION_LZ4.
    pub compression: lsm_compression,
    /// For LSM_COMPRESSION_ZSTD: 1, the fastest, to 22, the smallest. Usual: 3.
    pub compression_level: u32,
    /// How many bytes of entries share a block: 512 to 65,536. Usual: 4096.
    pub block_bytes: u32,
    /// What a filter spends on a key: up to 32 bits, or LSM_NO_FILTER. Usual: 10.
    pub filter_bits_per_key: u32,
    /// For LSM_FIFO: how many bytes may stay. Usual: any number.
    pub fifo_bytes_max: u64,
    /// For LSM_FIFO: how long a table may stay. Usual: for ever.
    pub fifo_age_max_ms: u64,
    /// How long after its write a value expires, if the write does not say it. Usual: never.
    pub ttl_ms: u64,
    /// How many bytes the keyspace may take, on disk and in memory together. While it takes more,
    /// puts are refused with LSM_NO_SPACE, deletes are not. Usual: any number.
    pub quota_bytes: u64,
    /// What lsm_merge() does, for as long as the keyspace lives: "add_i64", "add_f64", "min",
    /// "max", "append", "bit_or", "set_union", in builds with the feature json
    /// "json_merge_patch", or the name of one of `merge_operators` of lsm_options. Usual: it is
    /// refused.
    pub merge_operator: *const c_char,
    /// How keys are ordered, for as long as the keyspace lives: "bytewise", "reverse", or "user:"
    /// and the name of one of `comparators` of lsm_options. Usual: "bytewise".
    pub comparator: *const c_char,
    /// 1 promises that no key is put again before it was deleted: what lsm_single_delete() deletes
    /// then goes as soon as the two meet. Usual: no such promise.
    pub write_once: u32,
    /// What compactions are filtered by, for as long as the keyspace lives: the name of one of
    /// `compaction_filters` of lsm_options. Without it the keyspace is opened all the same, and
    /// everything is kept. Usual: nothing.
    pub compaction_filter: *const c_char,
    /// From which length on values stand apart from their keys, in files that are written once: 64
    /// at least, or LSM_BLOB_NEVER. Usual: 4096.
    pub blob_threshold: u64,
}

/// For `blob_threshold`: every value stands beside its key.
pub const LSM_BLOB_NEVER: u64 = u64::MAX;

/// For `filter_bits_per_key`: no filter.
pub const LSM_NO_FILTER: u32 = u32::MAX;

/// How a database is opened. Begin with LSM_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_options {
    /// sizeof(lsm_options).
    pub struct_size: u32,
    /// LSM_OPEN_ flags.
    pub flags: u32,
    /// Must be NULL.
    pub memory: *const lsm_memory,
    /// How much memory everything together may take, 16 MiB at least. Usual: an eighth of what the
    /// machine or the process's control group has, from 16 to 256 MiB.
    pub memory_limit: u64,
    /// The size at which a memtable is flushed. Usual: a part of the memory limit.
    pub memtable_bytes: u64,
    /// How much log there may be before memtables are flushed so that it gets shorter, 16 KiB at
    /// least. Usual: no limit but the one that memtables set.
    pub wal_bytes_max: u64,
    /// How many threads flush and compact: 1 to 64. Usual: 2.
    pub background_threads: u32,
    /// How many files of tables are kept open. Usual: all that are read from.
    pub open_files_max: u32,
    /// For writes that do not say so themselves. Usual: LSM_BUFFERED.
    pub durability: lsm_durability,
    /// How much `log` is told. Usual: LSM_LOG_INFO.
    pub log_level: lsm_log_level,
    /// Is told in words what happens.
    pub log: lsm_log_fn,
    /// Handed to `log`; must be valid until the database is closed.
    pub log_context: *mut c_void,
    /// How fast flushes and compactions may write, 64 KiB at least; while writers are held back
    /// nobody waits for it. Usual: as fast as they can.
    pub write_bytes_per_second: u64,
    /// How long an LSM_BUFFERED write stays unsynced at most. Usual: 1000; LSM_SYNC_NEVER leaves
    /// syncing to lsm_sync().
    pub sync_interval_ms: u32,
    /// How the log is written. Usual: LSM_WAL_AUTO.
    pub wal_mode: lsm_wal_mode,
    /// The size that segments of the log grow to: 4 KiB to 1 GiB. Usual: 64 MiB.
    pub wal_segment_bytes_max: u64,
    /// The structure of memtables. Usual: LSM_MEMTABLE_TREE.
    pub memtable: lsm_memtable,
    /// Is told what happens, in parts.
    pub event: lsm_event_fn,
    /// Handed to `event`; must be valid until the database is closed.
    pub event_context: *mut c_void,
    /// How many bytes a second are read in the background to find damage, 4 KiB at least. Usual:
    /// none.
    pub scrub_bytes_per_second: u64,
    /// Merge operators of the program's own, `merge_operator_count` of them. Usual: none.
    pub merge_operators: *const lsm_merge_operator,
    /// How many there are.
    pub merge_operator_count: usize,
    /// Comparators of the program's own, `comparator_count` of them. Usual: none.
    pub comparators: *const lsm_comparator,
    /// How many there are.
    pub comparator_count: usize,
    /// With LSM_OPEN_READONLY: how often it is looked what the writer, in another process, has
    /// done. Usual: only by lsm_refresh().
    pub refresh_every_ms: u32,
    /// With LSM_OPEN_READONLY: how long the writer keeps files for this reader when nothing is
    /// heard of it, because it hangs; 100 at least. Reads may answer LSM_BUSY afterwards, until
    /// lsm_refresh(). Usual: 60000.
    pub reader_lease_ms: u32,
    /// Compaction filters of the program's own, `compaction_filter_count` of them. Usual: none.
    pub compaction_filters: *const lsm_compaction_filter,
    /// How many there are.
    pub compaction_filter_count: usize,
    /// How the default keyspace is kept, if the opening makes the database. One that is there with
    /// another default keyspace is refused. Usual: as the options of any keyspace are.
    pub default_keyspace: *const lsm_keyspace_options,
}

/// For `flags` of lsm_read_options: blocks that are read from disk are not kept in the cache.
pub const LSM_READ_NO_FILL_CACHE: u32 = 1;
/// Blocks that are in the cache are not believed: they are read again, and checked. What comes from
/// disk is always checked.
pub const LSM_READ_VERIFY: u32 = 2;
/// Nothing is read from disk: LSM_BUSY if that would be necessary.
pub const LSM_READ_MEMORY_ONLY: u32 = 4;
/// Iterators leave values out: all are empty.
pub const LSM_READ_KEYS_ONLY: u32 = 8;

/// How something is read. Begin with LSM_READ_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_read_options {
    /// sizeof(lsm_read_options).
    pub struct_size: u32,
    /// LSM_READ_ flags.
    pub flags: u32,
    /// What is read is as this snapshot sees it. Usual: the newest.
    pub snapshot: *const lsm_snapshot,
    /// Iterators: the first key. Usual: no bound.
    pub lower: lsm_slice,
    /// Iterators: the key that they end before. Usual: no bound.
    pub upper: lsm_slice,
    /// Iterators: what all keys begin with, within the bounds.
    pub prefix: lsm_slice,
    /// A hint. Today the library alone decides how far it reads ahead.
    pub readahead_bytes: u64,
}

/// For `flags` of lsm_write_options: where the write would have to wait because the background is
/// behind, it answers LSM_BUSY instead.
pub const LSM_WRITE_NO_WAIT: u32 = 1;
/// Other writes go first while writers are held back.
pub const LSM_WRITE_LOW_PRIORITY: u32 = 2;

/// For `ttl_ms`: the value never expires, whatever the keyspace has.
pub const LSM_TTL_NEVER: u64 = u64::MAX;

/// How something is written. Begin with LSM_WRITE_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_write_options {
    /// sizeof(lsm_write_options).
    pub struct_size: u32,
    /// LSM_WRITE_ flags.
    pub flags: u32,
    /// When the write is durable. Usual: as the database has it.
    pub durability: lsm_durability,
    /// How long it may wait, for memory, for the log, and if it is durable, for the sync:
    /// LSM_TIMED_OUT afterwards. Usual: as long as it takes.
    pub timeout_ms: u32,
    /// For lsm_put() and its like: how long after this call the value expires, or LSM_TTL_NEVER.
    /// Usual: as the keyspace has it.
    pub ttl_ms: u64,
    /// If not NULL: gets the sequence number of the write, for lsm_wait_durable().
    pub seqno: *mut u64,
    /// In place of `ttl_ms`: when the value expires, in milliseconds since 1970. A moment that is
    /// past deletes the key. Usual: as `ttl_ms` says.
    pub expires_at_ms: u64,
}

/// How a long call goes on. Begin with LSM_CALL_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_call_options {
    /// sizeof(lsm_call_options).
    pub struct_size: u32,
    /// LSM_TIMED_OUT after so long. Usual: never.
    pub timeout_ms: u32,
    /// Is told how far the call is, and can stop it.
    pub progress: lsm_progress_fn,
    /// Handed to `progress`.
    pub progress_context: *mut c_void,
}

macro_rules! sized {
    ($($name:ident),*) => {$(
        impl Sized32 for $name {
            const NAME: &'static str = stringify!($name);
        }
    )*};
}

sized!(lsm_options, lsm_keyspace_options, lsm_read_options, lsm_write_options, lsm_call_options);

/// Changes what `text` names, such as "memory_limit=1GiB; durability=durable", and leaves the rest
/// of `options` as it is. Names are those of the fields, with these exceptions: `wal` (auto,
/// write, mapped), `log_bytes_max` and `log_segment_bytes_max` for the fields that begin with wal_,
/// and for the flags `if_missing` (create, fail, must_be_missing) and `read_only` (true, false).
/// `sync_interval_ms=0` is LSM_SYNC_NEVER. LSM_INVALID_ARGUMENT, with nothing changed, for a text
/// that cannot be understood.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_options_parse(
    options: *mut lsm_options,
    text: *const c_char,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let options = border.options_out(options)?;
        *options = text::parse(*options, border.text("text", text)?)?;
        Ok(())
    })
}

/// The text form of `options`, without what are addresses: lsm_options_parse() reads it back.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_options_format(
    options: *const lsm_options,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("text", text)?;
        let options = convert::database(border.options(options)?)?;
        told.set(lsm_value::keep(Slice::from(options.to_string()))?);
        Ok(())
    })
}

/// As lsm_options_parse(), for a keyspace: "strategy=leveled:10; compression=lz4;
/// block_bytes=4096".
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_options_parse(
    options: *mut lsm_keyspace_options,
    text: *const c_char,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let options = border.options_out(options)?;
        *options = text::parse_keyspace(*options, border.text("text", text)?)?;
        Ok(())
    })
}

/// The text form of `options`: lsm_keyspace_options_parse() reads it back.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_keyspace_options_format(
    options: *const lsm_keyspace_options,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let told = border.out("text", text)?;
        let options = merging::keyspace(border, border.options(options)?)?;
        told.set(lsm_value::keep(Slice::from(options.to_string()))?);
        Ok(())
    })
}
