//! Section "snapshots": the whole database as it was at one moment.

use std::ptr;

use lsm_core::{Result, Snapshot};

use crate::border::call::{done, quiet};
use crate::border::handle::Kind;
use crate::border::table::Table;
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::{lsm_db, lsm_snapshot};
use crate::status::lsm_status;

static SNAPSHOTS: Table<Snapshot> = Table::new(Kind::Snapshot);

/// All keyspaces of the database as they are now, for `snapshot` of lsm_read_options. What it sees
/// is kept on disk until lsm_snapshot_free().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_snapshot_new(
    db: *const lsm_db,
    snapshot: *mut *mut lsm_snapshot,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let new = border.out("snapshot", snapshot)?.first(ptr::null_mut());
        let taken = open(db)?.database.db.snapshot()?;
        new.set(SNAPSHOTS.insert(taken)? as *mut lsm_snapshot);
        Ok(())
    })
}

/// The sequence number of the last write that it sees; 0 for what is no snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_snapshot_seqno(snapshot: *const lsm_snapshot) -> u64 {
    quiet(0, |_| Ok(SNAPSHOTS.share(snapshot as usize)?.seqno().get()))
}

/// Frees a snapshot. Iterators that read it keep what they need.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_snapshot_free(snapshot: *mut lsm_snapshot) {
    quiet((), |_| SNAPSHOTS.remove(snapshot as usize));
}

/// What a handle leads to.
pub(crate) fn snapshot(snapshot: *const lsm_snapshot) -> Result<Snapshot> {
    SNAPSHOTS.share(snapshot as usize).map(|taken| taken.clone())
}
