//! A memtable: entries in order, a filter in front of them, range tombstones beside them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{NEWEST, kind_of, seqno_of};
use crate::memtable::arena::Entry;
use crate::memtable::cursor::{MemCursor, Way};
use crate::memtable::filter::{Filter, FilterWriter};
use crate::memtable::options::MemtableOptions;
use crate::memtable::skiplist::{SkipCursor, SkipList, SkipWriter};
use crate::memtable::stock::Stock;
use crate::memtable::tombstones::Tombstones;
use crate::memtable::tree::{FAN_OUT, Tree, TreeCursor, TreeWriter};
use crate::options::memory::MemtableKind;
use crate::stats::looked::{Looked, Probe};

/// In about so many steps a memtable is charged for what it takes; a small one in more, each as
/// large as what it has.
const CHARGE_STEPS: usize = 32;
/// No step is smaller.
const CHARGE_STEP_MIN: usize = 16 << 10;

/// What was written last, in order. Any number of threads reads, while one writes through the
/// `Inserter`; no reader takes a lock or waits for another.
///
/// A reader sees an entry for sure if it learned of its sequence number from whoever put it, or
/// from somebody who did. Nothing is taken out before the memtable goes as a whole.
#[derive(Debug)]
pub struct Memtable {
    /// What it counts for, in steps ahead of what it takes. It goes first: what the stock keeps of
    /// the memory counts there.
    charge: Mutex<Option<Charge>>,
    index: Index,
    filter: Filter,
    tombstones: Tombstones,
    entries: AtomicU64,
    deletes: AtomicU64,
    range_deletes: AtomicU64,
    /// When the first merge operand was written.
    merge_min_millis: AtomicU64,
    /// The smallest sequence number and the largest one.
    first: AtomicU64,
    last: AtomicU64,
    /// So many bytes of entries it counts for; 0 if it counts for none.
    charged: AtomicUsize,
    /// Bytes of large values that it refers to, by keyspace.
    apart: Mutex<BTreeMap<KeyspaceId, u64>>,
}

#[derive(Debug)]
enum Index {
    Tree(Arc<Tree<FAN_OUT>>),
    SkipList(Arc<SkipList>),
}

/// The one writer of a memtable.
#[derive(Debug)]
pub struct Inserter {
    memtable: Arc<Memtable>,
    index: Writer,
    filter: FilterWriter,
    /// Beyond so many bytes of entries it has to be charged for more.
    charged: usize,
    step: usize,
    has_grown: bool,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the large one is the one that is used")]
enum Writer {
    Tree(TreeWriter<FAN_OUT>),
    SkipList(SkipWriter),
}

/// An entry of a memtable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemEntry<'a> {
    /// Sequence number and kind.
    pub trailer: u64,
    /// The value; empty for deletes.
    pub value: &'a [u8],
}

/// Entries that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Where they begin, or the place before.
    pub first: Vec<u8>,
    /// How many they are.
    pub entries: u64,
}

/// An empty memtable and its writer; `OutOfMemory` if there is no memory for it.
pub fn new(options: &MemtableOptions) -> Result<(Arc<Memtable>, Inserter)> {
    new_from(options, &Weak::new())
}

/// As `new`, with memory from a stock, where it also goes in the end.
pub fn new_from(
    options: &MemtableOptions,
    stock: &Weak<Stock>,
) -> Result<(Arc<Memtable>, Inserter)> {
    let (index, writer) = match options.kind {
        MemtableKind::Tree => {
            let (tree, writer) = Tree::new(stock)?;
            (Index::Tree(tree), Writer::Tree(writer))
        }
        MemtableKind::SkipList => {
            let (list, writer) = SkipList::new(stock);
            (Index::SkipList(list), Writer::SkipList(writer))
        }
    };
    let memtable = Arc::new(Memtable {
        index,
        filter: Filter::default(),
        tombstones: Tombstones::default(),
        entries: AtomicU64::new(0),
        deletes: AtomicU64::new(0),
        range_deletes: AtomicU64::new(0),
        merge_min_millis: AtomicU64::new(u64::MAX),
        first: AtomicU64::new(u64::MAX),
        last: AtomicU64::new(0),
        charge: Mutex::new(None),
        charged: AtomicUsize::new(0),
        apart: Mutex::default(),
    });
    let filter = FilterWriter::new(options.bytes);
    let step = (options.bytes / CHARGE_STEPS).max(CHARGE_STEP_MIN);
    let inserter = Inserter {
        memtable: Arc::clone(&memtable),
        index: writer,
        filter,
        charged: usize::MAX,
        step,
        has_grown: false,
    };
    Ok((memtable, inserter))
}

