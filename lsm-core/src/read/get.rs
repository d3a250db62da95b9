//! One key looked up: memtables, then runs of tables, the newest first, until something knows it.
//!
//! Sources are ordered by age for every key, so the first entry found is the newest. A range
//! tombstone in a source is newer than every entry of the sources after it: once one covers the key
//! and no entry newer than it was found, the key has no value.

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;
use crate::cache::purpose::Use;
use crate::env::clock::Now;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::ceiling;
use crate::memtable::handle::Memtable;
use crate::merge::merger::Merger;
use crate::read::access::Access;
use crate::read::merge::resolve;
use crate::read::trace::Trace;
use crate::read::view::View;
use crate::read::visible::{Sight, expiry_of, sight_of, user_value};
use crate::stats::looked::Probe;
use crate::table;
use crate::table::reader::Table;
use crate::version::tree::Run;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The full key.
    pub key: &'a [u8],
    /// Its hash.
    pub hash: u64,
    /// What the reader may see.
    pub seqno: SeqNo,
    /// Asked only when something found may have expired.
    pub now: Now<'a>,
    /// What merge operands are folded by; none if there are none.
    pub merger: Option<&'a Merger>,
}

impl<'a> Question<'a> {
    /// Asks for `key` at `seqno`.
    #[must_use]
    pub fn new(key: &'a [u8], seqno: SeqNo, now: Now<'a>) -> Self {
        Self { key, hash: hash64(key), seqno, now, merger: None }
    }

    /// The same in a keyspace that may have this merge operator.
    #[inline]
    #[must_use]
    pub fn merging(self, merger: Option<&'a Merger>) -> Self {
        Self { merger, ..self }
    }
}

/// What one source answers.
pub(super) enum Answer<T> {
    /// It does not know the key.
    Unknown,
    /// The key has no value.
    Gone,
    /// The key has this value.
    Value(T),
    /// The key has what its merge operands come to: they begin here.
    Operands,
}

/// Looks the key up and hands the value to `take`, wherever it stands. What it looks at is told to
/// `trace`.
pub fn get<T>(
    access: impl Access,
    view: &View,
    question: &Question<'_>,
    trace: &mut impl Trace,
    mut take: impl FnMut(Found<'_>) -> T,
) -> Result<Option<T>> {
    trace.begins(question.seqno);
    for memtable in view.memtables() {
        match in_memtable(memtable, question, trace, &mut take)? {
            Answer::Unknown => {}
            Answer::Gone => return Ok(None),
            Answer::Value(value) => return Ok(Some(value)),
            Answer::Operands => return resolve((access, view), question, trace, &mut take),
        }
    }
    let Some(tree) = view.version.tree(keyspace_of(question.key)) else { return Ok(None) };
    for run in &tree.runs {
        match in_run(access, run, question, trace, &mut take)? {
            Answer::Unknown => {}
            Answer::Gone => return Ok(None),
            Answer::Value(value) => return Ok(Some(value)),
            Answer::Operands => return resolve((access, view), question, trace, &mut take),
        }
    }
    Ok(None)
}

/// A value where it was found.
#[derive(Debug)]
pub struct Found<'a> {
    place: Place<'a>,
    expiry_millis: u64,
}

#[derive(Debug)]
enum Place<'a> {
    /// In a memtable; lent until the call returns.
    Lent(&'a [u8]),
    /// In a block, which the slice keeps.
    Kept(Slice),
}

impl<'a> Found<'a> {
    #[inline]
    fn lent(trailer: u64, value: &'a [u8]) -> Self {
        let place = Place::Lent(user_value(trailer, value));
        Self { place, expiry_millis: expiry_of(trailer, value) }
    }

    /// A value that was made for this answer.
    pub(super) fn made(value: Slice, expiry_millis: u64) -> Self {
        Self { place: Place::Kept(value), expiry_millis }
    }

