//! From a directory to a recovered state: create or read the manifest, read the log, and if the
//! database was not closed in order, copy what survived into new files before anything else.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::blob::store::Blobs;
use crate::env::fs::{Directory, Lock};
use crate::env::host::Host;
use crate::env::schedule::Scheduler;
use crate::env::world::Env;
use crate::journal::copy::LogCopy;
use crate::journal::directory::{check_may_create, check_medium, open_or_make_dir, sync_ancestors};
use crate::journal::header::file_header;
use crate::journal::leftovers::{
    Leftovers, check_blobs, check_tables, clear_leftovers, find_leftovers,
};
use crate::journal::listing::Listing;
use crate::journal::lockfile::{self, Writer};
use crate::journal::names::NewNames;
use crate::journal::options::{JournalOptions, OpenReport};
use crate::journal::readers::Hold;
use crate::journal::rescue::Rescue;
use crate::journal::retired::Retired;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::options::durability::IfMissing;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::version::head::{FoundHeads, read_heads};
use crate::version::manifest::{Manifest, RecoveredManifest};
use crate::version::unlink::Unlink;
use crate::version::unnamed::{Unnamed, inspect_unnamed};
use crate::wal::chain::{Chain, ChainRead, Listed, Replayed, Witness};
use crate::wal::tail::ChainEnd;

/// A replay of batches, in commit order. The catalog says which entries are in tables already, and
/// which keyspaces there are.
pub type Replay<'a> = dyn FnMut(&Catalog, Replayed<'_>) -> Result<()> + 'a;

/// A database directory that was recovered and is ready to be written.
#[derive(Debug)]
pub struct Recovered {
    /// The directory.
    pub dir: Arc<dyn Directory>,
    /// What keeps it in the hands of this process.
    pub hold: Hold,
    /// The manifest.
    pub manifest: Manifest,
    /// Large values.
    pub blobs: Arc<Blobs>,
    /// Where the log goes on.
    pub end: ChainEnd,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
    /// What was found.
    pub report: OpenReport,
    /// Files that the database no longer needs, and a reader may; none if nothing is written.
    pub retired: Option<Arc<Retired>>,
}

/// Opens the directory, takes the lock, and recovers what is there. From here on `new_names` is
/// told of every sync of the directory that fails.
pub fn recover(
    env: &Env,
    path: &Path,
    options: &JournalOptions,
    new_names: &NewNames,
    replay: &mut Replay<'_>,
) -> Result<Recovered> {
    let dir = new_names.watch(open_or_make_dir(env, path, options.if_missing)?);
    let listing = Listing::read(dir.as_ref())?;
    check_finished(dir.as_ref(), &listing, options.if_missing)?;
    check_may_exist(path, &listing, options.if_missing)?;
    if !listing.has_head {
        check_may_create(dir.as_ref(), &listing, options.if_missing)?;
        options.default_keyspace.clone()?;
    }
    check_medium(dir.as_ref())?;
    let lock = lockfile::take(dir.as_ref(), !listing.has_lock)?;
    let listing = Listing::read(dir.as_ref())?;
    check_may_exist(path, &listing, options.if_missing)?;
    let held = Held::new(env, &dir, lock);
    let mut recovered = if listing.has_head {
        recover_existing(env, dir, held, &listing, replay)?
    } else {
        check_may_create(dir.as_ref(), &listing, options.if_missing)?;
        create(env, (dir, held), &listing, &options.default_keyspace.clone()?)?
    };
    // The name in the lock file informs people; the lock itself is the kernel's.
    if let Err(error) = sign_lock(env, &recovered) {
        recovered.report.notes.push(format!("the lock file could not be signed: {error}"));
    }
    Ok(recovered)
}

/// A directory that this process has for itself, but for readers.
struct Held {
    hold: Hold,
    retired: Arc<Retired>,
}

