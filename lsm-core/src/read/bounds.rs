//! The ends of a scan, as full keys: the first is inside, the second is not.

use std::ops::Bound;

use crate::base::planted::{Bug, planted};
use crate::cursor::rank::rank_of;
use crate::key::full::{FullKey, PREFIX_LEN, head_of};
use crate::key::keyspace::KeyspaceId;

/// Which part of a keyspace a scan moves over.
#[derive(Clone, Debug)]
pub struct Bounds {
    keyspace: KeyspaceId,
    lower: Vec<u8>,
    upper: Vec<u8>,
    lower_rank: u128,
    upper_rank: u128,
}

impl Bounds {
    /// Between these user keys of a keyspace.
    #[must_use]
    pub fn new(keyspace: KeyspaceId, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Self {
        let full = |user_key: &[u8]| {
            // Room for what makes it the key behind, too.
            let mut key = Vec::with_capacity(PREFIX_LEN + user_key.len() + 1);
            key.extend_from_slice(&keyspace.get().to_be_bytes());
            key.extend_from_slice(user_key);
            key
        };
        let lower = match lower {
            Bound::Included(key) => full(key),
            Bound::Excluded(key) => after(full(key)),
            Bound::Unbounded => full(&[]),
        };
        let upper = match upper {
            Bound::Included(key) => after(full(key)),
            Bound::Excluded(key) if planted(Bug::RangeEndIncluded) => after(full(key)),
            Bound::Excluded(key) => full(key),
            Bound::Unbounded => FullKey::end_of(keyspace).bytes().to_vec(),
        };
        let [lower_rank, upper_rank] = [&lower, &upper].map(|key| rank_of(key, head_of(key)));
        Self { keyspace, lower, upper, lower_rank, upper_rank }
    }

    /// The first full key inside.
    #[must_use]
    pub fn lower(&self) -> &[u8] {
        &self.lower
    }

    /// The first full key behind.
    #[must_use]
    pub fn upper(&self) -> &[u8] {
        &self.upper
    }

    /// True if a full key with this head is not before the lower end.
    #[inline]
    #[must_use]
    pub fn is_past_lower(&self, key: &[u8], head: u64) -> bool {
        let rank = rank_of(key, head);
        if rank != self.lower_rank { rank > self.lower_rank } else { key >= self.lower.as_slice() }
    }

    /// True if a full key with this head is before the upper end.
    #[inline]
    #[must_use]
    pub fn is_before_upper(&self, key: &[u8], head: u64) -> bool {
        let rank = rank_of(key, head);
        if rank != self.upper_rank { rank < self.upper_rank } else { key < self.upper.as_slice() }
    }

    /// Where to look for the first key at or after `user_key`: that full key goes into `out`.
    pub fn start_at(&self, user_key: &[u8], out: &mut Vec<u8>) {
        self.full_into(user_key, out);
        if out.as_slice() < self.lower.as_slice() {
            out.clone_from(&self.lower);
        }
    }

    /// Where to look for the last key at or before `user_key`: the full key behind it goes into
    /// `out`.
    pub fn end_at(&self, user_key: &[u8], out: &mut Vec<u8>) {
        self.full_into(user_key, out);
        out.push(0);
        if out.as_slice() > self.upper.as_slice() {
            out.clone_from(&self.upper);
        }
    }

    fn full_into(&self, user_key: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.keyspace.get().to_be_bytes());
        out.extend_from_slice(user_key);
    }
}

/// The next key there is.
fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}
