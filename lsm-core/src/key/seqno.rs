//! Sequence numbers: one counter for the whole database, one number for every entry written.

/// A moment in the commit order. Fifty-six bits; the upper eight are always zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNo(u64);

impl SeqNo {
    /// Before every write: what an entry gets once nobody can tell when it was written.
    pub const ZERO: Self = Self(0);
    /// The last number there is.
    pub const MAX: Self = Self((1 << 56) - 1);

    /// The number as a sequence number; `None` past the last one.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number `count` later; `None` when the numbers have run out.
    #[must_use]
    pub const fn after(self, count: u64) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) => Self::new(number),
            None => None,
        }
    }
}
