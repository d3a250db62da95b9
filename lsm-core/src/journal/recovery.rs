//! From a directory to a recovered state: create or read the manifest, read the log, and if the
//! database was not closed in order, copy what survived into new files before anything else.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, Directory, Lock};
use crate::env::host::Host;
use crate::env::world::Env;
use crate::journal::listing::Listing;
use crate::journal::lockfile::{self, Writer};
use crate::journal::options::{IfMissing, JournalOptions, OpenReport};
use crate::key::seqno::SeqNo;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::{Edit, Seal};
use crate::version::head::{FoundHeads, read_heads};
use crate::version::manifest::{Manifest, RecoveredManifest, Unnamed, inspect_unnamed};
use crate::wal::chain::{ChainRead, Listed, Replayed, Witness, is_unused, read_chain};
use crate::wal::log::ChainEnd;
use crate::wal::rewrite::{REWRITTEN, Rewrite};
use crate::wal::seam::Seam;

/// A replay of batches, in commit order.
pub type Replay<'a> = dyn FnMut(Replayed<'_>) -> Result<()> + 'a;

/// A database directory that was recovered and is ready to be written.
#[derive(Debug)]
pub struct Recovered {
    /// The directory.
    pub dir: Arc<dyn Directory>,
    /// The lock on it.
    pub lock: Box<dyn Lock>,
    /// The manifest.
    pub manifest: Manifest,
    /// Where the log goes on.
    pub end: ChainEnd,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
    /// What was found.
    pub report: OpenReport,
}

/// Opens the directory, takes the lock, and recovers what is there.
pub fn recover(
    env: &Env,
    path: &Path,
    options: &JournalOptions,
    replay: &mut Replay<'_>,
) -> Result<Recovered> {
    let dir = open_or_make_dir(env, path, options.if_missing)?;
    let listing = Listing::read(dir.as_ref())?;
    if listing.has_head && options.if_missing == IfMissing::MustBeMissing {
        let message = "there is a database already";
        return Err(Error::new(ErrorKind::Exists, message).at_path(path));
    }
    if !listing.has_head {
        check_may_create(dir.as_ref(), &listing, options.if_missing)?;
    }
    check_medium(dir.as_ref())?;
    let lock = lockfile::take(dir.as_ref(), !listing.has_lock)?;
    let listing = Listing::read(dir.as_ref())?;
    let recovered = if listing.has_head {
        recover_existing(env, dir, lock, &listing, replay)?
    } else {
        check_may_create(dir.as_ref(), &listing, options.if_missing)?;
        create(env, dir, lock, &listing)?
    };
    sign_lock(env, &recovered)?;
    Ok(recovered)
}

fn open_or_make_dir(env: &Env, path: &Path, if_missing: IfMissing) -> Result<Arc<dyn Directory>> {
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
    env.fs.open_dir(&parent_of(path))?.sync()
}

