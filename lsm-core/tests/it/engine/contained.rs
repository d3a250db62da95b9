//! Damage is contained: a bad block fails the reads of its own keys, and nothing else; a merge that
//! meets it is given up for good, and writes, flushes and other merges go on.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use lsm_core::api::db::Db;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{Error, ErrorKind, Event, KeyspaceOptions, Listener, Options, Strategy};

use crate::harness::disk::PATH;
use crate::harness::engine::stage::{Stage, options};

const KEYS: u32 = 1200;

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Listener for Heard {
    fn event(&self, event: &Event) {
        if let Event::DamageFound { error, .. } = event {
            assert_eq!(error.kind(), ErrorKind::Corruption);
            self.0.lock().unwrap().push(error.to_string());
        }
    }
}

fn key(number: u32) -> String {
    format!("key {number:05}")
}

fn value(number: u32, round: u32) -> String {
    format!("{number} {round} ").repeat(12)
}

fn small() -> Options {
    options().memtable_bytes(64 << 10).background_threads(2)
}

/// A database whose keys all stand in one run of several tables, one block of which is damaged.
struct Subject {
    world: SimWorld,
    db: Db,
    table: String,
    heard: Heard,
}

fn subject(strategy: Strategy) -> Subject {
    let stage = Stage::new(small());
    let keyspace =
        stage.db().keyspace_with("all", KeyspaceOptions::new().strategy(strategy)).unwrap();
    for number in 0..KEYS {
        keyspace.put(key(number), value(number, 0)).unwrap();
    }
    keyspace.compact(..).unwrap();
    stage.idle();
    let tables = stage.tables();
    let table = tables[tables.len() / 2].clone();
    drop(keyspace);
    let disk = stage.kill();
    let len = disk.contents(&table).unwrap().len() as u64;
    disk.rot(&table, len / 3, 0x40).unwrap();
    let world = SimWorld::from_disk(disk, 12);
    let heard = Heard::default();
    let builder = Db::builder(Path::new(PATH)).options(small()).env(world.env());
    let db = builder.listener(heard.clone()).open().unwrap();
    Subject { world, db, table, heard }
}

impl Subject {
    fn is_of_the_table(&self, error: &Error) {
        assert_eq!(error.kind(), ErrorKind::Corruption, "{error:?}");
        let name = error.path().and_then(Path::file_name);
        assert_eq!(name, Path::new(&self.table).file_name());
        assert!(error.offset().is_some_and(|offset| offset >= 128));
    }

    /// The keys that cannot be read; every other one has its value.
    fn bad_keys(&self, round: impl Fn(u32) -> u32) -> Vec<u32> {
        let all = self.db.keyspace("all").unwrap();
        let is_bad = |number: &u32| match all.get(key(*number)) {
            Ok(found) => {
                assert_eq!(found.unwrap(), value(*number, round(*number)).as_bytes());
                false
            }
            Err(error) => {
                self.is_of_the_table(&error);
                true
            }
        };
        (0..KEYS).filter(is_bad).collect()
    }

    fn idle(&self) {
        for _ in 0..8 {
            self.world.clock.advance(std::time::Duration::from_secs(2));
            self.world.scheduler.run_until_idle();
        }
    }
}

fn span(bad: &[u32]) -> Range<u32> {
    let range = bad[0]..bad[bad.len() - 1] + 1;
    assert_eq!(range.len(), bad.len(), "one block: {bad:?}");
    assert!(range.len() < 100);
    range
}

