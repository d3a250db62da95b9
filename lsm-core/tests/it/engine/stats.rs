//! Statistics and events: what happens is counted, measured and told, whoever listens.

use std::sync::Arc;
use std::time::Duration;

use lsm_core::base::sync::{AtomicU64, Mutex, Ordering};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{Db, Durability, Event, Listener, LogMode, Options, Reason, Stats, WriteOptions};

/// What a listener heard, as one word each.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Listener for Heard {
    fn event(&self, event: &Event) {
        let word = match event {
            Event::FlushBegan { entries, .. } => format!("flush-began {entries}"),
            Event::Flushed { table, bytes, .. } => {
                assert_eq!(table.is_some(), *bytes > 0);
                "flushed".to_owned()
            }
            Event::CompactionBegan { keyspace, reason, from, tables, .. } => {
                assert!(*tables > 0);
                format!("compaction-began {keyspace} {} {from}", reason.name())
            }
            Event::Compacted { keyspace, reason, from, to, read, written, .. } => {
                assert!(from <= to && (*read > 0) >= (*written > 0));
                format!("compacted {keyspace} {} {from}", reason.name())
            }
            Event::WorkFailed { .. } => "work-failed".to_owned(),
            Event::TableDeleted { table, .. } => {
                assert!(*table > 0);
                "table-deleted".to_owned()
            }
            Event::PacingChanged { cause, per_kib, .. } => {
                assert_eq!(cause.is_some(), *per_kib > Duration::ZERO);
                format!("pacing {}", cause.map_or("free", |cause| cause.name()))
            }
            Event::BecameReadOnly { .. } => "read-only".to_owned(),
            Event::Resumed => "resumed".to_owned(),
            Event::KeyspaceCreated { name, .. } => format!("created {name}"),
            Event::KeyspaceDropped { name, .. } => format!("dropped {name}"),
            Event::Recovered { report, .. } => {
                format!("recovered new={} clean={}", report.is_new, report.was_clean)
            }
            other => format!("{other:?}"),
        };
        self.0.lock().push(word);
    }
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

fn options() -> Options {
    Options::new().log_mode(LogMode::Write).memtable_bytes(64 << 10)
}

fn open(disk: &SimDisk, heard: &Heard) -> (SimWorld, Db) {
    open_with(disk, heard, options())
}

fn open_with(disk: &SimDisk, heard: &Heard, options: Options) -> (SimWorld, Db) {
    let world = SimWorld::from_disk(disk.clone(), 7);
    let builder = Db::builder("db").options(options).env(world.env());
    let db = builder.listener(heard.clone()).open().unwrap();
    (world, db)
}

fn fill(db: &Db, keys: u32, value: &[u8]) {
    for key in 0..keys {
        db.put(key.to_be_bytes(), value).unwrap();
    }
}

#[test]
fn events_come_in_the_order_in_which_things_happen() {
    let (disk, heard) = (SimDisk::new(), Heard::default());
    let (_world, db) = open(&disk, &heard);
    assert_eq!(heard.take(), ["recovered new=true clean=false"]);
    let users = db.keyspace("users").unwrap();
    users.put("a", "1").unwrap();
    for round in 0..2 {
        fill(&db, 10, &[round; 100]);
        db.flush().unwrap();
    }
    assert_eq!(
        heard.take(),
        ["created users", "flush-began 11", "flushed", "flush-began 10", "flushed"]
    );
    db.compact(..).unwrap();
    db.wait_idle().unwrap();
    let words = heard.take();
    let manual = Reason::Manual.name();
    assert_eq!(words[0], format!("compaction-began default {manual} 0"));
    assert_eq!(words[1], format!("compacted default {manual} 0"));
    assert!(db.drop_keyspace("users").unwrap());
    db.put("z", "z").unwrap();
    db.flush().unwrap();
    db.wait_idle().unwrap();
    let words = [words, heard.take()].concat();
    assert!(words.iter().any(|word| word == "dropped users"), "{words:?}");
    assert!(words.iter().any(|word| word == "table-deleted"), "{words:?}");
    let stats = db.stats();
    let deleted = words.iter().filter(|word| *word == "table-deleted").count() as u64;
    assert_eq!(stats.counter("tables_deleted"), Some(deleted));
    db.close().unwrap();
    heard.take();
    let (_world, db) = open(&disk, &heard);
    assert_eq!(heard.take()[0], "recovered new=false clean=true");
    db.close().unwrap();
}

