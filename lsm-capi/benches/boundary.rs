//! What a call costs through the C library, beside the same call in Rust: two databases with the
//! same keys, asked in turn, in one process.
//!
//! Both write their log by system calls: of two copies of the engine in one process only the one
//! that came last guards mapped windows, and the other one does without.
//!
//! `cargo bench -p lsm-capi --bench boundary [-- --keys 100000 --rounds 15 --only get]`

#![allow(
    missing_docs,
    unsafe_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that stands in for a program in C"
)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use lsm_core::{Db, LogMode, Options};

#[repr(C)]
#[derive(Clone, Copy)]
struct Slice {
    data: *const u8,
    size: usize,
}

#[repr(C)]
struct Value {
    data: *const u8,
    size: usize,
    pin: *mut c_void,
}

/// `lsm_options`, of which only the text form is used here.
#[repr(C, align(8))]
struct ForOpen {
    struct_size: u32,
    rest: [u8; 116],
}

type Handle = *mut c_void;
type Open = extern "C" fn(*const c_char, *const c_void, *mut Handle, *mut Handle) -> c_int;
type Put = extern "C" fn(Handle, *const c_void, Slice, Slice, *mut Handle) -> c_int;
type Get = extern "C" fn(Handle, *const c_void, Slice, *mut Value, *mut Handle) -> c_int;
type GetInto = extern "C" fn(
    Handle,
    *const c_void,
    Slice,
    *mut c_void,
    usize,
    *mut usize,
    *mut Handle,
) -> c_int;
type IterNew = extern "C" fn(Handle, *const c_void, *mut Handle, *mut Handle) -> c_int;
type IterNext = extern "C" fn(Handle, *mut Slice, *mut Slice, *mut Handle) -> c_int;

/// The functions of liblsm.so, as the loader finds them for a program in C.
struct Library {
    parse: extern "C" fn(*mut ForOpen, *const c_char, *mut Handle) -> c_int,
    open: Open,
    put: Put,
    get: Get,
    value_free: extern "C" fn(*mut Value),
    get_into: GetInto,
    iter_new: IterNew,
    iter_next: IterNext,
    iter_free: extern "C" fn(Handle),
    iter_seek_first: extern "C" fn(Handle, *mut Handle) -> c_int,
    close: extern "C" fn(Handle, *mut Handle) -> c_int,
}

impl Library {
    fn load(path: &Path) -> Self {
        let path = CString::new(path.to_str().expect("a path of text")).expect("no NUL");
        // SAFETY: the path ends with a NUL; the library's initialisers are Rust's own.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "liblsm.so does not load");
        let find = |name: &str| {
            let name = CString::new(name).expect("no NUL");
            // SAFETY: the library was loaded, and the name ends with a NUL.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?} is not in the library");
            found
        };
        // SAFETY: the types are those that lsm.h gives these names.
        unsafe {
            Self {
                parse: std::mem::transmute::<
                    *mut c_void,
                    extern "C" fn(*mut ForOpen, *const c_char, *mut Handle) -> c_int,
                >(find("lsm_options_parse")),
                open: std::mem::transmute::<*mut c_void, Open>(find("lsm_open")),
                put: std::mem::transmute::<*mut c_void, Put>(find("lsm_put")),
                get: std::mem::transmute::<*mut c_void, Get>(find("lsm_get")),
                value_free: std::mem::transmute::<*mut c_void, extern "C" fn(*mut Value)>(find(
                    "lsm_value_free",
                )),
                get_into: std::mem::transmute::<*mut c_void, GetInto>(find("lsm_get_into")),
                iter_new: std::mem::transmute::<*mut c_void, IterNew>(find("lsm_iter_new")),
                iter_next: std::mem::transmute::<*mut c_void, IterNext>(find("lsm_iter_next")),
                iter_free: std::mem::transmute::<*mut c_void, extern "C" fn(Handle)>(find(
                    "lsm_iter_free",
                )),
                iter_seek_first: std::mem::transmute::<
                    *mut c_void,
                    extern "C" fn(Handle, *mut Handle) -> c_int,
                >(find("lsm_iter_seek_first")),
                close: std::mem::transmute::<
                    *mut c_void,
                    extern "C" fn(Handle, *mut Handle) -> c_int,
                >(find("lsm_close")),
            }
        }
    }
}

fn slice(bytes: &[u8]) -> Slice {
    Slice { data: bytes.as_ptr(), size: bytes.len() }
}

fn key(number: u64) -> [u8; 16] {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&mixed.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// One row: the same call both ways.
struct Row<'a> {
    name: &'static str,
    rust: Box<dyn FnMut(u64) + 'a>,
    c: Box<dyn FnMut(u64) + 'a>,
}

fn nanos(calls: u64, call: &mut dyn FnMut(u64)) -> f64 {
    let begun = thread_time();
    (0..calls).for_each(call);
    (thread_time() - begun) / calls as f64
}

/// The processor time of this thread, in nanoseconds: other work on the machine counts less.
fn thread_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is room for the time.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "the clock of this thread");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn argument(name: &str, usual: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
}

/// The one row that is wanted, if only one is.
fn only() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--only");
    arguments.nth(1)
}

/// Builds liblsm.so as a user would.
fn library() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("boundary");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--lib", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status();
    assert!(built.expect("cargo runs").success(), "the library does not build");
    target.join("release/liblsm.so")
}

