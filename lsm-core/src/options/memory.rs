//! What is kept in memory before it is flushed.

/// The structure that holds what was written last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemtableKind {
    /// A B+tree of key heads: the fastest at everything measured so far.
    #[default]
    Tree,
    /// A skip list: the alternative, and the yardstick.
    SkipList,
}
