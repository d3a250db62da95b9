//! Readers as processes: one process writes, others open its database, look, hold what they have
//! seen, and go. Writer and readers are killed with SIGKILL at any time. No opening fails, nobody
//! sees half a batch, nobody sees less than was acknowledged before it looked, and the writer is
//! never in anybody's way.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lsm_core::{Db, ErrorKind, LogMode, Options, Snapshot};

use crate::machine::kit::{Dice, MODES, TempDir, again, mode_name, mode_of, role};

/// Each batch replaces the value of one of these many keys.
const KEYS: u64 = 40;

fn small(mode: LogMode) -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(64 << 10)
        .background_threads(1)
        .log_mode(mode)
        .log_segment_bytes_max(64 << 10)
}

fn key(index: u64) -> String {
    format!("key {:02}", index % KEYS)
}

fn value(index: u64) -> Vec<u8> {
    let mut bytes = index.to_le_bytes().to_vec();
    bytes.resize(8 + (index * 131 % 900) as usize, index as u8);
    bytes
}

/// The number of the last batch that was acknowledged, where all processes see it.
struct Acknowledged(File);

impl Acknowledged {
    fn of(path: &Path) -> Self {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        Self(options.open(path.with_extension("acknowledged")).unwrap())
    }

    fn get(&self) -> u64 {
        let mut bytes = [0; 8];
        let read = self.0.read_at(&mut bytes, 0).unwrap();
        if read < 8 { 0 } else { u64::from_le_bytes(bytes) }
    }

    fn set(&self, index: u64) {
        self.0.write_at(&index.to_le_bytes(), 0).unwrap();
    }
}

