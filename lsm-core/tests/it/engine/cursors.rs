//! Cursors keep their place: through errors, and when they are moved on to what is newest.

use std::ops::Bound;
use std::sync::Arc;

use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;
use lsm_core::{Cursor, Db, ErrorKind, KeyspaceOptions, ReadOptions, Slice};

use crate::harness::engine::acts::key_of;
use crate::harness::engine::reference::Pairs;
use crate::harness::engine::stage::{Stage, quiet};
use crate::harness::engine::walker::{Failed, Newest, Walker};
use crate::machine::kit::{Dice, TempDir};

fn key_at(met: Option<(&[u8], &[u8])>) -> Option<String> {
    met.map(|(key, _)| String::from_utf8(key.to_vec()).unwrap())
}

fn next(cursor: &mut Cursor) -> Option<String> {
    key_at(cursor.next().unwrap())
}

fn prev(cursor: &mut Cursor) -> Option<String> {
    key_at(cursor.prev().unwrap())
}

fn put(db: &Db, keys: &str) {
    keys.split_whitespace().for_each(|key| drop(db.put(key, format!("of {key}")).unwrap()));
}

fn some(key: &str) -> Option<String> {
    Some(key.to_owned())
}

#[test]
fn a_refreshed_cursor_meets_what_was_put_behind_the_end() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let mut cursor = db.iter().cursor();
    assert_eq!(next(&mut cursor), None);
    put(db, "b d");
    assert_eq!(next(&mut cursor), None, "it sees what there was");
    cursor.refresh().unwrap();
    assert_eq!([next(&mut cursor), next(&mut cursor)], [some("b"), some("d")]);
    for round in 0..20 {
        assert_eq!(next(&mut cursor), None);
        put(db, &format!("a{round} e{round:02} c{round}"));
        if round % 3 == 0 {
            db.flush().unwrap();
        }
        cursor.refresh().unwrap();
        assert_eq!(next(&mut cursor), some(&format!("e{round:02}")), "what is in front is passed");
    }
    db.compact(..).unwrap();
    cursor.refresh().unwrap();
    assert_eq!(next(&mut cursor), None);
    assert_eq!(prev(&mut cursor), some("e19"));
}

#[test]
fn a_refreshed_cursor_stays_in_its_gap_when_what_was_beside_it_goes() {
    for (is_flushed, is_range) in [(false, false), (true, false), (false, true), (true, true)] {
        let stage = Stage::new(quiet());
        let db = stage.db();
        put(db, "a c e g i");
        let mut cursor = db.iter().cursor();
        cursor.seek(b"c").unwrap();
        assert_eq!([next(&mut cursor), next(&mut cursor)], [some("c"), some("e")]);
        match is_range {
            true => drop(db.delete_range("d".."h").unwrap()),
            false => ["e", "g"].iter().for_each(|key| drop(db.delete(key).unwrap())),
        }
        put(db, "d f");
        if is_flushed {
            db.flush().unwrap();
        }
        cursor.refresh().unwrap();
        assert_eq!(cursor.pinned_value(), None, "no entry was passed in this state");
        assert_eq!(next(&mut cursor), some("f"), "behind e, which is gone");
        assert_eq!([prev(&mut cursor), prev(&mut cursor)], [some("f"), some("d")]);
        cursor.seek(b"h").unwrap();
        put(db, "h");
        cursor.refresh().unwrap();
        assert_eq!(next(&mut cursor), some("h"), "where the seek led, not what stood there");
    }
}

#[test]
fn a_cursor_of_a_snapshot_is_not_moved_on() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    put(db, "a b");
    let mut cursor = db.at(&db.snapshot().unwrap()).cursor(..);
    assert_eq!(next(&mut cursor), some("a"));
    put(db, "aa c");
    db.delete("b").unwrap();
    cursor.refresh().unwrap();
    assert_eq!(cursor.pinned_value().unwrap(), "of a", "nothing has moved");
    assert_eq!([next(&mut cursor), next(&mut cursor)], [some("b"), None]);
}

