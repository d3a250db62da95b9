//! Internal keys: the order in which everything is sorted, in memory and in tables.
//!
//! ```text
//! keyspace u32, big endian | user key | trailer u64, little endian = sequence << 8 | kind
//! ```
//!
//! Keyspaces ascend, user keys ascend, and trailers descend, so that the newest entry of a key
//! comes first. The order is not that of the encoded bytes (a trailer behind a key of any length
//! cannot be), so it is `Ord` of `InternalKey` and nothing else.

use std::cmp::Ordering;

use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;

/// An internal key that borrows its user key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalKey<'a> {
    /// The tree it belongs to.
    pub keyspace: KeyspaceId,
    /// What the user calls it.
    pub user_key: &'a [u8],
    /// When it was written.
    pub seqno: SeqNo,
    /// What it does.
    pub kind: Kind,
}

/// The bytes that an encoded internal key is longer than its user key.
pub const OVERHEAD: usize = 12;

impl<'a> InternalKey<'a> {
    /// Sequence and kind in one word.
    #[must_use]
    pub fn trailer(&self) -> u64 {
        self.seqno.get() << 8 | self.kind as u64
    }

    /// Appends the encoded key.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.keyspace.get().to_be_bytes());
        out.extend_from_slice(self.user_key);
        out.extend_from_slice(&self.trailer().to_le_bytes());
    }

    /// The key that these bytes encode; `None` if they encode none.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (keyspace, rest) = bytes.split_first_chunk::<4>()?;
        let (user_key, trailer) = rest.split_last_chunk::<8>()?;
        let trailer = u64::from_le_bytes(*trailer);
        Some(Self {
            keyspace: KeyspaceId::new(u32::from_be_bytes(*keyspace)),
            user_key,
            seqno: SeqNo::new(trailer >> 8)?,
            kind: Kind::from_byte((trailer & 0xff) as u8)?,
        })
    }
}

impl Ord for InternalKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.keyspace
            .cmp(&other.keyspace)
            .then_with(|| self.user_key.cmp(other.user_key))
            .then_with(|| other.trailer().cmp(&self.trailer()))
    }
}

impl PartialOrd for InternalKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
