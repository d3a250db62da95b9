//! Snapshots: the whole database as it was at one moment.

use std::sync::Arc;

use crate::engine::snapshots::SnapshotPin;
use crate::key::seqno::SeqNo;

/// All keyspaces as they were at one moment. Cheap to take and to clone; what it sees is kept on
/// disk until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) pin: Arc<SnapshotPin>,
}

impl Snapshot {
    /// The sequence number of the last write that it sees.
    #[must_use]
    pub fn seqno(&self) -> SeqNo {
        self.pin.as_of().seqno
    }
}
