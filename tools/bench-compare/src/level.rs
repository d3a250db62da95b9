//! What LevelDB's C interface and RocksDB's, which grew from it, have in common.

#![allow(unsafe_code, reason = "it calls C")]

use std::ffi::{CStr, CString, c_char, c_uchar, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null_mut;

use lsm_bench::store::{Cursor, Each, Result, Walk};

use crate::library::{Ptr, bytes, functions, text};

/// Where a call tells what went wrong.
pub(crate) type Words = *mut *mut c_char;

functions! {
    /// The functions that both have.
    Level, linked by "rocksdb" as "rocksdb_":
    options_create() -> Ptr;
    options_destroy(Ptr);
    options_set_create_if_missing(Ptr, c_uchar);
    cache_create_lru(usize) -> Ptr;
    cache_destroy(Ptr);
    readoptions_create() -> Ptr;
    readoptions_destroy(Ptr);
    writeoptions_create() -> Ptr;
    writeoptions_destroy(Ptr);
    writeoptions_set_sync(Ptr, c_uchar);
    open(Ptr, *const c_char, Words) -> Ptr;
    close(Ptr);
    property_value(Ptr, *const c_char) -> *mut c_char;
    free(*mut c_void);
    put(Ptr, Ptr, *const u8, usize, *const u8, usize, Words);
    delete(Ptr, Ptr, *const u8, usize, Words);
    write(Ptr, Ptr, Ptr, Words);
    writebatch_create() -> Ptr;
    writebatch_destroy(Ptr);
    writebatch_clear(Ptr);
    writebatch_put(Ptr, *const u8, usize, *const u8, usize);
    create_iterator(Ptr, Ptr) -> Ptr;
    iter_destroy(Ptr);
    iter_valid(Ptr) -> c_uchar;
    iter_seek_to_first(Ptr);
    iter_seek_to_last(Ptr);
    iter_seek(Ptr, *const u8, usize);
    iter_next(Ptr);
    iter_prev(Ptr);
    iter_key(Ptr, *mut usize) -> *const u8;
    iter_value(Ptr, *mut usize) -> *const u8;
    iter_get_error(Ptr, Words);
}

impl Level {
    /// Makes a call that may fail.
    pub(crate) fn try_to<T>(&self, call: impl FnOnce(Words) -> T) -> Result<T> {
        let mut words = null_mut();
        let answer = call(&mut words);
        self.taken(words)?;
        Ok(answer)
    }

    /// Makes a failure of what a call said, if it said anything.
    pub(crate) fn taken(&self, words: *mut c_char) -> Result<()> {
        if words.is_null() {
            return Ok(());
        }
        // SAFETY: what a call says is a C string of the library's, and the caller's to free.
        let said = unsafe { text(words) };
        // SAFETY: as above.
        unsafe { (self.free)(words.cast()) };
        Err(said.into())
    }
}

/// A database that is open.
pub(crate) struct Database {
    pub(crate) level: Level,
    pub(crate) db: Ptr,
    pub(crate) read: Ptr,
    write: Ptr,
}

// SAFETY: a database may be used by many threads at once, and its options are only read.
unsafe impl Sync for Database {}

impl Database {
    /// Opens what lies in a directory, or makes it.
    ///
    /// # Safety
    /// The options are the library's.
    pub(crate) unsafe fn open(
        level: Level,
        options: Ptr,
        dir: &Path,
        is_synced: bool,
    ) -> Result<Self> {
        let path = CString::new(dir.as_os_str().as_bytes())?;
        // SAFETY: the caller vouches for the options; the path is a C string.
        let db = level.try_to(|words| unsafe { (level.open)(options, path.as_ptr(), words) })?;
        // SAFETY: options are used as what they were made as.
        unsafe {
            let write = (level.writeoptions_create)();
            (level.writeoptions_set_sync)(write, is_synced.into());
            Ok(Self { level, db, read: (level.readoptions_create)(), write })
        }
    }

    /// What the library says of itself; nothing for a name that it does not know.
    pub(crate) fn property(&self, name: &CStr) -> String {
        // SAFETY: the database is open, and the text is the caller's to free.
        unsafe {
            let words = (self.level.property_value)(self.db, name.as_ptr());
            let said = text(words);
            (self.level.free)(words.cast());
            said
        }
    }

    /// A cursor; `seek_down` is the library's own call for the last key that is not larger.
    pub(crate) fn steps(&self, seek_down: Option<Seek>) -> Steps<'_> {
        // SAFETY: the database is open, and the iterator does not outlive it.
        let iter = unsafe { (self.level.create_iterator)(self.db, self.read) };
        Steps { level: &self.level, iter, seek_down }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let level = &self.level;
        // SAFETY: sessions and cursors, which borrow it, are gone.
        unsafe {
            (level.close)(self.db);
            (level.readoptions_destroy)(self.read);
            (level.writeoptions_destroy)(self.write);
        }
    }
}

