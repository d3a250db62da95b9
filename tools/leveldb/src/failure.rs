//! What goes wrong, in LevelDB's words: programs compare them.

use std::fmt;
use std::io;
use std::path::Path;

use lsm_core::{Error, ErrorKind};

/// The sentence that a failed call answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

/// The result of whatever can fail.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// The call, or what it was called with, is wrong.
    pub fn invalid(about: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self(format!("Invalid argument: {about}: {what}"))
    }

    /// The call is right, and this library cannot do it.
    pub fn not_implemented(what: impl fmt::Display) -> Self {
        Self(format!("Not implemented: {what}"))
    }

    /// The operating system refused, or something else outside of the call did.
    pub fn io(about: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self(format!("IO error: {about}: {what}"))
    }

    /// A panic was caught.
    pub fn panicked() -> Self {
        Self::io("liblsm_leveldb", "a bug in this library: please report it")
    }

    /// Somebody has the database at `path` open: this process, or another one.
    pub fn locked(path: &Path, is_mine: bool) -> Self {
        let who =
            if is_mine { "already held by process" } else { "Resource temporarily unavailable" };
        Self::io(format!("lock {}", lock_of(path)), who)
    }

    /// What the operating system said when a lock was to be made in the directory `path`: LevelDB
    /// tells a missing directory apart.
    pub fn no_lock(path: &Path, error: &io::Error) -> Self {
        let told = error.to_string();
        // Rust adds the number, which C does not.
        let what = told.split(" (os error").next().unwrap_or_default();
        match error.kind() {
            io::ErrorKind::NotFound => Self(format!("NotFound: {}: {what}", lock_of(path))),
            _ => Self::io(lock_of(path), what),
        }
    }

    /// Memory could not be had.
    pub fn out_of_memory() -> Self {
        Self::io("malloc", "Cannot allocate memory")
    }

    /// The sentence.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The same cause in LevelDB's words. What is no database of ours is not called corrupt: programs
/// delete what is.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let word = match error.kind() {
            ErrorKind::Corruption => "Corruption",
            ErrorKind::Unsupported => "Not implemented",
            ErrorKind::InvalidArgument
            | ErrorKind::TooLarge
            | ErrorKind::Exists
            | ErrorKind::Format
            | ErrorKind::Closed => "Invalid argument",
            _ => "IO error",
        };
        Self(format!("{word}: {error}"))
    }
}

/// The lock as LevelDB calls it.
fn lock_of(path: &Path) -> String {
    format!("{}/LOCK", path.display())
}

/// A name that C gave, for a sentence.
#[must_use]
pub fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
