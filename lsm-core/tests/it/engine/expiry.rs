//! Values that expire: hidden at the instant, for readers of that moment on, and given up later.

use std::time::Duration;

use lsm_core::env::clock::Clock;
use lsm_core::{Batch, Db, ErrorKind, Expiry, Keyspace, KeyspaceOptions, Read, Strategy};
use lsm_core::{WriteOptions, batch::VALUE_BYTES_MAX};

use crate::harness::engine::stage::{Stage, quiet};

const HOUR: Duration = Duration::from_secs(3600);
const MILLIS: u64 = 3_600_000;

/// What a reader sees, in every way to ask.
fn is_seen(reader: &impl Read, key: &str) -> bool {
    let range = || key..=key;
    let answers = [
        reader.get(key).unwrap().is_some(),
        reader.contains_key(key).unwrap(),
        reader.get_many([key]).unwrap()[0].is_some(),
        reader.get_into(key, &mut Vec::new()).unwrap(),
        reader.expiry(key).unwrap().is_some(),
        reader.range(range()).next().is_some(),
        reader.range(range()).next_back().is_some(),
        reader.range(range()).keys().next().is_some(),
        reader.count(range()).unwrap() == 1,
        reader.prefix(key).next().is_some(),
        reader.cursor(range()).next().unwrap().is_some(),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{key}: {answers:?}");
    answers[0]
}

fn now(stage: &Stage) -> u64 {
    stage.world.clock.wall_millis()
}

/// Lets the wall clock pass alone: nothing that waits is woken by it.
fn pass(stage: &Stage, millis: u64) {
    stage.world.clock.set_wall_millis(now(stage) + millis);
}

/// Lets time pass as it does, and the background work.
fn live(stage: &Stage, minutes: u64) {
    for _ in 0..minutes {
        stage.world.clock.advance(Duration::from_secs(60));
        stage.world.scheduler.run_until_idle();
    }
}

/// Where entries may stand.
const PLACES: [fn(&Db); 3] = [|_| {}, |db| db.flush().unwrap(), |db| db.compact(..).unwrap()];

#[test]
fn a_value_is_gone_at_its_instant_wherever_it_stands() {
    for settle in PLACES {
        let stage = Stage::new(quiet());
        let db = stage.db();
        let end = now(&stage) + 1000;
        db.put("under", "older").unwrap();
        db.put("under", "newer").unwrap();
        settle(db);
        let until = WriteOptions::new().expiry(Expiry::At(end));
        db.put_with("k", "value", &until).unwrap();
        db.put_with("under", "expires", &until).unwrap();
        settle(db);
        assert_eq!(db.expiry("k").unwrap(), Some(Expiry::At(end)));
        pass(&stage, 999);
        assert!(is_seen(db, "k") && is_seen(db, "under"));
        assert_eq!(db.get("under").unwrap().unwrap(), "expires");
        pass(&stage, 1);
        assert!(!is_seen(db, "k") && !is_seen(db, "under"), "what was hidden stays hidden");
        settle(db);
        assert!(!is_seen(db, "k") && !is_seen(db, "under"));
        assert_eq!(db.expiry("k").unwrap(), None);
    }
}

#[test]
pub fn snapshots_and_iterators_keep_to_their_time() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    db.put_with_ttl("k", "value", HOUR).unwrap();
    db.put_with_ttl("k2", "value", HOUR).unwrap();
    let snapshot = db.snapshot().unwrap();
    let mut range = db.range(..);
    let mut cursor = db.cursor(..);
    pass(&stage, MILLIS);
    let later = db.snapshot().unwrap();
    for settle in PLACES {
        settle(db);
        assert!(!is_seen(db, "k") && !is_seen(&db.at(&later), "k"));
        assert!(is_seen(&db.at(&snapshot), "k"));
    }
    assert_eq!(range.next().unwrap().unwrap().0, "k");
    assert_eq!(cursor.next().unwrap().unwrap().0, b"k");
    cursor.refresh().unwrap();
    assert_eq!(cursor.next().unwrap(), None);
    assert_eq!(range.next().unwrap().unwrap().0, "k2");
    assert_eq!(db.approximate_len().unwrap(), 2, "the snapshot sees them");
    drop((snapshot, later, range, cursor));
    db.compact(..).unwrap();
    assert_eq!(db.approximate_bytes(..).unwrap(), 0);
}

