//! The one error type: a word wide, cheap to clone, and made to answer "what should I do now?".
//!
//! A kind says what the caller can do, the message says what happened, and `path` and `offset` say
//! where, whenever there is a where. Errors are cloned freely, because the first cause of a fault
//! is handed to every later caller that meets its consequences.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of every fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. One word wide, so that `Result<()>` is too.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    offset: Option<u64>,
    source: Option<Arc<io::Error>>,
    maybe_committed: bool,
}

/// What the caller can do about an error; never how it came about inside.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Fix the call.
    InvalidArgument,
    /// This platform, medium or build cannot do it.
    Unsupported,
    /// The operating system failed; `source()` is its error.
    Io,
    /// Free some space, then retry.
    NoSpace,
    /// Stored bytes are wrong; `path()` and `offset()` say where. Restore or salvage.
    Corruption,
    /// Somebody else has the database open.
    Locked,
    /// A condition did not hold: read again and retry.
    Conflict,
    /// The deadline passed first.
    TimedOut,
    /// The database, or what the handle depended on, was closed.
    Closed,
    /// Opened read-only, or turned read-only by an earlier fault: mend it and `resume()`.
    ReadOnly,
    /// Not a database of ours, or written by a newer version.
    Format,
    /// A documented limit was exceeded.
    TooLarge,
    /// A callback refused.
    Aborted,
    /// Memory could not be had.
    OutOfMemory,
    /// In use right now: retry later.
    Busy,
    /// It is there already.
    Exists,
    /// The handle was inherited through `fork`: open the database anew in the child.
    Forked,
    /// A bug in this library: please report it.
    Internal,
}

impl Error {
    /// An error of `kind`; the message is a plain sentence without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Repr {
            kind,
            message: message.into(),
            path: None,
            offset: None,
            source: None,
            maybe_committed: false,
        }))
    }

    /// What the operating system answered to `operation` on `path`.
    #[must_use]
    pub fn from_io(operation: &str, path: &Path, source: io::Error) -> Self {
        Self::from_os(operation, source).at_path(path)
    }

    /// What the operating system answered to `operation`, where no file is concerned.
    #[must_use]
    pub fn from_os(operation: &str, source: io::Error) -> Self {
        let mut error = Self::new(kind_of_io(&source), format!("cannot {operation}"));
        error.edit().source = Some(Arc::new(source));
        error
    }

    /// Stored bytes at `offset` of `path` are not what was written.
    #[must_use]
    pub fn corruption(path: &Path, offset: u64, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corruption, message).at_path(path).at_offset(offset)
    }

    /// A call on a database that is closed.
    // Whoever asks whether it is is not to carry this along.
    #[cold]
    #[must_use]
    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the database is closed")
    }

    /// A write to a database that was opened to be read.
    #[cold]
    #[must_use]
    pub(crate) fn read_only() -> Self {
        Self::new(ErrorKind::ReadOnly, "the database was opened read-only")
    }

    /// The same error, naming a file.
    #[must_use]
    pub fn at_path(mut self, path: &Path) -> Self {
        self.edit().path = Some(path.to_path_buf());
        self
    }

    /// The same error, naming a byte of its file.
    #[must_use]
    pub fn at_offset(mut self, offset: u64) -> Self {
        self.edit().offset = Some(offset);
        self
    }

    /// The same error, with the number that the operating system has for it.
    #[must_use]
    pub fn with_os_code(mut self, code: i32) -> Self {
        self.edit().source = Some(Arc::new(io::Error::from_raw_os_error(code)));
        self
    }

    /// The same error, of something that is not there.
    #[must_use]
    pub fn and_not_found(self) -> Self {
        self.with_os_code(libc::ENOENT)
    }

    /// The same error, told of a write that may be there after a restart all the same.
    #[must_use]
    pub fn and_maybe_committed(mut self) -> Self {
        self.edit().maybe_committed = true;
        self
    }

    /// The same cause as another kind: what a later caller gets told of an earlier fault.
    #[must_use]
    pub fn as_cause_of(&self, kind: ErrorKind, message: &str) -> Self {
        let mut error = self.clone();
        let repr = error.edit();
        repr.message = format!("{message}: {}", self.0.message);
        repr.kind = kind;
        repr.maybe_committed = false;
        error
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without where.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file concerned, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The byte of that file where the trouble begins.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// True if the same call may succeed later with nothing else changed by the caller.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::NoSpace
            | ErrorKind::Locked
            | ErrorKind::Conflict
            | ErrorKind::TimedOut
            | ErrorKind::Busy => true,
            ErrorKind::Io => matches!(
                self.os_code(),
                Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::EINTR)
            ),
            _ => false,
        }
    }

    /// True if the write that failed may be found after a restart all the same.
    #[must_use]
    pub fn maybe_committed(&self) -> bool {
        self.0.maybe_committed
    }

    /// The operating system's error number, if it gave one.
    #[must_use]
    pub fn os_code(&self) -> Option<i32> {
        self.0.source.as_ref().and_then(|source| source.raw_os_error())
    }

    /// True if the operating system said that there is no such file or directory.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.source.as_ref().is_some_and(|source| source.kind() == io::ErrorKind::NotFound)
    }

    fn edit(&mut self) -> &mut Repr {
        Arc::make_mut(&mut self.0)
    }
}

fn kind_of_io(source: &io::Error) -> ErrorKind {
    match source.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => ErrorKind::NoSpace,
        Some(libc::EROFS) => ErrorKind::ReadOnly,
        Some(libc::ENOMEM) => ErrorKind::OutOfMemory,
        Some(libc::EEXIST) => ErrorKind::Exists,
        Some(libc::EOPNOTSUPP | libc::ENOSYS) => ErrorKind::Unsupported,
        _ => ErrorKind::Io,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(path) = &self.0.path {
            write!(f, " [{}", path.display())?;
            if let Some(offset) = self.0.offset {
                write!(f, " at byte {offset}")?;
            }
            f.write_str("]")?;
        }
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        if self.0.maybe_committed { f.write_str(" (maybe committed)") } else { Ok(()) }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

const _: () = assert!(size_of::<Result<()>>() == size_of::<usize>());

#[cfg(test)]
mod tests;
