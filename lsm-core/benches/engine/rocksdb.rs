//! RocksDB through its C API, loaded at run time: `LSM_ROCKSDB` names the library.

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::mem::transmute_copy;
use std::path::Path;
use std::ptr::null_mut;

use crate::store::{MEMTABLE_BYTES, Store};

type Ptr = *mut c_void;

/// The functions that are needed, by name.
struct Api(Ptr);

impl Api {
    fn load(path: &Path) -> Self {
        let name = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the path is a C string; what the library does when it is loaded is its own.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "{} cannot be loaded", path.display());
        Self(library)
    }

    /// A function of the library.
    ///
    /// # Safety
    /// `F` is the type that the library's header gives this name.
    unsafe fn get<F: Copy>(&self, name: &CStr) -> F {
        // SAFETY: the library is loaded and stays so.
        let symbol = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!symbol.is_null(), "the library lacks {name:?}");
        assert_eq!(size_of::<F>(), size_of::<Ptr>());
        // SAFETY: a function pointer is as large as a pointer, and the caller vouches for its type.
        unsafe { transmute_copy(&symbol) }
    }
}

type GetMany = unsafe extern "C" fn(
    Ptr,
    Ptr,
    Ptr,
    usize,
    *const *const u8,
    *const usize,
    *mut Ptr,
    *mut *mut c_char,
    bool,
);

pub(crate) struct RocksDb {
    api: Api,
    db: Ptr,
    read: Ptr,
    write: Ptr,
    batch: Ptr,
    put: unsafe extern "C" fn(Ptr, Ptr, *const u8, usize, *const u8, usize, *mut *mut c_char),
    batch_put: unsafe extern "C" fn(Ptr, *const u8, usize, *const u8, usize),
    batch_clear: unsafe extern "C" fn(Ptr),
    write_batch: unsafe extern "C" fn(Ptr, Ptr, Ptr, *mut *mut c_char),
    get: unsafe extern "C" fn(Ptr, Ptr, *const u8, usize, *mut *mut c_char) -> Ptr,
    get_many: GetMany,
    family: Ptr,
    slice: unsafe extern "C" fn(Ptr, *mut usize) -> *const u8,
    slice_free: unsafe extern "C" fn(Ptr),
    iter: unsafe extern "C" fn(Ptr, Ptr) -> Ptr,
    iter_free: unsafe extern "C" fn(Ptr),
    iter_valid: unsafe extern "C" fn(Ptr) -> c_uchar,
    iter_first: unsafe extern "C" fn(Ptr),
    iter_last: unsafe extern "C" fn(Ptr),
    iter_seek: unsafe extern "C" fn(Ptr, *const u8, usize),
    iter_next: unsafe extern "C" fn(Ptr),
    iter_prev: unsafe extern "C" fn(Ptr),
    iter_key: unsafe extern "C" fn(Ptr, *mut usize) -> *const u8,
    iter_value: unsafe extern "C" fn(Ptr, *mut usize) -> *const u8,
}

const LZ4: c_int = 4;

/// How the peer is set: like this engine.
fn options(api: &Api, cache_bytes: usize) -> Ptr {
    // SAFETY: as in `open`.
    unsafe {
        let make = |name: &CStr| api.get::<unsafe extern "C" fn() -> Ptr>(name)();
        let set_size = |name: &CStr, on: Ptr, value: usize| {
            api.get::<unsafe extern "C" fn(Ptr, usize)>(name)(on, value);
        };
        let set_int = |name: &CStr, on: Ptr, value: c_int| {
            api.get::<unsafe extern "C" fn(Ptr, c_int)>(name)(on, value);
        };
        let set_ptr = |name: &CStr, on: Ptr, value: Ptr| {
            api.get::<unsafe extern "C" fn(Ptr, Ptr)>(name)(on, value);
        };
        let options = make(c"rocksdb_options_create");
        api.get::<unsafe extern "C" fn(Ptr, c_uchar)>(c"rocksdb_options_set_create_if_missing")(
            options, 1,
        );
        set_size(c"rocksdb_options_set_write_buffer_size", options, MEMTABLE_BYTES);
        set_int(c"rocksdb_options_set_compression", options, LZ4);
        set_int(c"rocksdb_options_set_max_background_jobs", options, 2);
        let table = make(c"rocksdb_block_based_options_create");
        let cache =
            api.get::<unsafe extern "C" fn(usize) -> Ptr>(c"rocksdb_cache_create_lru")(cache_bytes);
        set_ptr(c"rocksdb_block_based_options_set_block_cache", table, cache);
        let filter = api
            .get::<unsafe extern "C" fn(f64) -> Ptr>(c"rocksdb_filterpolicy_create_bloom_full")(
            10.0,
        );
        set_ptr(c"rocksdb_block_based_options_set_filter_policy", table, filter);
        set_ptr(c"rocksdb_options_set_block_based_table_factory", options, table);
        options
    }
}

