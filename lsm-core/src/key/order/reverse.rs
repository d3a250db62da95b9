//! The stored form of keys that descend.
//!
//! Inverted bytes order the other way round, but for keys one of which begins with the other: of
//! those the longer is to come first. So each ends with two bytes ff, which come after all that can
//! follow in a longer one: there an ff has a 00 behind it.

/// An inverted 00.
const HIGH: u8 = 0xff;

/// A key as it is stored.
pub(super) fn stored(key: &[u8]) -> Vec<u8> {
    let mut stored = stored_prefix(key);
    stored.extend_from_slice(&[HIGH, HIGH]);
    stored
}

/// What the stored forms of all keys begin with that begin with `prefix`.
pub(super) fn stored_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(prefix.len() + 2);
    for &byte in prefix {
        stored.push(!byte);
        if !byte == HIGH {
            stored.push(0);
        }
    }
    stored
}

/// The key that is stored so.
pub(super) fn shown(stored: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(stored.len());
    let mut bytes = stored.iter();
    while let Some(&byte) = bytes.next() {
        if byte == HIGH && bytes.next() != Some(&0) {
            break;
        }
        key.push(!byte);
    }
    key
}
