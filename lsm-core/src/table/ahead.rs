//! Reading ahead: neighbouring blocks come with one read once somebody walks along them.

use std::sync::Arc;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::error::Result;
use crate::base::room::make_room_for_all;
use crate::cache::draft::Draft;
use crate::table::block::builder::BLOCK;
use crate::table::handle::{BLOCKS_START, BlockKind, Handle};
use crate::table::seal::{Packed, Sought};
use crate::table::source::{Source, check_entries};

/// What is read at once when a walk is first noticed.
const WINDOW_MIN: usize = 16 << 10;
/// What is read at once in the end, at most.
const WINDOW_MAX: usize = 256 << 10;
/// The part of the memory limit that one walker may take for it: one in so many.
const WINDOW_SHARE: u64 = 256;
/// Blocks that are no further apart follow each other: filter and index of a partition lie between
/// its last data block and the next one.
const GAP_MAX: u64 = 256 << 10;

/// The bytes that one walker has read and not used yet.
#[derive(Debug)]
pub struct Ahead {
    is_on: bool,
    /// What the buffer counts for.
    charge: Charge,
    /// Its first `filled` bytes were read; the rest is only there to be read into.
    buffer: Vec<u8>,
    filled: usize,
    /// Where the buffer's first byte stands in the file.
    start: u64,
    /// The block that was asked for last.
    last: Handle,
    window: usize,
    bytes_read: u64,
}

impl Ahead {
    /// Nothing was read yet. If it is not on, every block is read alone.
    #[must_use]
    pub fn new(is_on: bool, budget: &Arc<Budget>) -> Self {
        Self {
            is_on,
            charge: budget.charge(MemoryKind::Buffer, 0),
            buffer: Vec::new(),
            filled: 0,
            start: 0,
            last: Handle::NONE,
            window: 0,
            bytes_read: 0,
        }
    }

    /// How many bytes it has read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// How much may be read at once: little where memory is short.
    fn window_max(&self) -> usize {
        let budget = self.charge.budget();
        if budget.used() > budget.limit() {
            return WINDOW_MIN;
        }
        let share = usize::try_from(budget.limit() / WINDOW_SHARE).unwrap_or(usize::MAX);
        share.clamp(WINDOW_MIN, WINDOW_MAX)
    }

    /// The data block at `handle`, unpacked, where a cache can keep it.
    pub fn read(&mut self, source: &Source, handle: Handle) -> Result<Draft> {
        let (sought, packed) = self.reach(source, handle)?;
        let image = sought.unpack_draft(packed)?;
        check_entries(&sought, &image)?;
        Ok(image)
    }

    /// The data block at `handle`, unpacked, in place of what `out` held.
    pub fn read_into(&mut self, source: &Source, handle: Handle, out: &mut Vec<u8>) -> Result<()> {
        let (sought, packed) = self.reach(source, handle)?;
        out.clear();
        make_room_for_all(out, packed.unpacked_len(), BLOCK)?;
        sought.unpack(packed, out)
    }

    /// The data block at `handle`, verified.
    fn reach<'s>(
        &mut self,
        source: &'s Source,
        handle: Handle,
    ) -> Result<(Sought<'s>, Packed<'_>)> {
        let sought = source.sought(handle, BlockKind::Data);
        source.check_place(&sought)?;
        if !self.has(handle) {
            self.fill(source, handle)?;
        }
        self.last = handle;
        let from = (handle.offset.saturating_sub(self.start)) as usize;
        let bytes = self.buffer.get(from..self.filled).unwrap_or_default();
        let len = (handle.file_len() as usize).min(bytes.len());
        let packed = sought.verify(bytes.get(..len).unwrap_or_default())?;
        Ok((sought, packed))
    }

    fn has(&self, handle: Handle) -> bool {
        handle.offset >= self.start && handle.end() <= self.start + self.filled as u64
    }

    /// Reads the block, and with it what lies in the direction of the walk.
    fn fill(&mut self, source: &Source, handle: Handle) -> Result<()> {
        let len = handle.file_len() as usize;
        let (before, behind) = (self.last.end(), self.last.offset);
        let is_forward = handle.offset.checked_sub(before).is_some_and(|gap| gap < GAP_MAX);
        let is_backward = behind.checked_sub(handle.end()).is_some_and(|gap| gap < GAP_MAX);
        let is_walk = self.is_on && !self.last.is_none() && (is_forward || is_backward);
        let most = self.window_max();
        self.window = if is_walk { (self.window * 2).clamp(WINDOW_MIN, most) } else { 0 };
        let want = len.max(self.window) as u64;
        let (start, end) = if is_backward {
            (handle.end().saturating_sub(want).max(BLOCKS_START).min(handle.offset), handle.end())
        } else {
            (handle.offset, (handle.offset + want).min(source.limit()))
        };
        let wanted = (end - start) as usize;
        if self.buffer.len() > len.max(2 * most) {
            // A large value has left it so, or memory has become short.
            self.buffer = Vec::new();
        }
        self.filled = 0;
        self.start = start;
        if self.buffer.len() < wanted {
            make_room_for_all(&mut self.buffer, wanted, BLOCK)?;
            self.buffer.resize(wanted, 0);
        }
        self.charge.resize(self.buffer.capacity() as u64);
        let place = self.buffer.get_mut(..wanted).unwrap_or_default();
        self.filled = source.read_into(start, place)?;
        self.bytes_read = self.bytes_read.wrapping_add(self.filled as u64);
        Ok(())
    }
}
