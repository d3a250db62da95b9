//! Varints and decoders, at their borders and on every short input.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::codec::{Decoder, HeaderWriter, put_prefixed, put_varint};

#[test]
fn every_varint_comes_back_and_has_one_form_only() {
    for shift in 0..64 {
        for value in [(1u64 << shift) - 1, 1 << shift, (1 << shift) | 1, u64::MAX >> shift] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut decoder = Decoder::new(&bytes);
            assert_eq!(decoder.varint(), Some(value));
            assert!(decoder.is_empty());
            let last = bytes.len() - 1;
            bytes[last] |= 0x80;
            assert_eq!(Decoder::new(&bytes).varint(), None, "{value} cut short");
            bytes.push(0);
            assert_eq!(Decoder::new(&bytes).varint(), None, "{value} in a longer form");
        }
    }
    assert_eq!(Decoder::new(&[0xff; 10]).varint(), None);
    assert_eq!(Decoder::new(&[0x80; 11]).varint(), None);
}

#[test]
fn no_input_of_three_bytes_makes_a_decoder_panic() {
    for input in 0..1u32 << 24 {
        let bytes = &input.to_le_bytes()[..3];
        let mut decoder = Decoder::new(bytes);
        let _any_answer = decoder.prefixed().map(<[u8]>::len);
        let _any_answer = (decoder.varint(), decoder.u32(), decoder.u64());
    }
}

#[test]
fn lengths_are_held_against_the_bytes_that_are_left() {
    let mut bytes = Vec::new();
    put_prefixed(&mut bytes, b"abc");
    assert_eq!(Decoder::new(&bytes).prefixed(), Some(&b"abc"[..]));
    assert_eq!(Decoder::new(&bytes[..3]).prefixed(), None);
    let mut huge = Vec::new();
    put_varint(&mut huge, u64::MAX);
    assert_eq!(Decoder::new(&huge).prefixed(), None);
}

#[test]
fn a_header_is_filled_from_the_front_and_zero_behind() {
    let header = HeaderWriter::<16>::new().u32(0x0403_0201).put(b"xy").finish();
    assert_eq!(header, [1, 2, 3, 4, b'x', b'y', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
