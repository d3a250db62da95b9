//! Versions against the catalog: what edits make of one is what they make of the other, and what
//! leaves is garbage when nobody reads it any more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::env::schedule::Signal;
use crate::env::sim::rng::Rng;
use crate::key::keyspace::KeyspaceId;
use crate::version::catalog::Catalog;
use crate::version::current::Version;
use crate::version::edit::Edit;
use crate::version::edit::tests::{slice, table};
use crate::version::garbage::Garbage;
use crate::version::tree::SliceMeta;

fn empty() -> (Catalog, Version, Arc<Garbage>) {
    let mut catalog = Catalog::new([1; 16], 2);
    for id in 1..4 {
        let name = format!("k{id}");
        catalog.apply(&Edit::KeyspaceCreated { id: KeyspaceId::new(id), name }).unwrap();
    }
    let garbage = Garbage::new(Signal::new());
    let version = Version::from_catalog(&catalog, garbage.clone(), None).unwrap();
    (catalog, version, garbage)
}

/// Everything that a version says, as text, files in no particular state.
fn told(version: &Version) -> String {
    let mut text = String::new();
    for (keyspace, tree) in &version.trees {
        for run in &tree.runs {
            text += &format!("{keyspace:?} level {} run {}:", run.level, run.number);
            for slice in &run.slices {
                text += &format!(" {:?} of {:?};", slice.meta, slice.file.meta);
            }
            text.push('\n');
        }
    }
    let files: Vec<u64> = version.files().map(|file| file.meta.number).collect();
    text + &format!("{files:?} edit {}", version.edit)
}

fn random_edit(rng: &mut Rng, catalog: &Catalog, number: u64) -> Edit {
    // One of the slices that there are, or one that is not there.
    let slices = catalog.tables.values().flat_map(|entry| {
        entry.slices.iter().map(|slice| (entry.meta.number, slice.keyspace.get()))
    });
    let slices: Vec<_> = slices.chain([(number + 1000, rng.below(5) as u32)]).collect();
    let (table_number, keyspace) = slices[rng.below(slices.len() as u64) as usize];
    match rng.below(20) {
        0 => Edit::KeyspaceDropped(KeyspaceId::new(rng.below(5) as u32)),
        1..=6 => Edit::SliceMoved {
            table: table_number,
            keyspace: KeyspaceId::new(keyspace),
            level: rng.below(7) as u8,
            run: rng.below(3),
        },
        7..=12 => Edit::SliceRemoved { table: table_number, keyspace: KeyspaceId::new(keyspace) },
        _ => {
            let slices = (0..=rng.below(3)).map(|_| random_slice(rng)).collect();
            let number = if rng.chance(1, 10) { table_number } else { number };
            Edit::TableAdded { meta: table(number), slices }
        }
    }
}

fn random_slice(rng: &mut Rng) -> SliceMeta {
    let from = rng.below(60) as u8;
    let to = from + rng.below(5) as u8;
    let (keyspace, level, run) = (rng.below(5) as u32, rng.below(3) as u8, rng.below(3));
    slice(keyspace, level, run, &[from], &[to])
}

#[test]
fn edits_make_of_a_version_what_they_make_of_the_catalog() {
    let mut taken = 0;
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let (mut catalog, mut version, garbage) = empty();
        let mut old_files = BTreeSet::new();
        for number in 1..80 {
            let edit = random_edit(&mut rng, &catalog, number);
            let mut next = catalog.clone();
            if next.apply(&edit).is_err() {
                continue;
            }
            taken += 1;
            next.edit += 1;
            let before = told(&version);
            let after = version.apply(std::slice::from_ref(&edit), next.edit).unwrap();
            assert_eq!(told(&version), before, "seed {seed}: the old version changed");
            after.check().unwrap();
            let read_back = Version::from_catalog(&next, garbage.clone(), None).unwrap();
            assert_eq!(told(&after), told(&read_back), "seed {seed}: {edit:?}");
            let mut again = Catalog::default();
            next.snapshot().iter().for_each(|edit| again.apply(edit).unwrap());
            again.edit = next.edit;
            assert_eq!(sorted(&again), sorted(&next), "seed {seed}: the snapshot is another one");
            old_files.extend(version.files().map(|file| file.meta.number));
            version.retire(&after);
            (catalog, version) = (next, after);
        }
        let kept: BTreeSet<u64> = version.files().map(|file| file.meta.number).collect();
        let gone: BTreeSet<u64> = garbage.take().into_iter().collect();
        assert_eq!(gone, &old_files - &kept, "seed {seed}");
        drop(version);
        assert!(garbage.is_empty(), "seed {seed}: files that are listed became garbage");
    }
    assert!(taken > 500, "only {taken} edits were possible");
}

/// The catalog, with the slices of each table in one order.
fn sorted(catalog: &Catalog) -> Catalog {
    let mut catalog = catalog.clone();
    for entry in catalog.tables.values_mut() {
        Arc::make_mut(entry).slices.sort_by_key(|slice| slice.keyspace);
    }
    catalog
}

#[test]
fn what_an_edit_leaves_alone_is_shared() {
    let (_, version, _) = empty();
    let two = vec![slice(0, 0, 1, b"a", b"b"), slice(1, 0, 1, b"a", b"b")];
    let version = version.apply(&[Edit::TableAdded { meta: table(1), slices: two }], 1).unwrap();
    let one = vec![slice(1, 0, 2, b"a", b"b")];
    let next = version.apply(&[Edit::TableAdded { meta: table(2), slices: one }], 2).unwrap();
    let (zero, first) = (KeyspaceId::DEFAULT, KeyspaceId::new(1));
    assert!(Arc::ptr_eq(version.tree(zero).unwrap(), next.tree(zero).unwrap()));
    let (old, new) = (version.tree(first).unwrap(), next.tree(first).unwrap());
    assert_eq!((old.runs.len(), new.runs.len()), (1, 2));
    assert!(Arc::ptr_eq(&old.runs[0].slices[0], &new.runs[1].slices[0]));
    assert!(Arc::ptr_eq(version.file(1).unwrap(), next.file(1).unwrap()));
    assert!(next.tree(KeyspaceId::new(2)).is_none() && next.file(9).is_none());
}

#[test]
fn a_file_is_garbage_when_the_last_version_with_it_goes() {
    let (_, version, garbage) = empty();
    let slices = vec![slice(0, 0, 1, b"a", b"b"), slice(1, 0, 1, b"a", b"b")];
    let with = version.apply(&[Edit::TableAdded { meta: table(1), slices }], 1).unwrap();
    let remove = |keyspace| Edit::SliceRemoved { table: 1, keyspace: KeyspaceId::new(keyspace) };
    let half = with.apply(&[remove(0)], 2).unwrap();
    with.retire(&half);
    // Tried, and never installed.
    drop(half.apply(&[remove(1)], 3).unwrap());
    let without = half.apply(&[remove(1)], 3).unwrap();
    half.retire(&without);
    drop(half);
    assert!(garbage.is_empty(), "a reader of the first version still has it");
    drop(with);
    assert_eq!(garbage.take(), [1]);
    drop(without);
    assert!(garbage.is_empty());
}
