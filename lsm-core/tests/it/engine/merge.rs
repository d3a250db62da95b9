//! Merge operands: what they come to, wherever they stand, and what happens when nobody can say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lsm_core::env::clock::Clock;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Batch, Builder, Db, Error, ErrorKind, Expiry, Keyspace, KeyspaceOptions, MergeOperator,
    Options, Read, Result, WriteOptions,
};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::{Stage, quiet};

fn of(operator: &str) -> KeyspaceOptions {
    KeyspaceOptions::new().merge_operator(operator)
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().unwrap())
}

/// What a reader sees of a key, in every way to ask.
fn seen(reader: &impl Read, key: &str) -> Option<Vec<u8>> {
    let range = || key..=key;
    let pair = |pair: Option<Result<(lsm_core::Slice, lsm_core::Slice)>>| {
        pair.map(|pair| pair.unwrap().1.to_vec())
    };
    let mut copied = Vec::new();
    let was_copied = reader.get_into(key, &mut copied).unwrap();
    let value = reader.get(key).unwrap().map(|value| value.to_vec());
    let others = [
        reader.get_many([key]).unwrap()[0].as_ref().map(|value| value.to_vec()),
        was_copied.then_some(copied),
        reader.look(key, |value| value.bytes().to_vec()).unwrap(),
        pair(reader.range(range()).next()),
        pair(reader.range(range()).next_back()),
        pair(reader.prefix(key).next()),
    ];
    others.iter().for_each(|other| assert_eq!(*other, value, "{key}"));
    let is_there = [
        reader.contains_key(key).unwrap(),
        reader.count(range()).unwrap() == 1,
        reader.range(range()).keys().next().is_some(),
        reader.expiry(key).unwrap().is_some(),
        reader.cursor(range()).next().unwrap().is_some(),
        reader.range(range()).keys().next_back().is_some(),
    ];
    assert!(is_there.iter().all(|it| *it == value.is_some()), "{key}: {is_there:?}");
    value
}

type Settle = fn(&Keyspace);

/// Where entries may stand.
const PLACES: [Settle; 3] = [|_| {}, |it| it.flush().unwrap(), |it| it.compact(..).unwrap()];

#[test]
pub fn operands_are_folded_wherever_they_stand() {
    for first in PLACES {
        for second in PLACES {
            let stage = Stage::new(quiet());
            let log = stage.db().keyspace_with("log", of("append")).unwrap();
            log.put("based", "0").unwrap();
            log.put("gone", "0").unwrap();
            log.put("swept", "0").unwrap();
            log.put("untouched", "0").unwrap();
            first(&log);
            for key in ["based", "bare", "gone"] {
                log.merge(key, "1").unwrap();
            }
            log.delete("gone").unwrap();
            log.delete_range("swept".."t").unwrap();
            let before = stage.db().snapshot().unwrap();
            second(&log);
            for key in ["based", "bare", "gone", "swept"] {
                log.merge(key, "2").unwrap();
                log.merge(key, "3").unwrap();
            }
            for settle in PLACES {
                settle(&log);
                assert_eq!(seen(&log, "based").unwrap(), b"0123");
                assert_eq!(seen(&log, "bare").unwrap(), b"123");
                assert_eq!(seen(&log, "gone").unwrap(), b"23");
                assert_eq!(seen(&log, "swept").unwrap(), b"23");
                assert_eq!(seen(&log, "untouched").unwrap(), b"0");
                let old = log.at(&before);
                assert_eq!(seen(&old, "based").unwrap(), b"01");
                assert_eq!(seen(&old, "bare").unwrap(), b"1");
                assert_eq!((seen(&old, "gone"), seen(&old, "swept")), (None, None));
                assert_eq!(log.count(..).unwrap(), 5);
                stage.db().verify().unwrap();
            }
        }
    }
}