impl RocksDb {
    pub(crate) fn open(library: &Path, dir: &Path, cache_bytes: usize) -> Self {
        let api = Api::load(library);
        // SAFETY: each name is given the type of the C header, and each call keeps its contract:
        // objects come from the functions that make them, and are used before they are freed.
        unsafe {
            let make = |name: &CStr| api.get::<unsafe extern "C" fn() -> Ptr>(name)();
            let options = options(&api, cache_bytes);
            let path = CString::new(dir.to_str().unwrap()).unwrap();
            let mut error: *mut c_char = null_mut();
            let open = api
                .get::<unsafe extern "C" fn(Ptr, *const c_char, *mut *mut c_char) -> Ptr>(
                    c"rocksdb_open",
                );
            let db = open(options, path.as_ptr(), &mut error);
            check(error);
            Self {
                db,
                read: make(c"rocksdb_readoptions_create"),
                write: make(c"rocksdb_writeoptions_create"),
                batch: make(c"rocksdb_writebatch_create"),
                put: api.get(c"rocksdb_put"),
                batch_put: api.get(c"rocksdb_writebatch_put"),
                batch_clear: api.get(c"rocksdb_writebatch_clear"),
                write_batch: api.get(c"rocksdb_write"),
                get: api.get(c"rocksdb_get_pinned"),
                get_many: api.get(c"rocksdb_batched_multi_get_cf"),
                family: api.get::<unsafe extern "C" fn(Ptr) -> Ptr>(
                    c"rocksdb_get_default_column_family_handle",
                )(db),
                slice: api.get(c"rocksdb_pinnableslice_value"),
                slice_free: api.get(c"rocksdb_pinnableslice_destroy"),
                iter: api.get(c"rocksdb_create_iterator"),
                iter_free: api.get(c"rocksdb_iter_destroy"),
                iter_valid: api.get(c"rocksdb_iter_valid"),
                iter_first: api.get(c"rocksdb_iter_seek_to_first"),
                iter_last: api.get(c"rocksdb_iter_seek_to_last"),
                iter_seek: api.get(c"rocksdb_iter_seek"),
                iter_next: api.get(c"rocksdb_iter_next"),
                iter_prev: api.get(c"rocksdb_iter_prev"),
                iter_key: api.get(c"rocksdb_iter_key"),
                iter_value: api.get(c"rocksdb_iter_value"),
                api,
            }
        }
    }

    /// Hands over the pair at the iterator.
    ///
    /// # Safety
    /// The iterator is one of this database and valid.
    unsafe fn hand(&self, iter: Ptr, each: &mut dyn FnMut(&[u8], &[u8])) {
        let (mut key_len, mut value_len) = (0, 0);
        // SAFETY: both point at as many bytes as they say, until the iterator moves.
        unsafe {
            let key = (self.iter_key)(iter, &mut key_len);
            let value = (self.iter_value)(iter, &mut value_len);
            each(
                std::slice::from_raw_parts(key, key_len),
                std::slice::from_raw_parts(value, value_len),
            );
        }
    }
}

fn check(error: *mut c_char) {
    // SAFETY: an error is a C string.
    assert!(error.is_null(), "{:?}", unsafe { CStr::from_ptr(error) });
}

impl Store for RocksDb {
    fn put(&self, key: &[u8], value: &[u8]) {
        let mut error = null_mut();
        // SAFETY: the database is open, and the bytes live through the call.
        unsafe {
            let (key_len, len) = (key.len(), value.len());
            (self.put)(self.db, self.write, key.as_ptr(), key_len, value.as_ptr(), len, &mut error);
        }
        check(error);
    }

