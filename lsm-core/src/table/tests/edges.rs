//! Sizes at their limits, counts and bounds, and what a builder refuses.

use std::sync::Arc;

use super::helpers::{MemFile, Model, build, cache, full, get, header, open, options, tombstone};
use crate::base::compress::Codec;
use crate::base::error::ErrorKind;
use crate::blob::reference::{BlobRef, BlobUse};
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::key::trailer::NEWEST;
use crate::table::builder::TableBuilder;
use crate::table::options::TableOptions;
use crate::table::properties::Part;

const PUT: u64 = 1;

fn builder(options: TableOptions) -> TableBuilder {
    TableBuilder::new(MemFile::new(Vec::new()), header(), options).unwrap()
}

#[test]
fn keys_and_values_of_all_lengths_come_back() {
    let mut model = Model::default();
    for key_len in [0, 1, 7, 8, 9, 255, 256, 4096, 65_534, 65_535] {
        for value_len in [0, 1, 255, 4095, 4096, 65_535, 65_536, 1 << 20] {
            let mut key = vec![b'k'; key_len];
            key.push(value_len.min(255) as u8);
            key.truncate(65_535);
            let value = (0..value_len).map(|at| (at * 7 % 251) as u8).collect();
            model.add(full(3, &key), (value_len as u64) << 8 | PUT, value);
        }
    }
    for (codec, block) in [(Codec::None, 512), (Codec::Lz4, 4096), (Codec::Lz4, 65_536)] {
        let (bytes, finished) = build(&model, &[], options(block, codec, 10));
        let table = open(MemFile::new(bytes), cache(1 << 22)).unwrap();
        table.verify().unwrap();
        for (key, trailer, value) in model.entries() {
            assert_eq!(get(&table, &key, trailer), Some((trailer, value)));
        }
        assert_eq!(finished.parts.len(), 1);
        assert_eq!(finished.parts[0].entries, model.entries().len() as u64);
    }
}

#[test]
fn what_is_as_large_as_a_block_has_one_of_its_own() {
    let mut model = Model::default();
    for number in 0..10u8 {
        let len = if number % 2 == 0 { 10 } else { 5000 };
        model.add(full(0, &[number]), PUT, vec![number; len]);
    }
    let (bytes, finished) = build(&model, &[], options(4096, Codec::None, 10));
    assert_eq!(finished.properties.blocks, 10);
    assert!(bytes.len() < 27_000, "{}", bytes.len());
}

#[test]
fn a_small_table_is_small() {
    let mut model = Model::default();
    model.add(full(0, b"key"), 5 << 8 | PUT, b"value".to_vec());
    let (bytes, finished) = build(&model, &[], TableOptions::default());
    assert!(bytes.len() < 900, "{}", bytes.len());
    assert_eq!(finished.properties.partitions, 1);
    let file = MemFile::new(bytes);
    let table = open(Arc::clone(&file), cache(1 << 20)).unwrap();
    assert_eq!(*file.reads.lock(), 2, "header and end");
    assert_eq!(get(&table, &full(0, b"key"), NEWEST), Some((5 << 8 | PUT, b"value".to_vec())));
    assert_eq!(*file.reads.lock(), 5, "filter, index, data");
    assert_eq!(get(&table, &full(0, b"key"), 5 << 8), None);
    assert_eq!(get(&table, &full(0, b"kex"), NEWEST), None);
    assert_eq!(get(&table, &full(1, b"key"), NEWEST), None);
    assert_eq!(*file.reads.lock(), 5);
}

#[test]
fn a_table_may_hold_range_tombstones_alone_or_nothing() {
    let tombstones = [tombstone(2, b"b", b"d", 4), tombstone(1, b"x", b"y", 9)];
    let (bytes, finished) = build(&Model::default(), &tombstones, TableOptions::default());
    assert_eq!((finished.properties.entries, finished.properties.range_deletes), (0, 2));
    assert_eq!(finished.properties.seqno_min, SeqNo::new(4).unwrap());
    assert_eq!(finished.properties.seqno_max, SeqNo::new(9).unwrap());
    assert_eq!(finished.parts.len(), 2);
    assert_eq!(finished.parts[1].smallest, full(2, b"b"));
    assert_eq!(finished.parts[1].largest, full(2, b"d"));
    assert!(finished.parts[1].is_largest_excluded);
    let table = open(MemFile::new(bytes), cache(1 << 20)).unwrap();
    table.verify().unwrap();
    assert!(table.has_tombstones());
    let found = table.tombstones().unwrap().covering(&full(2, b"c"), SeqNo::MAX);
    assert_eq!(found, SeqNo::new(4).unwrap());
    assert!(Arc::ptr_eq(&table.tombstones().unwrap(), &table.tombstones().unwrap()));
    check_empty(&table);

    let empty = builder(TableOptions::default());
    assert!(empty.is_empty());
    let (bytes, finished) = build(&Model::default(), &[], TableOptions::default());
    assert!(finished.parts.is_empty());
    let table = open(MemFile::new(bytes), cache(1 << 20)).unwrap();
    table.verify().unwrap();
    assert!(!table.has_tombstones() && table.tombstones().unwrap().is_empty());
    check_empty(&table);
}

