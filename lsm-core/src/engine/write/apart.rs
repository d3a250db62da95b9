//! Large values on their way: into a file of their own first, and then a reference goes the way of
//! every write.
//!
//! Packing and writing happen before the commit lock, each writer for itself. A batch that is
//! refused afterwards leaves bytes that nothing refers to, which a compaction gives back.

use std::sync::Arc;
use std::time::Duration;

use crate::base::compress::Codec;
use crate::base::error::{Error, ErrorKind, Result};
use crate::batch::{Record, Records, check_sizes};
use crate::blob::record::{Large, Packed};
use crate::blob::reference::BlobRef;
use crate::blob::tail::Reserved;
use crate::condition::Conditions;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::limits::check_quotas;
use crate::engine::state::{Engine, Writer};
use crate::engine::write::Writing;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::options::keyspace::Compression;
use crate::options::write::WriteOptions;
use crate::stats::counters::Counter;
use crate::stats::timings::Timing;

/// What a batch has in files of large values.
#[derive(Debug)]
pub struct Apart {
    /// Kept until the references are in memory.
    reserved: Vec<Reserved>,
    /// How often the log had been rewritten before.
    pub restarts: u64,
    /// Bytes of the records.
    pub bytes: u64,
    /// The same by keyspace.
    shares: Vec<(KeyspaceId, u64)>,
    /// Bytes that the values have more than the references.
    pub saved: u64,
    /// When the write began, if that is taken down.
    pub begun: Option<Duration>,
}

impl Apart {
    /// The memtable refers to all of it, up to this number.
    #[cold]
    pub(super) fn note_last(&self, last: SeqNo, writer: &mut Writer) {
        let memtable = &writer.memtable;
        self.reserved.iter().for_each(|reserved| reserved.file().note_reference(last));
        self.shares.iter().for_each(|&(keyspace, bytes)| memtable.note_apart(keyspace, bytes));
        writer.apart_left = writer.apart_left.saturating_sub(self.bytes);
        if writer.apart_left == 0 {
            // It refers to as much as it may: the next batch goes into another.
            writer.log_left = 0;
        }
    }
}

impl Engine {
    /// Writes one record with a large value. The value is not copied on its way.
    // Few writes go this way: the others are not to carry it along.
    #[inline(never)]
    pub fn write_large(
        &self,
        keyspace: &Arc<KeyspaceState>,
        (key, value): (&[u8], &[u8]),
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let mut records = Records::default();
        let mut apart = self.nothing_apart();
        let (keyspaces, conditions) = (std::slice::from_ref(keyspace), Conditions::NONE);
        let prepared = check_sizes(key, value).and_then(|()| {
            let bare = Record { kind: Kind::Put, keyspace: keyspace.id, key, value: &[] };
            records.push(bare)?;
            let is_stamped = true;
            let writing = Writing {
                records: &records,
                keyspaces,
                conditions,
                options,
                is_stamped,
                apart: None,
            };
            self.check_before(&writing)?;
            records.clear();
            self.set_apart(keyspace, &Record { value, ..bare }, (&mut records, &mut apart))
        });
        prepared.inspect_err(|error| self.note_unwritten(error))?;
        let (records, is_stamped, apart) = (&records, true, Some(&apart));
        self.write(&Writing { records, keyspaces, conditions, options, is_stamped, apart })
    }

    /// Writes records of which some have a large value.
    #[inline(never)]
    pub(super) fn write_batch_apart(&self, writing: &Writing<'_>) -> Result<SeqNo> {
        let mut records = Records::default();
        let mut apart = self.nothing_apart();
        let prepared = self.check_before(writing);
        let prepared =
            prepared.and_then(|()| self.set_all_apart(writing, &mut records, &mut apart));
        prepared.inspect_err(|error| self.note_unwritten(error))?;
        self.write(&Writing { records: &records, apart: Some(&apart), ..*writing })
    }

