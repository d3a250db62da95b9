//! The end of a database: its own files go, and nothing else does.
//!
//! First what the heads lead to, then, once that is durable, the heads, and last the lock. Whatever
//! a crash leaves in between is refused by an opening, and is still told to be this database: the
//! next call goes on with it.

use std::ffi::OsString;
use std::path::Path;

use crate::base::error::{ErrorKind, Result};
use crate::env::fs::{Access, Directory, read_full_at};
use crate::env::world::Env;
use crate::journal::directory::{check_medium, no_database};
use crate::journal::listing::Listing;
use crate::journal::lockfile;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN, MAGIC};
use crate::record::names::{self, HEADS, LOCK, UNFINISHED};
use crate::version::head::read_heads;

/// What became of a database that was destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Files that were deleted.
    pub files: u64,
    /// Names in the directory that are not the database's, or that cannot be told: they stay, and
    /// with them the directory.
    pub left: Vec<OsString>,
}

/// Deletes the files of the database at `path`. `Locked` while somebody has it open; a directory
/// that holds none is refused and not touched.
pub fn destroy(env: &Env, path: &Path) -> Result<Destroyed> {
    let dir = env
        .fs
        .open_dir(path)
        .map_err(|error| if error.is_not_found() { no_database(path) } else { error })?;
    let dir = dir.as_ref();
    let listing = Listing::read(dir)?;
    check_is_database(dir, &listing)?;
    check_medium(dir)?;
    let _lock = lockfile::take(dir, !listing.has_lock)?;
    let _no_readers = lockfile::keep_readers_out(dir)?;
    // Again, for the names may have changed before the lock.
    let listing = Listing::read(dir)?;
    check_is_database(dir, &listing)?;
    let id = identity(dir, &listing)?;

    let mut done = Destroyed { files: 0, left: listing.foreign.clone() };
    for (name, kind) in numbered(&listing) {
        if is_ours(dir, &name, kind, id)? {
            done.unlink(dir, &name)?;
        } else {
            done.left.push(name.into());
        }
    }
    // The heads tell which database it was, and that there was one: they outlive the rest.
    dir.sync()?;
    for head in HEADS {
        done.unlink(dir, head.scratch)?;
        done.unlink(dir, head.live)?;
    }
    done.unlink(dir, UNFINISHED)?;
    dir.sync()?;
    done.unlink(dir, LOCK)?;
    dir.sync()?;
    Ok(done)
}

impl Destroyed {
    fn unlink(&mut self, dir: &dyn Directory, name: &str) -> Result<()> {
        match dir.unlink(name) {
            Ok(()) => self.files += 1,
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Refuses a directory in which nothing shows that it is a database. Other programs too have files
/// with numbers and these endings.
fn check_is_database(dir: &dyn Directory, listing: &Listing) -> Result<()> {
    let heads = HEADS.iter().map(|head| head.live.to_owned());
    let manifests = listing.manifests.iter().map(|&number| names::manifest(number));
    for name in heads.chain([LOCK, UNFINISHED].map(str::to_owned)).chain(manifests) {
        match begins_as_ours(dir, &name) {
            Ok(true) => return Ok(()),
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Err(no_database(dir.path()))
}

fn begins_as_ours(dir: &dyn Directory, name: &str) -> Result<bool> {
    let mut magic = [0; MAGIC.len()];
    let file = dir.open(name, Access::Read)?;
    Ok(read_full_at(file.as_ref(), &mut magic, 0)? == magic.len() && magic == MAGIC)
}

/// The id that is in every file of the database: the heads say it, or whatever file still does.
fn identity(dir: &dyn Directory, listing: &Listing) -> Result<Option<[u8; 16]>> {
    if let Some(head) = read_heads(dir)?.current {
        return Ok(Some(head.header.database_id));
    }
    for (name, kind) in numbered(listing) {
        let file = dir.open(&name, Access::Read)?;
        if let Ok(header) = FileHeader::read(file.as_ref(), kind) {
            return Ok(Some(header.database_id));
        }
    }
    Ok(None)
}

/// Names with a number and what they stand for, manifests first: without one, none of the rest
/// counts.
fn numbered(listing: &Listing) -> Vec<(String, FileKind)> {
    let manifests = listing.manifests.iter().map(|&it| (names::manifest(it), FileKind::Manifest));
    let logs = listing.logs.iter().map(|&it| (names::log(it), FileKind::Log));
    let tables = listing.tables.iter().map(|&it| (names::table(it), FileKind::Table));
    let blobs = listing.blobs.iter().map(|&it| (names::blob(it), FileKind::Blob));
    manifests.chain(logs).chain(tables).chain(blobs).collect()
}

/// True if a file is this database's: it says so, or it is damaged and once began as one of ours,
/// or its maker died before it wrote anything.
fn is_ours(dir: &dyn Directory, name: &str, kind: FileKind, id: Option<[u8; 16]>) -> Result<bool> {
    let file = dir.open(name, Access::Read)?;
    match FileHeader::read(file.as_ref(), kind) {
        Ok(header) => Ok(id.is_none_or(|id| header.database_id == id)),
        Err(error) if error.kind() == ErrorKind::Format => Ok(false),
        Err(error) if error.kind() != ErrorKind::Corruption => Err(error),
        Err(_) => {
            let mut header = [0; HEADER_LEN];
            read_full_at(file.as_ref(), &mut header, 0)?;
            Ok(header.iter().all(|&byte| byte == 0) || header.starts_with(&MAGIC))
        }
    }
}
