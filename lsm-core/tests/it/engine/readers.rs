//! Readers beside a writer: whatever the writer does between two operations of a reader, the reader
//! shows a state that the writer was in, and finds the files of that state for as long as it reads
//! them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lsm_core::api::db::Db;
use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::rng::Rng;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::env::world::Env;
use lsm_core::options::database::Options;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::options::write::WriteOptions;
use lsm_core::{Builder, Comparator, KeyspaceOptions};

use crate::harness::disk::PATH;
use crate::harness::engine::reference::{DEFAULT, Shown};
use crate::harness::engine::rich::{fill, open_at, options, read_all, reading, rich};
use crate::harness::engine::subject::{kill, show};
use crate::harness::interrupt::Interrupts;

/// Bytes of a value that stands apart.
const LARGE: usize = 5_000;

const MODES: [LogMode; 2] = [LogMode::Write, LogMode::Mapped];

/// Small memtables, so that little makes tables and the log goes on in many segments.
fn small(mode: LogMode) -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(4096)
        .background_threads(1)
        .log_mode(mode)
        .log_segment_bytes_max(8192)
}

/// The order of the program's own: by the last byte, then by the others from the end.
fn tail_first(key: &[u8], sort_key: &mut Vec<u8>) -> Result<()> {
    sort_key.extend(key.iter().rev());
    Ok(())
}

/// As every process opens it that has what the keyspaces need.
fn builder(options: Options, env: Env) -> Builder {
    let builder = Db::builder(Path::new(PATH)).options(options).env(env);
    builder.comparator("tail-first", tail_first)
}

/// Each keyspace has something of its own.
fn chosen(keyspace: &str) -> KeyspaceOptions {
    let joined = KeyspaceOptions::new().merge_operator("append");
    match keyspace {
        "one" => joined.comparator(Comparator::Reverse),
        "two" => KeyspaceOptions::new().write_once(true),
        _ => joined.comparator(Comparator::user("tail-first")),
    }
}

/// A writer that remembers every state it was in.
#[derive(Clone)]
struct Writer {
    world: SimWorld,
    db: Option<Db>,
    states: Arc<Mutex<Vec<Shown>>>,
    mode: LogMode,
    acts: u64,
}

impl Writer {
    fn new(disk: &SimDisk, mode: LogMode, seed: u64) -> Self {
        let world = SimWorld::from_disk(disk.clone(), seed);
        let db = builder(small(mode), world.env()).open();
        let states = Arc::new(Mutex::new(vec![Shown::from([(DEFAULT.into(), [].into())])]));
        Self { world, db: Some(db.unwrap()), states, mode, acts: 0 }
    }

    fn db(&self) -> &Db {
        self.db.as_ref().unwrap()
    }

    /// The states so far.
    fn count(&self) -> usize {
        self.states.lock().unwrap().len()
    }

    fn now(&self) -> Shown {
        self.states.lock().unwrap().last().unwrap().clone()
    }

    fn then(&self, change: impl FnOnce(&mut Shown)) {
        let mut now = self.now();
        change(&mut now);
        self.states.lock().unwrap().push(now);
    }

    fn put(&self, keyspace: &str, key: &str, value: &str) {
        self.db().keyspace(keyspace).unwrap().put(key, value).unwrap();
        self.then(|now| {
            let pairs = now.get_mut(keyspace).unwrap();
            pairs.insert(key.into(), value.as_bytes().into());
        });
    }

    fn merge(&self, keyspace: &str, key: &str, operand: &str) {
        self.db().keyspace(keyspace).unwrap().merge(key, operand).unwrap();
        self.then(|now| {
            let pairs = now.get_mut(keyspace).unwrap();
            let mut value = pairs.get(key.as_bytes()).map_or(Vec::new(), |value| value.to_vec());
            value.extend_from_slice(operand.as_bytes());
            pairs.insert(key.into(), value.into());
        });
    }

    /// What is there goes, and what is not comes.
    fn queue(&self, keyspace: &str, key: &str) {
        if !self.now()[keyspace].contains_key(key.as_bytes()) {
            return self.put(keyspace, key, "to be done");
        }
        self.db().keyspace(keyspace).unwrap().single_delete(key).unwrap();
        self.then(|now| drop(now.get_mut(keyspace).unwrap().remove(key.as_bytes())));
    }