impl Memtable {
    /// It refers to so many more bytes of large values.
    pub fn note_apart(&self, keyspace: KeyspaceId, bytes: u64) {
        let mut apart = self.apart.lock();
        let sum = apart.entry(keyspace).or_default();
        *sum = sum.saturating_add(bytes);
    }

    /// Bytes of large values of a keyspace that it refers to.
    #[must_use]
    pub fn apart_bytes(&self, keyspace: KeyspaceId) -> u64 {
        self.apart.lock().get(&keyspace).copied().unwrap_or_default()
    }

    /// The same of all keyspaces.
    #[must_use]
    pub fn all_apart_bytes(&self) -> u64 {
        self.apart.lock().values().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}

impl Inserter {
    /// Adds an entry; a delete has no value. `hash` is `hash64` of the key. `OutOfMemory` and
    /// `TooLarge` leave everything as it was, and so does `InvalidArgument`, the answer to a key
    /// and trailer that are there already.
    #[inline]
    pub fn put(&mut self, key: &[u8], hash: u64, trailer: u64, value: &[u8]) -> Result<()> {
        self.put_by(Writer::insert, Entry { key, trailer, value }, hash)
    }

    /// As `put`, for one of many: it need not be found before `settle`, which may refuse what `put`
    /// would have refused at once.
    #[inline]
    pub fn put_later(&mut self, key: &[u8], hash: u64, trailer: u64, value: &[u8]) -> Result<()> {
        self.put_by(Writer::lay, Entry { key, trailer, value }, hash)
    }

    /// Lets everything be found that was put. After an error some of it cannot be.
    pub fn settle(&mut self) -> Result<()> {
        match &mut self.index {
            Writer::Tree(tree) => tree.insert_laid()?,
            Writer::SkipList(_) => {}
        }
        if self.memtable.index.bytes() >= self.charged {
            self.charge_more();
        }
        Ok(())
    }

    /// The memory that `settle` gives back; what the memtable takes grows by no more.
    #[must_use]
    pub fn unsettled_bytes(&self) -> usize {
        match &self.index {
            Writer::Tree(tree) => tree.laid_bytes(),
            Writer::SkipList(_) => 0,
        }
    }