fn check_empty(table: &Arc<crate::table::reader::Table>) {
    assert_eq!(get(table, &full(2, b"c"), NEWEST), None);
    let mut cursor = table.cursor(Use::Scan);
    cursor.seek_first().unwrap();
    assert!(!cursor.is_valid());
    cursor.seek_last().unwrap();
    assert!(!cursor.is_valid());
    cursor.seek(&full(0, b""), NEWEST).unwrap();
    assert!(!cursor.is_valid());
    cursor.seek_before(&full(9, b""), 0).unwrap();
    assert!(!cursor.is_valid());
    assert_eq!(table.offset_of(&full(0, b"")).unwrap(), table.opened().body_end());
}

#[test]
fn each_keyspace_has_its_part_with_the_spans_of_its_tombstones() {
    let mut model = Model::default();
    for keyspace in [0, 1, 0xff, 0x100] {
        for letter in b"cde" {
            let kind = u64::from(*letter != b'd');
            model.add(full(keyspace, &[*letter]), u64::from(keyspace) << 8 | kind, vec![1; 8]);
        }
    }
    let end = full(2, b"");
    let mut to_the_end = tombstone(1, b"d", b"z", 300);
    to_the_end.end.clone_from(&end);
    let tombstones = [
        tombstone(0, b"a", b"b", 400),
        to_the_end,
        tombstone(0xff, b"a", b"e", 2),
        tombstone(5, b"a", b"c", 2),
    ];
    let (bytes, finished) = build(&model, &tombstones, options(64, Codec::None, 10));
    let part = |keyspace: u32, smallest: &[u8], largest: Vec<u8>, entries: u64| Part {
        keyspace: KeyspaceId::new(keyspace),
        smallest: full(keyspace, smallest),
        is_largest_excluded: false,
        largest,
        bytes: 0,
        entries,
        deletes: entries / 3,
    };
    let wanted = [
        part(0, b"a", full(0, b"e"), 3),
        Part { is_largest_excluded: true, ..part(1, b"c", end, 3) },
        Part { is_largest_excluded: true, ..part(5, b"a", full(5, b"c"), 0) },
        part(0xff, b"a", full(0xff, b"e"), 3),
        part(0x100, b"c", full(0x100, b"e"), 3),
    ];
    let without_bytes = |part: &Part| Part { bytes: 0, ..part.clone() };
    assert_eq!(finished.parts.iter().map(without_bytes).collect::<Vec<_>>(), wanted);
    let sum: u64 = finished.parts.iter().map(|part| part.bytes).sum();
    let table = open(MemFile::new(bytes), cache(1 << 20)).unwrap();
    let body = table.opened().body_end();
    assert!(sum <= body && sum + 5 >= body, "{sum} of {body}");
    table.verify().unwrap();
}