/// Writers wait for a flush: where there is one worker, its merge waits as well.
#[test]
fn a_merge_is_set_aside_for_a_flush() {
    let (disk, heard) = (SimDisk::new(), Heard::default());
    let (world, db) = open_with(&disk, &heard, options().background_threads(1));
    let mut noise = 0_u64;
    let bytes = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    });
    let value: Vec<u8> = bytes.take(1000).collect();
    let is_merging = || heard.0.lock().last().is_some_and(|word| word.starts_with("compaction"));
    let mut round = 0_u32;
    while round < 20 || !is_merging() {
        (0..50_u32).for_each(|key| drop(db.put((key << 16 | round).to_be_bytes(), &value)));
        db.flush().unwrap();
        world.scheduler.run_one();
        round += 1;
    }
    heard.take();
    fill(&db, 70, &value);
    world.scheduler.run_until_idle();
    let words = heard.take();
    let at = |start: &str| words.iter().position(|word| word.starts_with(start)).unwrap();
    assert!(at("flushed") < at("compacted"), "{words:?}");
}

#[test]
fn a_fault_is_told_once_and_so_is_its_end() {
    let (disk, heard) = (SimDisk::new(), Heard::default());
    let (_world, db) = open(&disk, &heard);
    let durable = WriteOptions::new().durability(Durability::Durable);
    db.put_with("a", "1", &durable).unwrap();
    heard.take();
    disk.inject("sync_data(.wal$)#1:eio-keep".parse().unwrap());
    for _ in 0..3 {
        db.put_with("b", "2", &durable).unwrap_err();
    }
    assert_eq!(heard.take(), ["read-only"]);
    let stats = db.stats();
    assert!(!stats.is_healthy() && stats.to_string().starts_with("health: takes no writes"));
    disk.heal();
    db.resume().unwrap();
    db.resume().unwrap();
    assert_eq!(heard.take(), ["resumed"]);
    db.put_with("c", "3", &durable).unwrap();
    assert!(db.stats().is_healthy());
}

#[test]
fn failures_of_background_work_are_told_and_counted() {
    let (disk, heard) = (SimDisk::new(), Heard::default());
    let (_world, db) = open(&disk, &heard);
    db.put("a", "1").unwrap();
    heard.take();
    disk.inject("write(.sst$)#1:enospc".parse().unwrap());
    db.flush().unwrap_err();
    assert_eq!(heard.take(), ["flush-began 1", "work-failed"]);
    assert_eq!(db.stats().counter("background_failures"), Some(1));
    db.flush().unwrap();
    assert_eq!(heard.take(), ["flush-began 1", "flushed"]);
}

#[test]
fn writers_that_are_held_back_are_told_why_and_counted() {
    let (disk, heard) = (SimDisk::new(), Heard::default());
    let (_world, db) = open(&disk, &heard);
    fill(&db, 4000, &[7; 200]);
    let words = heard.take();
    assert!(words.iter().any(|word| word == "pacing flush"), "{words:?}");
    db.wait_idle().unwrap();
    let stats = db.stats();
    assert!(stats.pacing.waits > 0 && stats.pacing.cause.is_none(), "{stats}");
    let words = [words, heard.take()].concat();
    assert_eq!(words.iter().rfind(|word| word.starts_with("pacing")).unwrap(), "pacing free");
}

#[test]
fn a_listener_that_panics_is_switched_off_and_harms_nobody() {
    let heard = Heard::default();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let world = SimWorld::new(3);
    let db = Db::builder("db")
        .options(options())
        .env(world.env())
        .listener(move |_: &Event| {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a listener's own trouble");
        })
        .listener(heard.clone())
        .open()
        .unwrap();
    db.put("a", "1").unwrap();
    db.flush().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(heard.take().len(), 3);
    let stats = db.stats();
    assert_eq!((stats.listeners.listening, stats.listeners.panics), (1, 1));
    assert!(stats.is_healthy());
    db.close().unwrap();
}

#[test]
fn a_listener_may_read_the_database() {
    let slot: Arc<Mutex<Option<Db>>> = Arc::default();
    let calls = Arc::new(AtomicU64::new(0));
    let (inner, counted, world) = (slot.clone(), calls.clone(), SimWorld::new(5));
    let db = Db::builder("db")
        .options(options())
        .env(world.env())
        .listener(move |event: &Event| {
            let db = inner.lock().clone();
            if let (Some(db), Event::Flushed { .. }) = (db, event) {
                // It would stand still if a lock were held.
                assert_eq!(db.get("a").unwrap().as_deref(), Some(&b"1"[..]));
                assert_eq!(db.stats().counter("flushes"), Some(1));
                counted.fetch_add(1, Ordering::Relaxed);
            }
        })
        .open()
        .unwrap();
    *slot.lock() = Some(db.clone());
    db.put("a", "1").unwrap();
    db.flush().unwrap();
    db.wait_idle().unwrap();
    assert_eq!((calls.load(Ordering::Relaxed), db.stats().listeners.panics), (1, 0));
    *slot.lock() = None;
}

/// A database with 1000 keys of 100 bytes, written twice and flushed after each time.
fn measured() -> (SimWorld, Db) {
    let (world, db) = open(&SimDisk::new(), &Heard::default());
    for round in 0..2 {
        for key in 0..100_u32 {
            db.put(key.to_be_bytes(), [round; 100]).unwrap();
        }
        db.flush().unwrap();
    }
    (world, db)
}

