//! Compaction filters: what they are shown, what becomes of their answers, and who sees that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lsm_core::env::clock::Clock;
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::{
    Batch, CallOptions, CompactionFilter, Comparator, Compression, Db, ErrorKind, Event, Expiry,
    FilterContext, FilterDecision, Keyspace, KeyspaceAt, KeyspaceOptions, Range, Result, Snapshot,
    Strategy, WriteOptions,
};

use crate::harness::disk::new_disk;
use crate::harness::engine::stage::{options, quiet};
use crate::harness::engine::subject::kill;
use crate::harness::engine::sweeper::{Sweeper, swept};
use crate::harness::engine::swept::{Ground, KEYS, PAIRS, builder, map, pairs, seen};

#[test]
fn values_go_and_change_when_they_are_compacted_and_not_before() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    it.db.put("a", "x of another keyspace").unwrap();
    it.db.flush().unwrap();
    assert!(it.sweeper.take_shown().is_empty(), "a flush shows nothing");
    assert_eq!(seen(&it.things, &KEYS), map(&PAIRS));
    it.things.compact(..).unwrap();
    it.db.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), KEYS, "each once");
    assert_eq!(seen(&it.things, &KEYS), map(&[("b", "new"), ("d", "stays")]));
    assert_eq!(it.db.get("a").unwrap().unwrap(), "x of another keyspace");
    assert_eq!(it.counter("compaction_filter_removed"), 2);
    assert_eq!(it.counter("compaction_filter_replaced"), 1);
    assert_eq!(it.things.approximate_len().unwrap(), 2, "nothing is left of them");
    let contexts = std::mem::take(&mut *it.sweeper.contexts.lock().unwrap());
    for (keyspace, level, is_last_level, expiry) in contexts {
        assert_eq!((keyspace.as_str(), is_last_level, expiry), ("things", true, Expiry::Never));
        assert!(level > 0);
    }
    // What is at the bottom already is shown again.
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["b", "d"]);
    it.things.compact("c"..).unwrap();
    assert!(it.sweeper.take_shown().contains(&"d".to_owned()));
    it.db.verify().unwrap();
    assert!(it.db.doctor().unwrap().finding("filter_missing").is_none());
}

#[test]
fn what_a_snapshot_sees_stays_until_it_goes() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    let before = it.db.snapshot().unwrap();
    it.fill(&[("e", "x3"), ("b", "old, but later")]);
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["b", "e"]);
    let keys = ["a", "b", "c", "d", "e"];
    assert_eq!(seen(&it.things.at(&before), &keys), map(&PAIRS));
    let now = map(&[("a", "x1"), ("b", "new"), ("c", "x2"), ("d", "stays")]);
    assert_eq!(seen(&it.things, &keys), now);
    drop(before);
    it.things.compact(..).unwrap();
    assert_eq!(seen(&it.things, &keys), map(&[("b", "new"), ("d", "stays")]));
    it.db.verify().unwrap();
}

/// The merge looked at the snapshots before any of these was taken.
#[test]
fn nor_does_a_snapshot_change_that_is_taken_while_the_filter_is_at_work() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    it.things.flush().unwrap();
    let taken: Arc<Mutex<Vec<Snapshot>>> = Arc::default();
    let ranges: Arc<Mutex<Vec<Range>>> = Arc::default();
    let (db, things) = (it.db.clone(), it.things.clone());
    let (snapshots, open) = (taken.clone(), ranges.clone());
    *it.sweeper.meanwhile.lock().unwrap() = Some(Box::new(move |_| {
        snapshots.lock().unwrap().push(db.snapshot().unwrap());
        open.lock().unwrap().push(things.iter());
    }));
    it.things.compact(..).unwrap();
    it.sweeper.meanwhile.lock().unwrap().take();
    let after = it.db.snapshot().unwrap();
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(taken.len(), 4);
    let check = || {
        let left = map(&[("b", "new"), ("d", "stays")]);
        taken.iter().for_each(|it_| assert_eq!(seen(&it.things.at(it_), &KEYS), map(&PAIRS)));
        assert_eq!(seen(&it.things.at(&after), &KEYS), left);
        left
    };
    assert_eq!(seen(&it.things, &KEYS), check());
    it.fill(&[("d", "other")]);
    it.things.compact(..).unwrap();
    it.db.wait_idle().unwrap();
    check();
    for range in std::mem::take(&mut *ranges.lock().unwrap()) {
        assert_eq!(pairs(range).into_iter().collect::<BTreeMap<_, _>>(), map(&PAIRS));
    }
    drop(taken);
    it.db.wait_idle().unwrap();
    it.db.verify().unwrap();
}