#[test]
fn properties_count_kinds_moments_and_blocks_of_deletes() {
    let mut model = Model::default();
    for (number, kind) in [0u64, 1, 2, 3, 5, 6, 6, 0x12].into_iter().enumerate() {
        let mut value = (1000 - number as u64).to_le_bytes().to_vec();
        match kind {
            0 | 3 => value.clear(),
            2 => value.extend_from_slice(&7u64.to_le_bytes()),
            _ => {}
        }
        if kind == 5 {
            let (expiry_millis, file, offset, len, raw) = (None, 9, 128, 5_000, 4_000);
            value.clear();
            BlobRef { expiry_millis, file, offset, len, raw, check: 0 }.encode(&mut value);
        }
        model.add(full(0, &[number as u8]), (number as u64 + 3) << 8 | kind, value);
    }
    let (_, finished) = build(&model, &[], TableOptions::default());
    let counts = finished.properties;
    assert_eq!((counts.entries, counts.deletes, counts.single_deletes), (8, 2, 1));
    assert_eq!((counts.merges, counts.blob_refs, counts.expiring), (1, 1, 2));
    assert_eq!((counts.expiry_min_millis, counts.expiry_last_millis), (994, 995));
    assert_eq!(counts.expiry_max_millis(), 0, "most never expire");
    assert_eq!((counts.merge_min_millis, counts.merge_ends), (998, 1));
    assert_eq!(counts.blobs, [BlobUse { file: 9, values: 1, bytes: 5_000, ..BlobUse::default() }]);
    assert_eq!((counts.key_bytes, counts.value_bytes), (8 * 5, 6 * 8 + 16));
    assert_eq!((counts.seqno_min.get(), counts.seqno_max.get()), (3, 10));
    assert_eq!((counts.blocks, counts.dense_blocks, counts.partitions), (1, 0, 1));

    let mut model = Model::default();
    for number in 0..1000u64 {
        let (kind, value) = if number < 500 { (0, Vec::new()) } else { (6, vec![0; 8]) };
        model.add(full(0, &number.to_be_bytes()), 1 << 8 | kind, value);
    }
    let (_, finished) = build(&model, &[], options(512, Codec::Lz4, 10));
    let counts = finished.properties;
    assert!(counts.dense_blocks > 5 && counts.dense_blocks < counts.blocks - 5, "{counts:?}");
    assert_eq!((counts.expiry_min_millis, counts.expiry_last_millis), (1, 1), "not never");

    let mut model = Model::default();
    model.add(full(0, b"a"), 1 << 8 | 6, 77u64.to_le_bytes().to_vec());
    let (_, finished) = build(&model, &[], TableOptions::default());
    assert_eq!(finished.properties.expiry_max_millis(), 77);
    let (_, finished) = build(&model, &[tombstone(0, b"a", b"b", 1)], TableOptions::default());
    assert_eq!(finished.properties.expiry_max_millis(), 0, "a range tombstone never expires");
}

#[test]
fn what_cannot_be_in_a_table_is_refused() {
    let key = full(0, b"m");
    let mut table = builder(TableOptions::default());
    table.add(&key, 5 << 8 | PUT, b"").unwrap();
    for (key, trailer) in [(full(0, b"l"), 9 << 8), (key.clone(), 5 << 8 | PUT), (key, 6 << 8)] {
        assert_eq!(table.add(&key, trailer, b"").unwrap_err().kind(), ErrorKind::Internal);
    }
    let refused = |key: &[u8], trailer, value: &[u8], kind| {
        let error = builder(TableOptions::default()).add(key, trailer, value).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    };
    refused(b"abc", PUT, b"", ErrorKind::InvalidArgument);
    refused(&full(0, &vec![0; 65_536]), PUT, b"", ErrorKind::TooLarge);
    refused(&full(0, b"a"), 4, b"", ErrorKind::InvalidArgument);
    refused(&full(0, b"a"), 0xff, b"", ErrorKind::InvalidArgument);
    refused(&full(0, b"a"), 6, b"1234567", ErrorKind::InvalidArgument);
    refused(&full(0, b"a"), 2, b"123456789012345", ErrorKind::InvalidArgument);
    for (start, end) in [(full(0, b"a"), full(1, b"a")), (vec![0; 3], full(0, b"a"))] {
        let seqno = SeqNo::new(3).unwrap();
        let tombstone = crate::cursor::tombstone::Tombstone { start, end, seqno };
        let error = builder(TableOptions::default()).add_tombstone(&tombstone).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    for wrong in [options(63, Codec::None, 10), options(4096, Codec::None, 33)] {
        let file = MemFile::new(Vec::new());
        let error = TableBuilder::new(file, header(), wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn the_length_is_known_roughly_while_it_is_written() {
    for bits in [0, 10] {
        let file = MemFile::new(Vec::new());
        let options = options(4096, Codec::None, bits);
        let mut builder = TableBuilder::new(Arc::clone(&file) as _, header(), options).unwrap();
        assert!(builder.is_empty());
        for number in 0..50_000u64 {
            builder.add(&full(0, &number.to_be_bytes()), PUT, &[7; 50]).unwrap();
        }
        let (before, is_empty) = (builder.bytes(), builder.is_empty());
        let bytes = builder.finish().unwrap().bytes;
        assert!(!is_empty && before.abs_diff(bytes) < bytes / 50 + 1000, "{before} {bytes}");
    }
}
