//! A database that another process writes, as this one reads it: what was taken in of the log, and
//! what is held of the tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::json::Json;
use crate::env::clock::SteadyClock;
use crate::journal::follow::Follower;
use crate::journal::turn::Turn;
use crate::key::seqno::SeqNo;
use crate::memtable::handle::{Inserter, Memtable};
use crate::read::view::Sealed;
use crate::version::pins::Pins;

/// A reader that holds a slot in the lock file.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderInfo {
    /// Its process.
    pub process_id: u32,
    /// It reads the tables of this edit of the manifest, and perhaps later ones; 0 while it opens
    /// the database. Files that later edits have removed stay for it.
    pub edit: u64,
    /// It sees writes up to this number.
    pub seqno: SeqNo,
    /// How long files stay for it if nothing more is heard of it; zero if they may go already.
    pub lease_left: Duration,
}

impl ReaderInfo {
    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.plain("process_id", self.process_id);
            json.plain("edit", self.edit);
            json.plain("seqno", self.seqno.get());
            json.plain("lease_left_ms", self.lease_left.as_millis());
        });
        json.finish()
    }
}

/// The reading side of an engine.
#[derive(Debug)]
pub struct Reader {
    /// One caller at a time looks what is new.
    pub turn: Turn<Reading>,
    /// Which edits somebody here still reads.
    pub pins: Arc<Pins>,
    /// The clock of the database.
    pub clock: Arc<SteadyClock>,
}

/// What is looked through in a turn.
#[derive(Debug)]
pub struct Reading {
    /// How far the writer was followed.
    pub follower: Follower,
    /// What the log held beyond the tables; `None` if that has to be read anew.
    pub memtables: Option<Memtables>,
    /// What `Follower::place` said of the tables that are shown.
    pub place: (u64, u64, u64),
}

/// What the log held.
#[derive(Debug)]
pub struct Memtables {
    /// Where writes go on.
    pub active: Arc<Memtable>,
    /// The right to write there.
    pub inserter: Inserter,
    /// What is full already, the newest first, as in a view.
    pub sealed: Vec<Arc<Sealed>>,
    /// Some of it expires.
    pub has_expiring: bool,
    /// Up to which number it refers to each file of large values.
    pub apart: BTreeMap<u64, SeqNo>,
}
