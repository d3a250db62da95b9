//! Values that expire: how one is written, and how its moment is put off.

use std::time::Duration;

use crate::api::batch::Batch;
use crate::api::keyspace::Keyspace;
use crate::base::error::{ErrorKind, Result};
use crate::key::seqno::SeqNo;
use crate::options::expiry::Expiry;
use crate::options::write::WriteOptions;

impl Batch {
    /// Gives a key a value until it expires: `Duration`s count from this call on.
    pub fn put_expiring(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        expiry: impl Into<Expiry>,
    ) -> &mut Self {
        let life = keyspace.inner.life(expiry.into());
        self.push_value(&keyspace.inner, key.as_ref(), value.as_ref(), life);
        self
    }
}

impl Keyspace {
    /// Gives a key a value that expires so long after this call.
    pub fn put_with_ttl(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> Result<SeqNo> {
        self.put_with(key, value, &WriteOptions::new().ttl(ttl))
    }

    /// Lets the value that a key has expire at another moment, or never. Answers the write's
    /// sequence number, or `None` if the key has no value: what has expired is gone.
    pub fn touch(&self, key: impl AsRef<[u8]>, expiry: impl Into<Expiry>) -> Result<Option<SeqNo>> {
        self.touch_with(key, &WriteOptions::new().expiry(expiry))
    }

    /// As `touch`, chosen for this write: the options name the moment.
    pub fn touch_with(
        &self,
        key: impl AsRef<[u8]>,
        options: &WriteOptions,
    ) -> Result<Option<SeqNo>> {
        let key = key.as_ref();
        loop {
            let Some(value) = self.get(key)? else { return Ok(None) };
            let life = self.inner.life(options.get_expiry());
            let mut batch = Batch::new();
            batch.require_value(self, key, &value);
            batch.push_value(&self.inner, key, &value, life);
            match self.inner.engine().write(&batch.writing(self.inner.engine(), options)?) {
                Ok(seqno) => return Ok(Some(seqno)),
                // Somebody has given it another value meanwhile.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }
}
