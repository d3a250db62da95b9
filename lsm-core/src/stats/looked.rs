//! What one lookup looked at, counted on the way.

/// How much of the trees a lookup met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Tables whose span held the key.
    pub tables: u32,
    /// Tables among them whose filter said no.
    pub filtered: u32,
    /// Blocks of entries, whether or not they were resident. Filters and indexes are not counted.
    pub blocks: u32,
}
