//! Damage: every bit flipped, every length cut, blocks exchanged, and lies under a right check.
//!
//! A table answers what was written or `Corruption`; it never answers anything else.

use std::sync::Arc;

use super::helpers::{
    FILE_ID, MemFile, Model, Taste, build, cache, model, open, options, tombstone,
};
use crate::base::checksum::hash64;
use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::env::sim::rng::Rng;
use crate::key::trailer::NEWEST;
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::table::handle::{BlockKind, Handle, TRAILER_LEN};
use crate::table::opening::Expect;
use crate::table::reader::Table;
use crate::table::seal::Seal;

/// A small table of everything that there is.
fn specimen(codec: Codec) -> (Model, Vec<u8>) {
    let taste = Taste { keyspaces: 3, keys: 40, key_len: 6, versions: 2, value_len: 12 };
    let model = model(&mut Rng::new(5), taste);
    let tombstones = [tombstone(0, b"a", b"b", 500), tombstone(7, b"", b"zzzz", 600)];
    let (bytes, finished) = build(&model, &tombstones, options(256, codec, 10));
    assert!(finished.properties.blocks > 3, "{:?}", finished.properties);
    (model, bytes)
}

/// Holds everything that a table answers against the model; answers whether all of it was there.
fn look(model: &Model, opened: Result<Arc<Table>>, what: &str) -> bool {
    let mut is_whole = true;
    let mut damaged = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Corruption, "{what}: {error}");
        assert!(error.path().is_some() && error.offset().is_some(), "{what}: {error}");
        is_whole = false;
    };
    let table = match opened {
        Ok(table) => table,
        Err(error) => {
            damaged(&error);
            return false;
        }
    };
    for (key, trailer, value) in model.entries() {
        match table.get(&key, hash64(&key), trailer, Use::Point) {
            Ok(Some(found)) => {
                assert_eq!((found.trailer, &*found.value), (trailer, &value[..]), "{what}")
            }
            Ok(None) => panic!("{what}: {key:?} is gone"),
            Err(error) => damaged(&error),
        }
    }
    for how in [Use::Scan, Use::Bypass] {
        let mut cursor = table.cursor(how);
        let mut result = cursor.seek_first();
        let mut entries = model.entries().into_iter();
        while result.is_ok() && cursor.is_valid() {
            let here = (cursor.key().to_vec(), cursor.trailer(), cursor.value().to_vec());
            assert_eq!(Some(here), entries.next(), "{what}");
            result = cursor.next();
        }
        match result {
            Ok(()) => assert_eq!(entries.next(), None, "{what}"),
            Err(error) => {
                assert!(!cursor.is_valid(), "{what}");
                damaged(&error);
            }
        }
    }
    match table.tombstones() {
        Ok(tombstones) => assert_eq!(tombstones.len(), 2, "{what}"),
        Err(error) => damaged(&error),
    }
    if let Err(error) = table.verify() {
        damaged(&error);
    }
    is_whole
}

