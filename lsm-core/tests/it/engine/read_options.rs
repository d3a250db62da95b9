//! Options of reads: what stays in the cache, what leaves the disk alone, what believes nothing.

use lsm_core::env::sim::op::OpKind;
use lsm_core::env::sim::rng::Rng;
use lsm_core::{Batch, Db, ErrorKind, Read, ReadOptions, Result, Slice};

use crate::harness::engine::stage::{Stage, quiet};

const KEYS: u32 = 300;

fn key(at: u32) -> String {
    format!("{at:04}")
}

/// What cannot be packed.
fn value(at: u32) -> Vec<u8> {
    let mut value = vec![0; if at % 50 == 7 { 12_000 } else { 160 }];
    Rng::new(at.into()).garbage(&mut value);
    value
}

/// Two tables with range deletes, more in memory, and an opening since: nothing is in the cache.
fn cold() -> Stage {
    let stage = Stage::beside(quiet());
    let db = stage.db();
    let mut batch = Batch::new();
    for at in 0..KEYS {
        batch.put(db, key(at), value(at + 1));
    }
    db.write(&batch).unwrap();
    db.delete_range("9".."99").unwrap();
    db.flush().unwrap();
    for at in (0..KEYS).step_by(3) {
        db.put(key(at), value(at)).unwrap();
    }
    db.delete_range("91".."92").unwrap();
    db.flush().unwrap();
    for at in (0..KEYS).filter(|at| at % 3 > 0) {
        db.put(key(at), value(at)).unwrap();
    }
    db.flush().unwrap();
    db.put("m", "in memory").unwrap();
    db.clone().close().unwrap();
    let again = Stage::on(stage.disk.clone(), quiet());
    again.db().put("n", "in memory").unwrap();
    again
}

/// Every way to read. Answers what the first that fails answers.
fn read_all(from: &impl Read) -> Result<()> {
    for at in [0, 1, 7, 150, KEYS - 1] {
        assert_eq!(from.get(key(at))?.unwrap(), value(at));
        let mut buffer = Vec::new();
        assert!(from.get_into(key(at), &mut buffer)? && buffer == value(at));
        assert!(from.contains_key(key(at))?);
    }
    assert_eq!(from.get("0001x")?, None);
    let found = from.get_many((0..KEYS).map(key))?;
    assert!((0..).zip(found).all(|(at, found)| found.unwrap() == value(at)));
    let check = |pairs: Result<Vec<(Slice, Slice)>>| -> Result<()> {
        let pairs = pairs?;
        assert_eq!(pairs.len(), KEYS as usize);
        let is_it = |(at, pair): (u32, &(Slice, Slice))| pair.0 == key(at) && pair.1 == value(at);
        assert!((0..).zip(&pairs).all(is_it));
        Ok(())
    };
    check(from.range(.."m").collect())?;
    check(from.range(.."m").rev().collect::<Result<Vec<_>>>().map(|mut all| {
        all.reverse();
        all
    }))?;
    assert_eq!(from.count(.."m")?, u64::from(KEYS));
    assert_eq!(from.prefix("00").keys().count(), 100);
    let mut cursor = from.cursor(.."m");
    cursor.seek(b"0123")?;
    assert_eq!(cursor.next()?.unwrap().1, value(123));
    assert_eq!(from.first()?.unwrap().1, value(0));
    Ok(())
}

fn frames(db: &Db) -> u64 {
    db.stats().cache.frames
}

#[test]
fn what_is_read_past_the_cache_does_not_stay_there() {
    let stage = cold();
    let db = stage.db();
    let past = ReadOptions::new().fill_cache(false);
    for reader in [db.with(past), db.at(&db.snapshot().unwrap()).with(past)] {
        read_all(&reader).unwrap();
        assert_eq!(frames(db), 0);
    }
    // What is there is used.
    read_all(db).unwrap();
    let warm = frames(db);
    assert!(warm > 20, "{warm} blocks");
    let asked = stage.trace(|db| read_all(&db.with(past)).unwrap());
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(frames(db), warm);
}

