//! RocksDB through its C interface, in three settings.

#![allow(unsafe_code, reason = "it calls C")]

use std::ffi::{CString, c_char, c_int, c_uchar};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::OnceLock;

use lsm_bench::store::{Cursor, Engine, Result, Session, Setup, Store};

use crate::level::{Database, Level, Seek, Words, Writer};
use crate::library::{Origin, Ptr, Search, bytes, functions, small};
use crate::rocksdb_settings::{BOTTOMMOST, Kind, Settings};

const SEARCH: Search = Search {
    variable: "LSM_ROCKSDB",
    usual: "librocksdb.so",
    is_linked: cfg!(feature = "rocksdb"),
    advice: "name one of version 11 or later in LSM_ROCKSDB, or build with the feature rocksdb",
    prefix: "rocksdb_",
};

#[cfg(feature = "rocksdb")]
use librocksdb_sys as _;

/// Bytes as RocksDB has them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    start: *const u8,
    len: usize,
}

functions! {
    /// What RocksDB has besides. The fastest calls for reading came with version 11.
    Own, linked by "rocksdb" as "rocksdb_":
    get_options_from_string(Ptr, *const c_char, Ptr, Words);
    options_set_block_based_table_factory(Ptr, Ptr);
    block_based_options_create() -> Ptr;
    block_based_options_destroy(Ptr);
    block_based_options_set_block_cache(Ptr, Ptr);
    cache_create_hyper_clock(usize, usize) -> Ptr;
    get_into_buffer(
        Ptr, Ptr, *const u8, usize, *mut u8, usize, *mut usize, *mut c_uchar, Words,
    ) -> c_uchar;
    get_default_column_family_handle(Ptr) -> Ptr;
    column_family_handle_destroy(Ptr);
    batched_multi_get_cf_slice(Ptr, Ptr, Ptr, usize, *const Slice, *mut Ptr, Words, bool);
    pinnableslice_value(Ptr, *mut usize) -> *const u8;
    pinnableslice_destroy(Ptr);
    iter_seek_for_prev(Ptr, *const u8, usize);
    wait_for_compact(Ptr, Ptr, Words);
    wait_for_compact_options_create() -> Ptr;
    wait_for_compact_options_destroy(Ptr);
    wait_for_compact_options_set_flush(Ptr, c_uchar);
    compactoptions_create() -> Ptr;
    compactoptions_destroy(Ptr);
    compactoptions_set_max_subcompactions(Ptr, c_int);
    compactoptions_set_bottommost_level_compaction(Ptr, c_uchar);
    compact_range_opt(Ptr, Ptr, *const u8, usize, *const u8, usize);
}

/// The library.
#[derive(Clone, Copy)]
struct Api {
    level: Level,
    own: Own,
}

/// RocksDB in one of its settings.
pub(crate) struct RocksDb {
    kind: Kind,
    found: OnceLock<std::result::Result<(Origin, Api), String>>,
    version: OnceLock<String>,
}

impl RocksDb {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, found: OnceLock::new(), version: OnceLock::new() }
    }

    fn find() -> Result<(Origin, Api)> {
        let origin = SEARCH.origin()?;
        let api = Api { level: Level::of(&origin)?, own: Own::of(&origin)? };
        Ok((origin, api))
    }

    fn found(&self) -> Result<&(Origin, Api)> {
        let found = self.found.get_or_init(|| Self::find().map_err(|failure| failure.to_string()));
        found.as_ref().map_err(|failure| failure.clone().into())
    }

    /// No function tells the version: it stands in a file of each database.
    fn ask_version(&self) -> Result<String> {
        let (_, api) = self.found()?;
        let dir = tempfile::tempdir()?;
        let options = Options::new(*api, &Settings::default())?;
        // SAFETY: the options are RocksDB's.
        drop(unsafe { Database::open(api.level, options.0, dir.path(), false)? });
        for entry in std::fs::read_dir(dir.path())? {
            let text = std::fs::read_to_string(entry?.path()).unwrap_or_default();
            let line = text.lines().find_map(|line| line.trim().strip_prefix("rocksdb_version="));
            if let Some(version) = line {
                return Ok(version.to_owned());
            }
        }
        Ok("unknown".to_owned())
    }
}

/// Options; they are copied by whatever is opened with them.
struct Options(Ptr, Level);

impl Options {
    fn new(api: Api, settings: &Settings) -> Result<Self> {
        let Api { level, own } = api;
        let text = CString::new(settings.text())?;
        // SAFETY: objects come from the functions that make them, and are freed after their last
        // use; what points at a cache counts itself.
        unsafe {
            let base = Self((level.options_create)(), level);
            let table = (own.block_based_options_create)();
            let cache = match settings.is_clock {
                true => (own.cache_create_hyper_clock)(settings.cache_bytes, 0),
                false => (level.cache_create_lru)(settings.cache_bytes),
            };
            (own.block_based_options_set_block_cache)(table, cache);
            (own.options_set_block_based_table_factory)(base.0, table);
            (own.block_based_options_destroy)(table);
            (level.cache_destroy)(cache);
            let made = Self((level.options_create)(), level);
            level.try_to(|words| {
                (own.get_options_from_string)(base.0, text.as_ptr(), made.0, words);
            })?;
            Ok(made)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: nothing uses them any more.
        unsafe { (self.1.options_destroy)(self.0) };
    }
}

impl Engine for RocksDb {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn version(&self) -> String {
        let ask = || self.ask_version().unwrap_or_else(|failure| failure.to_string());
        self.version.get_or_init(ask).clone()
    }

