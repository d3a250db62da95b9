//! The way of a write: log, memtable, done.
//!
//! Everything that can be done before the commit lock is done before it: the batch stands in the
//! log's own bytes, they are hashed, and its conditions are looked at. Under the lock these are
//! confirmed, and a batch gets its numbers, goes into the log, then into the memtable, and becomes
//! visible, so all three orders are one. No wait happens under the lock: who must wait lets go of
//! it and begins again.

use std::sync::Arc;

use crate::base::checksum::hash64;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::scratch::Scratch;
use crate::base::sync::Ordering;
use crate::batch::{Record, RecordIter, Records};
use crate::condition::Conditions;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::limits::check_quotas;
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

pub mod apart;

use self::apart::Apart;

/// So many records of a batch ask for their memory together.
const GROUP: usize = 8;
/// Bytes of a batch from which on a memtable may not have room for it without more memory.
const LARGE_BATCH: usize = 64 << 10;

/// What is to be written as one, and how.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// What.
    pub records: &'a Records,
    /// The keyspaces of the records and of the conditions, and no others.
    pub keyspaces: &'a [Arc<KeyspaceState>],
    /// What must be so.
    pub conditions: &'a Conditions,
    /// How.
    pub options: &'a WriteOptions,
    /// True if every merge operand among the records says when it was written.
    pub is_stamped: bool,
    /// The large values among them, once they stand apart.
    pub apart: Option<&'a Apart>,
}

impl Engine {
    /// Writes one record.
    #[inline]
    pub fn write_one(
        &self,
        keyspace: &Arc<KeyspaceState>,
        record: Record<'_>,
        options: &WriteOptions,
    ) -> Result<SeqNo> {
        if record.value.len() >= keyspace.apart_from && record.kind == Kind::Put {
            return self.write_large(keyspace, (record.key, record.value), options);
        }
        self.write_pushed(keyspace, options, |records| records.push(record))
    }

    /// Writes the one record that `push` adds.
    #[inline]
    pub fn write_pushed(
        &self,
        keyspace: &Arc<KeyspaceState>,
        options: &WriteOptions,
        push: impl FnOnce(&mut Records) -> Result<()>,
    ) -> Result<SeqNo> {
        let mut records = Records::reusing(Scratch::Record.take());
        let written = push(&mut records).and_then(|()| {
            let (keyspaces, conditions) = (std::slice::from_ref(keyspace), Conditions::NONE);
            let (records, is_stamped, apart) = (&records, false, None);
            self.write(&Writing { records, keyspaces, conditions, options, is_stamped, apart })
        });
        Scratch::Record.keep(records.into_bytes());
        written
    }

    /// Writes records as one, all or none, and answers the sequence number of the last.
    pub fn write(&self, writing: &Writing<'_>) -> Result<SeqNo> {
        let is_merging = || writing.keyspaces.iter().any(|keyspace| keyspace.merger.is_some());
        if self.keyspaces.has_mergers() && !writing.is_stamped && is_merging() {
            return self.write_merging(writing);
        }
        let longest = writing.records.longest();
        let is_large = |keyspace: &Arc<KeyspaceState>| longest >= keyspace.large_from;
        let may_be = longest >= self.keyspaces.large_from() && writing.apart.is_none();
        if may_be && writing.keyspaces.iter().any(is_large) {
            return self.write_batch_apart(writing);
        }
        let begun = match writing.apart {
            None => self.timings.begin(Timing::Write),
            Some(apart) => apart.begun,
        };
        let written = self.write_timely(writing);
        match &written {
            Ok(_) => self.timings.end(Timing::Write, begun),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => self.note_refused(error),
        }
        written
    }

