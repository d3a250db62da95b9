//! Tables: blocks in their file, and files made of such blocks.

use std::path::Path;
use std::sync::Arc;

use lsm_core::base::budget::Budget;
use lsm_core::base::checksum::hash64;
use lsm_core::cache::pool::Cache;
use lsm_core::cache::purpose::Use;
use lsm_core::cursor::contract::Cursor;
use lsm_core::record::header::{FileKind, HEADER_LEN};
use lsm_core::table::block::view::{BlockView, Layout};
use lsm_core::table::footer::{FOOTER_LEN, Footer};
use lsm_core::table::handle::{BlockKind, Handle, TRAILER_LEN};
use lsm_core::table::opening::{Expect, Opened};
use lsm_core::table::reader::Table;
use lsm_core::table::seal::Sought;

use crate::forge::{self, FILE_ID};
use crate::input::{Input, in_pieces};
use crate::place;
use crate::target::{Memory, Target};

const KINDS: [BlockKind; 7] = [
    BlockKind::Data,
    BlockKind::Filter,
    BlockKind::Index,
    BlockKind::Tombstones,
    BlockKind::Parts,
    BlockKind::Properties,
    BlockKind::Top,
];

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
}

fn opened(table: &[u8]) -> Opened {
    let expect = Expect { file_id: word(table, 32), bytes: table.len() as u64 };
    Opened::read(place::file("000001.sst", table), expect).unwrap()
}

/// Where the partitions of a whole table end.
#[must_use]
pub fn body_end(table: &[u8]) -> u64 {
    opened(table).body_end()
}

/// Every block of a whole table, in the order in which they stand.
#[must_use]
pub fn blocks(table: &[u8]) -> Vec<(Handle, BlockKind)> {
    let opened = opened(table);
    let mut blocks = Vec::new();
    for at in 0..opened.top.len() {
        let partition = opened.top.get(at).unwrap();
        let index = opened.source.read(partition.index, BlockKind::Index).unwrap();
        let layout = Layout::parse(&index).unwrap();
        let view = BlockView::new(&index, &layout);
        for entry in 0..view.len() {
            let mut fields = lsm_core::base::codec::Decoder::new(view.value(entry));
            blocks.push((Handle::decode(&mut fields).unwrap(), BlockKind::Data));
        }
        blocks.push((partition.filter, BlockKind::Filter));
        blocks.push((partition.index, BlockKind::Index));
    }
    let Footer { top, properties, parts, tombstones, .. } = opened.footer;
    blocks.push((tombstones, BlockKind::Tombstones));
    blocks.push((parts, BlockKind::Parts));
    blocks.push((properties, BlockKind::Properties));
    blocks.push((top, BlockKind::Top));
    blocks.retain(|(handle, _)| !handle.is_none());
    blocks.sort_by_key(|(handle, _)| handle.offset);
    blocks
}

/// The blocks of one kind of a whole table, unpacked.
#[must_use]
pub fn unpacked(table: &[u8], kind: BlockKind) -> Vec<Vec<u8>> {
    let opened = opened(table);
    let ours = blocks(table).into_iter().filter(|(_, its)| *its == kind);
    ours.map(|(handle, kind)| opened.source.read(handle, kind).unwrap()).collect()
}

/// One block in its file.
pub const SEALED_BLOCK: Target = Target {
    name: "sealed-block",
    about: "a block in its file: packed, and with a check",
    run: sealed_block,
    seeds: |specimen| {
        let mut seeds: Vec<Vec<u8>> =
            specimen.ending(".sst").into_iter().flat_map(pieces).collect();
        seeds.sort_by_key(|seed| (seed[0], seed[1], seed.len()));
        seeds.dedup_by_key(|seed| (seed[0], seed[1]));
        seeds
    },
    // A word of zstd stands for a block of 128 KiB.
    memory: Memory { always: 64 << 10, each: 80_000 },
};

/// Each block as a piece of input: codec, kind, flags and length, then what is stored.
fn pieces(table: &[u8]) -> Vec<Vec<u8>> {
    let piece = |(handle, _): (Handle, BlockKind)| {
        let from = handle.offset as usize;
        let (payload, trailer) = table[from..].split_at(handle.len as usize);
        [&trailer[..8], payload].concat()
    };
    blocks(table).into_iter().map(piece).collect()
}

