//! LevelDB through its C interface.

#![allow(unsafe_code, reason = "it calls C")]

use std::ffi::c_int;
use std::path::Path;
use std::ptr::null;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use lsm_bench::store::{Cursor, Engine, Result, Session, Setup, Store};

use crate::level::{Database, Level, Words, Writer};
use crate::library::{Origin, Ptr, Search, bytes, functions, small};

const SEARCH: Search = Search {
    variable: "LSM_LEVELDB",
    usual: "libleveldb.so.1d",
    is_linked: false,
    advice: "install libleveldb1d, or name a library in LSM_LEVELDB",
    prefix: "leveldb_",
};

functions! {
    /// What LevelDB has besides.
    Own, never linked:
    major_version() -> c_int;
    minor_version() -> c_int;
    options_set_write_buffer_size(Ptr, usize);
    options_set_cache(Ptr, Ptr);
    options_set_filter_policy(Ptr, Ptr);
    options_set_compression(Ptr, c_int);
    filterpolicy_create_bloom(c_int) -> Ptr;
    filterpolicy_destroy(Ptr);
    get(Ptr, Ptr, *const u8, usize, *mut usize, Words) -> *mut u8;
    compact_range(Ptr, *const u8, usize, *const u8, usize);
}

/// The library.
#[derive(Clone, Copy)]
struct Api {
    level: Level,
    own: Own,
}

/// LevelDB, set like the others as far as it can be.
#[derive(Default)]
pub(crate) struct LevelDb {
    found: OnceLock<std::result::Result<(Origin, Api), String>>,
}

impl LevelDb {
    fn find() -> Result<(Origin, Api)> {
        let origin = SEARCH.origin()?;
        let api = Api { level: Level::of(&origin)?, own: Own::of(&origin)? };
        Ok((origin, api))
    }

    fn found(&self) -> Result<&(Origin, Api)> {
        let found = self.found.get_or_init(|| Self::find().map_err(|failure| failure.to_string()));
        found.as_ref().map_err(|failure| failure.clone().into())
    }
}

/// What is set, and to what.
enum Setting {
    WriteBuffer(usize),
    Cache(usize),
    FilterBits(u32),
    Compression(Compression),
}

#[derive(Clone, Copy, Debug)]
enum Compression {
    None = 0,
    Snappy = 1,
}

fn settings(setup: &Setup) -> [Setting; 4] {
    let compression = if setup.is_packed { Compression::Snappy } else { Compression::None };
    [
        Setting::WriteBuffer(setup.memtable_bytes),
        Setting::Cache(setup.cache_bytes),
        Setting::FilterBits(setup.filter_bits),
        Setting::Compression(compression),
    ]
}

impl Setting {
    fn words(&self) -> (String, String) {
        let (name, value) = match self {
            Self::WriteBuffer(len) => ("write_buffer_size", len.to_string()),
            Self::Cache(len) => ("cache", format!("LRU of {len} bytes")),
            Self::FilterBits(0) => ("filter_policy", "none".to_owned()),
            Self::FilterBits(bits) => ("filter_policy", format!("bloom of {bits} bits")),
            Self::Compression(compression) => ("compression", format!("{compression:?}")),
        };
        (name.to_owned(), value)
    }
}

/// Options, with what they point at and the database uses as long as it is open.
struct Options {
    api: Api,
    options: Ptr,
    cache: Ptr,
    filter: Ptr,
}

impl Options {
    fn new(api: Api, setup: &Setup) -> Result<Self> {
        let null = std::ptr::null_mut();
        // SAFETY: it needs nothing.
        let options = unsafe { (api.level.options_create)() };
        let mut made = Self { api, options, cache: null, filter: null };
        // SAFETY: the options are this function's.
        unsafe { (api.level.options_set_create_if_missing)(made.options, 1) };
        for setting in settings(setup) {
            made.set(&setting)?;
        }
        Ok(made)
    }

    fn set(&mut self, setting: &Setting) -> Result<()> {
        let Api { level, own } = self.api;
        // SAFETY: what is set is as the header has it, and lives as long as the options.
        unsafe {
            match *setting {
                Setting::WriteBuffer(len) => {
                    (own.options_set_write_buffer_size)(self.options, len);
                }
                Setting::Cache(len) => {
                    self.cache = (level.cache_create_lru)(len);
                    (own.options_set_cache)(self.options, self.cache);
                }
                Setting::FilterBits(0) => (),
                Setting::FilterBits(bits) => {
                    self.filter = (own.filterpolicy_create_bloom)(small(bits as usize)?);
                    (own.options_set_filter_policy)(self.options, self.filter);
                }
                Setting::Compression(compression) => {
                    (own.options_set_compression)(self.options, compression as c_int);
                }
            }
        }
        Ok(())
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        let Api { level, own } = self.api;
        // SAFETY: the database that used them is closed.
        unsafe {
            (level.options_destroy)(self.options);
            if !self.cache.is_null() {
                (level.cache_destroy)(self.cache);
            }
            if !self.filter.is_null() {
                (own.filterpolicy_destroy)(self.filter);
            }
        }
    }
}