impl Held {
    fn new(env: &Env, dir: &Arc<dyn Directory>, lock: Box<dyn Lock>) -> Self {
        let retired = Retired::new(dir.clone(), lock.file().clone(), env.clock.clone());
        Self { hold: Hold::of_writer(dir.as_ref(), lock), retired }
    }
}

fn check_may_exist(path: &Path, listing: &Listing, if_missing: IfMissing) -> Result<()> {
    if listing.has_head && if_missing == IfMissing::MustBeMissing {
        let message = "there is a database already";
        return Err(Error::new(ErrorKind::Exists, message).at_path(path));
    }
    Ok(())
}

/// Refuses what a salvage has left half made. It alone makes a database beside its mark.
fn check_finished(dir: &dyn Directory, listing: &Listing, if_missing: IfMissing) -> Result<()> {
    let is_salvage = if_missing == IfMissing::MustBeMissing && !listing.has_head;
    if is_salvage { Ok(()) } else { listing.check_finished(dir) }
}

fn create(
    env: &Env,
    (dir, held): (Arc<dyn Directory>, Held),
    listing: &Listing,
    default_keyspace: &str,
) -> Result<Recovered> {
    sync_ancestors(env, dir.path())?;
    // In the first record: the keyspace never stood there with other options.
    let (id, text) = (KeyspaceId::DEFAULT, default_keyspace.to_owned());
    let first = (!text.is_empty()).then_some(Edit::KeyspaceOptions { id, text });
    let (host, floor) = (env.host.clone(), listing.number_floor());
    let mut manifest = Manifest::create(dir.clone(), host, floor, first.as_slice())?;
    let mut report = OpenReport { is_new: true, ..OpenReport::default() };
    for &number in &listing.manifests {
        let name = names::manifest(number);
        match inspect_unnamed(dir.as_ref(), number)? {
            Unnamed::Unfinished => dir.unlink(&name)?,
            _ => report.unknown.push(name.into()),
        }
    }
    let next_seqno = first_seqno(manifest.catalog());
    let Held { hold, retired } = held;
    manifest.unlink_by(retired.clone());
    let end = ChainEnd::default();
    let blobs = Blobs::new(dir.clone());
    let retired = Some(retired);
    Ok(Recovered { dir, hold, manifest, blobs, end, next_seqno, report, retired })
}

fn recover_existing(
    env: &Env,
    dir: Arc<dyn Directory>,
    Held { hold, retired }: Held,
    listing: &Listing,
    replay: &mut Replay<'_>,
) -> Result<Recovered> {
    let Reading { heads, mut manifest, leftovers, blobs, rescue, read, copy, mut report } =
        read_existing(env, &dir, listing, Purpose::Write, replay)?;
    manifest.unlink_by(retired.clone());
    let mut end = read.end;
    if !report.was_clean && !planted(Bug::RecoverySkipsRewrite) {
        end = settle((env, &dir, &retired), &mut manifest, (&read, copy), &rescue)?;
        rescue.install(retired.as_ref(), manifest.catalog().edit, &blobs);
    } else if report.was_clean && !rescue.is_empty() {
        // A large value was on its way when the database was closed.
        manifest.commit(&rescue.finish(dir.as_ref())?)?;
        rescue.install(retired.as_ref(), manifest.catalog().edit, &blobs);
    } else {
        rescue.discard(dir.as_ref());
    }
    clear_leftovers(&retired, &leftovers, &manifest, &heads_numbers(&heads), &mut report);
    let mut next_seqno = next_seqno_of(read.next_seqno, manifest.catalog());
    if planted(Bug::SequenceReusedAfterCrash) && !report.was_clean {
        next_seqno = SeqNo::new(1).unwrap_or(next_seqno);
    }
    let retired = Some(retired);
    Ok(Recovered { dir, hold, manifest, blobs, end, next_seqno, report, retired })
}

