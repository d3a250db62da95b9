//! Memory for the entries and nodes of one memtable: filled from front to back, freed as a whole.
//!
//! ```text
//! chunk k = 4 KiB << k      place = u32, counted in units of 8 bytes
//! chunk k holds the places from 512 << k to 512 << (k + 1), so the highest bit names the chunk,
//! and no place is 0
//!
//! record = key length u32 | value length u32 | trailer u64 | key | value
//! ```
//!
//! Invariants: what was handed out never moves and lives as long as the arena; a record is written
//! whole before its place is known to anybody but the writer, and never changes after that.

#![allow(unsafe_code)]

use std::array::from_fn;
use std::ptr::{NonNull, null_mut};
use std::sync::Weak;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicPtr, AtomicU64, AtomicUsize, OnceLock, Ordering, Plain};
use crate::env::os::memory::{LARGE_PAGE, LARGE_REGION, Region, prefetch};
use crate::memtable::stock::Stock;

/// Bytes in a unit.
const UNIT: usize = 8;
/// Two to this power is how many units the first chunk has.
const FIRST_BITS: u32 = 9;
/// So many chunks fill the places that there are.
const CHUNKS: usize = (u32::BITS - FIRST_BITS) as usize;
/// Bytes of a record in front of its key.
const HEAD_LEN: usize = size_of::<RecordHead>();

/// Where pages are small, so much is taken up at a time ahead of the writer.
const SMALL_PIECE: usize = 64 << 10;

/// So many bytes behind an entry are asked for when it is put: the next one is going to lie there,
/// and its stores would hold up the first lock that is let go of behind them.
const NEXT_BYTES: usize = 256;

/// The chunks of one memtable.
#[derive(Debug)]
pub(super) struct Arena {
    /// Where place 0 would lie if all places were in this chunk.
    origins: [AtomicPtr<u8>; CHUNKS],
    chunks: [OnceLock<Chunk>; CHUNKS],
    used: AtomicUsize,
    /// The first place that was never handed out.
    next: AtomicU64,
    /// The first place whose page was not taken up ahead of the writer.
    ahead: AtomicU64,
    /// Where large regions come from and go to.
    stock: Weak<Stock>,
}

/// The memory of one chunk.
#[derive(Debug)]
struct Chunk {
    region: Region,
    /// All of it takes up memory, also what was not handed out yet.
    is_resident: bool,
}

/// The free rest of the last chunk. There is one for each arena, and whoever has it is the writer.
#[derive(Debug)]
pub(super) struct Bump {
    next: u64,
    end: u64,
    chunk: Option<usize>,
}

#[repr(C)]
struct RecordHead {
    key_len: u32,
    value_len: u32,
    trailer: u64,
    bytes: Plain,
}

/// The address of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record(NonNull<RecordHead>);

// SAFETY: it is an address, and what lies there never changes.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) trailer: u64,
    pub(super) value: &'a [u8],
}

impl Arena {
    /// An arena without memory, and the right to fill it.
    pub(super) fn new(stock: &Weak<Stock>) -> (Self, Bump) {
        let arena = Self {
            origins: from_fn(|_| AtomicPtr::new(null_mut())),
            chunks: from_fn(|_| OnceLock::new()),
            used: AtomicUsize::new(0),
            next: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
            stock: stock.clone(),
        };
        (arena, Bump { next: 0, end: 0, chunk: None })
    }

    /// How many bytes were handed out.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How much memory it takes up when `used` bytes are handed out.
    pub(super) fn resident(&self, used: usize) -> usize {
        let last =
            self.chunks.iter().enumerate().rev().find_map(|(at, chunk)| Some((at, chunk.get()?)));
        let end = match last {
            Some((chunk, Chunk { is_resident: true, .. })) => Self::first_of(chunk + 1) as usize,
            _ => 0,
        };
        Region::resident(used).max(end.saturating_mul(UNIT))
    }