    fn put_many(&self, pairs: &[(&str, &str, &str)]) {
        let mut batch = self.db().batch();
        for (keyspace, key, value) in pairs {
            batch.put(&self.db().keyspace(keyspace).unwrap(), key, value);
        }
        self.db().write(&batch).unwrap();
        self.then(|now| {
            for (keyspace, key, value) in pairs {
                let there = now.get_mut(*keyspace).unwrap();
                there.insert((*key).into(), value.as_bytes().into());
            }
        });
    }

    fn delete_range(&self, from: &str, to: &str) {
        self.db().delete_range(from..to).unwrap();
        self.then(|now| {
            let pairs = now.get_mut(DEFAULT).unwrap();
            pairs.retain(|key, _| &key[..] < from.as_bytes() || &key[..] >= to.as_bytes());
        });
    }

    fn make(&self, keyspace: &str) {
        self.db().keyspace_with(keyspace, chosen(keyspace)).unwrap();
        self.then(|now| drop(now.entry(keyspace.to_owned()).or_default()));
    }

    fn drop_keyspace(&self, keyspace: &str) {
        self.db().drop_keyspace(keyspace).unwrap();
        self.then(|now| drop(now.remove(keyspace)));
    }

    /// Everything that moves files, and what must not be seen apart.
    fn turn_over(&mut self) {
        self.acts += 1;
        let name = format!("keyspace {}", self.acts);
        let value = format!("{} {}", self.acts, "v".repeat(300));
        // One that stands apart.
        let large = format!("{} {}", self.acts, "w".repeat(LARGE));
        self.put(DEFAULT, "a", &large);
        self.make(&name);
        self.put_many(&[(DEFAULT, "b", &value), (&name, "c", &large), (DEFAULT, "d", &value)]);
        self.merge(&name, "c", "+1");
        self.merge(&name, "ab", "1");
        self.db().flush().unwrap();
        self.put(&name, "a", &value);
        self.merge(&name, "ab", "2");
        self.delete_range("b", "c");
        self.db().compact(..).unwrap();
        if self.acts > 1 {
            self.drop_keyspace(&format!("keyspace {}", self.acts - 1));
        }
        self.merge(&name, "ab", "3");
        self.put(DEFAULT, "e", &value);
        self.db().wait_idle().unwrap();
        self.put(DEFAULT, "f", &value);
    }

    /// What goes into one segment of the log.
    fn pass_by(&mut self) {
        self.acts += 1;
        let value = self.acts.to_string();
        if self.now().contains_key("passing") {
            self.drop_keyspace("passing");
        } else {
            self.make("passing");
            self.put("passing", "k", &value);
        }
        self.put(DEFAULT, "passing", &value);
    }

    /// Anything.
    fn act(&mut self, rng: &mut Rng) {
        self.acts += 1;
        let len = if rng.chance(1, 6) { LARGE } else { rng.below(400) as usize };
        let value = format!("{} {}", self.acts, "v".repeat(len));
        let key = format!("key {:02}", rng.below(40));
        match rng.below(24) {
            0 => self.make(["one", "two"][rng.below(2) as usize]),
            1 => {
                let name = ["one", "two"][rng.below(2) as usize];
                if self.now().contains_key(name) {
                    self.drop_keyspace(name);
                }
            }
            2 => self.db().flush().unwrap(),
            3 => self.db().compact(..).unwrap(),
            4 => self.delete_range(&key, &format!("key {:02}", rng.below(40) + 10)),
            5 => {
                self.world.scheduler.run_until_idle();
            }
            6 => self.turn_over(),
            7 | 8 if self.now().contains_key("one") => {
                self.put_many(&[("one", &key, &value), (DEFAULT, &key, &value)]);
            }
            9 => self.begin_anew(rng.chance(1, 2)),
            10 => self.db().sync().unwrap(),
            11 | 12 if self.now().contains_key("one") => self.merge("one", &key, "+"),
            13 | 14 if self.now().contains_key("two") => self.queue("two", &key),
            _ => self.put(DEFAULT, &key, &value),
        }
    }

