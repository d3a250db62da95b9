//! Operands as they are stored: in front of the user's bytes stands when the operand was written,
//! and when the value that it makes expires.
//!
//! ```text
//! operand = written u64, milliseconds | end u64 | the user's bytes
//! ```
//!
//! The end is a moment in milliseconds, 0 for that of the value that the operand is applied to, or
//! all ones for never. A value that had expired when the operand was written was not there for it:
//! so what a chain of operands comes to is settled when they are written, and does not depend on
//! when they are folded.

use crate::base::error::{Error, ErrorKind, Result};

/// Bytes in front of the user's.
pub const STAMP_LEN: usize = 16;

/// The end of an operand that leaves the value the one that it has.
pub const KEEPS: u64 = 0;
/// The end of an operand that lets the value stay for ever.
pub const NEVER: u64 = u64::MAX;

/// When an operand was written, and the end that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In milliseconds since 1970; 0 until it is about to be written.
    pub millis: u64,
    /// When what it makes expires.
    pub end: u64,
}

impl Stamp {
    /// As it is stored.
    #[must_use]
    pub fn bytes(self) -> [u8; STAMP_LEN] {
        let mut bytes = [0; STAMP_LEN];
        let (millis, end) = bytes.split_at_mut(8);
        millis.copy_from_slice(&self.millis.to_le_bytes());
        end.copy_from_slice(&self.end.to_le_bytes());
        bytes
    }

    /// The end of a value that had the end `before`, or was not there; 0 for never.
    #[must_use]
    pub fn end_after(self, before: Option<u64>) -> u64 {
        match self.end {
            KEEPS => before.unwrap_or(0),
            NEVER => 0,
            moment => moment,
        }
    }

    /// True if a value with this end, 0 for none, is not there any more for the operand.
    #[must_use]
    pub fn is_past(self, end: u64) -> bool {
        end != 0 && end <= self.millis
    }
}

/// The parts of a stored operand.
pub fn split(stored: &[u8]) -> Result<(Stamp, &[u8])> {
    let parts = stored.split_first_chunk::<8>().and_then(|(millis, rest)| {
        let (end, operand) = rest.split_first_chunk::<8>()?;
        let (millis, end) = (u64::from_le_bytes(*millis), u64::from_le_bytes(*end));
        Some((Stamp { millis, end }, operand))
    });
    parts.ok_or_else(|| {
        let message = "a merge operand is too short to say when it was written";
        Error::new(ErrorKind::Corruption, message)
    })
}
