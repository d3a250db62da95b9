//! Replay: the log on its way into memory.
//!
//! Keys come in any order, and what takes time is waiting for the memory that each of them touches.
//! So records of many batches are kept for a moment, and inserted in the order of their keys:
//! neighbours in the memtable come one after the other.

use std::sync::{Arc, Weak};

use crate::base::budget::Budget;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::batch::{Record, read};
use crate::engine::memory::new_memtable;
use crate::engine::write::insert;
use crate::key::full::big_endian;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::{Inserter, Memtable};
use crate::options::database::Options;
use crate::read::view::Sealed;
use crate::version::catalog::Catalog;
use crate::wal::chain::Replayed;

/// So many bytes are kept at most.
const KEPT_BYTES: usize = 2 << 20;
/// No more than this part of a memtable is kept, so that none gets much too large.
const KEPT_SHARE: u64 = 16;

/// The log on its way into memory.
#[derive(Debug)]
pub struct Replay<'a> {
    options: &'a Options,
    budget: &'a Arc<Budget>,
    memtables: Memtables,
    kept: Kept,
    kept_max: usize,
    last: SeqNo,
}

/// What the log held.
#[derive(Debug)]
pub struct Memtables {
    /// Where writes go on.
    pub active: Arc<Memtable>,
    /// The right to write there.
    pub inserter: Inserter,
    /// What is full already, the newest first, as in a view.
    pub sealed: Vec<Arc<Sealed>>,
}

impl<'a> Replay<'a> {
    /// Nothing was replayed yet.
    pub fn new(options: &'a Options, budget: &'a Arc<Budget>) -> Result<Self> {
        let (active, inserter) = new_memtable(options, budget, &Weak::new())?;
        let memtables = Memtables { active, inserter, sealed: Vec::new() };
        let share = usize::try_from(options.get_memtable_bytes() / KEPT_SHARE);
        let kept_max = share.map_or(KEPT_BYTES, |share| share.min(KEPT_BYTES));
        let (kept, last) = (Kept::default(), SeqNo::ZERO);
        Ok(Self { options, budget, memtables, kept, kept_max, last })
    }

    /// Takes in a batch, but for what tables hold already and what was dropped.
    pub fn take_in(&mut self, catalog: &Catalog, batch: &Replayed<'_>) -> Result<()> {
        if self.memtables.active.bytes() as u64 >= self.options.get_memtable_bytes() {
            self.seal()?;
        }
        let mut seqno = batch.first;
        let mut flushed = catalog.flushed;
        if planted(Bug::ReplayPassesOverTooMuch) && flushed > SeqNo::ZERO {
            flushed = flushed.after(1).unwrap_or(flushed);
        }
        for record in read(batch.payload) {
            let record = record.ok_or_else(not_understood)?;
            if seqno > flushed && catalog.has_keyspace(record.keyspace) {
                self.put(seqno, record)?;
            }
            self.last = seqno;
            seqno = seqno.after(1).ok_or_else(not_understood)?;
        }
        Ok(())
    }

    /// What became of it all.
    pub fn finish(mut self) -> Result<Memtables> {
        self.fill()?;
        Ok(self.memtables)
    }

    fn put(&mut self, seqno: SeqNo, record: Record<'_>) -> Result<()> {
        let bytes = record.key.len() + record.value.len() + size_of::<Place>();
        if self.kept.size() + bytes > self.kept_max {
            self.fill()?;
        }
        if bytes > self.kept_max {
            return insert(&mut self.memtables.inserter, &record, seqno);
        }
        self.kept.add(seqno, record);
        Ok(())
    }

    /// Inserts what is kept.
    fn fill(&mut self) -> Result<()> {
        self.kept.sort();
        for (seqno, record) in self.kept.records() {
            insert(&mut self.memtables.inserter, &record, seqno)?;
        }
        self.kept.clear();
        Ok(())
    }

    /// Goes on in another memtable. The log keeps both until the last one is flushed.
    fn seal(&mut self) -> Result<()> {
        self.fill()?;
        let (active, inserter) = new_memtable(self.options, self.budget, &Weak::new())?;
        let memtable = std::mem::replace(&mut self.memtables.active, active);
        self.memtables.inserter = inserter;
        let last = self.last;
        let sealed = Sealed { memtable, last, log_start: None, has_volatile: false };
        self.memtables.sealed.insert(0, Arc::new(sealed));
        Ok(())
    }
}

/// Records of batches that are gone.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// A record whose key and value lie in the bytes beside it, one behind the other.
#[derive(Debug)]
struct Place {
    /// What tells most keys apart, once they are being sorted.
    head: u64,
    seqno: SeqNo,
    kind: Kind,
    keyspace: KeyspaceId,
    start: usize,
    key_len: usize,
    value_len: usize,
}

impl Kept {
    fn add(&mut self, seqno: SeqNo, Record { kind, keyspace, key, value }: Record<'_>) {
        let (start, key_len, value_len) = (self.bytes.len(), key.len(), value.len());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.places.push(Place { head: 0, seqno, kind, keyspace, start, key_len, value_len });
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<Place>()
    }

    /// Brings the records into the order of their keys, more or less: nothing depends on it.
    fn sort(&mut self) {
        let Self { bytes, places } = self;
        let key_of = |place: &Place| pair_of(bytes, place).0;
        let Some(first) = places.first().map(key_of) else { return };
        let shared = places.iter().fold(first.len(), |shared, place| {
            let pairs = first.iter().zip(key_of(place)).take(shared);
            pairs.take_while(|(one, other)| one == other).count()
        });
        for place in places.iter_mut() {
            let key = pair_of(bytes, place).0;
            place.head = big_endian(key.get(shared..).unwrap_or_default());
        }
        places.sort_unstable_by_key(|place| (place.keyspace, place.head));
    }

    fn records(&self) -> impl Iterator<Item = (SeqNo, Record<'_>)> {
        self.places.iter().map(|place| {
            let &Place { seqno, kind, keyspace, .. } = place;
            let (key, value) = pair_of(&self.bytes, place);
            (seqno, Record { kind, keyspace, key, value })
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }
}

fn pair_of<'b>(bytes: &'b [u8], place: &Place) -> (&'b [u8], &'b [u8]) {
    let bytes = bytes.get(place.start..place.start + place.key_len + place.value_len);
    bytes.and_then(|bytes| bytes.split_at_checked(place.key_len)).unwrap_or_default()
}

fn not_understood() -> Error {
    let message = "the log holds a batch that this version does not understand";
    Error::new(ErrorKind::Format, message)
}
