//! Readers beside the writer of a tree with four entries in a node, and of a skip list.
//!
//! All of both is real, down to the chunks of memory. Before every access to what is not atomic,
//! the model sees to it that the access is ordered behind the writing of it.

use std::sync::{Arc, Weak};

use crate::base::sync::model::{Bound, Mistake, finds, holds, spawn};
use crate::base::sync::{AtomicUsize, Ordering};
use crate::memtable::arena::Entry;
use crate::memtable::skiplist::{SkipCursor, SkipList};
use crate::memtable::tree::{Tree, TreeCursor};

/// The keys in the order in which they are put, and how many of them are there from the start.
struct Story {
    keys: &'static [&'static [u8]],
    before: usize,
}

/// The full leaf is parted in the middle, then takes one more.
const SPLIT: Story = Story { keys: &[b"k1", b"k3", b"k5", b"k7", b"k4", b"k2"], before: 4 };
/// The same, and no more.
const SPLIT_ONCE: Story = Story { keys: &[b"k1", b"k3", b"k5", b"k7", b"k4"], before: 4 };
/// One comes between two.
const SHIFT_ONCE: Story = Story { keys: &[b"k1", b"k5", b"k3"], before: 2 };
/// Some come between others.
const SHIFT: Story = Story { keys: &[b"k1", b"k5", b"k3", b"k2"], before: 2 };
/// The keys turn out to have less in common than they had.
const SHORTER: Story = Story { keys: &[b"kk1", b"kk3", b"k2", b"z"], before: 2 };
/// The leaf is left full, and the next one begins behind it.
const RUN: Story = Story { keys: &[b"k1", b"k2", b"k3", b"k4", b"k5", b"k6"], before: 4 };
/// One comes behind all others.
const APPEND: Story = Story { keys: &[b"k1", b"k3", b"k5"], before: 2 };
/// Versions of one key.
const VERSIONS: Story = Story { keys: &[b"k", b"k", b"k", b"k", b"k"], before: 3 };

fn trailer(number: usize) -> u64 {
    (number as u64 + 1) << 8 | 1
}

