//! Handles: what is asked of a closed database, of another database or in a forked child has its
//! own error for every verb; keys and values reach to their limits; ranges that hold nothing are
//! empty.

#![allow(unsafe_code, reason = "a fork is made here")]

use lsm_core::api::batch::Batch;
use lsm_core::api::db::Db;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::api::read::KeyspaceAt;
use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::key::seqno::SeqNo;
use lsm_core::options::keyspace::KeyspaceOptions;
use lsm_core::options::read::ReadOptions;

use crate::harness::engine::rich::{fill, options};
use crate::machine::kit::TempDir;

const KEY_MAX: usize = 65_535;

fn open(dir: &TempDir) -> Db {
    Db::builder(dir.db()).options(options()).open().unwrap()
}

/// Asks every verb of a keyspace and a snapshot of it that can fail; answers what did not.
fn ask_reads(keyspace: &Keyspace, at: &KeyspaceAt, is_as_expected: &dyn Fn(Error, &str)) {
    let mut buffer = Vec::new();
    let options = ReadOptions::new().fill_cache(false);
    let all = [
        ("get", keyspace.get("a").err()),
        ("get_into", keyspace.get_into("a", &mut buffer).err()),
        ("get_many", keyspace.get_many(["a", "b"]).err()),
        ("contains_key", keyspace.contains_key("a").err()),
        ("range", keyspace.range("a".."b").next().and_then(Result::err)),
        ("range back", keyspace.range("a".."b").next_back().and_then(Result::err)),
        ("prefix", keyspace.prefix("a").next().and_then(Result::err)),
        ("iter", keyspace.iter().next().and_then(Result::err)),
        ("keys", keyspace.iter().keys().next().and_then(Result::err)),
        ("first", keyspace.first().err()),
        ("last", keyspace.last().err()),
        ("count", keyspace.count(..).err()),
        ("cursor", keyspace.cursor(..).next().err()),
        ("cursor back", keyspace.cursor(..).prev().err()),
        ("cursor seek", keyspace.cursor(..).seek(b"a").err()),
        ("approximate_bytes", keyspace.approximate_bytes(..).err()),
        ("approximate_bytes of nothing", keyspace.approximate_bytes("b".."a").err()),
        ("approximate_len", keyspace.approximate_len().err()),
        ("usage", keyspace.usage().err()),
        ("approximate_count", keyspace.approximate_count(..).err()),
        ("approximate_size", keyspace.approximate_size("b".."a").err()),
        ("split_points", keyspace.split_points(.., 2).err()),
        ("at get", at.get("a").err()),
        ("at get_into", at.get_into("a", &mut buffer).err()),
        ("at get_many", at.get_many(["a"]).err()),
        ("at contains_key", at.contains_key("a").err()),
        ("at range", at.range("b".."a").next().and_then(Result::err)),
        ("at prefix", at.prefix("a").next().and_then(Result::err)),
        ("at iter", at.iter().next().and_then(Result::err)),
        ("at first", at.first().err()),
        ("at last", at.last().err()),
        ("at count", at.count(..).err()),
        ("at cursor", at.cursor(..).next().err()),
        ("with get", keyspace.with(options).get("a").err()),
        ("with get_many", keyspace.with(options).get_many(["a"]).err()),
        ("with range", keyspace.with(options).range(..).next().and_then(Result::err)),
        ("with cursor", keyspace.with(options).cursor(..).next().err()),
        ("at with get", at.with(options).get("a").err()),
        ("at with count", at.with(options).count(..).err()),
    ];
    for (verb, error) in all {
        is_as_expected(error.unwrap_or_else(|| panic!("{verb} works")), verb);
    }
}

fn ask_writes(keyspace: &Keyspace, is_as_expected: &dyn Fn(Error, &str)) {
    let all = [
        ("put", keyspace.put("a", "b").err()),
        ("delete", keyspace.delete("a").err()),
        ("delete_range", keyspace.delete_range("a".."b").err()),
        ("delete_range of nothing", keyspace.delete_range("b".."a").err()),
        ("flush", keyspace.flush().err()),
        ("compact", keyspace.compact(..).err()),
        ("compact of nothing", keyspace.compact("b".."a").err()),
    ];
    for (verb, error) in all {
        is_as_expected(error.unwrap_or_else(|| panic!("{verb} works")), verb);
    }
}

fn ask_database(db: &Db, batch: &Batch, is_as_expected: &dyn Fn(Error, &str)) {
    let all = [
        ("keyspace", db.keyspace("plain").err()),
        ("keyspace_with", db.keyspace_with("plain", KeyspaceOptions::new()).err()),
        ("drop_keyspace", db.drop_keyspace("plain").err()),
        ("write", db.write(batch).err()),
        ("write of nothing", db.write(&db.batch()).err()),
        ("snapshot", db.snapshot().err()),
        ("sync", db.sync().err()),
        ("wait_durable", db.wait_durable(SeqNo::ZERO).err()),
        ("resume", db.resume().err()),
        ("pause_background", db.pause_background().err()),
        ("resume_background", db.resume_background().err()),
        ("wait_idle", db.wait_idle().err()),
        ("verify", db.verify().err()),
        ("close", db.clone().close().err()),
    ];
    for (verb, error) in all {
        is_as_expected(error.unwrap_or_else(|| panic!("{verb} works")), verb);
    }
}

