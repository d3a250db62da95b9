//! Runs and trees against a plain list of slices that is searched from end to end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::ops::Bound;
use std::sync::Arc;

use crate::env::schedule::Signal;
use crate::env::sim::rng::Rng;
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::version::edit::tests::{slice, table};
use crate::version::garbage::Garbage;
use crate::version::tree::{LEVELS, Run, Slice, SliceMeta, TableFile, Tree};

fn placed(meta: SliceMeta, number: u64) -> Arc<Slice> {
    Arc::new(Slice { meta, file: TableFile::new(table(number)) })
}

fn key(byte: u8) -> Vec<u8> {
    FullKey::new(KeyspaceId::new(1), &[byte]).bytes().to_vec()
}

/// The keys that a slice says it can hold, of those with one byte.
fn keys_of(meta: &SliceMeta) -> impl Iterator<Item = u8> {
    let within = |key: &[u8]| {
        meta.smallest.as_slice() <= key
            && match meta.is_largest_excluded {
                true => key < meta.largest.as_slice(),
                false => key <= meta.largest.as_slice(),
            }
    };
    (0..=255).filter(|&byte| within(&key(byte))).collect::<Vec<_>>().into_iter()
}

/// A slice of random bounds.
fn random_slice(rng: &mut Rng) -> SliceMeta {
    let (a, b) = (rng.below(64) as u8, rng.below(64) as u8);
    let (level, run) = (rng.below(2) as u8, rng.below(3));
    let is_largest_excluded = a != b && rng.chance(1, 3);
    let meta = slice(1, level, run, &[a.min(b)], &[a.max(b)]);
    SliceMeta { is_largest_excluded, bytes: rng.below(100), ..meta }
}

