//! What flushes and compactions cost: rows flushed to four tables that overlap, merged with
//! another four into one run, and all of it moved through the proofs.
//!
//! Keys have 16 bytes and values 100, half of them random. The least of some rounds is printed.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lsm_core::base::budget::Budget;
use lsm_core::base::compress::Codec;
use lsm_core::base::error::{Error, ErrorKind, Result};
use lsm_core::cache::pool::Cache;
use lsm_core::compaction::apart::Moving;
use lsm_core::compaction::job::Merging;
use lsm_core::compaction::part::Setup;
use lsm_core::compaction::place::Place;
use lsm_core::compaction::plan::{Input, Plan, PlanKind};
use lsm_core::cursor::contract::Cursor;
use lsm_core::cursor::tombstone::Fragments;
use lsm_core::env::fs::{Access, Directory};
use lsm_core::env::os::world::real;
use lsm_core::env::schedule::Signal;
use lsm_core::flush::{Flush, FlushSetup};
use lsm_core::fold::Mergers;
use lsm_core::journal::blobs::NewBlob;
use lsm_core::journal::tables::NewTable;
use lsm_core::key::full::{FullKey, head_of};
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::key::kind::Kind;
use lsm_core::key::seqno::SeqNo;
use lsm_core::key::trailer::trailer_of;
use lsm_core::output::Sink;
use lsm_core::record::header::{FileHeader, FileKind};
use lsm_core::table::opening::Expect;
use lsm_core::table::options::TableOptions;
use lsm_core::table::reader::Table;
use lsm_core::version::catalog::Catalog;
use lsm_core::version::current::Version;
use lsm_core::version::garbage::Garbage;
use lsm_core::version::tree::TableFile;

const ROUNDS: usize = 5;
const RUNS: u64 = 4;
const ROWS: u64 = 200_000;

fn main() {
    let temp = TempDir::new();
    let env = real();
    let dir = env.fs.open_dir(&temp.0).unwrap();
    println!("{RUNS} runs of {ROWS} rows; the least of {ROUNDS} rounds");
    let sink = Arc::new(Shop {
        dir,
        cache: Cache::new(Budget::new(256 << 20), 64 << 20),
        next: AtomicU64::new(1),
    });
    let mut state = 7;
    let runs: Vec<Rows> = (0..RUNS).map(|run| Rows::new(run, &mut state)).collect();
    let (mut flush, mut version) = (f64::MAX, None);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        version = Some(flushed(&runs, &sink));
        flush = flush.min(start.elapsed().as_secs_f64());
    }
    let rows = (RUNS * ROWS) as f64;
    println!("flush            {:8.2} million rows a second", rows / flush / 1e6);
    for codec in [Codec::None, Codec::Lz4] {
        let mut merge = f64::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            merged(version.as_ref().unwrap(), codec, &sink);
            merge = merge.min(start.elapsed().as_secs_f64());
        }
        println!("merge, {codec:<10?}{:8.2} million rows a second", rows / merge / 1e6);
    }
}

fn flushed(runs: &[Rows], sink: &Arc<Shop>) -> Version {
    let catalog = Catalog::new([7; 16], 1);
    let mut version = Version::from_catalog(&catalog, Garbage::new(Signal::new()), None).unwrap();
    for (edit, rows) in runs.iter().enumerate() {
        let setup = FlushSetup {
            snapshots: Vec::new(),
            options: TableOptions { codec: Codec::None, ..TableOptions::default() },
            created_millis: 0,
            mergers: Mergers::default(),
        };
        let rows = Box::new(Rows { rows: Arc::clone(&rows.rows), at: 0 });
        let mut flush = Flush::new(rows, Fragments::empty(), setup, Arc::clone(sink) as _);
        while !flush.step().unwrap() {}
        version = version.apply(&flush.edits(), edit as u64 + 1).unwrap();
    }
    version
}

