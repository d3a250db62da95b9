//! The catalog: everything that the edits of a manifest add up to.
//!
//! `apply` refuses an edit that contradicts what is there, so a manifest that replays without error
//! is consistent; `snapshot` gives the edits that make the same catalog from nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::blob::file::{BlobEnd, BlobEntry};
use crate::blob::reference::BlobUse;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::edit::{Edit, LogPosition, Seal};
use crate::version::tree::{SliceMeta, TableMeta};

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
    /// The text of what was chosen for a keyspace, where something was.
    pub options: BTreeMap<KeyspaceId, String>,
    /// The table files, by number.
    pub tables: BTreeMap<u64, Arc<TableEntry>>,
    /// The files of large values, by the numbers that references name.
    pub blobs: BTreeMap<u64, BlobEntry>,
    /// Entries with this sequence number or a lower one are in tables, or gone.
    pub flushed: SeqNo,
    /// The numbers in the names of files of large values, where references name another: few, in
    /// order.
    places: Vec<u64>,
    /// The tables of each run, in key order.
    runs: BTreeMap<RunId, Arc<Vec<u64>>>,
}

/// A tree, a level of it, and the number of a run there.
type RunId = (KeyspaceId, u8, u64);

/// What is known of a table file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The file.
    pub meta: TableMeta,
    /// Its parts, and where they stand.
    pub slices: Vec<SliceMeta>,
}

