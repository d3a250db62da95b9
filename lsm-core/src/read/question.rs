//! What a lookup asks, and what it finds.

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::cache::purpose::Use;
use crate::env::clock::Now;
use crate::key::seqno::SeqNo;
use crate::merge::merger::Merger;
use crate::read::visible::{expiry_of, user_value};
use crate::stats::looked::Probe;
use crate::table::reader::Table;

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
    /// A value in a memtable.
    #[inline]
    pub(super) fn lent(trailer: u64, value: &'a [u8]) -> Self {
        let place = Place::Lent(user_value(trailer, value));
        Self { place, expiry_millis: expiry_of(trailer, value) }
    }

    /// A value that was made for this answer.
    pub fn made(value: Slice, expiry_millis: u64) -> Self {
        Self { place: Place::Kept(value), expiry_millis }
    }

    /// A value in a block.
    #[inline]
    pub(super) fn kept(trailer: u64, value: Slice) -> Self {
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

/// The newest range tombstone of a table over the key.
#[inline]
pub fn cover_in(
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
