//! Views against a plain sorted list, and against damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::checksum::hash64;
use crate::key::full::head_of;
use crate::table::block::buffer::KeyBuffer;
use crate::table::block::builder::BlockBuilder;
use crate::table::block::shape::{HEADER_LEN, WIDE_KEYS, WIDE_VALUES};
use crate::table::block::view::{BlockView, Layout};

type Entry = (Vec<u8>, u64, Vec<u8>);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

fn tag_of(key: &[u8]) -> u8 {
    (hash64(key) >> 56) as u8
}

fn image_of(entries: &[Entry]) -> Vec<u8> {
    let mut builder = BlockBuilder::new();
    for (key, trailer, value) in entries {
        assert!(builder.add(key, *trailer, value));
    }
    assert_eq!(builder.len(), entries.len());
    assert_eq!(builder.first_key(), entries[0].0);
    assert_eq!(builder.last_key(), entries[entries.len() - 1].0);
    let estimate = builder.estimate();
    // What stands before the image does not matter to it.
    let mut out = vec![0xaa; 13];
    builder.finish(&mut out).unwrap();
    assert!(builder.is_empty());
    let image = out.split_off(13);
    assert_eq!(image.len(), estimate);
    image
}

/// Entries of a random character: key lengths, alphabets, versions, kinds, values.
fn random_entries(random: &mut Random, count: usize) -> Vec<Entry> {
    let letters = [1, 2, 3, 26, 256][random.below(5)];
    let len_max = [0, 1, 4, 7, 8, 9, 20, 40, 300][random.below(9)];
    let is_fixed = random.one_in(2);
    let prefix: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8).collect();
    let (version_max, seqno_bits) = ([1, 2, 50][random.below(3)], random.below(57));
    let kinds: &[u64] = [&[1][..], &[0], &[0, 3], &[0, 1, 2, 6], &[5]][random.below(5)];
    let value_max = [0, 1, 20, 500][random.below(4)];
    let mut entries: Vec<Entry> = Vec::new();
    while entries.len() < count {
        let len = if is_fixed { len_max } else { random.below(len_max + 1) };
        let mut key = prefix.clone();
        key.extend((0..len).map(|_| random.below(letters) as u8));
        for _ in 0..=random.below(version_max) {
            let seqno = random.next() & ((1 << seqno_bits) - 1);
            let len = if is_fixed { value_max } else { random.below(value_max + 1) };
            let value = (0..len).map(|_| random.next() as u8).collect();
            entries.push((key.clone(), seqno << 8 | kinds[random.below(kinds.len())], value));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    entries.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
    entries.truncate(count);
    entries
}

fn check_entries(view: &BlockView<'_>, entries: &[Entry], note: &str) {
    assert_eq!(view.len(), entries.len(), "{note}");
    assert!(view.check_order(), "{note}");
    let is_delete = |entry: &Entry| matches!(entry.1 & 0xff, 0 | 3);
    assert_eq!(view.is_all_deletes(), entries.iter().all(is_delete), "{note}");
    assert_eq!(view.has_versions(), entries.windows(2).any(|two| two[0].0 == two[1].0), "{note}");
    let mut buffer = KeyBuffer::new();
    buffer.enter(view);
    let mut key = vec![1, 2, 3];
    for (index, entry) in entries.iter().enumerate() {
        view.key_into(index, &mut key);
        buffer.load(view, index);
        assert_eq!(key, entry.0, "{note}, entry {index}");
        assert_eq!(buffer.bytes(), entry.0, "{note}, entry {index}");
        assert_eq!(view.prefix().len() + view.suffix(index).len(), entry.0.len());
        assert_eq!(view.head(index), head_of(&entry.0), "{note}, entry {index}");
        assert_eq!(view.trailer(index), entry.1, "{note}, entry {index}");
        assert_eq!(view.value(index), entry.2, "{note}, entry {index}");
    }
    assert_eq!((view.suffix(entries.len()), view.value(entries.len())), (&[][..], &[][..]));
    assert_eq!((view.suffix(usize::MAX), view.value(usize::MAX)), (&[][..], &[][..]));
}

/// What a reader of a plain list answers, entry by entry.
fn check_search(view: &BlockView<'_>, entries: &[Entry], key: &[u8], trailer: u64, note: &str) {
    let is_before = |entry: &Entry| {
        entry.0.as_slice() < key || (entry.0.as_slice() == key && entry.1 > trailer)
    };
    let bound = entries.iter().take_while(|entry| is_before(entry)).count();
    assert_eq!(view.lower_bound(key, trailer), bound, "{note}, {key:?} {trailer:x}");
    let found = entries.iter().position(|entry| entry.0 == key && entry.1 <= trailer);
    assert_eq!(view.find(key, tag_of(key), trailer), found, "{note}, {key:?} {trailer:x}");
    let wrong = tag_of(key) ^ 1;
    assert_eq!(view.find(key, wrong, trailer), None, "{note}, {key:?} with another's tag");
}

fn check_searches(view: &BlockView<'_>, entries: &[Entry], random: &mut Random, note: &str) {
    // All pairs of a large block would take too long; all of a small one do not.
    let step = entries.len() / 40 + 1;
    for entry in entries.iter().skip(random.below(step)).step_by(step) {
        let (key, trailer) = (&entry.0, entry.1);
        let near = [trailer.saturating_sub(1), trailer, trailer.saturating_add(1), 0, u64::MAX];
        for trailer in near {
            check_search(view, entries, key, trailer, note);
        }
        // Just behind the key, just before it, a part of it, and something near.
        let mut near = vec![[key, &[0][..]].concat(), [key, &[0xff][..]].concat()];
        near.extend((0..key.len()).rev().take(12).map(|len| key[..len].to_vec()));
        for at in (0..key.len()).rev().take(12) {
            for change in [1, 0xff, 0x80] {
                let mut other = key.clone();
                other[at] = other[at].wrapping_add(change);
                near.push(other);
            }
        }
        for key in near {
            check_search(view, entries, &key, random.next(), note);
            check_search(view, entries, &key, u64::MAX, note);
        }
    }
    for key in [&[][..], &[0], &[0xff; 400]] {
        check_search(view, entries, key, u64::MAX, note);
        check_search(view, entries, key, 0, note);
    }
}

fn check(entries: &[Entry], random: &mut Random, note: &str) {
    let image = image_of(entries);
    let layout = Layout::parse(&image).unwrap_or_else(|| panic!("{note}: refused"));
    assert_eq!(Layout::of_parsed(&image), Some(layout));
    let view = BlockView::new(&image, &layout);
    check_entries(&view, entries, note);
    check_searches(&view, entries, random, note);
}

#[test]
fn random_blocks_answer_as_a_sorted_list_does() {
    for seed in 0..600 {
        let mut random = Random(seed);
        let count = if random.one_in(4) { 1 + random.below(600) } else { 1 + random.below(70) };
        let entries = random_entries(&mut random, count);
        check(&entries, &mut random, &format!("seed {seed}"));
    }
}

#[test]
fn thousands_of_versions_of_one_key_are_told_apart() {
    let mut entries: Vec<Entry> = Vec::new();
    entries.push((b"0000j".to_vec(), 9 << 8 | 1, vec![]));
    entries.extend((1..5000).rev().map(|n| (b"0000k".to_vec(), n << 8 | (n & 1), vec![n as u8])));
    entries.push((b"0000l".to_vec(), 9 << 8 | 1, vec![]));
    check(&entries, &mut Random(1), "versions");
}

#[test]
fn keys_and_values_of_all_extremes_come_back() {
    let long = |last: u8| [vec![7; 65_538], vec![last]].concat();
    let small = |key: &[u8]| (key.to_vec(), 1 << 8 | 1, b"v".to_vec());
    let cases: Vec<(&str, Vec<Entry>)> = vec![
        ("an empty key", vec![(vec![], 0, vec![])]),
        ("a full key of nothing", vec![small(&[0, 0, 0, 9])]),
        (
            "two keyspaces",
            vec![small(&[0, 0, 0, 1, 5]), small(&[0, 0, 1, 0]), small(&[1, 0, 0, 0])],
        ),
        ("zeros at the end", (0..30).map(|len| small(&vec![0; len])).collect()),
        ("the longest keys", (0..20).map(|last| small(&long(last))).collect()),
        ("a short and a long key", vec![small(&[7]), small(&long(1))]),
        ("no common byte", vec![small(&[1; 65_539]), small(&[2; 65_538]), small(&[3; 65_539])]),
        ("a large value", vec![(vec![1; 9], 256, vec![3; 5 << 20])]),
        (
            "a large value among others",
            vec![
                (vec![1; 9], 256, vec![3; 1 << 20]),
                (vec![2; 7], 256, vec![]),
                (vec![3; 9], 256, vec![4; 70_000]),
            ],
        ),
        (
            "all of 56 bits",
            vec![
                (vec![1], u64::MAX, vec![]),
                (vec![1], 1, vec![]),
                (vec![2], u64::MAX >> 8 << 8, vec![]),
            ],
        ),
    ];
    for (note, entries) in cases {
        check(&entries, &mut Random(2), note);
    }
}

#[test]
fn offsets_grow_wide_exactly_when_they_must() {
    for (bytes, is_wide) in [(0xffff, false), (0x1_0000, true)] {
        let value = |len: usize| vec![5; len];
        let entries = [(vec![1], 256, value(bytes - 1)), (vec![2], 256, value(1))];
        let image = image_of(&entries);
        let flags = u16::from_le_bytes([image[4], image[5]]);
        assert_eq!(flags & WIDE_VALUES != 0, is_wide, "{bytes} bytes of values");
        check(&entries, &mut Random(3), "values");
        // The keys differ in their first byte, so that all of them is suffix.
        let entries = [(vec![1; bytes - 3], 256, vec![]), (vec![2; 3], 256, vec![])];
        let image = image_of(&entries);
        let flags = u16::from_le_bytes([image[4], image[5]]);
        assert_eq!(flags & WIDE_KEYS != 0, is_wide, "{bytes} bytes of keys");
        check(&entries, &mut Random(3), "keys");
    }
}

/// Asks a view everything; answers may be wrong, but must come. Returns whether all is in order.
fn ask_all(image: &[u8], layout: &Layout, keys: &[Vec<u8>]) -> bool {
    let view = BlockView::new(image, layout);
    let mut key = Vec::new();
    let mut buffer = KeyBuffer::new();
    buffer.enter(&view);
    let count = view.len().min(1000);
    for index in (0..count).chain([view.len() - 1, view.len(), 1 << 20, usize::MAX]) {
        view.key_into(index, &mut key);
        buffer.load(&view, index);
        assert!(buffer.bytes().len() <= image.len());
        let _any = (view.head(index), view.trailer(index), view.value(index), view.suffix(index));
        let _any = view.wide_suffix::<16>(index);
    }
    for key in keys {
        assert!(view.lower_bound(key, 700) <= view.len());
        assert!(view.find(key, tag_of(key), 700).is_none_or(|index| index < view.len()));
        assert!(view.find(key, tag_of(key), u64::MAX).is_none_or(|index| index < view.len()));
    }
    view.check_order()
}

/// Small blocks that have each column in each width.
fn specimens() -> Vec<Vec<Entry>> {
    let mut random = Random(77);
    let mut specimens: Vec<Vec<Entry>> = (0..60)
        .map(|_| {
            let count = 1 + random.below(30);
            random_entries(&mut random, count)
        })
        .collect();
    specimens.push(vec![(vec![1; 3], 256, vec![9; 66_000]), (vec![1; 4], 256, vec![9; 3])]);
    specimens
}

#[test]
fn no_flipped_byte_and_no_cut_makes_a_view_leave_its_image() {
    for (number, entries) in specimens().iter().enumerate() {
        let image = image_of(entries);
        let keys: Vec<Vec<u8>> = entries.iter().step_by(5).map(|entry| entry.0.clone()).collect();
        let mut damaged = image.clone();
        // Bytes far inside a large value are only bytes.
        let places = (0..image.len()).filter(|at| *at < 2000 || image.len() - at < 50);
        for at in places {
            for change in [1, 0x80, 0xff, image[at].max(1)] {
                damaged[at] ^= change;
                // `of_parsed` looks at the header alone: accessors meet every other damage.
                for layout in [Layout::of_parsed(&damaged), Layout::parse(&damaged)] {
                    layout.map(|layout| ask_all(&damaged, &layout, &keys));
                }
                damaged[at] ^= change;
            }
        }
        for len in (0..image.len()).filter(|len| *len < 2000 || image.len() - len < 50) {
            assert_eq!(Layout::parse(&image[..len]), None, "specimen {number} cut to {len}");
            // A layout of another image is a mistake of the caller's; it is safe all the same.
            ask_all(&image[..len], &Layout::parse(&image).unwrap(), &keys);
        }
        let longer = [&image[..], &[0]].concat();
        assert_eq!(Layout::parse(&longer), None, "specimen {number} with a byte behind it");
    }
}

#[test]
fn random_bytes_behind_a_sound_header_are_safe() {
    let mut random = Random(5);
    for entries in specimens() {
        let image = image_of(&entries);
        let keys: Vec<Vec<u8>> = entries.iter().step_by(5).map(|entry| entry.0.clone()).collect();
        for _ in 0..50 {
            let mut damaged = image.clone();
            damaged[HEADER_LEN..].iter_mut().for_each(|byte| *byte = random.next() as u8);
            let layout = Layout::of_parsed(&damaged).unwrap();
            ask_all(&damaged, &layout, &keys);
        }
    }
}

#[test]
fn headers_that_no_builder_writes_are_refused() {
    let image = image_of(&[(b"abcdef".to_vec(), 256, b"v".to_vec())]);
    let changed = |at: usize, bytes: &[u8]| {
        let mut image = image.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        Layout::parse(&image)
    };
    assert!(changed(0, &image[..4]).is_some());
    assert_eq!(changed(0, &[0; 4]), None, "no entries");
    assert_eq!(changed(0, &[0xff; 4]), None, "too many");
    for bit in 4..32 {
        let flags = u32::from_le_bytes([image[4], image[5], image[6], image[7]]) ^ 1 << bit;
        // One value in a block may be called many versions: `check_order` sees to that.
        let is_for_order = bit == 7;
        assert_eq!(changed(4, &flags.to_le_bytes()).is_some(), is_for_order, "flag {bit}");
    }
    for at in (8..24).step_by(4) {
        assert_eq!(changed(at, &[0xff; 4]), None, "a length at {at}");
    }
    assert_eq!(changed(20, &[1]), None, "a reserved byte");
    assert_eq!(changed(33, &[1]), None, "padding");
}

#[test]
fn order_tags_words_and_versions_are_checked_when_asked_for() {
    let entries: Vec<Entry> = (10u8..40).map(|n| (vec![0, 0, 0, 1, n], 256, vec![n])).collect();
    let image = image_of(&entries);
    let words = HEADER_LEN + 32;
    for (at, note) in [(HEADER_LEN + 3, "a tag"), (words + 8 * 5, "a key"), (words + 9, "a pad")] {
        let mut image = image.clone();
        image[at] ^= 0x40;
        let layout = Layout::parse(&image).unwrap();
        assert!(!BlockView::new(&image, &layout).check_order(), "{note}");
    }
    let mut builder = BlockBuilder::new();
    for key in [b"b", b"a"] {
        assert!(builder.add(key, 256, b""));
    }
    let mut image = Vec::new();
    builder.finish(&mut image).unwrap();
    let layout = Layout::parse(&image).unwrap();
    assert!(!BlockView::new(&image, &layout).check_order(), "keys descend");
}
