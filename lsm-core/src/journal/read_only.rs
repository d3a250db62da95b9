//! From a directory to a state that can be read, and nothing else.
//!
//! What recovery would keep is served from where it lies: the log is not rewritten, nothing is
//! unlinked, no file is made. The one write is the reader's slot in the lock file.

use std::path::Path;

use crate::base::error::Result;
use crate::env::world::Env;
use crate::journal::directory::{check_may_create, no_database};
use crate::journal::listing::Listing;
use crate::journal::lockfile;
use crate::journal::readers::{Hold, reader_of, take_slot};
use crate::journal::recovery::{Purpose, Reading, Recovered, Replay, next_seqno_of, read_existing};
use crate::options::durability::IfMissing;

/// Opens the directory and reads what is there. `Locked` while somebody writes it.
pub fn recover_read_only(env: &Env, path: &Path, replay: &mut Replay<'_>) -> Result<Recovered> {
    let dir = env
        .fs
        .open_dir(path)
        .map_err(|error| if error.is_not_found() { no_database(path) } else { error })?;
    let listing = Listing::read(dir.as_ref())?;
    listing.check_finished(dir.as_ref())?;
    if !listing.has_head {
        check_may_create(dir.as_ref(), &listing, IfMissing::Fail)?;
    }
    let lock = listing.has_lock.then(|| lockfile::share(dir.as_ref())).transpose()?;
    // Again, for the names may have changed before the lock.
    let listing = Listing::read(dir.as_ref())?;
    if !listing.has_head {
        check_may_create(dir.as_ref(), &listing, IfMissing::Fail)?;
    }
    let Reading { manifest, read, mut report, .. } =
        read_existing(env, &dir, &listing, Purpose::Read, replay)?;
    let next_seqno = next_seqno_of(&read, manifest.catalog());
    let hold = match lock {
        None => {
            let note = "there is no lock file: nothing keeps a writer away while this reads";
            report.notes.push(note.to_owned());
            Hold::Nothing(env.host.process_id())
        }
        Some(lock) => {
            let edit = manifest.catalog().edit;
            let reader = reader_of(env, dir.as_ref(), edit, next_seqno.get().saturating_sub(1));
            let slot = take_slot(env, dir.as_ref(), &reader);
            if let Err(error) = &slot {
                report.notes.push(format!("this reader has no slot in the lock file: {error}"));
            }
            Hold::Reader(lock, slot.ok())
        }
    };
    Ok(Recovered { dir, hold, manifest, end: read.end, next_seqno, report })
}