impl Engine for LevelDb {
    fn name(&self) -> &str {
        "leveldb"
    }

    fn version(&self) -> String {
        match self.found() {
            // SAFETY: they need nothing.
            Ok((_, Api { own, .. })) => unsafe {
                format!("{}.{}", (own.major_version)(), (own.minor_version)())
            },
            Err(failure) => failure.to_string(),
        }
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let mut lines: Vec<_> = settings(setup).iter().map(Setting::words).collect();
        lines.push(("WriteOptions.sync".to_owned(), setup.is_synced.to_string()));
        if let Ok((origin, _)) = self.found() {
            lines.push(("library".to_owned(), origin.place("open")));
        }
        lines
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let (_, api) = self.found()?;
        let options = Options::new(*api, setup)?;
        // SAFETY: the options are LevelDB's.
        let database = unsafe { Database::open(api.level, options.options, dir, setup.is_synced)? };
        Ok(Box::new(Opened { own: api.own, database, options }))
    }
}

/// An open database. The order of its fields is the order in which they go.
struct Opened {
    own: Own,
    database: Database,
    #[expect(dead_code, reason = "the database uses what they point at")]
    options: Options,
}

// SAFETY: as of the database; the options are used only when it is dropped.
unsafe impl Sync for Opened {}

/// The tables of level 0 that make LevelDB merge them.
const LEVEL_ZERO_TABLES: usize = 4;
/// So many bytes in level 1 make LevelDB merge it, and ten times as many in each level below.
const LEVEL_ONE_BYTES: u64 = 10 << 20;
/// The last level is as large as it needs to be.
const LAST_LEVEL: u32 = 6;

impl Opened {
    /// Compacts a range.
    fn compact_from(&self, start: &[u8]) {
        let start = if start.is_empty() { (null(), 0) } else { (start.as_ptr(), start.len()) };
        // SAFETY: the database is open; NULL stands for no bound.
        unsafe { (self.own.compact_range)(self.database.db, start.0, start.1, null(), 0) };
    }
}

/// True if a level is so large that LevelDB merges it. What LevelDB says of its tables is a line
/// for each level, and below that one for each table.
fn is_merging(tables: &str) -> bool {
    let (mut level, mut count, mut len) = (0, 0, 0);
    for line in tables.lines() {
        if let Some(words) = line.strip_prefix("--- level ") {
            level = words.trim_end_matches(['-', ' ']).parse().unwrap_or(LAST_LEVEL);
            (count, len) = (0, 0);
        } else {
            (count, len) = (count + 1, len + table_bytes(line));
        }
        let is_full = match level {
            0 => count >= LEVEL_ZERO_TABLES,
            LAST_LEVEL.. => false,
            _ => len >= LEVEL_ONE_BYTES * 10_u64.pow(level - 1),
        };
        if is_full {
            return true;
        }
    }
    false
}

/// The size in a line such as ` 17:2119324['a' @ 1 : 1 .. 'z' @ 9 : 1]`.
fn table_bytes(line: &str) -> u64 {
    let size = line.split(['[', ':']).nth(1);
    size.and_then(|size| size.parse().ok()).unwrap_or(0)
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(Way { opened: self, writer: Writer::new(&self.database) }))
    }

    /// A request for what lies behind all keys makes LevelDB write its memtable and nothing else.
    /// It does not tell whether it is at work, only how large its levels are.
    fn settle(&self) -> Result<()> {
        self.compact_from(&[0xff; 128]);
        while is_merging(&self.database.property(c"leveldb.sstables")) {
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        self.compact_from(&[]);
        Ok(())
    }

    fn report(&self) -> String {
        self.database.property(c"leveldb.stats")
    }
}

/// One thread's way to it.
struct Way<'a> {
    opened: &'a Opened,
    writer: Writer<'a>,
}

impl Way<'_> {
    /// Hands over the value of a key, or answers false.
    fn with_value(&self, key: &[u8], each: impl FnOnce(&[u8])) -> Result<bool> {
        let Database { level, db, read, .. } = &self.opened.database;
        let mut len = 0;
        // SAFETY: the database is open, and the bytes live through the call.
        let start = level.try_to(|words| unsafe {
            (self.opened.own.get)(*db, *read, key.as_ptr(), key.len(), &mut len, words)
        })?;
        if start.is_null() {
            return Ok(false);
        }
        // SAFETY: so many bytes are there, and the caller's to free after their last use.
        unsafe {
            each(bytes(start, len));
            (level.free)(start.cast());
        }
        Ok(true)
    }
}

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writer.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.writer.delete(key)
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        self.writer.put_all(pairs)
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        self.with_value(key, |found| {
            value.clear();
            value.extend_from_slice(found);
        })
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        for (place, key) in keys.iter().enumerate() {
            self.with_value(key, |found| each(place, found))?;
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(self.opened.database.steps(None)))
    }
}

#[cfg(test)]
#[path = "leveldb_test.rs"]
mod tests;
