//! Replay: the log on its way into memory.
//!
//! Keys come in any order, and what takes time is waiting for the memory that each of them touches.
//! So records are copied into the memtable one behind the other, and are made to be found later,
//! many of them at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::base::budget::Budget;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::batch::{Record, read};
use crate::blob::reference::BlobRef;
use crate::engine::memory::new_memtable;
use crate::engine::pager::Pager;
use crate::engine::reader::Memtables;
use crate::engine::write::insert_later;
use crate::env::schedule::Scheduler;
use crate::journal::follow::Follow;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::Memtable;
use crate::merge::operand::split;
use crate::options::database::Options;
use crate::read::view::Sealed;
use crate::version::catalog::Catalog;
use crate::wal::chain::Replayed;
use crate::wal::chain::follow::Taken;

/// What is needed until then may take this part of a memtable's memory, beside it.
const UNSETTLED_SHARE: u64 = 8;
/// From this size on a memtable is made of large pages, and those are taken up ahead.
const PAGED_BYTES: usize = 4 << 20;

/// The log on its way into memory.
#[derive(Debug)]
pub struct Replay<'a> {
    scheduler: &'a dyn Scheduler,
    options: &'a Options,
    budget: &'a Arc<Budget>,
    memtables: Memtables,
    unsettled_max: u64,
    pager: Option<Pager>,
    last: SeqNo,
}

impl<'a> Replay<'a> {
    /// Nothing was replayed yet.
    pub fn new(
        scheduler: &'a dyn Scheduler,
        options: &'a Options,
        budget: &'a Arc<Budget>,
    ) -> Result<Self> {
        let (active, inserter) = new_memtable(options, budget, &Weak::new())?;
        let (sealed, apart) = (Vec::new(), BTreeMap::new());
        let memtables = Memtables { active, inserter, sealed, has_expiring: false, apart };
        let unsettled_max = options.get_memtable_bytes() / UNSETTLED_SHARE;
        let (pager, last) = (None, SeqNo::ZERO);
        Ok(Self { scheduler, options, budget, memtables, unsettled_max, pager, last })
    }

    /// Goes on where another replay has ended.
    #[must_use]
    pub fn go_on(
        scheduler: &'a dyn Scheduler,
        options: &'a Options,
        budget: &'a Arc<Budget>,
        memtables: Memtables,
    ) -> Self {
        let unsettled_max = options.get_memtable_bytes() / UNSETTLED_SHARE;
        let sealed = memtables.sealed.first().map(|sealed| sealed.last);
        let last = memtables.active.seqno_range().map(|(_, last)| last).or(sealed);
        let (pager, last) = (None, last.unwrap_or(SeqNo::ZERO));
        Self { scheduler, options, budget, memtables, unsettled_max, pager, last }
    }

