//! Slices against vectors, and what they keep alive.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use super::{INLINE_MAX, Slice};

/// Different bytes of any length.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

const LENGTHS: [usize; 14] = [0, 1, 7, 22, 29, 30, 31, 32, 33, 63, 64, 65, 1000, 1 << 20];

#[test]
fn a_slice_can_be_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    anywhere::<Slice>();
}

#[test]
fn bytes_come_out_as_they_went_in() {
    for len in LENGTHS {
        let bytes = pattern(len);
        let all = [
            Slice::copy_from(&bytes),
            Slice::from(bytes.clone()),
            Slice::from(bytes.as_slice()),
            Slice::from(bytes.clone().into_boxed_slice()),
            Slice::pinned(Arc::new(bytes.clone()), |bytes| bytes),
        ];
        for slice in &all {
            assert_eq!(slice.len(), len);
            assert_eq!(*slice, bytes);
            let clone = slice.clone();
            assert_eq!(clone.detach(), *slice);
            assert_eq!(Vec::from(clone), bytes);
        }
        assert!(!all[0].is_pinning());
        assert_eq!(all[4].is_pinning(), len > INLINE_MAX);
        assert!(!all[4].detach().is_pinning());
    }
    assert_eq!(Slice::from("text"), "text");
    assert_eq!(Slice::from(String::from("text")), *b"text");
    assert_eq!(Slice::from(b"text"), b"text");
    assert_eq!(Slice::default(), Slice::new());
}

#[test]
fn parts_are_as_those_of_a_vector() {
    for len in LENGTHS.into_iter().filter(|len| *len <= 1000) {
        let bytes = pattern(len);
        let slice = Slice::copy_from(&bytes);
        let edges = [0, 1, 29, 30, 31, len / 2, len.saturating_sub(1), len, len + 1, usize::MAX];
        for start in edges {
            for end in edges {
                let (from, to) = (start.min(end).min(len), end.min(len));
                assert_eq!(slice.slice(start..end), bytes[from..to], "{len}: {start}..{end}");
                let last = end.saturating_add(1).min(len);
                assert_eq!(slice.slice(start..=end), bytes[start.min(last)..last]);
            }
            assert_eq!(slice.slice(start..), bytes[start.min(len)..]);
            assert_eq!(slice.slice(..start), bytes[..start.min(len)]);
            let after = (Bound::Excluded(start), Bound::Unbounded);
            assert_eq!(slice.slice(after), bytes[start.saturating_add(1).min(len)..]);
        }
        assert_eq!(slice.slice(..), slice);
        // A part of a part, which outlives both.
        let part = slice.slice(len / 4..).slice(len / 4..);
        drop(slice);
        assert_eq!(part, bytes[len / 4..][(len / 4).min(len - len / 4)..]);
    }
}

#[test]
fn clones_and_long_parts_share_and_short_ones_do_not() {
    let owner = Arc::new(pattern(100));
    let slice = Slice::pinned(Arc::clone(&owner), |bytes| &bytes[10..90]);
    assert_eq!(Arc::strong_count(&owner), 2);
    assert!(std::ptr::eq(slice.as_ptr(), &raw const owner[10]));
    let clone = slice.clone();
    let long = slice.slice(5..5 + INLINE_MAX + 1);
    assert_eq!(Arc::strong_count(&owner), 4);
    assert!(std::ptr::eq(long.as_ptr(), &raw const owner[15]));
    let short = slice.slice(5..5 + INLINE_MAX);
    let detached = slice.detach();
    assert_eq!(Arc::strong_count(&owner), 4);
    assert_eq!(*detached, owner[10..90]);
    assert_eq!(*short, owner[15..15 + INLINE_MAX]);
    drop((slice, clone));
    assert_eq!(Arc::strong_count(&owner), 2);
    drop(long);
    assert_eq!(Arc::strong_count(&owner), 1);
    // Few bytes give their owner back at once.
    let few = Slice::pinned(Arc::clone(&owner), |bytes| &bytes[..INLINE_MAX]);
    assert_eq!(Arc::strong_count(&owner), 1);
    assert_eq!(*few, owner[..INLINE_MAX]);
}

#[test]
fn a_part_found_before_can_be_pinned() {
    let owner: Arc<[Vec<u8>; 2]> = Arc::new([pattern(50), pattern(60)]);
    let found = &raw const owner[1][3..55];
    // SAFETY: the vectors in the Arc are not changed while it is held.
    let slice = unsafe { Slice::pinned_raw(Arc::clone(&owner), found) };
    drop(owner);
    assert_eq!(*slice, pattern(60)[3..55]);
}

#[test]
fn a_panic_while_selecting_gives_the_owner_back() {
    let owner = Arc::new(pattern(100));
    let pin = || Slice::pinned(Arc::clone(&owner), |bytes| &bytes[200..]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(pin)).is_err());
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn many_threads_share_the_bytes() {
    for slice in [Slice::copy_from(&pattern(500)), Slice::from(pattern(500))] {
        std::thread::scope(|scope| {
            for from in 0..4 {
                let mine = slice.clone();
                scope.spawn(move || {
                    for at in 0..2000 {
                        let part = mine.slice(from + at % 400..);
                        let copy = part.clone();
                        drop(part);
                        assert_eq!(*copy, pattern(500)[from + at % 400..]);
                    }
                });
            }
        });
    }
}

#[test]
fn slices_compare_and_hash_as_their_bytes() {
    fn hash(value: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }
    let all: Vec<Vec<u8>> = [0, 1, 30, 31, 100].map(pattern).into_iter().collect();
    for one in &all {
        assert_eq!(hash(Slice::copy_from(one)), hash(one.as_slice()));
        for other in &all {
            let slices = (Slice::copy_from(one), Slice::copy_from(other));
            assert_eq!(slices.0 == slices.1, one == other);
            assert_eq!(slices.0.cmp(&slices.1), one.cmp(other));
            assert_eq!(slices.0.partial_cmp(other), one.partial_cmp(other));
            assert_eq!(slices.0 == *other, one == other);
            assert_eq!(*one == slices.1, one == other);
        }
    }
    let map: BTreeMap<Slice, usize> = all.iter().map(|b| (Slice::copy_from(b), b.len())).collect();
    assert!(all.iter().all(|bytes| map.get(bytes.as_slice()) == Some(&bytes.len())));
}

#[test]
fn debug_output_is_escaped() {
    assert_eq!(format!("{:?}", Slice::copy_from(b"a\"\0\xff\n")), r#"b"a\"\x00\xff\n""#);
}
