//! From a directory to a state that can be read, and nothing else.
//!
//! While somebody writes, it is followed. While nobody does, what recovery would keep is served
//! from where it lies, with everything held against everything else: the log is not rewritten,
//! nothing is unlinked, no file is made. The one write is the reader's slot in the lock file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{ErrorKind, Result};
use crate::blob::store::Blobs;
use crate::env::fs::Directory;
use crate::env::world::Env;
use crate::journal::directory::{check_may_create, no_database};
use crate::journal::follow::{Follow, Follower, Patience, unknown_keyspace};
use crate::journal::followed::Followed;
use crate::journal::listing::Listing;
use crate::journal::lockfile::{has_writer, read_writer};
use crate::journal::options::OpenReport;
use crate::journal::readers::{Hold, Slot};
use crate::journal::recovery::{Purpose, Reading, Recovered, next_seqno_of, read_existing};
use crate::options::durability::IfMissing;
use crate::version::manifest::Manifest;
use crate::wal::chain::follow::{Reached, Taken};

/// Opens the directory and reads what is there, whoever writes it.
pub fn recover_read_only(
    env: &Env,
    path: &Path,
    lease: Duration,
    into: &mut dyn Follow,
) -> Result<(Recovered, Follower)> {
    let dir = env
        .fs
        .open_dir(path)
        .map_err(|error| if error.is_not_found() { no_database(path) } else { error })?;
    let listing = check_readable(&dir)?;
    let mut report = OpenReport { unknown: listing.foreign.clone(), ..OpenReport::default() };
    let slot = take_slot(env, &dir, &listing, lease, &mut report)?;
    let mut follower = Follower::new(env, dir.clone(), slot.clone());
    match read_at_rest(env, &dir, into, &mut follower)? {
        Some(at_rest) => {
            report.notes.splice(..0, at_rest.notes);
            report = OpenReport { notes: report.notes, ..at_rest };
        }
        None => {
            // It may be halfway through.
            follower.forget();
            follower.refresh(into, Patience::Waits)?;
        }
    }
    let catalog = follower.catalog().cloned().unwrap_or_default();
    let reached = follower.reached();
    let next_seqno = next_seqno_of(reached.next_seqno, &catalog);
    let hold = match slot {
        Some(slot) => Hold::Reader(slot),
        None => Hold::Nothing(env.host.process_id()),
    };
    let manifest = Manifest::followed(dir.clone(), env.host.clone(), catalog);
    let end = reached.end;
    let catalog = manifest.catalog();
    let blobs = Blobs::new(Arc::new(Followed::new(dir.clone(), catalog.database_id)));
    blobs.follow(&catalog.blobs);
    let retired = None;
    let recovered = Recovered { dir, hold, manifest, blobs, end, next_seqno, report, retired };
    Ok((recovered, follower))
}

/// The names in the directory, if they are those of a database.
fn check_readable(dir: &Arc<dyn Directory>) -> Result<Listing> {
    let listing = Listing::read(dir.as_ref())?;
    listing.check_finished(dir.as_ref())?;
    if !listing.has_head {
        check_may_create(dir.as_ref(), &listing, IfMissing::Fail)?;
    }
    Ok(listing)
}

/// The slot, or a note why there is none.
fn take_slot(
    env: &Env,
    dir: &Arc<dyn Directory>,
    listing: &Listing,
    lease: Duration,
    report: &mut OpenReport,
) -> Result<Option<Arc<Slot>>> {
    let why = if listing.has_lock {
        match Slot::take(env, dir, lease) {
            Ok(slot) => return Ok(Some(Arc::new(slot))),
            Err(error) if error.kind() == ErrorKind::Locked => return Err(error),
            Err(error) => format!("this reader has no slot in the lock file: {error}"),
        }
    } else {
        "there is no lock file, and so no slot for this reader".to_owned()
    };
    report.notes.push(format!("{why}; a writer does not know of it, and keeps nothing for it"));
    Ok(None)
}

/// Reads a database that nobody writes. `None` if somebody does.
fn read_at_rest(
    env: &Env,
    dir: &Arc<dyn Directory>,
    into: &mut dyn Follow,
    follower: &mut Follower,
) -> Result<Option<OpenReport>> {
    let epoch = || read_writer(dir.as_ref()).map(|writer| writer.epoch);
    let before = epoch();
    let is_written = || has_writer(dir.as_ref()) || epoch() != before;
    if is_written() {
        return Ok(None);
    }
    let listing = check_readable(dir)?;
    into.begin()?;
    let mut pulse = follower.pulse();
    let read = read_existing(env, dir, &listing, Purpose::Read, &mut |catalog, batch| {
        pulse.beat();
        match into.take_in(catalog, &batch)? {
            Taken::Yes => Ok(()),
            Taken::NotYet => Err(unknown_keyspace(dir.as_ref())),
        }
    });
    if is_written() {
        return Ok(None);
    }
    let Reading { manifest, read, report, .. } = read?;
    let reached = Reached { end: read.end, next_seqno: read.next_seqno };
    let is_at_rest = follower.go_on(manifest.catalog(), reached)? && !is_written();
    Ok(is_at_rest.then_some(report))
}
