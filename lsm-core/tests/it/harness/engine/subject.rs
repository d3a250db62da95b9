//! The whole engine as what is opened, looked at and recovered in the stories.

use std::path::Path;
use std::sync::Arc;

use lsm_core::api::db::Db;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::base::error::{Error, Result};
use lsm_core::env::clock::Clock;
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::database::Options;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;
use lsm_core::options::memory::MemtableKind;
use lsm_core::options::write::WriteOptions;

use crate::harness::disk::PATH;
use crate::harness::engine::reference::{DEFAULT, Pairs, Shown, as_if_swept, describe};
use crate::harness::engine::sweeper::Sweeper;
use crate::harness::images::{Crash, Subject};

/// The keys of the default keyspace that the scripts write.
pub const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The whole engine, opened like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    pub mode: LogMode,
    pub memtable: MemtableKind,
}

impl Setup {
    pub fn options(self) -> Options {
        Options::new()
            .memory_limit(16 << 20)
            .memtable_bytes(4096)
            .memtable(self.memtable)
            .background_threads(2)
            .log_mode(self.mode)
            .log_segment_bytes_max(8192)
    }
}

const YEAR_MILLIS: u64 = 365 * 24 * 3_600_000;

/// Opens the database on a disk, some years later.
pub fn open(disk: &SimDisk, setup: Setup, seed: u64, years: u64) -> (SimWorld, Result<Db>) {
    let world = SimWorld::from_disk(disk.clone(), seed);
    world.clock.set_wall_millis(world.clock.wall_millis() + years * YEAR_MILLIS);
    let builder = Db::builder(Path::new(PATH)).options(setup.options()).env(world.env());
    let opened = builder.compaction_filter(Sweeper::default()).open();
    (world, opened)
}

/// The death of the process: as a forked child, the handles touch nothing when they go.
pub fn kill<T>(world: &SimWorld, handles: T) {
    world.disk.set_forked(true);
    world.scheduler.kill();
    drop(handles);
    world.disk.set_forked(false);
}

/// Why a database does not show what it should.
#[derive(Debug)]
pub enum Trouble {
    /// A call failed.
    Failed(Error),
    /// Calls contradict each other or the reference.
    Wrong(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "{error:?}"),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// Everything that a keyspace shows, read in every way.
fn show_keyspace(keyspace: &Keyspace) -> Result<Pairs, Trouble> {
    let forward = keyspace.iter().collect::<Result<Vec<_>>>()?;
    let mut backward = keyspace.iter().rev().collect::<Result<Vec<_>>>()?;
    backward.reverse();
    let name = keyspace.name();
    let wrong = |why: String| Err(Trouble::Wrong(format!("keyspace {name}: {why}")));
    if forward != backward {
        return wrong(format!("{} pairs forward, {} backward", forward.len(), backward.len()));
    }
    for (key, value) in &forward {
        if keyspace.get(key)?.as_ref() != Some(value) {
            return wrong(format!("{key:?} is met by a scan and not by a get"));
        }
    }
    for key in KEYS.iter().chain(&["", "zz"]) {
        let is_met = forward.iter().any(|(met, _)| &met[..] == key.as_bytes());
        if keyspace.contains_key(key)? != is_met {
            return wrong(format!("{key:?} is met by a get and not by a scan"));
        }
    }
    Ok(forward.iter().map(|(key, value)| (key.to_vec(), Arc::from(&value[..]))).collect())
}

/// Everything that a database shows; where a filter sweeps, as if it had been shown everything.
pub fn show(db: &Db) -> Result<Shown, Trouble> {
    let mut shown = Shown::from([(DEFAULT.to_owned(), show_keyspace(db)?)]);
    for name in db.keyspace_names() {
        let pairs = show_keyspace(&db.keyspace(&name)?)?;
        shown.insert(name, pairs);
    }
    Ok(as_if_swept(shown))
}

impl Subject for Setup {
    type Session = (SimWorld, Db);
    type Found = Shown;

    fn open(&self, disk: &SimDisk, seed: u64) -> Result<(Self::Session, Shown), String> {
        // What a script has left to expire has expired.
        let (world, opened) = open(disk, *self, seed, 100);
        let db = opened.map_err(|error| format!("{error:?}"))?;
        let shown = show(&db).and_then(|shown| {
            db.verify()?;
            Ok(shown)
        });
        match shown {
            Ok(shown) => Ok(((world, db), shown)),
            Err(trouble) => {
                kill(&world, db);
                Err(format!("opened, and then: {trouble}"))
            }
        }
    }

    fn follow_up(&self, disk: &SimDisk, (_, db): &Self::Session, found: &Shown) -> Option<String> {
        let durable = WriteOptions::new().durability(Durability::Durable);
        if let Err(error) = db.put_with(b"zzz", b"after the crash", &durable) {
            return Some(format!("the recovered database takes no write: {error:?}"));
        }
        let mut expected = found.clone();
        let value = Arc::from(b"after the crash".as_slice());
        expected.entry(DEFAULT.to_owned()).or_default().insert(b"zzz".to_vec(), value);
        for crash in [Crash::Power(CrashPolicy::SyncedOnly, 0), Crash::Kill] {
            match self.peek(&crash.image(&disk.moment()), 3001) {
                Ok(found) if found == expected => {}
                Ok(found) => {
                    let found = describe(&found);
                    return Some(format!("after recovery, a write and {crash}: {found}"));
                }
                Err(error) => return Some(format!("after recovery, a write and {crash}: {error}")),
            }
        }
        if let Err(error) = db.flush().and_then(|()| db.verify()) {
            return Some(format!("the recovered database cannot flush: {error:?}"));
        }
        match show(db) {
            Ok(found) if found == expected => None,
            Ok(found) => Some(format!("after recovery and a flush: {}", describe(&found))),
            Err(error) => Some(format!("after recovery and a flush: {error}")),
        }
    }

    fn kill(&self, (world, db): Self::Session) {
        kill(&world, db);
    }
}
