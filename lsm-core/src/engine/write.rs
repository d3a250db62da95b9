//! The way of a write: log, memtable, done.
//!
//! Everything that can be done before the commit lock is done before it: the batch stands in the
//! log's own bytes, and they are hashed. Under the lock a batch gets its numbers, goes into the
//! log, then into the memtable, and becomes visible, so all three orders are one. No wait happens
//! under the lock: who must wait lets go of it and begins again.

use std::cell::Cell;
use std::sync::Arc;

use crate::base::checksum::hash64;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::batch::{Record, Records};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::state::{Engine, Writer};
use crate::key::full::FullKey;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::trailer_of;
use crate::memtable::handle::Inserter;
use crate::options::durability::Durability;
use crate::options::write::WriteOptions;
use crate::record::frame::{Payload, padded_len};
use crate::stats::counters::Counter;
use crate::stats::timings::Timing;

/// A larger buffer is not kept for the thread's next write.
const SCRATCH_MAX: usize = 64 << 10;

std::thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Engine {
    /// Writes one record.
    pub fn write_one(
        &self,
        keyspace: &Arc<KeyspaceState>,
        record: Record<'_>,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let mut records = Records::reusing(SCRATCH.take());
        let written = records
            .push(record)
            .and_then(|()| self.write(&records, std::slice::from_ref(keyspace), options));
        let bytes = records.into_bytes();
        if bytes.capacity() <= SCRATCH_MAX {
            SCRATCH.set(bytes);
        }
        written
    }

    /// Writes records as one, all or none, and answers the sequence number of the last. They belong
    /// to `keyspaces` and to no other.
    pub fn write(
        &self,
        records: &Records,
        keyspaces: &[Arc<KeyspaceState>],
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        let begun = self.timings.begin(Timing::Write);
        let written = self.write_timely(records, keyspaces, options);
        match &written {
            Ok(_) => self.timings.end(Timing::Write, begun),
            Err(_) => self.note_fault(),
        }
        written
    }

    fn write_timely(
        &self,
        records: &Records,
        keyspaces: &[Arc<KeyspaceState>],
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        self.check_writable()?;
        if records.is_empty() {
            return Ok(self.visible());
        }
        let durability = options.get_durability().unwrap_or(self.options.get_durability());
        let deadline = self.deadline(options.get_timeout());
        let payload = Payload::new(records.bytes());
        let (last, user_bytes, has_grown) = loop {
            self.keep_pace(records.bytes().len(), deadline)?;
            self.wait_for_flush(deadline)?;
            let mut writer = self.writer.lock();
            keyspaces.iter().try_for_each(|keyspace| keyspace.check())?;
            self.check_writable()?;
            if self.is_full(&writer) {
                self.switch_memtable(&mut writer)?;
                drop(writer);
                self.update_pace();
                continue;
            }
            if let Some(first) = self.take_numbers(&payload, records.len(), durability)? {
                writer.has_volatile |= durability == Durability::Volatile;
                let (last, user_bytes) = self.fill(&mut writer, records, first)?;
                break (last, user_bytes, writer.inserter.take_growth());
            }
            drop(writer);
            self.journal.wait_room(deadline)?;
        };
        if has_grown {
            self.cache.give_way();
        }
        self.counters.add(Counter::Writes, 1);
        self.counters.add(Counter::RecordsWritten, u64::from(records.len()));
        self.counters.add(Counter::BytesWritten, records.bytes().len() as u64);
        self.counters.add(Counter::UserBytesWritten, user_bytes);
        if durability != Durability::Volatile {
            self.counters.add(Counter::LogBytesWritten, padded_len(records.bytes().len()));
        }
        if durability == Durability::Durable {
            self.wait_synced(|| self.journal.sync_to(last, deadline))?;
        }
        Ok(last)
    }

    /// True if the next batch is to go into another memtable.
    fn is_full(&self, writer: &Writer) -> bool {
        writer.memtable.bytes() as u64 >= self.options.get_memtable_bytes()
            && !writer.memtable.is_empty()
    }

    /// The number of the first record, once the batch is in the log; `None` if the log has no room.
    fn take_numbers(
        &self,
        payload: &Payload<'_>,
        count: u32,
        durability: Durability,
    ) -> Result<Option<SeqNo>> {
        match durability {
            Durability::Volatile => self.journal.reserve(count).map(Some),
            _ => self.journal.try_append(payload, count),
        }
    }

    /// Puts the records into the memtable and shows them to readers. Answers the last number, and
    /// how many bytes the keys and values have.
    fn fill(&self, writer: &mut Writer, records: &Records, first: SeqNo) -> Result<(SeqNo, u64)> {
        let filled = fill_memtable(&mut writer.inserter, records, first);
        match filled {
            Ok((last, bytes)) => {
                self.visible.store(last.get(), Ordering::Release);
                Ok((last, bytes))
            }
            // The log has it and the memory does not: nothing may be written over that.
            Err(error) => {
                self.health.report_final(error.clone());
                // Who waits for a flush waits in vain from now on.
                self.progress.notify();
                Err(error.and_maybe_committed())
            }
        }
    }
}

fn fill_memtable(inserter: &mut Inserter, records: &Records, first: SeqNo) -> Result<(SeqNo, u64)> {
    let mut bytes = 0;
    let mut next = first;
    let mut last = first;
    for record in records.iter() {
        let record = record.ok_or_else(malformed)?;
        insert(inserter, &record, next)?;
        bytes += (record.key.len() + record.value.len()) as u64;
        last = next;
        next = next.after(1).ok_or_else(malformed)?;
    }
    Ok((last, bytes))
}

fn malformed() -> Error {
    Error::new(ErrorKind::Internal, "a batch holds a record that makes no sense")
}

/// Puts one record into a memtable.
pub fn insert(inserter: &mut Inserter, record: &Record<'_>, seqno: SeqNo) -> Result<()> {
    let key = FullKey::new(record.keyspace, record.key);
    if record.kind != Kind::RangeDelete {
        let trailer = trailer_of(seqno, record.kind);
        return inserter.put(key.bytes(), hash64(key.bytes()), trailer, record.value);
    }
    let end = match record.value {
        [] => FullKey::end_of(record.keyspace),
        end => FullKey::new(record.keyspace, end),
    };
    inserter.delete_range(key.bytes(), end.bytes(), seqno)
}