fn main() {
    let (keys, rounds) = (argument("--keys", 100_000), argument("--rounds", 15));
    let library = Library::load(&library());
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("boundary-data");
    let _none = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory");
    let options = Options::new().memory_limit(256 << 20).log_mode(LogMode::Write);
    let db = Db::builder(dir.join("rust")).options(options).open().expect("it opens");
    let mut c: Handle = ptr::null_mut();
    let path = CString::new(dir.join("c").to_str().expect("text")).expect("no NUL");
    let no_error = ptr::null_mut();
    let mut options = ForOpen { struct_size: size_of::<ForOpen>() as u32, rest: [0; 116] };
    let text = c"memory_limit=256MiB; wal=write";
    assert_eq!((library.parse)(&raw mut options, text.as_ptr(), no_error), 0);
    let options = (&raw const options).cast();
    assert_eq!((library.open)(path.as_ptr(), options, &raw mut c, no_error), 0);
    measure(&library, &db, c, (keys, rounds));
    assert_eq!((library.close)(c, no_error), 0);
    db.close().expect("it closes");
    std::fs::remove_dir_all(&dir).expect("it goes");
}

fn measure(library: &Library, db: &Db, c: Handle, (keys, rounds): (u64, u64)) {
    let (none, no_error) = (ptr::null(), ptr::null_mut());
    let value = [7_u8; 100];
    for number in 0..keys {
        db.put(key(number), value).expect("a put");
        (library.put)(c, none, slice(&key(number)), slice(&value), no_error);
    }
    let pick = move |turn: u64| key(turn.wrapping_mul(7919) % keys);
    let missing = move |turn: u64| key(keys + turn);
    let get = move |key: [u8; 16]| {
        let mut found = Value { data: ptr::null(), size: 0, pin: ptr::null_mut() };
        black_box((library.get)(c, none, slice(&key), &raw mut found, no_error));
        (library.value_free)(&raw mut found);
    };
    let mut room = [0_u8; 128];
    let mut into = Vec::with_capacity(128);
    println!("{keys} keys, {rounds} rounds in turn, medians, ns of processor time a call");
    println!("{:<22} {:>8} {:>8} {:>8} {:>7}", "", "Rust", "C", "more", "ratio");
    let only = only();
    let print = |row: Row<'_>| {
        if only.as_ref().is_none_or(|name| name == row.name) {
            print(row, keys, rounds);
        }
    };
    print(Row {
        name: "get",
        rust: Box::new(move |turn| drop(black_box(db.get(pick(turn)).expect("a get")))),
        c: Box::new(move |turn| get(pick(turn))),
    });
    print(Row {
        name: "get_into",
        rust: Box::new(move |turn| {
            black_box(db.get_into(pick(turn), &mut into).expect("a get"));
        }),
        c: Box::new(move |turn| {
            let (key, mut size) = (pick(turn), 0);
            let (to, size) = (room.as_mut_ptr().cast(), &raw mut size);
            black_box((library.get_into)(c, none, slice(&key), to, 128, size, no_error));
        }),
    });
    print(Row {
        name: "get of a missing key",
        rust: Box::new(move |turn| drop(black_box(db.get(missing(turn)).expect("a get")))),
        c: Box::new(move |turn| get(missing(turn))),
    });
    print(scan(library, db, c));
    // Last, since it changes what the others read.
    print(Row {
        name: "put",
        rust: Box::new(move |turn| {
            black_box(db.put(pick(turn), value).expect("a put"));
        }),
        c: Box::new(move |turn| {
            let key = pick(turn);
            black_box((library.put)(c, none, slice(&key), slice(&value), no_error));
        }),
    });
}

/// An iterator of C that is freed with its row: the puts after it would have to keep what it sees.
struct Iter {
    handle: Handle,
    free: extern "C" fn(Handle),
}

impl Drop for Iter {
    fn drop(&mut self) {
        (self.free)(self.handle);
    }
}

/// Steps over all pairs, again and again.
fn scan<'a>(library: &'a Library, db: &'a Db, c: Handle) -> Row<'a> {
    let no_error = ptr::null_mut();
    let mut cursor = db.cursor(..);
    let mut iter = Iter { handle: ptr::null_mut(), free: library.iter_free };
    assert_eq!((library.iter_new)(c, ptr::null(), &raw mut iter.handle, no_error), 0);
    Row {
        name: "next of a scan",
        rust: Box::new(move |_| {
            if cursor.next().expect("a step").is_none() {
                cursor.seek_first().expect("a seek");
            }
        }),
        c: Box::new(move |_| {
            // All of it moves in here, and is freed with the row.
            let Iter { handle, .. } = &iter;
            let (mut key, mut value) = (slice(&[]), slice(&[]));
            let (to, and) = (&raw mut key, &raw mut value);
            match (library.iter_next)(*handle, to, and, no_error) {
                0 => {}
                2 => assert_eq!((library.iter_seek_first)(*handle, no_error), 0),
                other => panic!("status {other}"),
            }
        }),
    }
}

fn print(mut row: Row<'_>, keys: u64, rounds: u64) {
    let (mut rust, mut c) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Who goes first has a colder cache.
        let (first, second) = if round % 2 == 0 {
            let first = nanos(keys, &mut row.rust);
            (first, nanos(keys, &mut row.c))
        } else {
            let first = nanos(keys, &mut row.c);
            (nanos(keys, &mut row.rust), first)
        };
        // The first round warms up.
        if round > 0 {
            rust.push(first);
            c.push(second);
        }
    }
    let ratios = rust.iter().zip(&c).map(|(rust, c)| c / rust).collect();
    let (rust, c, ratio) = (median(rust), median(c), median(ratios));
    println!("{:<22} {rust:>8.1} {c:>8.1} {:>8.1} {ratio:>7.3}", row.name, c - rust);
}