#[test]
fn every_verb_of_every_handle_answers_closed_after_close() {
    let dir = TempDir::new();
    let db = open(&dir);
    fill(&db).unwrap();
    let (other, keyspace, snapshot) =
        (db.clone(), db.keyspace("plain").unwrap(), db.snapshot().unwrap());
    let at = keyspace.at(&snapshot);
    let mut batch = db.batch();
    batch.put(&keyspace, "a", "b");
    let expected: Vec<_> = keyspace.iter().map(Result::unwrap).collect();
    let (mut begun, unbegun) = (keyspace.iter(), keyspace.iter());
    let mut cursor = keyspace.cursor(..);
    assert_eq!(begun.next().unwrap().unwrap(), expected[0]);
    assert!(cursor.next().unwrap().is_some());
    db.close().unwrap();

    let closed = |error: Error, verb: &str| {
        assert_eq!(error.kind(), ErrorKind::Closed, "{verb}: {error:?}");
    };
    ask_reads(&keyspace, &at, &closed);
    ask_writes(&keyspace, &closed);
    ask_database(&other, &batch, &closed);
    assert_eq!(snapshot.seqno(), snapshot.clone().seqno());
    batch.delete(&keyspace, "c").delete_range(&keyspace, ..);
    assert_eq!(batch.len(), 3);

    closed(cursor.refresh().unwrap_err(), "refresh");
    // Iterators that were there before go on, also beside the next opening.
    let next = open(&dir);
    assert_eq!(begun.map(Result::unwrap).collect::<Vec<_>>(), expected[1..]);
    assert_eq!(unbegun.map(Result::unwrap).collect::<Vec<_>>(), expected);
    let mut met = 1;
    while cursor.next().unwrap().is_some() {
        met += 1;
    }
    assert_eq!(met, expected.len());
    // A batch that was begun for the one is not for the other.
    assert_eq!(next.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn handles_may_go_in_any_order() {
    for order in 0..24usize {
        let dir = TempDir::new();
        let db = open(&dir);
        db.put("a", "b").unwrap();
        let keyspace = db.keyspace("one").unwrap();
        keyspace.put("c", "d").unwrap();
        db.flush().unwrap();
        let snapshot = db.snapshot().unwrap();
        let mut range = keyspace.iter();
        range.next().unwrap().unwrap();
        let value = db.get("a").unwrap().unwrap();
        let at = keyspace.at(&snapshot);
        let mut all: Vec<Box<dyn std::any::Any>> = vec![
            Box::new(db),
            Box::new((keyspace, at)),
            Box::new((snapshot, value)),
            Box::new(range),
        ];
        let mut code = order;
        while !all.is_empty() {
            let at = code % all.len();
            code /= all.len();
            drop(all.swap_remove(at));
        }
        let db = open(&dir);
        assert_eq!(db.get("a").unwrap().as_deref(), Some(b"b".as_slice()));
        assert!(db.open_report().was_clean);
    }
}

#[test]
fn a_forked_child_gets_forked_for_every_verb() {
    let dir = TempDir::new();
    let db = open(&dir);
    fill(&db).unwrap();
    db.wait_idle().unwrap();
    let (keyspace, snapshot) = (db.keyspace("plain").unwrap(), db.snapshot().unwrap());
    let at = keyspace.at(&snapshot);
    let mut batch = db.batch();
    batch.put(&keyspace, "a", "b");
    let count = keyspace.count(..).unwrap();
    let mut cursor = keyspace.cursor(..);
    // SAFETY: the child asks and exits, and takes no lock that another thread of this process may
    // have held: the database is idle.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let wrong = std::cell::Cell::new(0);
        let forked = |error: Error, _: &str| {
            if error.kind() != ErrorKind::Forked {
                wrong.set(wrong.get() + 1);
            }
        };
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ask_reads(&keyspace, &at, &forked);
            ask_writes(&keyspace, &forked);
            ask_database(&db, &batch, &forked);
            forked(cursor.refresh().unwrap_err(), "refresh");
            drop((at, snapshot, keyspace, batch, db));
        }));
        let code = if asked.is_err() { 99 } else { wrong.get() };
        // SAFETY: nothing of the parent's is run or flushed.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is this function's own.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status), "the child died: {status}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "so many verbs answered something else");
    assert_eq!(keyspace.count(..).unwrap(), count, "the parent goes on");
    db.put("after", "the fork").unwrap();
    drop((at, snapshot, keyspace));
    db.close().unwrap();
}

