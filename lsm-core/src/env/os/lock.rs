//! The lock of a database's one writer, and the claims of its readers.
//!
//! The writer's lock is `flock` on a description of its own: it excludes every other open of the
//! file, in this process too, ends when the process dies, and nobody loses it by closing some other
//! descriptor. A claim is a lock on bytes of the same file that belongs to an open description.
//! Both stand on a `PrivateFd`, so a forked child inherits neither and, dropping them, touches
//! nothing; when the owner drops them they are ended by name before their descriptor is closed,
//! because a copy that some child got all the same would keep them alive.
//!
//! The table of descriptors doubles as the registry of files that this process has locked. It names
//! the holder, and it refuses a second lock where a file system grants one to whoever asks.

#![allow(clippy::disallowed_methods, reason = "the system's table of locks is no file of ours")]

#[cfg(test)]
mod tests;

use std::ffi::CStr;
use std::io;
#[cfg(target_os = "linux")]
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Claim, File, Lock};
use crate::env::os::file::{OsFile, open_regular};
use crate::env::os::fork::{self, PrivateFd};
use crate::env::os::sys::{self, FileId};

/// A lock file that is locked, until dropped.
#[derive(Debug)]
pub struct OsLock {
    fd: PrivateFd,
    /// Opened apart from `fd`, so that it stays usable in whatever process it ends up in.
    file: Arc<dyn File>,
}

impl OsLock {
    /// Locks a file that exists: with `Access::Read` together with others that do so.
    pub(super) fn take(
        dir: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
        access: Access,
    ) -> Result<Self> {
        let file = OsFile::open(dir, name, path.to_path_buf(), access)?;
        let (fd, id) = open_private(dir, name, path, access)?;
        let Some(own) = fd.get() else { return Err(forked(path)) };
        let locking = match access {
            Access::Read => sys::share(own),
            Access::ReadWrite => sys::lock(own),
        };
        match locking {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(locked(path, holder(id)));
            }
            Err(error) => return Err(Error::from_io("lock the file", path, error)),
        }
        // From here on every way out ends the lock by name: see the drop.
        let lock = Self { fd, file: Arc::new(file) };
        if fork::is_marked(id) {
            return Err(locked(path, Some(std::process::id())));
        }
        // A lock on a file that has lost its name locks nobody out.
        match sys::status_at(dir, name) {
            Ok((_, named)) if named == id => {}
            Ok(_) => {
                let message = "the lock file was replaced while it was being locked";
                return Err(Error::new(ErrorKind::Busy, message).at_path(path));
            }
            Err(error) => return Err(Error::from_io("look at the lock file", path, error)),
        }
        if access == Access::ReadWrite {
            lock.fd.mark(id);
        }
        Ok(lock)
    }
}

impl Lock for OsLock {
    fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    fn is_forked(&self) -> bool {
        self.fd.is_forked()
    }

    fn release(&self) {
        if let Some(fd) = self.fd.get() {
            // Out of the registry first: whoever gets the lock next must not find it there.
            self.fd.unmark();
            // If it fails, closing the descriptor ends the lock as well.
            let _ = sys::unlock(fd);
        }
    }

    fn is_claimed(&self, offset: u64, len: u64) -> Result<bool> {
        let path = self.file.path();
        check_len(path, len)?;
        let Some(fd) = self.fd.get() else { return Err(forked(path)) };
        sys::is_claimed(fd, offset, len)
            .map_err(|error| Error::from_io("look for claims on the lock file", path, error))
    }
}

impl Drop for OsLock {
    fn drop(&mut self) {
        self.release();
    }
}

/// A claim on bytes of a lock file, held until dropped and for no longer than its process lives.
#[derive(Debug)]
pub struct SlotClaim {
    fd: PrivateFd,
    path: PathBuf,
    offset: u64,
    len: u64,
}

