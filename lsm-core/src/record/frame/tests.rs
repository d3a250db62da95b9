//! A record's check covers every bit of it and the place where it stands.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::key::seqno::SeqNo;
use crate::record::frame::{
    FRAME_COUNT_MAX, Frame, Payload, Place, RecordType, padded_len, verified_hash,
};
use crate::record::header::FileKind;

fn frame() -> Frame {
    Frame::new(RecordType::Batch, SeqNo::new(77).unwrap(), 3, 0x1122_3344_5566_7788, 4096)
}

#[test]
fn a_header_comes_back_as_it_was() {
    let place = Place::new(FileKind::Log, 5, 99);
    let (bytes, check) = frame().encode(&Payload::new(b"payload"), place, 256).unwrap();
    let (decoded, payload_len, found) = Frame::decode(&bytes).unwrap();
    assert_eq!((decoded, payload_len, found), (frame(), 7, check));
    assert_eq!(decoded.chain, 0x5566_7788);
    assert_eq!(padded_len(payload_len), 40);
    assert!(verified_hash(&bytes, b"payload", place, 256, check).is_some());
}

#[test]
fn every_bit_and_every_other_place_is_noticed() {
    let place = Place::new(FileKind::Log, 5, 99);
    let payload = b"some payload".to_vec();
    let (bytes, check) = frame().encode(&Payload::new(&payload), place, 256).unwrap();
    for bit in 0..24 * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(
            verified_hash(&other, &payload, place, 256, check).is_none(),
            "bit {bit} of the header"
        );
    }
    for bit in 0..payload.len() * 8 {
        let mut other = payload.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(
            verified_hash(&bytes, &other, place, 256, check).is_none(),
            "bit {bit} of the payload"
        );
    }
    let elsewhere = [
        (Place::new(FileKind::Log, 5, 99), 264),
        (Place::new(FileKind::Log, 6, 99), 256),
        (Place::new(FileKind::Log, 5, 98), 256),
        (Place::new(FileKind::Manifest, 5, 99), 256),
    ];
    for (place, offset) in elsewhere {
        assert!(
            verified_hash(&bytes, &payload, place, offset, check).is_none(),
            "{place:?} {offset}"
        );
    }
}

#[test]
fn what_a_field_cannot_hold_is_refused() {
    let place = Place::new(FileKind::Log, 1, 1);
    let at_limit = Frame { count: FRAME_COUNT_MAX, ..frame() };
    assert!(at_limit.encode(&Payload::new(b""), place, 128).is_some());
    let past = Frame { count: FRAME_COUNT_MAX + 1, ..frame() };
    assert!(past.encode(&Payload::new(b""), place, 128).is_none());
    let far = Frame { durable: 1 << 36, ..frame() };
    assert!(far.encode(&Payload::new(b""), place, 128).is_none());
}