/// A database directory that was read. What was there has not been touched.
#[derive(Debug)]
pub struct Reading {
    /// The heads.
    pub heads: FoundHeads,
    /// The manifest that they name.
    pub manifest: Manifest,
    /// What the manifest does not list.
    pub leftovers: Leftovers,
    /// Large values.
    pub blobs: Arc<Blobs>,
    /// What becomes of those that were written last.
    pub rescue: Rescue,
    /// What came of the log.
    pub read: ChainRead,
    /// A copy of what the log holds, if it will be needed.
    pub copy: Option<LogCopy>,
    /// What was found.
    pub report: OpenReport,
}

/// What a directory is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be written from then on: what an unclean stop has left of the log is copied meanwhile.
    Write,
    /// To be read and nothing else: no file is made.
    Read,
}

/// Reads what is there, and changes nothing of it.
pub fn read_existing(
    env: &Env,
    dir: &Arc<dyn Directory>,
    listing: &Listing,
    purpose: Purpose,
    replay: &mut Replay<'_>,
) -> Result<Reading> {
    let heads = read_heads(dir.as_ref())?;
    let RecoveredManifest { mut manifest, is_clean, dropped_bytes } =
        Manifest::recover(dir.clone(), env.host.clone(), &heads, listing.number_floor())?;
    check_tables(dir.as_ref(), manifest.catalog())?;
    check_blobs(dir.as_ref(), manifest.catalog())?;
    let leftovers = find_leftovers(dir.as_ref(), listing, manifest.catalog())?;
    let witness = witness_of(manifest.catalog(), env.host.as_ref());
    let chain = Chain::open(dir.as_ref(), &listed_of(manifest.catalog()), &witness)?;
    let may_copy = purpose == Purpose::Write || planted(Bug::ReadOnlyCopiesLog);
    let is_copied = may_copy && chain.is_open_ended();
    let by_job = (Some(env.scheduler.clone()), chain.clock_millis());
    let copy = is_copied.then(|| new_copy(env, dir, &mut manifest, by_job));
    let mut copy = copy.transpose()?;
    let blobs = Blobs::new(dir.clone());
    let may_write = purpose == Purpose::Write;
    let rescue = Rescue::begin(env, dir, &mut manifest, &blobs, may_write)?;
    let catalog = manifest.catalog();
    let is_sound = &mut |batch: &Replayed<'_>| rescue.is_sound(catalog, &blobs, batch);
    let read = chain.read_sound(is_sound, &mut |batch| {
        copy.as_mut().map_or(Ok(()), |copy| copy.add(&batch))?;
        replay(catalog, batch)
    });
    let mut read = read.inspect_err(|_| rescue.discard(dir.as_ref()))?;

    let mut was_clean = is_clean && read.is_sealed;
    if is_clean && !read.has_begun && read.dropped_bytes == 0 {
        // All of the log was retired, and the segments that were made ahead were never begun.
        was_clean = true;
        read.end = ChainEnd::default();
    }
    let mut report = OpenReport {
        was_clean,
        batches: read.batches,
        dropped_bytes: dropped_bytes + read.dropped_bytes,
        unknown: leftovers.unknown.clone(),
        ..OpenReport::default()
    };
    if heads.present < 2 {
        report.notes.push("a head is missing; the other one serves".to_owned());
    }
    report.notes.extend(heads.damage.iter().map(|damage| format!("a head is damaged: {damage}")));
    Ok(Reading { heads, manifest, leftovers, blobs, rescue, read, copy, report })
}