#[test]
fn a_batch_or_a_snapshot_of_another_database_is_refused() {
    let (one, two) = (TempDir::new(), TempDir::new());
    let (one, two) = (open(&one), open(&two));
    let mut batch = one.batch();
    batch.put(&one, "a", "b").put(&two, "a", "b");
    for db in [&one, &two] {
        assert_eq!(db.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(db.get("a").unwrap(), None, "nothing of it was written");
    }
    batch.clear();
    batch.put(&one, "a", "b");
    assert_eq!(two.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
    one.write(&batch).unwrap();
    let snapshot = one.snapshot().unwrap();
    assert_eq!(two.at(&snapshot).get("a").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(two.at(&snapshot).count(..).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_second_writer_is_told_who_has_the_database() {
    let dir = TempDir::new();
    let db = open(&dir);
    let error = Db::builder(dir.db()).options(options()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    db.put("a", "b").unwrap();
}

#[test]
fn keys_and_values_reach_from_nothing_to_their_limits() {
    let dir = TempDir::new();
    let db = open(&dir);
    let longest = vec![0xffu8; KEY_MAX];
    let too_long = vec![0xffu8; KEY_MAX + 1];
    for key in [b"".as_slice(), b"\0", &longest] {
        for value in [b"".as_slice(), b"\0", &vec![7; 300_000]] {
            db.put(key, value).unwrap();
            assert_eq!(db.get(key).unwrap().as_deref(), Some(value));
        }
    }
    db.flush().unwrap();
    assert_eq!(db.count(..).unwrap(), 3);
    assert_eq!(db.last().unwrap().unwrap().0, longest.as_slice());
    assert_eq!(db.first().unwrap().unwrap().0, b"".as_slice());
    let mut batch = db.batch();
    batch.put(&db, "good", "one").put(&db, &too_long, "");
    let all = [
        db.put(&too_long, "").err(),
        db.delete(&too_long).err(),
        db.delete_range(&too_long[..]..).err(),
        db.write(&batch).err(),
    ];
    for error in all {
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::TooLarge));
    }
    assert_eq!(db.get("good").unwrap(), None);
    // There is no such key: reading says so.
    assert_eq!(db.get(&too_long).unwrap(), None);
    assert_eq!(db.count(&too_long[..]..).unwrap(), 0);
    assert_eq!(db.prefix(&too_long).count(), 0);
    db.delete(b"").unwrap();
    db.delete(&longest).unwrap();
    assert_eq!(db.count(..).unwrap(), 1);
    db.compact(..).unwrap();
    db.verify().unwrap();
    db.close().unwrap();
    assert_eq!(open(&dir).count(..).unwrap(), 1);
}

#[test]
#[ignore = "needs several GiB of memory"]
fn prove_the_largest_value_fits_and_one_byte_more_does_not() {
    let dir = TempDir::new();
    let db = Db::builder(dir.db()).open().unwrap();
    let mut value = vec![7u8; 1 << 30];
    db.put("large", &value).unwrap();
    assert!(db.get("large").unwrap().as_deref() == Some(&value));
    db.flush().unwrap();
    assert!(db.get("large").unwrap().as_deref() == Some(&value));
    value.push(7);
    assert_eq!(db.put("larger", &value).unwrap_err().kind(), ErrorKind::TooLarge);
    db.close().unwrap();
}

#[test]
fn ranges_that_run_backwards_are_empty() {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let dir = TempDir::new();
    let db = open(&dir);
    for key in ["a", "b", "c"] {
        db.put(key, key).unwrap();
    }
    db.flush().unwrap();
    db.put("d", "d").unwrap();
    let empty = [
        (Included("c"), Excluded("a")),
        (Included("c"), Included("a")),
        (Excluded("c"), Included("a")),
        (Excluded("b"), Excluded("b")),
        (Included("b"), Excluded("b")),
        (Excluded("b"), Included("b")),
        (Unbounded, Excluded("")),
        (Excluded("d"), Unbounded),
    ];
    for range in empty {
        assert_eq!(db.range(range).count(), 0, "{range:?}");
        assert_eq!(db.range(range).rev().count(), 0, "{range:?}");
        assert_eq!(db.count(range).unwrap(), 0);
        assert!(db.cursor(range).next().unwrap().is_none());
        assert!(db.cursor(range).prev().unwrap().is_none());
        assert!(db.approximate_bytes(range).unwrap() < 1 << 20);
        db.delete_range(range).unwrap();
        db.compact(range).unwrap();
        assert_eq!(db.count(..).unwrap(), 4, "{range:?}");
    }
    let mut batch = db.batch();
    batch.delete_range(&db, "c".."a");
    assert!(batch.is_empty());
    db.write(&batch).unwrap();
    assert_eq!(db.prefix([0xff; 4]).count(), 0);
    assert_eq!(db.prefix("").count(), 4);
    db.delete_range(..).unwrap();
    assert_eq!(db.count(..).unwrap(), 0);
}
