//! What the machine runs out of: space on a file system, descriptors, address space. Each gives an
//! error of its own and costs nothing that was acknowledged; once there is some again the database
//! goes on without being opened anew.

#![allow(unsafe_code, reason = "limits are set and a file system is mounted here")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lsm_core::{
    Batch, Compression, Db, Durability, ErrorKind, Keyspace, KeyspaceOptions, LogMode, Options,
    Result, WriteOptions,
};

use crate::machine::kit::{MODES, Medium, TempDir, again, mode_name, mode_of, role};

/// Bytes of each value.
const VALUE: usize = 3000;

fn options(mode: LogMode) -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(64 << 10)
        .log_mode(mode)
        .log_segment_bytes_max(64 << 10)
}

fn open(path: &Path, mode: LogMode) -> Result<Db> {
    Db::builder(path).options(options(mode)).open()
}

fn key(index: u64) -> String {
    format!("key {index:06}")
}

fn value(index: u64) -> Vec<u8> {
    let mut bytes = vec![0; VALUE];
    let mut word = index;
    for byte in &mut bytes {
        word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        *byte = (word >> 56) as u8;
    }
    bytes
}

fn put(db: &Db, index: u64) -> Result<()> {
    let durable = WriteOptions::new().durability(Durability::Durable);
    db.put_with(key(index), value(index), &durable).map(drop)
}

/// All that was acknowledged is there, and nothing is made up.
fn check(db: &Db, acknowledged: u64) {
    for index in 0..acknowledged {
        let found = db.get(key(index)).unwrap();
        assert!(found.as_deref() == Some(&value(index)[..]), "{index} of {acknowledged}");
    }
    let count = db.count(..).unwrap();
    assert!(count >= acknowledged && count <= acknowledged + 2, "{count} of {acknowledged}");
}

/// Writes until something fails; answers the next index and the error.
fn put_until_it_fails(db: &Db, mut index: u64) -> (u64, lsm_core::Error) {
    loop {
        match put(db, index) {
            Ok(()) => index += 1,
            Err(error) => return (index, error),
        }
    }
}

/// Writes again as soon as it is taken; without an opening, and soon.
fn put_when_it_can(db: &Db, index: u64) {
    let begun = Instant::now();
    while let Err(error) = put(db, index) {
        assert!(begun.elapsed() < Duration::from_secs(20), "still {error:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_full_file_system_is_told_and_heals_by_itself() {
    for mode in MODES {
        let dir = TempDir::new();
        let Some(medium) = Medium::of_bytes(dir.path(), 6 << 20) else {
            println!("No full file system was tried: this process may not mount one.");
            return;
        };
        let (path, filler) = (medium.path().join("db"), medium.path().join("filler"));
        fs::write(&filler, vec![1; 3 << 20]).unwrap();
        let db = open(&path, mode).unwrap();
        let (count, error) = put_until_it_fails(&db, 0);
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
        assert!(count > 10);
        check(&db, count);
        db.verify().unwrap();
        drop(db);

        // What is full can be opened: to read at the least.
        let reader = Db::builder(&path).options(options(mode).read_only(true)).open().unwrap();
        check(&reader, count);
        drop(reader);
        fs::remove_file(&filler).unwrap();
        let db = open(&path, mode).unwrap();
        check(&db, count);
        fs::write(&filler, vec![1; 1 << 20]).unwrap();
        let (count, error) = put_until_it_fails(&db, count);
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");

        fs::remove_file(&filler).unwrap();
        put_when_it_can(&db, count);
        check(&db, count + 1);
        db.close().unwrap();
        let db = open(&path, mode).unwrap();
        check(&db, count + 1);
        db.verify().unwrap();
        println!("{}: {count} values, twice full", mode_name(mode));
    }
}

/// The limit of a resource of this process, or a new one.
fn limit_of(resource: libc::__rlimit_resource_t, soft: Option<u64>) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is there for the length of the call.
    assert_eq!(unsafe { libc::getrlimit(resource, &raw mut limit) }, 0);
    if let Some(soft) = soft {
        limit.rlim_cur = soft.min(limit.rlim_max);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
    }
    limit.rlim_cur
}

/// The address space that this process has taken.
fn address_space() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    pages * 4096
}

#[test]
#[ignore = "the other process of these stories"]
fn child() {
    let Some(role) = role() else { return };
    let (path, mode) = (Path::new(&role[0]), mode_of(&role[1]));
    match &*role[2] {
        "descriptors" => few_descriptors(path, mode),
        _ => little_memory(path, mode),
    }
}

/// Descriptors that are left for the database: some are for its directory, lock and log.
fn few_descriptors(path: &Path, mode: LogMode) {
    let before = limit_of(libc::RLIMIT_NOFILE, None);
    let in_use = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let is_passing = |error: &lsm_core::Error| {
        assert!(error.is_retryable() || error.kind() == ErrorKind::Io, "{error:?}");
    };
    let (mut opened, mut count, mut refused) = (0, 0, 0);
    for spare in 1..30 {
        limit_of(libc::RLIMIT_NOFILE, Some(in_use + spare));
        let db = match open(path, mode) {
            Ok(db) => db,
            Err(error) => {
                is_passing(&error);
                continue;
            }
        };
        opened += 1;
        for _ in 0..150 {
            match put(&db, count) {
                Ok(()) => count += 1,
                Err(error) => {
                    is_passing(&error);
                    refused += 1;
                    // The others would wait for the next try of the flush.
                    break;
                }
            }
        }
        limit_of(libc::RLIMIT_NOFILE, Some(before));
        put_when_it_can(&db, count);
        count += 1;
        check(&db, count);
        db.verify().unwrap();
        db.close().unwrap();
    }
    assert!(opened > 5 && opened < 29, "{opened} openings");
    println!("\n@{opened} openings with few descriptors, {count} values, {refused} refused");
}

