//! Whether a reader sees a value in the newest entry of a key that it may see.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::blob::reference::stamp_of;
use crate::cursor::cover::Cover;
use crate::cursor::tombstone::Fragments;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{kind_of, seqno_of};
use crate::read::as_of::AsOf;

/// Bytes before the user's value in an expiring one: when it expires, in milliseconds.
pub const EXPIRY_LEN: usize = 8;

/// What an entry is to a reader. Older entries of its key are nothing in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The key has this entry's value.
    Value,
    /// The key has no value.
    Nothing,
    /// The key has what its merge operands come to, of which this is the newest.
    Operand,
    /// The key has no value because a range tombstone with this number covers it.
    Covered(SeqNo),
}

/// Judges entries for one reader.
#[derive(Clone, Debug)]
pub struct Visible {
    as_of: AsOf,
    cover: Cover,
}

impl Visible {
    /// For a reader at this moment, below these range tombstones.
    #[must_use]
    pub fn new(as_of: AsOf, tombstones: Arc<Fragments>) -> Self {
        Self { as_of, cover: Cover::new(tombstones) }
    }

    /// What the newest entry of `key` that is not newer than the reader is. The value is asked for
    /// only where something stands in it that must be known.
    #[inline]
    pub fn judge<'a>(
        &mut self,
        key: &[u8],
        trailer: u64,
        value: impl FnOnce() -> &'a [u8],
    ) -> Result<Sight> {
        let covering = self.cover.newest(key, self.as_of.seqno);
        sight_of(trailer, covering, || self.as_of.millis, value)
    }

    /// The newest range tombstone over a key that the reader sees.
    #[inline]
    pub fn covering(&mut self, key: &[u8]) -> SeqNo {
        self.cover.newest(key, self.as_of.seqno)
    }

    /// True if a value with this end, 0 for none, has expired for the reader.
    #[must_use]
    pub fn is_over(&self, end: u64) -> bool {
        end != 0 && end <= self.as_of.millis
    }

    /// From the last key judged, which was covered, how far on all that is not newer than `newest`
    /// is covered too.
    #[must_use]
    pub fn covered_to(&self, newest: SeqNo, reach: usize) -> Option<&[u8]> {
        self.cover.run_end(newest, self.as_of.seqno, reach)
    }

    /// From the last key judged, which was covered, how far back all that is not newer than
    /// `newest` is covered too.
    #[must_use]
    pub fn covered_from(&self, newest: SeqNo, reach: usize) -> Option<&[u8]> {
        self.cover.run_start(newest, self.as_of.seqno, reach)
    }
}

/// What an entry is to a reader, under the newest range tombstone over it that the reader sees. The
/// time and the value are asked for only where they must be known.
#[inline]
pub fn sight_of<'a>(
    trailer: u64,
    covering: SeqNo,
    now_millis: impl FnOnce() -> u64,
    value: impl FnOnce() -> &'a [u8],
) -> Result<Sight> {
    let is_covered = covering > seqno_of(trailer)
        || (planted(Bug::RangeTombstoneHidesNewer) && covering > SeqNo::ZERO);
    if is_covered {
        return Ok(Sight::Covered(covering));
    }
    match kind_of(trailer) {
        Some(Kind::Put) => Ok(Sight::Value),
        Some(Kind::Delete | Kind::SingleDelete) => Ok(Sight::Nothing),
        Some(Kind::PutExpiring) => sight_of_expiring(value(), now_millis()),
        Some(Kind::Merge) => Ok(Sight::Operand),
        Some(Kind::BlobRef) => sight_of_apart(value(), now_millis()),
        Some(Kind::RangeDelete) => Err(unsupported("a range delete among entries")),
        None => Err(unsupported(&format!("an entry of kind {}", trailer & 0xff))),
    }
}

fn sight_of_expiring(value: &[u8], now_millis: u64) -> Result<Sight> {
    let Some(expiry) = value.first_chunk::<EXPIRY_LEN>() else {
        let message = "an expiring value is too short to say when it expires";
        return Err(Error::new(ErrorKind::Corruption, message));
    };
    let is_past = u64::from_le_bytes(*expiry) <= now_millis;
    Ok(if is_past { Sight::Nothing } else { Sight::Value })
}

fn sight_of_apart(reference: &[u8], now_millis: u64) -> Result<Sight> {
    match stamp_of(reference) {
        Some(0) => Ok(Sight::Value),
        Some(expiry) if expiry <= now_millis => Ok(Sight::Nothing),
        Some(_) => Ok(Sight::Value),
        None => {
            let message = "a reference to a large value makes no sense";
            Err(Error::new(ErrorKind::Corruption, message))
        }
    }
}

/// True if the entry's value may be one that expires.
#[inline]
#[must_use]
pub fn can_expire(trailer: u64) -> bool {
    matches!(kind_of(trailer), Some(Kind::PutExpiring | Kind::BlobRef))
}

/// True if the entry is a put with its value beside it, and nothing else.
#[inline]
#[must_use]
pub fn is_plain(trailer: u64) -> bool {
    trailer & 0xff == Kind::Put as u64
}

/// True if the entry's value stands apart: what it has itself is a reference.
#[inline]
#[must_use]
pub fn is_apart(trailer: u64) -> bool {
    trailer & 0xff == Kind::BlobRef as u64
}

/// The user's part of a value.
#[inline]
#[must_use]
pub fn user_value(trailer: u64, value: &[u8]) -> &[u8] {
    match kind_of(trailer) {
        Some(Kind::PutExpiring) => value.get(EXPIRY_LEN..).unwrap_or_default(),
        _ => value,
    }
}

/// When a value expires, in milliseconds since 1970; 0 if it never does.
#[inline]
#[must_use]
pub fn expiry_of(trailer: u64, value: &[u8]) -> u64 {
    match kind_of(trailer) {
        Some(Kind::PutExpiring) => {
            value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
        }
        Some(Kind::BlobRef) => stamp_of(value).unwrap_or_default(),
        _ => 0,
    }
}

#[cold]
pub(super) fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this version cannot read {what}"))
}
