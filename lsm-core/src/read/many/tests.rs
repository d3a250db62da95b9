//! Groups of keys against the same keys one by one, whatever the cache holds; and that a block that
//! several of them need is loaded once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::base::budget::Budget;
use crate::base::checksum::hash64;
use crate::cursor::contract::Cursor;
use crate::cursor::tombstone::Tombstone;
use crate::env::clock::Now;
use crate::env::fs::{Directory, FileSystem};
use crate::env::schedule::Signal;
use crate::env::sim::clock::SimClock;
use crate::env::sim::disk::SimDisk;
use crate::env::sim::rng::Rng;
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::memtable::handle::new as new_memtable;
use crate::memtable::options::MemtableOptions;
use crate::read::access::Usual;
use crate::read::get::get;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::table::builder::TableBuilder;
use crate::table::options::TableOptions;
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::edit::Edit;
use crate::version::edit::tests::{slice, table};
use crate::version::garbage::Garbage;
use crate::version::shelf::Shelf;
use crate::version::tree::TableMeta;

const KEYS: u64 = 400;
const TABLES: u64 = 5;

/// Trailer and value by key.
type Entries = BTreeMap<Vec<u8>, (u64, Vec<u8>)>;

fn key_of(number: u64) -> Vec<u8> {
    FullKey::new(KeyspaceId::DEFAULT, format!("key{number:05}").as_bytes()).bytes().to_vec()
}

fn seqno(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap()
}

/// Puts and deletes by chance, numbered from `from`.
fn entries(rng: &mut Rng, from: u64) -> Entries {
    let entry = |at| {
        let kind = u64::from(!rng.chance(1, 5));
        let value = vec![at as u8; if kind == 0 { 0 } else { rng.below(60) as usize }];
        (key_of(rng.below(KEYS)), ((from + at) << 8 | kind, value))
    };
    (0..KEYS / 2).map(entry).collect()
}

/// Writes a table and says what a manifest would say of it.
fn write(dir: &dyn Directory, number: u64, entries: &Entries, options: TableOptions) -> Edit {
    let file = dir.create(&names::table(number)).unwrap();
    let header = FileHeader {
        kind: FileKind::Table,
        compatible: 0,
        file_id: number,
        database_id: [7; 16],
        incarnation: 1,
        edit: 0,
        number,
        boot_id: None,
        clock_millis: 0,
        flags: 0,
    };
    let mut builder = TableBuilder::new(file, header, options).unwrap();
    for (key, (trailer, value)) in entries {
        builder.add(key, *trailer, value).unwrap();
    }
    let span = number * 50;
    let tombstone = Tombstone {
        start: key_of(span),
        end: key_of(span + 40),
        // In the middle of the table's own numbers.
        seqno: seqno((TABLES - number) * 1000 + 100),
    };
    builder.add_tombstone(&tombstone).unwrap();
    let finished = builder.finish().unwrap();
    let meta = TableMeta { file_id: finished.file_id, bytes: finished.bytes, ..table(number) };
    // The newer, the lower the number; two of them are runs of level 0.
    let (level, run) = if number < 2 { (0, 9 - number) } else { (number as u8 - 1, 0) };
    let all = slice(0, level, run, b"key", b"kez");
    Edit::TableAdded { meta, slices: vec![all] }
}