/// One thread's way to write.
pub(crate) struct Writer<'a> {
    database: &'a Database,
    batch: Ptr,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(database: &'a Database) -> Self {
        // SAFETY: it needs nothing.
        Self { database, batch: unsafe { (database.level.writebatch_create)() } }
    }

    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let Database { level, db, write, .. } = *self.database;
        let (start, len) = (value.as_ptr(), value.len());
        // SAFETY: the database is open, and the bytes live through the call.
        level.try_to(|words| unsafe {
            (level.put)(db, write, key.as_ptr(), key.len(), start, len, words);
        })
    }

    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<()> {
        let Database { level, db, write, .. } = *self.database;
        // SAFETY: as in `put`.
        level.try_to(|words| unsafe { (level.delete)(db, write, key.as_ptr(), key.len(), words) })
    }

    pub(crate) fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        let Database { level, db, write, .. } = *self.database;
        // SAFETY: the batch is this thread's own, and copies what it is given.
        unsafe { (level.writebatch_clear)(self.batch) };
        for (key, value) in pairs {
            let (start, len) = (value.as_ptr(), value.len());
            // SAFETY: as above.
            unsafe { (level.writebatch_put)(self.batch, key.as_ptr(), key.len(), start, len) };
        }
        // SAFETY: as above; the database is open.
        level.try_to(|words| unsafe { (level.write)(db, write, self.batch, words) })
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses it any more.
        unsafe { (self.database.level.writebatch_destroy)(self.batch) };
    }
}

/// Moves an iterator to a key.
pub(crate) type Seek = unsafe extern "C" fn(Ptr, *const u8, usize);

/// Walks with an iterator.
pub(crate) struct Steps<'a> {
    level: &'a Level,
    iter: Ptr,
    seek_down: Option<Seek>,
}

impl Steps<'_> {
    fn is_valid(&self) -> bool {
        // SAFETY: the iterator lives as long as this does.
        unsafe { (self.level.iter_valid)(self.iter) != 0 }
    }

    /// The key, or the value, that the iterator stands on.
    ///
    /// # Safety
    /// It stands on a pair, and the bytes are used only until it moves.
    unsafe fn part(&self, part: unsafe extern "C" fn(Ptr, *mut usize) -> *const u8) -> &[u8] {
        let mut len = 0;
        // SAFETY: the caller vouches for it.
        unsafe { bytes(part(self.iter, &mut len), len) }
    }

    fn begin(&mut self, walk: Walk<'_>) {
        // SAFETY: the iterator lives as long as this does, and the key through the call.
        unsafe {
            match walk {
                Walk::FromFirst => (self.level.iter_seek_to_first)(self.iter),
                Walk::FromLast => (self.level.iter_seek_to_last)(self.iter),
                Walk::From(key) => (self.level.iter_seek)(self.iter, key.as_ptr(), key.len()),
                Walk::DownFrom(key) => self.begin_down(key),
            }
        }
    }

    /// Moves to the last key that is not larger.
    fn begin_down(&mut self, key: &[u8]) {
        // SAFETY: as in `begin`; the iterator is asked only while it stands on a pair.
        unsafe {
            let Some(seek_down) = self.seek_down else {
                (self.level.iter_seek)(self.iter, key.as_ptr(), key.len());
                if !self.is_valid() {
                    (self.level.iter_seek_to_last)(self.iter);
                } else if self.part(self.level.iter_key) != key {
                    (self.level.iter_prev)(self.iter);
                }
                return;
            };
            seek_down(self.iter, key.as_ptr(), key.len());
        }
    }
}

impl Cursor for Steps<'_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let go = match walk {
            Walk::FromFirst | Walk::From(_) => self.level.iter_next,
            Walk::FromLast | Walk::DownFrom(_) => self.level.iter_prev,
        };
        self.begin(walk);
        while self.is_valid() {
            // SAFETY: it stands on a pair, and moves after the last use of its bytes.
            unsafe {
                if !each(self.part(self.level.iter_key), self.part(self.level.iter_value)) {
                    return Ok(());
                }
                go(self.iter);
            }
        }
        // SAFETY: the iterator lives as long as this does.
        self.level.try_to(|words| unsafe { (self.level.iter_get_error)(self.iter, words) })
    }
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses it any more.
        unsafe { (self.level.iter_destroy)(self.iter) };
    }
}
