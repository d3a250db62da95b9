//! Blocks found by their checks.

use std::path::Path;
use std::sync::Arc;

use crate::base::compress::{Codec, compress};
use crate::env::fs::{File, write_all_at};
use crate::env::sim::rng::Rng;
use crate::env::sim::world::SimWorld;
use crate::salvage::scan::{Piece, scan};
use crate::table::handle::{BlockKind, Handle};
use crate::table::seal::Seal;
use crate::table::source::Source;

const FILE_ID: u64 = 77;

/// Blocks of a file, some of them packed, and where each begins.
fn blocks(rng: &mut Rng) -> (Vec<u8>, Vec<Handle>) {
    let mut bytes = vec![0; 128];
    let mut handles = Vec::new();
    for number in 0..40u64 {
        let mut image = vec![0; 200 + rng.below(6000) as usize];
        match number % 3 {
            0 => rng.garbage(&mut image),
            // Full of what looks like trailers.
            1 => image.chunks_exact_mut(16).for_each(|chunk| {
                chunk.copy_from_slice(&[0, 1, 0, 0, 16, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9]);
            }),
            _ => {}
        }
        let mut payload = Vec::new();
        let codec = if number % 2 == 0 { Codec::Lz4 } else { Codec::None };
        let codec = compress(codec, 0, &image, &mut payload);
        let payload = if codec == Codec::None { image.clone() } else { payload };
        let offset = bytes.len() as u64;
        let seal = Seal { kind: BlockKind::Data, codec, unpacked: image.len() as u32 };
        let trailer = seal.trailer(FILE_ID, offset, &payload);
        handles.push(Handle { offset, len: payload.len() as u32 });
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(&trailer);
    }
    (bytes, handles)
}

fn source(bytes: &[u8]) -> Source {
    let world = SimWorld::new(1);
    let fs = world.env().fs;
    fs.create_dir(Path::new("/scan")).unwrap();
    let file: Arc<dyn File> = fs.open_dir(Path::new("/scan")).unwrap().create("file").unwrap();
    write_all_at(file.as_ref(), bytes, 0).unwrap();
    Source::new(file, FILE_ID, bytes.len() as u64)
}

fn found(pieces: &[Piece]) -> Vec<Handle> {
    let block = |piece: &Piece| match *piece {
        Piece::Block(BlockKind::Data, handle) => Some(handle),
        _ => None,
    };
    pieces.iter().filter_map(block).collect()
}

#[test]
fn all_blocks_are_found_and_nothing_else() {
    let mut rng = Rng::new(1);
    let (bytes, handles) = blocks(&mut rng);
    let pieces = scan(&source(&bytes), 128, bytes.len() as u64).unwrap();
    assert_eq!(found(&pieces), handles);
    assert_eq!(pieces.len(), handles.len(), "no gaps");
    assert!(scan(&source(&bytes), 128, 128).unwrap().is_empty());
}

#[test]
fn a_damaged_byte_costs_two_blocks_at_most() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let (mut bytes, handles) = blocks(&mut rng);
        let at = 128 + rng.below(bytes.len() as u64 - 128) as usize;
        bytes[at] ^= 1 << rng.below(8);
        let pieces = scan(&source(&bytes), 128, bytes.len() as u64).unwrap();
        let found = found(&pieces);
        assert!(found.iter().all(|handle| handles.contains(handle)));
        assert!(found.len() + 2 >= handles.len(), "seed {seed}: {} blocks", found.len());
        // Every byte is in a block or in a gap.
        let mut end = 128;
        for piece in &pieces {
            let (from, to) = match *piece {
                Piece::Block(_, handle) => (handle.offset, handle.end()),
                Piece::Gap(from, to) => (from, to),
            };
            assert_eq!(from, end);
            end = to;
        }
        assert_eq!(end, bytes.len() as u64);
    }
}
