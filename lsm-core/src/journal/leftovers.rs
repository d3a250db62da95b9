//! Leftovers: files with names of ours that the manifest does not list.
//!
//! Most were made by a process that died before it could list or unlink them, and are cleared away.
//! One that cannot be told is reported and stays. A log segment that was used and that the manifest
//! does not know means that the manifest is an old copy, and is an error.

use std::collections::BTreeSet;
use std::ffi::OsString;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, Directory, File, read_full_at};
use crate::journal::listing::Listing;
use crate::journal::options::OpenReport;
use crate::journal::retired::Retired;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::manifest::Manifest;
use crate::version::unlink::Unlink;
use crate::wal::chain::is_unused;
use crate::wal::rewrite::REWRITTEN;

/// Files with names of ours that the manifest does not list.
#[derive(Debug, Default)]
pub struct Leftovers {
    logs: Vec<u64>,
    manifests: Vec<u64>,
    tables: Vec<u64>,
    blobs: Vec<u64>,
    /// Names that are not ours, or that cannot be told.
    pub unknown: Vec<OsString>,
}

/// Looks through the directory.
pub fn find_leftovers(
    dir: &dyn Directory,
    listing: &Listing,
    catalog: &Catalog,
) -> Result<Leftovers> {
    let mut leftovers = Leftovers { unknown: listing.foreign.clone(), ..Leftovers::default() };
    for &number in &listing.logs {
        if catalog.logs.contains_key(&number) {
            continue;
        }
        if is_leftover_log(dir, number, catalog)? {
            leftovers.logs.push(number);
        } else {
            leftovers.unknown.push(names::log(number).into());
        }
    }
    for &number in &listing.manifests {
        let file = dir.open(&names::manifest(number), Access::Read)?;
        let is_leftover = match FileHeader::read(file.as_ref(), FileKind::Manifest) {
            Ok(header) => header.database_id == catalog.database_id,
            Err(error) if error.kind() != ErrorKind::Corruption => return Err(error),
            Err(_) => is_empty(file.as_ref())?,
        };
        if is_leftover {
            leftovers.manifests.push(number);
        } else {
            leftovers.unknown.push(names::manifest(number).into());
        }
    }
    for &number in &listing.tables {
        if catalog.tables.contains_key(&number) {
            continue;
        }
        if is_leftover_file(dir, (&names::table(number), FileKind::Table), number, catalog)? {
            leftovers.tables.push(number);
        } else {
            leftovers.unknown.push(names::table(number).into());
        }
    }
    for &number in &listing.blobs {
        if catalog.blobs.values().any(|entry| entry.place == number) {
            continue;
        }
        if is_leftover_file(dir, (&names::blob(number), FileKind::Blob), number, catalog)? {
            leftovers.blobs.push(number);
        } else {
            leftovers.unknown.push(names::blob(number).into());
        }
    }
    Ok(leftovers)
}

/// Refuses a database of which a listed file of large values is missing or too short.
pub fn check_blobs(dir: &dyn Directory, catalog: &Catalog) -> Result<()> {
    for entry in catalog.blobs.values() {
        let name = names::blob(entry.place);
        let bytes = entry.bytes.unwrap_or_default();
        let found = match dir.open(&name, Access::Read) {
            Ok(file) => file.len()?,
            Err(error) if error.is_not_found() => {
                let message = "a file of large values that is still needed is missing";
                return Err(Error::corruption(&dir.path().join(&name), 0, message));
            }
            Err(error) => return Err(error),
        };
        if found < bytes {
            let message = format!("a file of large values of {bytes} bytes has {found}");
            return Err(Error::corruption(&dir.path().join(&name), found, message));
        }
    }
    Ok(())
}

