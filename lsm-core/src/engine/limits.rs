//! Quotas of keyspaces: who is over, and which writes that refuses.
//!
//! What a keyspace takes is looked at when memory has been charged for more, a thirty-second part
//! of a memtable or 16 KiB, and whenever tables have come or gone. In between, writers see what was
//! found last.

use std::sync::Arc;

use crate::base::error::Result;
use crate::batch::Records;
use crate::engine::gather::taken;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::state::Engine;
use crate::key::kind::Kind;

impl Engine {
    /// Looks at what each keyspace with a quota takes.
    pub fn update_quotas(&self) {
        if !self.keyspaces.has_quotas() {
            return;
        }
        // One after the other, so that what is found last is the newest.
        let _one = self.quotas.lock();
        let view = self.view.load();
        for keyspace in self.keyspaces.all().iter().filter(|it| it.quota.bytes() > 0) {
            keyspace.quota.note(taken(&view, keyspace.id));
        }
    }
}

/// Refuses records that put something into a keyspace that is over its quota.
#[inline]
pub fn check_quotas(keyspaces: &[Arc<KeyspaceState>], records: &Records) -> Result<()> {
    for keyspace in keyspaces {
        if keyspace.quota.is_over() {
            check_quota(keyspace, records)?;
        }
    }
    Ok(())
}

#[cold]
fn check_quota(keyspace: &KeyspaceState, records: &Records) -> Result<()> {
    let is_delete = |kind| matches!(kind, Kind::Delete | Kind::SingleDelete | Kind::RangeDelete);
    let mut puts = records.iter().flatten().filter(|record| !is_delete(record.kind));
    if puts.any(|record| record.keyspace == keyspace.id) {
        return Err(keyspace.quota.refuse(&keyspace.name));
    }
    Ok(())
}