#[test]
fn a_counter_counts_in_batches_and_conditions() {
    let stage = Stage::new(quiet());
    let counts = stage.db().keyspace_with("counts", of("add_i64")).unwrap();
    let mut batch = Batch::new();
    batch.merge(&counts, "k", 5i64.to_le_bytes()).merge(&counts, "k", (-2i64).to_le_bytes());
    batch.put(&counts, "l", 1i64.to_le_bytes()).merge(&counts, "l", 1i64.to_le_bytes());
    stage.db().write(&batch).unwrap();
    assert_eq!(number(&seen(&counts, "k").unwrap()), 3);
    assert_eq!(number(&seen(&counts, "l").unwrap()), 2);
    assert!(counts.insert_if_absent("k", 9i64.to_le_bytes()).unwrap().is_none());
    let swapped = counts.compare_and_set(
        "k",
        Some(3i64.to_le_bytes().as_slice()),
        Some(7i64.to_le_bytes().as_slice()),
    );
    assert!(swapped.unwrap().is_some());
    assert_eq!(number(&seen(&counts, "k").unwrap()), 7);
    let old =
        counts.fetch_update("k", |value| Some((number(value.unwrap()) * 2).to_le_bytes().to_vec()));
    assert_eq!(number(&old.unwrap().unwrap()), 7);
    counts.merge("k", i64::MAX.to_le_bytes()).unwrap();
    assert_eq!(number(&seen(&counts, "k").unwrap()), i64::MAX);
    // Whoever has read before the merge meets a conflict.
    let mut late = Batch::new();
    let snapshot = stage.db().snapshot().unwrap();
    counts.merge("k", (-1i64).to_le_bytes()).unwrap();
    late.require_unchanged(&counts, "k", &snapshot).delete(&counts, "k");
    assert_eq!(stage.db().write(&late).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn what_is_malformed_is_refused_and_nothing_is_lost() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let counts = db.keyspace_with("counts", of("add_i64")).unwrap();
    counts.put("k", 1i64.to_le_bytes()).unwrap();
    let refused = |answer: Result<()>, words: &[&str]| {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        words.iter().for_each(|word| assert!(error.to_string().contains(word), "{error}"));
    };
    refused(counts.merge("k", "1234567").map(drop), &["add_i64", "operand", "8 bytes", "7"]);
    refused(counts.put("k", "xyz").map(drop), &["add_i64", "value", "8 bytes"]);
    // So long that it would stand apart.
    refused(counts.put("k", [b'x'; 5_000]).map(drop), &["add_i64", "value", "8 bytes"]);
    let brief = WriteOptions::new().ttl(Duration::from_secs(9));
    refused(counts.put_with("k", "xyz", &brief).map(drop), &["value"]);
    refused(counts.insert_if_absent("new", "xyz").map(drop), &["value"]);
    refused(db.merge("k", 1i64.to_le_bytes()).map(drop), &["default", "no merge operator"]);
    let mut batch = Batch::new();
    batch.put(&counts, "k", 5i64.to_le_bytes()).merge(&counts, "k", "");
    refused(db.write(&batch).map(drop), &["add_i64"]);
    assert!(batch.take_error().is_some());
    assert_eq!(number(&seen(&counts, "k").unwrap()), 1);
    assert_eq!(
        counts.merge(vec![0; 65_536], 1i64.to_le_bytes()).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

/// An operator that does what it is told to.
#[derive(Clone, Default)]
struct Told {
    fails: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
}

impl MergeOperator for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn merge(
        &self,
        _: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics.load(Ordering::Relaxed), "as it was told");
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unsupported, "as it was told"));
        }
        out.extend_from_slice(base.unwrap_or(b"-"));
        operands.iter().for_each(|operand| out.extend_from_slice(operand));
        Ok(())
    }
}

fn builder(disk: &SimDisk, options: Options) -> (SimWorld, Builder) {
    let world = SimWorld::from_disk(disk.clone(), 5);
    let builder = Db::builder(PATH).options(options).env(world.env());
    (world, builder)
}