/// Scans remember where nothing lives. What they remember after a filter is not for those who have
/// begun before it.
#[test]
fn what_is_gone_by_a_filter_is_not_leapt_over_by_those_who_see_it() {
    let it = Ground::quiet();
    // For its sake what is removed stays as a delete, which a scan has to pass.
    let nothing = it.db.snapshot().unwrap();
    let keys: Vec<String> = (0..400).map(|at| format!("{at:04}")).collect();
    for (at, key) in keys.iter().enumerate() {
        it.things.put(key, if at == 399 { "stays" } else { "x" }).unwrap();
    }
    it.things.flush().unwrap();
    let taken: Arc<Mutex<Vec<(Snapshot, Range)>>> = Arc::default();
    let (db, things, place) = (it.db.clone(), it.things.clone(), taken.clone());
    *it.sweeper.meanwhile.lock().unwrap() = Some(Box::new(move |key| {
        if key == "0007" {
            let taken = (db.snapshot().unwrap(), things.iter());
            place.lock().unwrap().push(taken);
        }
    }));
    it.things.compact(..).unwrap();
    it.sweeper.meanwhile.lock().unwrap().take();
    for _ in 0..4 {
        assert_eq!(it.things.count(..).unwrap(), 1);
        assert_eq!(it.things.iter().rev().count(), 1);
    }
    let before = it.counter("scanned_entries");
    assert_eq!(it.things.count(..).unwrap(), 1);
    let passed = it.counter("scanned_entries") - before;
    assert!(passed < 100, "{passed} entries are passed, and not leapt over");
    for (snapshot, range) in std::mem::take(&mut *taken.lock().unwrap()) {
        assert_eq!(it.things.at(&snapshot).count(..).unwrap(), 400);
        assert_eq!(pairs(range).len(), 400);
    }
    drop(nothing);
}

/// Levels of which only the upper ones are merged.
#[test]
fn nothing_older_comes_to_light() {
    let tiered = swept().strategy(Strategy::Tiered { runs_max: 4 });
    let tiered = tiered.compression(Compression::None).blob_threshold(0);
    let it = Ground::new(tiered, quiet());
    it.fill(&[("a", "first"), ("b", "first"), ("c", "first")]);
    // So large that what comes later is merged among itself.
    it.things.put("large", vec![b'-'; 100_000]).unwrap();
    it.things.compact(..).unwrap();
    it.sweeper.contexts.lock().unwrap().clear();
    for round in 0..9 {
        it.fill(&[("a", "x"), ("b", "old"), ("d", &round.to_string())]);
        it.things.flush().unwrap();
        it.db.wait_idle().unwrap();
    }
    let contexts = std::mem::take(&mut *it.sweeper.contexts.lock().unwrap());
    assert!(contexts.len() >= 3, "{contexts:?}");
    assert!(contexts.iter().all(|(_, _, is_last_level, _)| !is_last_level), "{contexts:?}");
    let value =
        |key: &str| it.things.get(key).unwrap().map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(value("a").is_none_or(|value| value == "x"), "{:?}", value("a"));
    assert!(["new", "old"].contains(&value("b").unwrap().as_str()), "{:?}", value("b"));
    it.things.compact(..).unwrap();
    let left = [None, Some("new"), Some("first"), Some("8")];
    assert_eq!(KEYS.map(value), left.map(|it| it.map(str::to_owned)));
    it.db.verify().unwrap();
}

#[test]
fn whatever_leaves_level_0_has_been_shown() {
    let it = Ground::new(swept(), options().memtable_bytes(64 << 10).background_threads(2));
    let value = "v".repeat(1000);
    for at in 0..600 {
        // In order: without a filter such tables are only moved.
        it.things.put(format!("{at:05}"), &value).unwrap();
    }
    it.things.flush().unwrap();
    it.db.wait_idle().unwrap();
    let stats = it.db.stats();
    let levels = stats.keyspaces.iter().find(|it| it.name == "things").unwrap();
    let below: u64 = levels.levels.iter().filter(|it| it.level > 0).map(|it| it.entries).sum();
    let shown = it.sweeper.take_shown();
    let distinct: std::collections::BTreeSet<_> = shown.iter().collect();
    assert!(below > 100, "{below}");
    assert!(distinct.len() as u64 >= below, "{} of {below}", distinct.len());
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown().len(), 600);
}

