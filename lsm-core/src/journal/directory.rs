//! The directory of a database: found, made, and held against what it may be.
//!
//! A directory that was made is durable only when the one above it is synced. An attempt that died
//! in between leaves directories that no later attempt can tell from old ones, so making a database
//! syncs every directory above it that can be opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::Directory;
use crate::env::world::Env;
use crate::journal::listing::Listing;
use crate::options::durability::IfMissing;
use crate::version::unnamed::{Unnamed, inspect_unnamed};

/// Opens the directory, or makes it and those above it.
pub fn open_or_make_dir(
    env: &Env,
    path: &Path,
    if_missing: IfMissing,
) -> Result<Arc<dyn Directory>> {
    match env.fs.open_dir(path) {
        Err(error) if error.is_not_found() && if_missing == IfMissing::Fail => {
            Err(no_database(path))
        }
        Err(error) if error.is_not_found() => {
            make_dirs(env, path)?;
            env.fs.open_dir(path)
        }
        other => other,
    }
}

/// Makes the directory and those above it that are missing, outermost first, each made durable by
/// a sync of the one it lies in.
fn make_dirs(env: &Env, path: &Path) -> Result<()> {
    let parent = parent_of(path);
    match env.fs.create_dir(path) {
        Err(error) if error.is_not_found() && parent != path => {
            make_dirs(env, &parent)?;
            env.fs.create_dir(path)?;
        }
        Err(error) if error.kind() != ErrorKind::Exists => return Err(error),
        _ => {}
    }
    sync_parent(env, path)
}

fn sync_parent(env: &Env, path: &Path) -> Result<()> {
    if planted(Bug::ParentDirNotSynced) {
        return Ok(());
    }
    env.fs.sync_dir(&parent_of(path))
}

/// Syncs the directory above, and as far as it can be had those above that one.
pub fn sync_ancestors(env: &Env, path: &Path) -> Result<()> {
    sync_parent(env, path)?;
    for ancestor in parent_of(path).ancestors().skip(1) {
        let path = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        if env.fs.sync_dir(path).is_err() {
            break;
        }
    }
    Ok(())
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None => path.to_path_buf(),
    }
}

/// The error of a call that makes no database and finds none.
#[must_use]
pub fn no_database(path: &Path) -> Error {
    let error = Error::new(ErrorKind::InvalidArgument, "there is no database here");
    error.at_path(path).and_not_found()
}

/// Refuses a directory in which no database may be made.
pub fn check_may_create(
    dir: &dyn Directory,
    listing: &Listing,
    if_missing: IfMissing,
) -> Result<()> {
    listing.check_may_create(dir)?;
    for &number in &listing.manifests {
        if inspect_unnamed(dir, number)? == Unnamed::Used {
            let message = "both heads of the database are missing, and its manifest is there";
            return Err(Error::new(ErrorKind::Corruption, message).at_path(dir.path()));
        }
    }
    if if_missing == IfMissing::Fail { Err(no_database(dir.path())) } else { Ok(()) }
}

/// Refuses a medium that cannot be written.
pub fn check_medium(dir: &dyn Directory) -> Result<()> {
    if dir.medium()?.is_read_only {
        let message = "the medium is read-only, and opening for writing needs to write";
        return Err(Error::new(ErrorKind::ReadOnly, message).at_path(dir.path()));
    }
    Ok(())
}
