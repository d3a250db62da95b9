//! The way of a read: a view, then what it holds, from the newest to the oldest.

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::state::Engine;
use crate::key::full::FullKey;
use crate::key::seqno::SeqNo;
use crate::read::get::{Found, Question, get};
use crate::stats::looked::Looked;
use crate::stats::timings::Timing;

impl Engine {
    /// Looks up a key, and hands the value to `take` wherever it stands. Without `at`, the reader
    /// sees the newest.
    pub fn get<T>(
        &self,
        keyspace: &KeyspaceState,
        key: &[u8],
        at: Option<SeqNo>,
        take: impl FnMut(Found<'_>) -> T,
    ) -> Result<Option<T>> {
        let begun = self.timings.begin(Timing::Get);
        self.check_open()?;
        keyspace.check()?;
        let full = FullKey::new(keyspace.id, key);
        // The view comes first: what is visible by then stands in it.
        let view = self.view.load();
        let seqno = at.unwrap_or_else(|| self.visible());
        let question = Question::new(full.bytes(), seqno, self.env.clock.as_ref());
        let mut looked = Looked::default();
        let found = get(&view, &question, &mut looked, take)?;
        self.counters.add_get(&looked, found.is_some());
        self.timings.end(Timing::Get, begun);
        Ok(found)
    }

    /// Looks up several keys at one moment.
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keyspace: &KeyspaceState,
        keys: impl IntoIterator<Item = K>,
        at: Option<SeqNo>,
    ) -> Result<Vec<Option<Slice>>> {
        self.check_open()?;
        keyspace.check()?;
        let view = self.view.load();
        let seqno = at.unwrap_or_else(|| self.visible());
        let mut values = Vec::new();
        for key in keys {
            let begun = self.timings.begin(Timing::Get);
            let mut looked = Looked::default();
            let full = FullKey::new(keyspace.id, key.as_ref());
            let question = Question::new(full.bytes(), seqno, self.env.clock.as_ref());
            let found = get(&view, &question, &mut looked, |found| self.keep(found))?;
            self.counters.add_get(&looked, found.is_some());
            self.timings.end(Timing::Get, begun);
            values.push(found);
        }
        Ok(values)
    }
}