#[test]
fn without_its_filter_a_keyspace_is_opened_and_all_is_kept() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    let disk = it.disk.clone();
    let error = it.db.keyspace_with("new", KeyspaceOptions::new().compaction_filter("nobody"));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("nobody"), "{error}");
    let error = it.db.keyspace_with("things", KeyspaceOptions::new()).unwrap_err();
    assert!(error.to_string().contains("compaction_filter=sweeper"), "{error}");
    it.db.clone().close().unwrap();
    drop(it);
    {
        let (_world, builder) = builder(&disk, quiet());
        let db = builder.open().unwrap();
        let things = db.keyspace_with("things", swept()).unwrap();
        assert_eq!(things.options().get_compaction_filter(), Some("sweeper"));
        things.compact(..).unwrap();
        assert_eq!(seen(&things, &KEYS), map(&PAIRS));
        let diagnosis = db.doctor().unwrap();
        let finding = diagnosis.finding("filter_missing").unwrap();
        assert_eq!(finding.keyspace.as_deref(), Some("things"));
        assert!(finding.seen.contains("sweeper"), "{finding}");
        db.close().unwrap();
    }
    let it = Ground::on(disk, swept(), quiet());
    it.things.compact(..).unwrap();
    assert_eq!(seen(&it.things, &KEYS), map(&[("b", "new"), ("d", "stays")]));
}

#[test]
fn a_filter_that_fails_or_panics_keeps_the_value_and_is_told() {
    let sweeper = Sweeper::default();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let (_world, builder) = builder(&new_disk(), quiet());
    let events = told.clone();
    let builder = builder.listener(move |event: &Event| {
        if let Event::FilterFailed { keyspace, filter, failures, why, .. } = event {
            events.lock().unwrap().push(format!("{keyspace} {filter} {failures} {why}: {event}"));
        }
    });
    let db = builder.compaction_filter(sweeper.clone()).open().unwrap();
    let things = db.keyspace_with("things", swept()).unwrap();
    for (key, value) in [("a", "fail"), ("b", "panic"), ("c", "x"), ("d", "fail")] {
        things.put(key, value).unwrap();
    }
    things.compact(..).unwrap();
    assert_eq!(seen(&things, &KEYS), map(&[("a", "fail"), ("b", "panic"), ("d", "fail")]));
    assert_eq!(db.stats().counter("compaction_filter_failures"), Some(3));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("things sweeper 3 ") && told[0].contains("as it was told"));
    assert!(db.doctor().unwrap().finding("filter_failed").is_some());
    db.verify().unwrap();
}

const HOUR: u64 = 3_600_000;

#[test]
fn values_that_expire_keep_their_end_and_are_not_shown_after_it() {
    let it = Ground::quiet();
    let now = it.world.clock.wall_millis();
    let until = |hours: u64| WriteOptions::new().expiry(Expiry::At(now + hours * HOUR));
    it.things.put_with("a", "old", &until(2)).unwrap();
    it.things.put_with("b", "x", &until(2)).unwrap();
    it.things.put_with("c", "over", &until(1)).unwrap();
    it.things.flush().unwrap();
    it.world.clock.set_wall_millis(now + HOUR);
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["a", "b"]);
    let contexts = it.sweeper.contexts.lock().unwrap().clone();
    assert!(contexts.iter().all(|it| it.3 == Expiry::At(now + 2 * HOUR)), "{contexts:?}");
    assert_eq!(seen(&it.things, &KEYS), map(&[("a", "new")]));
    assert_eq!(it.things.expiry("a").unwrap(), Some(Expiry::At(now + 2 * HOUR)));
    it.world.clock.set_wall_millis(now + 2 * HOUR);
    assert_eq!(it.things.get("a").unwrap(), None);
}

/// Names of the files of large values.
fn files_of_large_values(it: &Ground) -> Vec<String> {
    let names = it.disk.paths().into_iter().map(|path| path.display().to_string());
    names.filter(|name| name.ends_with(".blob")).collect()
}