#[test]
pub fn an_operator_that_fails_loses_nothing() {
    let (told, disk) = (Told::default(), new_disk());
    let (_world, builder) = builder(&disk, quiet());
    let db = builder.merge_operator(told.clone()).open().unwrap();
    let own = db.keyspace_with("own", of("told")).unwrap();
    own.put("k", "0").unwrap();
    own.flush().unwrap();
    own.merge("k", "1").unwrap();
    own.merge("k", "2").unwrap();
    own.put("other", "fine").unwrap();
    for (switch, kind, word) in [
        (&told.fails, ErrorKind::Unsupported, "refuses"),
        (&told.panics, ErrorKind::Aborted, "panicked"),
    ] {
        switch.store(true, Ordering::Relaxed);
        for settle in PLACES {
            settle(&own);
            for error in [
                own.get("k").map(drop).unwrap_err(),
                own.get_many(["k"]).map(drop).unwrap_err(),
                own.iter().next().unwrap().map(drop).unwrap_err(),
                own.fetch_update("k", |_| None::<&[u8]>).map(drop).unwrap_err(),
            ] {
                assert_eq!(error.kind(), kind, "{error}");
                assert!(error.to_string().contains("told"), "{error}");
                assert!(error.to_string().contains(word), "{error}");
            }
            assert!(own.contains_key("k").is_err() || own.count(..).unwrap() == 2);
            assert_eq!(own.get("other").unwrap().unwrap(), "fine");
            own.merge("k", "3").unwrap();
        }
        switch.store(false, Ordering::Relaxed);
    }
    let expected = b"012333333";
    assert_eq!(seen(&own, "k").unwrap(), expected);
    own.compact(..).unwrap();
    let asked = told.asked.load(Ordering::Relaxed);
    assert_eq!(seen(&own, "k").unwrap(), expected);
    assert_eq!(told.asked.load(Ordering::Relaxed), asked, "it was folded for good");
    db.verify().unwrap();
}