    #[inline]
    fn kept(trailer: u64, value: Slice) -> Self {
        let expiry_millis = expiry_of(trailer, &value);
        let from = value.len() - user_value(trailer, &value).len();
        let value = if from == 0 { value } else { value.slice(from..) };
        Self { place: Place::Kept(value), expiry_millis }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.place {
            Place::Lent(bytes) => bytes,
            Place::Kept(slice) => slice,
        }
    }

    /// When the value expires, in milliseconds since 1970; 0 if it never does.
    #[must_use]
    pub fn expiry_millis(&self) -> u64 {
        self.expiry_millis
    }

    /// The bytes, if they stay where they are only until the call returns.
    #[must_use]
    pub fn as_lent(&self) -> Option<&'a [u8]> {
        match self.place {
            Place::Lent(bytes) => Some(bytes),
            Place::Kept(_) => None,
        }
    }

    /// The value by itself: copied if it was lent.
    #[must_use]
    pub fn into_slice(self) -> Slice {
        match self.place {
            Place::Lent(bytes) => Slice::copy_from(bytes),
            Place::Kept(slice) => slice,
        }
    }
}

pub(super) fn in_memtable<T>(
    memtable: &Memtable,
    question: &Question<'_>,
    trace: &mut impl Trace,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    trace.memtable(memtable);
    let cover = memtable.covering(question.key, question.seqno);
    let found = memtable.get_told(question.key, question.hash, ceiling(question.seqno), trace);
    let Some(entry) = found else {
        trace.judged(None, cover, None);
        return Ok(unknown_unless(cover));
    };
    let sight = sight_of(entry.trailer, cover, || question.now.millis(), || entry.value)?;
    trace.judged(Some(entry.trailer), cover, Some(sight));
    Ok(match sight {
        Sight::Value => Answer::Value(take(Found::lent(entry.trailer, entry.value))),
        Sight::Operand => Answer::Operands,
        Sight::Nothing | Sight::Covered(_) => Answer::Gone,
    })
}

#[inline]
fn in_run<T>(
    access: impl Access,
    run: &Run,
    question: &Question<'_>,
    trace: &mut impl Trace,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    let Some(slice) = run.slice_for(question.key) else {
        trace.run(run, None);
        return Ok(Answer::Unknown);
    };
    trace.run(run, Some(slice));
    trace.table();
    access.visit(&slice.file, Use::Point, |table, how| {
        trace.opened(table);
        let cover = cover_in(table, question, how, trace)?;
        let (key, hash) = (question.key, question.hash);
        let found = table.get_counted(key, hash, ceiling(question.seqno), how, trace)?;
        judge(found, cover, question, trace, take)
    })
}

/// The newest range tombstone of a table over the key.
#[inline]
pub(super) fn cover_in(
    table: &Table,
    question: &Question<'_>,
    how: Use,
    probe: &mut impl Probe,
) -> Result<SeqNo> {
    if !table.has_tombstones() {
        return Ok(SeqNo::ZERO);
    }
    Ok(table.tombstones_told(how, probe)?.covering(question.key, question.seqno))
}

/// What a table answers where this was found, under its newest range tombstone over the key.
#[inline]
pub(super) fn judge<T>(
    found: Option<table::page::Found>,
    cover: SeqNo,
    question: &Question<'_>,
    trace: &mut impl Trace,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    let Some(found) = found else {
        trace.judged(None, cover, None);
        let is_hidden = planted(Bug::UnknownKeyHidesRangeTombstone);
        return Ok(if is_hidden { Answer::Unknown } else { unknown_unless(cover) });
    };
    let sight = sight_of(found.trailer, cover, || question.now.millis(), || &found.value)?;
    trace.judged(Some(found.trailer), cover, Some(sight));
    Ok(match sight {
        Sight::Value => Answer::Value(take(Found::kept(found.trailer, found.value))),
        Sight::Operand => Answer::Operands,
        Sight::Nothing | Sight::Covered(_) => Answer::Gone,
    })
}

fn unknown_unless<T>(cover: SeqNo) -> Answer<T> {
    if cover > SeqNo::ZERO { Answer::Gone } else { Answer::Unknown }
}
