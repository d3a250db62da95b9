//! `Frame`: a counted reference to the bytes of one block.
//!
//! The count, what the cache notes about the block, and behind these 64 bytes the block itself lie
//! together, so that whoever has the pointer is one line away from the bytes: in a cell of a slab,
//! or where there is none in an allocation.

#![allow(unsafe_code, reason = "one allocation of a size known at run time, counted by hand")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::base::budget::{Budget, MemoryKind};
use crate::base::slice::Owner;
use crate::base::sync::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, Plain};
use crate::cache::memory::{self, Memory};
use crate::cache::slab::{CellId, NO_NOTE, Slab};
use crate::env::os::memory::prefetch;

/// Blocks begin at multiples of this.
pub const FRAME_ALIGN: usize = memory::ALIGN;
/// What a usual allocator writes before what it gives.
const ALLOCATOR: u64 = 16;

/// Not in the ring.
pub(crate) const NO_NODE: u32 = NO_NOTE;

/// What stands before the bytes.
#[repr(C, align(64))]
pub(crate) struct Head {
    count: AtomicUsize,
    len: usize,
    /// How many bytes there is room for behind the head.
    room: usize,
    is_hot: AtomicBool,
    /// As what the bytes are charged; see `MemoryKind`.
    kind: AtomicU8,
    /// Where in the ring it stands. Written and read under the cache's lock.
    node: AtomicU32,
    budget: Option<Arc<Budget>>,
    /// Where the memory is of; the allocator if nowhere else.
    cell: Option<(Arc<Slab>, CellId)>,
    bytes: Plain,
}

#[cfg(not(lsm_loom))]
const _: () = assert!(size_of::<Head>() == FRAME_ALIGN && align_of::<Head>() == FRAME_ALIGN);

impl Head {
    /// Of a new frame, with one reference.
    pub(crate) fn new(len: usize, room: usize) -> Self {
        Self {
            count: AtomicUsize::new(1),
            len,
            room,
            is_hot: AtomicBool::new(false),
            kind: AtomicU8::new(MemoryKind::Pin as u8),
            node: AtomicU32::new(NO_NODE),
            budget: None,
            cell: None,
            bytes: Plain::new(),
        }
    }

    /// Of one that lies in a cell.
    pub(crate) fn in_cell(self, slab: &Arc<Slab>, cell: CellId) -> Self {
        Self { cell: Some((Arc::clone(slab), cell)), ..self }
    }

    /// How many bytes stand behind it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Leaves out what stands behind so many bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// What the frame counts for.
    pub(crate) fn cost(&self) -> u64 {
        match self.cell {
            Some(_) => (size_of::<Head>() + self.room) as u64,
            None => cost_of(self.room),
        }
    }

    /// Counts from now on.
    pub(crate) fn charge(&mut self, budget: &Arc<Budget>, kind: MemoryKind) {
        budget.add(kind, self.cost());
        self.kind = AtomicU8::new(kind as u8);
        self.budget = Some(Arc::clone(budget));
    }
}

/// A block's bytes. They stay as long as any `Frame` of them, whatever the cache does; a clone is
/// another reference to the same bytes.
///
/// It knows the length by itself: whoever goes through the bytes keeps away from the head, whose
/// line belongs to those who count.
pub struct Frame {
    head: NonNull<Head>,
    len: usize,
}