    #[inline]
    fn put_by(
        &mut self,
        put: impl FnOnce(&mut Writer, Entry<'_>) -> Result<()>,
        entry: Entry<'_>,
        hash: u64,
    ) -> Result<()> {
        let memtable = &*self.memtable;
        let entries = memtable.entries.load(Ordering::Relaxed);
        // First the filter: whoever sees the entry finds it through the filter too.
        memtable.filter.add(&mut self.filter, hash, entries, || memtable.index.bytes())?;
        let trailer = entry.trailer;
        put(&mut self.index, entry)?;
        memtable.entries.store(entries + 1, Ordering::Relaxed);
        if matches!(kind_of(trailer), Some(Kind::Delete | Kind::SingleDelete)) {
            let deletes = memtable.deletes.load(Ordering::Relaxed);
            memtable.deletes.store(deletes + 1, Ordering::Relaxed);
        }
        memtable.note(seqno_of(trailer));
        if memtable.index.bytes() >= self.charged {
            self.charge_more();
        }
        Ok(())
    }

    /// Sees to it that so many records of so many bytes in all can be put, or answers
    /// `OutOfMemory`: for what is large, before it is in the log.
    #[cold]
    pub fn make_room(&self, records: u32, bytes: usize) -> Result<()> {
        /// What an entry takes beside its key and its value, nodes included.
        const BESIDE: usize = 96;
        let bytes = bytes.saturating_add(BESIDE.saturating_mul(records as usize));
        match &self.index {
            Writer::Tree(tree) => tree.make_room(bytes),
            Writer::SkipList(list) => list.make_room(bytes),
        }
    }

    /// Asks for the memory that a `put` of this key is going to touch: it takes as long as most of
    /// the rest of a write, and can be on its way meanwhile. `hash` is `hash64` of the key.
    #[inline]
    pub fn ahead(&self, key: &[u8], hash: u64) {
        self.memtable.filter.ahead(&self.filter, hash);
        if let Writer::Tree(tree) = &self.index {
            tree.ahead(key);
        }
    }

    /// Counts what the memtable takes from now on, until the last one drops it.
    pub fn charge_to(&mut self, budget: &Arc<Budget>) {
        *self.memtable.charge.lock() = Some(budget.charge(MemoryKind::Memtable, 0));
        self.charge_more();
    }

    /// True if it counts for more than the last time this was asked.
    #[must_use]
    pub fn take_growth(&mut self) -> bool {
        std::mem::take(&mut self.has_grown)
    }

    #[cold]
    fn charge_more(&mut self) {
        let bytes = self.memtable.index.bytes();
        let step = self.step.min(bytes.max(CHARGE_STEP_MIN));
        self.charged = bytes.saturating_add(step);
        self.has_grown = true;
        self.memtable.charged.store(self.charged, Ordering::Relaxed);
        let memory = self.memtable.index.resident(self.charged);
        let beside = self.memtable.filter.bytes() + self.memtable.tombstones.bytes();
        if let Some(charge) = self.memtable.charge.lock().as_mut() {
            charge.resize(memory.saturating_add(beside) as u64);
        }
    }

    /// Deletes every entry older than `seqno` whose key is at or after `start` and before `end`. A
    /// range that holds no key is `InvalidArgument`.
    pub fn delete_range(&mut self, start: &[u8], end: &[u8], seqno: SeqNo) -> Result<()> {
        if start >= end {
            let message = "a range to delete ends before it begins";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let tombstone = Tombstone { start: start.to_vec(), end: end.to_vec(), seqno };
        let memtable = &*self.memtable;
        memtable.tombstones.add(tombstone);
        let count = memtable.range_deletes.load(Ordering::Relaxed);
        memtable.range_deletes.store(count + 1, Ordering::Relaxed);
        memtable.note(seqno);
        if self.charged < usize::MAX {
            self.charge_more();
        }
        Ok(())
    }

    /// What it writes to.
    #[must_use]
    pub fn memtable(&self) -> &Arc<Memtable> {
        &self.memtable
    }
}

impl Memtable {
    /// False only if no key with this hash was put.
    #[inline]
    #[must_use]
    pub fn may_contain(&self, hash: u64) -> bool {
        self.filter.may_contain(hash)
    }

    /// The newest entry of `key` whose trailer is at most `ceiling`. `hash` is `hash64` of the key.
    /// Range tombstones are not considered.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &[u8], hash: u64, ceiling: u64) -> Option<MemEntry<'_>> {
        self.get_told(key, hash, ceiling, &mut Looked::default())
    }

    /// The same, telling `probe`.
    #[inline]
    pub fn get_told(
        &self,
        key: &[u8],
        hash: u64,
        ceiling: u64,
        probe: &mut impl Probe,
    ) -> Option<MemEntry<'_>> {
        let may_contain = self.filter.may_contain(hash);
        probe.memtable_filter(may_contain);
        if !may_contain {
            return None;
        }
        let found = match &self.index {
            Index::Tree(tree) => tree.get(key, ceiling),
            Index::SkipList(list) => list.get(key, ceiling),
        };
        found.map(|entry| MemEntry { trailer: entry.trailer, value: entry.value })
    }

    /// A cursor at no entry.
    #[must_use]
    pub fn cursor(&self) -> MemCursor {
        MemCursor(match &self.index {
            Index::Tree(tree) => Way::Tree(TreeCursor::new(Arc::clone(tree))),
            Index::SkipList(list) => Way::SkipList(SkipCursor::new(Arc::clone(list))),
        })
    }

