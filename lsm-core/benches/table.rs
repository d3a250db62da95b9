//! What a table costs: building it, looking up, missing, seeking and walking, with all blocks in
//! the cache and with none.
//!
//! Keys have 16 bytes and values 100, half of them random. The least of some rounds is printed: the
//! machine is shared, and what it does besides only ever adds. `--quick` leaves out the large
//! table, `--build` does nothing but build.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use lsm_core::base::budget::Budget;
use lsm_core::base::checksum::hash64;
use lsm_core::base::compress::Codec;
use lsm_core::cache::pool::Cache;
use lsm_core::cache::purpose::Use;
use lsm_core::cursor::contract::Cursor;
use lsm_core::env::fs::{Access, Directory};
use lsm_core::env::os::world::real;
use lsm_core::key::full::FullKey;
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::key::trailer::NEWEST;
use lsm_core::record::header::{FileHeader, FileKind};
use lsm_core::table::builder::{Finished, TableBuilder};
use lsm_core::table::opening::Expect;
use lsm_core::table::options::TableOptions;
use lsm_core::table::reader::Table;

const ROUNDS: usize = 15;
const VALUE: usize = 100;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let temp = TempDir::new();
    let env = real();
    let dir = env.fs.open_dir(&temp.0).unwrap();
    println!("16-byte keys, {VALUE}-byte values; the least of {ROUNDS} rounds");
    if words.iter().any(|word| word == "--build") {
        return build_only(dir.as_ref());
    }
    let is_quick = words.iter().any(|word| word == "--quick");
    for entries in [10_000, 400_000].into_iter().take(if is_quick { 1 } else { 2 }) {
        for codec in [Codec::None, Codec::Lz4] {
            measure(dir.as_ref(), entries, codec);
        }
    }
}

/// Builds alone, again and again: for a profiler.
fn build_only(dir: &dyn Directory) {
    let rows = rows(100_000);
    for codec in [Codec::None, Codec::Lz4] {
        let options = TableOptions { codec, ..TableOptions::default() };
        let nanos = least(|| {
            let _none_yet = dir.unlink("000001.sst");
            write(dir, &rows, options);
            rows.len() as f64
        });
        print(&format!("build, {codec:?}, per entry"), nanos);
    }
}

fn measure(dir: &dyn Directory, entries: u64, codec: Codec) {
    let options = TableOptions { codec, ..TableOptions::default() };
    let raw = entries as f64 * (16 + VALUE) as f64;
    let mut finished = None;
    let rows = rows(entries);
    let build = least(|| {
        let _none_yet = dir.unlink("000001.sst");
        finished = Some(write(dir, &rows, options));
        1.0
    });
    let finished = finished.unwrap();
    println!("\n{entries} entries, {codec:?}: {:.2} MB in the file", finished.bytes as f64 / 1e6);
    println!("  build                 {:8.0} MB/s", raw / build * 1e3);
    let open_one = || open(dir, &finished, 1 << 30);
    print(
        "open",
        least(|| {
            for _ in 0..20 {
                black_box(open_one());
            }
            20.0
        }),
    );
    let table = open_one();
    let lookups = lookups(entries, 0);
    let misses = self::lookups(entries, 1);
    let get = |lookups: &[Vec<u8>], how: Use| {
        for key in lookups {
            black_box(table.get(key, hash64(key), NEWEST, how).unwrap());
        }
        lookups.len() as f64
    };
    get(&lookups, Use::Point);
    print("get", least(|| get(&lookups, Use::Point)));
    print("get, missing", least(|| get(&misses, Use::Point)));
    print(
        "hash of a key alone",
        least(|| {
            lookups.iter().for_each(|key| _ = black_box(hash64(key)));
            lookups.len() as f64
        }),
    );
    let mut cursor = table.cursor(Use::Point);
    print(
        "seek",
        least(|| {
            for key in &lookups {
                cursor.seek(key, NEWEST).unwrap();
                black_box(cursor.value());
            }
            lookups.len() as f64
        }),
    );
    measure_walks(&table);
    measure_cold(&open(dir, &finished, 0), &lookups[..2000]);
    print(
        "verify, per entry",
        least(|| {
            table.verify().unwrap();
            entries as f64
        }),
    );
}

