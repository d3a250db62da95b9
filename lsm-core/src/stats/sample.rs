//! Which operations are timed: each thread's first of a kind, then about one in 64.
//!
//! The gaps differ, so that a program that does something else every so many operations does not
//! hide it from the sample or fill the sample with it.

use std::cell::Cell;

/// How many kinds can be told apart.
pub const KINDS: usize = 3;
/// One in so many, on average.
pub const ONE_IN: u32 = 64;

std::thread_local! {
    static LEFT: [Cell<u32>; KINDS] = const { [const { Cell::new(1) }; KINDS] };
    static DRAWN: Cell<u32> = const { Cell::new(0x9e37_79b9) };
}

/// True if this operation is to be timed.
#[inline]
#[must_use]
pub fn is_due(kind: usize) -> bool {
    LEFT.with(|left| {
        let Some(left) = left.get(kind) else { return true };
        match left.get() {
            0 | 1 => {
                left.set(gap());
                true
            }
            more => {
                left.set(more - 1);
                false
            }
        }
    })
}

/// From half of the average to one and a half of it.
#[cold]
fn gap() -> u32 {
    let drawn = DRAWN.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    DRAWN.set(drawn);
    ONE_IN / 2 + (drawn >> 16) % ONE_IN
}
