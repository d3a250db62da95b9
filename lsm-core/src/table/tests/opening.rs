//! What opening reads, what it refuses by name, and what it leaves alone.

use std::path::Path;
use std::sync::Arc;

use super::helpers::{FILE_ID, MemFile, Taste, build, cache, header, model, open, options};
use crate::base::checksum::hash64;
use crate::base::compress::Codec;
use crate::base::error::ErrorKind;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::env::fs::{Access, Directory, FileSystem};
use crate::env::sim::disk::SimDisk;
use crate::env::sim::rng::Rng;
use crate::key::trailer::NEWEST;
use crate::table::builder::TableBuilder;
use crate::table::footer::FOOTER_LEN;
use crate::table::opening::Expect;
use crate::table::options::TableOptions;
use crate::table::reader::Table;

fn large() -> (super::helpers::Model, Vec<u8>) {
    let taste = Taste { keyspaces: 1, keys: 5000, key_len: 9, versions: 1, value_len: 90 };
    let model = model(&mut Rng::new(3), taste);
    let (bytes, _) = build(&model, &[], options(4096, Codec::None, 10));
    (model, bytes)
}

#[test]
fn opening_reads_header_and_end_and_a_warm_lookup_reads_nothing() {
    let (model, bytes) = large();
    let file = MemFile::new(bytes);
    let table = open(Arc::clone(&file), cache(1 << 24)).unwrap();
    assert_eq!(*file.reads.lock(), 2);
    for _ in 0..2 {
        for (key, trailer, _) in model.entries() {
            assert!(table.get(&key, hash64(&key), trailer, Use::Point).unwrap().is_some());
        }
        let blocks = table.properties().blocks + 2 * table.properties().partitions;
        assert_eq!(*file.reads.lock(), blocks + 2);
    }
}

#[test]
fn a_walk_reads_many_blocks_at_once_both_ways() {
    let (_, bytes) = large();
    let len = bytes.len() as u64;
    for how in [Use::Scan, Use::Bypass] {
        for is_forward in [true, false] {
            let file = MemFile::new(bytes.clone());
            let cache = cache(1 << 24);
            let table = open(Arc::clone(&file), Arc::clone(&cache)).unwrap();
            let mut cursor = table.cursor(how);
            let before = *file.reads.lock();
            if is_forward { cursor.seek_first() } else { cursor.seek_last() }.unwrap();
            while cursor.is_valid() {
                if is_forward { cursor.next() } else { cursor.prev() }.unwrap();
            }
            let reads = *file.reads.lock() - before;
            // Reads of this file are of 100,003 bytes at most, twice as many where they are short.
            assert!(reads < 12 + 2 * len / 100_000, "{reads} reads for {len} bytes, {how:?}");
            let frames = cache.stats().frames;
            let blocks = table.properties().blocks;
            assert_eq!(frames > blocks, how == Use::Scan, "{how:?}: {frames} of {blocks} stayed");
        }
    }
}

#[test]
fn walks_do_not_push_out_what_is_looked_up() {
    let (model, bytes) = large();
    let file = MemFile::new(bytes);
    // Room for a fifth of the table.
    let table = open(Arc::clone(&file), cache(100_000)).unwrap();
    let wanted: Vec<_> = model.0.keys().take(40).collect();
    let look = || {
        for key in &wanted {
            assert!(table.get(key, hash64(key), NEWEST, Use::Point).unwrap().is_some());
        }
    };
    (0..4).for_each(|_| look());
    for how in [Use::Scan, Use::Bypass] {
        for _ in 0..3 {
            let mut cursor = table.cursor(how);
            cursor.seek_first().unwrap();
            while cursor.is_valid() {
                cursor.next().unwrap();
            }
        }
        let before = *file.reads.lock();
        look();
        let reads = *file.reads.lock() - before;
        assert!(reads < 3, "{reads} reads after walks {how:?}");
    }
}

#[test]
fn blocks_go_with_their_table_and_cursors_outlive_everything() {
    let (model, bytes) = large();
    let cache = cache(1 << 24);
    let table = open(MemFile::new(bytes), Arc::clone(&cache)).unwrap();
    let key = model.0.keys().next().unwrap().clone();
    let found = table.get(&key, hash64(&key), NEWEST, Use::Point).unwrap().unwrap();
    let mut cursor = table.cursor(Use::Point);
    cursor.seek_first().unwrap();
    drop(table);
    assert!(cache.stats().frames > 0);
    assert_eq!(cursor.key(), key);
    assert_eq!(*found.value, *cursor.value());
    drop(cursor);
    assert_eq!(cache.stats().frames, 0);
    assert_eq!(Some((found.trailer, &*found.value)), model.get(&key, NEWEST));
}

/// Changes bytes of the footer and makes its check right again.
fn resealed(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let start = bytes.len() - FOOTER_LEN;
    bytes[start + at..start + at + value.len()].copy_from_slice(value);
    let check = hash64(&bytes[start..start + FOOTER_LEN - 8]).to_le_bytes();
    bytes[start + FOOTER_LEN - 8..].copy_from_slice(&check);
    bytes
}

#[test]
fn newer_tables_are_refused_by_name_and_compatible_ones_are_read() {
    let (_, bytes) = large();
    let kind = |bytes: Vec<u8>| open(MemFile::new(bytes), cache(0)).err().map(|e| e.kind());
    assert_eq!(kind(resealed(&bytes, 16, &[1])), None, "compatible");
    assert_eq!(kind(resealed(&bytes, 24, &[1])), Some(ErrorKind::Format), "required");
    assert_eq!(kind(resealed(&bytes, 31, &[1])), Some(ErrorKind::Format), "required");
    for (at, what) in [(8, "length"), (12, "reserved"), (32, "id"), (40, "bytes"), (96, "reserved")]
    {
        let error = kind(resealed(&bytes, at, &[0xaa]));
        assert_eq!(error, Some(ErrorKind::Corruption), "{what}");
    }
    for at in (48..96).step_by(4) {
        let error = kind(resealed(&bytes, at, &[0xaa]));
        assert_eq!(error, Some(ErrorKind::Corruption), "handle at {at}");
    }
}

#[test]
fn a_table_on_the_simulated_disk_comes_back() {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    let dir: Arc<dyn Directory> = disk.open_dir(Path::new("/db")).unwrap();
    let file = dir.create("000007.sst").unwrap();
    let mut builder = TableBuilder::new(file, header(), TableOptions::default()).unwrap();
    let taste = Taste { keyspaces: 2, keys: 3000, key_len: 9, versions: 2, value_len: 500 };
    let model = model(&mut Rng::new(4), taste);
    for (key, trailer, value) in model.entries() {
        builder.add(&key, trailer, &value).unwrap();
    }
    let finished = builder.finish().unwrap();
    let file = dir.open("000007.sst", Access::Read).unwrap();
    assert_eq!(file.len().unwrap(), finished.bytes);
    let expect = Expect { file_id: FILE_ID, bytes: finished.bytes };
    let table = Table::open(file, expect, cache(1 << 20)).unwrap();
    table.verify().unwrap();
    assert_eq!(table.crc().unwrap(), finished.crc);
}
