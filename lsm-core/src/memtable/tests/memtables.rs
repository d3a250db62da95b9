//! What a memtable adds to its index: the filter, the counts, the tombstones, the cursor.

use std::sync::Arc;

use super::helpers::{Dice, Model};
use crate::base::budget::{Budget, MemoryKind};
use crate::base::checksum::hash64;
use crate::base::error::ErrorKind;
use crate::cursor::contract::Cursor;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{NEWEST, ceiling, trailer_of};
use crate::memtable::handle::{Inserter, Memtable, new};
use crate::memtable::options::MemtableOptions;
use crate::options::memory::MemtableKind;

fn both() -> [(Arc<Memtable>, Inserter); 2] {
    [MemtableKind::Tree, MemtableKind::SkipList]
        .map(|kind| new(&MemtableOptions { kind, ..MemtableOptions::default() }).unwrap())
}

fn seqno(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap()
}

fn put(inserter: &mut Inserter, key: &[u8], trailer: u64, value: &[u8]) {
    inserter.put(key, hash64(key), trailer, value).unwrap();
}

#[test]
fn a_new_memtable_is_empty_and_small() {
    for (memtable, inserter) in both() {
        assert!(memtable.is_empty() && !memtable.has_tombstones());
        assert_eq!((memtable.entries(), memtable.deletes()), (0, 0));
        assert_eq!(memtable.seqno_range(), None);
        assert_eq!(memtable.get(b"", hash64(b""), NEWEST), None);
        assert_eq!(memtable.covering(b"key", SeqNo::MAX), SeqNo::ZERO);
        assert!(memtable.tombstones().is_empty());
        assert!(memtable.bytes() <= 4096, "{}", memtable.bytes());
        let mut cursor = memtable.cursor();
        for step in 0..4 {
            match step {
                0 => cursor.seek_first(),
                1 => cursor.seek_last(),
                2 => cursor.seek(b"", NEWEST),
                _ => cursor.seek_before(b"z", 0),
            }
            .unwrap();
            assert!(!cursor.is_valid());
        }
        assert!(Arc::ptr_eq(inserter.memtable(), &memtable));
    }
}

#[test]
fn a_reader_meets_the_newest_entry_that_it_may_see() {
    for (memtable, mut inserter) in both() {
        put(&mut inserter, b"\0\0\0\x01a", trailer_of(seqno(5), Kind::Put), b"five");
        put(&mut inserter, b"\0\0\0\x01a", trailer_of(seqno(9), Kind::Delete), b"");
        put(&mut inserter, b"\0\0\0\x01b", trailer_of(seqno(7), Kind::Put), b"");
        let get = |at: u64| {
            let key = b"\0\0\0\x01a";
            memtable.get(key, hash64(key), ceiling(seqno(at))).map(|it| (it.trailer, it.value))
        };
        assert_eq!(get(4), None);
        assert_eq!(get(5), Some((trailer_of(seqno(5), Kind::Put), &b"five"[..])));
        assert_eq!(get(8), get(5));
        assert_eq!(get(9), Some((trailer_of(seqno(9), Kind::Delete), &b""[..])));
        assert_eq!((memtable.entries(), memtable.deletes()), (3, 1));
        assert_eq!(memtable.seqno_range(), Some((seqno(5), seqno(9))));
    }
}