// SAFETY: the bytes are only read, and all else in the head is atomic or never written again.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Frame {
    /// The block.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.head().bytes.read();
        // SAFETY: as in `bytes_of`: `len` is the head's, and the frame stays until the count that
        // `self` is of is given back.
        unsafe { std::slice::from_raw_parts(self.head.add(1).as_ptr().cast(), self.len) }
    }

    /// What it counts for, overhead included.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.head().cost()
    }

    /// The page of the slab in which it lies, if it lies in one.
    pub(crate) fn page(&self) -> Option<u32> {
        self.head().cell.as_ref().map(|(_, id)| id.page())
    }

    /// True if both are references to the same bytes.
    #[must_use]
    pub fn is_same(&self, other: &Frame) -> bool {
        self.head == other.head
    }

    /// How many references there are just now, those of the cache included.
    #[must_use]
    pub fn references(&self) -> usize {
        self.head().count.load(Ordering::Relaxed)
    }

    /// Says that somebody wanted it.
    #[inline]
    pub(crate) fn touch(&self) {
        touch(self.head());
    }

    /// Whether somebody wanted it since the last time this was asked.
    pub(crate) fn take_touch(&self) -> bool {
        self.head().is_hot.swap(false, Ordering::Relaxed)
    }

    /// Charges the bytes as something else.
    pub(crate) fn set_kind(&self, kind: MemoryKind) {
        let head = self.head();
        let before = head.kind.swap(kind as u8, Ordering::Relaxed);
        if let (Some(budget), Some(before)) = (&head.budget, MemoryKind::from_number(before)) {
            budget.add(kind, self.cost());
            budget.sub(before, self.cost());
        }
    }

    pub(crate) fn node(&self) -> u32 {
        self.head().node.load(Ordering::Relaxed)
    }

    pub(crate) fn set_node(&self, node: u32) {
        let head = self.head();
        head.node.store(node, Ordering::Relaxed);
        if let Some((slab, id)) = &head.cell {
            slab.note(*id, node);
        }
    }

    /// The reference as a pointer; it still counts.
    pub(crate) fn into_head(self) -> NonNull<Head> {
        let head = self.head;
        std::mem::forget(self);
        head
    }

    /// Where it is; this counts nothing.
    pub(crate) fn place(&self) -> NonNull<Head> {
        self.head
    }

    /// The reference that `into_head` made a pointer.
    ///
    /// # Safety
    ///
    /// `head` came from `into_head`, and that reference is the caller's to give.
    pub(crate) unsafe fn from_head(head: NonNull<Head>) -> Frame {
        // SAFETY: the caller says that a reference is held.
        let len = unsafe { head.as_ref() }.len;
        Frame { head, len }
    }

    /// One more reference.
    ///
    /// # Safety
    ///
    /// `head` came from `into_head`, and a reference is held throughout this call.
    #[inline]
    pub(crate) unsafe fn count_up(head: NonNull<Head>) -> Frame {
        // SAFETY: the caller says that the frame is there. The count cannot wrap: memory has no
        // room for as many references, and forgetting as many takes centuries.
        let Head { count, len, .. } = unsafe { head.as_ref() };
        let before = count.fetch_add(1, Ordering::Relaxed);
        debug_assert!(before > 0, "a reference was made of a frame that is gone");
        Frame { head, len: *len }
    }

    #[inline]
    fn head(&self) -> &Head {
        // SAFETY: the head was written by `Draft`, and stays until the count that `self` is of
        // is given back. It is borrowed mutably by no one: `admit` does so before there is a Frame.
        unsafe { self.head.as_ref() }
    }
}

impl Clone for Frame {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: `self` is a reference.
        unsafe { Self::count_up(self.head) }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        // Release, so that what this reference read is read; acquire, so that the last one frees
        // after all of them.
        if self.head().count.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: this was the last reference, and nobody can make another one out of nothing.
            unsafe { free(self.head) };
        }
    }
}

impl Deref for Frame {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.bytes().len())
    }
}

/// A frame that is looked at in passing: it stays for `'t`, though nobody counts this look.
#[derive(Clone, Copy)]
pub struct Glimpse<'t> {
    head: NonNull<Head>,
    _stays: PhantomData<&'t Head>,
}

impl<'t> Glimpse<'t> {
    /// A look at a frame.
    ///
    /// # Safety
    ///
    /// `head` came from `into_head`, and somebody holds a reference for all of `'t`.
    #[inline]
    pub(crate) unsafe fn new(head: NonNull<Head>) -> Self {
        Self { head, _stays: PhantomData }
    }

