//! The moment that a reader keeps to.

use crate::key::seqno::SeqNo;

/// What a reader sees: writes up to a number, and of those what has not expired by a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf {
    /// The last write.
    pub seqno: SeqNo,
    /// The time, in milliseconds since 1970.
    pub millis: u64,
    /// What a compaction filter had changed: see `View::sifted`. Of use beside a view only.
    pub sifted: u64,
}