#[test]
fn large_values_are_shown_as_they_are_wherever_they_stand() {
    let it = Ground::new(swept().blob_threshold(64), quiet());
    let large = |start: &str| format!("{start}{}", "-".repeat(200));
    let (x, old, stays) = (large("x"), large("old"), large("stays"));
    it.fill(&[("a", &x), ("b", &old), ("c", &stays), ("d", "x")]);
    let now = it.world.clock.wall_millis();
    let soon = WriteOptions::new().expiry(Expiry::At(now + HOUR));
    it.things.put_with("e", &old, &soon).unwrap();
    assert_eq!(it.db.stats().blobs.values_written, 4);
    let before = it.db.snapshot().unwrap();
    it.things.compact(..).unwrap();
    assert!(it.sweeper.take_shown().is_empty());
    drop(before);
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["a", "b", "c", "d", "e"]);
    let swept = map(&[("b", "new"), ("c", &stays), ("e", "new")]);
    assert_eq!(seen(&it.things, &["a", "b", "c", "d", "e"]), swept);
    assert_eq!(it.things.expiry("e").unwrap(), Some(Expiry::At(now + HOUR)));
    assert_eq!(it.counter("compaction_filter_removed"), 2);
    assert_eq!(it.counter("compaction_filter_replaced"), 2);
    it.db.verify().unwrap();
    // What it takes away is garbage of those files, which are given up.
    it.things.compact(..).unwrap();
    it.db.wait_idle().unwrap();
    let shown: BTreeSet<String> = it.sweeper.take_shown().into_iter().collect();
    assert!(shown.iter().eq(["b", "c", "e"]), "{shown:?}");
    assert_eq!(seen(&it.things, &["a", "b", "c", "d", "e"]), swept);
    it.things.delete("c").unwrap();
    it.things.compact(..).unwrap();
    it.db.wait_idle().unwrap();
    assert_eq!(files_of_large_values(&it), Vec::<String>::new());
}

#[test]
fn a_large_value_that_cannot_be_read_stays_where_it_is() {
    let it = Ground::new(swept().blob_threshold(64).compression(Compression::None), quiet());
    let large = |start: &str| format!("{start}{}", "-".repeat(5_000));
    it.fill(&[("a", &large("x")), ("b", &large("x")), ("c", &large("stays"))]);
    it.things.flush().unwrap();
    let name = files_of_large_values(&it).remove(0);
    it.disk.rot(&name, 128 + 2_000, 1).unwrap();
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["b", "c"]);
    assert_eq!(it.things.get("a").unwrap_err().kind(), ErrorKind::Corruption);
    assert_eq!(it.things.get("b").unwrap(), None);
    assert_eq!(it.things.get("c").unwrap().unwrap(), large("stays"));
}

#[test]
fn of_merge_operands_the_values_are_shown_that_they_come_to() {
    let it = Ground::new(swept().merge_operator("append"), quiet());
    it.things.put("a", "x").unwrap();
    it.things.merge("a", "1").unwrap();
    it.things.merge("b", "o").unwrap();
    it.things.flush().unwrap();
    it.things.merge("b", "ld").unwrap();
    it.things.merge("c", "stays").unwrap();
    it.things.delete("d").unwrap();
    it.things.merge("d", "xx").unwrap();
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), KEYS);
    assert_eq!(seen(&it.things, &KEYS), map(&[("b", "new"), ("c", "stays")]));
    // An operand that comes later finds what the filter has left.
    it.things.merge("a", "1").unwrap();
    it.things.merge("b", "1").unwrap();
    assert_eq!(seen(&it.things, &KEYS), map(&[("a", "1"), ("b", "new1"), ("c", "stays")]));
    it.things.compact(..).unwrap();
    assert_eq!(seen(&it.things, &KEYS), map(&[("a", "1"), ("b", "new1"), ("c", "stays")]));
    // A value that the operator could not do anything with is not taken.
    let it = Ground::new(swept().merge_operator("add_i64"), quiet());
    it.things.put("a", b"old old ").unwrap();
    it.things.compact(..).unwrap();
    assert_eq!(it.things.get("a").unwrap().unwrap(), "old old ");
    assert_eq!(it.counter("compaction_filter_failures"), 1);
}

