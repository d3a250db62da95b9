//! The calls on files and directories that the standard library lacks, or makes in a way that costs
//! more, each in a safe wrapper.
//!
//! Invariants: a descriptor goes in borrowed and comes out owned, so none is used after its close
//! and none leaks; every path is one name relative to an open directory; `EINTR` never gets out.
//! Nothing here knows the errors of this crate: callers know which file they speak of.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString};
use std::io::{self, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

// The GNU library has the calls with 64-bit offsets beside the old ones; others have one kind.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use libc::{
    fallocate64 as fallocate, fstatat64 as fstatat, fstatvfs64 as fstatvfs, lseek64 as seek,
    readdir64 as readdir,
};
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
use libc::{fstatat, fstatvfs, readdir};

#[cfg(all(target_os = "linux", not(target_env = "gnu")))]
use libc::{fallocate, lseek as seek};

// The type bits of a file's mode; every Unix has the same.
const TYPE_BITS: u32 = 0o170_000;
const TYPE_PIPE: u32 = 0o010_000;
const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_REGULAR: u32 = 0o100_000;
const TYPE_LINK: u32 = 0o120_000;
const TYPE_SOCKET: u32 = 0o140_000;

/// `MADV_POPULATE_WRITE`, since Linux 5.14; older kernels answer `EINVAL`.
#[cfg(target_os = "linux")]
pub(super) const POPULATE_WRITE: libc::c_int = 23;

/// A file with more holes than this counts as one without.
#[cfg(target_os = "linux")]
const HOLES: usize = 64;

/// What a name stands for, as its mode says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode(pub(super) u32);

impl Mode {
    pub(super) fn is_regular(self) -> bool {
        self.0 & TYPE_BITS == TYPE_REGULAR
    }

    pub(super) fn is_directory(self) -> bool {
        self.0 & TYPE_BITS == TYPE_DIRECTORY
    }

    /// In words, for messages.
    pub(super) fn noun(self) -> &'static str {
        match self.0 & TYPE_BITS {
            TYPE_REGULAR => "a regular file",
            TYPE_DIRECTORY => "a directory",
            TYPE_LINK => "a symbolic link",
            TYPE_PIPE => "a pipe",
            TYPE_SOCKET => "a socket",
            _ => "a device",
        }
    }
}

/// Which file it is, by whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Runs a call again for as long as a signal cuts it short.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// How long a file is. Whoever asks for its times has the system write these down with the next
/// sync, however few bytes that is for, and the sync takes half as long again: so the position,
/// which nothing else uses, goes to the end instead.
#[allow(clippy::disallowed_types, reason = "this is the real file")]
pub(super) fn len_of(mut file: &std::fs::File) -> io::Result<u64> {
    file.seek(SeekFrom::End(0))
}

/// The result of a call that answers -1 on failure.
pub(super) fn check(code: libc::c_int) -> io::Result<libc::c_int> {
    if code == -1 { Err(io::Error::last_os_error()) } else { Ok(code) }
}

/// A plain file name for the system: not empty, no path, no zero byte.
pub(super) fn plain_name(name: &str) -> Option<CString> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return None;
    }
    CString::new(name).ok()
}

/// Opens a name in a directory. Never follows a link, never leaks into a program that is started.
pub(super) fn open_at(dir: BorrowedFd<'_>, name: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // Read only if the flags say that a file is to be created; private to its owner.
    let mode: libc::c_uint = 0o600;
    let fd = retry(|| {
        // SAFETY: `dir` is open and `name` ends in a zero byte, both for as long as the call.
        check(unsafe { libc::openat(dir.as_raw_fd(), name.as_ptr(), flags, mode) })
    })?;
    // SAFETY: the call just made this descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Gives a name in a directory to what had another.
pub(super) fn rename_at(dir: BorrowedFd<'_>, from: &CStr, to: &CStr) -> io::Result<()> {
    let fd = dir.as_raw_fd();
    // SAFETY: `dir` is open and both names end in a zero byte, all for as long as the call.
    retry(|| check(unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) }))?;
    Ok(())
}

/// Takes a name out of a directory.
pub(super) fn unlink_at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    // SAFETY: `dir` is open and `name` ends in a zero byte, both for as long as the call.
    retry(|| check(unsafe { libc::unlinkat(dir.as_raw_fd(), name.as_ptr(), 0) }))?;
    Ok(())
}

/// What a name in a directory stands for, without opening it or following it.
#[allow(clippy::unnecessary_cast, reason = "the fields are narrower or signed on other systems")]
pub(super) fn status_at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<(Mode, FileId)> {
    let mut status = MaybeUninit::zeroed();
    retry(|| {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        // SAFETY: `dir` is open, `name` ends in a zero byte, and `status` has room for the answer,
        // all for as long as the call.
        check(unsafe { fstatat(dir.as_raw_fd(), name.as_ptr(), status.as_mut_ptr(), flags) })
    })?;
    // SAFETY: the call succeeded and filled it; all-zero is a valid value anyway.
    let status = unsafe { status.assume_init() };
    let id = FileId { device: status.st_dev as u64, inode: status.st_ino as u64 };
    Ok((Mode(status.st_mode as u32), id))
}