fn measure_cold(table: &Table, keys: &[Vec<u8>]) {
    let nanos = least(|| {
        for key in keys {
            black_box(table.get(key, hash64(key), NEWEST, Use::Point).unwrap());
        }
        keys.len() as f64
    });
    print("get, nothing cached", nanos);
}

fn measure_walks(table: &Arc<Table>) {
    for (name, how) in [("cached", Use::Scan), ("past the cache", Use::Bypass)] {
        print(&format!("next, {name}"), least(|| walk(table, how, true)));
        print(&format!("prev, {name}"), least(|| walk(table, how, false)));
    }
}

fn print(what: &str, nanos: f64) {
    println!("  {what:<22}{nanos:8.1} ns");
}

/// The least nanoseconds that one of the operations took, of which `round` answers the number.
fn least(mut round: impl FnMut() -> f64) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let count = round();
        start.elapsed().as_nanos() as f64 / count
    });
    times.fold(f64::MAX, f64::min)
}

fn key(number: u64) -> FullKey {
    FullKey::new(KeyspaceId::DEFAULT, format!("{number:016}").as_bytes())
}

type Row = (FullKey, [u8; VALUE]);

fn rows(entries: u64) -> Vec<Row> {
    let mut value = [b'v'; VALUE];
    let mut state = 88_172_645_463_325_252u64;
    let row = |number: u64| {
        for chunk in value[..VALUE / 2].chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
        }
        (key(number * 2), value)
    };
    (0..entries).map(row).collect()
}

fn write(dir: &dyn Directory, rows: &[Row], options: TableOptions) -> Finished {
    let file = dir.create("000001.sst").unwrap();
    let header = FileHeader {
        kind: FileKind::Table,
        compatible: 0,
        file_id: 1,
        database_id: [0; 16],
        incarnation: 0,
        edit: 0,
        number: 1,
        boot_id: None,
        clock_millis: 0,
        flags: 0,
    };
    let mut builder = TableBuilder::new(file, header, options).unwrap();
    for (number, (key, value)) in rows.iter().enumerate() {
        builder.add(key.bytes(), (number as u64) << 8 | 1, value).unwrap();
    }
    builder.finish().unwrap()
}

fn open(dir: &dyn Directory, finished: &Finished, cache: u64) -> Arc<Table> {
    let file = dir.open("000001.sst", Access::Read).unwrap();
    let cache = Cache::new(Budget::new(1 << 32), cache);
    let expect = Expect { file_id: finished.file_id, bytes: finished.bytes };
    Table::open(file, expect, cache).unwrap()
}

/// Keys in an order by chance: all of them, up to a number; those that are there, or their
/// neighbours that are not.
fn lookups(entries: u64, plus: u64) -> Vec<Vec<u8>> {
    let count = entries.min(100_000);
    let mut state = 1u64;
    let draw = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        key((state >> 33) % entries * 2 + plus).bytes().to_vec()
    };
    (0..count).map(draw).collect()
}

fn walk(table: &Arc<Table>, how: Use, is_forward: bool) -> f64 {
    let mut cursor = table.cursor(how);
    let mut count = 0u64;
    if is_forward { cursor.seek_first() } else { cursor.seek_last() }.unwrap();
    while cursor.is_valid() {
        black_box((cursor.key(), cursor.value()));
        count += 1;
        if is_forward { cursor.next() } else { cursor.prev() }.unwrap();
    }
    count as f64
}

struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let temp = std::env::temp_dir().canonicalize().unwrap();
        let path = temp.join(format!("lsm-bench-table-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}
