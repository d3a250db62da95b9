//! The way of a read: a view, then what it holds, from the newest to the oldest.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::Engine;
use crate::env::clock::Now;
use crate::key::full::FullKey;
use crate::read::access::Access;
use crate::read::as_of::AsOf;
use crate::read::get::{Found, Question, get};
use crate::read::many::{GROUP, Many};
use crate::read::trace::Trace;
use crate::read::view::View;
use crate::stats::looked::Looked;
use crate::stats::timings::Timing;

/// Room is made at once for no more values than this, whatever an iterator says of itself.
const ROOM_MAX: usize = 1 << 12;

impl Engine {
    /// Looks up a key, and hands the value to `take` wherever it stands. Without `at`, the reader
    /// sees the newest.
    pub fn get<T>(
        &self,
        access: impl Access,
        keyspace: &KeyspaceState,
        key: &[u8],
        at: Option<&SnapshotPin>,
        take: impl FnMut(Found<'_>) -> T,
    ) -> Result<Option<T>> {
        self.get_told((access, &mut Looked::default()), keyspace, key, (at, true), take)
    }

    /// When the value of a key expires, 0 for never; `None` if it has none. A value that stands
    /// apart is not read.
    #[inline]
    pub fn expiry_of(
        &self,
        access: impl Access,
        keyspace: &KeyspaceState,
        key: &[u8],
        at: Option<&SnapshotPin>,
    ) -> Result<Option<u64>> {
        let take = |found: Found<'_>| found.expiry_millis();
        self.get_told((access, &mut Looked::default()), keyspace, key, (at, false), take)
    }

    /// The same, telling `trace` of the way.
    #[inline]
    pub fn get_told<T>(
        &self,
        (access, trace): (impl Access, &mut impl Trace),
        keyspace: &KeyspaceState,
        key: &[u8],
        (at, is_wanted): (Option<&SnapshotPin>, bool),
        take: impl FnMut(Found<'_>) -> T,
    ) -> Result<Option<T>> {
        let begun = self.timings.begin(Timing::Get);
        self.check_open()?;
        keyspace.check()?;
        let full = FullKey::new(keyspace.id, key);
        // The view comes first: what is visible by then stands in it.
        let view = self.view_of(at);
        let question = self
            .question(full.bytes(), at.map(SnapshotPin::as_of))
            .merging(keyspace.merger.as_deref());
        let mut question = question.by(access);
        if !is_wanted {
            question.blobs = None;
        }
        let found = get(access, &view, &question, trace, take)?;
        self.counters.add_gets(&trace.looked(), 1, u64::from(found.is_some()));
        self.timings.end(Timing::Get, begun);
        Ok(found)
    }

    /// Where a snapshot reads; without one, what there is now.
    #[inline]
    #[must_use]
    pub(super) fn view_of(&self, at: Option<&SnapshotPin>) -> Arc<View> {
        at.and_then(SnapshotPin::view).map_or_else(|| self.view.load(), Arc::clone)
    }

    /// Pins what is visible now. A reader beside a writer keeps the view, too, because the writer
    /// gives up what nobody there needs.
    #[must_use]
    pub fn take_snapshot(&self) -> SnapshotPin {
        let keeps_view = self.reader.is_some();
        self.snapshots.take(&self.visible, self.env.clock.as_ref(), (&self.view, keeps_view))
    }

    /// Asks for a full key as of some moment; without one, for the newest. The view comes before.
    #[inline(always)]
    pub fn question<'a>(&'a self, key: &'a [u8], at: Option<AsOf>) -> Question<'a> {
        match at {
            Some(at) => Question::new(key, at.seqno, Now::At(at.millis)),
            None => Question::new(key, self.visible(), Now::By(self.env.clock.as_ref())),
        }
        .fetching(&self.home.blobs)
    }

    /// What a reader sees who keeps to this moment. A view that was loaded before has all of it.
    #[must_use]
    pub fn as_of_now(&self) -> AsOf {
        AsOf { seqno: self.visible(), millis: self.now_millis(), sifted: 0 }
    }

    /// Looks up several keys at one moment, together where nothing special is asked.
    pub fn get_many<K: AsRef<[u8]>, A: Access>(
        &self,
        access: A,
        keyspace: &KeyspaceState,
        keys: impl IntoIterator<Item = K>,
        at: Option<&SnapshotPin>,
    ) -> Result<Vec<Option<Slice>>> {
        self.check_open()?;
        keyspace.check()?;
        let view = self.view_of(at);
        // All of one moment, which is that of the first.
        let at = at.map_or_else(|| self.as_of_now(), SnapshotPin::as_of);
        let mut many = Many::new(&view, &self.cache);
        let mut keys = keys.into_iter().map(|key| FullKey::new(keyspace.id, key.as_ref()));
        let mut values = Vec::with_capacity(keys.size_hint().0.min(ROOM_MAX));
        let mut group = Vec::with_capacity(GROUP);
        loop {
            group.clear();
            group.extend(keys.by_ref().take(GROUP));
            if group.is_empty() {
                return Ok(values);
            }
            if A::IS_USUAL {
                self.get_group(&mut many, (keyspace, &group), at, &mut values)?;
            } else {
                self.get_each((access, &view), (keyspace, &group), at, &mut values)?;
            }
        }
    }

    /// Looks keys up one by one, and appends their values.
    fn get_each(
        &self,
        (access, view): (impl Access, &View),
        (keyspace, keys): (&KeyspaceState, &[FullKey]),
        at: AsOf,
        values: &mut Vec<Option<Slice>>,
    ) -> Result<()> {
        let mut refused = None;
        for key in keys {
            let question = self.question(key.bytes(), Some(at));
            let question = question.merging(keyspace.merger.as_deref()).by(access);
            let mut looked = Looked::default();
            let keep = |found: Found<'_>| self.keep_if_it_fits(found, &mut refused);
            let found = get(access, view, &question, &mut looked, keep)?;
            self.counters.add_gets(&looked, 1, u64::from(found.is_some()));
            values.push(found);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Looks up to `GROUP` keys up, and appends their values.
    fn get_group(
        &self,
        many: &mut Many<'_>,
        (keyspace, keys): (&KeyspaceState, &[FullKey]),
        at: AsOf,
        values: &mut Vec<Option<Slice>>,
    ) -> Result<()> {
        let (seqno, now) = (at.seqno, Now::At(at.millis));
        let merger = keyspace.merger.as_deref();
        let nothing = Question::new(&[], seqno, now);
        let mut questions = [nothing; GROUP];
        let mut begun = None;
        for (question, key) in questions.iter_mut().zip(keys) {
            begun = self.timings.begin(Timing::Get).or(begun);
            *question =
                Question::new(key.bytes(), seqno, now).merging(merger).fetching(&self.home.blobs);
        }
        let (from, mut looked) = (values.len(), Looked::default());
        values.resize(from + keys.len(), None);
        let places = values.get_mut(from..).unwrap_or_default();
        let questions = questions.get(..keys.len()).unwrap_or_default();
        let mut refused = None;
        let keep = |found: Found<'_>| self.keep_if_it_fits(found, &mut refused);
        many.get(questions, places, &mut looked, keep)?;
        refused.map_or(Ok(()), Err)?;
        let found = places.iter().flatten().count();
        self.counters.add_gets(&looked, keys.len() as u64, found as u64);
        self.timings.end_shared(Timing::Get, begun, keys.len());
        Ok(())
    }
}