/// A stream over the names of a directory, closed when dropped.
struct Names(*mut libc::DIR);

impl Names {
    /// On a descriptor of its own: the position in a directory belongs to the open description.
    fn open(dir: BorrowedFd<'_>) -> io::Result<Self> {
        let fd = open_at(dir, c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
        // SAFETY: the descriptor is open and is a directory's.
        let stream = unsafe { libc::fdopendir(fd.as_raw_fd()) };
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        // The stream owns it from here on.
        let _ = fd.into_raw_fd();
        Ok(Self(stream))
    }

    /// The next name, with its mode where the directory itself has it.
    fn next(&mut self) -> io::Result<Option<(CString, Option<Mode>)>> {
        set_errno(0);
        // SAFETY: the stream is open, and `&mut` keeps every other reader off it.
        let entry = unsafe { readdir(self.0) };
        if entry.is_null() {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(0) { Ok(None) } else { Err(error) };
        }
        // SAFETY: the entry stays valid until the next call on this stream, and its name ends in a
        // zero byte. No reference to the whole entry is made: it may be shorter than its type.
        let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
        #[cfg(target_os = "linux")]
        // SAFETY: as above.
        let mode = match unsafe { (*entry).d_type } {
            libc::DT_UNKNOWN => None,
            kind => Some(Mode(u32::from(kind) << 12)),
        };
        #[cfg(not(target_os = "linux"))]
        let mode = None;
        Ok(Some((name.to_owned(), mode)))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and this is its last use.
        unsafe { libc::closedir(self.0) };
    }
}

/// Every name in a directory but `.` and `..`, in no order.
pub(super) fn list(dir: BorrowedFd<'_>) -> io::Result<Vec<(OsString, Mode)>> {
    let mut names = Names::open(dir)?;
    let mut entries = Vec::new();
    while let Some((name, mode)) = names.next()? {
        if name.as_c_str() == c"." || name.as_c_str() == c".." {
            continue;
        }
        let mode = match mode {
            Some(mode) => mode,
            None => match status_at(dir, &name) {
                Ok((mode, _)) => mode,
                // It went away since the stream named it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            },
        };
        entries.push((OsString::from_vec(name.into_bytes()), mode));
    }
    Ok(entries)
}

/// Reserves the space of a file up to `len`, without writing it, and makes it that long.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    let len = len.try_into().map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    // SAFETY: `file` is open for as long as the call, which touches no memory of ours.
    retry(|| check(unsafe { fallocate(file.as_raw_fd(), 0, 0, len) }))?;
    Ok(())
}

/// Only Linux tells a reservation from a write of zeros.
#[cfg(not(target_os = "linux"))]
pub(super) fn reserve(_file: BorrowedFd<'_>, _len: u64) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// Lets a call on an open file go to the medium past the page cache, again for as long as a signal
/// cuts it short. What else is done with the file meanwhile does so too.
#[cfg(target_os = "linux")]
pub(super) fn directly<T>(
    file: BorrowedFd<'_>,
    call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let file = file.as_raw_fd();
    // SAFETY: the file is open for as long as the call, which touches no memory of ours.
    let flags = check(unsafe { libc::fcntl(file, libc::F_GETFL) })?;
    // SAFETY: as above.
    check(unsafe { libc::fcntl(file, libc::F_SETFL, flags | libc::O_DIRECT) })?;
    let result = retry(call);
    // SAFETY: as above.
    check(unsafe { libc::fcntl(file, libc::F_SETFL, flags) })?;
    result
}

/// True if the system has refused what was asked of it, and not failed at it.
#[cfg(target_os = "linux")]
pub(super) fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

/// Where the last of a file's `len` bytes ends that was ever written.
#[cfg(target_os = "linux")]
pub(super) fn data_end(file: BorrowedFd<'_>, len: u64) -> io::Result<u64> {
    let mut data = 0;
    for _ in 0..HOLES {
        let hole = next(file, data, libc::SEEK_HOLE)?;
        if hole >= len {
            return Ok(len);
        }
        match next(file, hole, libc::SEEK_DATA) {
            Ok(more) => data = more,
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Ok(hole),
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// The next place at or after `from` that was written, or that was not.
#[cfg(target_os = "linux")]
fn next(file: BorrowedFd<'_>, from: u64, what: libc::c_int) -> io::Result<u64> {
    let from = from.try_into().map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))?;
    // SAFETY: `file` is open for as long as the call, which touches no memory. Nothing reads or
    // writes at the place that it moves.
    let found = unsafe { seek(file.as_raw_fd(), from, what) };
    u64::try_from(found).map_err(|_| io::Error::last_os_error())
}

/// The free bytes for this user where `file` lies, and whether nothing can be written there.
#[allow(clippy::unnecessary_cast, reason = "the fields are narrower on other systems")]
pub(super) fn space(file: BorrowedFd<'_>) -> io::Result<(u64, bool)> {
    let mut answer = MaybeUninit::zeroed();
    // SAFETY: `file` is open and `answer` has room for the answer, both for as long as the call.
    retry(|| check(unsafe { fstatvfs(file.as_raw_fd(), answer.as_mut_ptr()) }))?;
    // SAFETY: the call succeeded and filled it; all-zero is a valid value anyway.
    let answer = unsafe { answer.assume_init() };
    let free = (answer.f_bavail as u64).saturating_mul(answer.f_frsize as u64);
    Ok((free, answer.f_flag & libc::ST_RDONLY != 0))
}

/// The number by which the file system under `file` is known.
#[cfg(target_os = "linux")]
pub(super) fn file_system_magic(file: BorrowedFd<'_>) -> io::Result<u32> {
    let mut answer = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `file` is open and `answer` has room for the answer, both for as long as the call.
    retry(|| check(unsafe { libc::fstatfs(file.as_raw_fd(), answer.as_mut_ptr()) }))?;
    // SAFETY: the call succeeded and filled it; all-zero is a valid value anyway.
    Ok(unsafe { answer.assume_init() }.f_type as u32)
}

/// Locks an open file against every other open of it; `WouldBlock` if somebody has it.
pub(super) fn lock(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: `file` is open for as long as the call, which touches no memory.
    retry(|| check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }))?;
    Ok(())
}

/// Locks an open file against `lock`, beside others that do the same; `WouldBlock` if somebody has
/// it for himself.
pub(super) fn share(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: `file` is open for as long as the call, which touches no memory.
    retry(|| check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_SH | libc::LOCK_NB) }))?;
    Ok(())
}