/// Address space for what is small, and for nothing that is large: every call on a large value is
/// refused or works, and calls on small ones work.
fn little_memory(path: &Path, mode: LogMode) {
    const LARGE: usize = 40 << 20;
    let db = open(path, mode).unwrap();
    let beside = KeyspaceOptions::new().blob_threshold(0).compression(Compression::None);
    let beside = db.keyspace_with("beside", beside).unwrap();
    let large = vec![7; LARGE];
    for keyspace in [db.default_keyspace(), &beside] {
        keyspace.put("large", &large).unwrap();
        keyspace.flush().unwrap();
    }
    (0..50).for_each(|index| put(&db, index).unwrap());
    let before = limit_of(libc::RLIMIT_AS, None);
    limit_of(libc::RLIMIT_AS, Some(address_space() + (24 << 20)));
    let (mut worked, mut refused) = (0, 0);
    for (keyspace, name) in [(db.default_keyspace(), "apart"), (&beside, "beside")] {
        for (call, does) in CALLS {
            // Whatever ends the process says nothing itself.
            println!("{call} of a value {name}");
            match does(&db, keyspace, &large) {
                Ok(()) => worked += 1,
                Err(error) => {
                    let is_it = error.kind() == ErrorKind::OutOfMemory;
                    assert!(is_it, "{call} of a value {name}: {error:?}");
                    refused += 1;
                }
            }
            put(&db, 50).unwrap();
            assert_eq!(db.get(key(7)).unwrap().as_deref(), Some(&value(7)[..]));
        }
    }
    limit_of(libc::RLIMIT_AS, Some(before));
    for keyspace in [db.default_keyspace(), &beside] {
        assert!(keyspace.get("large").unwrap().as_deref() == Some(&large[..]));
        keyspace.delete("again").unwrap();
        keyspace.delete("large").unwrap();
        keyspace.compact(..).unwrap();
    }
    check(&db, 51);
    db.verify().unwrap();
    db.close().unwrap();
    assert!(refused > 4, "{worked} worked");
    println!("\n@{refused} calls were refused for lack of memory, {worked} had enough");
}

type Call = fn(&Db, &Keyspace, &[u8]) -> Result<()>;

/// What is done with large values.
const CALLS: &[(&str, Call)] = &[
    ("get", |_, keyspace, _| keyspace.get("large").map(drop)),
    ("get_into", |_, keyspace, _| keyspace.get_into("large", &mut Vec::new()).map(drop)),
    ("get_many", |_, keyspace, _| keyspace.get_many(["key 1", "large"]).map(drop)),
    ("look", |_, keyspace, _| keyspace.look("large", |_| ()).map(drop)),
    ("contains_key", |_, keyspace, _| keyspace.contains_key("large").map(drop)),
    ("iter", |_, keyspace, _| keyspace.iter().try_for_each(|pair| pair.map(drop))),
    ("rev", |_, keyspace, _| keyspace.iter().rev().try_for_each(|pair| pair.map(drop))),
    ("count", |_, keyspace, _| keyspace.count(..).map(drop)),
    ("explain_get", |_, keyspace, _| keyspace.explain_get("large").map(drop)),
    ("put", |_, keyspace, large| keyspace.put("again", large).map(drop)),
    ("batch", |db, keyspace, large| {
        let mut batch = Batch::new();
        batch.put(keyspace, "again", large).put(keyspace, "and again", large);
        db.write(&batch).map(drop)
    }),
    ("insert_if_absent", |_, keyspace, large| keyspace.insert_if_absent("new", large).map(drop)),
    ("compare_and_set", |_, keyspace, large| {
        keyspace.compare_and_set("large", Some(large), Some(large)).map(drop)
    }),
    ("flush", |_, keyspace, _| keyspace.flush()),
    ("compact", |_, keyspace, _| keyspace.compact(..)),
];

/// Runs `child` with this part, which ends well.
fn tell(part: &str) {
    for mode in MODES {
        let dir = TempDir::new();
        let role = [dir.db().to_str().unwrap(), mode_name(mode), part].map(str::to_owned);
        let output = again(module_path!(), &role.each_ref().map(String::as_str)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{part}, {}: {said}{why}", mode_name(mode));
        let told =
            said.lines().find_map(|line| line.strip_prefix('@')).expect("it came to its end");
        println!("{}: {told}", mode_name(mode));
        open(&dir.db(), mode).unwrap().verify().unwrap();
    }
}

#[test]
fn few_descriptors_refuse_what_needs_more_and_nothing_is_lost() {
    tell("descriptors");
}

#[test]
fn little_memory_refuses_what_is_large_and_nothing_is_lost() {
    tell("memory");
}