fn random_bound(rng: &mut Rng, key: &[u8]) -> Bound<Vec<u8>> {
    match rng.below(5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(key.to_vec()),
        _ => Bound::Excluded(key.to_vec()),
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

#[test]
fn a_tree_does_what_a_plain_list_does() {
    for seed in 0..100 {
        let mut rng = Rng::new(seed);
        let (mut tree, mut list) = (Tree::default(), Vec::<Arc<Slice>>::new());
        for number in 1..60 {
            if !list.is_empty() && rng.chance(1, 3) {
                let gone = list.swap_remove(rng.below(list.len() as u64) as usize);
                assert!(tree.remove(&gone.meta, gone.file.meta.number), "seed {seed}");
                assert!(!tree.remove(&gone.meta, gone.file.meta.number), "seed {seed}");
            }
            let meta = random_slice(&mut rng);
            let shares = |other: &Arc<Slice>| {
                let is_same_run = (other.meta.level, other.meta.run) == (meta.level, meta.run);
                is_same_run && keys_of(&other.meta).any(|byte| meta.spans(&key(byte)))
            };
            let has_room = !list.iter().any(shares);
            let new = placed(meta.clone(), number);
            assert_eq!(tree.insert(new.clone()).is_ok(), has_room, "seed {seed}: {meta:?}");
            list.extend(has_room.then_some(new));
            tree.check(KeyspaceId::new(1)).unwrap();
        }
        compare(&mut rng, &tree, &list, seed);
    }
}

fn compare(rng: &mut Rng, tree: &Tree, list: &[Arc<Slice>], seed: u64) {
    let numbers = |slices: &[Arc<Slice>]| {
        slices.iter().map(|slice| slice.file.meta.number).collect::<Vec<_>>()
    };
    assert_eq!(tree.slices().count(), list.len(), "seed {seed}");
    for level in 0..LEVELS as u8 {
        let of_level = list.iter().filter(|slice| slice.meta.level == level);
        let bytes: u64 = of_level.map(|slice| slice.meta.bytes).sum();
        assert_eq!(tree.bytes_per_level()[usize::from(level)], bytes, "seed {seed}");
        assert!(tree.level(level).iter().all(|run| run.level == level));
    }
    for run in &tree.runs {
        let mut of_run: Vec<_> = list.to_vec();
        of_run.retain(|slice| (slice.meta.level, slice.meta.run) == (run.level, run.number));
        of_run.sort_by(|a, b| a.meta.smallest.cmp(&b.meta.smallest));
        for byte in 0..66 {
            let found = run.slice_for(&key(byte)).map(|slice| slice.file.meta.number);
            let holds = |slice: &&Arc<Slice>| keys_of(&slice.meta).any(|own| own == byte);
            let expected = of_run.iter().find(holds).map(|slice| slice.file.meta.number);
            assert_eq!(found, expected, "seed {seed}: key {byte}");
        }
        for _ in 0..20 {
            let (from, to) = (rng.below(66) as u8, rng.below(66) as u8);
            let start = random_bound(rng, &key(from));
            let end = random_bound(rng, &key(to));
            let (start, end) = (as_slice(&start), as_slice(&end));
            // Bounds compare as keys do, so a slice between two neighbours counts as overlapping.
            let may_hold = |slice: &Arc<Slice>| touches(&slice.meta, start, end);
            let expected: Vec<_> = of_run.iter().filter(|it| may_hold(it)).cloned().collect();
            let found = run.overlapping(start, end);
            assert_eq!(numbers(found), numbers(&expected), "seed {seed}: {start:?} {end:?}");
        }
    }
}

/// True unless the slice lies wholly before the start or behind the end.
fn touches(meta: &SliceMeta, start: Bound<&[u8]>, end: Bound<&[u8]>) -> bool {
    let is_past = match start {
        Bound::Unbounded => false,
        Bound::Included(key) if meta.is_largest_excluded => meta.largest.as_slice() <= key,
        Bound::Included(key) => meta.largest.as_slice() < key,
        Bound::Excluded(key) => meta.largest.as_slice() <= key,
    };
    let is_behind = match end {
        Bound::Unbounded => false,
        Bound::Included(key) => meta.smallest.as_slice() > key,
        Bound::Excluded(key) => meta.smallest.as_slice() >= key,
    };
    !is_past && !is_behind
}

#[test]
fn an_empty_range_meets_at_most_what_surrounds_it() {
    let mut tree = Tree::default();
    for (number, from) in [(1, 10), (2, 20), (3, 30)] {
        tree.insert(placed(slice(1, 1, 0, &[from], &[from + 5]), number)).unwrap();
    }
    let run = &tree.runs[0];
    assert!(run.overlapping(Bound::Included(&key(40)), Bound::Excluded(&key(5))).is_empty());
    assert!(run.overlapping(Bound::Included(&key(16)), Bound::Excluded(&key(20))).is_empty());
    assert_eq!(run.overlapping(Bound::Unbounded, Bound::Unbounded).len(), 3);
    assert!(run.slice_for(&key(17)).is_none());
    assert!(run.slice_for(b"").is_none());
    assert!(Run::default().slice_for(&key(1)).is_none());
}

#[test]
fn impossible_slices_are_refused() {
    let good = slice(1, 6, u64::MAX, b"a", b"b");
    assert_eq!(good.check(), Ok(()));
    let end = FullKey::end_of(KeyspaceId::new(1)).bytes().to_vec();
    let up_to_end = SliceMeta { largest: end.clone(), is_largest_excluded: true, ..good.clone() };
    assert_eq!(up_to_end.check(), Ok(()));
    let bad = [
        slice(1, LEVELS as u8, 0, b"a", b"b"),
        slice(1, 0, 0, b"b", b"a"),
        SliceMeta { is_largest_excluded: true, ..slice(1, 0, 0, b"a", b"a") },
        SliceMeta { largest: end, ..good.clone() },
        SliceMeta { smallest: vec![0, 0, 0], ..good.clone() },
        SliceMeta { smallest: vec![0; 4], ..good.clone() },
        SliceMeta { keyspace: KeyspaceId::new(2), ..good.clone() },
        SliceMeta { largest: Vec::new(), ..good.clone() },
        SliceMeta { largest: [0, 0, 0, 2, 0].to_vec(), is_largest_excluded: true, ..good },
    ];
    for meta in bad {
        assert!(meta.check().is_err(), "{meta:?}");
    }
}

#[test]
fn a_tree_that_is_not_in_order_is_found() {
    let one = || placed(slice(1, 0, 1, b"a", b"b"), 1);
    let run = |level, number, slices| Run { level, number, slices };
    let wrong = [
        vec![run(0, 1, vec![])],
        vec![run(0, 2, vec![one()])],
        vec![run(0, 1, vec![one(), one()])],
        vec![run(0, 1, vec![one()]), run(0, 1, vec![one()])],
        vec![run(1, 1, vec![one()]), run(0, 1, vec![one()])],
    ];
    for runs in wrong {
        assert!(Tree { runs: runs.clone() }.check(KeyspaceId::new(1)).is_err(), "{runs:?}");
    }
    let tree = Tree { runs: vec![run(0, 1, vec![one()])] };
    tree.check(KeyspaceId::new(1)).unwrap();
    assert!(tree.check(KeyspaceId::new(2)).is_err());
}

#[test]
fn only_an_obsolete_file_becomes_garbage_and_only_when_it_is_dropped() {
    let wake = Signal::new();
    let garbage = Garbage::new(wake.clone());
    drop(TableFile::listed(table(1), garbage.clone(), None));
    assert!(garbage.is_empty(), "the database still lists it");
    let file = TableFile::listed(table(2), garbage.clone(), None);
    let reader = file.clone();
    file.note_obsolete();
    drop(file);
    assert!(garbage.is_empty(), "somebody still reads it");
    let before = wake.epoch();
    drop(reader);
    assert!(wake.epoch() > before);
    assert_eq!(garbage.take(), [2]);
    assert!(garbage.take().is_empty());
    assert!(garbage.is_empty() && !garbage.is_swept(), "its file may still be there");
    garbage.end_sweep();
    assert!(garbage.is_swept());
    let own = TableFile::new(table(3));
    own.note_obsolete();
}