/// The sequence number that comes next.
#[must_use]
pub fn next_seqno_of(read: SeqNo, catalog: &Catalog) -> SeqNo {
    read.max(first_seqno(catalog)).max(sealed_next_seqno(catalog))
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
    (env, dir, retired): (&Env, &Arc<dyn Directory>, &Retired),
    manifest: &mut Manifest,
    (read, copy): (&ChainRead, Option<LogCopy>),
    rescue: &Rescue,
) -> Result<ChainEnd> {
    if read.is_sealed || read.batches == 0 {
        // The dead process may have left names, those of the heads above all, that only the page
        // cache has. What is made from here on must not outlive them. A copy that was begun has
        // seen to that before.
        dir.sync()?;
    }
    if read.is_sealed {
        let edits = rescue.finish(dir.as_ref())?;
        manifest.commit(&edits)?;
        return Ok(read.end);
    }
    let copy = match copy {
        Some(copy) => copy,
        None => new_copy(env, dir, manifest, (None, read.clock_millis))?,
    };
    install_copy((dir.as_ref(), retired), manifest, (read, copy), rescue)
}

/// A copy of a log that is about to be read, written by a job if there is a scheduler for one.
pub fn new_copy(
    env: &Env,
    dir: &Arc<dyn Directory>,
    manifest: &mut Manifest,
    (scheduler, clock_millis): (Option<Arc<dyn Scheduler>>, u64),
) -> Result<LogCopy> {
    let number = manifest.take_number()?;
    let header = log_header(env, manifest, number)?;
    Ok(LogCopy::new(scheduler, dir.clone(), header, clock_millis))
}

/// Makes the copy durable, and then the whole log.
pub fn install_copy(
    (dir, retired): (&dyn Directory, &Retired),
    manifest: &mut Manifest,
    (read, copy): (&ChainRead, LogCopy),
    rescue: &Rescue,
) -> Result<ChainEnd> {
    let old = listed_of(manifest.catalog());
    let number = copy.number();
    // Large values first: the log refers to them.
    let blobs = rescue.finish(dir).inspect_err(|_| rescue.discard(dir))?;
    let (mut edits, end) = copy.finish(read).inspect_err(|_| rescue.discard(dir))?;
    edits.extend(blobs);
    edits.push(Edit::NextSeqno(read.next_seqno));
    edits.push(Edit::LogStart(number));
    edits.push(Edit::Clock(read.clock_millis));
    if planted(Bug::LogUnlinkedBeforeEdit) {
        unlink_logs(retired, 0, &old);
    }
    if let Err(error) = manifest.commit(&edits) {
        let copy = names::log(number);
        if error.maybe_committed() {
            // Whether the copy is listed is known once another commit has succeeded.
            manifest.forget_later(copy);
            rescue.forget_later(manifest);
        } else {
            let _left_behind = dir.unlink(&copy);
            rescue.discard(dir);
        }
        return Err(error);
    }
    unlink_logs(retired, manifest.catalog().edit, &old);
    Ok(end)
}

/// The listed segments up to `end`, the last one ending there, so that a reading takes in what is
/// before it and nothing else.
#[must_use]
pub fn bounded(mut listed: Vec<Listed>, end: &ChainEnd) -> Vec<Listed> {
    listed.retain(|listed| listed.number <= end.number);
    if let Some(last) = listed.last_mut() {
        last.sealed = Some((end.end, end.check));
    }
    listed
}

/// Takes the names away; one that stays is cleared away by the next opening.
fn unlink_logs(retired: &Retired, edit: u64, logs: &[Listed]) {
    for listed in logs {
        let _left_behind = retired.unlink(&names::log(listed.number), edit);
    }
}

/// The header of a new log segment.
pub fn log_header(env: &Env, manifest: &Manifest, number: u64) -> Result<FileHeader> {
    file_header(env, manifest, FileKind::Log, number)
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
        incarnation: catalog.incarnation,
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

fn sign_lock(env: &Env, recovered: &Recovered) -> Result<()> {
    let opened_millis = env.clock.wall_millis();
    let header = FileHeader {
        kind: FileKind::Lock,
        compatible: 0,
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
    match recovered.hold.writer() {
        Some(lock) => lockfile::write_writer(lock, &header, &writer),
        None => Ok(()),
    }
}