#[test]
fn a_value_that_has_expired_when_it_is_written_deletes() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let past = Expiry::At(now(&stage) - 1);
    for expiry in [Duration::ZERO.into(), past, Expiry::At(now(&stage)), Expiry::At(0)] {
        db.put("k", "value").unwrap();
        db.put_with("k", "never seen", &WriteOptions::new().expiry(expiry)).unwrap();
        assert!(!is_seen(db, "k"));
        db.put("k", "value").unwrap();
        let mut batch = Batch::new();
        batch.put_expiring(db, "k", "never seen", expiry);
        db.write(&batch).unwrap();
        assert!(!is_seen(db, "k"));
        db.put("k", "value").unwrap();
        assert!(db.touch("k", expiry).unwrap().is_some());
        assert!(!is_seen(db, "k") && db.touch("k", expiry).unwrap().is_none());
    }
    let long = vec![0; VALUE_BYTES_MAX + 1];
    let over = WriteOptions::new().ttl(Duration::ZERO);
    assert_eq!(db.put_with("k", &long, &over).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn only_a_put_expires() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let expires = WriteOptions::new().ttl(HOUR);
    db.put("k", "value").unwrap();
    let batch = {
        let mut batch = Batch::new();
        batch.put(db, "k", "other");
        batch
    };
    let answers = [
        db.delete_with("k", &expires),
        db.delete_range_with(.., &expires),
        db.write_with(&batch, &expires),
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("only a put expires"), "{error}");
    }
    assert_eq!(db.get("k").unwrap().unwrap(), "value");
}

#[test]
fn a_touch_moves_the_moment_and_nothing_else() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    assert_eq!(db.touch("none", HOUR).unwrap(), None);
    db.put_with_ttl("k", "value", HOUR).unwrap();
    pass(&stage, MILLIS / 2);
    assert!(db.touch("k", HOUR).unwrap().is_some());
    pass(&stage, MILLIS / 2);
    assert!(is_seen(db, "k"));
    assert!(db.touch("k", Expiry::Never).unwrap().is_some());
    pass(&stage, 1000 * MILLIS);
    assert_eq!(db.get("k").unwrap().unwrap(), "value");
    assert_eq!(db.expiry("k").unwrap(), Some(Expiry::Never));
    assert!(db.touch("k", Duration::from_millis(1)).unwrap().is_some());
    pass(&stage, 1);
    assert!(!is_seen(db, "k") && db.touch("k", HOUR).unwrap().is_none(), "it is gone");
}

fn keyspace(db: &Db, name: &str, options: KeyspaceOptions) -> Keyspace {
    db.keyspace_with(name, options).unwrap()
}

#[test]
fn a_keyspace_has_a_usual_time_to_live() {
    let mut stage = Stage::new(quiet());
    let sessions = keyspace(stage.db(), "sessions", KeyspaceOptions::new().ttl(HOUR));
    assert!(sessions.options().to_string().ends_with("; ttl_ms=3600000"));
    let in_an_hour = Some(Expiry::At(now(&stage) + MILLIS));
    let mut batch = Batch::new();
    batch.put(&sessions, "b", "value");
    batch.put_expiring(&sessions, "ever", "value", Expiry::Never);
    stage.db().write(&batch).unwrap();
    sessions.put("a", "value").unwrap();
    sessions.put_with_ttl("long", "value", 2 * HOUR).unwrap();
    assert!(sessions.insert_if_absent("c", "value").unwrap().is_some());
    for key in ["a", "b", "c"] {
        assert_eq!(sessions.expiry(key).unwrap(), in_an_hour, "{key}");
    }
    drop(sessions);
    stage.reopen();
    let sessions = stage.db().keyspace("sessions").unwrap();
    pass(&stage, MILLIS);
    let left: Vec<_> = sessions.iter().keys().map(|key| key.unwrap()).collect();
    assert_eq!(left, ["ever", "long"]);
}

#[test]
fn conditions_take_what_has_expired_for_absent() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    db.put_with_ttl("lock", "me", HOUR).unwrap();
    let free = WriteOptions::new().ttl(HOUR);
    assert_eq!(db.insert_if_absent_with("lock", "you", &free).unwrap(), None);
    pass(&stage, MILLIS);
    assert!(db.insert_if_absent_with("lock", "you", &free).unwrap().is_some());
    assert_eq!(db.compare_and_set("lock", Some(b"me"), None).unwrap(), None);
    pass(&stage, MILLIS);
    assert_eq!(db.compare_and_set("lock", Some(b"you"), None).unwrap(), None);
    assert_eq!(db.fetch_update("lock", |_| Some("she")).unwrap(), None);
}

