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
use crate::env::clock::Clock;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::ceiling;
use crate::memtable::handle::Memtable;
use crate::read::access::Access;
use crate::read::view::View;
use crate::read::visible::{Sight, sight_of, user_value};
use crate::stats::looked::Looked;
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
    pub clock: &'a dyn Clock,
}

impl<'a> Question<'a> {
    /// Asks for `key` at `seqno`.
    #[must_use]
    pub fn new(key: &'a [u8], seqno: SeqNo, clock: &'a dyn Clock) -> Self {
        Self { key, hash: hash64(key), seqno, clock }
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
}

/// Looks the key up and hands the value to `take`, wherever it stands. What it looks at is added to
/// `looked`.
pub fn get<T>(
    access: impl Access,
    view: &View,
    question: &Question<'_>,
    looked: &mut Looked,
    mut take: impl FnMut(Found<'_>) -> T,
) -> Result<Option<T>> {
    for memtable in view.memtables() {
        match in_memtable(memtable, question, &mut take)? {
            Answer::Unknown => {}
            Answer::Gone => return Ok(None),
            Answer::Value(value) => return Ok(Some(value)),
        }
    }
    let Some(tree) = view.version.tree(keyspace_of(question.key)) else { return Ok(None) };
    for run in &tree.runs {
        match in_run(access, run, question, looked, &mut take)? {
            Answer::Unknown => {}
            Answer::Gone => return Ok(None),
            Answer::Value(value) => return Ok(Some(value)),
        }
    }
    Ok(None)
}

/// A value where it was found.
#[derive(Debug)]
pub enum Found<'a> {
    /// In a memtable; lent until the call returns.
    Lent(&'a [u8]),
    /// In a block, which the slice keeps.
    Kept(Slice),
}

impl Found<'_> {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Kept(slice) => slice,
        }
    }

    /// The value by itself: copied if it was lent.
    #[must_use]
    pub fn into_slice(self) -> Slice {
        match self {
            Self::Lent(bytes) => Slice::copy_from(bytes),
            Self::Kept(slice) => slice,
        }
    }
}

pub(super) fn in_memtable<T>(
    memtable: &Memtable,
    question: &Question<'_>,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    let cover = memtable.covering(question.key, question.seqno);
    let Some(entry) = memtable.get(question.key, question.hash, ceiling(question.seqno)) else {
        return Ok(unknown_unless(cover));
    };
    let sight = sight_of(entry.trailer, cover, || question.clock.wall_millis(), || entry.value)?;
    Ok(match sight {
        Sight::Value => Answer::Value(take(Found::Lent(user_value(entry.trailer, entry.value)))),
        Sight::Nothing | Sight::Covered(_) => Answer::Gone,
    })
}

#[inline]
fn in_run<T>(
    access: impl Access,
    run: &Run,
    question: &Question<'_>,
    looked: &mut Looked,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    let Some(slice) = run.slice_for(question.key) else { return Ok(Answer::Unknown) };
    looked.tables = looked.tables.wrapping_add(1);
    access.visit(&slice.file, Use::Point, |table, how| {
        let cover = cover_in(table, question, how)?;
        let (key, hash) = (question.key, question.hash);
        let found = table.get_counted(key, hash, ceiling(question.seqno), how, looked)?;
        judge(found, cover, question, take)
    })
}

/// The newest range tombstone of a table over the key.
#[inline]
pub(super) fn cover_in(table: &Table, question: &Question<'_>, how: Use) -> Result<SeqNo> {
    if !table.has_tombstones() {
        return Ok(SeqNo::ZERO);
    }
    Ok(table.tombstones_for(how)?.covering(question.key, question.seqno))
}

/// What a table answers where this was found, under its newest range tombstone over the key.
#[inline]
pub(super) fn judge<T>(
    found: Option<table::page::Found>,
    cover: SeqNo,
    question: &Question<'_>,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Answer<T>> {
    let Some(found) = found else {
        let is_hidden = planted(Bug::UnknownKeyHidesRangeTombstone);
        return Ok(if is_hidden { Answer::Unknown } else { unknown_unless(cover) });
    };
    let sight = sight_of(found.trailer, cover, || question.clock.wall_millis(), || &found.value)?;
    Ok(match sight {
        Sight::Value => {
            let from = found.value.len() - user_value(found.trailer, &found.value).len();
            let value = if from == 0 { found.value } else { found.value.slice(from..) };
            Answer::Value(take(Found::Kept(value)))
        }
        Sight::Nothing | Sight::Covered(_) => Answer::Gone,
    })
}

fn unknown_unless<T>(cover: SeqNo) -> Answer<T> {
    if cover > SeqNo::ZERO { Answer::Gone } else { Answer::Unknown }
}
