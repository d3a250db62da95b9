//! Long calls tell how far they are, and stop when they are told to or their time is over: `flush`,
//! `compact`, `verify`, `count`.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::{CallOptions, Db, ErrorKind, Progress, Result};

use crate::harness::engine::stage::{Stage, quiet};
use crate::machine::kit::TempDir;

const KEYS: u64 = 12_000;

/// Two versions of each key, the older ones in tables.
fn fill(db: &Db) {
    for version in 0..2u64 {
        for at in 0..KEYS {
            db.put(format!("{at:06}"), (at + version).to_le_bytes().repeat(4)).unwrap();
        }
        if version == 0 {
            db.flush().unwrap();
        }
    }
}

fn check(db: &Db) {
    let mut at = 0u64;
    for pair in db.iter() {
        let (key, value) = pair.unwrap();
        assert_eq!(&key[..], format!("{at:06}").as_bytes());
        assert_eq!(&value[..], (at + 1).to_le_bytes().repeat(4));
        at += 1;
    }
    assert_eq!(at, KEYS);
}

/// Calls with a callback that stops at the given call; answers what it was told.
fn call(
    stop_at: usize,
    call: impl FnOnce(CallOptions<'_>) -> Result<()>,
) -> (Result<()>, Vec<Progress>) {
    let mut told: Vec<Progress> = Vec::new();
    let mut listen = |progress: Progress| {
        told.push(progress);
        if told.len() > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let answer = call(CallOptions::new().progress(&mut listen));
    (answer, told)
}

/// What a call was told of itself, if it ran through.
fn through(stage: &Stage, long: fn(&Db, CallOptions<'_>) -> Result<()>) -> Vec<Progress> {
    fill(stage.db());
    let (answer, told) = call(usize::MAX, |options| long(stage.db(), options));
    answer.unwrap();
    told
}

/// Stops a call each time that it tells something, in a new database each; what it leaves is right,
/// and nothing is left over.
fn stop_everywhere(long: fn(&Db, CallOptions<'_>) -> Result<()>) {
    for stop_at in 0.. {
        let stage = Stage::new(quiet());
        fill(stage.db());
        let (answer, told) = call(stop_at, |options| long(stage.db(), options));
        if told.len() <= stop_at {
            answer.unwrap();
            assert!(stop_at > 4, "it tells only {stop_at} times how far it is");
            break;
        }
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Aborted);
        assert_eq!(told.len(), stop_at + 1, "it stops at once");
        check(stage.db());
        stage.db().wait_idle().unwrap();
        // Who helped with it hears of it with his next step.
        stage.world.scheduler.run_until_idle();
        let listed = stage.db().stats().tables;
        assert_eq!(stage.tables().len() as u64, listed, "what was begun is taken away");
        stage.db().compact(..).unwrap();
        check(stage.db());
        assert_eq!(stage.db().stats().keyspace("default").unwrap().entries, KEYS);
        stage.db().verify().unwrap();
    }
}

fn check_told(told: &[Progress], total: u64) {
    assert!(told.len() > 4, "{told:?}");
    assert!(told.iter().all(|it| it.done <= it.total), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!((last.done, last.total), (total, total), "{told:?}");
    let middle = told.iter().any(|it| it.done > 0 && it.done < it.total);
    assert!(middle, "it is told while it goes on: {told:?}");
}

#[test]
fn a_flush_tells_how_far_it_is_and_stops() {
    let flush = |db: &Db, options: CallOptions<'_>| db.flush_with(options);
    let told = through(&Stage::new(quiet()), flush);
    check_told(&told, KEYS);
    stop_everywhere(flush);
}

#[test]
fn a_compaction_tells_how_far_it_is_and_stops() {
    let compact = |db: &Db, options: CallOptions<'_>| db.compact_with(.., options);
    let told = through(&Stage::new(quiet()), compact);
    let merged = told.iter().rposition(|it| it.done == 0).unwrap();
    check_told(&told[merged..], 2 * KEYS);
    stop_everywhere(compact);
}

#[test]
fn a_count_tells_how_far_it_is_and_stops() {
    let stage = Stage::new(quiet());
    fill(stage.db());
    let (answer, told) = call(usize::MAX, |options| {
        assert_eq!(stage.db().count_with(.., options)?, KEYS);
        Ok(())
    });
    answer.unwrap();
    assert!(told.len() > 4, "{told:?}");
    let (answer, told) = call(2, |options| stage.db().count_with("001".., options).map(drop));
    assert_eq!((answer.unwrap_err().kind(), told.len()), (ErrorKind::Aborted, 3));
    check(stage.db());
}

#[test]
fn who_is_told_may_panic() {
    let stage = Stage::new(quiet());
    fill(stage.db());
    stage.db().flush().unwrap();
    for panic_at in 0..4 {
        let mut calls = 0;
        let mut listen = |_: Progress| {
            calls += 1;
            assert!(calls <= panic_at, "the callback panics");
            ControlFlow::Continue(())
        };
        let options = CallOptions::new().progress(&mut listen);
        let answer = catch_unwind(AssertUnwindSafe(|| stage.db().compact_with(.., options)));
        answer.unwrap_err();
        stage.db().wait_idle().unwrap();
        check(stage.db());
    }
    stage.db().compact(..).unwrap();
    check(stage.db());
}

#[test]
fn a_compaction_stops_beside_real_threads() {
    let dir = TempDir::new();
    let db = Db::builder(dir.db()).options(quiet().background_threads(3)).open().unwrap();
    fill(&db);
    for stop_at in 0..12 {
        let (answer, told) = call(stop_at, |options| db.compact_with(.., options));
        assert!(answer.is_ok() || told.len() == stop_at + 1, "{answer:?}");
        check(&db);
        db.put("zzz", "one more").unwrap();
        db.delete("zzz").unwrap();
    }
    db.compact(..).unwrap();
    check(&db);
    db.verify().unwrap();
    db.close().unwrap();
}

type Long = fn(&Db, CallOptions<'_>) -> Result<()>;

const LONG: [(&str, Long); 4] = [
    ("flush", |db, options| db.flush_with(options)),
    ("compact", |db, options| db.compact_with(.., options)),
    ("verify", |db, options| db.verify_with(options)),
    ("count", |db, options| db.count_with(.., options).map(drop)),
];

/// On a disk where everything takes so long that no call is done in time.
#[test]
fn a_long_call_is_stopped_when_its_time_is_over() {
    for (name, long) in LONG {
        for is_told in [false, true] {
            let stage = Stage::new(quiet());
            fill(stage.db());
            if name == "count" {
                stage.db().flush().unwrap();
            }
            // What is resident takes no time.
            let stage = if name == "count" { Stage::on(stage.kill(), quiet()) } else { stage };
            let slow = Effect::Latency(Duration::from_millis(5));
            stage.disk.inject(Fault::new(&[], "", slow).sticky());
            let mut calls = 0;
            let mut listen = |_: Progress| {
                calls += 1;
                ControlFlow::Continue(())
            };
            let options = CallOptions::new().timeout(Duration::from_millis(12));
            let options = if is_told { options.progress(&mut listen) } else { options };
            let begun = stage.world.env().clock.monotonic();
            let error = long(stage.db(), options).unwrap_err();
            let took = stage.world.env().clock.monotonic() - begun;
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{name}: {error:?}");
            assert!(took >= Duration::from_millis(12), "{name} took {took:?}");
            assert!(took < Duration::from_millis(300), "{name} took {took:?}");
            assert_eq!(calls > 0, is_told, "{name}");
            stage.disk.heal();
            long(stage.db(), CallOptions::new().timeout(Duration::from_secs(3600))).unwrap();
            check(stage.db());
        }
    }
}

#[test]
fn no_time_at_all_is_enough_for_what_is_done() {
    let stage = Stage::new(quiet());
    stage.db().put("a", "1").unwrap();
    stage.db().flush().unwrap();
    let no_time = || CallOptions::new().timeout(Duration::ZERO);
    stage.db().flush_with(no_time()).unwrap();
    assert_eq!(stage.db().count_with(.., no_time()).unwrap(), 1);
    stage.db().put("b", "1").unwrap();
    let error = stage.db().flush_with(no_time()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    stage.idle();
    assert_eq!(stage.db().stats().tables, 2, "it has gone on");
}
