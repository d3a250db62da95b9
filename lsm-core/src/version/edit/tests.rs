//! Every edit survives its encoding, and nothing else is taken for one.

#![allow(clippy::unwrap_used)]

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::edit::{BadEdit, Edit, LogPosition, Seal};
use crate::version::tree::{SliceMeta, TableMeta};

pub(crate) fn every_edit() -> Vec<Edit> {
    let seal = Seal { end: 4096, check: 7, crc: 8, next_seqno: SeqNo::MAX };
    vec![
        Edit::Identity { database_id: [9; 16], incarnation: u64::MAX },
        Edit::Clock(1 << 41),
        Edit::NextNumber(1000),
        Edit::NextSeqno(SeqNo::MAX),
        Edit::LogAdded { number: 300, file_id: 1 },
        Edit::LogSealed { number: 300, seal },
        Edit::LogStart(300),
        Edit::LogDurable(LogPosition { number: 300, offset: 128 }),
        Edit::KeyspaceCreated { id: KeyspaceId::new(5), name: "names".into() },
        Edit::KeyspaceDropped(KeyspaceId::new(u32::MAX)),
        Edit::NextKeyspace(u32::MAX),
        Edit::TableAdded { meta: table(7), slices: vec![slice(0, 6, 9, b"a", b"z")] },
        Edit::TableAdded { meta: table(u64::MAX), slices: vec![open_slice(), open_slice()] },
        Edit::TableAdded {
            meta: TableMeta { merge_min_millis: 77, merge_ends: 3, ..table(8) },
            slices: vec![slice(0, 6, 9, b"a", b"z")],
        },
        Edit::SliceMoved { table: 300, keyspace: KeyspaceId::new(5), level: 6, run: u64::MAX },
        Edit::SliceRemoved { table: 300, keyspace: KeyspaceId::new(u32::MAX) },
        Edit::KeyspaceOptions { id: KeyspaceId::DEFAULT, text: "block_bytes=512".into() },
        Edit::Flushed(SeqNo::MAX),
    ]
}

pub(crate) fn table(number: u64) -> TableMeta {
    TableMeta {
        number,
        file_id: !number,
        bytes: 5000,
        crc: 0xdead_beef,
        entries: 300,
        deletes: 2,
        range_deletes: 1,
        seqno_min: SeqNo::ZERO,
        seqno_max: SeqNo::new(1 << 40).unwrap(),
        created_millis: 1 << 41,
        expiry_min_millis: 0,
        expiry_max_millis: u64::MAX,
        merge_min_millis: 0,
        merge_ends: 0,
        blobs: Vec::new(),
    }
}

/// A slice between two user keys, both in it.
pub(crate) fn slice(keyspace: u32, level: u8, run: u64, from: &[u8], to: &[u8]) -> SliceMeta {
    let keyspace = KeyspaceId::new(keyspace);
    SliceMeta {
        keyspace,
        level,
        run,
        smallest: FullKey::new(keyspace, from).bytes().to_vec(),
        largest: FullKey::new(keyspace, to).bytes().to_vec(),
        is_largest_excluded: false,
        bytes: 1 << 33,
        entries: 300,
        deletes: 200,
    }
}

/// A slice of everything behind a key, with a range tombstone that ends with the keyspace.
fn open_slice() -> SliceMeta {
    let keyspace = KeyspaceId::new(4);
    let largest = FullKey::end_of(keyspace).bytes().to_vec();
    SliceMeta { largest, is_largest_excluded: true, ..slice(4, 0, 1, b"", b"") }
}

fn decode(bytes: &[u8]) -> Result<Option<Edit>, BadEdit> {
    Edit::decode(&mut Decoder::new(bytes))
}

#[test]
fn every_edit_survives_its_encoding_and_no_cut_or_longer_form_passes() {
    for edit in every_edit() {
        let mut bytes = Vec::new();
        edit.encode(&mut bytes);
        assert_eq!(decode(&bytes), Ok(Some(edit.clone())));
        for len in 0..bytes.len() {
            assert_eq!(decode(bytes.get(..len).unwrap()), Err(BadEdit::Malformed), "{edit:?}");
        }
        let mut payload = Decoder::new(&bytes);
        let (tag, body) = (payload.varint().unwrap(), payload.prefixed().unwrap());
        let text = matches!(edit, Edit::KeyspaceCreated { .. } | Edit::KeyspaceOptions { .. });
        for len in (0..body.len()).chain([body.len() + 1]).filter(|_| !text) {
            let mut other = body.to_vec();
            other.resize(len, 0);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, tag);
            put_prefixed(&mut bytes, &other);
            assert_eq!(decode(&bytes), Err(BadEdit::Malformed), "{len} bytes of {edit:?}");
        }
    }
}

#[test]
fn unknown_edits_are_refused_or_passed_over_by_their_tag() {
    for (tag, expected) in [
        (101, Err(BadEdit::Unknown(101))),
        (45, Err(BadEdit::Unknown(45))),
        (31, Err(BadEdit::Unknown(31))),
        (100, Ok(None)),
        (34, Ok(None)),
        (4, Ok(None)),
    ] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, tag);
        put_prefixed(&mut bytes, b"whatever");
        assert_eq!(decode(&bytes), expected);
    }
}
