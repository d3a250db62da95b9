//! A small engine for tests of flushes and compactions: trees over a simulated disk, and a history
//! of every write that a reader at any snapshot is held against.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::base::budget::Budget;
use crate::base::compress::Codec;
use crate::base::error::Result;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::compaction::apart::Moving;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::job::Merging;
use crate::compaction::part::Setup;
use crate::compaction::plan::Plan;
use crate::compaction::sieve::Sieve;
use crate::compaction::strategy::Strategy;
use crate::cursor::contract::Cursor;
use crate::cursor::testing::{Entry, VecCursor};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::env::fs::{Access, Directory, FileSystem};
use crate::env::schedule::Signal;
use crate::env::sim::disk::SimDisk;
use crate::env::sim::rng::Rng;
use crate::flush::{Flush, FlushSetup};
use crate::fold::Mergers;
use crate::journal::blobs::NewBlob;
use crate::journal::tables::NewTable;
use crate::key::full::{FullKey, keyspace_of};
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{kind_of, seqno_of, trailer_of};
use crate::output::Sink;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::table::opening::Expect;
use crate::table::options::TableOptions;
use crate::table::reader::Table;
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::edit::Edit;
use crate::version::garbage::Garbage;
use crate::version::tree::{TableFile, Tree};

/// Tables in a directory, with numbers from a counter.
#[derive(Debug)]
pub(crate) struct TestSink {
    pub(crate) dir: Arc<dyn Directory>,
    cache: Arc<Cache>,
    next: AtomicU64,
    pub(crate) discarded: Mutex<Vec<u64>>,
}

impl TestSink {
    pub(crate) fn new(disk: &SimDisk) -> Arc<Self> {
        disk.create_dir(Path::new("/db")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let dir = disk.open_dir(Path::new("/db")).unwrap();
        Arc::new(Self {
            dir,
            cache: Cache::new(Budget::new(64 << 20), 16 << 20),
            next: AtomicU64::new(1),
            discarded: Mutex::new(Vec::new()),
        })
    }
}

impl Sink for TestSink {
    fn new_table(&self) -> Result<NewTable> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.dir.create(&names::table(number))?;
        let header = FileHeader {
            kind: FileKind::Table,
            compatible: 0,
            file_id: number * 7919,
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
        for number in numbers {
            self.dir.unlink(&names::table(*number)).unwrap();
            self.discarded.lock().push(*number);
        }
    }

    fn open(&self, file: &Arc<TableFile>) -> Result<Arc<Table>> {
        let on_disk = self.dir.open(&names::table(file.meta.number), Access::Read)?;
        let expect = Expect { file_id: file.meta.file_id, bytes: file.meta.bytes };
        Table::open(on_disk, expect, Arc::clone(&self.cache))
    }

    fn cache(&self) -> Arc<Cache> {
        Arc::clone(&self.cache)
    }

    fn new_blob(&self) -> Result<NewBlob> {
        unreachable!("nothing is moved in these tests")
    }

    fn discard_blobs(&self, _: &[u64]) {}
}

/// A write, or a deletion of `key..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) key: Vec<u8>,
    pub(crate) trailer: u64,
    pub(crate) value: Vec<u8>,
    pub(crate) end: Vec<u8>,
}

impl Write {
    fn seqno(&self) -> SeqNo {
        seqno_of(self.trailer)
    }

    pub(crate) fn is_sweep(&self) -> bool {
        kind_of(self.trailer) == Some(Kind::RangeDelete)
    }
}

pub(crate) fn user_key(keyspace: u32, key: &[u8]) -> Vec<u8> {
    FullKey::new(KeyspaceId::new(keyspace), key).bytes().to_vec()
}

/// What a reader at `snapshot` finds under `key` among writes in any order.
pub(crate) fn look_up(
    writes: &[Write],
    key: &[u8],
    snapshot: SeqNo,
    now_millis: u64,
) -> Option<Vec<u8>> {
    let seen = writes.iter().filter(|write| write.seqno() <= snapshot);
    let of_key = seen.filter(|write| {
        if write.is_sweep() {
            write.key.as_slice() <= key && key < write.end.as_slice()
        } else {
            write.key == key
        }
    });
    let newest = of_key.max_by_key(|write| write.seqno())?;
    match kind_of(newest.trailer)? {
        Kind::Put => Some(newest.value.clone()),
        Kind::PutExpiring => {
            let moment = u64::from_le_bytes(*newest.value.first_chunk().unwrap());
            (moment > now_millis).then(|| newest.value.clone())
        }
        _ => None,
    }
}

/// Trees, their files, and everything that was ever written.
#[derive(Debug)]
pub(crate) struct Mini {
    pub(crate) disk: SimDisk,
    pub(crate) sink: Arc<TestSink>,
    pub(crate) version: Arc<Version>,
    pub(crate) history: Vec<Write>,
    pub(crate) snapshots: Vec<SeqNo>,
    pub(crate) context: Context,
    pub(crate) options: TableOptions,
    pub(crate) parts: usize,
    pub(crate) sieve: Option<Arc<Sieve>>,
    next_seqno: u64,
    edit: u64,
}

