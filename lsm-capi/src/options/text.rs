//! The text form of options, a setting at a time: what it does not name stays as it is.

use lsm_core::{
    Compression, Error, ErrorKind, IfMissing, KeyspaceOptions, Options, Result, Strategy,
};

use crate::options::convert::{self, DURABILITIES, MEMTABLES, WAL_MODES, number};
use crate::options::{
    LSM_OPEN_EXISTING, LSM_OPEN_NEW, LSM_OPEN_READONLY, LSM_SYNC_NEVER, lsm_keyspace_options,
    lsm_options,
};

/// The names of what a text sets. Whether it can be understood is seen elsewhere.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(|setting| setting.split('=').next().unwrap_or_default().trim())
}

/// `options` with what `text` says. What is chosen already is read with it, since settings are held
/// against each other.
pub(super) fn parse(mut options: lsm_options, text: &str) -> Result<lsm_options> {
    let all = Options::parse(&format!("{}; {text}", convert::database(Some(options))?))?;
    names(text).for_each(|name| take(&mut options, name, &all));
    Ok(options)
}

fn take(options: &mut lsm_options, name: &str, set: &Options) {
    match name {
        "memory_limit" => options.memory_limit = set.get_memory_limit(),
        "memtable_bytes" => options.memtable_bytes = set.get_memtable_bytes(),
        "memtable" => options.memtable = number(MEMTABLES, set.get_memtable()),
        "background_threads" => {
            options.background_threads = set.get_background_threads() as u32;
        }
        "durability" => options.durability = number(DURABILITIES, set.get_durability()),
        "wal" => options.wal_mode = number(WAL_MODES, set.get_log_mode()),
        "log_segment_bytes_max" => {
            options.wal_segment_bytes_max = set.get_log_segment_bytes_max();
        }
        "open_files_max" => {
            options.open_files_max = u32::try_from(set.get_open_files_max()).unwrap_or(u32::MAX);
        }
        "write_bytes_per_second" => {
            options.write_bytes_per_second = set.get_write_bytes_per_second();
        }
        "scrub_bytes_per_second" => {
            options.scrub_bytes_per_second = set.get_scrub_bytes_per_second();
        }
        "refresh_every_ms" => {
            let millis = set.get_refresh_every().map_or(0, |every| every.as_millis());
            options.refresh_every_ms = u32::try_from(millis).unwrap_or(u32::MAX);
        }
        "reader_lease_ms" => {
            let millis = set.get_reader_lease().as_millis();
            options.reader_lease_ms = u32::try_from(millis).unwrap_or(u32::MAX);
        }
        "log_bytes_max" => options.wal_bytes_max = set.get_log_bytes_max(),
        "sync_interval_ms" => {
            let millis = set.get_sync_interval().map(|interval| interval.as_millis());
            options.sync_interval_ms = millis.map_or(LSM_SYNC_NEVER, |millis| {
                u32::try_from(millis).unwrap_or(LSM_SYNC_NEVER - 1)
            });
        }
        "if_missing" => {
            let flag = match set.get_if_missing() {
                IfMissing::Create => 0,
                IfMissing::Fail => LSM_OPEN_EXISTING,
                IfMissing::MustBeMissing => LSM_OPEN_NEW,
            };
            options.flags = options.flags & !(LSM_OPEN_EXISTING | LSM_OPEN_NEW) | flag;
        }
        "read_only" => {
            let flag = if set.is_read_only() { LSM_OPEN_READONLY } else { 0 };
            options.flags = options.flags & !LSM_OPEN_READONLY | flag;
        }
        _ => {}
    }
}

/// The same for a keyspace.
pub(super) fn parse_keyspace(
    mut options: lsm_keyspace_options,
    text: &str,
) -> Result<lsm_keyspace_options> {
    let all = KeyspaceOptions::parse(&format!("{}; {text}", convert::keyspace(Some(options))?))?;
    if let Strategy::User { name } = all.get_strategy() {
        let message = format!("the strategy `{name}` can only be had in Rust");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let new = convert::keyspace_for_c(&all)?;
    names(text).for_each(|name| take_keyspace(&mut options, name, (&all, &new)));
    Ok(options)
}

fn take_keyspace(
    options: &mut lsm_keyspace_options,
    name: &str,
    (set, new): (&KeyspaceOptions, &lsm_keyspace_options),
) {
    match name {
        "strategy" => {
            (options.strategy, options.level_ratio) = (new.strategy, new.level_ratio);
            options.fifo_bytes_max = new.fifo_bytes_max;
            options.fifo_age_max_ms = new.fifo_age_max_ms;
        }
        "compression" => {
            let is_zstd = matches!(set.get_compression(), Compression::Zstd { .. });
            options.compression = new.compression;
            options.compression_level = if is_zstd { new.compression_level } else { 0 };
        }
        "block_bytes" => options.block_bytes = new.block_bytes,
        "filter_bits_per_key" => options.filter_bits_per_key = new.filter_bits_per_key,
        "ttl_ms" => options.ttl_ms = new.ttl_ms,
        "quota_bytes" => options.quota_bytes = new.quota_bytes,
        "merge_operator" => options.merge_operator = new.merge_operator,
        "comparator" => options.comparator = new.comparator,
        "write_once" => options.write_once = new.write_once,
        "compaction_filter" => options.compaction_filter = new.compaction_filter,
        "blob_threshold" => options.blob_threshold = new.blob_threshold,
        _ => {}
    }
}