#[test]
fn every_flipped_bit_is_corruption_or_makes_no_difference() {
    for codec in [Codec::None, Codec::Lz4] {
        let (model, bytes) = specimen(codec);
        assert!(look(&model, open(MemFile::new(bytes.clone()), cache(1 << 20)), "sound"));
        for at in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut other = bytes.clone();
                other[at] ^= flip;
                let what = format!("{codec:?}, byte {at} of {} ^ {flip:#x}", bytes.len());
                let opened = open(MemFile::new(other), cache(1 << 20));
                assert!(!look(&model, opened, &what), "{what}: nobody noticed");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_in_an_open_table_too() {
    let (model, bytes) = specimen(Codec::Lz4);
    for at in 0..bytes.len() {
        let file = MemFile::new(bytes.clone());
        let table = open(Arc::clone(&file), cache(1 << 20));
        file.bytes.lock()[at] ^= 4;
        let what = format!("byte {at} of {}", bytes.len());
        assert!(!look(&model, table, &what), "{what}: nobody noticed");
    }
}

#[test]
fn every_cut_and_every_surplus_is_corruption() {
    let (model, bytes) = specimen(Codec::Lz4);
    let expect = Expect { file_id: FILE_ID, bytes: bytes.len() as u64 };
    for len in (0..bytes.len()).chain([bytes.len() + 1, bytes.len() + 4096]) {
        let mut other = bytes.clone();
        other.resize(len, 0);
        let what = format!("{len} of {} bytes", bytes.len());
        let file = MemFile::new(other);
        assert!(!look(&model, open(Arc::clone(&file), cache(0)), &what), "{what}, as listed");
        assert!(!look(&model, Table::open(file, expect, cache(0)), &what), "{what}");
        let file = MemFile::new(bytes.clone());
        let table = open(Arc::clone(&file), cache(1 << 20));
        file.bytes.lock().resize(len, 0);
        assert!(!look(&model, table, &what), "{what}, when it was open");
    }
}

#[test]
fn a_block_at_another_place_or_in_another_file_is_corruption() {
    let taste = Taste { keyspaces: 1, keys: 200, key_len: 0, versions: 1, value_len: 0 };
    let model = model(&mut Rng::new(6), taste);
    let (bytes, _) = build(&model, &[], options(64, Codec::None, 0));
    let mut other = bytes.clone();
    let sound = open(MemFile::new(bytes.clone()), cache(0)).unwrap();
    let index = sound.index(0, Use::Index).unwrap();
    let handles: Vec<_> =
        (0..index.len()).map(|at| sound.handle_at((0, at), Some(&index))).collect();
    let handles: Vec<Handle> = handles.into_iter().map(Result::unwrap).collect();
    let (a, b) = handles
        .iter()
        .flat_map(|a| handles.iter().map(move |b| (*a, *b)))
        .find(|(a, b)| a.offset < b.offset && a.len == b.len)
        .unwrap();
    for at in 0..a.file_len() as usize {
        other.swap(a.offset as usize + at, b.offset as usize + at);
    }
    let error = open(MemFile::new(other), cache(0)).unwrap().verify().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Corruption, Some(a.offset)));
    let expect = Expect { file_id: FILE_ID + 1, bytes: bytes.len() as u64 };
    let error = Table::open(MemFile::new(bytes), expect, cache(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
}

/// Where every block of a table stands.
fn blocks_of(bytes: &[u8]) -> Vec<(Handle, BlockKind)> {
    let table = open(MemFile::new(bytes.to_vec()), cache(0)).unwrap();
    let footer = table.opened().footer;
    let mut blocks = vec![
        (footer.top, BlockKind::Top),
        (footer.properties, BlockKind::Properties),
        (footer.parts, BlockKind::Parts),
        (footer.tombstones, BlockKind::Tombstones),
    ];
    for at in 0..table.opened().top.len() {
        let partition = *table.opened().top.get(at).unwrap();
        blocks.push((partition.filter, BlockKind::Filter));
        blocks.push((partition.index, BlockKind::Index));
        let index = table.index(at, Use::Index).unwrap();
        for block in 0..index.len() {
            blocks.push((table.handle_at((at, block), Some(&index)).unwrap(), BlockKind::Data));
        }
    }
    blocks.retain(|(handle, _)| !handle.is_none());
    blocks
}

/// The table with other bytes in one of its blocks, and a right check for them.
fn forged(bytes: &[u8], block: (Handle, BlockKind), change: impl Fn(&mut [u8])) -> Vec<u8> {
    packed_by(Codec::None, bytes, block, change)
}

/// The same with the block said to be packed in some way.
fn packed_by(
    codec: Codec,
    bytes: &[u8],
    block: (Handle, BlockKind),
    change: impl Fn(&mut [u8]),
) -> Vec<u8> {
    let (handle, kind) = block;
    let (start, len) = (handle.offset as usize, handle.len as usize);
    let mut bytes = bytes.to_vec();
    change(&mut bytes[start..start + len]);
    let seal = Seal { kind, codec, unpacked: handle.len };
    let trailer = seal.trailer(FILE_ID, handle.offset, &bytes[start..start + len]);
    bytes[start + len..start + len + TRAILER_LEN].copy_from_slice(&trailer);
    bytes
}

#[test]
fn verifying_notices_what_contradicts_the_entries() {
    let (_, bytes) = specimen(Codec::None);
    let verify = |bytes| open(MemFile::new(bytes), cache(0)).and_then(|table| table.verify());
    let mut missed = [0; 8];
    for block in blocks_of(&bytes) {
        verify(forged(&bytes, block, |_| ())).unwrap();
        if block.1 == BlockKind::Filter {
            let emptied = forged(&bytes, block, |payload| payload[64..].fill(0));
            assert_eq!(verify(emptied).unwrap_err().kind(), ErrorKind::Corruption);
            continue;
        }
        for at in 0..block.0.len as usize {
            let other = forged(&bytes, block, |payload| payload[at] ^= 1);
            match verify(other) {
                Ok(()) => missed[block.1 as usize] += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corruption, "{error}"),
            }
        }
    }
    // Values may be anything, separators some things, and so may the numbers of versions.
    for kind in [BlockKind::Top, BlockKind::Properties, BlockKind::Parts] {
        assert_eq!(missed[kind as usize], 0, "{kind:?}: {missed:?}");
    }
    assert!(missed[BlockKind::Data as usize] < bytes.len() / 2, "{missed:?}");
}

/// A table that another build has packed is no damaged table.
#[test]
fn what_this_build_cannot_unpack_is_unsupported_and_no_corruption() {
    let (_, bytes) = specimen(Codec::None);
    for block in blocks_of(&bytes) {
        let other = packed_by(Codec::Zstd, &bytes, block, |_| ());
        let read = open(MemFile::new(other), cache(0)).and_then(|table| table.verify());
        let error = read.unwrap_err();
        let expected = match Codec::Zstd.is_built() {
            true => ErrorKind::Corruption,
            false => ErrorKind::Unsupported,
        };
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.path().is_some(), "{error}");
        assert_eq!(error.offset(), Some(block.0.offset), "{error}");
    }
}