impl TableEntry {
    /// The part of a keyspace.
    #[must_use]
    pub fn slice(&self, keyspace: KeyspaceId) -> Option<&SliceMeta> {
        self.slices.iter().find(|slice| slice.keyspace == keyspace)
    }
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
            Edit::KeyspaceDropped(id) => self.drop_keyspace(*id)?,
            Edit::NextKeyspace(number) => self.next_keyspace = self.next_keyspace.max(*number),
            Edit::KeyspaceOptions { id, text } => {
                self.check_keyspace(*id)?;
                self.options.insert(*id, text.clone());
            }
            Edit::TableAdded { meta, slices } => self.add_table(meta, slices)?,
            Edit::SliceMoved { table, keyspace, level, run } => {
                let old = self.take_slice(*table, *keyspace)?;
                self.put_slice(*table, SliceMeta { level: *level, run: *run, ..old })?;
            }
            Edit::SliceRemoved { table, keyspace } => {
                self.take_slice(*table, *keyspace)?;
                self.forget_blobs(*table, *keyspace);
                self.drop_if_unused(*table);
            }
            Edit::Flushed(seqno) => {
                self.flushed = self.flushed.max(*seqno);
                self.note_seqno(*seqno)?;
            }
            Edit::BlobAdded { number, file_id } => self.add_blob(*number, *file_id)?,
            Edit::BlobSealed(end) => self.seal_blob(end)?,
            Edit::BlobRemoved(number) => self.remove_blob(*number)?,
            Edit::TableBlobs { table, blobs } => self.set_blobs(*table, blobs)?,
        }
        Ok(())
    }

    /// Refuses a number that some file has: in its name, or where references name it.
    fn check_unused(&self, number: u64) -> Result<(), &'static str> {
        let is_used = number == 0
            || self.tables.contains_key(&number)
            || self.logs.contains_key(&number)
            || self.blobs.contains_key(&number)
            || self.places.contains(&number);
        if is_used { Err("the number of a file is used again") } else { Ok(()) }
    }

    fn add_log(&mut self, number: u64, file_id: u64) -> Result<(), &'static str> {
        let follows = self.logs.last_key_value().is_none_or(|(&last, _)| last < number);
        if !follows || number < self.log_start {
            return Err("a log segment is added out of order");
        }
        self.check_unused(number)?;
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

    fn add_blob(&mut self, number: u64, file_id: u64) -> Result<(), &'static str> {
        self.check_unused(number)?;
        self.blobs.insert(number, BlobEntry { file_id, place: number, bytes: None });
        self.next_number = self.next_number.max(number.saturating_add(1));
        Ok(())
    }

    fn seal_blob(&mut self, end: &BlobEnd) -> Result<(), &'static str> {
        let place = self.blobs.get(&end.number).ok_or(UNKNOWN_BLOB)?.place;
        // It may stay where it is, and go back to the number that references name it by.
        if end.place != place && end.place != end.number {
            self.check_unused(end.place)?;
        }
        let entry = self.blobs.get_mut(&end.number).ok_or(UNKNOWN_BLOB)?;
        (entry.place, entry.bytes) = (end.place, Some(end.bytes));
        self.places.retain(|other| *other != place);
        if let (Err(at), true) = (self.places.binary_search(&end.place), end.place != end.number) {
            self.places.insert(at, end.place);
        }
        self.next_number = self.next_number.max(end.place.saturating_add(1));
        Ok(())
    }

    fn remove_blob(&mut self, number: u64) -> Result<(), &'static str> {
        let refers = |entry: &Arc<TableEntry>| entry.meta.blobs.iter().any(|it| it.file == number);
        if self.tables.values().any(refers) {
            return Err("a file of large values is removed that a table refers to");
        }
        let removed = self.blobs.remove(&number).ok_or(UNKNOWN_BLOB)?;
        self.places.retain(|other| *other != removed.place);
        Ok(())
    }

    fn set_blobs(&mut self, table: u64, blobs: &[BlobUse]) -> Result<(), &'static str> {
        if !blobs.iter().all(|blob| self.blobs.contains_key(&blob.file)) {
            return Err(UNKNOWN_BLOB);
        }
        let entry = Arc::make_mut(self.tables.get_mut(&table).ok_or(UNKNOWN_TABLE)?);
        entry.meta.blobs = used_by(&entry.slices, blobs);
        Ok(())
    }

    /// What a keyspace had in files of large values by way of a table is nothing any more.
    fn forget_blobs(&mut self, table: u64, keyspace: KeyspaceId) {
        let has = |entry: &&mut Arc<TableEntry>| {
            entry.meta.blobs.iter().any(|blob| blob.keyspace == keyspace)
        };
        if let Some(entry) = self.tables.get_mut(&table).filter(has) {
            Arc::make_mut(entry).meta.blobs.retain(|blob| blob.keyspace != keyspace);
        }
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
        for (&id, text) in &self.options {
            edits.push(Edit::KeyspaceOptions { id, text: text.clone() });
        }
        for (&number, entry) in &self.blobs {
            edits.push(Edit::BlobAdded { number, file_id: entry.file_id });
            if let Some(bytes) = entry.bytes {
                edits.push(Edit::BlobSealed(BlobEnd { number, place: entry.place, bytes }));
            }
        }
        for entry in self.tables.values() {
            let TableEntry { meta, slices } = entry.as_ref().clone();
            edits.push(Edit::TableAdded { meta, slices });
        }
        if self.flushed > SeqNo::ZERO {
            edits.push(Edit::Flushed(self.flushed));
        }
        edits
    }

    /// True if there is such a keyspace.
    #[must_use]
    pub fn has_keyspace(&self, id: KeyspaceId) -> bool {
        id == KeyspaceId::DEFAULT || self.keyspaces.contains_key(&id)
    }

    /// What was chosen for a keyspace, as text; empty if nothing was.
    #[must_use]
    pub fn options_of(&self, id: KeyspaceId) -> &str {
        self.options.get(&id).map_or("", String::as_str)
    }

    /// The edits without what they say of keyspaces that were dropped while they were prepared.
    /// Numbers of keyspaces are never given again, so nothing else can be meant.
    #[must_use]
    pub fn without_dropped(&self, mut edits: Vec<Edit>) -> Vec<Edit> {
        let is_dropped = |id: &KeyspaceId| id.get() < self.next_keyspace && !self.has_keyspace(*id);
        edits.retain_mut(|edit| match edit {
            Edit::TableAdded { slices, .. } => {
                slices.retain(|slice| !is_dropped(&slice.keyspace));
                !slices.is_empty()
            }
            Edit::SliceMoved { keyspace, .. } | Edit::SliceRemoved { keyspace, .. } => {
                !is_dropped(keyspace)
            }
            Edit::KeyspaceOptions { id, .. } => !is_dropped(id),
            _ => true,
        });
        edits
    }

    fn check_keyspace(&self, id: KeyspaceId) -> Result<(), &'static str> {
        if self.has_keyspace(id) { Ok(()) } else { Err("a keyspace is named that is not there") }
    }

    fn drop_keyspace(&mut self, id: KeyspaceId) -> Result<(), &'static str> {
        self.keyspaces.remove(&id).ok_or("a keyspace is dropped that is not there")?;
        self.options.remove(&id);
        let has_slice = |entry: &Arc<TableEntry>| entry.slice(id).is_some();
        let holders = self.tables.iter().filter(|(_, entry)| has_slice(entry));
        let holders: Vec<u64> = holders.map(|(&number, _)| number).collect();
        for number in holders {
            self.take_slice(number, id)?;
            self.forget_blobs(number, id);
            self.drop_if_unused(number);
        }
        Ok(())
    }

    fn note_seqno(&mut self, seqno: SeqNo) -> Result<(), &'static str> {
        let next = seqno.after(1).ok_or("the sequence numbers have run out")?;
        self.next_seqno = self.next_seqno.max(next);
        Ok(())
    }

    fn add_table(&mut self, meta: &TableMeta, slices: &[SliceMeta]) -> Result<(), &'static str> {
        meta.check()?;
        let number = meta.number;
        if !meta.blobs.iter().all(|blob| self.blobs.contains_key(&blob.file)) {
            return Err(UNKNOWN_BLOB);
        }
        self.check_unused(number)?;
        if slices.is_empty() {
            return Err("a table is added that no tree needs");
        }
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.note_seqno(meta.seqno_max)?;
        let meta = TableMeta { blobs: used_by(slices, &meta.blobs), ..meta.clone() };
        let entry = TableEntry { meta, slices: Vec::with_capacity(slices.len()) };
        self.tables.insert(number, Arc::new(entry));
        slices.iter().try_for_each(|slice| self.put_slice(number, slice.clone()))
    }

    /// Puts a slice in its place in a tree.
    fn put_slice(&mut self, table: u64, slice: SliceMeta) -> Result<(), &'static str> {
        slice.check()?;
        self.check_keyspace(slice.keyspace)?;
        let entry = self.tables.get_mut(&table).ok_or(UNKNOWN_TABLE)?;
        if entry.slice(slice.keyspace).is_some() {
            return Err("a table has two parts in one keyspace");
        }
        let id = (slice.keyspace, slice.level, slice.run);
        let at = self.place_in_run(id, &slice)?;
        Arc::make_mut(self.runs.entry(id).or_default()).insert(at, table);
        if let Some(entry) = self.tables.get_mut(&table) {
            Arc::make_mut(entry).slices.push(slice);
        }
        Ok(())
    }

    /// Takes a slice out of its tree.
    fn take_slice(&mut self, table: u64, keyspace: KeyspaceId) -> Result<SliceMeta, &'static str> {
        let entry = self.tables.get_mut(&table).ok_or(UNKNOWN_TABLE)?;
        let at = entry.slices.iter().position(|slice| slice.keyspace == keyspace);
        let slice = Arc::make_mut(entry).slices.remove(at.ok_or(UNKNOWN_SLICE)?);
        let id = (keyspace, slice.level, slice.run);
        let run = Arc::make_mut(self.runs.get_mut(&id).ok_or(UNKNOWN_SLICE)?);
        run.retain(|&number| number != table);
        if run.is_empty() {
            self.runs.remove(&id);
        }
        Ok(slice)
    }

    fn drop_if_unused(&mut self, table: u64) {
        if self.tables.get(&table).is_some_and(|entry| entry.slices.is_empty()) {
            self.tables.remove(&table);
        }
    }

    /// Where in its run a slice belongs; an error if it overlaps another one there.
    fn place_in_run(&self, id: RunId, slice: &SliceMeta) -> Result<usize, &'static str> {
        let Some(run) = self.runs.get(&id) else { return Ok(0) };
        let of = |number: &u64| self.tables.get(number).and_then(|entry| entry.slice(id.0));
        let at = run.partition_point(|number| {
            of(number).is_some_and(|other| other.is_before(&slice.smallest))
        });
        match run.get(at).and_then(of) {
            Some(next) if next.overlaps(slice) => Err("parts of tables overlap in one run"),
            _ => Ok(at),
        }
    }
}

/// What the keyspaces of these slices have in files of large values.
fn used_by(slices: &[SliceMeta], blobs: &[BlobUse]) -> Vec<BlobUse> {
    let has_slice = |blob: &&BlobUse| slices.iter().any(|slice| slice.keyspace == blob.keyspace);
    blobs.iter().filter(has_slice).copied().collect()
}

const UNKNOWN_TABLE: &str = "a table is named that is not there";
const UNKNOWN_BLOB: &str = "a file of large values is named that is not there";
const UNKNOWN_SLICE: &str = "a part of a table is named that is not there";

#[cfg(test)]
mod tests;
