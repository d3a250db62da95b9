//! Varints, names, orders, options as text and filters.

use std::ffi::OsStr;

use lsm_core::base::checksum::hash64;
use lsm_core::base::codec::{Decoder, put_prefixed, put_varint};
use lsm_core::filter::{FilterBuilder, is_well_formed, may_contain};
use lsm_core::key::order::{Order, Orders};
use lsm_core::record::names::{self, FileName};
use lsm_core::{KeyspaceOptions, Options};

use crate::input::{Input, in_pieces};
use crate::specimen::Specimen;
use crate::target::{DECODER, Target};

/// Varints and what stands behind its length.
pub const VARINTS: Target = Target {
    name: "varints",
    about: "varints, and bytes behind their length",
    run: varints,
    seeds: |_| {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX];
        let mut bytes = Vec::new();
        numbers.into_iter().for_each(|number| put_varint(&mut bytes, number));
        put_prefixed(&mut bytes, b"some bytes");
        vec![bytes, vec![0xff; 11], vec![0x80, 0]]
    },
    memory: DECODER,
};

fn varints(bytes: &[u8]) {
    let (mut decoder, mut again) = (Decoder::new(bytes), Vec::new());
    while let Some(number) = decoder.varint() {
        put_varint(&mut again, number);
    }
    assert!(bytes.starts_with(&again), "a number has two forms");
    let (mut decoder, mut again) = (Decoder::new(bytes), Vec::new());
    while let Some(part) = decoder.prefixed() {
        put_prefixed(&mut again, part);
    }
    assert!(bytes.starts_with(&again), "bytes behind a length have two forms");
}

/// Names of files.
pub const NAMES: Target = Target {
    name: "names",
    about: "names of files",
    run: read_name,
    seeds: |specimen| {
        let names = specimen.killed.keys().map(|name| name.clone().into_bytes());
        names.chain(["281474976710654.sst", "0000001.wal"].map(|it| it.into())).collect()
    },
    memory: DECODER,
};

fn read_name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(name) = FileName::parse(OsStr::new(text)) else { return };
    let again = match name {
        FileName::Log(number) => names::log(number),
        FileName::Manifest(number) => names::manifest(number),
        FileName::Table(number) => names::table(number),
        FileName::Blob(number) => names::blob(number),
        _ => return,
    };
    assert_eq!(again, text, "a file has two names");
    assert!(name.number().is_some_and(|number| number <= names::NUMBER_MAX));
}

/// Keys in the forms in which they are stored.
pub const ORDER: Target = Target {
    name: "order",
    about: "keys in the forms that orders store them in",
    run: order,
    seeds: |_| {
        let pairs: [[&[u8]; 2]; 4] = [
            [b"key 1", b"key 2"],
            [b"", b"\xff"],
            [b"a\0\xff", b"a\0\0"],
            [b"\0\0\xff", b"\xff\0"],
        ];
        pairs.into_iter().map(in_pieces).collect()
    },
    memory: DECODER,
};

fn last_first(key: &[u8], out: &mut Vec<u8>) -> lsm_core::Result<()> {
    out.extend(key.iter().rev().take(8));
    Ok(())
}

fn order(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (a, b) = (input.piece(), input.piece());
    let mut orders = Orders::default();
    orders.add("own", Box::new(last_first));
    for order in [Order::Bytewise, Order::Reverse, orders.get("own"), orders.get("missing")] {
        // What is stored may be anything.
        let _any = (order.shown(a), order.shown(b));
        let (Ok(stored_a), Ok(stored_b)) = (order.stored(a), order.stored(b)) else { continue };
        assert_eq!((&*order.shown(&stored_a), &*order.shown(&stored_b)), (a, b));
        let sorted = match &order {
            Order::Reverse => b.cmp(a),
            Order::Sorted(_) => {
                let (mut ends_a, mut ends_b) = (Vec::new(), Vec::new());
                last_first(a, &mut ends_a).and_then(|()| last_first(b, &mut ends_b)).unwrap();
                (ends_a, a).cmp(&(ends_b, b))
            }
            _ => a.cmp(b),
        };
        assert_eq!(stored_a.cmp(&stored_b), sorted, "{order:?}");
        if let Ok(prefix) = order.stored_prefix(a) {
            assert_eq!(stored_b.starts_with(&prefix), b.starts_with(a), "{order:?}");
        }
    }
}

/// Options of a database as text.
pub const OPTIONS: Target = Target {
    name: "options",
    about: "options of a database as text",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(options) = Options::parse(text) else { return };
        assert_eq!(Options::parse(&options.to_string()).unwrap(), options);
    },
    seeds: |_| {
        let extreme = "memory_limit=18446744073709551615; open_files_max=0;; read_only = true ";
        vec![Options::new().to_string().into_bytes(), extreme.into()]
    },
    memory: DECODER,
};

/// Options of a keyspace as text.
pub const KEYSPACE_OPTIONS: Target = Target {
    name: "keyspace-options",
    about: "options of a keyspace as text",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(options) = KeyspaceOptions::parse(text) else { return };
        assert_eq!(KeyspaceOptions::parse(&options.to_string()).unwrap(), options);
    },
    seeds: |_| {
        let all = "strategy=fifo:1:2; compression=zstd:3; ttl_ms=5; quota_bytes=7; \
                   write_once=true; comparator=user:own; blob_threshold=64";
        let others = "strategy=tiered:4; merge_operator=append; compaction_filter=mine";
        let usual = KeyspaceOptions::new().to_string();
        [usual.as_str(), all, others].map(|text| text.as_bytes().to_vec()).to_vec()
    },
    memory: DECODER,
};

/// The bit filter.
pub const FILTER: Target = Target {
    name: "filter",
    about: "bit filters, made of keys and made of anything",
    run: filter,
    seeds: |_| {
        let keys = ["a", "key 1", "key 2", ""].map(str::as_bytes);
        let mut made = Vec::new();
        let mut builder = FilterBuilder::new(10);
        keys.iter().for_each(|key| builder.add(hash64(key)));
        builder.finish(&mut made);
        vec![[&[10], &in_pieces(keys)[..]].concat(), made]
    },
    memory: DECODER,
};

fn filter(bytes: &[u8]) {
    let _any = (is_well_formed(bytes), may_contain(bytes, hash64(bytes)));
    let mut input = Input::new(bytes);
    let mut builder = FilterBuilder::new(u32::from(input.u8()));
    let keys: Vec<u64> = input.pieces().map(hash64).collect();
    keys.iter().for_each(|key| builder.add(*key));
    let (expected, mut made) = (builder.encoded_len(), Vec::new());
    builder.finish(&mut made);
    assert_eq!(made.len(), expected);
    assert!(is_well_formed(&made));
    assert!(keys.iter().all(|key| may_contain(&made, *key)), "a filter forgets a key");
}

/// So many pieces of a file as inputs, for decoders of a few bytes.
#[must_use]
pub fn heads(specimen: &Specimen, len: usize) -> Vec<Vec<u8>> {
    let all = specimen.closed.values().chain(specimen.killed.values());
    let mut heads: Vec<Vec<u8>> = all.map(|file| file[..len.min(file.len())].to_vec()).collect();
    heads.sort_unstable();
    heads.dedup();
    heads
}