/// Syncs the directories above, as far as they can be opened: an earlier attempt may have made
/// any of them and died before it synced the one above.
fn sync_ancestors(env: &Env, path: &Path) -> Result<()> {
    sync_parent(env, path)?;
    for ancestor in parent_of(path).ancestors().skip(1) {
        let path = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        match env.fs.open_dir(path) {
            Ok(dir) => dir.sync()?,
            Err(_) => break,
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

fn no_database(path: &Path) -> Error {
    Error::new(ErrorKind::InvalidArgument, "there is no database here").at_path(path)
}

fn check_may_create(dir: &dyn Directory, listing: &Listing, if_missing: IfMissing) -> Result<()> {
    listing.check_may_create(dir)?;
    for &number in &listing.manifests {
        if inspect_unnamed(dir, number)? == Unnamed::Used {
            let message = "both heads of the database are missing, and its manifest is there";
            return Err(Error::new(ErrorKind::Corruption, message).at_path(dir.path()));
        }
    }
    if if_missing == IfMissing::Fail { Err(no_database(dir.path())) } else { Ok(()) }
}

fn check_medium(dir: &dyn Directory) -> Result<()> {
    if dir.medium()?.is_read_only {
        let message = "the medium is read-only, and opening for writing needs to write";
        return Err(Error::new(ErrorKind::ReadOnly, message).at_path(dir.path()));
    }
    Ok(())
}

fn create(
    env: &Env,
    dir: Arc<dyn Directory>,
    lock: Box<dyn Lock>,
    listing: &Listing,
) -> Result<Recovered> {
    sync_ancestors(env, dir.path())?;
    let manifest = Manifest::create(dir.clone(), env.host.clone(), listing.number_floor())?;
    let mut report = OpenReport { is_new: true, ..OpenReport::default() };
    for &number in &listing.manifests {
        let name = names::manifest(number);
        match inspect_unnamed(dir.as_ref(), number)? {
            Unnamed::Unfinished => dir.unlink(&name)?,
            _ => report.unknown.push(name.into()),
        }
    }
    let next_seqno = first_seqno(manifest.catalog());
    Ok(Recovered { dir, lock, manifest, end: ChainEnd::default(), next_seqno, report })
}

fn recover_existing(
    env: &Env,
    dir: Arc<dyn Directory>,
    lock: Box<dyn Lock>,
    listing: &Listing,
    replay: &mut Replay<'_>,
) -> Result<Recovered> {
    let heads = read_heads(dir.as_ref())?;
    let RecoveredManifest { mut manifest, is_clean, dropped_bytes } =
        Manifest::recover(dir.clone(), env.host.clone(), &heads, listing.number_floor())?;
    let leftovers = find_leftovers(dir.as_ref(), listing, manifest.catalog())?;
    let witness = witness_of(manifest.catalog(), env.host.as_ref());
    let listed = listed_of(manifest.catalog());
    let read = read_chain(dir.as_ref(), &listed, &witness, replay)?;

    let was_clean = is_clean && read.is_sealed;
    let mut report = OpenReport {
        was_clean,
        batches: read.batches,
        dropped_bytes: dropped_bytes + read.dropped_bytes,
        unknown: leftovers.unknown.clone(),
        ..OpenReport::default()
    };
    report.notes.extend(heads.damage.iter().map(|damage| format!("a head is damaged: {damage}")));
    let mut end = read.end;
    if !was_clean && !planted(Bug::RecoverySkipsRewrite) {
        end = settle(env, dir.as_ref(), &mut manifest, &read)?;
    }
    clear_leftovers(dir.as_ref(), &leftovers, &manifest, &heads_numbers(&heads), &mut report);
    let mut next_seqno = read.next_seqno.max(sealed_next_seqno(manifest.catalog()));
    if planted(Bug::SequenceReusedAfterCrash) {
        next_seqno = first_seqno(manifest.catalog());
    }
    Ok(Recovered { dir, lock, manifest, end, next_seqno, report })
}

/// Numbers below this were given, though what had them may never have been logged.
fn sealed_next_seqno(catalog: &Catalog) -> SeqNo {
    let seals = catalog.logs.values().filter_map(|entry| entry.seal);
    seals.map(|seal| seal.next_seqno).max().unwrap_or(SeqNo::ZERO)
}

fn heads_numbers(heads: &FoundHeads) -> BTreeSet<u64> {
    heads.current.iter().map(|head| head.manifest_number()).collect()
}

/// Makes what was read durable in new files, and begins a new manifest. Answers where the log goes
/// on.
fn settle(
    env: &Env,
    dir: &dyn Directory,
    manifest: &mut Manifest,
    read: &ChainRead,
) -> Result<ChainEnd> {
    if read.is_sealed {
        manifest.commit(&[])?;
        return Ok(read.end);
    }
    rewrite_log(env, dir, manifest, read)
}

/// Copies the surviving batches into one sealed segment and makes it the whole log.
pub fn rewrite_log(
    env: &Env,
    dir: &dyn Directory,
    manifest: &mut Manifest,
    read: &ChainRead,
) -> Result<ChainEnd> {
    let old = listed_of(manifest.catalog());
    let number = manifest.take_number();
    let mut edits = Vec::new();
    let mut end = ChainEnd::default();
    let mut start = number;
    if read.batches > 0 {
        let header = log_header(env, manifest.catalog(), number)?;
        let (file_id, mut witness) =
            (header.file_id, witness_of(manifest.catalog(), env.host.as_ref()));
        let seam = Seam { clock_millis: read.clock_millis, ..Seam::default() };
        let mut rewrite = Rewrite::create(dir, header, seam, manifest.catalog().next_seqno)?;
        witness.boot_id = None;
        let bounded = bounded(&old, read);
        read_chain(dir, &bounded, &witness, &mut |batch| rewrite.add(batch))?;
        let rewritten = rewrite.finish()?;
        let seal = Seal {
            end: rewritten.end,
            check: rewritten.check,
            crc: rewritten.crc,
            next_seqno: read.next_seqno,
        };
        edits.push(Edit::LogAdded { number, file_id });
        edits.push(Edit::LogSealed { number, seal });
        end =
            ChainEnd { number, end: rewritten.end, check: rewritten.check, durable: rewritten.end };
    } else {
        start = number.saturating_add(1);
        edits.push(Edit::NextSeqno(read.next_seqno));
    }
    edits.push(Edit::LogStart(start));
    edits.push(Edit::Clock(read.clock_millis));
    if planted(Bug::LogUnlinkedBeforeEdit) {
        unlink_logs(dir, &old);
    }
    manifest.commit(&edits)?;
    unlink_logs(dir, &old);
    Ok(end)
}

/// The listed segments up to the last one that was read, ending where the reading ended, so that
/// a second reading takes in the same batches and nothing else.
fn bounded(old: &[Listed], read: &ChainRead) -> Vec<Listed> {
    let kept = old.iter().filter(|listed| listed.number <= read.end.number);
    let mut bounded: Vec<Listed> = kept.copied().collect();
    if let Some(last) = bounded.last_mut() {
        last.sealed = Some((read.end.end, read.end.check));
    }
    bounded
}

/// Takes the names away; one that stays is cleared away by the next opening.
fn unlink_logs(dir: &dyn Directory, logs: &[Listed]) {
    for listed in logs {
        let _left_behind = dir.unlink(&names::log(listed.number));
    }
}

/// The header of a new log segment.
pub fn log_header(env: &Env, catalog: &Catalog, number: u64) -> Result<FileHeader> {
    Ok(FileHeader {
        kind: FileKind::Log,
        file_id: env.host.random()?,
        database_id: catalog.database_id,
        incarnation: catalog.incarnation,
        edit: catalog.edit,
        number,
        boot_id: env.host.boot_id(),
        clock_millis: catalog.clock_millis.max(env.clock.wall_millis()),
        flags: 0,
    })
}

/// The live segments, as the log's reader wants them.
#[must_use]
pub fn listed_of(catalog: &Catalog) -> Vec<Listed> {
    let entries = catalog.logs.iter();
    let listed = entries.map(|(&number, entry)| Listed {
        number,
        file_id: entry.file_id,
        sealed: entry.seal.map(|seal| (seal.end, seal.check)),
    });
    listed.collect()
}

/// What the log is held against.
#[must_use]
pub fn witness_of(catalog: &Catalog, host: &dyn Host) -> Witness {
    Witness {
        database_id: catalog.database_id,
        edit: catalog.edit,
        durable: (catalog.log_durable.number, catalog.log_durable.offset),
        next_seqno: first_seqno(catalog),
        boot_id: host.boot_id(),
    }
}

/// Sequence number 0 is kept for entries whose number no longer matters.
fn first_seqno(catalog: &Catalog) -> SeqNo {
    SeqNo::new(1).map_or(catalog.next_seqno, |one| one.max(catalog.next_seqno))
}

/// Files with names of ours that the manifest does not list.
#[derive(Debug, Default)]
struct Leftovers {
    logs: Vec<u64>,
    manifests: Vec<u64>,
    unknown: Vec<OsString>,
}

fn find_leftovers(dir: &dyn Directory, listing: &Listing, catalog: &Catalog) -> Result<Leftovers> {
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
        match FileHeader::read(file.as_ref(), FileKind::Manifest) {
            Ok(header) if header.database_id == catalog.database_id => {
                leftovers.manifests.push(number);
            }
            // Made, and never written.
            _ if file.len()? == 0 => leftovers.manifests.push(number),
            Err(error) if error.kind() != ErrorKind::Corruption => return Err(error),
            _ => leftovers.unknown.push(names::manifest(number).into()),
        }
    }
    Ok(leftovers)
}

/// True if an unlisted segment is ours and holds nothing that only it holds. One that was used
/// while the manifest knows nothing of it means that the manifest is an old copy.
fn is_leftover_log(dir: &dyn Directory, number: u64, catalog: &Catalog) -> Result<bool> {
    let file = dir.open(&names::log(number), Access::Read)?;
    if file.len()? == 0 {
        return Ok(true);
    }
    let header = match FileHeader::read(file.as_ref(), FileKind::Log) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::Corruption => return Ok(false),
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

/// Unlinks the leftovers. The current manifest and what a head may name stay.
fn clear_leftovers(
    dir: &dyn Directory,
    leftovers: &Leftovers,
    manifest: &Manifest,
    named: &BTreeSet<u64>,
    report: &mut OpenReport,
) {
    let mut clear = |name: String| {
        if let Err(error) = dir.unlink(&name) {
            if !error.is_not_found() {
                report.notes.push(format!("a leftover stays: {error}"));
            }
        }
    };
    for &number in &leftovers.logs {
        clear(names::log(number));
    }
    for &number in &leftovers.manifests {
        if !named.contains(&number) && !manifest.is_current(number) {
            clear(names::manifest(number));
        }
    }
}

fn sign_lock(env: &Env, recovered: &Recovered) -> Result<()> {
    let opened_millis = env.clock.wall_millis();
    let header = FileHeader {
        kind: FileKind::Lock,
        file_id: 0,
        database_id: [0; 16],
        incarnation: 0,
        edit: 0,
        number: 0,
        boot_id: env.host.boot_id(),
        clock_millis: opened_millis,
        flags: 0,
    };
    let writer =
        Writer { process_id: env.host.process_id(), epoch: env.host.random()?, opened_millis };
    lockfile::write_writer(recovered.lock.as_ref(), &header, &writer)
}
