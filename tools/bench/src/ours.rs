//! This engine, by its public API alone, and as a user gets it but for the sizes that are given.

use std::path::Path;

use lsm_core::{Batch, Compression, Db, Durability, Keyspace, KeyspaceOptions, Options};

use crate::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};

/// What the memory limit holds beside the cache: the memtable that is written and two that wait.
const MEMTABLES: u64 = 3;
/// The least memory limit that the engine takes.
const MEMORY_LIMIT_MIN: u64 = 16 << 20;
/// Where pairs go when the options of the default keyspace are not the ones that are wanted.
const KEYSPACE: &str = "bench";

/// The engine.
#[derive(Debug)]
pub struct Ours;

impl Engine for Ours {
    fn name(&self) -> &str {
        "lsm"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let texts = [options(setup).to_string(), keyspace_options(setup).to_string()];
        let settings = texts.iter().flat_map(|text| text.split("; "));
        let pairs = settings.filter_map(|setting| setting.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let db = Db::builder(dir).options(options(setup)).open()?;
        let wanted = keyspace_options(setup);
        let keyspace = match wanted == KeyspaceOptions::new() {
            true => db.default_keyspace().clone(),
            false => db.keyspace_with(KEYSPACE, wanted)?,
        };
        Ok(Box::new(OurStore { db, keyspace }))
    }
}

fn options(setup: &Setup) -> Options {
    let memtable = setup.memtable_bytes as u64;
    let limit = setup.cache_bytes as u64 + MEMTABLES * memtable;
    let options = Options::new()
        .memory_limit(limit.max(MEMORY_LIMIT_MIN))
        .memtable_bytes(memtable)
        .background_threads(setup.background_threads);
    if setup.is_synced { options.durability(Durability::Durable) } else { options }
}

fn keyspace_options(setup: &Setup) -> KeyspaceOptions {
    let options = KeyspaceOptions::new().filter_bits_per_key(setup.filter_bits);
    if setup.is_packed { options } else { options.compression(Compression::None) }
}

struct OurStore {
    db: Db,
    keyspace: Keyspace,
}

impl Store for OurStore {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(OurSession { store: self, batch: Batch::new() }))
    }

    fn settle(&self) -> Result<()> {
        self.db.flush()?;
        Ok(self.db.wait_idle()?)
    }

    fn compact(&self) -> Result<()> {
        Ok(self.keyspace.compact(..)?)
    }

    fn report(&self) -> String {
        self.db.stats().to_string()
    }
}

struct OurSession<'a> {
    store: &'a OurStore,
    batch: Batch,
}

impl Session for OurSession<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.store.keyspace.put(key, value)?;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.store.keyspace.delete(key)?;
        Ok(())
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        self.batch.clear();
        for (key, value) in pairs {
            self.batch.put(&self.store.keyspace, key, value);
        }
        self.store.db.write(&self.batch)?;
        Ok(())
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        Ok(self.store.keyspace.get_into(key, value)?)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        let values = self.store.keyspace.get_many(keys)?;
        for (at, value) in values.iter().enumerate() {
            value.iter().for_each(|value| each(at, value));
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        let cursor = self.store.keyspace.cursor(..);
        Ok(Box::new(OurCursor { cursor, behind: Vec::new() }))
    }
}

struct OurCursor {
    cursor: lsm_core::Cursor,
    /// The first key behind another.
    behind: Vec<u8>,
}

impl Cursor for OurCursor {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let is_forward = match walk {
            Walk::FromFirst => self.cursor.seek_first().map(|()| true),
            Walk::FromLast => self.cursor.seek_last().map(|()| false),
            Walk::From(key) => self.cursor.seek(key).map(|()| true),
            Walk::DownFrom(key) => {
                self.behind.clear();
                self.behind.extend_from_slice(key);
                self.behind.push(0);
                self.cursor.seek(&self.behind).map(|()| false)
            }
        }?;
        loop {
            let passed = if is_forward { self.cursor.next()? } else { self.cursor.prev()? };
            let Some((key, value)) = passed else { return Ok(()) };
            if !each(key, value) {
                return Ok(());
            }
        }
    }
}