#[test]
fn what_may_not_ask_the_disk_says_so_and_asks_nothing() {
    let stage = cold();
    let reader = stage.db().with(ReadOptions::new().cached_only(true));
    let busy = |answer: Result<()>| answer.unwrap_err().kind() == ErrorKind::Busy;
    let asked = stage.trace(|_| {
        assert_eq!(reader.get("m").unwrap().unwrap(), "in memory");
        assert!(busy(reader.get(key(1)).map(drop)));
        assert!(busy(reader.get_many([key(1)]).map(drop)));
        assert!(busy(reader.count(..).map(drop)));
        assert!(busy(reader.first().map(drop)));
        assert!(busy(reader.last().map(drop)));
        assert!(busy(reader.cursor(..).seek(b"0001").map(drop)));
    });
    assert!(asked.is_empty(), "{asked:?}");
    let cache = stage.db().stats().cache;
    assert_eq!((cache.frames, cache.misses), (0, 0), "nothing was loaded, nothing missed");
    read_all(stage.db()).unwrap();
    let asked = stage.trace(|_| read_all(&reader).unwrap());
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn a_cursor_that_may_not_ask_the_disk_waits_in_its_place() {
    let stage = cold();
    let db = stage.db();
    let mut cursor = db.with(ReadOptions::new().cached_only(true)).cursor(..);
    let mut waited = 0;
    for at in 0..KEYS {
        if let Err(error) = cursor.next().map(drop) {
            assert_eq!(error.kind(), ErrorKind::Busy);
            waited += 1;
            // Somebody else brings what is needed.
            assert_eq!(db.iter().nth(at as usize).unwrap().unwrap().0, key(at));
            cursor.next().unwrap().unwrap();
        }
        assert_eq!(cursor.pinned_value().unwrap(), value(at));
    }
    assert!(waited > 3, "it was busy {waited} times");
}

#[test]
fn what_is_verified_is_read_anew_and_damage_behind_the_cache_is_found() {
    let stage = cold();
    let db = stage.db();
    let anew = db.with(ReadOptions::new().verify(true));
    read_all(db).unwrap();
    let warm = db.stats().cache;
    let reads = |stage: &Stage, act: &dyn Fn()| {
        let asked = stage.trace(|_| act());
        asked.iter().filter(|op| op.kind == OpKind::Read).count()
    };
    assert!(reads(&stage, &|| read_all(&anew).unwrap()) > 20);
    let at = db.at(&db.snapshot().unwrap()).with(ReadOptions::new().verify(true));
    assert!(reads(&stage, &|| read_all(&at).unwrap()) > 20);
    let cache = db.stats().cache;
    assert_eq!((cache.frames, cache.evictions), (warm.frames, warm.evictions));
    let mut found = 0;
    for path in stage.tables() {
        for offset in (0..stage.disk.contents(&path).unwrap().len() as u64).step_by(2503) {
            stage.disk.rot(&path, offset, 4).unwrap();
            read_all(db).unwrap();
            if let Err(error) = read_all(&anew) {
                assert_eq!(error.kind(), ErrorKind::Corruption, "{path} at {offset}: {error:?}");
                found += 1;
            }
            stage.disk.rot(&path, offset, 4).unwrap();
        }
    }
    assert!(found > 20, "only {found} places are looked at");
    read_all(&anew).unwrap();
}

/// Scans remember where nothing is alive, which is believing something.
#[test]
fn what_is_verified_looks_where_others_leap() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    (0..KEYS).for_each(|at| drop(db.put(key(at), value(at)).unwrap()));
    db.flush().unwrap();
    (0..KEYS).for_each(|at| drop(db.delete(key(at)).unwrap()));
    db.put("m", "the only one").unwrap();
    let looked_at = |from: &dyn Fn() -> u64| {
        let count = || db.stats().counter("scanned_entries").unwrap();
        let before = count();
        assert_eq!(from(), 1);
        count() - before
    };
    let usual = || db.count(..).unwrap();
    let anew = || db.with(ReadOptions::new().verify(true)).count(..).unwrap();
    (0..3).for_each(|_| assert_eq!(usual(), 1));
    assert!(looked_at(&usual) < 20, "nobody leaps");
    assert!(looked_at(&anew) >= u64::from(KEYS));
    assert!(looked_at(&usual) < 20);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let stage = cold();
    let options = ReadOptions::new().cached_only(true).verify(true);
    let reader = stage.db().with(options);
    let refused = |answer: Result<()>| answer.unwrap_err().kind() == ErrorKind::InvalidArgument;
    assert!(refused(options.check()));
    assert!(refused(reader.get("m").map(drop)));
    assert!(refused(reader.get_many(["m"]).map(drop)));
    assert!(refused(reader.contains_key("m").map(drop)));
    assert!(refused(reader.range(..).next().unwrap().map(drop)));
    assert!(refused(reader.cursor(..).next().map(drop)));
    assert!(refused(reader.count(..).map(drop)));
    assert_eq!(ReadOptions::new(), ReadOptions::default());
    assert!(ReadOptions::new().check().is_ok() && ReadOptions::new().fills_cache());
}
