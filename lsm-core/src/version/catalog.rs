//! The catalog: everything that the edits of a manifest add up to.
//!
//! `apply` refuses an edit that contradicts what is there, so a manifest that replays without error
//! is consistent; `snapshot` gives the edits that make the same catalog from nothing.

use std::collections::BTreeMap;

use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::edit::{Edit, LogPosition, Seal};

/// What the database consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The same in every file of the database.
    pub database_id: [u8; 16],
    /// Which copy of it.
    pub incarnation: u64,
    /// The number of the last edit.
    pub edit: u64,
    /// The next file gets this number or a higher one.
    pub next_number: u64,
    /// Sequence numbers below this were given.
    pub next_seqno: SeqNo,
    /// The largest wall clock seen, in milliseconds.
    pub clock_millis: u64,
    /// Log segments below this number are dead.
    pub log_start: u64,
    /// The log is known durable up to here.
    pub log_durable: LogPosition,
    /// The live log segments, by number.
    pub logs: BTreeMap<u64, LogEntry>,
    /// The keyspaces besides the default one.
    pub keyspaces: BTreeMap<KeyspaceId, String>,
    /// The next keyspace gets this number.
    pub next_keyspace: u32,
}

/// What is known of a log segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The id in its header.
    pub file_id: u64,
    /// How it ended, if it did.
    pub seal: Option<Seal>,
}

impl Catalog {
    /// The catalog of a database that was just made.
    #[must_use]
    pub fn new(database_id: [u8; 16], incarnation: u64) -> Self {
        Self { database_id, incarnation, next_number: 1, next_keyspace: 1, ..Self::default() }
    }

    /// Makes the change, or says why it cannot be one.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), &'static str> {
        match edit {
            Edit::Identity { database_id, incarnation } => {
                self.database_id = *database_id;
                self.incarnation = *incarnation;
            }
            Edit::NextNumber(number) => self.next_number = self.next_number.max(*number),
            Edit::NextSeqno(seqno) => self.next_seqno = self.next_seqno.max(*seqno),
            Edit::Clock(millis) => self.clock_millis = self.clock_millis.max(*millis),
            Edit::LogAdded { number, file_id } => self.add_log(*number, *file_id)?,
            Edit::LogSealed { number, seal } => self.seal_log(*number, *seal)?,
            Edit::LogStart(number) => {
                self.log_start = self.log_start.max(*number);
                self.logs = self.logs.split_off(&self.log_start);
            }
            Edit::LogDurable(position) => self.log_durable = self.log_durable.max(*position),
            Edit::KeyspaceCreated { id, name } => self.create_keyspace(*id, name)?,
            Edit::KeyspaceDropped(id) => {
                self.keyspaces.remove(id).ok_or("a keyspace is dropped that is not there")?;
            }
            Edit::NextKeyspace(number) => self.next_keyspace = self.next_keyspace.max(*number),
        }
        Ok(())
    }

    fn add_log(&mut self, number: u64, file_id: u64) -> Result<(), &'static str> {
        let follows = self.logs.last_key_value().is_none_or(|(&last, _)| last < number);
        if !follows || number < self.log_start {
            return Err("a log segment is added out of order");
        }
        self.logs.insert(number, LogEntry { file_id, seal: None });
        self.next_number = self.next_number.max(number.saturating_add(1));
        Ok(())
    }

    fn seal_log(&mut self, number: u64, seal: Seal) -> Result<(), &'static str> {
        let entry =
            self.logs.get_mut(&number).ok_or("a log segment is sealed that is not there")?;
        entry.seal = Some(seal);
        Ok(())
    }

    fn create_keyspace(&mut self, id: KeyspaceId, name: &str) -> Result<(), &'static str> {
        if id == KeyspaceId::DEFAULT || id.get() < self.next_keyspace {
            return Err("the number of a keyspace is used again");
        }
        self.next_keyspace = id.get().checked_add(1).ok_or("keyspace numbers have run out")?;
        self.keyspaces.insert(id, name.to_owned());
        Ok(())
    }

    /// The edits that make this catalog from an empty one.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Edit> {
        let mut edits = vec![
            Edit::Identity { database_id: self.database_id, incarnation: self.incarnation },
            Edit::NextNumber(self.next_number),
            Edit::NextSeqno(self.next_seqno),
            Edit::Clock(self.clock_millis),
            Edit::LogStart(self.log_start),
            Edit::LogDurable(self.log_durable),
        ];
        for (&number, entry) in &self.logs {
            edits.push(Edit::LogAdded { number, file_id: entry.file_id });
            if let Some(seal) = entry.seal {
                edits.push(Edit::LogSealed { number, seal });
            }
        }
        for (&id, name) in &self.keyspaces {
            edits.push(Edit::KeyspaceCreated { id, name: name.clone() });
        }
        edits.push(Edit::NextKeyspace(self.next_keyspace));
        edits
    }
}

#[cfg(test)]
mod tests;
