//! What a keyspace must hold.

use std::ops::Bound;

use crate::specimen::Pairs;

/// The bounds of a range.
pub(super) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// A keyspace as the model has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) pairs: Pairs,
    pub(super) is_reverse: bool,
    pub(super) merges: bool,
}

impl Model {
    /// The pairs of a range, in the order of their bytes.
    pub(super) fn within<'m>(
        &'m self,
        range: &'m Bounds,
    ) -> impl Iterator<Item = (&'m Vec<u8>, &'m Vec<u8>)> {
        let is_behind = |bound: &Bound<Vec<u8>>, key: &Vec<u8>| match bound {
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
            Bound::Unbounded => true,
        };
        let is_before = |bound: &Bound<Vec<u8>>, key: &Vec<u8>| match bound {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        let is_within = move |key: &Vec<u8>| match self.is_reverse {
            true => is_before(&range.0, key) && is_behind(&range.1, key),
            false => is_behind(&range.0, key) && is_before(&range.1, key),
        };
        self.pairs.iter().filter(move |(key, _)| is_within(key))
    }
}
