//! Trailers: any change of payload, trailer, place, file or kind is noticed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use crate::base::compress::Codec;
use crate::base::error::ErrorKind;
use crate::table::handle::{BlockKind, Handle, TRAILER_LEN};
use crate::table::seal::{Seal, Sought, UNPACKED_MAX};

const OFFSET: u64 = 128;

fn sealed(seal: Seal, payload: &[u8]) -> Vec<u8> {
    [payload, &seal.trailer(7, OFFSET, payload)].concat()
}

fn sought(len: usize) -> Sought<'static> {
    let handle = Handle { offset: OFFSET, len: len as u32 };
    Sought { path: Path::new("f"), file_id: 7, handle, kind: BlockKind::Index }
}

fn kind_of(sought: &Sought<'_>, bytes: &[u8]) -> Option<ErrorKind> {
    sought.verify(bytes).err().map(|error| error.kind())
}

#[test]
fn a_block_verifies_at_its_place_and_nowhere_else() {
    let seal = Seal { kind: BlockKind::Index, codec: Codec::None, unpacked: 5 };
    let bytes = sealed(seal, b"hello");
    let here = sought(5);
    let mut image = Vec::new();
    here.unpack(here.verify(&bytes).unwrap(), &mut image).unwrap();
    assert_eq!(image, b"hello");
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(kind_of(&here, &other), Some(ErrorKind::Corruption), "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert_eq!(kind_of(&here, &bytes[..len]), Some(ErrorKind::Corruption), "{len} bytes");
    }
    let corrupt = Some(ErrorKind::Corruption);
    assert_eq!(kind_of(&Sought { file_id: 8, ..here }, &bytes), corrupt);
    assert_eq!(kind_of(&Sought { kind: BlockKind::Data, ..here }, &bytes), corrupt);
    let handle = Handle { offset: OFFSET + 1, len: 5 };
    assert_eq!(kind_of(&Sought { handle, ..here }, &bytes), corrupt);
    assert_eq!(bytes.len(), 5 + TRAILER_LEN);
}

#[test]
fn impossible_lengths_are_refused_before_memory_is_asked_for() {
    let seal = |codec, unpacked| Seal { kind: BlockKind::Index, codec, unpacked };
    let payload = [0; 100];
    let corrupt = Some(ErrorKind::Corruption);
    assert_eq!(kind_of(&sought(100), &sealed(seal(Codec::None, 99), &payload)), corrupt);
    assert_eq!(kind_of(&sought(100), &sealed(seal(Codec::Lz4, u32::MAX), &payload)), corrupt);
    let most = 100 * 255 + 64;
    assert_eq!(kind_of(&sought(100), &sealed(seal(Codec::Lz4, most), &payload)), None);
    assert_eq!(kind_of(&sought(100), &sealed(seal(Codec::Lz4, most + 1), &payload)), corrupt);
    let here = sought(100);
    let bytes = sealed(seal(Codec::Lz4, 80), &payload);
    let error = here.unpack(here.verify(&bytes).unwrap(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(UNPACKED_MAX < u64::from(u32::MAX));
}
