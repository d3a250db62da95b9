//! Every edit survives its encoding, and nothing else is taken for one.

#![allow(clippy::unwrap_used)]

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::edit::{BadEdit, Edit, LogPosition, Seal};

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
    ]
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
    }
}

#[test]
fn unknown_edits_are_refused_or_passed_over_by_their_tag() {
    for (tag, expected) in [(101, Err(BadEdit::Unknown(101))), (100, Ok(None)), (4, Ok(None))] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, tag);
        put_prefixed(&mut bytes, b"whatever");
        assert_eq!(decode(&bytes), expected);
    }
}