/// A memtable and some tables below it, read through a cache of so many bytes.
fn view(rng: &mut Rng, cache_bytes: u64, options: TableOptions) -> (View, Arc<Cache>) {
    let disk = SimDisk::new();
    disk.create_dir(Path::new("/db")).unwrap();
    let dir = disk.open_dir(Path::new("/db")).unwrap();
    let cache = Cache::new(Budget::new(64 << 20), cache_bytes);
    let shelf = Shelf::new(dir.clone(), cache.clone(), 0);
    let mut edit = |number| {
        let entries = entries(rng, (TABLES - number) * 1000);
        write(dir.as_ref(), number, &entries, options)
    };
    let edits: Vec<Edit> = (0..TABLES).map(|number| edit(number + 1)).collect();
    let garbage = Garbage::new(Signal::new());
    let empty = Version::from_catalog(&Catalog::new([1; 16], 2), garbage, Some(shelf)).unwrap();
    let version = Arc::new(empty.apply(&edits, 1).unwrap());
    let (active, mut inserter) = new_memtable(&MemtableOptions::default()).unwrap();
    for (key, (trailer, value)) in entries(rng, TABLES * 1000).iter().take(60) {
        inserter.put(key, hash64(key), *trailer, value).unwrap();
    }
    inserter.delete_range(&key_of(300), &key_of(320), seqno(TABLES * 1000 + 900)).unwrap();
    (View { active, sealed: Vec::new(), version, sifted: 0 }, cache)
}

#[test]
fn a_group_is_answered_as_its_keys_are() {
    let clock = SimClock::new();
    for seed in 0..24 {
        let mut rng = Rng::new(seed);
        let cache_bytes = [0, 3000, 40_000, 1 << 20][rng.below(4) as usize];
        let filter_bits = [0, 2, 10][rng.below(3) as usize];
        let options = TableOptions { block_bytes: 512, filter_bits, ..TableOptions::default() };
        let (view, cache) = view(&mut rng, cache_bytes, options);
        let mut many = Many::new(&view, &cache);
        for _ in 0..40 {
            // Some more than there are, and a few of them twice.
            let keys: Vec<Vec<u8>> = (0..rng.below(GROUP as u64 + 1))
                .map(|_| key_of(rng.below(KEYS + 40) / (1 + rng.below(2))))
                .collect();
            let at = seqno(rng.below((TABLES + 1) * 1000 + 1));
            let questions: Vec<Question<'_>> =
                keys.iter().map(|key| Question::new(key, at, Now::By(&clock))).collect();
            let mut values = vec![None; keys.len()];
            let mut looked = Looked::default();
            let take = |found: Found<'_>| found.into_slice();
            many.get(&questions, &mut values, &mut looked, take).unwrap();
            let mut alone = Looked::default();
            for (question, value) in questions.iter().zip(values) {
                let expected =
                    get(Usual, &view, question, &mut alone, |found| found.into_slice()).unwrap();
                assert_eq!(value, expected, "seed {seed}, {:?} at {at:?}", question.key);
            }
            assert_eq!(looked, alone, "seed {seed}");
        }
    }
}

#[test]
fn a_block_that_several_keys_need_is_loaded_once() {
    let clock = SimClock::new();
    let mut rng = Rng::new(1);
    let options = TableOptions { filter_bits: 0, ..TableOptions::default() };
    // Nothing stays: what is needed twice would be loaded twice.
    let (view, cache) = view(&mut rng, 0, options);
    let tree = view.version.tree(KeyspaceId::DEFAULT).unwrap();
    let table = tree.runs[0].slices[0].file.table().unwrap();
    let mut cursor = table.cursor(Use::Bypass);
    let mut keys = Vec::new();
    cursor.seek_first().unwrap();
    while keys.len() < GROUP {
        // Of the first block, and newer than the table's tombstone.
        keys.push(cursor.key().to_vec());
        cursor.next().unwrap();
    }
    let at = seqno(TABLES * 1000 - 1);
    let questions: Vec<Question<'_>> =
        keys.iter().map(|key| Question::new(key, at, Now::By(&clock))).collect();
    let mut values = vec![None; keys.len()];
    let before = cache.stats().misses;
    let mut looked = Looked::default();
    let mut many = Many::new(&view, &cache);
    many.get(&questions, &mut values, &mut looked, |found| found.into_slice()).unwrap();
    // Each asks for the index by itself, and all together for the block.
    assert_eq!(cache.stats().misses - before, GROUP as u64 + 1);
    assert_eq!(looked.tables, GROUP as u32);
}