/// The number of the batch whose state is shown: all of it, and nothing of the next.
fn check(of: &impl lsm_core::Read, what: &str) -> u64 {
    let last = of.get("last").unwrap().map_or(0, |bytes| number(&bytes));
    let pairs: Vec<_> = of.range("key ".."key~").collect::<Result<_, _>>().unwrap();
    assert_eq!(pairs.len() as u64, last.min(KEYS), "{what}: batch {last}");
    for index in last.saturating_sub(KEYS - 1).max(1)..=last {
        let found = pairs.iter().find(|(found, _)| found == key(index).as_bytes());
        let (_, found) = found.unwrap_or_else(|| panic!("{what}: {index} of {last} is missing"));
        let then = number(found);
        assert_eq!(then, index, "{what}: at batch {last}, key {} is of batch {then}", key(index));
        assert!(*found == value(index), "{what}: batch {index} is not what was written");
    }
    let odd = of.get("odd").unwrap().is_some();
    assert_eq!(odd, last % 2 == 1, "{what}: batch {last}");
    last
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn write(path: &Path, mode: LogMode, dice: &mut Dice) {
    let acknowledged = Acknowledged::of(path);
    loop {
        let db = Db::builder(path).options(small(mode)).open().unwrap();
        let mut index = check(&db, "the writer");
        assert!(index >= acknowledged.get());
        while dice.below(3000) > 0 {
            index += 1;
            let mut batch = db.batch();
            let default = db.default_keyspace();
            batch.put(default, "last", index.to_le_bytes()).put(default, key(index), value(index));
            match index % 2 {
                1 => batch.put(default, "odd", "yes"),
                _ => batch.delete_range(default, "o".."p"),
            };
            db.write(&batch).unwrap();
            acknowledged.set(index);
            match dice.below(400) {
                0 => db.flush().unwrap(),
                1 => db.compact(..).unwrap(),
                2 => db.sync().unwrap(),
                3 => drop(db.keyspace(&format!("keyspace {index}")).unwrap()),
                4..9 => std::thread::sleep(Duration::from_millis(dice.below(5))),
                _ => {}
            }
        }
        match dice.below(2) {
            0 => db.close().unwrap(),
            _ => drop(db),
        }
    }
}

fn read(path: &Path, mode: LogMode, dice: &mut Dice) {
    let acknowledged = Acknowledged::of(path);
    let (mut seen, mut openings) = (0, 0u64);
    loop {
        let by_itself = (dice.below(3) == 0).then_some(Duration::from_millis(2));
        let options = small(mode).read_only(true).refresh_every(by_itself);
        let least = acknowledged.get();
        let db = Db::builder(path).options(options).open().unwrap();
        openings += 1;
        let opened = check(&db.at(&db.snapshot().unwrap()), "opened");
        assert!(opened >= least.max(seen), "{opened} is shown, {least} was acknowledged");
        seen = opened;
        let mut held: Option<(Snapshot, u64)> = None;
        for _ in 0..dice.below(30) {
            let least = acknowledged.get();
            db.refresh().unwrap();
            let snapshot = db.snapshot().unwrap();
            let now = check(&db.at(&snapshot), "refreshed");
            assert!(now >= least.max(seen), "{now} is shown, {least} was acknowledged");
            seen = now;
            if let Some((snapshot, then)) = &held {
                assert_eq!(check(&db.at(snapshot), "held"), *then);
            }
            if dice.below(6) == 0 {
                held = Some((snapshot, now));
            }
            std::thread::sleep(Duration::from_micros(dice.below(3000)));
        }
        if dice.below(20) == 0 {
            db.verify().unwrap();
        }
        println!("\n@{openings}");
    }
}

#[test]
#[ignore = "the other processes of this story, which starts them"]
fn child() {
    let Some(role) = role() else { return };
    let (path, mode) = (Path::new(&role[1]), mode_of(&role[2]));
    let mut dice = Dice(role[3].parse().unwrap());
    match role[0].as_str() {
        "write" => write(path, mode, &mut dice),
        _ => read(path, mode, &mut dice),
    }
}

/// A process of the story, which goes on until it is killed.
struct Player {
    child: Child,
    lines: std::thread::JoinHandle<u64>,
}

impl Player {
    fn new(what: &str, path: &Path, mode: LogMode, dice: &mut Dice) -> Self {
        let seed = dice.below(u64::MAX).to_string();
        let role = [what, path.to_str().unwrap(), mode_name(mode), &seed];
        let mut child = again(module_path!(), &role).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines = std::thread::spawn(move || {
            let lines = out.lines().map_while(Result::ok);
            lines.filter(|line| line.starts_with('@')).count() as u64
        });
        Self { child, lines }
    }

    /// Kills it, unless it has failed; answers how many openings it has told of.
    fn kill(mut self) -> u64 {
        let failed = self.child.try_wait().unwrap();
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        if failed.is_some() || !was_killed(status) {
            let mut why = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("a process failed: {status}: {why}");
        }
        self.lines.join().unwrap()
    }

    fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

fn story(mode: LogMode, limit: Duration, seed: u64) {
    let (start, mut dice, dir) = (Instant::now(), Dice(seed), TempDir::new());
    let path = dir.db();
    drop(Db::builder(&path).options(small(mode)).open().unwrap());
    let mut writer = Player::new("write", &path, mode, &mut dice);
    let mut readers: Vec<_> = (0..3).map(|_| Player::new("read", &path, mode, &mut dice)).collect();
    let (mut kills, mut writers, mut openings) = (0u64, 0u64, 0u64);
    while start.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(10 + dice.below(250)));
        if writer.is_over() || dice.below(5) == 0 {
            writer.kill();
            writers += 1;
            writer = Player::new("write", &path, mode, &mut dice);
        } else {
            let at = dice.below(3) as usize;
            openings += readers.swap_remove(at).kill();
            kills += 1;
            readers.push(Player::new("read", &path, mode, &mut dice));
        }
        if let Some(over) = readers.iter_mut().position(Player::is_over) {
            readers.swap_remove(over).kill();
        }
    }
    for reader in readers {
        openings += reader.kill();
    }
    writer.kill();
    // Nobody lives: what was acknowledged is there, and no file is left that nobody lists.
    let last = Acknowledged::of(&path).get();
    let db = Db::builder(&path).options(small(mode)).open().unwrap();
    let found = check(&db, "at the end");
    assert!(found >= last && found <= last + writers + 1, "{found} of {last}");
    assert_eq!(db.readers().unwrap(), []);
    db.verify().unwrap();
    db.close().unwrap();
    println!(
        "{}: {openings} openings by readers, {kills} of them and {writers} writers killed, {found} \
         batches, {:.1} s (seed {seed})",
        mode_name(mode),
        start.elapsed().as_secs_f64()
    );
    assert!(found > 0 && openings > 0);
}

