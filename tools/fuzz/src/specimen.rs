//! A real database with something of everything, small: what inputs begin with, and what a hostile
//! directory is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::rng::Rng;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::log_mode::LogMode;
use lsm_core::{Comparator, Compression, Db, Keyspace, KeyspaceOptions, Options, Result, Strategy};

use crate::place::PATH;

/// Files by their plain names.
pub type Files = BTreeMap<String, Vec<u8>>;
/// What a keyspace holds.
pub type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;
/// What was ever written under a key, by keyspace.
pub type History = BTreeMap<String, BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>>;

/// The keyspace whose values are sums, which are made and not written.
pub const SUMS: &str = "sums";

/// Databases and what is in them.
#[derive(Debug)]
pub struct Specimen {
    /// A database that was closed in order.
    pub closed: Files,
    /// The same one, had it been killed before.
    pub killed: Files,
    /// As it was some time before.
    pub older: Files,
    /// Another database.
    pub foreign: Files,
    /// What the first two hold.
    pub truth: BTreeMap<String, Pairs>,
    /// What was ever written to them.
    pub history: History,
}

/// How a database is opened here: so that little makes tables.
#[must_use]
pub fn options() -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(8 << 10)
        .background_threads(1)
        .log_mode(LogMode::Write)
        .log_segment_bytes_max(8 << 10)
}

/// The death of a process: handles touch nothing when they go.
pub fn kill<T>(world: &SimWorld, handles: T) {
    world.disk.set_forked(true);
    world.scheduler.kill();
    drop(handles);
    world.disk.set_forked(false);
}

/// The files of a database, by their plain names.
#[must_use]
pub fn files_of(disk: &SimDisk) -> Files {
    let paths = disk.paths().into_iter().filter_map(|path| path.to_str().map(str::to_owned));
    let name = |path: &str| Some(path.strip_prefix(PATH)?.strip_prefix('/')?.to_owned());
    let named = paths.filter_map(|path| Some((name(&path)?, disk.contents(&path).ok()?)));
    named.collect()
}

/// A disk with these files of a database.
#[must_use]
pub fn disk_of(files: &Files) -> SimDisk {
    let disk = SimDisk::new();
    for (name, bytes) in files {
        disk.plant(&format!("{PATH}/{name}"), bytes).unwrap();
    }
    disk
}

/// All pairs of all keyspaces.
pub fn read_all(db: &Db) -> Result<BTreeMap<String, Pairs>> {
    let mut all = BTreeMap::new();
    for name in std::iter::once("default".to_owned()).chain(db.keyspace_names()) {
        let pairs = pairs_of(&db.keyspace(&name)?)?;
        all.insert(name, pairs);
    }
    Ok(all)
}

/// All pairs of a keyspace.
pub fn pairs_of(keyspace: &Keyspace) -> Result<Pairs> {
    let pair = |pair: Result<(lsm_core::Slice, lsm_core::Slice)>| {
        pair.map(|(key, value)| (key.to_vec(), value.to_vec()))
    };
    keyspace.iter().map(pair).collect()
}

/// Writes to a database, and remembers what.
struct Writer {
    rng: Rng,
    history: History,
}

impl Writer {
    fn put(&mut self, keyspace: &Keyspace, key: &[u8], value: &[u8]) {
        keyspace.put(key, value).unwrap();
        let keys = self.history.entry(keyspace.name().to_owned()).or_default();
        keys.entry(key.to_vec()).or_default().insert(value.to_vec());
    }

    fn value(&mut self, len: usize) -> Vec<u8> {
        let mut value = vec![self.rng.below(256) as u8; len];
        let half = len / 2;
        self.rng.garbage(&mut value[half..]);
        value
    }

    /// Some writes of every kind.
    fn round(&mut self, db: &Db, round: u64) {
        let keyspaces =
            ["default", "apart", "packed", "reverse"].map(|it| db.keyspace(it).unwrap());
        for key in 0..12u64 {
            for keyspace in &keyspaces {
                let len = match keyspace.name() {
                    "apart" => [70, 300, 20][key as usize % 3],
                    _ => 8 + self.rng.below(60) as usize,
                };
                let value = self.value(len);
                self.put(keyspace, format!("key {:02}", (key * 3 + round) % 24).as_bytes(), &value);
            }
        }
        let [default, apart, packed, _] = &keyspaces;
        default.delete(format!("key {round:02}")).unwrap();
        default
            .delete_range(format!("key {:02}", 8 + round)..format!("key {:02}", 10 + round))
            .unwrap();
        packed.delete("key 05").unwrap();
        let year = Duration::from_secs(365 * 24 * 3600);
        apart.put_with_ttl("expires", "in a year", year).unwrap();
        let keys = self.history.entry("apart".to_owned()).or_default();
        keys.entry(b"expires".to_vec()).or_default().insert(b"in a year".to_vec());
        let sums = db.keyspace(SUMS).unwrap();
        for key in 0..4u64 {
            sums.merge(format!("sum {key}"), (key + round).to_le_bytes()).unwrap();
        }
    }
}

fn make_keyspaces(db: &Db) {
    let of = KeyspaceOptions::new;
    let apart = of().blob_threshold(64).block_bytes(512);
    let packed = of().strategy(Strategy::Tiered { runs_max: 3 });
    let packed = packed.compression(Compression::Zstd { level: 3 });
    let reverse = of().comparator(Comparator::Reverse).compression(Compression::None);
    for (name, options) in [
        ("apart", apart),
        ("packed", packed),
        ("reverse", reverse),
        (SUMS, of().merge_operator("add_i64")),
        ("gone", of()),
    ] {
        db.keyspace_with(name, options).unwrap();
    }
    db.keyspace("gone").unwrap().put("x", "y").unwrap();
}

/// The files as the rounds leave them: half way, killed, closed. And what was written.
fn written(seed: u64) -> ([Files; 3], BTreeMap<String, Pairs>, History) {
    let disk = SimDisk::new();
    let world = SimWorld::from_disk(disk.clone(), seed);
    let builder = Db::builder(Path::new(PATH)).options(options()).env(world.env());
    let db = builder.open().unwrap();
    make_keyspaces(&db);
    let mut writer = Writer { rng: Rng::new(seed), history: History::new() };
    let mut older = Files::new();
    for round in 0..4 {
        writer.round(&db, round);
        match round {
            0 => db.flush().unwrap(),
            1 => {
                db.drop_keyspace("gone").unwrap();
                db.compact(..).unwrap();
                older = files_of(&disk);
            }
            2 => db.flush().unwrap(),
            _ => db.sync().unwrap(),
        }
    }
    world.scheduler.run_until_idle();
    let truth = read_all(&db).unwrap();
    let killed = files_of(&disk.process_crash());
    db.close().unwrap();
    ([older, killed, files_of(&disk)], truth, writer.history)
}

impl Specimen {
    fn make() -> Self {
        let ([older, killed, closed], truth, history) = written(11);
        let ([_, _, foreign], _, _) = written(12);
        Self { closed, killed, older, foreign, truth, history }
    }

    /// The one specimen; made at the first call.
    #[must_use]
    pub fn get() -> &'static Self {
        static SPECIMEN: OnceLock<Specimen> = OnceLock::new();
        SPECIMEN.get_or_init(Self::make)
    }

    /// Every file of any of the databases whose name ends so.
    pub fn ending(&self, ending: &str) -> Vec<&[u8]> {
        let all = [&self.closed, &self.killed, &self.older];
        let files = all.into_iter().flatten().filter(|(name, _)| name.ends_with(ending));
        let mut files: Vec<&[u8]> = files.map(|(_, bytes)| bytes.as_slice()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}
