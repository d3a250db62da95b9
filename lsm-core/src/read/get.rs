//! One key looked up: memtables, then runs of tables, the newest first, until something knows it.
//!
//! Sources are ordered by age for every key, so the first entry found is the newest. A range
//! tombstone in a source is newer than every entry of the sources after it: once one covers the key
//! and no entry newer than it was found, the key has no value.

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::cache::purpose::Use;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::ceiling;
use crate::memtable::handle::Memtable;
use crate::read::access::Access;
use crate::read::merge::resolve;
pub use crate::read::question::{Found, Question, cover_in};
use crate::read::trace::Trace;
use crate::read::view::View;
use crate::read::visible::{Sight, sight_of};
use crate::table;
use crate::version::tree::Run;

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
        Sight::Value => {
            Answer::Value(take(Found::lent(question, (entry.trailer, entry.value), trace)?))
        }
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
        Sight::Value => {
            Answer::Value(take(Found::kept(question, (found.trailer, found.value), trace)?))
        }
        Sight::Operand => Answer::Operands,
        Sight::Nothing | Sight::Covered(_) => Answer::Gone,
    })
}

fn unknown_unless<T>(cover: SeqNo) -> Answer<T> {
    if cover > SeqNo::ZERO { Answer::Gone } else { Answer::Unknown }
}