    /// How the entries between two full keys lie: pieces of about `grain` entries, each with its
    /// first key, in order. Entries that are put meanwhile may be among them or not. Counts the
    /// leaves of a tree, the entries of a skip list.
    #[must_use]
    pub fn spread(&self, lower: &[u8], upper: &[u8], grain: u64) -> Vec<Spread> {
        let mut all: Vec<Spread> = Vec::new();
        let mut add = |key: Option<&[u8]>, entries: u64| match all.last_mut() {
            Some(last) if last.entries < grain => last.entries += entries,
            _ => all.push(Spread { first: key.unwrap_or(lower).to_vec(), entries }),
        };
        match &self.index {
            Index::Tree(tree) => tree.spread(lower, upper, &mut add),
            Index::SkipList(list) => {
                let mut cursor = SkipCursor::new(Arc::clone(list));
                cursor.seek(lower, NEWEST);
                while cursor.is_valid() && cursor.entry().key < upper {
                    add(Some(cursor.entry().key), 1);
                    cursor.next();
                }
            }
        }
        all.retain(|piece| piece.entries > 0);
        all
    }

    /// True if there are range tombstones.
    #[inline]
    #[must_use]
    pub fn has_tombstones(&self) -> bool {
        self.tombstones.has_any()
    }

    /// All range tombstones.
    #[must_use]
    pub fn tombstones(&self) -> Arc<Fragments> {
        self.tombstones.whole()
    }

    /// The newest range tombstone over `key` that is not newer than `ceiling`; `ZERO` if none is.
    #[inline]
    #[must_use]
    pub fn covering(&self, key: &[u8], ceiling: SeqNo) -> SeqNo {
        self.tombstones.covering(key, ceiling)
    }

    /// How many bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.filter.bytes() + self.tombstones.bytes()
    }

    /// Takes up a piece of the memory that it counts for already and will touch next; true if there
    /// was one. Whoever has time does it for the writer, who waits for the system otherwise.
    pub fn page_in(&self) -> bool {
        let charged = self.charged.load(Ordering::Relaxed);
        match &self.index {
            Index::Tree(tree) => tree.page_in(charged.saturating_sub(tree.bytes())),
            Index::SkipList(list) => list.page_in(charged.saturating_sub(list.bytes())),
        }
    }

    /// How many entries it holds, range tombstones not counted.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// How many of them delete a key.
    #[must_use]
    pub fn deletes(&self) -> u64 {
        self.deletes.load(Ordering::Relaxed)
    }

    /// How many ranges were deleted.
    #[must_use]
    pub fn range_deletes(&self) -> u64 {
        self.range_deletes.load(Ordering::Relaxed)
    }

    /// When the first merge operand was written; `u64::MAX` if there is none.
    #[must_use]
    pub fn merge_min_millis(&self) -> u64 {
        self.merge_min_millis.load(Ordering::Acquire)
    }

    /// Takes in that an operand was written then: before it is put.
    pub fn note_merge(&self, millis: u64) {
        self.merge_min_millis.fetch_min(millis, Ordering::AcqRel);
    }

    /// True if nothing was put and no range was deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries() == 0 && self.range_deletes() == 0
    }

    /// The smallest sequence number and the largest one, range tombstones included.
    #[must_use]
    pub fn seqno_range(&self) -> Option<(SeqNo, SeqNo)> {
        let first = SeqNo::new(self.first.load(Ordering::Relaxed))?;
        Some((first, SeqNo::new(self.last.load(Ordering::Relaxed))?))
    }

    /// Takes a sequence number in. Only the writer calls this.
    #[inline]
    fn note(&self, seqno: SeqNo) {
        let seqno = seqno.get();
        if seqno > self.last.load(Ordering::Relaxed) {
            self.last.store(seqno, Ordering::Relaxed);
        }
        if seqno < self.first.load(Ordering::Relaxed) {
            self.first.store(seqno, Ordering::Relaxed);
        }
    }
}

impl Writer {
    #[inline]
    fn insert(&mut self, entry: Entry<'_>) -> Result<()> {
        match self {
            Self::Tree(tree) => tree.insert(entry),
            Self::SkipList(list) => list.insert(entry),
        }
    }

    #[inline]
    fn lay(&mut self, entry: Entry<'_>) -> Result<()> {
        match self {
            Self::Tree(tree) => tree.lay(entry),
            Self::SkipList(list) => list.insert(entry),
        }
    }
}

impl Index {
    fn bytes(&self) -> usize {
        match self {
            Self::Tree(tree) => tree.bytes(),
            Self::SkipList(list) => list.bytes(),
        }
    }

    fn resident(&self, used: usize) -> usize {
        match self {
            Self::Tree(tree) => tree.resident(used),
            Self::SkipList(list) => list.resident(used),
        }
    }
}