/// Refuses a database of which a listed table is missing or has another length.
pub fn check_tables(dir: &dyn Directory, catalog: &Catalog) -> Result<()> {
    for (&number, entry) in &catalog.tables {
        let name = names::table(number);
        let bytes = entry.meta.bytes;
        let found = match dir.open(&name, Access::Read) {
            Ok(file) => file.len()?,
            Err(error) if error.is_not_found() => {
                let message = "a table that is still needed is missing";
                return Err(Error::corruption(&dir.path().join(&name), 0, message));
            }
            Err(error) => return Err(error),
        };
        if found != bytes {
            let message = format!("a table of {bytes} bytes has {found}");
            return Err(Error::corruption(&dir.path().join(&name), found.min(bytes), message));
        }
    }
    Ok(())
}

/// True if an unlisted table, or file of large values, was never listed, or is no longer. One that
/// was made after the last edit that the manifest knows means that the manifest is an old copy.
fn is_leftover_file(
    dir: &dyn Directory,
    (name, kind): (&str, FileKind),
    number: u64,
    catalog: &Catalog,
) -> Result<bool> {
    let file = dir.open(name, Access::Read)?;
    let header = match FileHeader::read(file.as_ref(), kind) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::Corruption => return is_unwritten(file.as_ref()),
        Err(error) if error.kind() == ErrorKind::Format => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_ours = header.database_id == catalog.database_id
        && header.incarnation == catalog.incarnation
        && header.number == number;
    if is_ours && header.edit > catalog.edit && !planted(Bug::StaleManifestAccepted) {
        let message = "the manifest does not know this file: a stale copy stands there";
        return Err(Error::corruption(file.path(), 64, message));
    }
    Ok(is_ours)
}

/// True if an unlisted segment is ours and holds nothing that only it holds. One that was used
/// while the manifest knows nothing of it means that the manifest is an old copy.
fn is_leftover_log(dir: &dyn Directory, number: u64, catalog: &Catalog) -> Result<bool> {
    let file = dir.open(&names::log(number), Access::Read)?;
    let header = match FileHeader::read(file.as_ref(), FileKind::Log) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::Corruption => return is_empty(file.as_ref()),
        Err(error) => return Err(error),
    };
    if header.database_id != catalog.database_id || header.number != number {
        return Ok(false);
    }
    let is_retired = number < catalog.log_start || header.flags & REWRITTEN != 0;
    if header.edit > catalog.edit || (!is_retired && !is_unused(file.as_ref(), &header)?) {
        let message = "the manifest does not know this log segment: a stale copy stands there";
        return Err(Error::corruption(file.path(), 64, message));
    }
    Ok(true)
}

/// Unlinks the leftovers, as far as no reader needs them. The current manifest and what a head may
/// name stay.
pub fn clear_leftovers(
    retired: &Retired,
    leftovers: &Leftovers,
    manifest: &Manifest,
    named: &BTreeSet<u64>,
    report: &mut OpenReport,
) {
    // Which edit removed them is not known, but none after this one listed them.
    let edit = manifest.catalog().edit;
    let mut clear = |name: String| {
        if let Err(error) = retired.unlink(&name, edit) {
            report.notes.push(format!("a leftover stays: {error}"));
        }
    };
    for &number in &leftovers.logs {
        clear(names::log(number));
    }
    for &number in &leftovers.tables {
        clear(names::table(number));
    }
    for &number in &leftovers.blobs {
        clear(names::blob(number));
    }
    for &number in &leftovers.manifests {
        if !named.contains(&number) && !manifest.is_current(number) {
            clear(names::manifest(number));
        }
    }
}

/// True if nothing was ever written to a file: its maker died first.
fn is_empty(file: &dyn File) -> Result<bool> {
    Ok(file.len()? == 0)
}

/// True if a table has no header: its maker died, and then the machine, before the first sync.
fn is_unwritten(file: &dyn File) -> Result<bool> {
    let mut header = [0; HEADER_LEN];
    read_full_at(file, &mut header, 0)?;
    Ok(header.iter().all(|&byte| byte == 0))
}
