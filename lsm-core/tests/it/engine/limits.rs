//! What a program may bound: the log, when tables are merged and how fast, files that stay open.

use std::time::Duration;

use lsm_core::env::sim::rng::Rng;
use lsm_core::{CallOptions, Db, ErrorKind, Options, PaceCause};

use crate::harness::engine::stage::{Stage, options, quiet};
use crate::machine::kit::TempDir;

/// Writes much, and answers the longest log that there was and how much a crash left to replay.
fn log_of(options: Options) -> (u64, u64) {
    let stage = Stage::new(options.clone());
    let mut longest = 0;
    for at in 0..3000u32 {
        stage.db().put(at.to_be_bytes(), [7; 200]).unwrap();
        if at % 20 == 0 {
            stage.world.scheduler.run_until_idle();
        }
        longest = longest.max(stage.db().stats().log_bytes.unwrap());
    }
    let again = Stage::on(stage.kill(), options);
    assert_eq!(again.db().count(..).unwrap(), 3000);
    (longest, again.db().open_report().batches)
}

#[test]
fn the_log_is_no_longer_than_it_may_be() {
    let (longest, replayed) = log_of(quiet());
    assert!(longest > 700_000 && replayed == 3000, "{longest} bytes, {replayed} batches");
    for shift in [14, 15, 17] {
        let (longest, replayed) = log_of(quiet().log_bytes_max(1 << shift));
        // Each segment has a header and a seam of its own.
        assert!(longest < (1 << shift) + 4096, "{longest} bytes of 1 << {shift}");
        assert!(replayed < (1 << shift) / 200, "{replayed} batches of 1 << {shift} bytes");
    }
}

#[test]
fn a_log_that_is_too_long_when_it_is_opened_is_cut_with_the_next_write() {
    let stage = Stage::new(quiet());
    for at in 0..3000u32 {
        stage.db().put(at.to_be_bytes(), [7; 200]).unwrap();
    }
    let again = Stage::on(stage.kill(), quiet().log_bytes_max(64 << 10));
    assert!(again.db().stats().log_bytes.unwrap() > 600_000);
    again.db().put("one", "more").unwrap();
    again.world.scheduler.run_until_idle();
    let left = again.db().stats().log_bytes.unwrap();
    assert!(left < 4096, "{left} bytes are left");
    assert_eq!(again.db().count(..).unwrap(), 3001);
}

fn merges(db: &Db) -> u64 {
    db.stats().counter("compactions").unwrap()
}

/// Writes so much that it would be merged, a flush at a time.
fn write_runs(db: &Db, runs: u32) {
    for run in 0..runs {
        for at in 0..50u32 {
            db.put((at * 7).to_be_bytes(), run.to_be_bytes().repeat(20)).unwrap();
        }
        db.flush().unwrap();
    }
}

#[test]
fn nothing_is_merged_in_a_pause_and_writers_do_not_wait_for_it() {
    let stage = Stage::new(options().memtable_bytes(64 << 10));
    let db = stage.db();
    db.pause_background().unwrap();
    db.pause_background().unwrap();
    write_runs(db, 60);
    db.wait_idle().unwrap();
    stage.idle();
    assert_eq!((merges(db), db.stats().keyspace("default").unwrap().runs), (0, 60));
    assert_eq!(db.stats().pacing.cause, None, "60 runs would hold writers back");
    db.resume_background().unwrap();
    stage.idle();
    assert_eq!(merges(db), 0, "the other pause goes on");
    db.resume_background().unwrap();
    assert_eq!(db.stats().pacing.cause, Some(PaceCause::Runs), "what is due is due again");
    db.wait_idle().unwrap();
    assert!(merges(db) > 0 && db.stats().keyspace("default").unwrap().runs < 10);
    assert_eq!(db.stats().pacing.cause, None);
    // One too many does nothing.
    db.resume_background().unwrap();
    db.pause_background().unwrap();
    let before = merges(db);
    write_runs(db, 20);
    stage.idle();
    assert_eq!(merges(db), before);
}