    fn configuration(&self, setup: &Setup) -> Vec<(String, String)> {
        let mut lines = Settings::new(self.kind, setup).lines();
        lines.push(("WriteOptions.sync".to_owned(), setup.is_synced.to_string()));
        if let Ok((origin, _)) = self.found() {
            lines.push(("library".to_owned(), origin.place("open")));
        }
        lines
    }

    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>> {
        let (_, Api { level, own }) = *self.found()?;
        let settings = Settings::new(self.kind, setup);
        let options = Options::new(Api { level, own }, &settings)?;
        // SAFETY: the options are RocksDB's.
        let database = unsafe { Database::open(level, options.0, dir, setup.is_synced)? };
        // SAFETY: the database is open.
        let family = unsafe { (own.get_default_column_family_handle)(database.db) };
        Ok(Box::new(Opened { own, database, family, subcompactions: settings.subcompactions }))
    }
}

/// An open database.
struct Opened {
    own: Own,
    database: Database,
    family: Ptr,
    subcompactions: usize,
}

// SAFETY: a database may be used by many threads at once, and so may the handle of its family.
unsafe impl Sync for Opened {}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: the database is closed after this, and only the handle of it goes.
        unsafe { (self.own.column_family_handle_destroy)(self.family) };
    }
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        let (starts, slices, words) = (Vec::new(), Vec::new(), Vec::new());
        let writer = Writer::new(&self.database);
        Ok(Box::new(Way { opened: self, writer, starts, slices, words }))
    }

    fn settle(&self) -> Result<()> {
        let Database { level, db, .. } = &self.database;
        // SAFETY: the database is open; options are freed after their last use.
        unsafe {
            let options = (self.own.wait_for_compact_options_create)();
            (self.own.wait_for_compact_options_set_flush)(options, 1);
            let answer = level.try_to(|words| (self.own.wait_for_compact)(*db, options, words));
            (self.own.wait_for_compact_options_destroy)(options);
            answer
        }
    }

    fn compact(&self) -> Result<()> {
        let parts = small(self.subcompactions)?;
        // SAFETY: as in `settle`; NULL stands for no bound.
        unsafe {
            let options = (self.own.compactoptions_create)();
            (self.own.compactoptions_set_max_subcompactions)(options, parts);
            let bottom = BOTTOMMOST as c_uchar;
            (self.own.compactoptions_set_bottommost_level_compaction)(options, bottom);
            let none = null_mut::<u8>();
            (self.own.compact_range_opt)(self.database.db, options, none, 0, none, 0);
            (self.own.compactoptions_destroy)(options);
        }
        Ok(())
    }

    fn report(&self) -> String {
        self.database.property(c"rocksdb.stats")
    }
}

/// One thread's way to it, with room for many keys at once.
struct Way<'a> {
    opened: &'a Opened,
    writer: Writer<'a>,
    starts: Vec<Slice>,
    slices: Vec<Ptr>,
    words: Vec<*mut c_char>,
}

impl Way<'_> {
    /// Has RocksDB look up all keys, and leave a value or NULL for each.
    fn look_up(&mut self, keys: &[&[u8]]) {
        self.starts.clear();
        let slice = |key: &&[u8]| Slice { start: key.as_ptr(), len: key.len() };
        self.starts.extend(keys.iter().map(slice));
        self.slices.clear();
        self.slices.resize(keys.len(), null_mut());
        self.words.clear();
        self.words.resize(keys.len(), null_mut());
        let Opened { own, database: Database { db, read, .. }, family, .. } = self.opened;
        let (slices, words) = (self.slices.as_mut_ptr(), self.words.as_mut_ptr());
        let starts = self.starts.as_ptr();
        // SAFETY: the database is open, and all lists have as many places as there are keys.
        unsafe {
            (own.batched_multi_get_cf_slice)(
                *db,
                *read,
                *family,
                keys.len(),
                starts,
                slices,
                words,
                false,
            );
        }
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
        let Opened { own, database: Database { level, db, read, .. }, .. } = self.opened;
        value.clear();
        loop {
            let (mut len, mut is_found) = (0, 0);
            let (start, room) = (value.as_mut_ptr(), value.capacity());
            let (len_place, found_place) = (&raw mut len, &raw mut is_found);
            let (key_start, key_len) = (key.as_ptr(), key.len());
            // SAFETY: the database is open, and there is as much room as is said.
            let fits = level.try_to(|words| unsafe {
                (own.get_into_buffer)(
                    *db,
                    *read,
                    key_start,
                    key_len,
                    start,
                    room,
                    len_place,
                    found_place,
                    words,
                )
            })?;
            if is_found == 0 {
                return Ok(false);
            }
            if fits != 0 {
                // SAFETY: so many bytes were written.
                unsafe { value.set_len(len) };
                return Ok(true);
            }
            value.reserve(len);
        }
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        self.look_up(keys);
        let Opened { own, database: Database { level, .. }, .. } = self.opened;
        let mut answer = Ok(());
        for (place, (slice, words)) in self.slices.drain(..).zip(self.words.drain(..)).enumerate() {
            answer = answer.and(level.taken(words));
            if !slice.is_null() {
                let mut len = 0;
                // SAFETY: a value is freed after its last use.
                unsafe {
                    let start = (own.pinnableslice_value)(slice, &mut len);
                    each(place, bytes(start, len));
                    (own.pinnableslice_destroy)(slice);
                }
            }
        }
        answer
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        let seek_down: Seek = self.opened.own.iter_seek_for_prev;
        Ok(Box::new(self.opened.database.steps(Some(seek_down))))
    }
}
