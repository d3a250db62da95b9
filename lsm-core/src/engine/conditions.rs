//! The conditions of a batch, held against what there is.
//!
//! They are looked at before the commit lock, for that may read tables. Under it only the memtables
//! are asked whether somebody has written to one of the keys since: then, or if such a memtable is
//! a table by now, or if a compaction filter has changed something, everything is looked at again.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::condition::{Condition, Conditions, Wanted};
use crate::engine::state::Engine;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::Memtable;
use crate::read::access::Usual;
use crate::read::as_of::AsOf;
use crate::read::get::{Question, get};
use crate::read::view::View;
use crate::read::written::{last_written, written_in};
use crate::stats::looked::Looked;

/// All conditions held when they were looked at.
#[derive(Debug)]
pub struct Held {
    /// What was written by then was seen.
    seen: SeqNo,
    /// What is written later is in this memtable, or in a later one.
    memtable: Arc<Memtable>,
    /// What compaction filters had changed by then was seen: see `View::sifted`.
    sifted: u64,
}

impl Engine {
    /// Looks at all conditions at one moment; `None` if there is none to look at. The first that
    /// does not hold is the error.
    #[inline]
    pub fn check_conditions(&self, conditions: &Conditions) -> Result<Option<Held>> {
        if conditions.is_empty() { Ok(None) } else { self.check_some(conditions).map(Some) }
    }

    // Most writes have none: they are not to carry this along.
    #[inline(never)]
    fn check_some(&self, conditions: &Conditions) -> Result<Held> {
        // The number comes first: what is newer is looked for again, though it may have been seen.
        let seen = self.visible();
        let view = self.view.load();
        let at_once = self.as_of_now();
        for (at, condition) in conditions.iter().enumerate() {
            if let Some(why) = self.contradiction(&view, condition, at_once)? {
                let message = format!("condition {at} of the batch does not hold: {why}");
                return Err(Error::new(ErrorKind::Conflict, message));
            }
        }
        Ok(Held { seen, memtable: view.active.clone(), sifted: view.sifted })
    }

    /// True if nobody has written to a key of the conditions since they were looked at, and no
    /// compaction filter has changed anything. Under the commit lock, so that nobody does.
    #[inline(never)]
    #[must_use]
    pub fn still_hold(&self, held: &Held, conditions: &Conditions) -> bool {
        let view = self.view.load();
        if view.sifted != held.sifted {
            return false;
        }
        let at_once = self.as_of_now();
        for memtable in view.memtables() {
            let is_written = |condition: &Condition| {
                let question = self.question(condition.key.bytes(), Some(at_once));
                written_in(memtable, &question) > held.seen
            };
            if conditions.iter().any(is_written) {
                return false;
            }
            if Arc::ptr_eq(memtable, &held.memtable) {
                return true;
            }
        }
        false
    }

    /// What is against a condition, in words.
    fn contradiction(
        &self,
        view: &View,
        condition: &Condition,
        at_once: AsOf,
    ) -> Result<Option<&'static str>> {
        let question = self.question(condition.key.bytes(), Some(at_once));
        let keyspace = self.merging_keyspace(keyspace_of(condition.key.bytes()));
        let merger = keyspace.as_ref().and_then(|keyspace| keyspace.merger.as_deref());
        let question = question.merging(merger);
        let looked = &mut Looked::default();
        Ok(match &condition.wanted {
            Wanted::Absent => {
                let unread = Question { blobs: None, ..question };
                let found = get(Usual, view, &unread, looked, |_| ())?;
                found.map(|()| "the key has a value")
            }
            Wanted::Value(wanted) => {
                match get(Usual, view, &question, looked, |found| found.bytes() == wanted)? {
                    Some(true) => None,
                    Some(false) => Some("the key has another value"),
                    None => Some("the key has no value"),
                }
            }
            Wanted::Unchanged(since) => {
                let is_newer = last_written(Usual, view, &question)? > *since;
                is_newer.then_some("somebody has written to the key since the snapshot")
            }
        })
    }
}
