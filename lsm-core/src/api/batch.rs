//! Batches: writes to any keyspaces of one database that happen together or not at all.

use std::ops::Bound;
use std::sync::Arc;

use crate::api::bounds::{KeyRange, successor};
use crate::api::keyspace_ref::KeyspaceRef;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::batch::{KEY_BYTES_MAX, Record, Records, check_sizes};
use crate::condition::{Conditions, Wanted};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::Span;
use crate::engine::snapshots::SnapshotPin;
use crate::engine::state::{Engine, Identity};
use crate::engine::write::Writing;
use crate::key::kind::Kind;
use crate::options::expiry::Life;
use crate::options::write::WriteOptions;

/// Writes that are made as one. Owns its bytes: build it on one thread, write it on another, use it
/// again. A call that cannot be taken (a key that is too long, a second database) is told by the
/// write of the batch, which then writes nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    records: Records,
    conditions: Conditions,
    /// What the conditions speak of must not be forgotten before they are looked at.
    snapshots: Vec<Arc<SnapshotPin>>,
    database: Option<Arc<Identity>>,
    keyspaces: Vec<Arc<KeyspaceState>>,
    refused: Option<Error>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() as usize
    }

    /// True if it holds none. It may have conditions all the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many bytes it takes in the log.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.records.bytes().len()
    }

    /// The first call that could not be taken, which is forgotten with this: the batch then holds
    /// what had been taken before it, and takes more.
    pub fn take_error(&mut self) -> Option<Error> {
        self.refused.take()
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.records.clear();
        self.conditions.clear();
        self.snapshots.clear();
        self.keyspaces.clear();
        self.database = None;
        self.refused = None;
    }

    /// Adds one record to `keyspace`.
    pub(crate) fn push(&mut self, keyspace: &KeyspaceRef, kind: Kind, key: &[u8], value: &[u8]) {
        let id = keyspace.state.id;
        self.add(keyspace, |records| {
            let key = &keyspace.stored(key)?;
            records.push(Record { kind, keyspace: id, key, value })
        });
    }

    /// Adds a put to `keyspace`.
    pub(crate) fn push_value(
        &mut self,
        keyspace: &KeyspaceRef,
        key: &[u8],
        value: &[u8],
        life: Life,
    ) {
        let id = keyspace.state.id;
        if let Err(error) = keyspace.check_value(value) {
            self.refuse(error);
            return;
        }
        match life {
            Life::Forever => self.push(keyspace, Kind::Put, key, value),
            Life::Until(moment) => {
                self.add(keyspace, |records| {
                    records.push_expiring(id, &keyspace.stored(key)?, value, moment)
                });
            }
            Life::Over => self.add(keyspace, |records| {
                let key = &keyspace.stored(key)?;
                check_sizes(key, value)?;
                records.push(Record { kind: Kind::Delete, keyspace: id, key, value: &[] })
            }),
        }
    }

    /// Adds what `push` adds, unless a call before was refused.
    pub(crate) fn add(
        &mut self,
        keyspace: &KeyspaceRef,
        push: impl FnOnce(&mut Records) -> Result<()>,
    ) {
        if self.refused.is_some() {
            return;
        }
        match self.check_database(keyspace).and_then(|()| push(&mut self.records)) {
            Ok(()) => self.note(keyspace),
            Err(error) => self.refused = Some(error),
        }
    }

    /// The batch could not take something, unless it could not before.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    /// Refuses a second database.
    fn check_database(&self, keyspace: &KeyspaceRef) -> Result<()> {
        let other = |mine: &Arc<Identity>| !Arc::ptr_eq(mine, &keyspace.engine().identity);
        if self.database.as_ref().is_some_and(other) { Err(another_database()) } else { Ok(()) }
    }

    /// Takes in that the batch has to do with this keyspace.
    fn note(&mut self, keyspace: &KeyspaceRef) {
        self.database.get_or_insert_with(|| keyspace.engine().identity.clone());
        if !self.keyspaces.iter().any(|known| Arc::ptr_eq(known, &keyspace.state)) {
            self.keyspaces.push(keyspace.state.clone());
        }
    }

    /// Adds a condition.
    pub(crate) fn require(&mut self, keyspace: &KeyspaceRef, key: &[u8], wanted: Wanted) {
        if self.refused.is_some() {
            return;
        }
        let taken = self
            .check_database(keyspace)
            .and_then(|()| keyspace.stored(key))
            .and_then(|key| self.conditions.push(keyspace.state.id, &key, wanted));
        match taken {
            Ok(()) => self.note(keyspace),
            Err(error) => self.refused = Some(error),
        }
    }

    /// As `require`, of a key that nobody has written to since a snapshot.
    pub(crate) fn require_unchanged_since(
        &mut self,
        keyspace: &KeyspaceRef,
        key: &[u8],
        snapshot: &Arc<SnapshotPin>,
    ) {
        if !snapshot.is_of(&keyspace.engine().snapshots) {
            let message = "the snapshot is of another database";
            self.refuse(Error::new(ErrorKind::InvalidArgument, message));
            return;
        }
        self.require(keyspace, key, Wanted::Unchanged(snapshot.as_of().seqno));
        if !self.snapshots.iter().any(|known| Arc::ptr_eq(known, snapshot)) {
            self.snapshots.push(snapshot.clone());
        }
    }

    /// How many conditions it has.
    #[must_use]
    pub fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// Adds a range delete to `keyspace`; none if the range is empty.
    pub(crate) fn push_range(&mut self, keyspace: &KeyspaceRef, range: impl KeyRange) {
        let id = keyspace.state.id;
        match keyspace.span(range).map(delete_bounds) {
            Ok(None) => {}
            Ok(Some((start, end))) => {
                let kind = Kind::RangeDelete;
                let record = Record { kind, keyspace: id, key: &start, value: &end };
                self.add(keyspace, |records| records.push(record));
            }
            Err(error) => self.add(keyspace, |_| Err(error)),
        }
    }

    /// What there is to write, if all of it is for `engine`.
    pub(crate) fn writing<'a>(
        &'a self,
        engine: &Engine,
        options: &'a WriteOptions,
    ) -> Result<Writing<'a>> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        match &self.database {
            Some(mine) if !Arc::ptr_eq(mine, &engine.identity) => Err(another_database()),
            _ => Ok(Writing {
                records: &self.records,
                keyspaces: &self.keyspaces,
                conditions: &self.conditions,
                options,
                is_stamped: false,
                apart: None,
            }),
        }
    }
}

fn another_database() -> Error {
    let message = "a batch belongs to one database, and this is another";
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A range of stored keys as a range delete has it: the first key, and the key it ends before,
/// empty for none. `None` if the range holds no key.
pub(crate) fn delete_bounds(span: Span) -> Option<(Slice, Slice)> {
    let start = match span.lower {
        Bound::Included(key) => key,
        Bound::Excluded(key) => after(&key)?,
        Bound::Unbounded => Slice::default(),
    };
    let end = match span.upper {
        Bound::Excluded(key) => Some(key),
        Bound::Included(key) => after(&key),
        Bound::Unbounded => None,
    };
    match end {
        Some(end) => (start < end).then_some((start, end)),
        None => Some((start, Slice::default())),
    }
}

/// The first key behind `key`; `None` if there can be none. No key is longer than the longest: what
/// is behind one of those does not begin with it.
fn after(key: &[u8]) -> Option<Slice> {
    if key.len() == KEY_BYTES_MAX {
        return successor(key).map(Slice::from);
    }
    let mut next = key.to_vec();
    next.push(0);
    Some(Slice::from(next))
}
