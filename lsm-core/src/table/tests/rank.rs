//! Where keys stand: exactly in tables that say what is in them, between bounds in others.

use std::sync::Arc;

use super::helpers::{MemFile, Model, build, cache, full, open, options};
use crate::base::compress::Codec;
use crate::env::sim::rng::Rng;
use crate::key::keyspace::KeyspaceId;
use crate::table::contents::{Share, UNTOLD};
use crate::table::reader::Table;

const PUT: u64 = 1;

/// A table of two keyspaces in which one entry in five is an older version, or a delete.
fn table(keys: u64, seed: u64) -> (Model, Arc<Table>) {
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    for n in 0..keys {
        let key = full(if n < keys / 3 { 3 } else { 5 }, format!("{:06}", n * 2).as_bytes());
        let value = vec![b'v'; rng.below(200) as usize];
        match rng.below(10) {
            0 => model.add(key.clone(), 9 << 8, Vec::new()),
            _ => model.add(key.clone(), 9 << 8 | PUT, value.clone()),
        }
        if rng.chance(1, 10) {
            model.add(key, 4 << 8 | PUT, value);
        }
    }
    let (bytes, _) = build(&model, &[], options(512, Codec::None, 10));
    let table = open(MemFile::new(bytes), cache(1 << 22)).unwrap();
    (model, table)
}

fn places(keys: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..keys * 2 + 2)
        .step_by(7)
        .flat_map(|n| [3, 4, 5, 6].map(|keyspace| full(keyspace, format!("{n:06}").as_bytes())))
}

fn before(model: &Model, place: &[u8]) -> u64 {
    model.entries().iter().filter(|(key, ..)| key.as_slice() < place).count() as u64
}

#[test]
fn ranks_are_exact_where_the_contents_are_known() {
    for (keys, is_told) in [(0, false), (1, false), (40, false), (700, true)] {
        let (model, table) = table(keys, keys);
        assert_eq!(table.properties().contents.is_some(), is_told);
        assert_eq!(table.properties().blocks > UNTOLD, is_told);
        table.verify().unwrap();
        for place in places(keys) {
            let rank = table.rank(&place).unwrap();
            let entries = before(&model, &place);
            assert_eq!((rank.entries_min, rank.entries_max), (entries, entries));
            assert!(rank.bytes_min <= rank.bytes_max);
        }
    }
}

#[test]
fn a_table_that_does_not_say_what_is_in_it_has_bounds() {
    let (model, mut table) = table(700, 2);
    Arc::get_mut(&mut table).unwrap().forget_contents();
    assert_eq!(table.contents().unwrap(), None);
    assert_eq!(table.known_contents(), None);
    for place in places(700) {
        let rank = table.rank(&place).unwrap();
        let entries = before(&model, &place);
        assert!(rank.entries_min <= entries && entries <= rank.entries_max, "{rank:?} {entries}");
    }
}

#[test]
fn what_is_counted_is_what_large_tables_say() {
    for keys in [40, 700] {
        let (model, table) = table(keys, 5);
        let contents = table.contents().unwrap().unwrap();
        assert_eq!(
            contents.groups.iter().map(|it| u64::from(*it)).sum::<u64>(),
            before(&model, &[9])
        );
        for keyspace in [3u32, 5] {
            let mut share = Share { keyspace: KeyspaceId::new(keyspace), ..Share::default() };
            let mut last = Vec::new();
            for (key, trailer, value) in model.entries() {
                if key[..4] == keyspace.to_be_bytes() {
                    share.add(&key, trailer, &value, key != last);
                    last = key;
                }
            }
            assert_eq!(contents.share(share.keyspace), share);
            assert!(keys < 100 || share.puts < share.keys && share.put_bytes < share.bytes);
        }
        assert_eq!(contents.share(KeyspaceId::new(4)).keys, 0);
    }
}

#[test]
fn pieces_are_about_as_large_as_they_shall_be() {
    let (_, table) = table(700, 3);
    let (lower, upper) = (full(3, b"000050"), full(5, b"001200"));
    let from = table.rank(&lower).unwrap();
    let to = table.rank(&upper).unwrap();
    for grain in [1, 2000, 10_000, 1 << 30] {
        let mut pieces = Vec::new();
        table.cut((&lower, &upper), grain, &mut |piece| pieces.push(piece)).unwrap();
        assert!(pieces.is_sorted_by(|a, b| a.last < b.last));
        let bytes: u64 = pieces.iter().map(|piece| piece.bytes).sum();
        assert!(to.bytes_min - from.bytes_max <= bytes && bytes <= to.bytes_max - from.bytes_min);
        assert!(pieces.iter().all(|piece| piece.bytes < grain + 1024));
        assert!(pieces.iter().rev().skip(1).all(|piece| piece.bytes >= grain));
    }
}
