//! The way of a batch to its readers, across a switch of memtables and the installing of a flush.
//!
//! Real are the memtables (skip lists, for a node of the tree is too large for a model), the view
//! and how it changes, the version, and the cell that holds the view. Modelled after `Engine` are
//! the order of steps in `write`, `switch_memtable`, `install` and `get`. A table is a memtable
//! that holds the newest entry of each key, as a flush without snapshots leaves it, and the number
//! of the version's last edit is how many there are. The log is left out: it orders nothing here.

use std::sync::{Arc, Weak};

use crate::base::budget::Budget;
use crate::base::checksum::hash64;
use crate::base::current::Current;
use crate::base::sync::model::{Bound, finds, holds, spawn};
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::engine::memory::new_memtable;
use crate::env::schedule::Signal;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::trailer_of;
use crate::memtable::handle::{Inserter, Memtable};
use crate::options::database::Options;
use crate::options::memory::MemtableKind;
use crate::read::view::{Sealed, View};
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::garbage::Garbage;

const KEYS: [&[u8]; 2] = [b"one", b"two"];

/// A step that is taken in the wrong place.
#[derive(Clone, Copy, PartialEq)]
enum Slip {
    None,
    /// A batch is shown before all of it is in the memtable.
    ShownTooEarly,
    /// A reader looks at the number first, and takes the view after it.
    ViewTakenLast,
    /// A memtable is written to before readers look into it.
    SwitchedTooLate,
    /// A memtable goes before its table is there.
    RemovedTooEarly,
}

struct Ground {
    view: Current<View>,
    visible: AtomicU64,
    writer: Mutex<Inserter>,
    tables: Mutex<Vec<Arc<Memtable>>>,
    /// The last batch that was acknowledged.
    told: AtomicU64,
    slip: Slip,
}

fn memtable() -> (Arc<Memtable>, Inserter) {
    new_memtable(
        &Options::new().memtable(MemtableKind::SkipList),
        &Budget::new(1 << 30),
        &Weak::new(),
    )
    .unwrap()
}

fn put(inserter: &mut Inserter, key: &[u8], seqno: u64, value: &[u8]) {
    let trailer = trailer_of(SeqNo::new(seqno).unwrap(), Kind::Put);
    inserter.put(key, hash64(key), trailer, value).unwrap();
}

impl Ground {
    fn new(slip: Slip) -> Arc<Self> {
        let version =
            Version::from_catalog(&Catalog::default(), Garbage::new(Signal::new()), None).unwrap();
        let (active, inserter) = memtable();
        let view = View { active, sealed: Vec::new(), version: Arc::new(version), sifted: 0 };
        let ground = Arc::new(Self {
            view: Current::new(view),
            visible: AtomicU64::new(0),
            writer: Mutex::new(inserter),
            tables: Mutex::new(Vec::new()),
            told: AtomicU64::new(0),
            slip,
        });
        ground.write(1);
        ground
    }

    fn write(&self, batch: u64) {
        let mut inserter = self.writer.lock();
        self.fill(&mut inserter, batch);
        drop(inserter);
        self.told.store(batch, Ordering::Release);
    }

    fn fill(&self, inserter: &mut Inserter, batch: u64) {
        for (number, key) in (batch * 2..).zip(KEYS) {
            put(inserter, key, number, &batch.to_le_bytes());
            if self.slip == Slip::ShownTooEarly {
                self.visible.store(batch * 2 + 1, Ordering::Release);
            }
        }
        self.visible.store(batch * 2 + 1, Ordering::Release);
    }

    /// As `switch_memtable`, and a batch behind it.
    fn switch_and_write(&self, batch: u64) {
        let mut writer = self.writer.lock();
        let (active, inserter) = memtable();
        *writer = inserter;
        if self.slip == Slip::SwitchedTooLate {
            self.fill(&mut writer, batch);
            self.told.store(batch, Ordering::Release);
        }
        self.show(active);
        if self.slip != Slip::SwitchedTooLate {
            self.fill(&mut writer, batch);
            drop(writer);
            self.told.store(batch, Ordering::Release);
        }
    }

    fn switch(&self) {
        let mut writer = self.writer.lock();
        let (active, inserter) = memtable();
        *writer = inserter;
        self.show(active);
    }

