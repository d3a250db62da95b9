//! `Draft`: a block that is still being written.

#![allow(unsafe_code, reason = "one allocation of a size known at run time")]

use std::alloc::{Layout, alloc, alloc_zeroed};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::base::budget::{Budget, MemoryKind};
use crate::base::error::{Error, ErrorKind, Result};
use crate::cache::frame::{Frame, Head, free, layout_of};
use crate::cache::slab::{Cell, Slab};

/// A frame that is still being written, and that nobody else has: its memory is the allocator's.
pub struct Draft(NonNull<Head>);

// SAFETY: it is the only way to its memory, as a Box is.
unsafe impl Send for Draft {}
// SAFETY: shared, it is only read.
unsafe impl Sync for Draft {}

impl Draft {
    /// So many zero bytes, 64-byte aligned, to be written.
    pub fn new(len: usize) -> Result<Draft> {
        allocate(len, alloc_zeroed)
    }

    /// A copy of a block.
    pub fn copy_of(bytes: &[u8]) -> Result<Draft> {
        // Memory that is not zeroed: it is written here, before there is a reference to it.
        let draft = allocate(bytes.len(), alloc)?;
        // SAFETY: there is room for `len` bytes behind the head, in memory of our own.
        unsafe { draft.start().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
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
        let mut value = Head::new(self.len(), room);
        value.cell = Some((Arc::clone(slab), cell.id));
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
        // SAFETY: `allocate` wrote the head.
        unsafe { self.0.as_ref() }.cost()
    }

    /// Bytes that it takes up with its head.
    pub(crate) fn full_len(&self) -> usize {
        size_of::<Head>() + self.len()
    }

    /// Leaves out what stands behind so many bytes: what had to be read with them.
    pub fn truncate(&mut self, len: usize) {
        // SAFETY: `allocate` wrote the head, and `self` is the only way to it.
        let head = unsafe { self.0.as_mut() };
        head.len = head.len.min(len);
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the allocation is at least as long as the head.
        unsafe { self.0.add(1) }.as_ptr().cast()
    }

    fn len(&self) -> usize {
        // SAFETY: `allocate` wrote the head.
        unsafe { self.0.as_ref() }.len
    }
}

impl Deref for Draft {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: all bytes are written: `new` zeroes them, and `copy_of` fills them.
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

/// Room for a frame, its head written, its bytes as `with` gives them.
fn allocate(len: usize, with: unsafe fn(Layout) -> *mut u8) -> Result<Draft> {
    let refusal = || {
        Error::new(ErrorKind::OutOfMemory, format!("there is no memory for a block of {len} bytes"))
    };
    let layout = layout_of(len).ok_or_else(refusal)?;
    // SAFETY: the layout is not empty: it has the head.
    let memory = NonNull::new(unsafe { with(layout) }).ok_or_else(refusal)?.cast::<Head>();
    // SAFETY: the memory is ours, aligned and large enough.
    unsafe { memory.write(Head::new(len, len)) };
    Ok(Draft(memory))
}
