//! One open file, read and written at offsets.
//!
//! Every file is opened through its directory by `open_regular`, which lets nothing but regular
//! files through: it follows no link, waits for no pipe, and looks at what it got. Offsets are
//! held against the signed range of the system before each call, so none wraps.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the real file")]

#[cfg(test)]
mod tests;

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
#[cfg(target_os = "linux")]
use crate::env::fs::DIRECT_GRAIN;
use crate::env::fs::{Access, File, Window};
#[cfg(target_os = "linux")]
use crate::env::os::medium::traits_of;
use crate::env::os::sys::{self, FileId, Mode};

/// Fewer bytes are not worth a way of their own.
#[cfg(target_os = "linux")]
const DIRECT_MIN: usize = 64 << 10;

/// A regular file of the system.
#[derive(Debug)]
pub struct OsFile {
    file: Arc<fs::File>,
    path: PathBuf,
}

impl OsFile {
    /// Creates a file that its owner alone can read and write.
    pub(super) fn create(dir: BorrowedFd<'_>, name: &CStr, path: PathBuf) -> Result<Self> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        match sys::open_at(dir, name, flags) {
            Ok(fd) => Ok(Self { file: Arc::new(fd.into()), path }),
            Err(error) => Err(Error::from_io("create the file", &path, error)),
        }
    }

    /// Opens a file that exists.
    pub(super) fn open(
        dir: BorrowedFd<'_>,
        name: &CStr,
        path: PathBuf,
        access: Access,
    ) -> Result<Self> {
        let (file, _) = open_regular(dir, name, &path, access)?;
        Ok(Self { file: Arc::new(file), path })
    }

    fn failed(&self, operation: &str, error: io::Error) -> Error {
        Error::from_io(operation, &self.path, error)
    }

    /// An error if `len` bytes at `offset` are more than the system can count.
    fn check_range(&self, offset: u64, len: usize) -> Result<()> {
        match offset.checked_add(len as u64).map(i64::try_from) {
            Some(Ok(_)) => Ok(()),
            _ => {
                Err(Error::new(ErrorKind::InvalidArgument, "an offset is beyond every file's end")
                    .at_path(&self.path)
                    .at_offset(offset))
            }
        }
    }
}

impl File for OsFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        sys::len_of(&self.file).map_err(|error| self.failed("read the length of the file", error))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.check_range(offset, buffer.len())?;
        sys::retry(|| self.file.read_at(buffer, offset))
            .map_err(|error| self.failed("read the file", error).at_offset(offset))
    }

    #[cfg(target_os = "linux")]
    fn written_len(&self) -> Result<u64> {
        let (len, file) = (self.len()?, self.file.as_fd());
        // Not every file system counts what is still on its way to the disk. Those that take a
        // mapped log do.
        let is_known = sys::file_system_magic(file).is_ok_and(|magic| traits_of(magic).1);
        Ok(if is_known { sys::data_end(file, len).unwrap_or(len) } else { len })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.check_range(offset, bytes.len())?;
        sys::retry(|| self.file.write_at(bytes, offset))
            .map_err(|error| self.failed("write the file", error).at_offset(offset))
    }

    #[cfg(target_os = "linux")]
    fn write_past_cache(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.check_range(offset, bytes.len())?;
        let (piece, is_direct) = next_piece(bytes, offset);
        if is_direct {
            let file = &self.file;
            let written = sys::directly(file.as_fd(), || file.write_at(piece, offset));
            // Not every file system can.
            if !written.as_ref().is_err_and(sys::is_refused) {
                let failed = |error| self.failed("write the file", error).at_offset(offset);
                return written.map_err(failed);
            }
        }
        self.write_at(piece, offset)
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.check_range(len, 0)?;
        // The system refuses to reserve nothing, which is done already.
        if len == 0 {
            return Ok(());
        }
        sys::reserve(self.file.as_fd(), len)
            .map_err(|error| self.failed("reserve space for the file", error))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.check_range(len, 0)?;
        self.file.set_len(len).map_err(|error| self.failed("set the length of the file", error))
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed("sync the file", error))
    }

    fn sync_all(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| self.failed("sync the file", error))
    }

    #[cfg(target_os = "linux")]
    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>> {
        use crate::env::os::window::OsWindow;
        Ok(Box::new(OsWindow::map(Arc::clone(&self.file), &self.path, offset, len)?))
    }

    #[cfg(not(target_os = "linux"))]
    fn map(&self, _offset: u64, _len: u64) -> Result<Box<dyn Window>> {
        let message = "no mapped windows on this platform";
        Err(Error::new(ErrorKind::Unsupported, message).at_path(&self.path))
    }
}

/// What of these bytes to write next, and whether the page cache can be passed by for it: up to the
/// next place where it can, then all whole grains, then what is left.
#[cfg(target_os = "linux")]
fn next_piece(bytes: &[u8], offset: u64) -> (&[u8], bool) {
    let before = offset.next_multiple_of(DIRECT_GRAIN as u64) - offset;
    let (head, rest) = bytes.split_at(bytes.len().min(before as usize));
    let (grains, _) = rest.split_at(rest.len() - rest.len() % DIRECT_GRAIN);
    let is_aligned = rest.as_ptr().align_offset(DIRECT_GRAIN) == 0;
    match (grains.len() >= DIRECT_MIN && is_aligned, head) {
        (false, _) => (bytes, false),
        (true, []) => (grains, true),
        (true, _) => (head, false),
    }
}

/// Opens what a name in a directory stands for, if that is a regular file, and says which one.
pub(super) fn open_regular(
    dir: BorrowedFd<'_>,
    name: &CStr,
    path: &Path,
    access: Access,
) -> Result<(fs::File, FileId)> {
    let access = match access {
        Access::Read => libc::O_RDONLY,
        Access::ReadWrite => libc::O_RDWR,
    };
    // Without O_NONBLOCK the opening of a pipe waits for its other end; a terminal must not become
    // the one that controls this process.
    let file = match sys::open_at(dir, name, access | libc::O_NONBLOCK | libc::O_NOCTTY) {
        Ok(fd) => fs::File::from(fd),
        Err(error) => {
            return Err(match sys::status_at(dir, name) {
                Ok((mode, _)) if !mode.is_regular() => not_regular(mode, path),
                _ => Error::from_io("open the file", path, error),
            });
        }
    };
    let metadata = file.metadata().map_err(|error| Error::from_io("look at the file", path, error));
    let metadata = metadata?;
    let mode = Mode(metadata.mode());
    if !mode.is_regular() {
        return Err(not_regular(mode, path));
    }
    Ok((file, FileId { device: metadata.dev(), inode: metadata.ino() }))
}

fn not_regular(mode: Mode, path: &Path) -> Error {
    let message = format!("this is {}, and should be a regular file", mode.noun());
    Error::new(ErrorKind::Format, message).at_path(path)
}
