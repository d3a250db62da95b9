//! Trailers: sequence number and kind of an entry in one word.
//!
//! ```text
//! trailer u64 = sequence << 8 | kind
//! ```
//!
//! Everything that is sorted, in memory and in tables, is sorted by full key ascending and then by
//! trailer descending, so that the newest entry of a key comes first. `entry_order` is that order.

use std::cmp::Ordering;

use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;

/// The trailer of a seek that is to meet every entry of a key. Never written.
pub const NEWEST: u64 = u64::MAX;

/// Sequence and kind in one word.
#[inline]
#[must_use]
pub const fn trailer_of(seqno: SeqNo, kind: Kind) -> u64 {
    seqno.get() << 8 | kind as u64
}

/// The largest trailer that a reader at `seqno` may see.
#[inline]
#[must_use]
pub const fn ceiling(seqno: SeqNo) -> u64 {
    seqno.get() << 8 | 0xff
}

/// When the entry was written.
#[inline]
#[must_use]
pub const fn seqno_of(trailer: u64) -> SeqNo {
    match SeqNo::new(trailer >> 8) {
        Some(seqno) => seqno,
        None => SeqNo::MAX,
    }
}

/// What the entry does; `None` if no version that is known wrote it.
#[inline]
#[must_use]
pub const fn kind_of(trailer: u64) -> Option<Kind> {
    Kind::from_byte((trailer & 0xff) as u8)
}

/// The order of everything sorted: full keys ascend, trailers descend.
#[inline]
#[must_use]
pub fn entry_order(a: (&[u8], u64), b: (&[u8], u64)) -> Ordering {
    a.0.cmp(b.0).then_with(|| b.1.cmp(&a.1))
}

#[cfg(test)]
mod tests;