#[test]
fn a_missing_operator_and_a_wrong_one_are_errors_that_name_them() {
    let disk = new_disk();
    let (_world, first) = builder(&disk, quiet());
    let db = first.merge_operator(Told::default()).open().unwrap();
    let own = db.keyspace_with("own", of("told")).unwrap();
    own.merge("k", "1").unwrap();
    db.put("plain", "value").unwrap();
    for (name, word) in [("max", "max"), ("told2", "told2")] {
        let error = db.keyspace_with("own", of(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("told") && error.to_string().contains(word));
    }
    let error = db.keyspace_with("own", KeyspaceOptions::new()).unwrap_err();
    assert!(error.to_string().contains("no merge operator"), "{error}");
    assert_eq!(
        db.keyspace_with("new", of("nobody")).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert_eq!(db.keyspace_names(), ["own"]);
    db.close().unwrap();
    for is_read_only in [false, true] {
        let (_world, again) = builder(&disk, quiet().read_only(is_read_only));
        let db = again.open().unwrap();
        assert_eq!(db.get("plain").unwrap().unwrap(), "value", "the others are open");
        let error = db.keyspace("own").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("told") && error.to_string().contains("own"), "{error}");
        if !is_read_only {
            // What is written meanwhile leaves the operands alone.
            db.put("plain", "value").unwrap();
            db.flush().unwrap();
            db.compact(..).unwrap();
            db.wait_idle().unwrap();
            db.verify().unwrap();
        }
        db.close().unwrap();
    }
    let (_world, again) = builder(&disk, quiet().read_only(true));
    let db = again.merge_operator(Told::default()).open().unwrap();
    assert_eq!(seen(&db.keyspace("own").unwrap(), "k").unwrap(), b"-1");
}

struct Named(&'static str);

impl MergeOperator for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn merge(&self, _: &[u8], _: Option<&[u8]>, _: &[&[u8]], _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn names_that_cannot_be_taken_are_refused() {
    for names in [vec!["max"], vec![""], vec!["a b"], vec!["two", "two"]] {
        let disk = new_disk();
        let (_world, mut opening) = builder(&disk, quiet());
        for name in names {
            opening = opening.merge_operator(Named(name));
        }
        assert_eq!(opening.open().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let error = of("a;b").check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let parsed: KeyspaceOptions = of("told").to_string().parse().unwrap();
    assert_eq!(parsed.get_merge_operator(), Some("told"));
}

const HOUR: u64 = 3_600_000;

#[test]
fn operands_keep_an_end_or_put_it_off() {
    for settle in PLACES {
        let stage = Stage::new(quiet());
        let now = || stage.world.clock.wall_millis();
        let pass = |hours: u64| stage.world.clock.set_wall_millis(now() + hours * HOUR);
        let log = stage.db().keyspace_with("log", of("append")).unwrap();
        let end = now() + 10 * HOUR;
        let until = |end: u64| WriteOptions::new().expiry(Expiry::At(end));
        for key in ["kept", "moved", "for ever"] {
            log.put_with(key, "0", &until(end)).unwrap();
        }
        settle(&log);
        log.merge("kept", "1").unwrap();
        log.merge_with("moved", "1", &until(end + 10 * HOUR)).unwrap();
        log.merge_with("for ever", "1", &WriteOptions::new().expiry(Expiry::Never)).unwrap();
        log.merge_with("late", "1", &until(now())).unwrap();
        assert_eq!(seen(&log, "late"), None, "it had expired when it was written");
        assert_eq!(log.expiry("kept").unwrap(), Some(Expiry::At(end)));
        assert_eq!(log.expiry("moved").unwrap(), Some(Expiry::At(end + 10 * HOUR)));
        assert_eq!(log.expiry("for ever").unwrap(), Some(Expiry::Never));
        settle(&log);
        pass(11);
        // What the base was is settled, though that is long over and would be given up.
        settle(&log);
        assert_eq!(seen(&log, "kept"), None);
        assert_eq!(seen(&log, "moved").unwrap(), b"01");
        assert_eq!(seen(&log, "for ever").unwrap(), b"01");
        log.merge("kept", "2").unwrap();
        settle(&log);
        assert_eq!(seen(&log, "kept").unwrap(), b"2", "it begins anew");
        pass(10);
        settle(&log);
        assert_eq!(seen(&log, "moved"), None);
        assert_eq!(seen(&log, "kept").unwrap(), b"2");
    }
}

#[test]
fn in_a_keyspace_with_a_ttl_each_operand_puts_the_end_off() {
    for settle in PLACES {
        let mut stage = Stage::new(quiet());
        let pass = |stage: &Stage, hours: u64| {
            stage.world.clock.set_wall_millis(stage.world.clock.wall_millis() + hours * HOUR);
        };
        let options = of("append").ttl(Duration::from_millis(10 * HOUR));
        let log = stage.db().keyspace_with("log", options).unwrap();
        log.merge("k", "1").unwrap();
        settle(&log);
        pass(&stage, 6);
        log.merge("k", "2").unwrap();
        settle(&log);
        pass(&stage, 6);
        assert_eq!(seen(&log, "k").unwrap(), b"12");
        let old = stage.db().snapshot().unwrap();
        pass(&stage, 6);
        assert_eq!(seen(&log, "k"), None);
        log.merge("k", "3").unwrap();
        settle(&log);
        assert_eq!(seen(&log.at(&old), "k").unwrap(), b"12", "a snapshot keeps to its time");
        assert_eq!(seen(&log, "k").unwrap(), b"3");
        drop((old, log));
        stage.reopen();
        let log = stage.db().keyspace("log").unwrap();
        assert_eq!(seen(&log, "k").unwrap(), b"3");
    }
}

/// A million operands of one key, which nobody reads meanwhile, do not make it slow to read.
#[test]
fn a_long_chain_is_folded_as_it_grows() {
    let stage = Stage::new(quiet());
    let counts = stage.db().keyspace_with("counts", of("add_i64")).unwrap();
    let log = stage.db().keyspace_with("log", of("append")).unwrap();
    let mut batch = Batch::new();
    for _ in 0..20_000 {
        counts.merge("k", 1i64.to_le_bytes()).unwrap();
        batch.merge(&log, "k", "x");
        if batch.len() == 7 {
            stage.db().write(&batch).unwrap();
            batch.clear();
        }
    }
    stage.db().write(&batch).unwrap();
    assert_eq!(number(&counts.get("k").unwrap().unwrap()), 20_000);
    assert_eq!(log.get("k").unwrap().unwrap().len(), 20_000);
    let met = |keyspace: &Keyspace| keyspace.explain_range(..).unwrap().entries.older;
    // All but the last few are below a put, where no reader comes.
    assert!(met(&counts) < 200, "{}", met(&counts));
    assert!(met(&log) < 2000, "{}", met(&log));
    counts.compact(..).unwrap();
    assert_eq!(counts.approximate_len().unwrap(), 1);
}

/// Operands that meet in an upper level become one, above a value that is not looked at.
#[test]
fn operands_are_combined_before_they_meet_their_value() {
    let stage = Stage::new(quiet());
    let log = stage.db().keyspace_with("log", of("append")).unwrap();
    log.put("k", "0").unwrap();
    log.compact(..).unwrap();
    for at in 0..6 {
        log.merge("k", at.to_string()).unwrap();
    }
    log.flush().unwrap();
    assert_eq!(log.approximate_len().unwrap(), 2, "six operands are one");
    assert_eq!(seen(&log, "k").unwrap(), b"0012345");
    let explained = log.explain_get("k").unwrap();
    assert_eq!(explained.answer.name(), "found");
    assert!(explained.steps.iter().any(|step| step.answer.name() == "operand"), "{explained}");
}

/// A callback may read the database that asks it.
#[test]
fn an_operator_may_read_the_database() {
    struct Reading(Arc<std::sync::Mutex<Option<Db>>>);
    impl MergeOperator for Reading {
        fn name(&self) -> &str {
            "reading"
        }

        fn merge(&self, _: &[u8], _: Option<&[u8]>, _: &[&[u8]], out: &mut Vec<u8>) -> Result<()> {
            let db = self.0.lock().unwrap().clone();
            out.extend_from_slice(&db.unwrap().get("told")?.unwrap());
            Ok(())
        }
    }
    let (disk, place) = (new_disk(), Arc::new(std::sync::Mutex::new(None)));
    let (_world, opening) = builder(&disk, quiet());
    let db = opening.merge_operator(Reading(place.clone())).open().unwrap();
    *place.lock().unwrap() = Some(db.clone());
    db.put("told", "inside").unwrap();
    let own = db.keyspace_with("own", of("reading")).unwrap();
    own.merge("k", "1").unwrap();
    assert_eq!(seen(&own, "k").unwrap(), b"inside");
    own.compact(..).unwrap();
    assert_eq!(seen(&own, "k").unwrap(), b"inside");
    place.lock().unwrap().take();
}

#[test]
fn operands_survive_a_crash_and_a_salvage() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let log = db.keyspace_with("log", of("append")).unwrap();
    log.put("k", "0").unwrap();
    log.merge("k", "1").unwrap();
    log.flush().unwrap();
    log.merge("k", "2").unwrap();
    log.flush().unwrap();
    log.merge("k", "3").unwrap();
    log.merge("bare", "1").unwrap();
    log.merge("bare", "2").unwrap();
    log.delete("gone").unwrap();
    log.merge("gone", "1").unwrap();
    db.sync().unwrap();
    drop(log);
    let stage = Stage::on(stage.kill(), quiet());
    let check = |db: &Db| {
        let log = db.keyspace("log").unwrap();
        assert_eq!(seen(&log, "k").unwrap(), b"0123");
        assert_eq!(seen(&log, "bare").unwrap(), b"12");
        assert_eq!(seen(&log, "gone").unwrap(), b"1");
    };
    check(stage.db());
    let disk = stage.kill();
    let (world, damaged) = builder(&disk, quiet());
    let report = damaged.salvage("/salvaged").unwrap();
    assert!(report.is_complete, "{report:?}");
    let env = world.env();
    let rebuilt = Db::builder("/salvaged").options(quiet()).env(env).open().unwrap();
    check(&rebuilt);
}