    /// The writer goes, in order or killed, and another one comes.
    fn begin_anew(&mut self, is_killed: bool) {
        let db = self.db.take().unwrap();
        if is_killed {
            kill(&self.world, db);
        } else {
            db.close().unwrap();
        }
        let seed = self.acts + 77;
        self.world = SimWorld::from_disk(self.world.disk.clone(), seed);
        self.db = Some(builder(small(self.mode), self.world.env()).open().unwrap());
    }

    /// Another one comes, and begins a manifest with its first change.
    fn come_again(&mut self) {
        self.acts += 1;
        self.put(DEFAULT, "going", &self.acts.to_string());
        self.begin_anew(false);
        self.turn_over();
    }

    /// It is killed, and the next one recovers what it has left.
    fn die(&mut self) {
        self.acts += 1;
        self.put(DEFAULT, "dying", &self.acts.to_string());
        self.begin_anew(true);
        self.put(DEFAULT, "come", &self.acts.to_string());
    }

    /// Whether a reader shows one of the states from number `from` on.
    fn was_in(&self, shown: &Shown, from: usize) -> Result<usize, String> {
        let states = self.states.lock().unwrap();
        let at = states.iter().enumerate().skip(from.saturating_sub(1));
        match at.into_iter().rfind(|(_, state)| *state == shown).map(|(at, _)| at) {
            Some(at) => Ok(at),
            None => Err(format!("of {} states from {from} none is {shown:?}", states.len())),
        }
    }
}

/// A reader in an interrupted world.
struct Reader {
    world: SimWorld,
    interrupts: Interrupts,
}

impl Reader {
    fn new(disk: &SimDisk) -> Self {
        Self { world: SimWorld::from_disk(disk.clone(), 5), interrupts: Interrupts::new() }
    }

    fn open(&self, options: Options) -> Result<Db> {
        let env = self.interrupts.world(&self.world.env());
        builder(options.read_only(true), env).open()
    }
}

fn seen(db: &Db) -> Result<Shown, String> {
    show(db).map_err(|trouble| trouble.to_string())
}

/// The writer acts before operation `at` of an opening, and before operation `at` of a refresh.
/// Answers how many operations the longer of the two had.
fn interrupted(mode: LogMode, at: u64, act: fn(&mut Writer)) -> Result<u64, String> {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, mode, 3);
    writer.turn_over();
    writer.turn_over();
    writer.pass_by();
    let from = writer.count();
    let writer = Arc::new(Mutex::new(writer));
    let interrupt = || {
        let writer = writer.clone();
        move || act(&mut writer.lock().unwrap())
    };
    let reader = Reader::new(&disk);
    reader.interrupts.once(at, interrupt());
    let db = reader.open(small(mode)).map_err(|error| format!("opening: {error}"))?;
    let opening = reader.interrupts.end();
    // What it will read is not open yet.
    let held = writer.lock().unwrap().now();
    writer.lock().unwrap().turn_over();
    let first = seen(&db)?;
    writer.lock().unwrap().was_in(&first, from).map_err(|why| format!("opened: {why}"))?;

    let snapshot = db.snapshot().map_err(|error| error.to_string())?;
    let from = writer.lock().unwrap().count();
    reader.interrupts.once(at, interrupt());
    db.refresh().map_err(|error| format!("refreshing: {error}"))?;
    let refreshing = reader.interrupts.end();
    writer.lock().unwrap().turn_over();
    let second = seen(&db)?;
    writer.lock().unwrap().was_in(&second, from).map_err(|why| format!("refreshed: {why}"))?;

    let pairs = db.at(&snapshot).iter().collect::<Result<Vec<_>>>();
    let pairs = pairs.map_err(|error| format!("the snapshot: {error}"))?;
    let expected: Vec<_> = first[DEFAULT].iter().collect();
    if !pairs
        .iter()
        .map(|(key, value)| (&key[..], &value[..]))
        .eq(expected.iter().map(|(key, value)| (&key[..], &value[..])))
    {
        return Err(format!("the snapshot shows {pairs:?} and was taken of {expected:?}"));
    }
    db.refresh().map_err(|error| format!("refreshing again: {error}"))?;
    let last = seen(&db)?;
    if last != writer.lock().unwrap().now() || last == held {
        return Err(format!("at rest it shows {last:?}"));
    }
    db.verify().map_err(|error| format!("verifying: {error}"))?;
    Ok(opening.max(refreshing))
}

