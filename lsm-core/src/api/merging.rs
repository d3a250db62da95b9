//! Merging: operands that a keyspace's operator makes one value of.

use std::sync::Arc;

use crate::api::batch::Batch;
use crate::api::keyspace::Keyspace;
use crate::api::keyspace_ref::KeyspaceRef;
use crate::base::error::{Error, ErrorKind, Result};
use crate::key::seqno::SeqNo;
use crate::merge::merger::Merger;
use crate::merge::operand::{KEEPS, NEVER};
use crate::options::expiry::{Expiry, Life};
use crate::options::write::WriteOptions;

impl Keyspace {
    /// Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
    /// reads nothing for that: operands are folded when the key is read, or its tables rewritten.
    ///
    /// The value then expires as `KeyspaceOptions::ttl` says, counted from this call, or if the
    /// keyspace has none, when it would have before.
    ///
    /// # Examples
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("lsm-merge-{}", std::process::id()));
    /// # let db = lsm_core::Db::open(&dir)?;
    /// let options = lsm_core::KeyspaceOptions::new().merge_operator("append");
    /// let log = db.keyspace_with("log", options)?;
    /// log.merge("monday", "rain; ")?;
    /// log.merge("monday", "sun; ")?;
    /// assert_eq!(log.get("monday")?.as_deref(), Some(&b"rain; sun; "[..]));
    /// # db.close()?;
    /// # lsm_core::Db::destroy(&dir)?;
    /// # Ok::<(), lsm_core::Error>(())
    /// ```
    pub fn merge(&self, key: impl AsRef<[u8]>, operand: impl AsRef<[u8]>) -> Result<SeqNo> {
        self.merge_with(key, operand, &WriteOptions::new())
    }

    /// As `merge`, chosen for this write: the moment that the options name is when the value that
    /// comes of it expires.
    pub fn merge_with(
        &self,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let (key, operand) = (key.as_ref(), operand.as_ref());
        merger_of(&self.inner)?.check(operand)?;
        let key = &self.inner.stored(key)?;
        let (state, end) = (&self.inner.state, end_of(&self.inner, options.get_expiry()));
        self.inner.engine().write_pushed(state, options, |records| {
            records.push_operand(state.id, key, operand, end)
        })
    }
}

impl Batch {
    /// Applies an operand to the value of a key, as `Keyspace::merge` does.
    pub fn merge(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.push_operand(&keyspace.inner, key.as_ref(), operand.as_ref(), Expiry::Usual);
        self
    }

    /// As `merge`, and lets the value that comes of it expire then: `Duration`s count from this
    /// call on.
    pub fn merge_expiring(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        operand: impl AsRef<[u8]>,
        expiry: impl Into<Expiry>,
    ) -> &mut Self {
        self.push_operand(&keyspace.inner, key.as_ref(), operand.as_ref(), expiry.into());
        self
    }

    fn push_operand(&mut self, keyspace: &KeyspaceRef, key: &[u8], operand: &[u8], expiry: Expiry) {
        if let Err(error) = merger_of(keyspace).and_then(|merger| merger.check(operand)) {
            self.refuse(error);
            return;
        }
        let (id, end) = (keyspace.state.id, end_of(keyspace, expiry));
        self.add(keyspace, |records| {
            records.push_operand(id, &keyspace.stored(key)?, operand, end)
        });
    }
}

/// What `merge` does in a keyspace.
fn merger_of(keyspace: &KeyspaceRef) -> Result<&Arc<Merger>> {
    keyspace.state.merger.as_ref().ok_or_else(|| {
        let message = format!(
            "the keyspace `{}` has no merge operator: its options choose one when it is made",
            keyspace.state.name
        );
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

/// The end that an operand gives its value.
fn end_of(keyspace: &KeyspaceRef, expiry: Expiry) -> u64 {
    match keyspace.life(expiry) {
        Life::Forever if expiry == Expiry::Usual => KEEPS,
        Life::Forever => NEVER,
        // All ones are no moment.
        Life::Until(moment) => moment.min(NEVER - 1),
        // Long ago.
        Life::Over => 1,
    }
}
