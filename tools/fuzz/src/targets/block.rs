//! Blocks, and what stands in those of a table besides its entries.

use std::path::Path;

use lsm_core::base::checksum::hash64;
use lsm_core::cursor::tombstone::Fragments;
use lsm_core::key::seqno::SeqNo;
use lsm_core::table::block::builder::BlockBuilder;
use lsm_core::table::block::point::look_up;
use lsm_core::table::block::view::{BlockView, Layout};
use lsm_core::table::footer::Footer;
use lsm_core::table::handle::BlockKind;
use lsm_core::table::properties::{Properties, decode_parts, encode_parts};
use lsm_core::table::top::Top;

use crate::forge;
use crate::input::Input;
use crate::specimen::Specimen;
use crate::target::{DECODER, Target};
use crate::targets::table::unpacked;

/// Of each kind of block the smallest few.
fn seeds(specimen: &Specimen, kind: BlockKind, count: usize) -> Vec<Vec<u8>> {
    let tables = specimen.ending(".sst").into_iter();
    let mut images: Vec<Vec<u8>> = tables.flat_map(|table| unpacked(table, kind)).collect();
    images.sort_by_key(Vec::len);
    images.dedup();
    let step = (images.len() / count).max(1);
    images.into_iter().step_by(step).take(count).collect()
}

/// Blocks of entries.
pub const BLOCK: Target = Target {
    name: "block",
    about: "blocks of entries",
    run: block,
    seeds: |specimen| {
        let data = seeds(specimen, BlockKind::Data, 6);
        data.into_iter().chain(seeds(specimen, BlockKind::Index, 2)).collect()
    },
    memory: DECODER,
};

fn block(image: &[u8]) {
    // What lookups do in a block that was parsed once must stay within it, whatever is there.
    if let Some(layout) = Layout::of_parsed(image) {
        let view = BlockView::new(image, &layout);
        for index in (0..view.len().min(64)).chain([view.len() - 1, view.len(), usize::MAX]) {
            let (key, trailer) = (key_of(&view, index), view.trailer(index));
            let _any = (view.head(index), view.wide_suffix::<16>(index), view.value(index));
            let tag = (hash64(&key) >> 56) as u8;
            assert!(view.lower_bound(&key, trailer) <= view.len());
            let _any = (view.find(&key, tag, trailer), view.foresee(tag));
            let _any = look_up(image, &key, tag, u64::MAX);
        }
    }
    let Some(layout) = Layout::parse(image) else { return };
    let view = BlockView::new(image, &layout);
    let mut builder = BlockBuilder::new();
    let is_in_order = view.check_order();
    for index in 0..view.len() {
        let (key, trailer) = (key_of(&view, index), view.trailer(index));
        assert!(key.ends_with(view.suffix(index)) && key.starts_with(view.prefix()));
        if is_in_order {
            assert_eq!(view.lower_bound(&key, trailer), index, "an entry is not where it is");
            let tag = (hash64(&key) >> 56) as u8;
            assert_eq!(view.find(&key, tag, trailer), Some(index), "an entry is not found");
            assert!(builder.add(&key, trailer, view.value(index)), "an entry does not fit");
        }
    }
    if is_in_order {
        let mut again = Vec::new();
        builder.finish(&mut again).unwrap();
        let layout = Layout::parse(&again).expect("a block that is built is refused");
        let other = BlockView::new(&again, &layout);
        assert!(other.check_order());
        assert_eq!(other.len(), view.len());
        for index in 0..view.len() {
            assert_eq!(key_of(&view, index), key_of(&other, index));
            assert_eq!(view.trailer(index), other.trailer(index));
            assert_eq!(view.value(index), other.value(index));
        }
    }
}

fn key_of(view: &BlockView<'_>, index: usize) -> Vec<u8> {
    let mut key = Vec::new();
    view.key_into(index, &mut key);
    key
}