    fn show(&self, active: Arc<Memtable>) {
        let last = SeqNo::new(self.visible.load(Ordering::Acquire)).unwrap();
        self.view.update(|view| {
            let sealed = Sealed {
                memtable: view.active.clone(),
                last,
                log_start: None,
                has_volatile: false,
            };
            view.switched(active, Arc::new(sealed))
        });
    }

    fn flush(&self) {
        let before = self.view.load();
        let Some(sealed) = before.sealed.last() else { return };
        let (table, mut inserter) = memtable();
        for key in KEYS {
            let newest = sealed.memtable.get(key, hash64(key), u64::MAX).unwrap();
            put(&mut inserter, key, newest.trailer >> 8, newest.value);
        }
        self.tables.lock().push(table);
        let version = &before.version;
        if self.slip == Slip::RemovedTooEarly {
            self.view.update(|view| view.installed(version.clone(), Some(sealed)));
        }
        let after = Arc::new(version.apply(&[], version.edit + 1).unwrap());
        self.view.update(|view| view.installed(after, Some(sealed)));
    }

    fn read(&self) {
        let told = self.told.load(Ordering::Acquire);
        let early = self.visible.load(Ordering::Acquire);
        let view = self.view.load();
        let visible = match self.slip {
            Slip::ViewTakenLast => early,
            _ => self.visible.load(Ordering::Acquire),
        };
        let tables = self.tables.lock();
        let tables: Vec<_> = tables.iter().take(view.version.edit as usize).rev().collect();
        let found = KEYS.map(|key| {
            let ceiling = visible << 8 | 0xff;
            let mut places = view.memtables().chain(tables.iter().copied());
            let found = places.find_map(|place| place.get(key, hash64(key), ceiling));
            found.map(|entry| entry.value.to_vec())
        });
        assert_eq!(found[0], found[1], "half a batch at {visible}");
        let batch = found[0].as_deref().map(|value| u64::from(value[0]));
        assert!(batch >= Some(told), "batch {told} was acknowledged, {batch:?} is found");
    }
}

fn beside_a_write(slip: Slip) {
    let ground = Ground::new(slip);
    let reader = {
        let ground = Arc::clone(&ground);
        spawn(move || ground.read())
    };
    ground.write(2);
    reader.join().unwrap();
}

fn beside_a_switch(slip: Slip) {
    let ground = Ground::new(slip);
    let reader = {
        let ground = Arc::clone(&ground);
        spawn(move || ground.read())
    };
    ground.write(2);
    ground.switch_and_write(3);
    ground.flush();
    reader.join().unwrap();
}

fn beside_a_flush(slip: Slip) {
    let ground = Ground::new(slip);
    ground.switch();
    let reader = {
        let ground = Arc::clone(&ground);
        spawn(move || ground.read())
    };
    let flusher = {
        let ground = Arc::clone(&ground);
        spawn(move || ground.flush())
    };
    ground.switch_and_write(2);
    reader.join().unwrap();
    flusher.join().unwrap();
    let view = ground.view.load();
    assert_eq!((view.sealed.len(), view.version.edit), (1, 1));
    ground.read();
}

const BOUND: Bound = Bound { preemptions: 2, seconds: 8 };
const FIND: Bound = Bound { preemptions: 1, seconds: 20 };

#[test]
fn no_reader_sees_half_a_batch() {
    holds("commit, write", BOUND, || beside_a_write(Slip::None));
    holds("commit, write", FIND, || beside_a_write(Slip::None));
    finds("commit, shown too early", FIND, None, || beside_a_write(Slip::ShownTooEarly));
}

#[test]
fn nothing_is_missed_across_a_switch() {
    holds("commit, switch and flush", BOUND, || beside_a_switch(Slip::None));
    holds("commit, switch and flush", FIND, || beside_a_switch(Slip::None));
    finds("commit, view taken last", FIND, None, || beside_a_switch(Slip::ViewTakenLast));
    finds("commit, switched too late", FIND, None, || beside_a_switch(Slip::SwitchedTooLate));
}

#[test]
fn nothing_is_missed_while_a_flush_is_installed() {
    holds("commit, flush beside a switch", BOUND, || beside_a_flush(Slip::None));
    holds("commit, flush beside a switch", FIND, || beside_a_flush(Slip::None));
    finds("commit, removed too early", FIND, None, || beside_a_flush(Slip::RemovedTooEarly));
}
