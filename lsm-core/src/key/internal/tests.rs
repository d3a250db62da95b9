//! The order of internal keys, against a sort of plain tuples.

#![allow(clippy::unwrap_used)]

use std::cmp::Reverse;

use crate::key::internal::InternalKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;

const KINDS: [Kind; 7] = [
    Kind::Delete,
    Kind::Put,
    Kind::Merge,
    Kind::SingleDelete,
    Kind::RangeDelete,
    Kind::BlobRef,
    Kind::PutExpiring,
];

fn all<'a>(user_keys: &[&'a [u8]]) -> Vec<InternalKey<'a>> {
    let mut keys = Vec::new();
    for keyspace in [0, 1, 255, 256, u32::MAX].map(KeyspaceId::new) {
        for &user_key in user_keys {
            for seqno in [0, 1, 255, 256, SeqNo::MAX.get()] {
                for kind in KINDS {
                    let seqno = SeqNo::new(seqno).unwrap();
                    keys.push(InternalKey { keyspace, user_key, seqno, kind });
                }
            }
        }
    }
    keys
}

#[test]
fn newest_first_within_a_key_and_keys_ascending_within_a_keyspace() {
    let mut keys = all(&[b"", b"\0", b"a", b"a\0", b"ab", b"b", b"\xff", b"\xff\xff"]);
    let mut expected = keys.clone();
    expected.sort_by_key(|key| {
        (key.keyspace.get(), key.user_key.to_vec(), Reverse((key.seqno.get(), key.kind as u8)))
    });
    keys.reverse();
    keys.sort();
    assert_eq!(keys, expected);
}

#[test]
fn every_key_survives_its_encoding() {
    for key in all(&[b"", b"k", &[0xff; 65_535]]) {
        let mut bytes = Vec::new();
        key.encode(&mut bytes);
        assert_eq!(InternalKey::decode(&bytes), Some(key));
    }
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(InternalKey::decode(&[]), None);
    assert_eq!(InternalKey::decode(&[0; 11]), None);
    let mut unknown_kind = [0; 12];
    unknown_kind[4] = 0x10;
    assert_eq!(InternalKey::decode(&unknown_kind), None);
}

#[test]
fn sequence_numbers_end_at_fifty_six_bits() {
    assert_eq!(SeqNo::new(1 << 56), None);
    assert_eq!(SeqNo::MAX.after(0), Some(SeqNo::MAX));
    assert_eq!(SeqNo::MAX.after(1), None);
    assert_eq!(SeqNo::ZERO.after(u64::MAX), None);
}