    fn put_all(&self, pairs: &[([u8; 16], [u8; 100])]) {
        let mut error = null_mut();
        // SAFETY: as in `put`; the batch is this store's own.
        unsafe {
            (self.batch_clear)(self.batch);
            for (key, value) in pairs {
                let (key_len, len) = (key.len(), value.len());
                (self.batch_put)(self.batch, key.as_ptr(), key_len, value.as_ptr(), len);
            }
            (self.write_batch)(self.db, self.write, self.batch, &mut error);
        }
        check(error);
    }

    fn get(&self, key: &[u8], value: &mut Vec<u8>) -> bool {
        let mut error = null_mut();
        // SAFETY: as in `put`; the slice is freed after its last use.
        unsafe {
            let slice = (self.get)(self.db, self.read, key.as_ptr(), key.len(), &mut error);
            check(error);
            if slice.is_null() {
                return false;
            }
            let mut len = 0;
            let bytes = (self.slice)(slice, &mut len);
            value.clear();
            value.extend_from_slice(std::slice::from_raw_parts(bytes, len));
            (self.slice_free)(slice);
        }
        true
    }

    fn get_all(&self, keys: &[[u8; 16]], is_at_once: bool, each: &mut dyn FnMut(usize, &[u8])) {
        let count = keys.len();
        let mut slices = vec![null_mut(); count];
        let mut errors = vec![null_mut(); count];
        // SAFETY: as in `get`; all lists have as many places as there are keys.
        unsafe {
            if is_at_once {
                let starts: Vec<*const u8> = keys.iter().map(|key| key.as_ptr()).collect();
                let lens = vec![16; count];
                let (starts, lens, errors) = (starts.as_ptr(), lens.as_ptr(), errors.as_mut_ptr());
                let slices = slices.as_mut_ptr();
                let (db, read, family) = (self.db, self.read, self.family);
                (self.get_many)(db, read, family, count, starts, lens, slices, errors, false);
            }
            for (at, key) in keys.iter().enumerate() {
                if !is_at_once {
                    slices[at] =
                        (self.get)(self.db, self.read, key.as_ptr(), key.len(), &mut errors[at]);
                }
                check(errors[at]);
                if !slices[at].is_null() {
                    let mut len = 0;
                    let bytes = (self.slice)(slices[at], &mut len);
                    each(at, std::slice::from_raw_parts(bytes, len));
                    (self.slice_free)(slices[at]);
                }
            }
        }
    }

    fn scan(&self, is_forward: bool, each: &mut dyn FnMut(&[u8], &[u8])) {
        // SAFETY: the iterator is used before it is freed, and asked only while it is valid.
        unsafe {
            let iter = (self.iter)(self.db, self.read);
            let (begin, go) = match is_forward {
                true => (self.iter_first, self.iter_next),
                false => (self.iter_last, self.iter_prev),
            };
            begin(iter);
            while (self.iter_valid)(iter) != 0 {
                self.hand(iter, each);
                go(iter);
            }
            (self.iter_free)(iter);
        }
    }

    fn seeks(
        &self,
        keys: &mut dyn Iterator<Item = [u8; 16]>,
        count: usize,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        // SAFETY: as in `scan`.
        unsafe {
            let iter = (self.iter)(self.db, self.read);
            for key in keys {
                (self.iter_seek)(iter, key.as_ptr(), key.len());
                for _ in 0..count {
                    if (self.iter_valid)(iter) == 0 {
                        break;
                    }
                    self.hand(iter, each);
                    (self.iter_next)(iter);
                }
            }
            (self.iter_free)(iter);
        }
    }

    fn settle(&self) {
        // SAFETY: as in `open`.
        unsafe {
            let mut error = null_mut();
            let options =
                self.api.get::<unsafe extern "C" fn() -> Ptr>(c"rocksdb_flushoptions_create")();
            self.api.get::<unsafe extern "C" fn(Ptr, Ptr, *mut *mut c_char)>(c"rocksdb_flush")(
                self.db, options, &mut error,
            );
            check(error);
            let wait = self
                .api
                .get::<unsafe extern "C" fn() -> Ptr>(c"rocksdb_wait_for_compact_options_create")(
            );
            self.api.get::<unsafe extern "C" fn(Ptr, Ptr, *mut *mut c_char)>(
                c"rocksdb_wait_for_compact",
            )(self.db, wait, &mut error);
            check(error);
        }
    }
}

impl Drop for RocksDb {
    fn drop(&mut self) {
        // SAFETY: nothing uses the database any more.
        unsafe { self.api.get::<unsafe extern "C" fn(Ptr)>(c"rocksdb_close")(self.db) }
    }
}
