//! The seam: the first record of every segment, which says what it continues.
//!
//! ```text
//!  0  number   u64  the segment before; 0 if the chain begins here
//!  8  end      u64  where that one ended
//! 16  check    u64  the check of its last record
//! 24  durable  u64  how much of it was known durable by then
//! 32  edit     u64  the last manifest edit that was durable by then
//! 40  clock    u64  the largest wall clock seen, in milliseconds
//! ```
//!
//! Whatever stands in the predecessor behind `end` was never acknowledged and is not read.

use crate::base::codec::{Decoder, HeaderWriter};

/// Bytes of a seam.
pub const SEAM_LEN: usize = 48;

/// How a segment continues its predecessor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seam {
    /// The segment before; 0 if the chain begins here.
    pub number: u64,
    /// Where that one ended.
    pub end: u64,
    /// The check of its last record.
    pub check: u64,
    /// How much of it was known durable by then.
    pub durable: u64,
    /// The last manifest edit that was durable by then.
    pub edit: u64,
    /// The largest wall clock seen, in milliseconds.
    pub clock_millis: u64,
}

impl Seam {
    /// The payload of the record.
    #[must_use]
    pub fn encode(&self) -> [u8; SEAM_LEN] {
        HeaderWriter::<SEAM_LEN>::new()
            .u64(self.number)
            .u64(self.end)
            .u64(self.check)
            .u64(self.durable)
            .u64(self.edit)
            .u64(self.clock_millis)
            .finish()
    }

    /// The seam that a payload holds.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Decoder::new(payload);
        let seam = Self {
            number: fields.u64()?,
            end: fields.u64()?,
            check: fields.u64()?,
            durable: fields.u64()?,
            edit: fields.u64()?,
            clock_millis: fields.u64()?,
        };
        fields.is_empty().then_some(seam)
    }
}