impl SlotClaim {
    /// Claims bytes of a file that exists; `Busy` if another claim, here or in another process,
    /// has any of them.
    pub(super) fn take(
        dir: BorrowedFd<'_>,
        name: &CStr,
        path: &Path,
        offset: u64,
        len: u64,
    ) -> Result<Self> {
        check_len(path, len)?;
        let (fd, _) = open_private(dir, name, path, Access::ReadWrite)?;
        let Some(own) = fd.get() else { return Err(forked(path)) };
        match sys::claim(own, offset, len) {
            Ok(()) => Ok(Self { fd, path: path.to_path_buf(), offset, len }),
            Err(error) => Err(match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EACCES) => {
                    Error::new(ErrorKind::Busy, "the slot is claimed by another reader")
                        .at_path(path)
                        .at_offset(offset)
                }
                // The kernel does not know locks of this kind.
                Some(libc::EINVAL) => Error::from_io("claim a slot", path, error)
                    .as_cause_of(ErrorKind::Unsupported, "no such locks on this system"),
                _ => Error::from_io("claim a slot", path, error).at_offset(offset),
            }),
        }
    }

    /// The file that the claim is on.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Claim for SlotClaim {
    fn is_forked(&self) -> bool {
        self.fd.is_forked()
    }

    fn release(&self) {
        if let Some(fd) = self.fd.get() {
            // If it fails, closing the descriptor ends the claim as well.
            let _ = sys::release(fd, self.offset, self.len);
        }
    }
}

impl Drop for SlotClaim {
    fn drop(&mut self) {
        self.release();
    }
}

/// True if anybody has a claim on these bytes of a file that exists.
pub(super) fn is_claimed(
    dir: BorrowedFd<'_>,
    name: &CStr,
    path: &Path,
    offset: u64,
    len: u64,
) -> Result<bool> {
    check_len(path, len)?;
    let (file, _) = open_regular(dir, name, path, Access::Read)?;
    sys::is_claimed(file.as_fd(), offset, len)
        .map_err(|error| Error::from_io("look for claims on the lock file", path, error))
}

/// Opens the file on a descriptor that no forked child keeps, and says which file it is.
fn open_private(
    dir: BorrowedFd<'_>,
    name: &CStr,
    path: &Path,
    access: Access,
) -> Result<(PrivateFd, FileId)> {
    let mut id = FileId { device: 0, inode: 0 };
    let fd = PrivateFd::open(|| {
        let (file, opened) = open_regular(dir, name, path, access)?;
        id = opened;
        Ok(file.into())
    })?;
    Ok((fd, id))
}

/// To the system a length of zero means everything, which nobody here means.
fn check_len(path: &Path, len: u64) -> Result<()> {
    if len == 0 {
        let message = "a claim must cover at least one byte";
        return Err(Error::new(ErrorKind::InvalidArgument, message).at_path(path));
    }
    Ok(())
}

fn forked(path: &Path) -> Error {
    Error::new(ErrorKind::Forked, "the lock belongs to the parent process").at_path(path)
}

fn locked(path: &Path, holder: Option<u32>) -> Error {
    let message = match holder {
        Some(process) if process == std::process::id() => {
            String::from("the file is locked by this process")
        }
        Some(process) => format!("the file is locked by process {process}"),
        None => String::from("the file is locked by another process"),
    };
    Error::new(ErrorKind::Locked, message).at_path(path)
}

/// The process that has the file locked, if that can be found out.
fn holder(id: FileId) -> Option<u32> {
    if fork::is_marked(id) {
        return Some(std::process::id());
    }
    #[cfg(target_os = "linux")]
    return listed_holder(id);
    #[cfg(not(target_os = "linux"))]
    return None;
}

/// Looks into the system's table of locks. The table moves while it is read, and a line can slip
/// by between two reads: large reads, and a second and third look, make that rare.
#[cfg(target_os = "linux")]
fn listed_holder(id: FileId) -> Option<u32> {
    (0..3).find_map(|_| {
        let mut table = Vec::with_capacity(64 << 10);
        std::fs::File::open("/proc/locks").ok()?.read_to_end(&mut table).ok()?;
        holder_in(&String::from_utf8_lossy(&table), id)
    })
}

/// Finds the holder in the system's table, whose lines read
/// `1: FLOCK  ADVISORY  WRITE 4711 08:02:131073 0 EOF`, or have `->` behind the number while they
/// wait. A process in another container has no number here that is above zero.
#[cfg(any(target_os = "linux", test))]
fn holder_in(table: &str, id: FileId) -> Option<u32> {
    let (major, minor) = (libc::major(id.device as _), libc::minor(id.device as _));
    let place = format!("{major:02x}:{minor:02x}:{}", id.inode);
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        if words.next() != Some("FLOCK") {
            return None;
        }
        let process = words.nth(2)?;
        if words.next() != Some(place.as_str()) {
            return None;
        }
        process.parse().ok().filter(|&process| process > 0)
    })
}
