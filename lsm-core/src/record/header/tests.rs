//! The file header: every bit is covered, and newer files are refused by name.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use crate::base::checksum::hash64;
use crate::base::error::ErrorKind;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};

fn header() -> FileHeader {
    FileHeader {
        kind: FileKind::Log,
        compatible: 0,
        file_id: 1,
        database_id: [2; 16],
        incarnation: 3,
        edit: 4,
        number: 5,
        boot_id: Some([6; 16]),
        clock_millis: 7,
        flags: 1,
    }
}

fn kind_of(bytes: &[u8]) -> Option<ErrorKind> {
    FileHeader::decode(bytes, FileKind::Log, Path::new("f")).err().map(|error| error.kind())
}

fn resealed(mut bytes: [u8; HEADER_LEN], at: usize, value: u8) -> [u8; HEADER_LEN] {
    bytes[at] = value;
    let check = hash64(&bytes[..HEADER_LEN - 8]).to_le_bytes();
    bytes[HEADER_LEN - 8..].copy_from_slice(&check);
    bytes
}

#[test]
fn a_header_comes_back_and_any_flipped_bit_or_cut_is_corruption() {
    let bytes = header().encode();
    assert_eq!(FileHeader::decode(&bytes, FileKind::Log, Path::new("f")).unwrap(), header());
    for bit in 0..HEADER_LEN * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(kind_of(&other), Some(ErrorKind::Corruption), "bit {bit}");
    }
    for len in 0..HEADER_LEN {
        assert_eq!(kind_of(&bytes[..len]), Some(ErrorKind::Corruption), "{len} bytes");
    }
}

#[test]
fn newer_formats_and_unknown_features_are_refused_as_such() {
    let bytes = header().encode();
    assert_eq!(kind_of(&resealed(bytes, 8, 2)), Some(ErrorKind::Format), "format 2");
    assert_eq!(kind_of(&resealed(bytes, 24, 1)), Some(ErrorKind::Format), "required feature");
    assert_eq!(kind_of(&resealed(bytes, 16, 1)), None, "compatible feature");
    assert_eq!(kind_of(&resealed(bytes, 10, 2)), Some(ErrorKind::Corruption), "another kind");
    assert_eq!(kind_of(&resealed(bytes, 104, 2)), Some(ErrorKind::Corruption), "unknown flag");
    assert_eq!(kind_of(&resealed(bytes, 112, 1)), Some(ErrorKind::Corruption), "reserved");
}

#[test]
fn features_that_may_be_passed_over_are_kept() {
    let newer = FileHeader { compatible: 0x8000_0000_0000_0001, ..header() };
    let bytes = newer.encode();
    let read = FileHeader::decode(&bytes, FileKind::Log, Path::new("f")).unwrap();
    assert_eq!(read, newer);
    assert_eq!(read.encode(), bytes);
    let check = u64::from_le_bytes(bytes[HEADER_LEN - 8..].try_into().unwrap());
    assert_eq!(read.check(), check, "the first record chains to the check that stands there");
}
