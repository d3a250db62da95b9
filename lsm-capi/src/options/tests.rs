//! Text and struct say the same, and what cannot be meant is refused.

use std::time::Duration;

use lsm_core::{ErrorKind, Expiry, KeyspaceOptions, Options};

use crate::options::text::{parse, parse_keyspace};
use crate::options::{
    LSM_DURABLE, LSM_LEVELED, LSM_NO_FILTER, LSM_OPEN_EXISTING, LSM_OPEN_NEW, LSM_OPEN_READONLY,
    LSM_SYNC_NEVER, LSM_TIERED, LSM_TTL_NEVER, convert, lsm_keyspace_options, lsm_options,
    lsm_write_options,
};

/// As the macros of the header begin them.
fn begun<T>(size: fn(&mut T) -> &mut u32) -> T {
    // SAFETY: every field of an options struct may be 0: numbers, pointers and absent functions.
    let mut options: T = unsafe { std::mem::zeroed() };
    *size(&mut options) = size_of::<T>() as u32;
    options
}

fn usual() -> lsm_options {
    begun(|options: &mut lsm_options| &mut options.struct_size)
}

fn usual_keyspace() -> lsm_keyspace_options {
    begun(|options: &mut lsm_keyspace_options| &mut options.struct_size)
}

#[test]
fn zero_is_the_usual_choice() {
    assert_eq!(convert::database(Some(usual())).unwrap(), Options::new());
    assert_eq!(convert::keyspace(Some(usual_keyspace())).unwrap(), KeyspaceOptions::new());
}

#[test]
fn a_text_changes_what_it_names_and_nothing_else() {
    let mut options = usual();
    options.memory_limit = 4 << 30;
    options.flags = LSM_OPEN_EXISTING;
    // Alone this memtable would be too large for the usual limit.
    let text = "memtable_bytes=1GiB; durability=durable; sync_interval_ms=0; read_only=false;";
    let changed = parse(options, text).unwrap();
    assert_eq!((changed.memory_limit, changed.memtable_bytes), (4 << 30, 1 << 30));
    assert_eq!((changed.durability, changed.sync_interval_ms), (LSM_DURABLE, LSM_SYNC_NEVER));
    assert_eq!((changed.flags, changed.background_threads), (LSM_OPEN_EXISTING, 0));
    let new = parse(changed, "if_missing=must_be_missing").unwrap();
    assert_eq!(new.flags, LSM_OPEN_NEW);
}

#[test]
fn every_setting_of_the_engine_reaches_the_struct() {
    let all = "memory_limit=64MiB; memtable_bytes=1MiB; memtable=skiplist; background_threads=3; \
               durability=volatile; if_missing=fail; read_only=true; sync_interval_ms=7; \
               wal=write; log_segment_bytes_max=1MiB; log_bytes_max=2MiB; \
               open_files_max=77; write_bytes_per_second=9MiB; \
               scrub_bytes_per_second=3MiB; refresh_every_ms=8; reader_lease_ms=900";
    let wanted = Options::parse(all).unwrap();
    let said = parse(usual(), all).unwrap();
    assert_eq!(convert::database(Some(said)).unwrap(), wanted);
    // The text names each setting that there is: a new one must be added here, and to the struct.
    let name = |setting: &str| setting.split('=').next().unwrap().trim().to_owned();
    let mut named: Vec<String> = all.split(';').map(name).collect();
    let mut known: Vec<String> = wanted.to_string().split(';').map(name).collect();
    named.sort();
    known.sort();
    assert_eq!(named, known);
}