    fn set_all_apart(
        &self,
        writing: &Writing<'_>,
        records: &mut Records,
        apart: &mut Apart,
    ) -> Result<()> {
        for record in writing.records.iter() {
            let record = record.ok_or_else(malformed)?;
            let is_put = matches!(record.kind, Kind::Put | Kind::PutExpiring);
            let is_large = |state: &&Arc<KeyspaceState>| {
                state.id == record.keyspace && value_of(&record).1.len() >= state.large_from
            };
            match writing.keyspaces.iter().find(is_large).filter(|_| is_put) {
                Some(state) => self.set_apart(state, &record, (records, apart))?,
                None => records.push_again(&record)?,
            }
        }
        Ok(())
    }

    /// Counts what a batch that was written has apart.
    #[cold]
    pub(super) fn note_apart(&self, apart: &Apart) {
        self.update_quotas();
        self.counters.add(Counter::UserBytesWritten, apart.saved);
    }

    /// Takes in that nothing came of a write.
    fn note_unwritten(&self, error: &Error) {
        if error.kind() != ErrorKind::Conflict {
            self.note_refused(error);
        }
    }

    /// Refuses what would be refused later anyway, before anything is written for it.
    fn check_before(&self, writing: &Writing<'_>) -> Result<()> {
        self.check_writable()?;
        if let Some(fault) = self.journal.fault() {
            let message = "the log takes no writes since an earlier fault";
            return Err(fault.as_cause_of(ErrorKind::ReadOnly, message));
        }
        writing.keyspaces.iter().try_for_each(|keyspace| keyspace.check())?;
        check_quotas(writing.keyspaces, writing.records)?;
        self.check_conditions(writing.conditions).map(drop)
    }

    fn nothing_apart(&self) -> Apart {
        let begun = self.timings.begin(Timing::Write);
        Apart {
            reserved: Vec::new(),
            restarts: self.journal.restarts(),
            bytes: 0,
            shares: Vec::new(),
            saved: 0,
            begun,
        }
    }

    /// Writes the value of a record, and adds a record with a reference to it.
    fn set_apart(
        &self,
        keyspace: &KeyspaceState,
        record: &Record<'_>,
        (records, apart): (&mut Records, &mut Apart),
    ) -> Result<()> {
        let (expiry_millis, value) = value_of(record);
        let codec = codec_of(keyspace);
        let large = Large { keyspace: record.keyspace, key: record.key, value, codec };
        let (reference, reserved) = self.journal.write_apart(Packed::new(&large))?;
        let reference = BlobRef { expiry_millis, ..reference };
        let saved = push_reference(records, record.keyspace, record.key, &reference)?;
        apart.bytes = apart.bytes.saturating_add(u64::from(reference.len));
        apart.shares.push((record.keyspace, u64::from(reference.len)));
        apart.saved = apart.saved.saturating_add(saved);
        apart.reserved.push(reserved);
        Ok(())
    }
}

/// Adds a record with a reference; answers how many bytes less it has than the value.
fn push_reference(
    records: &mut Records,
    keyspace: KeyspaceId,
    key: &[u8],
    reference: &BlobRef,
) -> Result<u64> {
    let mut value = Vec::with_capacity(64);
    reference.encode(&mut value);
    records.push(Record { kind: Kind::BlobRef, keyspace, key, value: &value })?;
    Ok(u64::from(reference.raw).saturating_sub(value.len() as u64))
}

/// When the value of a put expires, and the value.
fn value_of<'a>(record: &Record<'a>) -> (Option<u64>, &'a [u8]) {
    match record.value.split_first_chunk() {
        Some((moment, value)) if record.kind == Kind::PutExpiring => {
            // Zero would stand for never.
            (Some(u64::from_le_bytes(*moment).max(1)), value)
        }
        _ => (None, record.value),
    }
}

/// How large values of a keyspace are packed. Whoever writes waits for it: so quickly.
fn codec_of(keyspace: &KeyspaceState) -> Codec {
    match keyspace.options.get_compression() {
        Compression::None => Codec::None,
        _ => Codec::Lz4,
    }
}

fn malformed() -> Error {
    Error::new(ErrorKind::Internal, "a batch holds a record that makes no sense")
}
