//! What lies in a directory, told by its names before anything is opened: LevelDB's own files are
//! never touched.

#![allow(clippy::disallowed_methods, reason = "a look at names, beside the engine and before it")]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use lsm_core::env::os::world::real;
use lsm_core::journal::lockfile::{read_writer, share};
use lsm_core::record::names::FileName;
use lsm_core::{Error, ErrorKind};

use crate::failure::{Failure, Result};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing, or nothing that can be listed.
    Missing,
    /// A directory with no database in it.
    Vacant,
    /// A database of ours, or what is left of one.
    Ours,
    /// A database in LevelDB's own format.
    LevelDb,
}

impl Place {
    /// Looks at the names in a directory.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let Ok(entries) = fs::read_dir(path) else { return Self::Missing };
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let parsed = || names.iter().filter_map(|name| FileName::parse(name));
        if parsed().any(|name| name == FileName::Head) {
            return Self::Ours;
        }
        if names.iter().any(|name| is_leveldbs(name)) {
            return Self::LevelDb;
        }
        if parsed().next().is_some() { Self::Ours } else { Self::Vacant }
    }
}

/// True for a name that only a database of LevelDB's has: a file that names the manifest, a
/// manifest, a log, a table under its newer name. Its numbers have six digits at least.
fn is_leveldbs(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_number = |text: &str| text.len() >= 6 && text.bytes().all(|it| it.is_ascii_digit());
    name == "CURRENT"
        || name.strip_prefix("MANIFEST-").is_some_and(is_number)
        || [".log", ".ldb"].iter().any(|end| name.strip_suffix(end).is_some_and(is_number))
}

/// The answer to whoever opens, repairs or destroys a database in LevelDB's own format.
#[must_use]
pub fn leveldbs(path: &Path) -> Failure {
    Failure::invalid(
        path.display(),
        "this database is in LevelDB's own format, which this library neither reads nor changes; \
         to convert it, read every pair with LevelDB's library and put it through this one into \
         another directory",
    )
}

/// Refuses what LevelDB refuses before it opens anything, and its own databases.
pub fn check(path: &Path, may_create: bool) -> Result<()> {
    let place = Place::of(path);
    if place == Place::Missing {
        check_can_hold(path)?;
    }
    match place {
        Place::LevelDb => Err(leveldbs(path)),
        Place::Missing | Place::Vacant if !may_create => {
            Err(Failure::invalid(path.display(), "does not exist (create_if_missing is false)"))
        }
        _ => Ok(()),
    }
}

/// Refuses a path at which LevelDB could not have made its lock: it makes one directory, not those
/// above it.
fn check_can_hold(path: &Path) -> Result<()> {
    let above = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let listed = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::read_dir(above.unwrap_or(Path::new(".")))
        }
        listed => listed,
    };
    listed.map(drop).map_err(|error| Failure::no_lock(path, &error))
}

/// The failure of an opening, in the words that LevelDB has for it: it asks for the lock first.
#[must_use]
pub fn not_opened(path: &Path, error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Locked => locked(path),
        ErrorKind::Exists if is_open(path) => locked(path),
        ErrorKind::Exists => Failure::invalid(path.display(), "exists (error_if_exists is true)"),
        _ => Failure::from(error),
    }
}

/// True if somebody has the database open.
fn is_open(path: &Path) -> bool {
    let shared = real().fs.open_dir(path).and_then(|dir| share(dir.as_ref()));
    shared.is_err_and(|error| error.kind() == ErrorKind::Locked)
}

/// The answer to whoever wants a database that is open: in this process, or in another one.
fn locked(path: &Path) -> Failure {
    let env = real();
    let writer = env.fs.open_dir(path).ok().and_then(|dir| read_writer(dir.as_ref()));
    let is_mine = writer.is_some_and(|writer| writer.process_id == env.host.process_id());
    Failure::locked(path, is_mine)
}

/// Deletes the directory if it is empty.
pub fn remove_if_empty(path: &Path) {
    // As in LevelDB: that it holds other files, or that it is gone, is no failure.
    let _stays = fs::remove_dir(path);
}
