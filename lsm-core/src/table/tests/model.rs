//! Tables against a model: every lookup, every seek, both directions, many shapes of data.

use std::sync::Arc;

use super::helpers::{
    Entry, MemFile, Model, Taste, build, cache, get, model, open, options, tombstone,
};
use crate::base::checksum::{FileCrc, hash64};
use crate::base::compress::Codec;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::env::sim::rng::Rng;
use crate::key::trailer::NEWEST;
use crate::table::cursor::TableCursor;
use crate::table::reader::Table;

const USES: [Use; 4] = [Use::Point, Use::Scan, Use::Bypass, Use::Index];

fn tastes() -> Vec<Taste> {
    let taste = |keyspaces, keys, key_len, versions, value_len| Taste {
        keyspaces,
        keys,
        key_len,
        versions,
        value_len,
    };
    vec![
        taste(1, 1, 0, 1, 0),
        taste(1, 300, 6, 2, 40),
        taste(4, 400, 12, 3, 120),
        taste(40, 120, 3, 1, 10),
        taste(1, 3, 2, 2000, 30),
        taste(2, 60, 300, 2, 3000),
    ]
}

fn here(cursor: &TableCursor) -> Option<Entry> {
    let entry = || (cursor.key().to_vec(), cursor.trailer(), cursor.value().to_vec());
    cursor.is_valid().then(entry)
}

/// Walks the whole table both ways.
fn check_walks(table: &Arc<Table>, entries: &[Entry], how: Use) {
    let mut cursor = table.cursor(how);
    assert_eq!(here(&cursor), None);
    cursor.next().unwrap();
    cursor.prev().unwrap();
    assert_eq!(here(&cursor), None);
    cursor.seek_first().unwrap();
    let mut newer: &[u8] = &[];
    for entry in entries {
        assert_eq!(here(&cursor).as_ref(), Some(entry));
        assert!(!cursor.is_newest() || newer != entry.0);
        newer = &entry.0;
        cursor.next().unwrap();
    }
    assert_eq!(here(&cursor), None);
    cursor.seek_last().unwrap();
    for entry in entries.iter().rev() {
        assert_eq!(here(&cursor).as_ref(), Some(entry));
        cursor.prev().unwrap();
    }
    assert_eq!(here(&cursor), None);
}

/// Seeks by chance, each followed by some steps.
fn check_seeks(table: &Arc<Table>, entries: &[Entry], how: Use, rng: &mut Rng) {
    let mut cursor = table.cursor(how);
    for _ in 0..entries.len().min(300) + 20 {
        let (mut key, trailer, _) = entries[rng.below(entries.len() as u64) as usize].clone();
        match rng.below(6) {
            0 => key.push(0),
            1 => drop(key.pop().filter(|_| key.len() > 4).map(|_| key.push(b'`'))),
            2 => key.truncate(4.max(key.len() / 2)),
            _ => {}
        }
        let trailer =
            [NEWEST, 0, trailer, trailer + 1, trailer.saturating_sub(1)][rng.below(5) as usize];
        let at = entries.partition_point(|(k, t, _)| {
            k.cmp(&key).then_with(|| trailer.cmp(t)) == std::cmp::Ordering::Less
        });
        let mut place = if rng.chance(1, 2) {
            cursor.seek(&key, trailer).unwrap();
            Some(at)
        } else {
            cursor.seek_before(&key, trailer).unwrap();
            at.checked_sub(1)
        };
        for _ in 0..rng.below(8) {
            let entry = place.and_then(|place| entries.get(place));
            assert_eq!(here(&cursor).as_ref(), entry, "{key:?} {trailer:#x}");
            if entry.is_none() {
                break;
            }
            if rng.chance(1, 2) {
                cursor.next().unwrap();
                place = place.map(|place| place + 1);
            } else {
                cursor.prev().unwrap();
                place = place.and_then(|place| place.checked_sub(1));
            }
        }
    }
}