/// All interruptions in order, up to the first that shows something wrong.
pub fn all_interruptions(mode: LogMode) -> Result<u64, String> {
    let mut most = 0;
    for act in [Writer::turn_over, Writer::pass_by, Writer::come_again, Writer::die] {
        let operations = interrupted(mode, 0, act)?;
        for at in 1..=operations + 1 {
            let told = |why| format!("before operation {at}: {why:.2000}");
            interrupted(mode, at, act).map_err(told)?;
        }
        most = most.max(operations);
    }
    Ok(most)
}

#[test]
fn whatever_the_writer_does_between_two_operations_a_reader_shows_a_state_it_was_in() {
    for mode in MODES {
        let operations = all_interruptions(mode).unwrap();
        assert!(operations > 30, "{operations}");
    }
}

#[test]
fn a_writer_that_never_rests_is_caught_up_with() {
    for mode in MODES {
        let disk = SimDisk::new();
        let mut writer = Writer::new(&disk, mode, 3);
        writer.turn_over();
        let writer = Arc::new(Mutex::new(writer));
        let reader = Reader::new(&disk);
        let db = reader.open(small(mode)).unwrap();
        for every in [40, 15, 7] {
            let (writer, mut left) = (writer.clone(), 60);
            let from = writer.lock().unwrap().count();
            let act = writer.clone();
            reader.interrupts.again(1, every, move || {
                left -= i32::from(left > 0);
                if left > 0 {
                    act.lock().unwrap().turn_over();
                }
            });
            db.refresh().unwrap();
            reader.interrupts.end();
            writer.lock().unwrap().was_in(&seen(&db).unwrap(), from).unwrap();
        }
    }
}

/// One history, with readers that come, go, and look.
pub fn history(seed: u64, mode: LogMode, acts: u64) -> Result<(), String> {
    let disk = SimDisk::new();
    let mut rng = Rng::new(seed);
    let mut writer = Writer::new(&disk, mode, seed);
    let mut readers: Vec<(Reader, Db, usize)> = Vec::new();
    let mut kept = Vec::new();
    for act in 0..acts {
        writer.act(&mut rng);
        if readers.len() < 3 && rng.chance(1, 12) {
            let reader = Reader::new(&disk);
            let from = writer.count();
            let db = reader.open(small(mode)).map_err(|error| format!("{act}: {error}"))?;
            readers.push((reader, db, from));
        }
        for (reader, db, from) in &mut readers {
            if rng.chance(1, 3) {
                *from = writer.count();
                db.refresh().map_err(|error| format!("{act}: refresh: {error}"))?;
                let shown = seen(db)?;
                let now = writer.now();
                if shown != now {
                    return Err(format!("{act}: it shows {shown:?} instead of {now:?}"));
                }
            }
            if rng.chance(1, 4) {
                // A job that renews, and lets go.
                reader.world.scheduler.run_until_idle();
            }
            if rng.chance(1, 20) {
                kept.push((db.snapshot().unwrap(), db.clone(), seen(db)?));
            }
            if rng.chance(1, 8) {
                let shown = seen(db)?;
                writer.was_in(&shown, *from).map_err(|why| format!("{act}: {why}"))?;
            }
        }
        if !readers.is_empty() && rng.chance(1, 40) {
            let (reader, db, _) = readers.swap_remove(rng.below(readers.len() as u64) as usize);
            kept.retain(|(_, of, _)| of.path() != db.path());
            if rng.chance(1, 2) {
                kill(&reader.world, db);
            }
        }
        if kept.len() > 4 {
            kept.remove(0);
        }
        for (snapshot, db, shown) in &kept {
            if rng.chance(1, 8) {
                let pairs = db.at(snapshot).iter().collect::<Result<Vec<_>>>();
                let pairs = pairs.map_err(|error| format!("{act}: a snapshot: {error}"))?;
                let expected = shown[DEFAULT].iter().map(|(key, value)| (&key[..], &value[..]));
                if !pairs.iter().map(|(key, value)| (&key[..], &value[..])).eq(expected) {
                    return Err(format!("{act}: a snapshot shows {pairs:?}"));
                }
            }
        }
    }
    drop((kept, readers));
    writer.begin_anew(false);
    writer.db().wait_idle().unwrap();
    let keyspaces = writer.db().stats().keyspaces;
    let levels = keyspaces.iter().flat_map(|keyspace| &keyspace.levels);
    let listed: u64 = levels.map(|level| level.tables).sum();
    let large = writer.db().stats().blobs.files;
    let left = tables(&disk) as u64 + blobs(&disk) as u64;
    if left > listed + large {
        return Err(format!("{left} files are left, and {listed} and {large} are listed"));
    }
    Ok(())
}

