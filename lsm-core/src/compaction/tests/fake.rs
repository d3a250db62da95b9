//! Trees for tests: slices from numbers.

use std::sync::Arc;

use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::tree::{Run, Slice, SliceMeta, TableFile, TableMeta, Tree};

/// The full key of a number.
pub(crate) fn key(number: u32) -> Vec<u8> {
    FullKey::new(KeyspaceId::DEFAULT, &number.to_be_bytes()).bytes().to_vec()
}

/// The number of a full key.
pub(crate) fn number_of(key: &[u8]) -> u32 {
    u32::from_be_bytes(*key.last_chunk().unwrap())
}

/// A table's data as far as it matters here.
pub(crate) fn meta(number: u64, bytes: u64) -> TableMeta {
    TableMeta {
        number,
        file_id: number,
        bytes,
        crc: 0,
        entries: bytes / 100,
        deletes: 0,
        range_deletes: 0,
        seqno_min: SeqNo::ZERO,
        seqno_max: SeqNo::ZERO,
        created_millis: 0,
        expiry_min_millis: 0,
        expiry_max_millis: 0,
        merge_min_millis: 0,
        merge_ends: 0,
        blobs: Vec::new(),
    }
}

/// The whole of a file as a slice.
pub(crate) fn slice(
    meta: TableMeta,
    place: (u8, u64),
    keys: (Vec<u8>, Vec<u8>),
    is_largest_excluded: bool,
) -> Arc<Slice> {
    let (level, run) = place;
    let slice = SliceMeta {
        keyspace: KeyspaceId::DEFAULT,
        level,
        run,
        smallest: keys.0,
        largest: keys.1,
        is_largest_excluded,
        bytes: meta.bytes,
        entries: meta.entries,
        deletes: meta.deletes,
    };
    Arc::new(Slice { meta: slice, file: TableFile::new(meta) })
}

/// A slice of 1000 bytes with these keys.
pub(crate) fn simple(number: u64, place: (u8, u64), keys: (u32, u32)) -> Arc<Slice> {
    slice(meta(number, 1000), place, (key(keys.0), key(keys.1)), false)
}

/// The same data at another place.
pub(crate) fn moved(slice: &Slice, level: u8, run: u64) -> Arc<Slice> {
    let meta = SliceMeta { level, run, ..slice.meta.clone() };
    Arc::new(Slice { meta, file: Arc::clone(&slice.file) })
}

/// The tree of these slices.
pub(crate) fn tree(slices: impl IntoIterator<Item = Arc<Slice>>) -> Tree {
    let mut slices: Vec<_> = slices.into_iter().collect();
    slices.sort_by(|a, b| {
        let by_place = (a.meta.level, u64::MAX - a.meta.run);
        by_place
            .cmp(&(b.meta.level, u64::MAX - b.meta.run))
            .then_with(|| a.meta.smallest.cmp(&b.meta.smallest))
    });
    let mut tree = Tree::default();
    for slice in slices {
        let place = (slice.meta.level, slice.meta.run);
        if tree.runs.last().is_none_or(|run: &Run| (run.level, run.number) != place) {
            tree.runs.push(Run { level: place.0, number: place.1, slices: Vec::new() });
        }
        tree.runs.last_mut().unwrap().slices.push(slice);
    }
    tree
}