#[test]
fn keys_are_shown_as_they_are_known() {
    let it = Ground::new(swept().comparator(Comparator::Reverse), quiet());
    it.fill(&PAIRS);
    it.things.compact(..).unwrap();
    assert_eq!(*it.sweeper.shown.lock().unwrap(), ["d", "c", "b", "a"]);
    assert_eq!(pairs(it.things.iter())[0].0, "d");
    let (sweeper, disk) = (Sweeper::default(), new_disk());
    let (_world, builder) = builder(&disk, quiet());
    let any_case = |key: &[u8], out: &mut Vec<u8>| {
        out.extend(key.to_ascii_lowercase());
        Ok(())
    };
    let builder = builder.comparator("any-case", any_case);
    let db = builder.compaction_filter(sweeper.clone()).open().unwrap();
    let options = swept().comparator(Comparator::user("any-case"));
    let names = db.keyspace_with("names", options).unwrap();
    for (key, value) in [("bert", "x"), ("Anna", "old"), ("Carl", "stays")] {
        names.put(key, value).unwrap();
    }
    names.compact(..).unwrap();
    assert_eq!(*sweeper.shown.lock().unwrap(), ["Anna", "bert", "Carl"]);
    let left = [("Anna", "new"), ("Carl", "stays")];
    assert_eq!(pairs(names.iter()), left.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn what_is_deleted_is_not_shown() {
    let it = Ground::quiet();
    it.fill(&[("a", "x"), ("b", "old"), ("c", "x"), ("d", "stays")]);
    it.things.flush().unwrap();
    it.things.delete_range("a".."c").unwrap();
    it.things.delete("c").unwrap();
    it.things.compact(..).unwrap();
    assert_eq!(it.sweeper.take_shown(), ["d"]);
    assert_eq!(seen(&it.things, &KEYS), map(&[("d", "stays")]));
    assert_eq!(it.counter("compaction_filter_removed"), 0);
}

#[test]
fn in_a_keyspace_that_writes_once_a_removal_counts_as_a_delete() {
    let options = swept().write_once(true).strategy(Strategy::Tiered { runs_max: 4 });
    let it = Ground::new(options, quiet());
    it.fill(&[("a", "first")]);
    it.things.compact(..).unwrap();
    it.things.single_delete("a").unwrap();
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        it.fill(&[(key, "x")]);
        it.things.flush().unwrap();
    }
    it.db.wait_idle().unwrap();
    assert!(it.counter("compaction_filter_removed") > 0);
    assert_eq!(it.things.get("a").unwrap(), None);
    it.fill(&[("a", "again")]);
    it.things.single_delete("a").unwrap();
    it.things.single_delete("b").unwrap();
    for settle in [|it: &Keyspace| it.flush().unwrap(), |it: &Keyspace| it.compact(..).unwrap()] {
        settle(&it.things);
        assert_eq!(it.things.get("a").unwrap(), None);
    }
    assert_eq!(seen(&it.things, &KEYS), map(&[]));
    it.db.verify().unwrap();
}

#[test]
fn conditions_see_what_the_filter_has_left_and_it_is_no_write() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    let before = it.db.snapshot().unwrap();
    let seqno = before.seqno();
    let mut late = Batch::new();
    late.require_unchanged(&it.things, "b", &before).put(&it.things, "b", "put");
    // The batch keeps the snapshot, so nothing changes.
    drop(before);
    it.things.compact(..).unwrap();
    assert!(it.sweeper.take_shown().is_empty());
    late.clear();
    it.things.compact(..).unwrap();
    assert_eq!(it.db.latest_seqno(), seqno);
    assert!(it.things.compare_and_set("b", Some(b"old"), Some(b"1")).unwrap().is_none());
    assert!(it.things.compare_and_set("b", Some(b"new"), Some(b"1")).unwrap().is_some());
    assert!(it.things.insert_if_absent("a", "back").unwrap().is_some());
    assert_eq!(it.things.fetch_update("c", |it| it.map(<[u8]>::to_vec)).unwrap(), None);
}

/// The condition is looked at, then a merge that the filter is asked for is installed, then the
/// batch is written.
#[test]
fn a_condition_does_not_hold_by_what_a_filter_takes_away_meanwhile() {
    let it = Ground::quiet();
    let calls = AtomicU64::new(0);
    it.fill(&[("a", "old")]);
    let before = it.things.fetch_update("a", |value| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            it.things.compact(..).unwrap();
        }
        value.map(|value| [value, b"+"].concat())
    });
    assert_eq!(before.unwrap().unwrap(), "new");
    assert_eq!(
        (calls.load(Ordering::Relaxed), it.things.get("a").unwrap().unwrap()),
        (2, "new+".into())
    );
}

