//! Memory straight from the system, for what is large, lives long and goes back as a whole.
//!
//! An allocator keeps what it is given back, and gives up the process when it has nothing left. A
//! region does neither: it is unmapped when it is dropped, and not getting one is an error.

#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::os::sys;

/// The size of a large page, and how regions of at least this size are aligned.
pub const LARGE_PAGE: usize = 2 << 20;

/// Bytes in a line of the processor's caches.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// From this size on, regions are made of large pages. A page of a smaller one would be a good part
/// of it, and is taken whole when its first byte is touched.
pub const LARGE_REGION: usize = 4 * LARGE_PAGE;

/// Zeroed memory of this process alone. Pages take up memory when they are first touched.
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory belongs to no thread. A region lends only its address, so whoever looks behind
// it has to order its own accesses.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Maps `len` bytes; `OutOfMemory` if they cannot be had. Regions of `LARGE_PAGE` and more are
    /// aligned to it. Those of four of them and more ask for large pages, for a walk through them
    /// misses the translation cache on nearly every step otherwise.
    pub fn new(len: usize) -> Result<Self> {
        if len < LARGE_PAGE {
            return Ok(Self { start: map(len)?, len });
        }
        let Some(wide) = len.checked_add(LARGE_PAGE) else { return Err(refused()) };
        let start = map(wide)?;
        let before = start.as_ptr().align_offset(LARGE_PAGE);
        // SAFETY: `before` is less than a large page, by which the mapping is longer than `len`.
        let region = Self { start: unsafe { start.add(before) }, len };
        unmap(start, before);
        // SAFETY: the region ends `LARGE_PAGE - before` bytes before the mapping does.
        unmap(unsafe { region.start.add(len) }, LARGE_PAGE - before);
        region.advise();
        Ok(region)
    }

    /// How many bytes a filled chain of regions takes, each twice as long as the one before, of
    /// which `used` bytes were touched from front to back.
    #[must_use]
    pub fn resident(used: usize) -> usize {
        if used < LARGE_REGION { used } else { used.next_multiple_of(LARGE_PAGE) }
    }

    /// Takes up the memory of `len` bytes from `from` on, before anybody touches them, and changes
    /// none of them. Only advice: what is not there by then is taken when it is touched.
    pub fn populate(&self, from: usize, len: usize) {
        let len = len.min(self.len.saturating_sub(from));
        #[cfg(target_os = "linux")]
        if len > 0 {
            let start = self.start.as_ptr().wrapping_add(from);
            // SAFETY: the range is ours, and the advice changes none of its bytes.
            let _ = sys::check(unsafe { libc::madvise(start.cast(), len, sys::POPULATE_WRITE) });
        }
        #[cfg(not(target_os = "linux"))]
        let _ = len;
    }

    /// Gives the memory of whole pages back, from `from` on. What they hold is undefined from then
    /// on. Only advice: where the system has no such call, it stays.
    pub fn give_back(&self, from: usize, len: usize) {
        let len = len.min(self.len.saturating_sub(from));
        #[cfg(target_os = "linux")]
        if len > 0 {
            let start = self.start.as_ptr().wrapping_add(from);
            // SAFETY: the range is ours, and whoever lent it says that nobody needs what it holds.
            let _ = sys::check(unsafe { libc::madvise(start.cast(), len, libc::MADV_DONTNEED) });
        }
        #[cfg(not(target_os = "linux"))]
        let _ = len;
    }

    /// The first byte. What is behind it may be touched for as long as the region lives.
    #[must_use]
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Only advice: where there are no large pages, small ones do.
    fn advise(&self) {
        #[cfg(target_os = "linux")]
        let _ = {
            let is_large = self.len >= LARGE_REGION;
            let advice = if is_large { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
            // SAFETY: the range is ours, and the advice changes none of its bytes.
            sys::check(unsafe { libc::madvise(self.start.as_ptr().cast(), self.len, advice) })
        };
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unmap(self.start, self.len);
    }
}

/// Asks for the lines of `len` bytes from an address on, so that they are near when they are
/// touched. Any address will do, for nothing comes of it but time.
#[inline]
pub fn prefetch(at: *const u8, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..len).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address at all does nothing that can be seen.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(offset).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (at, len);
}

fn refused() -> Error {
    Error::new(ErrorKind::OutOfMemory, "the system has no memory left")
}

fn map(len: usize) -> Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at a place of the kernel's choice disturbs no other.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(Error::from_os("map memory", io::Error::last_os_error()));
    }
    NonNull::new(start.cast()).ok_or_else(refused)
}

/// Gives pages back that a region of ours covered and that nobody uses.
fn unmap(start: NonNull<u8>, len: usize) {
    if len > 0 {
        // SAFETY: callers pass whole pages of a mapping that they made and that ends with this.
        unsafe { libc::munmap(start.as_ptr().cast(), len) };
    }
}

#[cfg(test)]
mod tests;