#[test]
fn readers_come_and_go_beside_writers_that_come_and_go() {
    for seed in 0..12 {
        for mode in MODES {
            history(seed, mode, 250).unwrap_or_else(|why| panic!("seed {seed}: {why:.3000}"));
        }
    }
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_readers_come_and_go() {
    for seed in 100..150 {
        for mode in MODES {
            history(seed, mode, 500).unwrap_or_else(|why| panic!("seed {seed}: {why:.3000}"));
        }
    }
}

/// The tables on the disk.
fn tables(disk: &SimDisk) -> usize {
    disk.paths().iter().filter(|path| path.extension().is_some_and(|it| it == "sst")).count()
}

/// The files of large values on the disk.
fn blobs(disk: &SimDisk) -> usize {
    disk.paths().iter().filter(|path| path.extension().is_some_and(|it| it == "blob")).count()
}

/// The writer has time to ask readers again.
fn let_writer_ask(writer: &Writer) {
    for _ in 0..3 {
        writer.world.clock.advance(Duration::from_secs(2));
        writer.world.scheduler.run_until_idle();
    }
}

#[test]
fn files_go_when_nobody_reads_them_any_more() {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, LogMode::Write, 1);
    writer.turn_over();
    let reader = Reader::new(&disk);
    let db = reader.open(small(LogMode::Write)).unwrap();
    let shown = seen(&db).unwrap();
    writer.turn_over();
    writer.turn_over();
    let_writer_ask(&writer);
    let all = tables(&disk);
    assert_eq!(seen(&db).unwrap(), shown);
    let diagnosis = writer.db().doctor().unwrap();
    let held = diagnosis.finding("files_held_by_readers").unwrap();
    assert!(held.seen.contains(&format!("process {}", db.readers().unwrap()[0].process_id)));

    // A snapshot keeps what it reads, also when its database goes on.
    let snapshot = db.snapshot().unwrap();
    db.refresh().unwrap();
    reader.world.scheduler.run_until_idle();
    let_writer_ask(&writer);
    let value = db.at(&snapshot).get("a").unwrap().unwrap();
    assert_eq!(&value[..], &shown[DEFAULT][&b"a"[..]][..]);
    assert!(db.readers().unwrap()[0].edit > 0);
    assert!(db.readers().unwrap()[0].seqno >= snapshot.seqno());
    assert_eq!(tables(&disk), all, "they stay");
    drop(snapshot);
    reader.world.scheduler.run_until_idle();
    let_writer_ask(&writer);
    assert!(tables(&disk) < all, "they go");
    assert_eq!(seen(&db).unwrap(), writer.now());
}

