//! What is chosen for a memtable.

use crate::options::memory::MemtableKind;

/// What is chosen for a memtable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemtableOptions {
    /// How the entries are kept in order.
    pub kind: MemtableKind,
    /// How many bytes it is going to hold. Nothing is refused beyond that: the filter in front is
    /// sized by it, and whoever writes looks at `Memtable::bytes` to know when to begin a new one.
    pub bytes: usize,
}

impl Default for MemtableOptions {
    fn default() -> Self {
        Self { kind: MemtableKind::default(), bytes: 64 << 20 }
    }
}