fn count(stats: &Stats, name: &str) -> u64 {
    stats.counter(name).unwrap_or_else(|| panic!("no counter is called {name}"))
}

#[test]
fn figures_are_what_was_done() {
    let (_world, db) = measured();
    let stats = db.stats();
    assert_eq!((count(&stats, "writes"), count(&stats, "records_written")), (200, 200));
    assert_eq!(count(&stats, "user_bytes_written"), 200 * 104);
    assert!(count(&stats, "log_bytes_written") > 200 * 104);
    assert_eq!((count(&stats, "flushes"), stats.timing("flush").unwrap().count), (2, 2));
    let written = count(&stats, "log_bytes_written") + count(&stats, "flushed_bytes");
    assert_eq!(stats.amplification.write, Some(written as f64 / (200.0 * 104.0)));

    for key in 0..100_u32 {
        assert!(db.get(key.to_be_bytes()).unwrap().is_some());
    }
    assert!(db.get(1000_u32.to_be_bytes()).unwrap().is_none());
    let stats = db.stats();
    assert_eq!((count(&stats, "gets"), count(&stats, "gets_found")), (101, 100));
    // The newest table answers each, and no table spans the last one.
    assert_eq!((count(&stats, "get_tables"), count(&stats, "get_blocks")), (100, 100));
    assert_eq!(stats.amplification.tables_per_get, Some(100.0 / 101.0));
    assert_eq!(stats.amplification.blocks_per_get, Some(100.0 / 101.0));
    assert!(stats.cache.hits > 0 && stats.cache.misses > 0);

    let default = stats.keyspace("default").unwrap();
    assert_eq!((default.runs, default.entries, default.deletes), (2, 200, 0));
    assert_eq!((default.levels.len(), default.levels[0].tables), (1, 2));
    let space = stats.amplification.space.unwrap();
    assert!((1.9..=2.1).contains(&space), "two runs of the same keys: {space}");
    assert_eq!(stats.tables, 2);

    db.compact(..).unwrap();
    db.wait_idle().unwrap();
    let stats = db.stats();
    assert_eq!(stats.amplification.space, Some(1.0));
    assert!(count(&stats, "compactions") > 0 && stats.timing("compaction").unwrap().count > 0);
    let read = count(&stats, "compaction_bytes_read");
    assert!(read > 0 && count(&stats, "compaction_bytes_written") < read);
    assert_eq!(stats.keyspace("default").unwrap().entries, 100);
}

#[test]
fn scans_and_memory_and_log_are_counted() {
    let (_world, db) = measured();
    assert_eq!(db.iter().count(), 100);
    let mut cursor = db.cursor(..);
    cursor.seek(&50_u32.to_be_bytes()).unwrap();
    while cursor.next().unwrap().is_some() {}
    drop(cursor);
    let _snapshot = db.snapshot().unwrap();
    db.put("fresh", "1").unwrap();
    db.put_with("lost", "1", &WriteOptions::new().durability(Durability::Volatile)).unwrap();
    db.sync().unwrap();
    let stats = db.stats();
    assert_eq!((count(&stats, "scans"), count(&stats, "scanned_pairs")), (2, 150));
    assert_eq!((stats.memtables.active_entries, stats.memtables.sealed), (2, 0));
    assert!(stats.memtables.active_bytes > 0 && stats.memory.limit > 0);
    assert!(stats.memory.by_kind.iter().map(|(_, bytes)| bytes).sum::<u64>() <= stats.memory.used);
    assert_eq!(stats.snapshots, 1);
    assert!(stats.timing("sync_wait").unwrap().count >= 1);
    // The log holds one small record: what was flushed is gone.
    assert!((1..4096).contains(&stats.log_bytes.unwrap()), "{:?}", stats.log_bytes);
}

#[test]
fn texts_hold_every_figure() {
    let (_world, db) = measured();
    db.keyspace("a \"quoted\" name").unwrap();
    let stats = db.stats();
    let text = stats.to_string();
    for word in ["health: good", "keyspace default", "level 0", "amplification: write", "flushes 2"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
    let json = stats.to_json();
    for (name, number) in &stats.counters {
        assert!(json.contains(&format!("\"{name}\":{number}")), "{name}");
    }
    for word in ["\"a \\\"quoted\\\" name\"", "\"fault\":null", "\"tables_per_get\":null"] {
        assert!(json.contains(word), "{word} in {json}");
    }
    assert!(!json.contains(",,") && !json.contains("{,") && !json.contains(",}"));
    let depth = json.chars().fold(0, |depth, letter| match letter {
        '{' | '[' => depth + 1,
        '}' | ']' => depth - 1,
        _ => depth,
    });
    assert_eq!(depth, 0);
    println!("{text}\n{json}");
    assert!(Stats::default().to_string().contains("health: good"));
}