#[test]
fn a_cursor_that_cannot_be_refreshed_goes_on_with_what_it_has() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let keyspace = db.keyspace("k").unwrap();
    put(db, "a b c");
    keyspace.put("x", "1").unwrap();
    let mut cursors = [db.iter().cursor(), keyspace.iter().cursor()];
    assert_eq!(cursors.each_mut().map(next), [some("a"), some("x")]);
    assert!(db.drop_keyspace("k").unwrap());
    assert_eq!(cursors[1].refresh().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(prev(&mut cursors[1]), some("x"));
    db.clone().close().unwrap();
    assert_eq!(cursors[0].refresh().unwrap_err().kind(), ErrorKind::Closed);
    drop((keyspace, stage));
    assert_eq!(cursors[0].refresh().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(cursors[0].pinned_value().unwrap(), "of a");
    assert_eq!([next(&mut cursors[0]), next(&mut cursors[0])], [some("b"), some("c")]);
}

#[test]
fn a_cursor_over_keys_lends_no_values() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    for (key, len) in [("a", 3), ("b", 100), ("c", 40_000)] {
        db.put(key, "v".repeat(len)).unwrap();
    }
    for is_flushed in [false, true] {
        let mut cursor = db.range("a"..).keys().cursor();
        for key in ["a", "b", "c"] {
            let met = cursor.next().unwrap().unwrap();
            assert_eq!(met, (key.as_bytes(), &[][..]));
            assert_eq!(cursor.pinned_value().unwrap(), "");
        }
        assert_eq!(cursor.next().unwrap(), None);
        for key in ["c", "b", "a"] {
            assert_eq!(cursor.prev().unwrap().unwrap(), (key.as_bytes(), &[][..]));
        }
        assert!(!is_flushed || db.stats().tables > 0);
        db.flush().unwrap();
    }
}

#[test]
fn a_pinned_value_keeps_its_block_and_outlives_the_database() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let value = |at: u32| at.to_le_bytes().repeat(300);
    for at in 0..50u32 {
        db.put(format!("{at:02}"), value(at)).unwrap();
    }
    let pin_all = |is_forward: bool| -> Vec<Slice> {
        let mut cursor = db.iter().cursor();
        if !is_forward {
            cursor.seek_last().unwrap();
        }
        let pin = |_| {
            let met = if is_forward { cursor.next() } else { cursor.prev() };
            met.unwrap().unwrap();
            cursor.pinned_value().unwrap()
        };
        (0..50).map(pin).collect()
    };
    let copies = pin_all(true);
    assert!(copies.iter().all(|value| !value.is_pinning()), "a memtable is not kept for a value");
    db.flush().unwrap();
    let (pinned, backward) = (pin_all(true), pin_all(false));
    assert!(pinned.iter().all(Slice::is_pinning));
    stage.kill();
    for (at, value_of) in (0..50u32).map(|at| (at as usize, value(at))) {
        assert_eq!(pinned[at], value_of);
        assert_eq!(copies[at], value_of);
        assert_eq!(backward[49 - at], value_of);
    }
}

#[test]
fn values_are_pinned_within_the_memory_limit_and_copied_beyond() {
    let stage = Stage::new(quiet());
    let beside = KeyspaceOptions::new().blob_threshold(0);
    let db = stage.db().keyspace_with("beside", beside).unwrap();
    let value = |at: u32| at.to_le_bytes().repeat(4000);
    for at in 0..1500u32 {
        db.put(format!("{at:04}"), value(at)).unwrap();
    }
    db.flush().unwrap();
    let mut cursor = db.iter().cursor();
    let mut pinned = Vec::new();
    while cursor.next().unwrap().is_some() {
        pinned.extend(cursor.pinned_value());
    }
    assert_eq!(pinned.len(), 1500);
    assert!((0..).zip(&pinned).all(|(at, found)| found[..] == value(at)));
    let count = pinned.iter().filter(|value| value.is_pinning()).count();
    assert!(count > 0 && count < 1200, "{count} of 1500 keep their block");
    let memory = stage.db().stats().memory;
    assert!(memory.used <= memory.limit, "{memory:?}");
}

