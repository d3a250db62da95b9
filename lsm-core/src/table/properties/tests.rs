//! Properties and parts come back; what is malformed or must be known and is not is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::codec::{put_prefixed, put_varint};
use crate::blob::reference::BlobUse;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::table::contents::{Contents, Share};
use crate::table::properties::{Part, Properties, decode_parts, encode_parts};

fn properties() -> Properties {
    Properties {
        entries: 1,
        deletes: 200,
        single_deletes: 3,
        merges: 4,
        merge_min_millis: 17,
        merge_ends: 18,
        blob_refs: 5,
        blobs: vec![BlobUse { keyspace: KeyspaceId::new(7), file: 3, values: 5, bytes: 500 }],
        expiring: 6,
        range_deletes: 7,
        seqno_min: SeqNo::new(8).unwrap(),
        seqno_max: SeqNo::MAX,
        expiry_min_millis: 9,
        expiry_last_millis: u64::MAX,
        key_bytes: 10,
        value_bytes: 11,
        partitions: 12,
        blocks: 13,
        dense_blocks: 14,
        unpacked_bytes: 15,
        contents: Some(Contents {
            groups: vec![1, 300, u32::MAX],
            shares: vec![Share { keyspace: KeyspaceId::new(7), keys: 16, ..Share::default() }],
        }),
    }
}

#[test]
fn properties_come_back_and_cuts_are_refused() {
    let mut bytes = Vec::new();
    properties().encode(&mut bytes);
    assert_eq!(Properties::decode(&bytes), Some(properties()));
    for len in 0..bytes.len() {
        assert_ne!(Properties::decode(&bytes[..len]), Some(properties()), "{len}");
    }
}

#[test]
fn even_tags_are_passed_over_and_odd_ones_are_not() {
    let with = |tag, body: &[u8]| {
        let mut bytes = Vec::new();
        properties().encode(&mut bytes);
        put_varint(&mut bytes, tag);
        put_prefixed(&mut bytes, body);
        Properties::decode(&bytes)
    };
    assert_eq!(with(1000, b"whatever"), Some(properties()));
    assert_eq!(with(1001, b"whatever"), None);
    assert_eq!(with(1, b"\x01\x01"), None, "a body that is too long");
    assert_eq!(with(7, b"\x01"), None, "a body that is too short");
    assert_eq!(with(20, b"\x08\xff\xff\xff\xff\xff\x01"), None, "more than a group can have");
    assert_eq!(with(22, b"\x01\x01"), None, "half of a share");
}

#[test]
fn parts_come_back_and_cuts_are_refused() {
    let part = |keyspace: u32, is_largest_excluded| {
        let key = |end: &[u8]| [&keyspace.to_be_bytes()[..], end].concat();
        Part {
            keyspace: KeyspaceId::new(keyspace),
            smallest: key(b"a"),
            largest: key(&[b'z'; 300]),
            is_largest_excluded,
            bytes: 1 << 40,
            entries: 5,
            deletes: 0,
        }
    };
    for parts in [vec![], vec![part(0, false)], vec![part(3, true), part(4, false)]] {
        let mut bytes = Vec::new();
        encode_parts(&parts, &mut bytes);
        assert_eq!(decode_parts(&bytes), Some(parts));
        for len in 0..bytes.len() {
            assert_eq!(decode_parts(&bytes[..len]), None, "{len}");
        }
        bytes.push(0);
        assert_eq!(decode_parts(&bytes), None);
    }
}
