//! Conditions: what must be so for a batch to be written.

use crate::base::error::Result;
use crate::batch::check_sizes;
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;

/// What is wanted of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It has no value.
    Absent,
    /// It has this value.
    Value(Vec<u8>),
    /// Nobody has written to it since the write with this number.
    Unchanged(SeqNo),
}

/// One of the conditions of a batch.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Of which key.
    pub key: FullKey,
    /// What.
    pub wanted: Wanted,
}

/// The conditions of a batch, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    all: Vec<Condition>,
}

impl Conditions {
    /// Of a batch that is written in any case.
    pub const NONE: &'static Self = &Self { all: Vec::new() };

    /// Adds one; refuses a key and a value that no database holds.
    pub fn push(&mut self, keyspace: KeyspaceId, key: &[u8], wanted: Wanted) -> Result<()> {
        let value = match &wanted {
            Wanted::Value(value) => value,
            Wanted::Absent | Wanted::Unchanged(_) => [].as_slice(),
        };
        check_sizes(key, value)?;
        self.all.push(Condition { key: FullKey::new(keyspace, key), wanted });
        Ok(())
    }

    /// True if there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all and keeps the memory.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.all.iter()
    }
}