impl Mini {
    pub(crate) fn new() -> Self {
        let disk = SimDisk::new();
        let sink = TestSink::new(&disk);
        let catalog = Catalog::new([7; 16], 1);
        let version = Version::from_catalog(&catalog, Garbage::new(Signal::new()), None).unwrap();
        Self {
            disk,
            sink,
            version: Arc::new(version),
            history: Vec::new(),
            snapshots: Vec::new(),
            context: Context { memtable_bytes: 3000, table_bytes: 2500, ..Context::default() },
            options: TableOptions { block_bytes: 256, codec: Codec::None, ..Default::default() },
            parts: 3,
            sieve: None,
            next_seqno: 10,
            edit: 0,
        }
    }

    fn seqno(&mut self) -> SeqNo {
        self.next_seqno += 1;
        SeqNo::new(self.next_seqno).unwrap()
    }

    /// The number of the last write.
    pub(crate) fn latest(&self) -> SeqNo {
        SeqNo::new(self.next_seqno).unwrap()
    }

    /// Random writes for a memtable.
    pub(crate) fn writes(&mut self, rng: &mut Rng, count: u64, keys: u64) -> Vec<Write> {
        let mut writes = Vec::new();
        for _ in 0..count {
            let keyspace = u32::from(rng.chance(1, 5));
            let number = rng.below(keys);
            let key = user_key(keyspace, format!("{number:05}").as_bytes());
            let seqno = self.seqno();
            let mut write = Write { key, trailer: 0, value: Vec::new(), end: Vec::new() };
            let kind = match rng.below(20) {
                0..=2 => Kind::Delete,
                3 => Kind::SingleDelete,
                4 => {
                    let end = number + 1 + rng.below(keys / 4 + 1);
                    write.end = user_key(keyspace, format!("{end:05}").as_bytes());
                    Kind::RangeDelete
                }
                5 | 6 => {
                    let moment = self.context.now_millis + rng.below(30);
                    write.value = moment.to_le_bytes().to_vec();
                    write.value.extend_from_slice(b"expiring");
                    Kind::PutExpiring
                }
                _ => {
                    let len = if rng.chance(1, 200) { 5000 } else { rng.below(60) };
                    write.value = vec![0; len as usize];
                    rng.garbage(&mut write.value);
                    Kind::Put
                }
            };
            write.trailer = trailer_of(seqno, kind);
            writes.push(write);
        }
        writes
    }

    /// The flush of a memtable with these writes.
    pub(crate) fn flushing(&self, writes: &[Write]) -> Flush {
        let (sweeps, entries): (Vec<&Write>, Vec<&Write>) =
            writes.iter().partition(|write| write.is_sweep());
        let entry = |write: &&Write| {
            let Write { key, trailer, value, .. } = (*write).clone();
            Entry { key, trailer, value }
        };
        let tombstone = |write: &&Write| {
            let Write { key, end, .. } = (*write).clone();
            Tombstone { start: key, end, seqno: write.seqno() }
        };
        let cursor = VecCursor::new(entries.iter().map(entry).collect());
        let tombstones = Fragments::build(sweeps.iter().map(tombstone).collect());
        let setup = FlushSetup {
            snapshots: self.snapshots.clone(),
            options: self.options,
            created_millis: self.context.now_millis,
            mergers: Mergers::default(),
        };
        Flush::new(Box::new(cursor), Arc::new(tombstones), setup, Arc::clone(&self.sink) as _)
    }

    /// Writes and flushes.
    pub(crate) fn flush(&mut self, writes: Vec<Write>) {
        let mut flush = self.flushing(&writes);
        while !flush.step().unwrap() {}
        self.history.extend(writes);
        self.install(&flush.edits());
    }

    pub(crate) fn install(&mut self, edits: &[Edit]) {
        self.edit += 1;
        let next = Arc::new(self.version.apply(edits, self.edit).unwrap());
        next.check().unwrap();
        self.version.retire(&next);
        let left: BTreeSet<u64> = next.files().map(|file| file.meta.number).collect();
        for file in self.version.files().filter(|file| !left.contains(&file.meta.number)) {
            self.sink.dir.unlink(&names::table(file.meta.number)).unwrap();
        }
        self.version = next;
    }

    /// The most urgent plan of any tree.
    pub(crate) fn pick(&self, strategy: &dyn Strategy) -> Option<Plan> {
        let pick = |tree: &Arc<Tree>| {
            let plan = strategy.pick(tree, &Busy::new(), &self.context)?;
            plan.check(tree, &self.context).unwrap();
            Some(plan)
        };
        self.version.trees.values().find_map(pick)
    }

