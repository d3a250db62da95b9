//! Writes that are made only if something is so, and what is built on them.

use crate::api::batch::Batch;
use crate::api::keyspace::Keyspace;
use crate::api::snapshot::Snapshot;
use crate::base::copy::copy_of;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::condition::Wanted;
use crate::key::seqno::SeqNo;
use crate::options::write::WriteOptions;

/// Conditions. All of them are looked at in the moment in which the batch is written; if one does
/// not hold, nothing is written, and the error is a `Conflict`.
impl Batch {
    /// The batch is written only if the key has no value.
    pub fn require_absent(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> &mut Self {
        self.require(&keyspace.inner, key.as_ref(), Wanted::Absent);
        self
    }

    /// The batch is written only if the key has this value.
    pub fn require_value(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> &mut Self {
        match copy_of(value.as_ref(), "a value that is required") {
            Ok(value) => self.require(&keyspace.inner, key.as_ref(), Wanted::Value(value)),
            Err(error) => self.refuse(error),
        }
        self
    }

    /// The batch is written only if nobody has written to the key since `snapshot`, not even the
    /// same value again. A key that had no value then and has none now may count as unchanged,
    /// whatever it had in between. The batch keeps the snapshot until it is cleared or dropped.
    pub fn require_unchanged(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        snapshot: &Snapshot,
    ) -> &mut Self {
        self.require_unchanged_since(&keyspace.inner, key.as_ref(), &snapshot.pin);
        self
    }
}

/// What is read and written in one step.
impl Keyspace {
    /// Gives a key a value if it has none. Answers the write's sequence number, or `None` if the
    /// key has a value, which stays.
    pub fn insert_if_absent(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<SeqNo>> {
        self.insert_if_absent_with(key, value, &WriteOptions::new())
    }

    /// As `insert_if_absent`, chosen for this write.
    pub fn insert_if_absent_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<Option<SeqNo>> {
        self.swap(key.as_ref(), (None, Some(value.as_ref())), options)
    }

    /// Gives a key the value `new`, or takes it away, if it has the value `expected`, or none.
    /// Answers the write's sequence number, or `None` if the key has something else, which stays.
    pub fn compare_and_set(
        &self,
        key: impl AsRef<[u8]>,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<Option<SeqNo>> {
        self.swap(key.as_ref(), (expected, new), &WriteOptions::new())
    }

    /// As `compare_and_set`, chosen for this write.
    pub fn compare_and_set_with(
        &self,
        key: impl AsRef<[u8]>,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: &WriteOptions,
    ) -> Result<Option<SeqNo>> {
        self.swap(key.as_ref(), (expected, new), options)
    }

    /// Replaces the value of a key by what `update` makes of it; `None` stands for no value on both
    /// sides. Answers the value before. `update` is called again if somebody else was faster, and
    /// must not write to the key itself.
    pub fn fetch_update<V: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        update: impl FnMut(Option<&[u8]>) -> Option<V>,
    ) -> Result<Option<Slice>> {
        self.fetch_update_with(key, update, &WriteOptions::new())
    }

    /// As `fetch_update`, chosen for this write.
    pub fn fetch_update_with<V: AsRef<[u8]>>(
        &self,
        key: impl AsRef<[u8]>,
        mut update: impl FnMut(Option<&[u8]>) -> Option<V>,
        options: &WriteOptions,
    ) -> Result<Option<Slice>> {
        let key = key.as_ref();
        loop {
            let before = self.get(key)?;
            let after = update(before.as_deref());
            let after = after.as_ref().map(AsRef::as_ref);
            if self.swap(key, (before.as_deref(), after), options)?.is_some() {
                return Ok(before);
            }
        }
    }

    fn swap(
        &self,
        key: &[u8],
        (expected, new): (Option<&[u8]>, Option<&[u8]>),
        options: &WriteOptions,
    ) -> Result<Option<SeqNo>> {
        let mut batch = Batch::new();
        match expected {
            Some(value) => batch.require_value(self, key, value),
            None => batch.require_absent(self, key),
        };
        match (expected, new) {
            (_, Some(value)) => batch.put_expiring(self, key, value, options.get_expiry()),
            (Some(_), None) => batch.delete(self, key),
            (None, None) => &mut batch,
        };
        let engine = self.inner.engine();
        match engine.write(&batch.writing(engine, options)?) {
            Ok(seqno) => Ok(Some(seqno)),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}
