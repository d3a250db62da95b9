//! Separators: what an index says instead of the last key of a block.
//!
//! A separator is at or after every entry of its block and before every entry of the next one. It
//! is an entry's place, a key and a trailer, because a key with many versions can go on in the next
//! block. The shorter it is, the more blocks one partition of the index knows.

use crate::key::full::PREFIX_LEN;

/// The trailer behind all entries of a key.
pub const OLDEST: u64 = 0;

/// Makes a separator in `out` between the entry `(last, trailer)`, which ends a block, and the key
/// `next`, which begins another. Answers the separator's trailer.
pub fn separate(last: &[u8], trailer: u64, next: &[u8], out: &mut Vec<u8>) -> u64 {
    let shared = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    out.clear();
    // One byte more than they share, of the greater key, is past `last` and, if that is not all of
    // the greater key, before it. Cut inside the keyspace it would be no full key any more.
    let short = next.get(..shared + 1).filter(|short| {
        shared >= PREFIX_LEN && short.len() < next.len() && short.len() < last.len()
    });
    out.extend_from_slice(short.unwrap_or(last));
    if last == next { trailer } else { OLDEST }
}

#[cfg(test)]
mod tests;
