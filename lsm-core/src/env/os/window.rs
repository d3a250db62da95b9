//! A part of a file mapped for appending.
//!
//! Nothing but the kernel looks at the mapped bytes, and they are touched through raw pointers
//! only: no reference to them is ever made, so nothing depends on what others do to the file.
//!
//! Invariants: the mapping lives exactly as long as the window, in the process that made it; a
//! forked child does not have it, and there the window stores nothing and unmaps nothing. Bounds
//! are checked before every access. One thread at a time stores: a second one is turned away by a
//! flag, because the safe call must not be able to race.

#![allow(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the real file")]

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::fixed::AtomicU32;
use crate::base::sync::{AtomicBool, Ordering, compiler_fence};
use crate::env::fs::{WINDOW_GRAIN, Window};
use crate::env::os::guard::Watch;
use crate::env::os::memory::prefetch;
use crate::env::os::{process, sys};

#[cfg(not(target_env = "gnu"))]
use libc::mmap;
#[cfg(target_env = "gnu")]
use libc::mmap64 as mmap;

/// A shared mapping of a part of a file.
pub struct OsWindow {
    memory: Mapping,
    offset: u64,
    file: Arc<fs::File>,
    path: PathBuf,
    is_storing: AtomicBool,
}

/// So many bytes behind a record are asked for when it is stored: the next one is going to lie
/// there, and its stores would hold up the first lock that is let go of behind them.
const NEXT_BYTES: usize = 256;

/// The mapped memory, with the guard over it.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
    /// Gone before the memory is.
    watch: Option<Watch>,
}

