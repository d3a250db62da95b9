//! Bytes that a thread keeps from one call for the next.
//!
//! A thread that ends may still make calls, from the destructors of what it had: what it kept may
//! be gone by then, and such a call gets new bytes.

use std::cell::Cell;

/// What is longer is not kept.
const KEPT_MAX: usize = 64 << 10;

std::thread_local! {
    static KEPT: [Cell<Vec<u8>>; 3] = const { [const { Cell::new(Vec::new()) }; 3] };
}

/// What they are for: one call may need all.
#[derive(Clone, Copy, Debug)]
pub enum Scratch {
    /// A record that is written.
    Record,
    /// A block as it stands in its file.
    Block,
    /// A batch whose merge operands are stamped.
    Stamped,
}

impl Scratch {
    /// What this thread kept, with anything in it.
    #[inline]
    #[must_use]
    pub fn take(self) -> Vec<u8> {
        let take = |kept: &[Cell<Vec<u8>>; 3]| kept.get(self as usize).map(Cell::take);
        KEPT.try_with(take).ok().flatten().unwrap_or_default()
    }

    /// Keeps bytes, unless they are many.
    #[inline]
    pub fn keep(self, bytes: Vec<u8>) {
        if bytes.capacity() <= KEPT_MAX {
            let keep = |kept: &[Cell<Vec<u8>>; 3]| kept.get(self as usize).map(|at| at.set(bytes));
            let _gone = KEPT.try_with(keep);
        }
    }
}