    /// Takes `bytes` bytes, which hold anything at all, at a multiple of `align`, which is 8 or 64.
    ///
    /// # Safety
    ///
    /// `bump` came with this arena.
    pub(super) unsafe fn take(&self, bump: &mut Bump, bytes: usize, align: usize) -> Result<u32> {
        let units = bytes.div_ceil(UNIT) as u64;
        let mut start = bump.next.next_multiple_of((align / UNIT) as u64);
        if start + units > bump.end {
            self.grow(bump, units)?;
            // Chunks begin at multiples of every alignment.
            start = bump.next;
        }
        let place = u32::try_from(start).map_err(|_| full())?;
        let before = self.used.load(Ordering::Relaxed);
        let taken = (start + units - bump.next) as usize * UNIT;
        bump.next = start + units;
        self.used.store(before + taken, Ordering::Relaxed);
        self.next.store(bump.next, Ordering::Relaxed);
        Ok(place)
    }

    /// Takes up the next piece within `bytes` behind the last place, so that the writer need not
    /// wait for it; true if there was one. Any thread may, at any time.
    pub(super) fn page_in(&self, bytes: usize) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        let ahead = self.ahead.load(Ordering::Relaxed);
        let from = ahead.max(next);
        let Some(chunk) = Self::chunk_of(from) else { return false };
        let len = Self::bytes_of(chunk).unwrap_or(0);
        let (piece, bytes) = match len {
            LARGE_REGION.. => (LARGE_PAGE, bytes),
            // No further than it has come: a small memtable stays small.
            _ => (len.min(SMALL_PIECE), bytes.min(self.used())),
        };
        if from >= next.saturating_add((bytes / UNIT) as u64) {
            return false;
        }
        let start = from - from % (piece / UNIT) as u64;
        let after = start + (piece / UNIT) as u64;
        let (place, order) = (&self.ahead, Ordering::Relaxed);
        let is_mine = place.compare_exchange(ahead, after, order, order).is_ok();
        if let Some(Ok(region)) = is_mine.then(|| self.region(chunk)) {
            region.populate((start - Self::first_of(chunk)) as usize * UNIT, piece);
        }
        is_mine
    }

    /// Sees to it that `bytes` bytes can be taken, in whatever pieces, or says that there is no
    /// memory for them. What is mapped and not used takes none.
    pub(super) fn make_room(&self, bump: &Bump, bytes: usize) -> Result<()> {
        let units = bytes.div_ceil(UNIT) as u64;
        if bump.next + units <= bump.end {
            return Ok(());
        }
        let mut chunk = bump.chunk.map_or(0, |chunk| chunk + 1);
        self.region(chunk)?;
        while units > Self::first_of(chunk) {
            chunk += 1;
            self.region(chunk)?;
        }
        Ok(())
    }

    /// Begins the next chunk in which `units` have room. What is left of the last one stays empty;
    /// so do the chunks that are too small, and those take no memory.
    fn grow(&self, bump: &mut Bump, units: u64) -> Result<()> {
        let mut chunk = bump.chunk.map_or(0, |chunk| chunk + 1);
        while units > Self::first_of(chunk) {
            chunk += 1;
        }
        let origin = self.origins.get(chunk).ok_or_else(full)?;
        let start = self.region(chunk)?.start().as_ptr();
        let first = Self::first_of(chunk);
        origin.store(start.wrapping_sub(first as usize * UNIT), Ordering::Release);
        *bump = Bump { next: first, end: 2 * first, chunk: Some(chunk) };
        Ok(())
    }

    /// The memory of a chunk: mapped by the writer, or ahead of it.
    fn region(&self, chunk: usize) -> Result<&Region> {
        let place = self.chunks.get(chunk).ok_or_else(full)?;
        if place.get().is_none() {
            let bytes = Self::bytes_of(chunk).ok_or_else(full)?;
            let kept = self.stock.upgrade().and_then(|stock| stock.take(bytes));
            let is_resident = kept.is_some();
            let region = kept.map_or_else(|| Region::new(bytes), Ok)?;
            // Two may do this at a time; one of the two is kept.
            let _ = place.set(Chunk { region, is_resident });
        }
        place.get().map(|chunk| &chunk.region).ok_or_else(full)
    }

    fn bytes_of(chunk: usize) -> Option<usize> {
        usize::try_from(Self::first_of(chunk)).ok()?.checked_mul(UNIT)
    }

    /// The chunk that a place is in; none for 0.
    fn chunk_of(place: u64) -> Option<usize> {
        place.checked_ilog2()?.checked_sub(FIRST_BITS).map(|chunk| chunk as usize)
    }

    /// The first place of a chunk, which is also how many it has.
    fn first_of(chunk: usize) -> u64 {
        1 << (FIRST_BITS as usize + chunk).min(40)
    }

    /// The address of a place. Looks at nothing there, so any number may be asked for.
    #[inline]
    pub(super) fn address(&self, place: u32) -> *mut u8 {
        let chunk = (u32::BITS - FIRST_BITS - 1).wrapping_sub(place.leading_zeros()) as usize;
        // Relaxed: whoever has the place of something has it from a release that came after.
        let origin =
            self.origins.get(chunk).map_or(null_mut(), |origin| origin.load(Ordering::Relaxed));
        origin.wrapping_add(place as usize * UNIT)
    }

    /// Asks for the memory at a place, to have it when it is looked at.
    #[inline]
    pub(super) fn prefetch(&self, place: u32, len: usize) {
        prefetch(self.address(place), len);
    }

    /// Copies an entry behind `before` bytes for the caller, a multiple of 8; answers where the
    /// record begins.
    ///
    /// # Safety
    ///
    /// `bump` came with this arena.
    pub(super) unsafe fn put(
        &self,
        bump: &mut Bump,
        before: usize,
        entry: Entry<'_>,
    ) -> Result<u32> {
        let too_large = |_| Error::new(ErrorKind::TooLarge, "an entry is too long for a memtable");
        let head = RecordHead {
            key_len: u32::try_from(entry.key.len()).map_err(too_large)?,
            value_len: u32::try_from(entry.value.len()).map_err(too_large)?,
            trailer: entry.trailer,
            bytes: Plain::new(),
        };
        let len = before + HEAD_LEN + entry.key.len() + entry.value.len();
        // SAFETY: passed on to the caller.
        let start = unsafe { self.take(bump, len, UNIT)? };
        let place = start + (before / UNIT) as u32;
        let at = self.address(place);
        // SAFETY: `take` gave all these bytes to us alone, at a multiple of 8, and nobody has the
        // place yet.
        unsafe {
            at.cast::<RecordHead>().write(head);
            let key = at.add(HEAD_LEN);
            std::ptr::copy_nonoverlapping(entry.key.as_ptr(), key, entry.key.len());
            let value = key.add(entry.key.len());
            std::ptr::copy_nonoverlapping(entry.value.as_ptr(), value, entry.value.len());
            prefetch(value.add(entry.value.len()), NEXT_BYTES);
        }
        Ok(place)
    }

    /// The record at a place.
    ///
    /// # Safety
    ///
    /// `place` was answered by `put` of this arena, and came here through an acquire of the
    /// release that published it.
    #[inline]
    pub(super) unsafe fn record(&self, place: u32) -> Record {
        // SAFETY: a place that was handed out is not null.
        Record(unsafe { NonNull::new_unchecked(self.address(place).cast()) })
    }

    /// What the record at a place holds.
    ///
    /// # Safety
    ///
    /// As `record`.
    #[inline]
    pub(super) unsafe fn entry(&self, place: u32) -> Entry<'_> {
        // SAFETY: passed on to the caller; the arena outlives the answer.
        unsafe { self.record(place).entry() }
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let Some(stock) = self.stock.upgrade() else { return };
        let next = self.next.load(Ordering::Relaxed);
        for (at, chunk) in self.chunks.iter_mut().enumerate() {
            let used = next.saturating_sub(Self::first_of(at)).min(Self::first_of(at));
            if let Some(chunk) = chunk.take() {
                stock.keep(chunk.region, used as usize * UNIT);
            }
        }
    }
}

impl Record {
    /// What it holds.
    ///
    /// # Safety
    ///
    /// The arena of the record lives for as long as `'a`.
    #[inline]
    pub(super) unsafe fn entry<'a>(self) -> Entry<'a> {
        // SAFETY: `put` wrote the head and as many bytes behind it as the head says, nothing
        // changes them, and the caller keeps them alive.
        unsafe {
            let head = self.0.as_ref();
            head.bytes.read();
            let key = self.0.as_ptr().cast::<u8>().add(HEAD_LEN);
            let value = key.add(head.key_len as usize);
            Entry {
                key: std::slice::from_raw_parts(key, head.key_len as usize),
                trailer: head.trailer,
                value: std::slice::from_raw_parts(value, head.value_len as usize),
            }
        }
    }
}

fn full() -> Error {
    Error::new(ErrorKind::OutOfMemory, "a memtable holds no more")
}

#[cfg(test)]
mod tests;