    fn write_timely(&self, writing: &Writing<'_>) -> Result<SeqNo> {
        let Writing { records, keyspaces, conditions, options, apart, .. } = *writing;
        self.check_writable()?;
        if records.is_empty() {
            return self.write_nothing(writing);
        }
        let durability = options.get_durability().unwrap_or(self.options.get_durability());
        let deadline = self.deadline(options.get_timeout());
        let is_logged = durability != Durability::Volatile;
        let log_bytes = if is_logged { padded_len(records.bytes().len()) } else { 0 };
        let mut bytes = records.bytes().len();
        if let Some(apart) = apart {
            bytes = bytes.saturating_add(apart.bytes as usize);
        }
        let payload = Payload::new(records.bytes());
        let mut rest = records.iter();
        let head = Ready::new(rest.next().flatten().ok_or_else(malformed)?);
        let (last, user_bytes, has_grown) = loop {
            self.keep_pace(bytes, deadline, options.is_low_priority())?;
            self.wait_for_flush(deadline)?;
            let held = self.check_conditions(conditions)?;
            let mut writer = self.writer.lock();
            keyspaces.iter().try_for_each(|keyspace| keyspace.check())?;
            check_quotas(keyspaces, records)?;
            self.check_still_writable()?;
            if held.is_some_and(|held| !self.still_hold(&held, conditions)) {
                continue;
            }
            if self.is_full(&writer) {
                self.switch_memtable(&mut writer)?;
                drop(writer);
                self.update_pace();
                continue;
            }
            make_room(&writer.inserter, records)?;
            head.ask(&writer.inserter);
            if let Some(first) = self.take_numbers(&payload, (records.len(), apart), durability)? {
                writer.has_volatile |= durability == Durability::Volatile;
                writer.log_left = writer.log_left.saturating_sub(log_bytes);
                let (last, user_bytes) = self.fill(&mut writer, &head, rest, first)?;
                if let Some(apart) = apart {
                    apart.note_last(last, &mut writer);
                }
                break (last, user_bytes, writer.inserter.take_growth());
            }
            drop(writer);
            self.journal.wait_room(deadline)?;
        };
        if has_grown {
            self.give_way();
            self.update_quotas();
            // Somebody takes up the memory that the next writes touch.
            self.work.notify();
        }
        self.counters.add_all([
            (Counter::Writes, 1),
            (Counter::RecordsWritten, u64::from(records.len())),
            (Counter::BytesWritten, records.bytes().len() as u64),
            (Counter::UserBytesWritten, user_bytes),
            (Counter::LogBytesWritten, log_bytes),
        ]);
        if let Some(apart) = apart {
            self.note_apart(apart);
        }
        if durability == Durability::Durable {
            self.wait_synced(|| self.journal.sync_to(last, deadline))?;
        }
        Ok(last)
    }

    /// A batch without writes: whether its conditions hold is all that it asks.
    fn write_nothing(&self, writing: &Writing<'_>) -> Result<SeqNo> {
        writing.keyspaces.iter().try_for_each(|keyspace| keyspace.check())?;
        self.check_conditions(writing.conditions)?;
        Ok(self.visible())
    }

    /// True if the next batch is to go into another memtable.
    fn is_full(&self, writer: &Writer) -> bool {
        let is_large = writer.memtable.bytes() as u64 >= self.options.get_memtable_bytes();
        (is_large || writer.log_left == 0) && !writer.memtable.is_empty()
    }

    /// The number of the first record, once the batch is in the log; `None` if the log has no room.
    fn take_numbers(
        &self,
        payload: &Payload<'_>,
        (count, apart): (u32, Option<&Apart>),
        durability: Durability,
    ) -> Result<Option<SeqNo>> {
        let restarts = apart.map(|apart| apart.restarts);
        match durability {
            Durability::Volatile => self.journal.reserve_since(restarts, count).map(Some),
            _ => self.journal.try_append_since(restarts, payload, count),
        }
    }