/// Walks at random while one read fails; the move that failed is made again.
fn walk_with_a_fault(stage: &Stage, pairs: &Pairs, (nth, seed): (u64, u64)) -> bool {
    let again = Stage::on(stage.disk.clone(), quiet());
    let bounds = (Bound::Included(b"b".to_vec()), Bound::Unbounded);
    let mut walker = Walker::new(again.db().range("b"..).cursor(), bounds, false, pairs);
    let eio = Effect::Error(5);
    again.disk.inject(Fault::new(&[OpKind::Read], ".sst$", eio).at(nth));
    let mut dice = Dice(seed);
    let mut has_failed = false;
    for _ in 0..60 {
        match walker.step(&mut dice, &Newest::Pairs(pairs)) {
            Ok(()) => {}
            Err(Failed::Answer(error)) => {
                assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
                has_failed = true;
                if seed % 2 == 0 {
                    walker.refresh(&Newest::Pairs(pairs)).unwrap();
                }
                // Both ways, from where it stood.
                walker.pass(seed % 3 > 0).unwrap();
                walker.pass(seed % 3 == 0).unwrap();
            }
            Err(Failed::Wrong(why)) => panic!("read {nth} fails, seed {seed}: {why}"),
        }
    }
    again.disk.heal();
    again.kill();
    has_failed
}

#[test]
fn a_cursor_keeps_its_place_when_a_read_fails() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let mut pairs = Pairs::new();
    for round in 0..3u64 {
        for at in 0..400 {
            let (key, value) = (key_of(at * 7 + round), vec![round as u8; 200]);
            db.put(&key, &value).unwrap();
            pairs.insert(key, Arc::from(value));
        }
        for at in 0..100 {
            db.delete(key_of(at * 11)).unwrap();
            pairs.remove(&key_of(at * 11));
        }
        db.flush().unwrap();
    }
    stage.db().clone().close().unwrap();
    let mut failed = 0;
    for seed in 0..18 {
        let nths = (1..).take_while(|nth| walk_with_a_fault(&stage, &pairs, (*nth, seed)));
        failed += nths.count();
    }
    assert!(failed > 100, "only {failed} reads have failed");
}

/// Follows a writer, whose memtables are flushed all the time.
fn follow(db: &Db, options: ReadOptions, count: u32) -> u32 {
    let mut cursor = db.with(options).cursor(..);
    let (mut met, mut refreshed) = (0, 0);
    while met < count {
        while let Some((key, value)) = cursor.next().unwrap() {
            assert_eq!((key, value), (&met.to_be_bytes()[..], &[met as u8; 100][..]));
            met += 1;
        }
        cursor.refresh().unwrap();
        refreshed += 1;
    }
    assert!(cursor.next().unwrap().is_none());
    refreshed
}

#[test]
fn a_cursor_that_is_refreshed_at_the_end_follows_a_writer_and_misses_nothing() {
    let dir = TempDir::new();
    let small = quiet().memtable_bytes(16 << 10).background_threads(2);
    let db = Db::builder(dir.db()).options(small).open().unwrap();
    let count = 6000u32;
    let refreshed: Vec<u32> = std::thread::scope(|scope| {
        let db = &db;
        let usual = ReadOptions::new();
        let followers = [usual, usual.fill_cache(false), usual.verify(true)];
        let followers = followers.map(|options| scope.spawn(move || follow(db, options, count)));
        for at in 0..count {
            db.put(at.to_be_bytes(), [at as u8; 100]).unwrap();
            db.put(0u32.to_be_bytes(), [0; 100]).unwrap();
        }
        followers.into_iter().map(|follower| follower.join().unwrap()).collect()
    });
    assert!(refreshed.iter().all(|times| *times > 2), "{refreshed:?}");
    db.delete_range(..).unwrap();
    let mut cursor = db.cursor(..);
    cursor.seek_last().unwrap();
    assert!(cursor.prev().unwrap().is_none());
    db.put("a", "1").unwrap();
    assert!(cursor.prev().unwrap().is_none());
    cursor.refresh().unwrap();
    assert!(cursor.prev().unwrap().is_some(), "behind everything is behind what is new, too");
}