#[test]
fn a_bad_block_fails_its_own_keys_and_scans_go_on_behind_it() {
    let subject = subject(Strategy::Leveled { ratio: 10 });
    let bad = span(&subject.bad_keys(|_| 0));
    let all = subject.db.keyspace("all").unwrap();
    let mut cursor = all.cursor(..);
    let mut seen = Vec::new();
    cursor.seek_first().unwrap();
    let failed = loop {
        match cursor.next() {
            Ok(Some((found, _))) => assert_eq!(found, key(seen.len() as u32).as_bytes()),
            Ok(None) => panic!("the scan passes over the damage"),
            Err(error) => break error,
        }
        seen.push(seen.len() as u32);
    };
    subject.is_of_the_table(&failed);
    assert_eq!(seen, (0..bad.start).collect::<Vec<_>>());
    cursor.seek(key(bad.end).as_bytes()).unwrap();
    for number in bad.end..KEYS {
        assert_eq!(cursor.next().unwrap().unwrap().0, key(number).as_bytes());
    }
    assert!(cursor.next().unwrap().is_none());
    // And from the other side.
    let mut back = all.iter().rev();
    let read = back.by_ref().take_while(Result::is_ok).count();
    // Whether a pair is the newest of its key is told by what stands before it.
    assert_eq!(read, (KEYS - bad.end - 1) as usize);
    assert_eq!(all.count(..key(bad.start - 50)).unwrap(), u64::from(bad.start - 50));
    assert_eq!(all.count(key(bad.end)..).unwrap(), u64::from(KEYS - bad.end));
    assert!(subject.db.fault().is_none());
}

#[test]
fn merges_leave_a_damaged_table_alone_and_writes_go_on() {
    let strategies = [
        Strategy::Leveled { ratio: 10 },
        Strategy::Tiered { runs_max: 3 },
        Strategy::Lazy { runs_max: 4 },
    ];
    for strategy in strategies {
        let subject = subject(strategy.clone());
        let bad = span(&subject.bad_keys(|_| 0));
        let all = subject.db.keyspace("all").unwrap();
        all.put(key(0), value(0, 0)).unwrap();
        all.put(key(KEYS - 1), value(KEYS - 1, 0)).unwrap();
        // Who asks for it is told, each time.
        for _ in 0..2 {
            subject.is_of_the_table(&all.compact(..).unwrap_err());
            assert!(subject.db.fault().is_none());
        }
        // What is beside it is merged.
        all.compact(..key(bad.start / 2)).unwrap_or_else(|error| subject.is_of_the_table(&error));
        // Much is written over everything but the bad keys, again and again.
        let is_bad = |number: u32| bad.contains(&number);
        for round in 1..30 {
            for number in (0..KEYS).filter(|number| !is_bad(*number)) {
                all.put(key(number), value(number, round)).unwrap();
            }
            subject.db.flush().unwrap();
            subject.world.scheduler.run_until_idle();
        }
        subject.idle();
        subject.db.wait_idle().unwrap();
        let stats = subject.db.stats();
        let runs = stats.keyspaces.iter().find(|it| it.name == "all").unwrap().runs;
        assert!(runs < 24, "{strategy:?}: {runs} runs");
        assert!(stats.fault.is_none());
        assert_eq!(stats.pacing.cause, None, "{strategy:?}: nobody is held back for it");
        assert_eq!(stats.damage.len(), 1);
        assert!(stats.damage[0].is_set_aside && stats.damage[0].offset.is_some());
        assert!(subject.table.ends_with(&stats.damage[0].file));
        assert_eq!(subject.heard.0.lock().unwrap().len(), 1, "told once");
        // Nothing spins: no more failures come while nothing is asked for.
        let failures = stats.counter("background_failures");
        let steps = subject.world.scheduler.steps();
        subject.idle();
        assert_eq!(subject.db.stats().counter("background_failures"), failures);
        assert!(subject.world.scheduler.steps() - steps < 200);
        assert_eq!(subject.bad_keys(|number| if is_bad(number) { 0 } else { 29 }).len(), bad.len());
        // What is written over the bad keys is read: it is newer.
        for number in bad.clone() {
            all.put(key(number), value(number, 29)).unwrap();
        }
        subject.db.flush().unwrap();
        assert!(subject.bad_keys(|_| 29).is_empty());
        subject.db.resume().unwrap();
        assert!(subject.db.stats().damage.is_empty());
    }
}