#[test]
pub fn time_does_not_go_back() {
    let mut stage = Stage::new(quiet());
    let began = now(&stage);
    stage.db().put_with_ttl("k", "value", HOUR).unwrap();
    stage.db().flush().unwrap();
    stage.reopen();
    // Nothing is written in this life, and yet its time is kept.
    pass(&stage, 2 * MILLIS);
    assert!(!is_seen(stage.db(), "k"));
    stage.world.clock.set_wall_millis(began);
    assert!(!is_seen(stage.db(), "k"));
    stage.reopen();
    assert!(now(&stage) < began + MILLIS, "the world's clock is back");
    assert!(!is_seen(stage.db(), "k"));
    stage.db().put_with_ttl("k", "value", HOUR).unwrap();
    assert_eq!(stage.db().expiry("k").unwrap(), Some(Expiry::At(began + 3 * MILLIS)));
}

/// A keyspace with some tables full of values that expire, settled.
fn filled(stage: &Stage, options: KeyspaceOptions, ttl_of: fn(u32) -> Expiry) -> Keyspace {
    let keyspace = keyspace(stage.db(), "k", options);
    for number in 0..400u32 {
        let options = WriteOptions::new().expiry(ttl_of(number));
        keyspace.put_with(format!("{number:05}"), [7; 100], &options).unwrap();
    }
    stage.db().flush().unwrap();
    stage.db().wait_idle().unwrap();
    assert!(keyspace.approximate_bytes(..).unwrap() > 4000);
    keyspace
}

#[test]
pub fn tables_in_which_all_has_expired_go_without_being_read() {
    for strategy in [
        Strategy::Leveled { ratio: 10 },
        Strategy::Tiered { runs_max: 4 },
        Strategy::Lazy { runs_max: 4 },
        Strategy::Fifo { bytes_max: 1 << 40, age_max_millis: 0 },
    ] {
        let stage = Stage::new(quiet());
        let options = KeyspaceOptions::new().strategy(strategy);
        let keyspace = filled(&stage, options, |_| HOUR.into());
        let read = || stage.db().stats().counter("compaction_bytes_read").unwrap();
        let before = read();
        live(&stage, 62);
        assert_eq!(keyspace.approximate_bytes(..).unwrap(), 0, "nobody asked for it");
        assert_eq!(read(), before);
    }
}

#[test]
fn what_has_expired_among_other_values_is_given_back_in_time() {
    for strategy in [
        Strategy::Leveled { ratio: 10 },
        Strategy::Tiered { runs_max: 4 },
        Strategy::Lazy { runs_max: 4 },
    ] {
        let stage = Stage::new(quiet());
        let options = KeyspaceOptions::new().strategy(strategy);
        // Every tenth stays.
        let ttl = |number: u32| if number % 10 == 0 { Expiry::Never } else { HOUR.into() };
        let keyspace = filled(&stage, options, ttl);
        let before = keyspace.approximate_bytes(..).unwrap();
        live(&stage, 62);
        assert_eq!(keyspace.count(..).unwrap(), 40);
        // A quarter of the time that they had to live, and the time until somebody looks.
        live(&stage, 15);
        let after = keyspace.approximate_bytes(..).unwrap();
        assert!(after * 5 < before, "{after} of {before} bytes are left");
        assert_eq!(keyspace.count(..).unwrap(), 40);
    }
}

#[test]
pub fn a_snapshot_keeps_what_it_sees_and_gives_it_back_when_it_goes() {
    let stage = Stage::new(quiet());
    let keyspace = filled(&stage, KeyspaceOptions::new(), |_| HOUR.into());
    let snapshot = stage.db().snapshot().unwrap();
    live(&stage, 62);
    assert_eq!(keyspace.count(..).unwrap(), 0);
    assert_eq!(keyspace.at(&snapshot).count(..).unwrap(), 400);
    drop(snapshot);
    live(&stage, 2);
    assert_eq!(keyspace.approximate_bytes(..).unwrap(), 0);
}
