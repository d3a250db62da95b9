//! redb, where the feature of its name is on.
//!
//! It has no log: a write that survives the process is one that reaches the disk. Where writes need
//! not be synced, one in many is, which is as much as redb can be asked to lose.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, TryLockError};

use lsm_bench::store::{Cursor, Each, Engine, Failure, Result, Session, Setup, Store, Walk};
use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, StorageError,
    Table, TableDefinition,
};

use crate::locked::locked_version;

const PAIRS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("pairs");

/// Of unsynced writes, one in so many is synced.
const UNSYNCED_WRITES: u64 = 4096;

/// redb.
pub(crate) struct Redb;

impl Engine for Redb {
    fn name(&self) -> &str {
        "redb"
    }

    fn version(&self) -> String {
        locked_version("redb")
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let durability = match writes_per_sync(setup) {
            1 => "Immediate".to_owned(),
            writes => format!("None, and Immediate for one write in {writes}"),
        };
        let lines = [
            ("cache_size", setup.cache_bytes.to_string()),
            ("Durability of each write", durability),
            ("transactions", "one for each write, one for each read".to_owned()),
            ("library", "the crate redb".to_owned()),
        ];
        lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        std::fs::create_dir_all(dir)?;
        let mut builder = Database::builder();
        let database = builder.set_cache_size(setup.cache_bytes).create(dir.join("pairs.redb"))?;
        let opened = Opened {
            database: RwLock::new(database),
            writes: AtomicU64::new(0),
            writes_per_sync: writes_per_sync(setup),
        };
        opened.session()?.put_all(&[])?;
        Ok(Box::new(opened))
    }
}

fn writes_per_sync(setup: &Setup) -> u64 {
    if setup.is_synced { 1 } else { UNSYNCED_WRITES }
}

/// An open file. Compacting takes it away from sessions, so it does that with none.
struct Opened {
    database: RwLock<Database>,
    writes: AtomicU64,
    writes_per_sync: u64,
}

impl Opened {
    fn database(&self) -> Result<RwLockReadGuard<'_, Database>> {
        self.database.read().map_err(|_| "a compaction panicked".into())
    }
}

/// Does something in a transaction of its own.
fn write(
    database: &Database,
    durability: Durability,
    act: impl FnOnce(&mut Table<'_, &[u8], &[u8]>) -> std::result::Result<(), StorageError>,
) -> Result<()> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(durability)?;
    act(&mut transaction.open_table(PAIRS)?)?;
    Ok(transaction.commit()?)
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(Way { opened: self, database: self.database()? }))
    }

    fn settle(&self) -> Result<()> {
        write(&*self.database()?, Durability::Immediate, |_| Ok(()))
    }

    fn compact(&self) -> Result<()> {
        match self.database.try_write() {
            Ok(mut database) => {
                while database.compact()? {}
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err("redb compacts with no session".into()),
            Err(TryLockError::Poisoned(_)) => Err("a compaction panicked".into()),
        }
    }
}

/// One thread's way to it.
struct Way<'a> {
    opened: &'a Opened,
    database: RwLockReadGuard<'a, Database>,
}

impl Way<'_> {
    fn write(
        &self,
        act: impl FnOnce(&mut Table<'_, &[u8], &[u8]>) -> std::result::Result<(), StorageError>,
    ) -> Result<()> {
        let number = self.opened.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let is_last = number % self.opened.writes_per_sync == 0;
        let durability = if is_last { Durability::Immediate } else { Durability::None };
        write(&self.database, durability, act)
    }

    /// The table as it is now.
    fn table(&self) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>> {
        Ok(self.database.begin_read()?.open_table(PAIRS)?)
    }
}

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|table| table.insert(key, value).map(drop))
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.write(|table| table.remove(key).map(drop))
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        self.write(|table| {
            pairs.iter().try_for_each(|(key, value)| table.insert(*key, *value).map(drop))
        })
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let Some(found) = self.table()?.get(key)? else { return Ok(false) };
        value.clear();
        value.extend_from_slice(found.value());
        Ok(true)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        let table = self.table()?;
        for (place, key) in keys.iter().enumerate() {
            if let Some(found) = table.get(*key)? {
                each(place, found.value());
            }
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(Steps(self.table()?)))
    }
}

/// Walks over the table as it was. An iterator begins where it is made, so each walk makes one.
struct Steps(ReadOnlyTable<&'static [u8], &'static [u8]>);

type Pair<'a> = (redb::AccessGuard<'a, &'static [u8]>, redb::AccessGuard<'a, &'static [u8]>);

/// Hands over pairs until there are no more or nobody wants more.
fn hand_over<'a>(
    pairs: impl Iterator<Item = std::result::Result<Pair<'a>, StorageError>>,
    each: Each<'_>,
) -> Result<()> {
    for pair in pairs {
        let (key, value) = pair.map_err(Failure::from)?;
        if !each(key.value(), value.value()) {
            break;
        }
    }
    Ok(())
}

impl Cursor for Steps {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        match walk {
            Walk::FromFirst => hand_over(self.0.iter()?, each),
            Walk::FromLast => hand_over(self.0.iter()?.rev(), each),
            Walk::From(key) => hand_over(self.0.range(key..)?, each),
            Walk::DownFrom(key) => hand_over(self.0.range(..=key)?.rev(), each),
        }
    }
}