#[test]
fn readers_and_writers_are_killed_beside_each_other() {
    for mode in MODES {
        story(mode, Duration::from_secs(5), 1);
    }
}

#[test]
#[ignore = "a minute: make prove; as long as LSM_SECONDS says: make readers"]
fn prove_readers_and_writers_are_killed_beside_each_other() {
    let seconds = std::env::var("LSM_SECONDS").ok().and_then(|text| text.parse().ok());
    let each = Duration::from_secs(seconds.unwrap_or(60)) / MODES.len() as u32;
    for (seed, mode) in (2..).zip(MODES) {
        story(mode, each, seed);
    }
}

#[test]
fn a_hundred_openings_beside_a_busy_writer() {
    let dir = TempDir::new();
    let path = dir.db();
    let db = Db::builder(&path).options(small(LogMode::Auto)).open().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, writer) = (is_over.clone(), db.clone());
    let thread = std::thread::spawn(move || {
        let mut index = 0u64;
        while !over.load(Ordering::Relaxed) {
            index += 1;
            let mut batch = writer.batch();
            let default = writer.default_keyspace();
            batch.put(default, "last", index.to_le_bytes()).put(default, key(index), value(index));
            match index % 2 {
                1 => batch.put(default, "odd", "yes"),
                _ => batch.delete(default, "odd"),
            };
            writer.write(&batch).unwrap();
        }
        index
    });
    let mut seen = 0;
    for opening in 0..100 {
        let options = small(LogMode::Auto).read_only(true);
        let reader = Db::builder(&path).options(options).open().unwrap();
        let now = check(&reader, &format!("opening {opening}"));
        assert!(now >= seen);
        reader.refresh().unwrap();
        seen = check(&reader, &format!("opening {opening}, refreshed"));
        assert!(seen >= now);
        reader.close().unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let last = thread.join().unwrap();
    let options = small(LogMode::Auto).read_only(true);
    let reader = Db::builder(&path).options(options).open().unwrap();
    assert_eq!(check(&reader, "at the end"), last);
    assert_eq!(db.readers().unwrap().len(), 1);
    assert_eq!(Db::destroy(&path).unwrap_err().kind(), ErrorKind::Locked);
    db.close().unwrap();
    let error = Db::destroy(&path).unwrap_err();
    assert!(error.kind() == ErrorKind::Locked && error.to_string().contains("reads"), "{error}");
    drop(reader);
    Db::destroy(&path).unwrap();
}

#[test]
fn a_directory_that_is_deleted_is_told_and_nobody_crashes() {
    let dir = TempDir::new();
    let path = dir.db();
    let db = Db::builder(&path).options(small(LogMode::Mapped)).open().unwrap();
    for index in 1..500 {
        db.put(key(index), value(index)).unwrap();
    }
    db.flush().unwrap();
    let reader = Db::builder(&path).options(small(LogMode::Auto).read_only(true)).open().unwrap();
    let fresh = Db::builder(&path).options(small(LogMode::Auto).read_only(true)).open().unwrap();
    let pairs = reader.count(..).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let error = reader.refresh().unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("vanished"), "{error}");
    assert_eq!(reader.count(..).unwrap(), pairs, "what is open is there");
    let error = fresh.get(key(1)).unwrap_err();
    assert!(error.to_string().contains("vanished"), "{error}");
    reader.close().unwrap();
    drop(fresh);
    drop(db);
}
