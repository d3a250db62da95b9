//! Replay: the log on its way into memory.

use std::sync::{Arc, Weak};

use crate::base::budget::Budget;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::batch::read;
use crate::engine::memory::new_memtable;
use crate::engine::write::insert;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::{Inserter, Memtable};
use crate::options::database::Options;
use crate::read::view::Sealed;
use crate::version::catalog::Catalog;
use crate::wal::chain::Replayed;

/// The log on its way into memory.
#[derive(Debug)]
pub struct Replay<'a> {
    options: &'a Options,
    budget: &'a Arc<Budget>,
    /// Where writes go on.
    pub active: Arc<Memtable>,
    /// The right to write there.
    pub inserter: Inserter,
    /// What is full already, the newest first, as in a view.
    pub sealed: Vec<Arc<Sealed>>,
    last: SeqNo,
}

impl<'a> Replay<'a> {
    /// Nothing was replayed yet.
    pub fn new(options: &'a Options, budget: &'a Arc<Budget>) -> Result<Self> {
        let (active, inserter) = new_memtable(options, budget, &Weak::new())?;
        Ok(Self { options, budget, active, inserter, sealed: Vec::new(), last: SeqNo::ZERO })
    }

    /// Takes in a batch, but for what tables hold already and what was dropped.
    pub fn take_in(&mut self, catalog: &Catalog, batch: &Replayed<'_>) -> Result<()> {
        if self.active.bytes() as u64 >= self.options.get_memtable_bytes() {
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
                insert(&mut self.inserter, &record, seqno)?;
            }
            self.last = seqno;
            seqno = seqno.after(1).ok_or_else(not_understood)?;
        }
        Ok(())
    }

    /// Goes on in another memtable. The log keeps both until the last one is flushed.
    fn seal(&mut self) -> Result<()> {
        let (active, inserter) = new_memtable(self.options, self.budget, &Weak::new())?;
        let memtable = std::mem::replace(&mut self.active, active);
        self.inserter = inserter;
        let last = self.last;
        let sealed = Sealed { memtable, last, log_start: None, has_volatile: false };
        self.sealed.insert(0, Arc::new(sealed));
        Ok(())
    }
}

fn not_understood() -> Error {
    let message = "the log holds a batch that this version does not understand";
    Error::new(ErrorKind::Format, message)
}
