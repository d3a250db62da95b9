//! Batches: writes to any keyspaces of one database that happen together or not at all.

use std::ops::Bound;
use std::sync::Arc;

use crate::api::bounds::{KeyRange, successor};
use crate::api::keyspace_ref::KeyspaceRef;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::batch::{KEY_BYTES_MAX, Record, Records};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::state::{Engine, Identity};
use crate::key::kind::Kind;

/// Writes that are made as one. Owns its bytes: build it on one thread, write it on another, use it
/// again. A call that cannot be taken (a key that is too long, a second database) is told by the
/// write of the batch, which then writes nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    records: Records,
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

    /// True if it holds none.
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
        self.keyspaces.clear();
        self.database = None;
        self.refused = None;
    }

    /// Adds one record to `keyspace`.
    pub(crate) fn push(&mut self, keyspace: &KeyspaceRef, kind: Kind, key: &[u8], value: &[u8]) {
        if self.refused.is_some() {
            return;
        }
        if let Err(error) = self.try_push(keyspace, kind, key, value) {
            self.refused = Some(error);
        }
    }

    fn try_push(
        &mut self,
        keyspace: &KeyspaceRef,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<()> {
        let database = &keyspace.engine().identity;
        match &self.database {
            Some(mine) if !Arc::ptr_eq(mine, database) => return Err(another_database()),
            Some(_) => {}
            None => self.database = Some(database.clone()),
        }
        let id = keyspace.state.id;
        self.records.push(Record { kind, keyspace: id, key, value })?;
        if !self.keyspaces.iter().any(|known| Arc::ptr_eq(known, &keyspace.state)) {
            self.keyspaces.push(keyspace.state.clone());
        }
        Ok(())
    }

    /// Adds a range delete to `keyspace`; none if the range is empty.
    pub(crate) fn push_range(&mut self, keyspace: &KeyspaceRef, range: impl KeyRange) {
        let Some((start, end)) = delete_bounds(range) else { return };
        self.push(keyspace, Kind::RangeDelete, &start, &end);
    }

    /// The records and their keyspaces, if all of them are for `engine`.
    pub(crate) fn parts(&self, engine: &Engine) -> Result<(&Records, &[Arc<KeyspaceState>])> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        match &self.database {
            Some(mine) if !Arc::ptr_eq(mine, &engine.identity) => Err(another_database()),
            _ => Ok((&self.records, &self.keyspaces)),
        }
    }
}

fn another_database() -> Error {
    let message = "a batch belongs to one database, and this is another";
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A range as a range delete has it: the first key, and the key it ends before, empty for none.
/// `None` if the range holds no key.
pub(crate) fn delete_bounds(range: impl KeyRange) -> Option<(Slice, Slice)> {
    let (start, end) = range.into_bounds();
    let start = match start {
        Bound::Included(key) => key,
        Bound::Excluded(key) => after(&key)?,
        Bound::Unbounded => Slice::default(),
    };
    let end = match end {
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
