//! Batches that refer to large values: one whose values are not there may be where the log ends.

use crate::base::error::Result;
use crate::wal::chain::{Replayed, Walk};

/// Whether what a batch refers to is there.
pub type IsSound<'a> = dyn FnMut(&Replayed<'_>) -> Result<bool> + 'a;

/// Who is told of batches.
pub(super) struct Told<'a, 'b> {
    pub(super) is_sound: &'a mut IsSound<'b>,
    pub(super) replay: &'a mut dyn FnMut(Replayed<'_>) -> Result<()>,
}

/// What a record means for the way on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Next,
    /// The log ends behind it.
    Seal,
    /// The log ends before it.
    Torn,
}

impl Walk<'_> {
    /// True if somebody knew the record here to be durable, and with it what it refers to; or if
    /// the machine has not rebooted since, for what a process has published it has written.
    pub(super) fn is_vouched(&mut self, at: usize, offset: u64) -> Result<bool> {
        let Some(segment) = self.segments.get(at) else { return Ok(false) };
        if segment.listed.sealed.is_some() || segment.ran_in(self.witness.boot_id) {
            return Ok(true);
        }
        if self.vouched.is_none() {
            let vouched = self.vouched_position(at)?;
            self.vouched = Some(if vouched.undecided { (u64::MAX, 0) } else { vouched.durable });
        }
        Ok(self.vouched.is_some_and(|durable| durable > (segment.listed.number, offset)))
    }
}