/// Somebody who knows the checks can make a table lie. It must not hang, panic, or take memory
/// that the file does not account for.
#[test]
fn lies_under_a_right_check_do_no_harm() {
    let (model, bytes) = specimen(Codec::None);
    let blocks = blocks_of(&bytes);
    let rounds = 6_000;
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let mut other = bytes.clone();
        let (handle, kind) = blocks[rng.below(blocks.len() as u64) as usize];
        let (start, len) = (handle.offset as usize, handle.len as usize);
        for _ in 0..=rng.below(3) {
            let at = start + rng.below(len as u64) as usize;
            other[at] = [0, 1, 0x7f, 0x80, 0xff, rng.draw() as u8][rng.below(6) as usize];
        }
        let codec = [Codec::None, Codec::Lz4][usize::from(rng.chance(1, 8))];
        let unpacked = if rng.chance(1, 8) { rng.draw() as u32 } else { handle.len };
        let seal = Seal { kind, codec, unpacked };
        let trailer = seal.trailer(FILE_ID, handle.offset, &other[start..start + len]);
        other[start + len..start + len + TRAILER_LEN].copy_from_slice(&trailer);
        if rng.chance(1, 8) {
            lie_in_footer(&mut other, &mut rng);
        }
        let Ok(table) = open(MemFile::new(other), cache(1 << 20)) else { continue };
        let _any = table.verify();
        let _any = table.tombstones();
        let _any = table.parts();
        for key in model.0.keys() {
            let _any = table.get(key, hash64(key), NEWEST, Use::Point);
            let _any = table.offset_of(key);
        }
        let mut cursor = table.cursor(Use::Scan);
        let mut steps = 0;
        let mut result = cursor.seek_first();
        while result.is_ok() && cursor.is_valid() {
            assert!(cursor.key().len() + cursor.value().len() <= bytes.len(), "seed {seed}");
            result = cursor.next();
            steps += 1;
            assert!(steps < 1 << 16, "seed {seed}");
        }
        let mut result = cursor.seek_last();
        while result.is_ok() && cursor.is_valid() {
            result = cursor.prev();
        }
    }
}

fn lie_in_footer(bytes: &mut [u8], rng: &mut Rng) {
    let start = bytes.len() - FOOTER_LEN;
    let at = 40 + rng.below(60) as usize;
    bytes[start + at] = rng.draw() as u8;
    let check = hash64(&bytes[start..start + FOOTER_LEN - 8]).to_le_bytes();
    bytes[start + FOOTER_LEN - 8..].copy_from_slice(&check);
    let path = std::path::Path::new("f");
    let _any = Footer::decode(&bytes[start..], start as u64, path);
}
