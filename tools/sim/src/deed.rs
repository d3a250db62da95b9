//! Deeds: calls of the public API, made from data, so that any client can do them at any time and
//! the model can take in later what came of them.

use std::time::Duration;

use lsm_core::{
    Batch, CallOptions, Db, Durability, Error, ErrorKind, Expiry, KeyspaceOptions, Result,
    WriteOptions,
};

use crate::model::{Change, End};
use crate::world::millis_of;

/// Where the disk is full for ever, nothing comes to rest.
const PATIENCE: Duration = Duration::from_secs(30);

/// What must be so for a batch to be written: a key has this value, or none.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The keyspace.
    pub space: &'static str,
    /// The key.
    pub key: Vec<u8>,
    /// What it must have.
    pub value: Option<Vec<u8>>,
}

/// A write.
#[derive(Clone, Debug)]
pub struct Write {
    /// What it changes.
    pub changes: Vec<Change>,
    /// What must be so.
    pub conditions: Vec<Condition>,
    /// How durable it is.
    pub durability: Durability,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The minute in which it is written.
    pub minute: u64,
}

/// One call.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A write.
    Write(Write),
    /// What a key has.
    Get(&'static str, Vec<u8>),
    /// All keys of a client.
    Scan(&'static str, u8),
    /// Everything into a table.
    Flush,
    /// Everything into the last level.
    Compact(&'static str),
    /// Everything logged is made durable.
    Sync,
    /// Everything comes to rest.
    WaitIdle,
}

/// What a call answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A write, by its number.
    Written(Result<u64>),
    /// Something that answers nothing.
    Done(Result<()>),
    /// A value.
    Value(Result<Option<Vec<u8>>>),
    /// Pairs, in order.
    Pairs(Result<Vec<(Vec<u8>, Vec<u8>)>>),
}

impl Answer {
    /// The error, if it is one.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Written(answer) => answer.as_ref().err(),
            Self::Done(answer) => answer.as_ref().err(),
            Self::Value(answer) => answer.as_ref().err(),
            Self::Pairs(answer) => answer.as_ref().err(),
        }
    }
}

impl Deed {
    /// Calls.
    #[must_use]
    pub fn perform(&self, db: &Db) -> Answer {
        match self {
            Self::Write(write) => Answer::Written(write.perform(db)),
            Self::Get(space, key) => {
                let found = there(db, space).and_then(|space| space.get(key));
                Answer::Value(found.map(|value| value.map(|value| value.to_vec())))
            }
            Self::Scan(space, start) => Answer::Pairs(there(db, space).and_then(|space| {
                let pair = |pair: Result<(lsm_core::Slice, lsm_core::Slice)>| {
                    pair.map(|(key, value)| (key.to_vec(), value.to_vec()))
                };
                space.prefix([*start]).map(pair).collect()
            })),
            Self::Flush => Answer::Done(db.flush()),
            Self::Compact(space) => {
                Answer::Done(there(db, space).and_then(|space| space.compact(..)))
            }
            Self::Sync => Answer::Done(db.sync()),
            Self::WaitIdle => Answer::Done(db.wait_idle_with(CallOptions::new().timeout(PATIENCE))),
        }
    }
}

/// A keyspace that is there: asking for it by its name alone would make it.
pub fn there(db: &Db, name: &str) -> Result<lsm_core::Keyspace> {
    match name {
        "default" => Ok(db.default_keyspace().clone()),
        name if db.keyspace_names().iter().any(|there| there == name) => db.keyspace(name),
        name => Err(Error::new(ErrorKind::Closed, format!("there is no keyspace {name}"))),
    }
}

fn expiry(end: End) -> Expiry {
    match end {
        End::Usual => Expiry::Usual,
        End::Never => Expiry::Never,
        End::At(minute) => Expiry::At(millis_of(minute)),
    }
}

impl Write {
    fn perform(&self, db: &Db) -> Result<u64> {
        let mut options = WriteOptions::new().durability(self.durability);
        if let Some(timeout) = self.timeout {
            options = options.timeout(timeout);
        }
        match &self.changes[..] {
            [Change::Make(name, kept)] => {
                db.keyspace_with(name, KeyspaceOptions::clone(&kept.options))?;
                Ok(db.latest_seqno().get())
            }
            [Change::Drop(name)] => {
                db.drop_keyspace(name)?;
                Ok(db.latest_seqno().get())
            }
            [one] if self.conditions.is_empty() => write_one(db, one, &options),
            _ => self.write_batch(db, &options),
        }
    }

    fn write_batch(&self, db: &Db, options: &WriteOptions) -> Result<u64> {
        let mut batch = Batch::new();
        for Condition { space, key, value } in &self.conditions {
            let space = there(db, space)?;
            match value {
                Some(value) => batch.require_value(&space, key, value),
                None => batch.require_absent(&space, key),
            };
        }
        for change in &self.changes {
            let space = there(db, change.space())?;
            match change {
                Change::Put(_, key, value, End::Usual) => batch.put(&space, key, value),
                Change::Put(_, key, value, end) => {
                    batch.put_expiring(&space, key, value, expiry(*end))
                }
                Change::Merge(_, key, value, End::Usual) => batch.merge(&space, key, value),
                Change::Merge(_, key, value, end) => {
                    batch.merge_expiring(&space, key, value, expiry(*end))
                }
                Change::Delete(_, key) => batch.delete(&space, key),
                Change::DeleteRange(_, from, to) => batch.delete_range(&space, from..to),
                Change::Make(..) | Change::Drop(_) => &mut batch,
            };
        }
        db.write_with(&batch, options).map(|seqno| seqno.get())
    }
}

fn write_one(db: &Db, change: &Change, options: &WriteOptions) -> Result<u64> {
    let space = there(db, change.space())?;
    let written = match change {
        Change::Put(_, key, value, end) => {
            space.put_with(key, value, &options.expiry(expiry(*end)))
        }
        Change::Merge(_, key, value, end) => {
            space.merge_with(key, value, &options.expiry(expiry(*end)))
        }
        Change::Delete(_, key) => space.delete_with(key, options),
        Change::DeleteRange(_, from, to) => space.delete_range_with(from..to, options),
        Change::Make(..) | Change::Drop(_) => return Ok(db.latest_seqno().get()),
    };
    written.map(|seqno| seqno.get())
}
