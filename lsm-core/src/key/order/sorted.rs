//! The stored form of keys that are ordered by a sort key: that, and the key behind it.
//!
//! The sort key ends with two bytes 00, which come before all that can follow in a longer one:
//! there a 00 has an ff behind it.

/// What stands behind a 00 of a sort key.
const ESCAPED: u8 = 0xff;

/// A key as it is stored.
pub(super) fn stored(sort_key: &[u8], key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(sort_key.len() + 2 + key.len());
    for &byte in sort_key {
        stored.push(byte);
        if byte == 0 {
            stored.push(ESCAPED);
        }
    }
    stored.extend_from_slice(&[0, 0]);
    stored.extend_from_slice(key);
    stored
}

/// The key that is stored so; empty if there is none.
pub(super) fn shown(stored: &[u8]) -> &[u8] {
    let mut rest = stored;
    while let Some(at) = rest.iter().position(|&byte| byte == 0) {
        let is_escaped = rest.get(at + 1) == Some(&ESCAPED);
        rest = rest.get(at + 2..).unwrap_or_default();
        if !is_escaped {
            return rest;
        }
    }
    &[]
}