// SAFETY: the memory belongs to no thread, and every access to it is ordered by `is_storing` of
// the window that owns it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: &fs::File, offset: u64, len: usize) -> io::Result<Self> {
        let offset =
            offset.try_into().map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let fd = file.as_raw_fd();
        // SAFETY: a new mapping at a place of the kernel's choice disturbs no other.
        let start =
            unsafe { mmap(std::ptr::null_mut(), len, access, libc::MAP_SHARED, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(start) = NonNull::new(start.cast()) else {
            return Err(io::Error::from_raw_os_error(libc::ENOMEM));
        };
        let mapping = Self { start, len, watch: None };
        // SAFETY: the range is the mapping just made, and the advice concerns children only.
        sys::check(unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTFORK) })?;
        Ok(mapping)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let is_elsewhere = self.watch.as_ref().is_some_and(Watch::is_elsewhere);
        // The guard lets go first: after the unmapping the addresses may be anybody's.
        self.watch = None;
        if !is_elsewhere {
            // SAFETY: the range is a mapping of ours in this process, and its owner is going away.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}

impl OsWindow {
    /// Maps `len` bytes at `offset` of a file that was opened for reading and writing.
    pub(super) fn map(file: Arc<fs::File>, path: &Path, offset: u64, len: u64) -> Result<Self> {
        let refuse = |kind, message: &str| Err(Error::new(kind, message).at_path(path));
        if len == 0 || offset % WINDOW_GRAIN != 0 || len % WINDOW_GRAIN != 0 {
            return refuse(ErrorKind::InvalidArgument, "a window must cover whole pages");
        }
        let page = process::page_size() as u64;
        if offset % page != 0 || len % page != 0 {
            return refuse(ErrorKind::Unsupported, "the pages of this machine are too large");
        }
        let failed = |error| Error::from_io("map a window of the file", path, error);
        let end = offset.checked_add(len);
        if end.is_none_or(|end| sys::len_of(&file).is_ok_and(|file_len| file_len < end)) {
            return refuse(ErrorKind::InvalidArgument, "a window must lie within the file");
        }
        let Ok(size) = usize::try_from(len) else {
            return refuse(ErrorKind::Unsupported, "a window of this size");
        };
        let mut memory = Mapping::new(&file, offset, size).map_err(|error| {
            match error.raw_os_error() {
                // The file system has no mappings, or not of this kind.
                Some(libc::ENODEV | libc::EINVAL | libc::EPERM) => failed(error)
                    .as_cause_of(ErrorKind::Unsupported, "the file system has no such mappings"),
                _ => failed(error),
            }
        })?;
        let watch = Watch::new(memory.start.as_ptr() as usize, size);
        memory.watch = Some(watch.map_err(|error| error.at_path(path))?);
        let path = path.to_path_buf();
        Ok(Self { memory, offset, file, path, is_storing: AtomicBool::new(false) })
    }

    /// The place of `len` bytes at file offset `at`, counted from the start of the mapping.
    fn place(&self, at: u64, len: usize) -> Option<usize> {
        let place = usize::try_from(at.checked_sub(self.offset)?).ok()?;
        let end = place.checked_add(len)?;
        (end <= self.memory.len).then_some(place)
    }

    /// The whole pages around a part of the window: where they start in memory, and their length.
    fn pages(&self, at: u64, len: u64) -> Result<(*mut libc::c_void, usize)> {
        if self.is_forked() {
            let message = "the window belongs to the parent process";
            return Err(Error::new(ErrorKind::Forked, message).at_path(&self.path));
        }
        let size = usize::try_from(len).ok();
        let Some((place, len)) = size.and_then(|len| Some((self.place(at, len)?, len))) else {
            let message = "the bytes do not lie within the window";
            return Err(Error::new(ErrorKind::InvalidArgument, message).at_path(&self.path));
        };
        let page = process::page_size();
        let first = place - place % page;
        // The window consists of whole pages, so rounding up stays within it.
        let end = (place + len).next_multiple_of(page);
        // SAFETY: `first` is at most the length of the mapping.
        let start = unsafe { self.memory.start.add(first) };
        Ok((start.as_ptr().cast(), end - first))
    }

    fn is_forked(&self) -> bool {
        self.memory.watch.as_ref().is_none_or(Watch::is_forked)
    }

    /// Loses the window if the file no longer reaches to its end: pages that were present before a
    /// cut are taken away without a word until somebody touches them again.
    fn check_file(&self) -> Result<()> {
        let failed = |error| Error::from_io("read the length of the file", &self.path, error);
        let file_len = sys::len_of(&self.file).map_err(failed)?;
        let is_cut = file_len < self.offset.saturating_add(self.memory.len as u64);
        if let Some(watch) = self.memory.watch.as_ref().filter(|_| is_cut) {
            watch.mark_lost();
        }
        if self.is_lost() {
            let message = "the file was cut, or failed, under its mapping";
            return Err(Error::new(ErrorKind::Io, message).at_path(&self.path));
        }
        Ok(())
    }

    /// Stores one record at `place`, which has room for it.
    fn store(&self, place: usize, first: [u8; 4], rest: &[u8], body: &[u8]) {
        // SAFETY: the caller has checked that `4 + rest + body` bytes from `place` lie within the
        // mapping, which is alive as long as `self` and writable, and holds `is_storing`, so that
        // no other thread writes here. Its bytes are no Rust object, so nothing overlaps with the
        // sources. `place` is a multiple of 8 from a page's start, and so aligned for the word.
        unsafe {
            let at = self.memory.start.as_ptr().add(place);
            let after = at.add(4);
            std::ptr::copy_nonoverlapping(body.as_ptr(), after.add(rest.len()), body.len());
            std::ptr::copy_nonoverlapping(rest.as_ptr(), after, rest.len());
            AtomicU32::from_ptr(at.cast()).store(u32::from_ne_bytes(first), Ordering::Release);
            prefetch(after.add(rest.len() + body.len()), NEXT_BYTES);
        }
        // A store that faulted has run the guard on this thread: nothing that is looked at after
        // this may have been loaded before.
        compiler_fence(Ordering::SeqCst);
    }
}

impl Window for OsWindow {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn len(&self) -> u64 {
        self.memory.len as u64
    }

    fn publish(&self, at: u64, head: &[u8], body: &[u8]) -> bool {
        let Some((&first, rest)) = head.split_first_chunk::<4>() else { return false };
        let len = head.len().checked_add(body.len());
        let place = len.and_then(|len| self.place(at, len));
        let Some(place) = place.filter(|_| at % 8 == 0 && !self.is_forked()) else {
            return false;
        };
        if self.is_storing.swap(true, Ordering::Acquire) {
            return false;
        }
        self.store(place, first, rest, body);
        self.is_storing.store(false, Ordering::Release);
        true
    }

    fn populate(&self, at: u64, len: u64) -> Result<()> {
        let (start, len) = self.pages(at, len)?;
        let done = sys::retry(|| {
            // SAFETY: the range lies within the mapping. The call makes pages present and changes
            // no byte of them.
            sys::check(unsafe { libc::madvise(start, len, sys::POPULATE_WRITE) })
        });
        let failed = |error| Error::from_io("make pages of the window present", &self.path, error);
        match done.map_err(failed) {
            Ok(_) => Ok(()),
            Err(error) if error.os_code() == Some(libc::EINVAL) => {
                Err(error.as_cause_of(ErrorKind::Unsupported, "the kernel is too old"))
            }
            Err(error) => {
                // Says that the window is lost if that is why; the caller hears the first cause.
                let _ = self.check_file();
                Err(error)
            }
        }
    }

    fn sync(&self, at: u64, len: u64) -> Result<()> {
        let (start, len) = self.pages(at, len)?;
        sys::retry(|| {
            // SAFETY: the range lies within the mapping, and the call changes no byte of it.
            sys::check(unsafe { libc::msync(start, len, libc::MS_SYNC) })
        })
        .map_err(|error| Error::from_io("sync a window of the file", &self.path, error))?;
        self.check_file()
    }

    fn release(&self, at: u64, len: u64) {
        let page = process::page_size() as u64;
        // Inwards to whole pages: what shares a page with other bytes stays.
        let Some(first) = at.checked_next_multiple_of(page) else { return };
        let end = at.saturating_add(len);
        let len = (end - end % page).saturating_sub(first);
        let Ok((start, len)) = self.pages(first, len) else { return };
        if len > 0 {
            // SAFETY: the range lies within the mapping. The pages leave it, not the page cache:
            // in a shared mapping of a file no byte changes, and a later access brings them back.
            // A failure leaves them where they are.
            unsafe { libc::madvise(start, len, libc::MADV_DONTNEED) };
        }
    }

    fn is_lost(&self) -> bool {
        compiler_fence(Ordering::SeqCst);
        self.memory.watch.as_ref().is_none_or(Watch::is_lost)
    }
}

impl std::fmt::Debug for OsWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OsWindow")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .field("len", &self.memory.len)
            .field("is_lost", &self.is_lost())
            .finish()
    }
}