    /// The block.
    #[inline]
    #[must_use]
    pub fn bytes(self) -> &'t [u8] {
        // SAFETY: by the contract of `new` the frame stays for `'t`.
        unsafe { bytes_of(self.head) }
    }

    /// As `ask_for`.
    #[inline]
    pub fn ask(self, len: usize) {
        ask_for(self.head, len);
    }

    /// A reference, for those who want it for longer: as `Cache::get` answers it.
    #[inline]
    #[must_use]
    pub fn keep(self) -> Frame {
        // SAFETY: by the contract of `new` a reference is held throughout this call.
        unsafe { Frame::count_up(self.head) }
    }

    /// Says that somebody wanted it.
    #[inline]
    pub fn touch(self) {
        // SAFETY: as in `bytes`.
        touch(unsafe { self.head.as_ref() });
    }
}

impl fmt::Debug for Glimpse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glimpse({} bytes)", self.bytes().len())
    }
}

/// Asks for a head and the first `len` bytes of its block: whoever knows that it needs them waits
/// once, and not for one line after the other.
#[inline]
pub(crate) fn ask_for(head: NonNull<Head>, len: usize) {
    prefetch(head.as_ptr().cast(), size_of::<Head>() + len);
}

/// The bytes behind a head.
///
/// # Safety
///
/// `head` came from `Draft`, and somebody holds a reference for all of `'t`.
#[inline]
unsafe fn bytes_of<'t>(head: NonNull<Head>) -> &'t [u8] {
    // SAFETY: the head was written by `Draft` and stays, says the caller.
    let Head { bytes, len, .. } = unsafe { head.as_ref() };
    bytes.read();
    // SAFETY: `Draft` made room for `len` bytes behind the head, and they were written; nobody
    // writes them while there is a reference.
    unsafe { std::slice::from_raw_parts(head.add(1).as_ptr().cast(), *len) }
}

/// Says that somebody wanted a frame. Only the first one since the last look dirties the line.
#[inline]
fn touch(head: &Head) {
    if !head.is_hot.load(Ordering::Relaxed) {
        head.is_hot.store(true, Ordering::Relaxed);
    }
}

// SAFETY: the bytes lie behind the head, at one address, unchanged until the count is zero.
unsafe impl Owner for Frame {
    fn into_raw(self) -> *const () {
        self.into_head().as_ptr().cast_const().cast()
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn retain(raw: *const ()) {
        // SAFETY: `raw` came from `into_raw`, so it is not null, and the caller holds a reference.
        let frame = unsafe { Self::count_up(NonNull::new_unchecked(raw.cast_mut().cast())) };
        std::mem::forget(frame);
    }

    /// # Safety
    ///
    /// As the trait says.
    unsafe fn release(raw: *const ()) {
        // SAFETY: `raw` came from `into_raw`, so it is not null, and the caller gives one up.
        drop(unsafe { Self::from_head(NonNull::new_unchecked(raw.cast_mut().cast())) });
    }
}

/// What a frame of so many bytes counts for: what is taken for it and its head.
#[must_use]
pub fn cost_of(len: usize) -> u64 {
    let size = size_of::<Head>().checked_add(len).and_then(memory::size_for);
    size.map_or(u64::MAX, |size| size as u64 + ALLOCATOR)
}

/// Gives the memory back, and what was charged for it.
///
/// # Safety
///
/// `head` came from `Draft` or `admit_to`, and nobody has another reference, nor will.
pub(crate) unsafe fn free(head: NonNull<Head>) {
    // SAFETY: the caller says that nobody else has it; it is read once and not used after.
    let mut head_value = unsafe { head.read() };
    head_value.bytes.write();
    let kind = MemoryKind::from_number(head_value.kind.load(Ordering::Relaxed));
    if let (Some(budget), Some(kind)) = (&head_value.budget, kind) {
        budget.sub(kind, head_value.cost());
    }
    if let Some((slab, cell)) = head_value.cell.take() {
        slab.give(cell);
        return;
    }
    // In a model the memory stays, so that whoever comes too late is found, and not killed.
    if !cfg!(lsm_loom) {
        // SAFETY: `Draft` got this memory, of the head and the room behind it.
        unsafe { Memory::from_raw(head.cast(), size_of::<Head>() + head_value.room) }.give();
    }
}

#[cfg(test)]
mod tests;