    /// Takes in a batch, but for what tables hold already and what was dropped.
    pub fn take_in(&mut self, catalog: &Catalog, batch: &Replayed<'_>) -> Result<()> {
        let Memtables { active, inserter, .. } = &self.memtables;
        let bytes = active.bytes() + inserter.unsettled_bytes();
        if bytes as u64 >= self.options.get_memtable_bytes() {
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
                self.put(seqno, &record)?;
            }
            self.last = seqno;
            seqno = seqno.after(1).ok_or_else(not_understood)?;
        }
        Ok(())
    }

    /// What became of it all.
    pub fn finish(mut self) -> Result<Memtables> {
        self.memtables.inserter.settle()?;
        Ok(self.memtables)
    }

    fn put(&mut self, seqno: SeqNo, record: &Record<'_>) -> Result<()> {
        if record.kind == Kind::RangeDelete && planted(Bug::ReplayLosesRangeDeletes) {
            return Ok(());
        }
        self.memtables.has_expiring |= record.kind == Kind::PutExpiring;
        if record.kind == Kind::Merge {
            let (stamp, _) = split(record.value)?;
            self.memtables.active.note_merge(stamp.millis);
            self.memtables.has_expiring = true;
        }
        if record.kind == Kind::BlobRef {
            self.note_apart(seqno, record);
        }
        let inserter = &mut self.memtables.inserter;
        insert_later(inserter, record, seqno)?;
        if inserter.take_growth() {
            self.page_ahead();
        }
        let inserter = &mut self.memtables.inserter;
        if inserter.unsettled_bytes() as u64 >= self.unsettled_max {
            inserter.settle()
        } else {
            Ok(())
        }
    }

    fn note_apart(&mut self, seqno: SeqNo, record: &Record<'_>) {
        if let Some(reference) = BlobRef::decode(record.value) {
            let bytes = u64::from(reference.len);
            self.memtables.active.note_apart(record.keyspace, bytes);
            self.memtables.has_expiring |= reference.expiry_millis.is_some();
            self.memtables.apart.insert(reference.file, seqno);
        }
    }

    #[cold]
    fn page_ahead(&mut self) {
        let active = &self.memtables.active;
        match &self.pager {
            Some(pager) => pager.follow(active),
            None if active.bytes() < PAGED_BYTES => {}
            None => self.pager = Some(Pager::new(self.scheduler, active)),
        }
    }

    /// Goes on in another memtable. The log keeps both until the last one is flushed.
    fn seal(&mut self) -> Result<()> {
        self.memtables.inserter.settle()?;
        let (active, inserter) = new_memtable(self.options, self.budget, &Weak::new())?;
        let memtable = std::mem::replace(&mut self.memtables.active, active);
        self.memtables.inserter = inserter;
        let last = self.last;
        let sealed = Sealed { memtable, last, log_start: None, has_volatile: false };
        self.memtables.sealed.insert(0, Arc::new(sealed));
        Ok(())
    }
}

impl Follow for Replay<'_> {
    fn begin(&mut self) -> Result<()> {
        let (active, inserter) = new_memtable(self.options, self.budget, &Weak::new())?;
        let (sealed, apart) = (Vec::new(), BTreeMap::new());
        self.memtables = Memtables { active, inserter, sealed, has_expiring: false, apart };
        (self.pager, self.last) = (None, SeqNo::ZERO);
        Ok(())
    }

    fn forget_up_to(&mut self, flushed: SeqNo) -> Result<bool> {
        let is_cut = |memtable: &Memtable| {
            let range = memtable.seqno_range();
            range.is_some_and(|(first, last)| first <= flushed && flushed < last)
        };
        let Memtables { active, sealed, .. } = &self.memtables;
        if is_cut(active) || sealed.iter().any(|sealed| is_cut(&sealed.memtable)) {
            return Ok(false);
        }
        let is_done = active.seqno_range().is_some_and(|(_, last)| last <= flushed);
        self.memtables.sealed.retain(|sealed| sealed.last > flushed);
        if is_done {
            let (active, inserter) = new_memtable(self.options, self.budget, &Weak::new())?;
            (self.memtables.active, self.memtables.inserter) = (active, inserter);
        }
        Ok(true)
    }

    fn take_in(&mut self, catalog: &Catalog, batch: &Replayed<'_>) -> Result<Taken> {
        for record in read(batch.payload) {
            let record = record.ok_or_else(not_understood)?;
            let is_later = record.keyspace.get() >= catalog.next_keyspace;
            if is_later || is_in_later_file(catalog, batch, &record) {
                return Ok(Taken::NotYet);
            }
        }
        Replay::take_in(self, catalog, batch).map(|()| Taken::Yes)
    }
}

/// True if the record refers to a file of large values that the manifest, as it was read, does not
/// list yet. One that it lists no more only records refer to that are in tables.
fn is_in_later_file(catalog: &Catalog, batch: &Replayed<'_>, record: &Record<'_>) -> bool {
    if record.kind != Kind::BlobRef || batch.first <= catalog.flushed {
        return false;
    }
    let is_listed = |reference: BlobRef| catalog.blobs.contains_key(&reference.file);
    catalog.has_keyspace(record.keyspace) && !BlobRef::decode(record.value).is_some_and(is_listed)
}

fn not_understood() -> Error {
    let message = "the log holds a batch that this version does not understand";
    Error::new(ErrorKind::Format, message)
}
