//! What a read tells of its way through a view. For usual reads none of it is there.

use std::sync::Arc;

use crate::blob::reference::BlobRef;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::Memtable;
use crate::read::visible::Sight;
use crate::stats::looked::{Looked, Probe};
use crate::table::reader::Table;
use crate::version::tree::{Run, Slice};

/// Is told of the way of a lookup, in order. Whatever it does not want to know does nothing.
pub trait Trace: Probe {
    /// A lookup begins, of somebody who sees entries up to this number.
    #[inline]
    fn begins(&mut self, _seqno: SeqNo) {}

    /// A memtable is asked.
    #[inline]
    fn memtable(&mut self, _memtable: &Memtable) {}

    /// A run is asked: this table of it, or none, since no table of it spans the key.
    #[inline]
    fn run(&mut self, _run: &Run, _slice: Option<&Slice>) {}

    /// The table that is asked is open.
    #[inline]
    fn opened(&mut self, _table: &Arc<Table>) {}

    /// What stands there: the newest entry with its trailer, and the newest range tombstone over
    /// the key, or `ZERO`; and what that is to the reader, if there is an entry.
    #[inline]
    fn judged(&mut self, _entry: Option<u64>, _cover: SeqNo, _sight: Option<Sight>) {}

    /// The value stands apart, and is read there.
    #[inline]
    fn apart(&mut self, _reference: &BlobRef) {}
}

impl Trace for Looked {}

/// Is told what becomes of each entry that a scan comes to.
pub trait Watch {
    /// An entry was looked at.
    #[inline]
    fn met(&mut self, _what: Met) {}

    /// The scan leapt over a stretch of which an earlier one has found that nothing lives there.
    #[inline]
    fn leapt(&mut self) {}

    /// The scan sought its way past many entries at once: older ones of a key, newer ones than it
    /// may see, or what a range tombstone covers.
    #[inline]
    fn skipped(&mut self) {}
}

/// Nobody is told.
impl Watch for () {}

/// What an entry was to a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// A pair.
    Pair,
    /// An older entry of a key that was decided.
    Older,
    /// Newer than what the scan may see.
    TooNew,
    /// It gives no value: a delete, an expired value, or under a range tombstone.
    Dead(u64, Sight),
    /// The first one behind the range.
    Outside,
}

impl Met {
    /// What an entry with this trailer is to a scan that has judged it so.
    #[inline]
    #[must_use]
    pub fn of(trailer: u64, sight: Sight) -> Self {
        if sight == Sight::Value { Self::Pair } else { Self::Dead(trailer, sight) }
    }
}