fn check_gets(table: &Table, model: &Model, rng: &mut Rng) {
    for (key, versions) in &model.0 {
        let ceilings = versions.keys().flat_map(|t| [*t, t + 1, t.saturating_sub(1)]);
        for ceiling in ceilings.take(40).chain([NEWEST, 0]) {
            let wanted = model.get(key, ceiling).map(|(t, value)| (t, value.to_vec()));
            assert_eq!(get(table, key, ceiling), wanted, "{key:?} {ceiling:#x}");
        }
        let mut other = key.clone();
        other.push(rng.below(256) as u8);
        let wanted = model.get(&other, NEWEST).map(|(t, value)| (t, value.to_vec()));
        assert_eq!(get(table, &other, NEWEST), wanted, "{other:?}");
    }
}

#[test]
fn a_table_answers_as_the_model_does() {
    for seed in 0..6 {
        for (number, taste) in tastes().into_iter().enumerate() {
            let mut rng = Rng::new(seed * 100 + number as u64);
            let model = model(&mut rng, taste);
            let entries = model.entries();
            let blocks = [64, 512, 4096, 65_536];
            let codec = match rng.below(3) {
                0 => Codec::None,
                1 if Codec::Zstd.is_built() => Codec::Zstd,
                _ => Codec::Lz4,
            };
            let bits = [0, 10][rng.below(2) as usize];
            let options = options(blocks[rng.below(4) as usize], codec, bits);
            println!("seed {seed}, taste {number}, {options:?}");
            let tombstones = [tombstone(0, b"a", b"b", 5), tombstone(9, b"", b"x", 7)];
            let (bytes, finished) = build(&model, &tombstones, options);
            let mut crc = FileCrc::new();
            crc.update(&bytes);
            assert_eq!((finished.bytes, finished.crc), (bytes.len() as u64, crc.finish()));
            let size = [0, 4096, 1 << 20][rng.below(3) as usize];
            let table = open(MemFile::new(bytes), cache(size)).unwrap();
            table.verify().unwrap();
            assert_eq!(table.crc().unwrap(), finished.crc);
            assert_eq!(table.properties(), &finished.properties);
            assert_eq!(table.parts().unwrap(), finished.parts);
            check_gets(&table, &model, &mut rng);
            for how in USES {
                check_walks(&table, &entries, how);
                check_seeks(&table, &entries, how, &mut rng);
            }
            check_offsets(&table, &entries);
        }
    }
}

/// Places ascend with the keys and lie within the file.
fn check_offsets(table: &Table, entries: &[Entry]) {
    let mut last = 0;
    for (key, _, _) in entries {
        let offset = table.offset_of(key).unwrap();
        assert!(offset >= last && offset < table.opened().footer.bytes);
        last = offset;
    }
}

#[test]
fn many_partitions_are_one_table() {
    let mut rng = Rng::new(11);
    let mut model = Model::default();
    for number in 0..60_000u64 {
        let mut key = vec![0, 0, 0, 1];
        key.extend_from_slice(format!("key{:012}", number * 3).as_bytes());
        model.add(key, number << 8 | 1, number.to_le_bytes().to_vec());
    }
    let (bytes, finished) = build(&model, &[], options(512, Codec::Lz4, 32));
    assert!(finished.properties.partitions > 3, "{:?}", finished.properties);
    let table = open(MemFile::new(bytes), cache(200_000)).unwrap();
    table.verify().unwrap();
    let top = &table.opened().top;
    for partition in (0..top.len()).filter_map(|at| top.get(at)) {
        assert!(partition.filter.len <= 64 << 10 && partition.index.len <= 64 << 10);
    }
    let entries = model.entries();
    for how in [Use::Scan, Use::Bypass] {
        check_walks(&table, &entries, how);
        check_seeks(&table, &entries, how, &mut rng);
    }
    let mut wrong = 0;
    for _ in 0..20_000 {
        let number = rng.below(180_000);
        let mut key = vec![0, 0, 0, 1];
        key.extend_from_slice(format!("key{number:012}").as_bytes());
        let wanted = model.get(&key, NEWEST).map(|(t, value)| (t, value.to_vec()));
        assert_eq!(get(&table, &key, NEWEST), wanted);
        wrong += u32::from(wanted.is_none() && hash64(&key) == 0);
    }
    assert_eq!(wrong, 0);
}