#[test]
fn a_reader_that_died_keeps_nothing_and_one_that_hangs_keeps_it_for_its_lease() {
    for is_killed in [true, false] {
        let disk = SimDisk::new();
        let mut writer = Writer::new(&disk, LogMode::Write, 1);
        writer.turn_over();
        let reader = Reader::new(&disk);
        let lease = Duration::from_secs(30);
        let db = reader.open(small(LogMode::Write).reader_lease(lease)).unwrap();
        let snapshot = db.snapshot().unwrap();
        writer.turn_over();
        writer.turn_over();
        let_writer_ask(&writer);
        let all = tables(&disk);
        let db = if is_killed {
            kill(&reader.world, (db, snapshot));
            None
        } else {
            assert_eq!(writer.db().readers().unwrap().len(), 1);
            // Its job is not stepped, as that of a stopped process is not.
            writer.world.clock.advance(lease);
            assert_eq!(writer.db().readers().unwrap()[0].lease_left, Duration::ZERO);
            Some((db, snapshot))
        };
        let_writer_ask(&writer);
        assert!(tables(&disk) < all, "killed: {is_killed}");
        let Some((db, snapshot)) = db else { continue };
        // Never wrong, and right again once it is refreshed.
        let error = show(&db).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("refresh"), "{error}");
        let error = db.iter().find_map(Result::err).unwrap();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        reader.world.clock.advance(Duration::from_secs(60));
        assert!(db.refresh().unwrap());
        assert_eq!(seen(&db).unwrap(), writer.now());
        // What the snapshot would read is gone for good; one that is made now is as good as any.
        let error = db.at(&snapshot).iter().find_map(Result::err).unwrap();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        let snapshot = db.snapshot().unwrap();
        assert_eq!(db.at(&snapshot).count(..).unwrap() as usize, writer.now()[DEFAULT].len());
    }
}

#[test]
fn a_reader_that_looks_by_itself_sees_writes_as_they_come() {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, LogMode::Mapped, 1);
    let reader = Reader::new(&disk);
    let every = Some(Duration::from_millis(20));
    let db = reader.open(small(LogMode::Mapped).refresh_every(every)).unwrap();
    for _ in 0..5 {
        writer.turn_over();
        reader.world.clock.advance(Duration::from_millis(30));
        reader.world.scheduler.run_until_idle();
        assert_eq!(seen(&db).unwrap(), writer.now());
    }
    assert!(!db.refresh().unwrap(), "there is nothing new");
    writer.put(DEFAULT, "new", "");
    assert!(db.refresh().unwrap());
    assert!(!writer.db().refresh().unwrap(), "a writer has seen its writes");
}

#[test]
fn what_was_not_logged_is_seen_once_it_is_flushed() {
    let disk = SimDisk::new();
    let writer = Writer::new(&disk, LogMode::Write, 1);
    let db = Reader::new(&disk).open(small(LogMode::Write)).unwrap();
    let volatile = WriteOptions::new().durability(Durability::Volatile);
    writer.db().put("k", "logged").unwrap();
    writer.db().put_with("k", "not logged", &volatile).unwrap();
    db.refresh().unwrap();
    assert_eq!(db.get("k").unwrap().as_deref(), Some(&b"logged"[..]));
    assert!(db.durable_seqno() < db.latest_seqno(), "who knows?");
    writer.db().flush().unwrap();
    db.refresh().unwrap();
    assert_eq!(db.durable_seqno(), writer.db().latest_seqno());
    assert_eq!(db.get("k").unwrap().as_deref(), Some(&b"not logged"[..]));
    assert_eq!(db.count(..).unwrap(), 1);
}

#[test]
fn keyspaces_come_and_go_with_their_handles() {
    let disk = SimDisk::new();
    let writer = Writer::new(&disk, LogMode::Write, 1);
    writer.make("old");
    writer.put("old", "k", "v");
    let db = Reader::new(&disk).open(small(LogMode::Write)).unwrap();
    let old = db.keyspace("old").unwrap();
    writer.drop_keyspace("old");
    writer.make("old");
    writer.make("new");
    assert_eq!(old.get("k").unwrap().as_deref(), Some(&b"v"[..]));
    assert_eq!(db.keyspace("new").unwrap_err().kind(), ErrorKind::ReadOnly);
    db.refresh().unwrap();
    assert_eq!(old.get("k").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(db.keyspace("old").unwrap().get("k").unwrap(), None);
    assert_eq!(db.keyspace_names(), ["new", "old"]);
}

#[test]
fn damage_beside_a_writer_is_told_and_nothing_wrong_is_shown() {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, LogMode::Write, 1);
    writer.turn_over();
    for at in 0..20 {
        writer.put(DEFAULT, &format!("late {at}"), "in the log");
    }
    let place = |path: std::path::PathBuf| {
        let name = path.to_str()?.to_owned();
        let bytes = disk.contents(&name).ok()?;
        let at = bytes.windows(7).position(|it| it == b"late 10")?;
        name.ends_with(".wal").then_some((name, at))
    };
    let (log, at) = disk.paths().into_iter().rev().find_map(place).unwrap();
    disk.rot(&log, at as u64, 1).unwrap();
    let reader = Reader::new(&disk);
    let error = reader.open(small(LogMode::Write)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error}");
    disk.rot(&log, at as u64, 1).unwrap();
    let db = reader.open(small(LogMode::Write)).unwrap();
    assert_eq!(seen(&db).unwrap(), writer.now());
}