/// Ends `lock` or `share`, whoever else has a copy of the descriptor.
pub(super) fn unlock(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: `file` is open for as long as the call, which touches no memory.
    retry(|| check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_UN) }))?;
    Ok(())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
type Range = libc::flock64;
#[cfg(all(target_os = "linux", not(target_env = "gnu")))]
type Range = libc::flock;

#[cfg(target_os = "linux")]
fn range(kind: libc::c_int, offset: u64, len: u64) -> io::Result<Range> {
    let too_far = |_| io::Error::from_raw_os_error(libc::EOVERFLOW);
    // SAFETY: the type is made of integers, for which zero is a value. Some targets have padding
    // fields that cannot be named, so it cannot be written out. The process id has to be zero.
    let mut range: Range = unsafe { MaybeUninit::zeroed().assume_init() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = offset.try_into().map_err(too_far)?;
    range.l_len = len.try_into().map_err(too_far)?;
    Ok(range)
}

/// Claims bytes of an open file against every other open of it; `WouldBlock` if somebody has them.
#[cfg(target_os = "linux")]
pub(super) fn claim(file: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<()> {
    let range = range(libc::F_WRLCK, offset, len)?;
    // SAFETY: `file` is open and `range` is what this command reads, both as long as the call.
    retry(|| check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) }))?;
    Ok(())
}

/// Ends `claim`, whoever else has a copy of the descriptor.
#[cfg(target_os = "linux")]
pub(super) fn release(file: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<()> {
    let range = range(libc::F_UNLCK, offset, len)?;
    // SAFETY: `file` is open and `range` is what this command reads, both as long as the call.
    retry(|| check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) }))?;
    Ok(())
}

/// True if another open of the file has a claim on any of these bytes.
#[cfg(target_os = "linux")]
pub(super) fn is_claimed(file: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<bool> {
    let mut range = range(libc::F_WRLCK, offset, len)?;
    // SAFETY: `file` is open and `range` is what this command reads and fills, both as long as the
    // call.
    retry(|| check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut range) }))?;
    Ok(i32::from(range.l_type) != libc::F_UNLCK)
}

/// Locks that belong to an open file and not to a process are had on Linux only.
#[cfg(not(target_os = "linux"))]
pub(super) fn claim(_file: BorrowedFd<'_>, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// See `claim`.
#[cfg(not(target_os = "linux"))]
pub(super) fn release(_file: BorrowedFd<'_>, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

/// See `claim`.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_claimed(_file: BorrowedFd<'_>, _offset: u64, _len: u64) -> io::Result<bool> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

fn errno_place() -> *mut libc::c_int {
    // SAFETY: the call has no conditions; its answer is this thread's own variable.
    unsafe {
        #[cfg(any(target_os = "linux", target_os = "dragonfly", target_os = "emscripten"))]
        return libc::__errno_location();
        #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
        return libc::__error();
        #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
        return libc::__errno();
        #[cfg(any(target_os = "illumos", target_os = "solaris"))]
        return libc::___errno();
    }
}

/// This thread's last error number.
#[cfg(target_os = "linux")]
pub(super) fn errno() -> libc::c_int {
    // SAFETY: the place is this thread's own and lives as long as the thread.
    unsafe { *errno_place() }
}

/// Sets this thread's last error number.
pub(super) fn set_errno(value: libc::c_int) {
    // SAFETY: the place is this thread's own and lives as long as the thread.
    unsafe { *errno_place() = value };
}
