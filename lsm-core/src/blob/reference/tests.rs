//! References, to bytes and back.

use super::*;

fn reference() -> BlobRef {
    BlobRef { expiry_millis: None, file: 7, offset: 128, len: 4_140, raw: 4_096, check: 0x0102 }
}

#[test]
fn a_reference_is_read_as_it_was_written() {
    for expiry_millis in [None, Some(1), Some(u64::MAX)] {
        let reference = BlobRef { expiry_millis, ..reference() };
        let mut bytes = Vec::new();
        reference.encode(&mut bytes);
        assert_eq!(BlobRef::decode(&bytes), Some(reference));
        assert_eq!(stamp_of(&bytes), Some(expiry_millis.unwrap_or(0)));
        let first = bytes.get(..STAMP_LEN).unwrap_or(&bytes);
        assert_eq!(stamp_of(first), stamp_of(&bytes), "the first bytes tell it");
    }
}

#[test]
fn what_is_cut_or_too_long_or_of_a_newer_version_is_no_reference() {
    let mut bytes = Vec::new();
    reference().encode(&mut bytes);
    for len in 0..bytes.len() {
        assert_eq!(BlobRef::decode(&bytes[..len]), None);
    }
    bytes.push(0);
    assert_eq!(BlobRef::decode(&bytes), None);
    bytes.pop();
    bytes[0] = 2;
    assert_eq!((BlobRef::decode(&bytes), stamp_of(&bytes)), (None, None));
    let endless = BlobRef { offset: u64::MAX, ..reference() };
    let mut bytes = Vec::new();
    endless.encode(&mut bytes);
    assert_eq!(BlobRef::decode(&bytes), None);
}