#[test]
fn a_directory_that_vanishes_is_told() {
    let (disk, shown) = rich(false);
    let (world, opened) = open_at(&disk, options(), 1);
    let writer = opened.unwrap();
    let db = open_at(&disk, reading(), 2).1.unwrap();
    assert_eq!(read_all(&db).unwrap(), shown);
    let fresh = open_at(&disk, reading(), 3).1.unwrap();
    for path in disk.paths() {
        if disk.contents(path.to_str().unwrap()).is_ok() {
            disk.remove(path.to_str().unwrap()).unwrap();
        }
    }
    let error = db.refresh().unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("vanished"), "{error}");
    // What is open is there still, and what is not says why.
    assert_eq!(read_all(&db).unwrap(), shown);
    let error = fresh.iter().find_map(Result::err).unwrap();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("vanished"), "{error}");
    db.close().unwrap();
    kill(&world, writer);
}

#[test]
fn a_reader_without_a_slot_is_told_when_its_files_go() {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, LogMode::Write, 1);
    writer.turn_over();
    // As a process that may not write there.
    disk.set_read_only(true);
    let db = Reader::new(&disk).open(small(LogMode::Write)).unwrap();
    disk.set_read_only(false);
    assert!(db.open_report().notes[0].contains("no slot"), "{:?}", db.open_report().notes);
    writer.turn_over();
    writer.turn_over();
    assert_eq!(writer.db().readers().unwrap(), []);
    let error = db.iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    db.refresh().unwrap();
    assert_eq!(seen(&db).unwrap(), writer.now());
}

#[test]
fn a_reader_needs_what_a_keyspace_is_made_with_and_only_for_that_one() {
    let disk = SimDisk::new();
    let writer = Writer::new(&disk, LogMode::Write, 1);
    writer.make("back and tail");
    writer.put("back and tail", "k", "v");
    let world = SimWorld::from_disk(disk.clone(), 5);
    let without = Db::builder(Path::new(PATH)).options(small(LogMode::Write).read_only(true));
    let db = without.env(world.env()).open().unwrap();
    let refused = |name: &str| {
        let error = db.keyspace(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.to_string().contains("`tail-first`"), "{error}");
    };
    refused("back and tail");
    writer.make("tail again");
    writer.put("tail again", "k", "v");
    writer.make("one");
    writer.merge("one", "k", "1");
    writer.db().flush().unwrap();
    writer.merge("one", "k", "2");
    assert!(db.refresh().unwrap());
    refused("back and tail");
    refused("tail again");
    assert_eq!(db.keyspace("one").unwrap().get("k").unwrap().unwrap(), "12");
    db.verify().unwrap();
    let with = Reader::new(&disk).open(small(LogMode::Write)).unwrap();
    assert_eq!(seen(&with).unwrap(), writer.now());
}

