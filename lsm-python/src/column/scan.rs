//! From a cursor into columns.

use std::sync::Arc;

use lsm_core::{Cursor, Error};

use crate::column::chunk::{Chunk, Room, Size};
use crate::life::Life;

/// Offsets of 32 bits reach so far behind the row that made a chunk large enough, whatever its key
/// and value are.
const SMALL_BYTES_MAX: usize = i32::MAX as usize - (1 << 30) - (1 << 16);

/// How large a chunk becomes: it ends at this many rows, or with the row by which its bytes become
/// this many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

impl Limits {
    /// What `Range.columns` says, too.
    pub(crate) const USUAL: Self = Self { rows: 1 << 16, bytes: 64 << 20 };

    /// The same for offsets of this size.
    fn within(self, size: Size) -> Self {
        let bytes_max = if size == Size::Small { SMALL_BYTES_MAX } else { usize::MAX };
        Self { rows: self.rows.max(1), bytes: self.bytes.clamp(1, bytes_max) }
    }
}

/// The pairs of a range on their way into columns.
#[derive(Debug)]
pub(crate) struct Scan {
    life: Arc<Life>,
    cursor: Cursor,
    is_reverse: bool,
    /// What the last chunk held: the next one is much like it.
    last: Room,
    /// The error at which it ended. Rows that were read before it are lost, so it must not go on.
    failed: Option<Error>,
}

impl Scan {
    /// Of all that `cursor` passes, from its first entry on, or backward from the last.
    pub(crate) fn new(
        life: &Arc<Life>,
        mut cursor: Cursor,
        is_reverse: bool,
    ) -> Result<Self, Error> {
        if is_reverse {
            cursor.seek_last()?;
        }
        Ok(Self { life: life.clone(), cursor, is_reverse, last: Room::default(), failed: None })
    }

    /// The next chunk; `None` at the end.
    pub(crate) fn chunk(&mut self, size: Size, limits: Limits) -> Result<Option<Chunk>, Error> {
        let mut chunk = Chunk::with_room(size, self.last);
        self.fill(&mut chunk, limits.within(size))?;
        self.last = chunk.room();
        Ok((chunk.rows() > 0).then_some(chunk))
    }

    /// Adds rows up to the limits; true if there may be more.
    pub(crate) fn fill(&mut self, chunk: &mut Chunk, limits: Limits) -> Result<bool, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let filled = self.try_fill(chunk, limits);
        self.failed = filled.as_ref().err().cloned();
        filled
    }

    fn try_fill(&mut self, chunk: &mut Chunk, limits: Limits) -> Result<bool, Error> {
        self.life.check()?;
        while chunk.rows() < limits.rows && chunk.bytes() < limits.bytes {
            let passed = if self.is_reverse { self.cursor.prev()? } else { self.cursor.next()? };
            let Some((key, value)) = passed else { return Ok(false) };
            chunk.push(key, value)?;
        }
        Ok(true)
    }
}
