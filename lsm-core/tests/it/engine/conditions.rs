//! Batches that are written only if something is so, wherever that stands.

use lsm_core::{Batch, Db, ErrorKind, Keyspace, Read, Result, SeqNo};

use crate::harness::engine::stage::{Stage, quiet};

fn write(db: &Db, build: impl FnOnce(&mut Batch)) -> Result<SeqNo> {
    let mut batch = Batch::new();
    build(&mut batch);
    db.write(&batch)
}

/// The conflict, in words; nothing was written.
fn conflict(db: &Db, build: impl FnOnce(&mut Batch)) -> String {
    let before = db.snapshot().unwrap().seqno();
    let error = write(db, build).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable() && !error.maybe_committed());
    assert_eq!(db.snapshot().unwrap().seqno(), before);
    assert!(db.fault().is_none());
    error.to_string()
}

/// Where entries may stand when a condition is looked at.
const PLACES: [fn(&Db); 3] = [|_| {}, |db| db.flush().unwrap(), |db| db.compact(..).unwrap()];

#[test]
fn absent_and_equal_hold_wherever_the_entry_stands() {
    for settle in PLACES {
        let stage = Stage::new(quiet());
        let db = stage.db();
        db.put("there", "value").unwrap();
        db.put("gone", "value").unwrap();
        db.put("covered", "value").unwrap();
        settle(db);
        db.delete("gone").unwrap();
        db.delete_range("c".."d").unwrap();
        settle(db);
        for absent in ["gone", "covered", "never"] {
            write(db, |batch| drop(batch.require_absent(db, absent))).unwrap();
            let why = conflict(db, |batch| drop(batch.require_value(db, absent, "value")));
            assert_eq!(why, "condition 0 of the batch does not hold: the key has no value");
        }
        write(db, |batch| {
            batch.require_value(db, "there", "value").require_absent(db, "never");
            batch.put(db, "there", "second").put(db, "never", "now");
        })
        .unwrap();
        settle(db);
        assert_eq!(db.get("never").unwrap().unwrap(), "now");
        let why = conflict(db, |batch| {
            batch.put(db, "other", "").require_value(db, "there", "second");
            batch.require_absent(db, "never");
        });
        assert_eq!(why, "condition 1 of the batch does not hold: the key has a value");
        let why = conflict(db, |batch| drop(batch.require_value(db, "there", "value")));
        assert_eq!(why, "condition 0 of the batch does not hold: the key has another value");
        assert_eq!(db.get("other").unwrap(), None);
    }
}

#[test]
pub fn unchanged_means_no_write_since_the_snapshot_wherever_it_stands() {
    type Change = fn(&Keyspace) -> Result<SeqNo>;
    let changes: [Change; 4] = [
        |all| all.put("key", "value"),
        |all| all.put("key", "other"),
        |all| all.delete("key"),
        |all| all.delete_range("k".."l"),
    ];
    for (settle, change) in PLACES.iter().flat_map(|it| changes.map(|change| (it, change))) {
        let stage = Stage::new(quiet());
        let db = stage.db();
        db.put("key", "value").unwrap();
        settle(db);
        let snapshot = db.snapshot().unwrap();
        let mut kept = Batch::new();
        kept.require_unchanged(db, "key", &snapshot).require_unchanged(db, "never", &snapshot);
        kept.put(db, "result", "1");
        // The batch keeps it.
        drop(snapshot);
        db.put("kez", "a neighbour").unwrap();
        settle(db);
        db.write(&kept).unwrap();
        change(db).unwrap();
        settle(db);
        let error = db.write(&kept).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("since the snapshot"), "{error}");
        let now = db.snapshot().unwrap();
        write(db, |batch| drop(batch.require_unchanged(db, "key", &now))).unwrap();
    }
}

#[test]
fn conditions_are_of_one_database_and_of_keyspaces_that_are_there() {
    let (stage, other) = (Stage::new(quiet()), Stage::new(quiet()));
    let (db, other) = (stage.db(), other.db());
    let refused = |batch: &Batch| db.write(batch).unwrap_err().kind();
    let mut batch = Batch::new();
    assert_eq!(
        refused(batch.put(db, "a", "").require_absent(other, "a")),
        ErrorKind::InvalidArgument
    );
    batch.clear();
    let foreign = other.snapshot().unwrap();
    assert_eq!(refused(batch.require_unchanged(db, "a", &foreign)), ErrorKind::InvalidArgument);
    batch.clear();
    let long = vec![0; 65_536];
    assert_eq!(refused(batch.require_absent(db, &long)), ErrorKind::TooLarge);
    assert_eq!(batch.take_error().unwrap().kind(), ErrorKind::TooLarge);
    assert_eq!((batch.conditions(), batch.len()), (0, 0));

    let dropped = db.keyspace("dropped").unwrap();
    batch.require_absent(&dropped, "a").put(db, "a", "");
    assert_eq!((batch.conditions(), batch.len(), batch.is_empty()), (1, 1, false));
    db.drop_keyspace("dropped").unwrap();
    let told = db.put("x", "").and_then(|_| dropped.get("a")).unwrap_err().kind();
    assert_eq!(refused(&batch), told);
    let mut only = Batch::new();
    assert_eq!(refused(only.require_absent(&dropped, "a")), told);
    assert_eq!(db.get("a").unwrap(), None);
    batch.clear();
    assert_eq!(batch.conditions(), 0);
}

#[test]
fn what_is_read_and_written_in_one_step() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let value = |key: &str| db.get(key).unwrap().map(|value| value.to_vec());
    let first = db.insert_if_absent("a", "1").unwrap().unwrap();
    assert_eq!(db.insert_if_absent("a", "2").unwrap(), None);
    assert_eq!(value("a").unwrap(), b"1");
    let swapped = db.compare_and_set("a", Some(b"1"), Some(b"3")).unwrap().unwrap();
    assert!(swapped > first);
    assert_eq!(db.compare_and_set("a", Some(b"1"), None).unwrap(), None);
    assert_eq!(db.compare_and_set("a", None, Some(b"4")).unwrap(), None);
    assert!(db.compare_and_set("a", Some(b"3"), None).unwrap().is_some());
    assert_eq!(value("a"), None);
    assert!(db.compare_and_set("a", None, None).unwrap().is_some(), "it is as it is to be");

    let raise = |old: Option<&[u8]>| Some([old.unwrap_or_default(), b"+"].concat());
    assert_eq!(db.fetch_update("b", raise).unwrap(), None);
    assert_eq!(db.fetch_update("b", raise).unwrap().unwrap(), "+");
    assert_eq!(db.fetch_update("b", |_| None::<&str>).unwrap().unwrap(), "++");
    assert_eq!(value("b"), None);
    // Somebody else writes while the new value is made.
    let mut calls = 0;
    let before = db.fetch_update("c", |old| {
        calls += 1;
        if calls < 3 {
            db.put("c", [calls]).unwrap();
        }
        Some(old.unwrap_or_default().to_vec())
    });
    assert_eq!((before.unwrap().unwrap().as_ref(), calls), ([2].as_slice(), 3));
}