#[test]
fn snapshots_keep_operands_and_what_single_deletes_took_while_the_writer_folds() {
    let disk = SimDisk::new();
    let writer = Writer::new(&disk, LogMode::Write, 1);
    ["one", "two"].iter().for_each(|name| writer.make(name));
    let reader = Reader::new(&disk);
    let db = reader.open(small(LogMode::Write)).unwrap();
    let (one, two) = (db.keyspace("one").unwrap(), db.keyspace("two").unwrap());
    let mut kept = Vec::new();
    for act in 0..60 {
        for key in ["a", "b", "c"] {
            writer.merge("one", key, &format!("{act},"));
        }
        writer.queue("two", &format!("job {:02}", act % 7));
        match act % 4 {
            1 => writer.db().flush().unwrap(),
            3 => ["one", "two"].iter().for_each(|name| {
                writer.db().keyspace(name).unwrap().compact(..).unwrap();
            }),
            _ => {}
        }
        db.refresh().unwrap();
        reader.world.scheduler.run_until_idle();
        let_writer_ask(&writer);
        kept.push((db.snapshot().unwrap(), writer.now()));
        for (snapshot, then) in kept.iter().rev().step_by(9) {
            for (keyspace, pairs) in [(&one, &then["one"]), (&two, &then["two"])] {
                let seen = keyspace.at(snapshot).iter().collect::<Result<Vec<_>>>().unwrap();
                let mut seen: Vec<_> =
                    seen.iter().map(|(key, value)| (&key[..], &value[..])).collect();
                seen.sort();
                let then: Vec<_> =
                    pairs.iter().map(|(key, value)| (&key[..], &value[..])).collect();
                assert_eq!(seen, then, "{} after {act}", keyspace.name());
            }
        }
    }
    assert_eq!(seen(&db).unwrap(), writer.now());
    kept.drain(..59);
    let (snapshot, _) = &kept[0];
    reader.world.scheduler.run_until_idle();
    let_writer_ask(&writer);
    assert_eq!(one.at(snapshot).count(..).unwrap(), 3);
}

#[test]
fn another_database_in_the_place_of_the_first_is_told() {
    let (disk, shown) = rich(false);
    let (world, opened) = open_at(&disk, options(), 1);
    let writer = opened.unwrap();
    let read = open_at(&disk, reading(), 2).1.unwrap();
    assert_eq!(read_all(&read).unwrap(), shown);
    let fresh = open_at(&disk, reading(), 3).1.unwrap();
    for path in disk.paths() {
        if disk.contents(path.to_str().unwrap()).is_ok() {
            disk.remove(path.to_str().unwrap()).unwrap();
        }
    }
    kill(&world, writer);
    // Of the same shape, so that names and numbers are the same.
    let (_other_world, other) = open_at(&disk, options(), 4);
    let other = other.unwrap();
    fill(&other).unwrap();
    let is_told = |error: lsm_core::Error| {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert!(error.to_string().contains("another database"), "{error}");
    };
    is_told(fresh.iter().find_map(Result::err).unwrap());
    is_told(fresh.refresh().unwrap_err());
    is_told(read.refresh().unwrap_err());
    assert_eq!(read_all(&read).unwrap(), shown, "what is open is there still");
    let again = open_at(&disk, reading(), 5).1.unwrap();
    assert_eq!(again.readers().unwrap().len(), 1, "the others have their slots in another file");
}

#[test]
fn there_can_be_many_readers() {
    let disk = SimDisk::new();
    let mut writer = Writer::new(&disk, LogMode::Write, 1);
    let mut readers = Vec::new();
    for _ in 0..150 {
        writer.put(DEFAULT, "k", "v");
        let reader = Reader::new(&disk);
        let db = reader.open(small(LogMode::Write)).unwrap();
        readers.push((reader, db, writer.now()));
    }
    writer.turn_over();
    writer.turn_over();
    assert_eq!(writer.db().readers().unwrap().len(), 150);
    for (_, db, shown) in &readers {
        assert_eq!(seen(db).unwrap(), *shown);
    }
    let all = tables(&disk);
    readers.drain(..140);
    assert_eq!(writer.db().readers().unwrap().len(), 10);
    drop(readers);
    let_writer_ask(&writer);
    assert!(tables(&disk) < all);
}

#[test]
fn options_of_readers_are_checked() {
    let disk = SimDisk::new();
    let writer = Writer::new(&disk, LogMode::Write, 1);
    let refused = |options: Options| {
        let error = open_at(&disk, options, 1).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    };
    refused(options().refresh_every(Some(Duration::from_secs(1))));
    refused(reading().refresh_every(Some(Duration::ZERO)));
    refused(reading().reader_lease(Duration::from_millis(99)));
    let chosen = reading().refresh_every(Some(Duration::from_millis(7)));
    let chosen = chosen.reader_lease(Duration::from_secs(9));
    assert_eq!(Options::parse(&chosen.to_string()).unwrap(), chosen);
    drop(writer);
}