fn entry(key: &'static [u8], number: usize) -> Entry<'static> {
    Entry { key, trailer: trailer(number), value: key }
}

/// What a reader found: keys and the complements of their trailers, in the order of the index.
type Found = Vec<(Vec<u8>, u64)>;

fn note(found: &mut Found, entry: Entry<'_>) {
    assert_eq!(entry.key, entry.value);
    found.push((entry.key.to_vec(), !entry.trailer));
}

/// In order, nothing twice, and nothing left out of what was told of.
fn judge(story: &Story, found: &Found, told: usize) {
    assert!(found.is_sorted_by(|one, next| one < next), "out of order: {found:?}");
    for (number, key) in story.keys.iter().enumerate().take(told) {
        let wanted = (key.to_vec(), !trailer(number));
        assert!(found.contains(&wanted), "{number} of {told} left out: {found:?}");
    }
}

/// What a reader does.
#[derive(Clone, Copy)]
enum Look {
    Get,
    Seek,
    Scan,
    Back,
}

macro_rules! index {
    ($name:ident, $cursor:ident, $make:expr) => {
        fn $name(story: &'static Story, looks: &[Look]) {
            let (index, mut writer) = $make;
            for (number, key) in story.keys.iter().enumerate().take(story.before) {
                writer.insert(entry(key, number)).unwrap();
            }
            let told = Arc::new(AtomicUsize::new(story.before));
            let readers: Vec<_> = looks
                .iter()
                .map(|look| {
                    let (look, index, told) = (*look, Arc::clone(&index), Arc::clone(&told));
                    spawn(move || {
                        let told = told.load(Ordering::Acquire);
                        let mut found = Found::new();
                        let mut cursor = $cursor::new(Arc::clone(&index));
                        match look {
                            Look::Get => {
                                // The one that moves, and the newest one.
                                for number in [2, told - 1].iter().filter(|it| **it < told) {
                                    let key = story.keys[*number];
                                    let got = index.get(key, trailer(*number));
                                    assert_eq!(got, Some(entry(key, *number)));
                                }
                                return;
                            }
                            Look::Seek => {
                                // Nothing before what is sought is ever found, however new.
                                let last = story.keys.iter().max().unwrap();
                                cursor.seek(last, 0);
                                assert!(!cursor.is_valid(), "found {:?}", cursor.entry());
                                let number = told - 1;
                                cursor.seek(story.keys[number], trailer(number));
                                assert_eq!(cursor.entry(), entry(story.keys[number], number));
                                return;
                            }
                            Look::Scan => {
                                cursor.seek(b"", u64::MAX);
                                while cursor.is_valid() {
                                    note(&mut found, cursor.entry());
                                    cursor.next();
                                }
                            }
                            Look::Back => {
                                cursor.seek_last();
                                while cursor.is_valid() {
                                    note(&mut found, cursor.entry());
                                    cursor.prev();
                                }
                                found.reverse();
                            }
                        }
                        judge(story, &found, told);
                    })
                })
                .collect();
            for (number, key) in story.keys.iter().enumerate().skip(story.before) {
                writer.insert(entry(key, number)).unwrap();
                told.store(number + 1, Ordering::Release);
            }
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        }
    };
}

index!(in_tree, TreeCursor, Tree::<4>::new(&Weak::new()).unwrap());
index!(in_list, SkipCursor, SkipList::new(&Weak::new()));

const ONE: Bound = Bound { preemptions: 2, seconds: 5 };
const TWO: Bound = Bound { preemptions: 1, seconds: 5 };

#[test]
fn a_tree_with_one_entry_more() {
    let bound = Bound { preemptions: 2, seconds: 10 };
    holds("tree, shift once, get", bound, || in_tree(&SHIFT_ONCE, &[Look::Get]));
    holds("tree, shift once, scan", bound, || in_tree(&SHIFT_ONCE, &[Look::Scan]));
    holds("tree, split once, get", bound, || in_tree(&SPLIT_ONCE, &[Look::Get]));
    holds("tree, split once, scan", bound, || in_tree(&SPLIT_ONCE, &[Look::Scan]));
}

#[test]
fn a_tree_that_splits() {
    holds("tree, split, get", ONE, || in_tree(&SPLIT, &[Look::Get]));
    holds("tree, split, scan", ONE, || in_tree(&SPLIT, &[Look::Scan]));
    holds("tree, split, back", ONE, || in_tree(&SPLIT, &[Look::Back]));
    holds("tree, split, two readers", TWO, || in_tree(&SPLIT, &[Look::Get, Look::Scan]));
}

#[test]
fn a_tree_that_shifts() {
    holds("tree, shift, get", ONE, || in_tree(&SHIFT, &[Look::Get]));
    holds("tree, shift, scan", ONE, || in_tree(&SHIFT, &[Look::Scan]));
    holds("tree, versions, scan", ONE, || in_tree(&VERSIONS, &[Look::Scan]));
}

#[test]
fn a_tree_whose_keys_grow_apart() {
    holds("tree, shorter, get", ONE, || in_tree(&SHORTER, &[Look::Get]));
    holds("tree, shorter, scan", ONE, || in_tree(&SHORTER, &[Look::Scan]));
    holds("tree, run, scan", ONE, || in_tree(&RUN, &[Look::Scan]));
}

#[test]
fn a_place_in_a_tree_that_grows_at_its_end() {
    holds("tree, run, seek", ONE, || in_tree(&RUN, &[Look::Seek]));
    holds("tree, split, seek", ONE, || in_tree(&SPLIT, &[Look::Seek]));
    holds("tree, append, seek", ONE, || in_tree(&APPEND, &[Look::Seek]));
}

#[test]
fn a_skip_list() {
    holds("list, shift, get", ONE, || in_list(&SHIFT, &[Look::Get]));
    holds("list, shift, scan", ONE, || in_list(&SHIFT, &[Look::Scan]));
    holds("list, shift, back", ONE, || in_list(&SHIFT, &[Look::Back]));
    holds("list, append, seek", ONE, || in_list(&APPEND, &[Look::Seek]));
    holds("list, two readers", TWO, || in_list(&VERSIONS, &[Look::Get, Look::Scan]));
}

const FIND: Bound = Bound { preemptions: 2, seconds: 30 };

#[test]
fn weaker_orderings_of_the_tree_are_found() {
    for mistake in [Mistake::Release, Mistake::Acquire] {
        finds("tree", FIND, Some(mistake), || in_tree(&SHIFT, &[Look::Scan]));
    }
    for mistake in [Mistake::AcquireFences, Mistake::ReleaseFences] {
        finds("tree", FIND, Some(mistake), || in_tree(&SHIFT_ONCE, &[Look::Get]));
    }
}

#[test]
fn weaker_orderings_of_the_list_are_found() {
    for mistake in [Mistake::Release, Mistake::Acquire] {
        finds("list", FIND, Some(mistake), || in_list(&SHIFT, &[Look::Scan]));
    }
}