#[test]
fn a_crash_leaves_what_was_there_or_what_the_filter_has_left() {
    let (was, is) = (map(&PAIRS), map(&[("b", "new"), ("d", "stays")]));
    let it = Ground::quiet();
    it.fill(&PAIRS);
    it.db.sync().unwrap();
    it.disk.record_history(true);
    it.things.compact(..).unwrap();
    let mut moments = it.disk.history();
    it.disk.record_history(false);
    let last = it.disk.moment();
    moments.push(last.clone());
    let Ground { world, db, things, .. } = it;
    drop(things);
    kill(&world, Some(db));
    let mut met = [0, 0];
    for moment in &moments {
        for disk in [
            SimDisk::killed(moment),
            SimDisk::crashed(moment, CrashPolicy::SyncedOnly, 3),
            SimDisk::crashed(moment, CrashPolicy::Everything, 3),
        ] {
            let it = Ground::on(disk, swept(), quiet());
            let found = seen(&it.things, &KEYS);
            let may_be_old = moment.op_number < last.op_number;
            assert!(found == is || (found == was && may_be_old), "{found:?}");
            met[usize::from(found == is)] += 1;
            it.things.compact(..).unwrap();
            assert_eq!(seen(&it.things, &KEYS), is);
            it.db.verify().unwrap();
        }
    }
    assert!(met[0] > 0 && met[1] > 0, "{met:?}");
}

struct Named(&'static str);

impl CompactionFilter for Named {
    fn name(&self) -> &str {
        self.0
    }

    fn filter(&self, _: &[u8], _: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        Ok(FilterDecision::Keep)
    }
}

#[test]
fn names_that_cannot_be_taken_are_refused() {
    for names in [vec![""], vec!["a b"], vec!["two", "two"]] {
        let (_world, mut opening) = builder(&new_disk(), quiet());
        for name in names {
            opening = opening.compaction_filter(Named(name));
        }
        assert_eq!(opening.open().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let refused = [
        KeyspaceOptions::new().compaction_filter("a;b"),
        swept().strategy(Strategy::Fifo { bytes_max: 9, age_max_millis: 0 }),
    ];
    for options in refused {
        assert_eq!(options.check().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let parsed: KeyspaceOptions = swept().to_string().parse().unwrap();
    assert_eq!(parsed, swept());
}

/// A salvage brings what is there.
#[test]
fn a_salvage_filters_nothing() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    it.things.flush().unwrap();
    let Ground { disk, world, db, things, .. } = it;
    drop(things);
    kill(&world, Some(db));
    let (world, damaged) = builder(&disk, quiet());
    let sweeper = Sweeper::default();
    let report = damaged.compaction_filter(sweeper.clone()).salvage("/salvaged").unwrap();
    assert!(report.is_complete, "{report:?}");
    assert!(sweeper.take_shown().is_empty());
    let builder = Db::builder("/salvaged").options(quiet()).env(world.env());
    let db = builder.compaction_filter(sweeper).open().unwrap();
    let things: Keyspace = db.keyspace("things").unwrap();
    assert_eq!(things.options(), swept());
    let now: KeyspaceAt = things.at(&db.snapshot().unwrap());
    assert_eq!(seen(&now, &KEYS), map(&PAIRS));
    drop(now);
    things.compact_with(.., CallOptions::new().timeout(Duration::from_secs(60))).unwrap();
    assert_eq!(seen(&things, &KEYS), map(&[("b", "new"), ("d", "stays")]));
}

#[test]
fn a_reader_in_another_process_keeps_its_snapshot_and_needs_no_filter() {
    let it = Ground::quiet();
    it.fill(&PAIRS);
    it.db.flush().unwrap();
    let (_world, builder) = builder(&it.disk, quiet().read_only(true));
    let reader = builder.open().unwrap();
    let things = reader.keyspace("things").unwrap();
    let (before, range) = (reader.snapshot().unwrap(), things.iter());
    it.things.compact(..).unwrap();
    assert_eq!(seen(&things, &KEYS), map(&PAIRS), "nothing was refreshed yet");
    assert!(reader.refresh().unwrap());
    assert_eq!(seen(&things, &KEYS), map(&[("b", "new"), ("d", "stays")]));
    assert_eq!(seen(&things.at(&before), &KEYS), map(&PAIRS));
    assert_eq!(pairs(range).into_iter().collect::<BTreeMap<_, _>>(), map(&PAIRS));
    assert!(reader.doctor().unwrap().finding("filter_missing").is_none());
}
