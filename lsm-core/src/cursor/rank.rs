//! Keyspace and head of a key in one number, because nearly all comparisons need no more.

use crate::key::full::{PREFIX_LEN, big_endian_from, keyspace_of};

/// Bits that a rank may use.
pub const RANK_BITS: u32 = 96;

/// A number that orders as full keys do; equal ones say nothing. `head` is `key::full::head_of` the
/// key.
#[inline]
#[must_use]
pub fn rank_of(key: &[u8], head: u64) -> u128 {
    u128::from(keyspace_of(key).get()) << 64 | u128::from(head)
}

/// The eight bytes of the user's key behind its head, as a number. Among keys of equal ranks it
/// orders as they do, and equal ones say nothing.
#[inline]
#[must_use]
pub fn second_of(key: &[u8]) -> u64 {
    big_endian_from(key, PREFIX_LEN + 8)
}
