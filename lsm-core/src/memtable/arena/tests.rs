//! The arena: small at first, aligned, and full without harm.

#![allow(unsafe_code)]

use std::sync::Weak;

use crate::base::error::ErrorKind;
use crate::env::os::memory::{LARGE_PAGE, LARGE_REGION};
use crate::memtable::arena::{Arena, Entry};

#[test]
fn entries_of_every_size_stay_where_they_were_put() {
    let (arena, mut bump) = Arena::new(&Weak::new());
    let mut places = Vec::new();
    for round in 0..200_usize {
        let (key, value) = (vec![round as u8; round * 13 % 700], vec![!round as u8; round * 991]);
        let entry = Entry { key: &key, trailer: round as u64, value: &value };
        // SAFETY: the bump came with the arena.
        let place = unsafe { arena.put(&mut bump, round % 4 * 8, entry).unwrap() };
        places.push((place, key, value));
        // SAFETY: as above.
        let node = unsafe { arena.take(&mut bump, 100, 64).unwrap() };
        assert_eq!(arena.address(node) as usize % 64, 0);
        // SAFETY: these bytes were just handed out.
        unsafe { arena.address(node).write_bytes(0xaa, 100) };
    }
    for (at, (place, key, value)) in places.iter().enumerate() {
        // SAFETY: `put` answered the place.
        let entry = unsafe { arena.entry(*place) };
        assert_eq!((entry.key, entry.trailer), (key.as_slice(), at as u64));
        assert!(entry.value == value);
    }
}

#[test]
fn the_first_chunk_is_one_page() {
    let (arena, mut bump) = Arena::new(&Weak::new());
    let mut places = Vec::new();
    while arena.used() < 4096 {
        // SAFETY: the bump came with the arena.
        places.push(unsafe { arena.take(&mut bump, 64, 8).unwrap() });
    }
    let (first, last) = (arena.address(places[0]) as usize, arena.address(places[63]) as usize);
    assert_eq!(last - first, 4096 - 64);
}

#[test]
fn an_arena_that_is_full_refuses_and_holds_what_it_has() {
    let (arena, mut bump) = Arena::new(&Weak::new());
    let entry = Entry { key: b"key", trailer: 9, value: b"value" };
    // SAFETY: the bump came with the arena.
    let place = unsafe { arena.put(&mut bump, 0, entry).unwrap() };
    // Nobody touches this memory, so it is only addresses.
    let error = loop {
        // SAFETY: as above.
        if let Err(error) = unsafe { arena.take(&mut bump, 1 << 30, 8) } {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    // SAFETY: as above.
    let error = unsafe { arena.take(&mut bump, 1 << 40, 8).unwrap_err() };
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    // SAFETY: `put` answered the place.
    assert_eq!(unsafe { arena.entry(place) }, entry);
}

#[test]
fn memory_is_taken_up_ahead_of_the_writer_and_no_further() {
    let (arena, mut bump) = Arena::new(&Weak::new());
    assert!(!arena.page_in(usize::MAX), "nobody has begun to write");
    // SAFETY: the bump came with the arena.
    let place = unsafe { arena.take(&mut bump, LARGE_REGION, 64).unwrap() };
    // SAFETY: as above; one chunk is full, and the next one begins with this.
    let next = unsafe { arena.take(&mut bump, 64, 64).unwrap() };
    // SAFETY: these bytes were just handed out.
    unsafe { arena.address(next).write_bytes(7, 64) };
    assert!(!arena.page_in(0));
    assert!(arena.page_in(64) && !arena.page_in(64), "the page that is begun is there");
    assert!(arena.page_in(LARGE_PAGE) && !arena.page_in(LARGE_PAGE));
    // Into the chunk that the writer has not come to.
    let mut pages = 2;
    while arena.page_in(3 * LARGE_REGION) {
        pages += 1;
    }
    assert_eq!(pages, 3 * LARGE_REGION / LARGE_PAGE + 1);
    // The writer finds that chunk.
    let behind = loop {
        // SAFETY: as above.
        let behind = unsafe { arena.take(&mut bump, LARGE_PAGE, 64).unwrap() };
        if behind >= 4 * (place - place % 2) {
            break behind;
        }
    };
    // SAFETY: as above.
    assert!(unsafe { arena.address(behind).read() } == 0);
    // SAFETY: as above.
    assert!(unsafe { arena.address(next).read() } == 7, "what was written stays");
}

#[test]
fn a_small_memtable_is_taken_up_no_further_than_it_has_come() {
    let (arena, mut bump) = Arena::new(&Weak::new());
    // SAFETY: the bump came with the arena.
    unsafe { arena.take(&mut bump, 300 << 10, 64).unwrap() };
    assert!(!arena.page_in(0));
    let pieces = std::iter::from_fn(|| arena.page_in(usize::MAX).then_some(())).count();
    // From the piece in which 300 KiB end to the one in which 600 do.
    assert_eq!(pieces, 6);
}
