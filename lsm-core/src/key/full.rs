//! Full keys: the keyspace's number in front of the user's key.
//!
//! ```text
//! full key = keyspace u32, big endian | user key
//! ```
//!
//! Full keys are ordered as bytes, so one memtable, one table and one log hold every keyspace, and
//! each keyspace is one contiguous part of them.

use crate::key::keyspace::KeyspaceId;

/// Bytes that a full key is longer than its user key.
pub const PREFIX_LEN: usize = 4;

const INLINE: usize = 60;

/// A full key that is built to look something up. Short ones need no allocation.
#[derive(Clone, Debug)]
pub struct FullKey {
    len: usize,
    short: [u8; INLINE],
    long: Vec<u8>,
}

impl FullKey {
    /// The full key of `user_key` in `keyspace`.
    #[inline]
    #[must_use]
    pub fn new(keyspace: KeyspaceId, user_key: &[u8]) -> Self {
        let len = PREFIX_LEN + user_key.len();
        let mut key = Self { len, short: [0; INLINE], long: Vec::new() };
        let prefix = keyspace.get().to_be_bytes();
        match key.short.get_mut(..len) {
            Some(short) => {
                let (head, rest) = short.split_at_mut(PREFIX_LEN);
                head.copy_from_slice(&prefix);
                rest.copy_from_slice(user_key);
            }
            None => {
                key.long.reserve_exact(len);
                key.long.extend_from_slice(&prefix);
                key.long.extend_from_slice(user_key);
            }
        }
        key
    }

    /// The first key of a keyspace.
    #[must_use]
    pub fn first_of(keyspace: KeyspaceId) -> Self {
        Self::new(keyspace, &[])
    }

    /// The key behind the last one of a keyspace. The last number is never given to a keyspace, so
    /// there is always one.
    #[must_use]
    pub fn end_of(keyspace: KeyspaceId) -> Self {
        Self::new(KeyspaceId::new(keyspace.get().saturating_add(1)), &[])
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self.short.get(..self.len) {
            Some(short) => short,
            None => &self.long,
        }
    }
}

impl AsRef<[u8]> for FullKey {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

/// The keyspace of a full key; the default one's for bytes that are too short to be one.
#[inline]
#[must_use]
pub fn keyspace_of(full: &[u8]) -> KeyspaceId {
    let number = full.first_chunk().map_or(0, |prefix| u32::from_be_bytes(*prefix));
    KeyspaceId::new(number)
}

/// The user's part of a full key.
#[inline]
#[must_use]
pub fn user_key(full: &[u8]) -> &[u8] {
    full.get(PREFIX_LEN..).unwrap_or_default()
}

/// The first eight bytes of the user's key as a number that orders as they do. Equal heads say
/// nothing; unequal ones order the keys of one keyspace.
#[inline]
#[must_use]
pub fn head_of(full: &[u8]) -> u64 {
    big_endian_from(full, PREFIX_LEN)
}

/// The first eight bytes as a number that orders as they do; missing ones count as zero.
#[inline]
#[must_use]
pub fn big_endian(bytes: &[u8]) -> u64 {
    big_endian_from(bytes, 0)
}

/// The same of the bytes from `from` on. Where fewer than eight are left, those before them are
/// loaded with them and pushed out: bytes that were gathered one by one and are then loaded as a
/// word keep the processor waiting for every store before them.
#[inline]
#[must_use]
pub fn big_endian_from(bytes: &[u8], from: usize) -> u64 {
    let Some(rest) = bytes.get(from..) else { return 0 };
    if let Some(head) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(*head);
    }
    let missing = (8 - rest.len()) as u32 * u8::BITS;
    match bytes.last_chunk::<8>() {
        Some(end) => u64::from_be_bytes(*end).checked_shl(missing).unwrap_or(0),
        None => {
            let number = rest.iter().fold(0, |number, byte| number << u8::BITS | u64::from(*byte));
            number.checked_shl(missing).unwrap_or(0)
        }
    }
}

#[cfg(test)]
mod tests;