    pub(crate) fn merging(&self, plan: &Plan) -> Merging {
        let setup = Setup {
            moving: Moving::default(),
            snapshots: self.snapshots.clone(),
            expired_millis: self.context.now_millis,
            options: self.options,
            parts: self.parts,
            mergers: Mergers::default(),
            sieve: self.sieve.clone(),
        };
        Merging::new(plan.clone(), setup, Arc::clone(&self.sink) as _)
    }

    /// Does a plan, sometimes with helpers.
    pub(crate) fn perform(&mut self, plan: &Plan, rng: &mut Rng) {
        let mut merging = self.merging(plan);
        let mut helpers = Vec::new();
        loop {
            if rng.chance(1, 3) {
                helpers.extend(merging.parts().take());
            }
            helpers.retain_mut(|helper| !helper.step());
            assert!(!merging.is_waiting() || !helpers.is_empty());
            if merging.step().unwrap() {
                break;
            }
        }
        assert!(helpers.is_empty());
        let edits = merging.edits();
        self.check_result(plan, &edits);
        self.install(&edits);
    }

    /// Each table is durable, sound, within its bounds, and shares no key with the next.
    fn check_result(&self, plan: &Plan, edits: &[Edit]) {
        // The journal does this before it commits.
        self.sink.dir.sync().unwrap();
        let mut last: Option<Vec<u8>> = None;
        for edit in edits {
            let Edit::TableAdded { meta, slices } = edit else { continue };
            assert!(self.disk.is_durable(&format!("/db/{}", names::table(meta.number))));
            let table = self.sink.open(&TableFile::new(meta.clone())).unwrap();
            table.verify().unwrap();
            assert_eq!(table.crc().unwrap(), meta.crc);
            assert_eq!(slices.len(), 1);
            assert_eq!((slices[0].level, slices[0].run), (plan.output_level, plan.output_run));
            assert!(last.is_none_or(|last| last <= slices[0].smallest));
            last = Some(slices[0].largest.clone());
            if plan.is_bottom && self.snapshots.is_empty() {
                assert_eq!((meta.deletes, meta.range_deletes), (0, 0));
                assert_eq!(meta.seqno_max, SeqNo::ZERO, "all readers see the same");
            }
        }
    }

    /// Everything that the tables hold.
    pub(crate) fn stored(&self) -> Vec<Write> {
        let mut stored = Vec::new();
        for tree in self.version.trees.values() {
            for slice in tree.slices() {
                let table = self.sink.open(&slice.file).unwrap();
                let mut cursor = table.cursor(Use::Scan);
                cursor.seek_first().unwrap();
                while cursor.is_valid() {
                    let key = cursor.key().to_vec();
                    if keyspace_of(&key) == slice.meta.keyspace {
                        assert!(slice.meta.spans(&key));
                        let (trailer, value) = (cursor.trailer(), cursor.value().to_vec());
                        stored.push(Write { key, trailer, value, end: Vec::new() });
                    }
                    cursor.next().unwrap();
                }
                for tombstone in table.tombstones().unwrap().iter() {
                    if keyspace_of(&tombstone.start) == slice.meta.keyspace {
                        let trailer = trailer_of(tombstone.seqno, Kind::RangeDelete);
                        let Tombstone { start: key, end, .. } = tombstone;
                        stored.push(Write { key, trailer, value: Vec::new(), end });
                    }
                }
            }
        }
        stored
    }

    /// Every reader finds what the history says.
    pub(crate) fn check_readers(&self) {
        let stored = self.stored();
        let mut by_key: BTreeMap<&[u8], (Vec<Write>, Vec<Write>)> = BTreeMap::new();
        for write in self.history.iter().filter(|write| !write.is_sweep()) {
            by_key.entry(&write.key).or_default().0.push(write.clone());
        }
        for write in stored.iter().filter(|write| !write.is_sweep()) {
            by_key.get_mut(write.key.as_slice()).expect("a new key").1.push(write.clone());
        }
        let sweeps = |writes: &[Write]| -> Vec<Write> {
            writes.iter().filter(|write| write.is_sweep()).cloned().collect()
        };
        let (all, left) = (sweeps(&self.history), sweeps(&stored));
        let now = self.context.now_millis;
        for (key, (written, found)) in by_key {
            let covering = |sweeps: &[Write]| -> Vec<Write> {
                let covers = |it: &&Write| it.key.as_slice() <= key && key < it.end.as_slice();
                sweeps.iter().filter(covers).cloned().collect()
            };
            let written = [written, covering(&all)].concat();
            let found = [found, covering(&left)].concat();
            for snapshot in self.snapshots.iter().copied().chain([SeqNo::MAX]) {
                let wanted = look_up(&written, key, snapshot, now);
                let got = look_up(&found, key, snapshot, now);
                assert_eq!(got, wanted, "{key:?} at {snapshot:?}: {found:?} of {written:?}");
            }
        }
    }

    /// The names of tables in the directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = self.sink.dir.list().unwrap();
        entries.into_iter().map(|entry| entry.name.into_string().unwrap()).collect()
    }
}