fn merged(version: &Version, codec: Codec, sink: &Arc<Shop>) {
    let tree = version.tree(KeyspaceId::DEFAULT).unwrap();
    let inputs = tree.runs.iter().map(Input::whole).collect();
    let plan = Plan::new(tree, PlanKind::Merge, inputs, Place { level: 6, run: 0 });
    let setup = Setup {
        snapshots: Vec::new(),
        expired_millis: 0,
        options: TableOptions { codec, ..TableOptions::default() },
        parts: 1,
        mergers: Mergers::default(),
        sieve: None,
        moving: Moving::default(),
    };
    let plan = plan.with_tables_of(32 << 20);
    let mut merging = Merging::new(plan, setup, Arc::clone(sink) as _);
    while !merging.step().unwrap() {}
    merging.discard();
}

#[derive(Debug)]
struct Shop {
    dir: Arc<dyn Directory>,
    cache: Arc<Cache>,
    next: AtomicU64,
}

fn name(number: u64) -> String {
    format!("{number:06}.sst")
}

impl Sink for Shop {
    fn new_table(&self) -> Result<NewTable> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.dir.create(&name(number))?;
        let header = FileHeader {
            kind: FileKind::Table,
            compatible: 0,
            file_id: number,
            database_id: [7; 16],
            incarnation: 1,
            edit: 0,
            number,
            boot_id: None,
            clock_millis: 0,
            flags: 0,
        };
        Ok(NewTable { number, header, file })
    }

    fn discard(&self, numbers: &[u64]) {
        numbers.iter().for_each(|number| self.dir.unlink(&name(*number)).unwrap());
    }

    fn open(&self, file: &Arc<TableFile>) -> Result<Arc<Table>> {
        let on_disk = self.dir.open(&name(file.meta.number), Access::Read)?;
        let expect = Expect { file_id: file.meta.file_id, bytes: file.meta.bytes };
        Table::open(on_disk, expect, Arc::clone(&self.cache))
    }

    fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    fn new_blob(&self) -> Result<NewBlob> {
        Err(Error::new(ErrorKind::Internal, "no value is that large here"))
    }

    fn discard_blobs(&self, _numbers: &[u64]) {}
}

type Row = (Vec<u8>, u64, Vec<u8>);

/// Rows in a vector, forward only.
struct Rows {
    rows: Arc<Vec<Row>>,
    at: usize,
}

impl Rows {
    fn new(run: u64, state: &mut u64) -> Self {
        let mut draw = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *state >> 20
        };
        let mut rows: Vec<Row> = Vec::new();
        for at in 0..ROWS {
            let user = format!("{:016}", draw() % 10_000_000_000);
            let key = FullKey::new(KeyspaceId::DEFAULT, user.as_bytes()).bytes().to_vec();
            let seqno = SeqNo::new(1 + run * ROWS + at).unwrap();
            let mut value = vec![b'v'; 100];
            value.iter_mut().take(50).for_each(|byte| *byte = draw() as u8);
            rows.push((key, trailer_of(seqno, Kind::Put), value));
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        Self { rows: Arc::new(rows), at: 0 }
    }
}

impl Cursor for Rows {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.at = self.rows.partition_point(|row| (&*row.0, !row.1) < (key, !trailer));
        Ok(())
    }

    fn seek_before(&mut self, _: &[u8], _: u64) -> Result<()> {
        self.seek_last()
    }

    fn seek_first(&mut self) -> Result<()> {
        self.at = 0;
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.at = self.rows.len() - 1;
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.at += 1;
        Ok(())
    }

    fn prev(&mut self) -> Result<()> {
        self.at = self.at.wrapping_sub(1);
        Ok(())
    }

    fn is_valid(&self) -> bool {
        self.at < self.rows.len()
    }

    fn key(&self) -> &[u8] {
        &self.rows[self.at].0
    }

    fn head(&self) -> u64 {
        head_of(self.key())
    }

    fn trailer(&self) -> u64 {
        self.rows[self.at].1
    }

    fn value(&self) -> &[u8] {
        &self.rows[self.at].2
    }
}

/// A directory that goes when this does.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("lsm-compaction-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _left_behind = fs::remove_dir_all(&self.0);
    }
}
