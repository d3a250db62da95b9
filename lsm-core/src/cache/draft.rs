//! `Draft`: a block that is still being written.

#![allow(unsafe_code, reason = "one allocation of a size known at run time")]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::base::budget::{Budget, MemoryKind};
use crate::base::error::{Error, ErrorKind, Result};
use crate::cache::frame::{Frame, Head, free};
use crate::cache::memory::Memory;
use crate::cache::slab::{Cell, Slab};

/// A frame that is still being written, and that nobody else has: its memory is the allocator's.
pub struct Draft(NonNull<Head>);

// SAFETY: it is the only way to its memory, as a Box is.
unsafe impl Send for Draft {}
// SAFETY: shared, it is only read.
unsafe impl Sync for Draft {}

impl Draft {
    /// So many bytes, 64-byte aligned, to be written; what stands in them before means nothing.
    pub fn new(len: usize) -> Result<Draft> {
        let refusal = || {
            let message = format!("there is no memory for a block of {len} bytes");
            Error::new(ErrorKind::OutOfMemory, message)
        };
        let memory = size_of::<Head>().checked_add(len).and_then(Memory::take);
        let (start, size) = memory.ok_or_else(refusal)?.into_raw();
        let head = start.cast::<Head>();
        // SAFETY: the memory is ours, aligned as a head is, and has room for it and `len` bytes.
        unsafe { head.write(Head::new(len, size - size_of::<Head>())) };
        Ok(Draft(head))
    }

    /// A copy of a block.
    pub fn copy_of(bytes: &[u8]) -> Result<Draft> {
        let mut draft = Self::new(bytes.len())?;
        draft.copy_from_slice(bytes);
        Ok(draft)
    }

    /// Counts the bytes from now on, and lets them be read only.
    pub(crate) fn admit(self, budget: &Arc<Budget>, kind: MemoryKind) -> Frame {
        let mut head = self.0;
        std::mem::forget(self);
        // SAFETY: the draft was the only way to the head.
        unsafe { head.as_mut() }.charge(budget, kind);
        // SAFETY: the reference that the draft was is now this one.
        unsafe { Frame::from_head(head) }
    }

    /// As `admit`, in a cell of this slab. `None` if it is too short; then nobody has it.
    pub(crate) fn admit_to(
        &self,
        (slab, cell): (&Arc<Slab>, Cell),
        budget: &Arc<Budget>,
        kind: MemoryKind,
    ) -> Option<Frame> {
        let room = cell.len.saturating_sub(size_of::<Head>());
        if self.full_len() > cell.len {
            slab.give(cell.id);
            return None;
        }
        let mut value = Head::new(self.len(), room).in_cell(slab, cell.id);
        value.charge(budget, kind);
        let head = cell.start.cast::<Head>();
        // SAFETY: nobody else has the cell until it is given back, which `free` does. It is aligned
        // to a line, as a head is, and has room for the head and for the bytes.
        unsafe {
            head.write(value);
            head.add(1).as_ptr().cast::<u8>().copy_from_nonoverlapping(self.start(), self.len());
        }
        // SAFETY: the head has one reference, which is this one.
        Some(unsafe { Frame::from_head(head) })
    }

    /// What it will count for outside of a slab.
    pub(crate) fn cost(&self) -> u64 {
        // SAFETY: `new` wrote the head.
        unsafe { self.0.as_ref() }.cost()
    }

    /// Bytes that it takes up with its head.
    pub(crate) fn full_len(&self) -> usize {
        size_of::<Head>() + self.len()
    }

    /// Leaves out what stands behind so many bytes: what had to be read with them.
    pub fn truncate(&mut self, len: usize) {
        // SAFETY: `new` wrote the head, and `self` is the only way to it.
        unsafe { self.0.as_mut() }.truncate(len);
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the allocation is at least as long as the head.
        unsafe { self.0.add(1) }.as_ptr().cast()
    }

    fn len(&self) -> usize {
        // SAFETY: `new` wrote the head.
        unsafe { self.0.as_ref() }.len()
    }
}

impl Deref for Draft {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the bytes lie behind the head, and all of a `Memory` have been written.
        unsafe { std::slice::from_raw_parts(self.start(), self.len()) }
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is the only way to them.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len()) }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { free(self.0) };
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} bytes)", self.len())
    }
}
