//! What a thread keeps, and what it takes again.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "threads of the real world")]

use super::{ALIGN, Memory, SPARE_MAX, SPARES, STEP};

/// Where a memory is that was taken, with a byte written to its end, and given back.
fn round_trip(bytes: usize) -> usize {
    let memory = Memory::take(bytes).unwrap();
    let (start, size) = memory.into_raw();
    assert!(size >= bytes && size % STEP == 0 && start.as_ptr().addr() % ALIGN == 0);
    // SAFETY: the byte is in the memory, which is ours.
    unsafe { start.as_ptr().add(size - 1).write(1) };
    // SAFETY: as `into_raw` answered it.
    unsafe { Memory::from_raw(start, size) }.give();
    start.as_ptr().addr()
}

/// In a thread that has kept nothing yet.
fn in_a_new_thread(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(act).join().unwrap());
}

#[test]
fn what_was_given_back_is_taken_again_where_it_fits() {
    in_a_new_thread(|| {
        let place = round_trip(4000);
        for bytes in [4000, 3970, 4096] {
            assert_eq!(round_trip(bytes), place);
        }
        let held = Memory::take(4000).unwrap();
        assert_ne!(round_trip(4000), place, "it is in use");
        held.give();
    });
}

#[test]
fn only_the_last_few_are_kept_and_nothing_large() {
    in_a_new_thread(|| {
        let all: Vec<Memory> = (0..10).map(|_| Memory::take(1000).unwrap()).collect();
        all.into_iter().for_each(Memory::give);
        Memory::take(SPARE_MAX + 1).unwrap().give();
        super::KEPT.with_borrow(|kept| {
            let sizes: Vec<usize> = kept.iter().flatten().map(|kept| kept.size).collect();
            assert_eq!(sizes, [1024; SPARES]);
        });
    });
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_something() {
    for bytes in [usize::MAX, isize::MAX as usize] {
        assert!(Memory::take(bytes).is_none());
    }
    assert_eq!(Memory::take(0).unwrap().size, STEP);
}