#[test]
fn range_tombstones_count_and_cover() {
    for (memtable, mut inserter) in both() {
        inserter.delete_range(b"b", b"d", seqno(3)).unwrap();
        inserter.delete_range(b"c", b"e", seqno(8)).unwrap();
        assert!(memtable.has_tombstones() && !memtable.is_empty());
        assert_eq!((memtable.entries(), memtable.range_deletes()), (0, 2));
        assert_eq!(memtable.seqno_range(), Some((seqno(3), seqno(8))));
        let newest = |key: &[u8], at| memtable.covering(key, seqno(at)).get();
        assert_eq!([newest(b"a", 99), newest(b"b", 99), newest(b"c", 99)], [0, 3, 8]);
        assert_eq!([newest(b"c", 7), newest(b"d", 99), newest(b"e", 99)], [3, 8, 0]);
        assert_eq!(memtable.tombstones().covering(b"c", SeqNo::MAX), seqno(8));
        let refused = inserter.delete_range(b"z", b"a", seqno(9)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn what_is_refused_is_not_counted() {
    for (memtable, mut inserter) in both() {
        put(&mut inserter, b"key", 257, b"value");
        let refused = inserter.put(b"key", hash64(b"key"), 257, b"other").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert_eq!(memtable.entries(), 1);
        assert_eq!(memtable.get(b"key", hash64(b"key"), NEWEST).unwrap().value, b"value");
    }
}

#[test]
fn a_cursor_outlives_the_handles_and_agrees_with_the_model() {
    for (memtable, mut inserter) in both() {
        let (mut dice, mut model) = (Dice::new(3), Model::default());
        for number in 0..5000_u64 {
            let key = format!("\0\0\0\x02{:05}", dice.roll(3000)).into_bytes();
            put(&mut inserter, &key, number << 8 | 1, &key);
            model.insert(&key, number << 8 | 1, &key);
        }
        assert_eq!(memtable.entries(), 5000);
        assert!(memtable.bytes() > 5000 * 34);
        let mut cursor = memtable.cursor();
        drop((memtable, inserter));
        cursor.seek_first().unwrap();
        for (key, trailer, value) in model.all() {
            assert!(cursor.is_valid());
            assert_eq!((cursor.key(), cursor.trailer()), (key.as_slice(), trailer));
            assert_eq!(cursor.value(), value);
            assert_eq!(cursor.head(), crate::key::full::head_of(&key));
            cursor.next().unwrap();
        }
        assert!(!cursor.is_valid());
        cursor.seek_last().unwrap();
        for (key, trailer, _) in model.all().into_iter().rev() {
            assert_eq!((cursor.key(), cursor.trailer()), (key.as_slice(), trailer));
            cursor.prev().unwrap();
        }
        assert!(!cursor.is_valid());
    }
}

#[test]
fn a_memtable_counts_for_what_it_takes_until_nobody_has_it() {
    let budget = Budget::new(1 << 30);
    for (memtable, mut inserter) in both() {
        inserter.charge_to(&budget);
        assert!(inserter.take_growth() && !inserter.take_growth());
        for number in 1..20_000u64 {
            let key = number.to_be_bytes();
            put(&mut inserter, &key, trailer_of(seqno(number), Kind::Put), &[7; 100]);
            // The filter may grow between two steps.
            assert!(budget.used_by(MemoryKind::Memtable) + 65_536 >= memtable.bytes() as u64);
        }
        assert!(inserter.take_growth());
        drop(inserter);
        assert!(budget.used() > 0);
        drop(memtable);
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn what_is_put_for_later_counts_at_once_and_is_found_when_all_is_settled() {
    let budget = Budget::new(1 << 30);
    for (memtable, mut inserter) in both() {
        inserter.charge_to(&budget);
        let (mut dice, mut model) = (Dice::new(4), Model::default());
        for number in 1..20_000_u64 {
            let key = format!("\0\0\0\x02{:05}", dice.roll(9000)).into_bytes();
            let kind = if number % 5 == 0 { Kind::Delete } else { Kind::Put };
            let trailer = trailer_of(seqno(number), kind);
            inserter.put_later(&key, hash64(&key), trailer, &key).unwrap();
            model.insert(&key, trailer, &key);
            if number % 7000 == 0 {
                inserter.settle().unwrap();
                assert_eq!(memtable.get(&key, hash64(&key), NEWEST).unwrap().trailer, trailer);
                assert!(budget.used_by(MemoryKind::Memtable) + 65_536 >= memtable.bytes() as u64);
            }
        }
        assert_eq!((memtable.entries(), memtable.deletes()), (19_999, 3_999));
        assert_eq!(memtable.seqno_range(), Some((seqno(1), seqno(19_999))));
        inserter.settle().unwrap();
        assert_eq!(inserter.unsettled_bytes(), 0);
        let mut cursor = memtable.cursor();
        cursor.seek_first().unwrap();
        for (key, trailer, value) in model.all() {
            assert_eq!((cursor.key(), cursor.trailer()), (key.as_slice(), trailer));
            assert_eq!(cursor.value(), value);
            assert!(memtable.may_contain(hash64(&key)));
            cursor.next().unwrap();
        }
        assert!(!cursor.is_valid());
    }
}

#[test]
fn entries_of_a_range_are_counted_in_pieces() {
    let key = |n: u64| format!("{n:05}").into_bytes();
    for (memtable, mut inserter) in both() {
        assert!(memtable.spread(b"", b"z", 1).is_empty());
        // Every third key, in an order that splits nodes everywhere.
        for n in (0..3000).map(|n| n * 1009 % 3000) {
            put(&mut inserter, &key(n * 3), trailer_of(seqno(n + 1), Kind::Put), b"value");
        }
        for (from, to) in [(0, 9000), (0, 0), (1, 3), (2, 4), (100, 101), (500, 7000), (8999, 9999)]
        {
            let entries = (from..to).filter(|n| n % 3 == 0 && *n < 9000).count() as u64;
            for grain in [1, 200, u64::MAX] {
                let pieces = memtable.spread(&key(from), &key(to), grain);
                assert_eq!(pieces.iter().map(|piece| piece.entries).sum::<u64>(), entries);
                assert!(pieces.is_sorted_by(|a, b| a.first < b.first));
                let ends = pieces.iter().skip(1).map(|piece| piece.first.clone());
                for (piece, end) in pieces.iter().zip(ends.chain([key(to)])) {
                    let inside = |n: &u64| piece.first <= key(*n) && key(*n) < end;
                    let held = (0..9000).step_by(3).filter(inside).count() as u64;
                    assert_eq!(held, piece.entries);
                }
            }
        }
    }
}