/// The top index of a table.
pub const TOP: Target = Target {
    name: "top",
    about: "the top index of a table",
    run: |bytes| {
        let mut input = Input::new(bytes);
        let limit = u64::from(input.u32());
        let Some(top) = Top::parse(input.rest().to_vec(), limit) else { return };
        let view = top.view().unwrap();
        assert_eq!((view.len(), top.is_empty()), (top.len(), false));
        for at in 0..top.len() {
            let partition = top.get(at).unwrap();
            assert!(partition.start < partition.data_end() && partition.index.end() <= limit);
            assert_eq!(partition.encode(), view.value(at), "a partition has two forms");
            assert!(top.find(&key_of(&view, at), view.trailer(at)) <= top.len());
        }
    },
    seeds: |specimen| {
        let tables = specimen.ending(".sst").into_iter();
        let seed = |table: &[u8]| {
            let image = unpacked(table, BlockKind::Top).pop()?;
            let end = crate::targets::table::body_end(table) as u32;
            Some([&end.to_le_bytes()[..], &image].concat())
        };
        tables.filter_map(seed).take(3).collect()
    },
    memory: DECODER,
};

/// The footer of a table.
pub const FOOTER: Target = Target {
    name: "footer",
    about: "the footer of a table, as it is and with its check made good",
    run: |bytes| {
        let mut made_good = bytes.to_vec();
        forge::seal(&mut made_good);
        for bytes in [bytes, &made_good] {
            // It says how long its file is, so it is looked for where it would be right.
            let says = bytes.get(40..).and_then(<[u8]>::first_chunk);
            let says = says.map_or(0, |len| u64::from_le_bytes(*len));
            let at = says.saturating_sub(128);
            let Ok(footer) = Footer::decode(bytes, at, Path::new("f")) else { continue };
            let again = Footer::decode(&footer.encode(), at, Path::new("f")).unwrap();
            assert_eq!(again, footer);
        }
    },
    seeds: |specimen| {
        let tables = specimen.ending(".sst").into_iter();
        tables.map(|table| table[table.len() - 128..].to_vec()).take(3).collect()
    },
    memory: DECODER,
};

/// The properties of a table.
pub const PROPERTIES: Target = Target {
    name: "properties",
    about: "what a table says of itself",
    run: |bytes| {
        let Some(read) = Properties::decode(bytes) else { return };
        let mut written = Vec::new();
        read.encode(&mut written);
        let mut again = Properties::decode(&written).expect("properties are refused");
        // Without operands nothing is said of them.
        if read.merges == 0 {
            (again.merge_min_millis, again.merge_ends) = (read.merge_min_millis, read.merge_ends);
        }
        assert_eq!(again, read);
    },
    seeds: |specimen| seeds(specimen, BlockKind::Properties, 3),
    memory: DECODER,
};

/// The parts of a table.
pub const PARTS: Target = Target {
    name: "parts",
    about: "what each keyspace has in a table",
    run: |bytes| {
        let Some(parts) = decode_parts(bytes) else { return };
        let mut again = Vec::new();
        encode_parts(&parts, &mut again);
        assert!(again == bytes, "parts are not written as they were read");
    },
    seeds: |specimen| seeds(specimen, BlockKind::Parts, 3),
    memory: DECODER,
};

/// The range tombstones of a table.
pub const TOMBSTONES: Target = Target {
    name: "tombstones",
    about: "range tombstones",
    run: tombstones,
    seeds: |specimen| {
        let all = seeds(specimen, BlockKind::Tombstones, 3).into_iter();
        all.chain([b"\x03\x02\x05\0\0\0\0a\x05\0\0\0\0b\x05\0\0\0\0c\0\x02\x07\0\x01\x05".to_vec()])
            .collect()
    },
    memory: DECODER,
};

fn tombstones(bytes: &[u8]) {
    let Some(read) = Fragments::decode(bytes) else { return };
    let mut again = Vec::new();
    read.encode(&mut again);
    assert!(again == bytes, "tombstones are not written as they were read");
    let all: Vec<_> = read.iter().collect();
    for tombstone in all.iter().take(32) {
        for key in [&tombstone.start, &tombstone.end] {
            let over = all.iter().filter(|it| it.start <= *key && *key < it.end);
            let newest = over.map(|it| it.seqno).max().unwrap_or(SeqNo::ZERO);
            assert_eq!(read.covering(key, SeqNo::MAX), newest, "another one covers a key");
        }
    }
}