#[test]
fn every_setting_of_a_keyspace_reaches_the_struct() {
    for text in [
        "strategy=leveled:7; compression=none; block_bytes=1024; filter_bits_per_key=5",
        "strategy=tiered:9; compression=lz4; block_bytes=4096; filter_bits_per_key=0",
        "strategy=lazy:6; compression=lz4; block_bytes=4096; filter_bits_per_key=12",
        "strategy=fifo:10:20; compression=zstd:9; block_bytes=512; filter_bits_per_key=32",
    ] {
        let said = parse_keyspace(usual_keyspace(), text).unwrap();
        let options = convert::keyspace(Some(said)).unwrap();
        assert_eq!(options.to_string(), text);
        let back = convert::keyspace_for_c(&options).unwrap();
        assert_eq!(convert::keyspace(Some(back)).unwrap(), options);
    }
    let bare = parse_keyspace(usual_keyspace(), "filter_bits_per_key=0").unwrap();
    assert_eq!((bare.filter_bits_per_key, bare.strategy), (LSM_NO_FILTER, 0));
}

#[test]
fn what_cannot_be_meant_is_refused_and_says_why() {
    let refused = |change: fn(&mut lsm_options)| {
        let mut options = usual();
        change(&mut options);
        convert::database(Some(options)).unwrap_err()
    };
    assert_eq!(refused(|it| it.flags = 8).kind(), ErrorKind::InvalidArgument);
    assert!(refused(|it| it.durability = 4).to_string().contains("durability"));
    assert!(refused(|it| it.wal_mode = u32::MAX).to_string().contains("wal_mode"));
    let both = refused(|it| it.flags = LSM_OPEN_EXISTING | LSM_OPEN_NEW);
    assert!(both.to_string().contains("contradict"));
    let elsewhere = refused(|it| it.memory = std::ptr::dangling());
    assert_eq!(elsewhere.kind(), ErrorKind::Unsupported);
    let mut keyspace = usual_keyspace();
    (keyspace.strategy, keyspace.fifo_bytes_max) = (LSM_TIERED, 1);
    assert!(convert::keyspace(Some(keyspace)).is_err());
    (keyspace.strategy, keyspace.level_ratio, keyspace.fifo_bytes_max) = (LSM_LEVELED, 101, 0);
    assert!(convert::keyspace(Some(keyspace)).is_err());
    for text in ["nonsense", "memory_limit", "memory_limit=x", "=", "durability=4;", "a=b"] {
        assert!(parse(usual(), text).is_err(), "{text}");
    }
    let user = parse_keyspace(usual_keyspace(), "strategy=user:mine");
    assert_eq!(user.map(|_| ()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn read_only_is_a_flag() {
    let options = parse(usual(), "read_only=true").unwrap();
    assert_eq!(options.flags, LSM_OPEN_READONLY);
    assert_eq!(parse(options, "read_only=false").unwrap().flags, 0);
}

#[test]
fn a_write_waits_as_long_as_it_says() {
    let mut options = begun(|options: &mut lsm_write_options| &mut options.struct_size);
    assert_eq!(convert::write(Some(options)).unwrap().get_timeout(), None);
    options.timeout_ms = 5;
    assert_eq!(convert::write(Some(options)).unwrap().get_timeout().unwrap().as_millis(), 5);
    options.flags = 1;
    assert!(convert::write(Some(options)).unwrap().get_timeout().unwrap().is_zero());
}

#[test]
fn a_write_says_in_one_way_when_its_value_expires() {
    let mut options = begun(|options: &mut lsm_write_options| &mut options.struct_size);
    let expiry = |options| convert::write(Some(options)).map(|options| options.get_expiry());
    assert_eq!(expiry(options).unwrap(), Expiry::Usual);
    options.ttl_ms = 1;
    assert_eq!(expiry(options).unwrap(), Expiry::After(Duration::from_millis(1)));
    options.expires_at_ms = 7;
    assert_eq!(expiry(options).unwrap_err().kind(), ErrorKind::InvalidArgument);
    options.ttl_ms = 0;
    assert_eq!(expiry(options).unwrap(), Expiry::At(7));
    (options.ttl_ms, options.expires_at_ms) = (LSM_TTL_NEVER, 0);
    assert_eq!(expiry(options).unwrap(), Expiry::Never);
}