    /// Puts the records into the memtable and shows them to readers. Answers the last number, and
    /// how many bytes the keys and values have.
    fn fill(
        &self,
        writer: &mut Writer,
        head: &Ready<'_>,
        rest: RecordIter<'_>,
        first: SeqNo,
    ) -> Result<(SeqNo, u64)> {
        match fill_memtable(&mut writer.inserter, head, rest.clone(), first) {
            Ok((last, bytes)) => {
                if self.dead.is_watching() && !planted(Bug::DeadRangeNotCut) {
                    self.dead.cut_out(keys_put(head.record, rest));
                }
                let shown = if planted(Bug::HalfABatchShown) { first } else { last };
                self.visible.store(shown.get(), Ordering::Release);
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

/// Refuses a large batch for which there is no memory, as long as the log does not have it either.
#[inline]
fn make_room(inserter: &Inserter, records: &Records) -> Result<()> {
    let bytes = records.bytes().len();
    if bytes < LARGE_BATCH { Ok(()) } else { inserter.make_room(records.len(), bytes) }
}

/// A record that is ready for the memtable: its key made whole and hashed.
#[derive(Debug)]
struct Ready<'a> {
    record: Record<'a>,
    key: FullKey,
    hash: u64,
}

impl<'a> Ready<'a> {
    #[inline]
    fn new(record: Record<'a>) -> Self {
        let key = FullKey::new(record.keyspace, record.key);
        let hash = hash64(key.bytes());
        Self { record, key, hash }
    }

    /// Asks for the memory that it is going to touch.
    #[inline]
    fn ask(&self, inserter: &Inserter) {
        inserter.ahead(self.key.bytes(), self.hash);
    }

    fn insert(&self, inserter: &mut Inserter, seqno: SeqNo) -> Result<()> {
        let Record { kind, value, .. } = self.record;
        if kind == Kind::RangeDelete {
            return self.delete_range(inserter, seqno);
        }
        inserter.put(self.key.bytes(), self.hash, trailer_of(seqno, kind), value)
    }

    fn insert_later(&self, inserter: &mut Inserter, seqno: SeqNo) -> Result<()> {
        let Record { kind, value, .. } = self.record;
        if kind == Kind::RangeDelete {
            return self.delete_range(inserter, seqno);
        }
        inserter.put_later(self.key.bytes(), self.hash, trailer_of(seqno, kind), value)
    }

    fn delete_range(&self, inserter: &mut Inserter, seqno: SeqNo) -> Result<()> {
        let Record { keyspace, value, .. } = self.record;
        let end = match value {
            [] => FullKey::end_of(keyspace),
            end => FullKey::new(keyspace, end),
        };
        inserter.delete_range(self.key.bytes(), end.bytes(), seqno)
    }

    fn bytes(&self) -> u64 {
        (self.record.key.len() + self.record.value.len()) as u64
    }
}

/// The full keys to which records give values.
fn keys_put<'a>(head: Record<'a>, rest: RecordIter<'a>) -> impl Iterator<Item = FullKey> + 'a {
    let is_put = |kind| !matches!(kind, Kind::Delete | Kind::SingleDelete | Kind::RangeDelete);
    let puts = std::iter::once(head).chain(rest.flatten()).filter(move |put| is_put(put.kind));
    puts.map(|record| FullKey::new(record.keyspace, record.key))
}

fn fill_memtable(
    inserter: &mut Inserter,
    head: &Ready<'_>,
    rest: RecordIter<'_>,
    first: SeqNo,
) -> Result<(SeqNo, u64)> {
    head.insert(inserter, first)?;
    let filled = (first, head.bytes());
    if rest.is_empty() { Ok(filled) } else { fill_rest(inserter, rest, filled) }
}

/// Puts records in groups, behind `filled`: what one waits for, the others wait for with it.
fn fill_rest(
    inserter: &mut Inserter,
    mut rest: RecordIter<'_>,
    filled: (SeqNo, u64),
) -> Result<(SeqNo, u64)> {
    let (mut last, mut bytes) = filled;
    while !rest.is_empty() {
        let mut group = [const { None::<Ready<'_>> }; GROUP];
        for (place, record) in group.iter_mut().zip(&mut rest) {
            place.insert(Ready::new(record.ok_or_else(malformed)?)).ask(inserter);
        }
        for ready in group.iter().flatten() {
            last = last.after(1).ok_or_else(malformed)?;
            ready.insert(inserter, last)?;
            bytes += ready.bytes();
        }
    }
    Ok((last, bytes))
}

fn malformed() -> Error {
    Error::new(ErrorKind::Internal, "a batch holds a record that makes no sense")
}

/// Puts one record into a memtable, where it is found once that was told to settle.
pub fn insert_later(inserter: &mut Inserter, record: &Record<'_>, seqno: SeqNo) -> Result<()> {
    Ready::new(*record).insert_later(inserter, seqno)
}