#[test]
fn what_is_asked_for_is_done_in_a_pause_and_closing_waits_for_nothing() {
    let stage = Stage::new(options().memtable_bytes(64 << 10));
    let db = stage.db();
    db.pause_background().unwrap();
    write_runs(db, 30);
    db.compact(..).unwrap();
    assert_eq!(db.stats().keyspace("default").unwrap().entries, 50);
    write_runs(db, 30);
    db.clone().close().unwrap();
    assert_eq!(db.pause_background().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(db.resume_background().unwrap_err().kind(), ErrorKind::Closed);
    let again = Stage::on(stage.disk.clone(), options());
    again.db().wait_idle().unwrap();
    assert!(merges(again.db()) > 0, "an opening knows of no pause");
}

/// Beside threads: no merge begins once the pause was answered.
#[test]
fn a_pause_counts_from_when_it_is_answered() {
    let dir = TempDir::new();
    let small = options().memtable_bytes(16 << 10).background_threads(3);
    let db = Db::builder(dir.db()).options(small).open().unwrap();
    for round in 0..20u32 {
        write_runs(&db, 5);
        db.pause_background().unwrap();
        db.wait_idle().unwrap();
        let before = merges(&db);
        write_runs(&db, 8);
        assert_eq!(merges(&db), before, "round {round}");
        db.resume_background().unwrap();
    }
    db.wait_idle().unwrap();
    assert!(merges(&db) > 0);
    db.close().unwrap();
}

const RATE: u64 = 256 << 10;

/// Two versions of each pair, in two tables of about 2 MiB each.
fn write_twice(db: &Db) {
    for version in 0..2u8 {
        for at in 0..2000u32 {
            let mut value = [0; 1000];
            // What cannot be packed.
            Rng::new(u64::from(at) << 8 | u64::from(version)).garbage(&mut value);
            db.put(at.to_be_bytes(), value).unwrap();
        }
        db.flush().unwrap();
    }
}

fn timed(stage: &Stage, act: impl FnOnce(&Db)) -> Duration {
    let clock = stage.world.env().clock;
    let begun = clock.monotonic();
    act(stage.db());
    clock.monotonic() - begun
}

#[test]
fn merges_write_no_faster_than_they_may_and_flushes_wait_for_nothing() {
    let free = Stage::new(quiet());
    let flushed = timed(&free, write_twice);
    assert!(timed(&free, |db| db.compact(..).unwrap()) < Duration::from_secs(1));
    let stage = Stage::new(quiet().write_bytes_per_second(RATE));
    let took = timed(&stage, write_twice);
    assert!(took < flushed + Duration::from_secs(1), "{took:?}, and {flushed:?} without a limit");
    // Two flushes of 2 MiB are made up for before the merge begins.
    let took = timed(&stage, |db| db.compact(..).unwrap()).as_secs();
    let written = stage.db().stats().counter("compaction_bytes_written").unwrap();
    let due = (2 * 2_000_000 + written) / RATE;
    assert!(took + 2 > due && took <= due + 2, "{took} s for {written} bytes, due in {due} s");
}

#[test]
fn who_gives_a_slow_merge_up_does_not_wait_for_it_and_a_flush_comes_between() {
    let stage = Stage::new(quiet().write_bytes_per_second(RATE).background_threads(1));
    write_twice(stage.db());
    let soon = Duration::from_millis(100);
    let took = timed(&stage, |db| {
        let options = CallOptions::new().timeout(soon);
        let error = db.compact_with(.., options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
    assert!(took < soon * 3, "{took:?}");
    // In the middle of the next one somebody flushes.
    let mut calls = 0;
    let mut listen = |_: lsm_core::Progress| {
        calls += 1;
        if calls == 5 {
            stage.db().put("beside", "a merge").unwrap();
            assert!(timed(&stage, |db| db.flush().unwrap()) < soon);
        }
        std::ops::ControlFlow::Continue(())
    };
    stage.db().compact_with(.., CallOptions::new().progress(&mut listen)).unwrap();
    assert!(calls > 5);
}

#[test]
fn closing_does_not_wait_for_a_slow_merge() {
    let dir = TempDir::new();
    let slow = quiet().write_bytes_per_second(64 << 10).background_threads(2);
    let db = Db::builder(dir.db()).options(slow).open().unwrap();
    write_twice(&db);
    std::thread::scope(|scope| {
        scope.spawn(|| db.compact(..).unwrap_err());
        std::thread::sleep(Duration::from_millis(50));
        let begun = std::time::Instant::now();
        db.clone().close().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    });
}

#[test]
fn a_rate_gives_way_where_writers_would_wait_for_it() {
    let stage = Stage::new(options().memtable_bytes(64 << 10).write_bytes_per_second(64 << 10));
    let db = stage.db();
    db.pause_background().unwrap();
    write_runs(db, 60);
    db.resume_background().unwrap();
    assert_eq!(db.stats().pacing.cause, Some(PaceCause::Runs));
    let took = timed(&stage, |_| stage.world.scheduler.run_until_idle());
    assert_eq!(db.stats().pacing.cause, None, "after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// A keyspace with as many tables as it had flushes.
fn many_tables(options: Options, tables: u32) -> Stage {
    let stage = Stage::new(options.clone());
    stage.db().pause_background().unwrap();
    write_runs(stage.db(), tables);
    Stage::on(stage.kill(), options)
}

fn read_everything(db: &Db) {
    let past = db.with(lsm_core::ReadOptions::new().fill_cache(false));
    for at in 0..50u32 {
        let key = (at * 7).to_be_bytes();
        assert!(past.get(key).unwrap().is_some());
        assert_eq!(past.get((at * 7 + 1).to_be_bytes()).unwrap(), None);
    }
    assert_eq!(past.iter().count(), 50);
    assert_eq!(past.iter().rev().count(), 50);
}

#[test]
fn no_more_table_files_stay_open_than_may() {
    let tables = 40;
    // No room for merges, which open what they read.
    let held = |most: usize| {
        let stage = many_tables(quiet().open_files_max(most), tables);
        stage.db().pause_background().unwrap();
        let before = stage.disk.open_files();
        let mut longest = 0;
        for _ in 0..3 {
            read_everything(stage.db());
            longest = longest.max(stage.disk.open_files() - before);
        }
        let mut range = stage.db().iter();
        range.next().unwrap().unwrap();
        stage.db().resume_background().unwrap();
        // Merged away, and unlinked once the range is dropped: until then it can be read.
        stage.db().compact(..).unwrap();
        assert_eq!(range.count(), 49);
        stage.db().verify().unwrap();
        read_everything(stage.db());
        stage.idle();
        assert_eq!(stage.tables().len() as u64, stage.db().stats().tables);
        stage.db().clone().close().unwrap();
        longest
    };
    assert_eq!(held(0), u64::from(tables));
    for most in [1, 2, 16] {
        assert_eq!(held(most), most as u64);
    }
}

#[test]
fn a_table_that_was_closed_and_is_gone_is_missed_by_its_name() {
    let stage = many_tables(quiet().open_files_max(1), 5);
    stage.db().pause_background().unwrap();
    read_everything(stage.db());
    let gone = stage.tables().remove(0);
    stage.disk.remove(&gone).unwrap();
    let past = lsm_core::ReadOptions::new().fill_cache(false);
    let error = stage.db().with(past).iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(error.to_string().contains(gone.rsplit('/').next().unwrap()), "{error}");
}

#[test]
fn threads_share_the_few_files_that_are_open() {
    let dir = TempDir::new();
    let few = options().memtable_bytes(16 << 10).open_files_max(2);
    let db = Db::builder(dir.db()).options(few).open().unwrap();
    write_runs(&db, 1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..20).for_each(|_| read_everything(&db)));
        }
        write_runs(&db, 30);
    });
    db.verify().unwrap();
    db.close().unwrap();
}