fn sealed_block(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let words: [u8; 8] = input.u64().to_le_bytes();
    let payload = input.rest();
    let kind = KINDS[usize::from(words[1]) % KINDS.len()];
    let handle = Handle { offset: 128, len: payload.len() as u32 };
    let sought = Sought { path: Path::new("f"), file_id: FILE_ID, handle, kind };
    let trailer = forge::trailer(FILE_ID, words, handle.offset, payload);
    let block = [payload, &trailer].concat();
    let elsewhere = Sought { file_id: FILE_ID + 1, ..sought };
    assert!(elsewhere.verify(&block).is_err(), "a block verifies in another file");
    let Ok(packed) = sought.verify(&block) else { return };
    let mut out = Vec::new();
    let done = sought.unpack(packed, &mut out);
    let draft = sought.unpack_draft(packed);
    assert_eq!(done.is_ok(), draft.is_ok());
    if let (Ok(()), Ok(draft)) = (done, draft) {
        assert_eq!(out.len(), packed.unpacked_len());
        assert!(out == *draft, "a block is unpacked in two ways");
    }
}

/// A table made of blocks.
pub const TABLE: Target = Target {
    name: "table",
    about: "a whole table, made of blocks whose checks are good",
    run: table,
    seeds: |specimen| {
        let mut tables = specimen.ending(".sst");
        tables.sort_by_key(|table| table.len());
        let seed = |table: &[u8]| {
            let pieces = pieces(table);
            in_pieces(pieces.iter().map(Vec::as_slice))
        };
        tables.into_iter().map(seed).take(4).collect()
    },
    memory: Memory { always: 8 << 20, each: 80_000 },
};

/// A table of pieces as `pieces` makes them, one behind the other.
fn assembled(input: Input<'_>) -> Vec<u8> {
    let mut bytes = forge::header(FileKind::Table, 1).encode().to_vec();
    let mut handles = [Handle::NONE; 4];
    for piece in input.pieces().take(256) {
        let mut piece = Input::new(piece);
        let words = piece.u64().to_le_bytes();
        let payload = piece.rest();
        let handle = Handle { offset: bytes.len() as u64, len: payload.len() as u32 };
        let place =
            [BlockKind::Top, BlockKind::Properties, BlockKind::Parts, BlockKind::Tombstones]
                .iter()
                .position(|kind| *kind as u8 == words[1]);
        if let Some(place) = place.and_then(|place| handles.get_mut(place)) {
            *place = handle;
        }
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&forge::trailer(FILE_ID, words, handle.offset, payload));
    }
    let len = (bytes.len() + FOOTER_LEN) as u64;
    bytes.extend_from_slice(&forge::footer(FILE_ID, len, handles));
    debug_assert!(bytes.len() >= HEADER_LEN + FOOTER_LEN && TRAILER_LEN == 16);
    bytes
}

fn table(bytes: &[u8]) {
    let bytes = assembled(Input::new(bytes));
    let expect = Expect { file_id: FILE_ID, bytes: bytes.len() as u64 };
    let cache = Cache::new(Budget::new(4 << 20), 1 << 20);
    let Ok(table) = Table::open(place::file("000001.sst", &bytes), expect, cache) else { return };
    let verified = table.verify();
    let _any = (table.parts(), table.tombstones(), table.crc());
    let forward = walk(&table, true);
    let mut backward = walk(&table, false);
    if verified.is_err() {
        return;
    }
    let forward = forward.expect("a verified table is not read");
    backward.as_mut().expect("a verified table is not read backward").reverse();
    assert!(Some(&forward) == backward.as_ref().ok(), "a table is another one backward");
    assert_eq!(forward.len() as u64, table.properties().entries);
    for (key, trailer, value) in &forward {
        let found = table.get(key, hash64(key), *trailer, Use::Point);
        let found = found.expect("a verified table is not searched").expect("no entry is found");
        assert_eq!((found.trailer, &*found.value), (*trailer, value.as_slice()));
    }
}

type Entry = (Vec<u8>, u64, Vec<u8>);

/// All entries one way, until something is wrong.
fn walk(table: &Arc<Table>, is_forward: bool) -> lsm_core::Result<Vec<Entry>> {
    let mut cursor = table.cursor(Use::Scan);
    if is_forward {
        cursor.seek_first()?
    } else {
        cursor.seek_last()?
    }
    let mut entries = Vec::new();
    while cursor.is_valid() {
        entries.push((cursor.key().to_vec(), cursor.trailer(), cursor.value().to_vec()));
        assert!(entries.len() < 1 << 20, "there is no end of entries");
        if is_forward { cursor.next()? } else { cursor.prev()? }
    }
    Ok(entries)
}
