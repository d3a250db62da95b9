//! Images byte by byte, and how long they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::checksum::hash64;
use crate::table::block::builder::BlockBuilder;

#[test]
fn a_builder_without_entries_appends_nothing() {
    let mut out = vec![7];
    let mut builder = BlockBuilder::new();
    builder.finish(&mut out).unwrap();
    assert_eq!(out, [7]);
    assert_eq!((builder.estimate(), builder.len()), (0, 0));
    assert_eq!((builder.first_key(), builder.last_key()), (&[][..], &[][..]));
}

#[test]
fn rows_stand_as_they_are_drawn() {
    let mut builder = BlockBuilder::new();
    for (key, value) in [(b"\0\0\0\x01ab", b"x"), (b"\0\0\0\x01ac", b"y")] {
        assert!(builder.add(key, 7 << 8 | 1, value));
    }
    let mut image = Vec::new();
    builder.finish(&mut image).unwrap();
    let tag = |key: &[u8]| (hash64(key) >> 56) as u8;
    let mut drawn = Vec::new();
    drawn.extend_from_slice(&[2, 0, 0, 0, 0x0f, 0, 0, 0]);
    drawn.extend_from_slice(&[5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(&[1, 7, 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(&[tag(b"\0\0\0\x01ab"), tag(b"\0\0\0\x01ac"), 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(b"b\0\0\0\0\0\0\0c\0\0\0\0\0\0\0\0\0\0\x01axy");
    assert_eq!(image, drawn);
}

#[test]
fn columns_stand_as_they_are_drawn() {
    let mut builder = BlockBuilder::new();
    assert!(builder.add(b"\0\0\0\x01", 300 << 8, b""));
    assert!(builder.add(b"\0\0\0\x01123456789", 5 << 8 | 1, b"vw"));
    let mut image = Vec::new();
    builder.finish(&mut image).unwrap();
    let tag = |key: &[u8]| (hash64(key) >> 56) as u8;
    let mut drawn = Vec::new();
    drawn.extend_from_slice(&[2, 0, 0, 0, 0, 1, 0, 0]);
    drawn.extend_from_slice(&[4, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(&[0, 5, 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(&[tag(b"\0\0\0\x01"), tag(b"\0\0\0\x01123456789"), 0, 0, 0, 0, 0, 0]);
    drawn.extend_from_slice(b"\0\0\0\0\0\0\0\x0012345678");
    drawn.extend_from_slice(&[0, 0, 0, 0, 9, 0]);
    drawn.extend_from_slice(&[0, 0, 0, 0, 2, 0]);
    drawn.extend_from_slice(&[0x27, 1, 0, 0]);
    drawn.extend_from_slice(&[0, 1]);
    drawn.extend_from_slice(b"\0\0\0\x01123456789vw");
    assert_eq!(image, drawn);
}

#[test]
fn a_builder_begins_again_after_each_block() {
    let (mut one, mut two) = (BlockBuilder::new(), BlockBuilder::new());
    let (mut first, mut second, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    assert!(one.add(b"some longer key", 9 << 8, &[1; 3 << 20]));
    assert!(one.add(b"some longer key", 8 << 8, b""));
    one.finish(&mut first).unwrap();
    assert!(one.add(b"k", 256, b"v") && two.add(b"k", 256, b"v"));
    one.finish(&mut second).unwrap();
    two.finish(&mut alone).unwrap();
    assert_eq!(second, alone);
    assert!(one.add(b"k", 256, b"v"));
    one.reset();
    assert!(one.is_empty());
}

#[test]
fn the_tag_of_a_hash_and_of_a_key_are_the_same() {
    let (mut one, mut two) = (BlockBuilder::new(), BlockBuilder::new());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert!(one.add(b"key", 256, b"v"));
    assert!(two.add_tagged((hash64(b"key") >> 56) as u8, b"key", 256, b"v"));
    one.finish(&mut first).unwrap();
    two.finish(&mut second).unwrap();
    assert_eq!(first, second);
}
