//! Memtables: made, switched, and waited for until they are flushed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::copy::{COPY_TRIED, slice_of};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;
use crate::base::sync::Ordering;
use crate::blob::store::FILE_BYTES;
use crate::engine::state::{Engine, Writer};
use crate::memtable::handle::{Inserter, Memtable, new_from};
use crate::memtable::options::MemtableOptions;
use crate::memtable::stock::Stock;
use crate::options::database::{MEMORY_LIMIT_SMALL, Options};
use crate::options::progress::CallOptions;
use crate::read::get::Found;
use crate::read::view::Sealed;
use crate::stats::counters::Counter;
use crate::wal::segment::resident_bytes_max;

/// More memtables than this never wait for their flush: writers wait instead.
const SEALED_MAX: usize = 3;
/// Nor more than this where the memory limit is small.
const SEALED_MAX_SMALL: usize = 2;
/// All memtables together take so much of the memory limit: one part in so many.
const MEMTABLES_SHARE: u64 = 2;
/// A segment is at least so long.
const SEGMENT_BYTES_LEAST: u64 = 4096;
/// No segment has to be shorter than this.
const SEGMENT_BYTES_ENOUGH: u64 = 1 << 20;
/// Files of large values are no shorter than this, unless a memtable ends before.
const BLOB_FILE_BYTES_LEAST: u64 = 64 << 10;
/// What is left of the limit for blocks, whatever others take: one part in so many.
const CACHE_FLOOR_SHARE: u64 = 16;
/// What a worker needs to write a table: the output and its packing, the filter and the index of a
/// partition, the block, and what the allocator keeps of that for its thread.
const WRITING_BYTES: u64 = 3 << 19;

/// A memtable as the options want it.
pub fn new_memtable(
    options: &Options,
    budget: &Arc<Budget>,
    stock: &Weak<Stock>,
) -> Result<(Arc<Memtable>, Inserter)> {
    let bytes = options.get_memtable_bytes() as usize;
    let kind = options.get_memtable();
    let (memtable, mut inserter) = new_from(&MemtableOptions { kind, bytes }, stock)?;
    inserter.charge_to(budget);
    Ok((memtable, inserter))
}

/// How many memtables may wait for their flush within the memory limit.
#[must_use]
pub fn sealed_max(options: &Options) -> usize {
    let limit = options.get_memory_limit();
    let most = if limit < MEMORY_LIMIT_SMALL { SEALED_MAX_SMALL } else { SEALED_MAX };
    let all = limit / MEMTABLES_SHARE / options.get_memtable_bytes().max(1);
    usize::try_from(all).unwrap_or(most).saturating_sub(1).clamp(1, most)
}

/// What blocks have at least.
#[must_use]
pub fn cache_floor(options: &Options) -> u64 {
    options.get_memory_limit() / CACHE_FLOOR_SHARE
}

/// Counts what background work may need at any time, so that it never has to ask for it.
#[must_use]
pub fn reserve(options: &Options, budget: &Arc<Budget>, is_log_mapped: bool) -> Vec<Charge> {
    // Each worker writes one table, and one of them a flush beside its merge.
    let tables = options.get_background_threads() as u64 + 1;
    let log = if is_log_mapped { resident_bytes_max(segment_bytes_max(options)) } else { 0 };
    vec![
        budget.charge(MemoryKind::Buffer, tables.saturating_mul(WRITING_BYTES)),
        budget.charge(MemoryKind::LogWindow, log),
    ]
}

/// How many bytes of log one memtable may have; `u64::MAX` if nobody limits the log. Others have as
/// much again while they are flushed.
#[must_use]
pub fn log_share(options: &Options) -> u64 {
    match options.get_log_bytes_max() {
        0 => u64::MAX,
        bytes => bytes / 2,
    }
}

/// How many bytes of large values one memtable may refer to: what is no more of use among them is
/// not known before it is flushed.
#[must_use]
pub fn apart_share(options: &Options) -> u64 {
    options.get_memtable_bytes()
}

/// About how long a file of large values becomes.
#[must_use]
pub fn blob_file_bytes(options: &Options) -> u64 {
    options.get_memtable_bytes().clamp(BLOB_FILE_BYTES_LEAST, FILE_BYTES)
}

/// Log segments end with their memtable: there is no use in much longer ones.
#[must_use]
pub fn segment_bytes_max(options: &Options) -> u64 {
    let enough = options.get_memtable_bytes().next_power_of_two().max(SEGMENT_BYTES_ENOUGH);
    let share = log_share(options).max(SEGMENT_BYTES_LEAST);
    options.get_log_segment_bytes_max().min(enough).min(share)
}

impl Engine {
    /// A value that was found, to be kept by whoever asked for it: where it stands, or a copy if
    /// readers hold too much already.
    #[must_use]
    pub fn keep(&self, found: Found<'_>) -> Slice {
        let value = found.into_slice();
        if self.budget.is_pinned_full() { value.detach() } else { value }
    }

    /// As `keep`. Where there is no memory for a copy of a long one, it is empty and that is noted.
    #[inline]
    pub fn keep_if_it_fits(&self, found: Found<'_>, refused: &mut Option<Error>) -> Slice {
        if found.bytes().len() < COPY_TRIED {
            self.keep(found)
        } else {
            self.keep_long(found, refused)
        }
    }

    #[cold]
    fn keep_long(&self, found: Found<'_>, refused: &mut Option<Error>) -> Slice {
        let is_copied = self.budget.is_pinned_full();
        let kept = found.try_into_slice();
        let kept = kept.and_then(|value| if is_copied { slice_of(&value) } else { Ok(value) });
        kept.unwrap_or_else(|error| {
            *refused = Some(error);
            Slice::new()
        })
    }

    /// Goes on in another memtable and another log segment, and hands the old one to the flush.
    pub fn switch_memtable(&self, writer: &mut Writer) -> Result<()> {
        let (active, inserter) =
            new_memtable(&self.options, &self.budget, &Arc::downgrade(&self.stock))?;
        let ended = self.journal.rotate()?;
        // The table waits for it in the end: it may as well be done while that is written.
        self.journal.sync_soon();
        let memtable = std::mem::replace(&mut writer.memtable, active.clone());
        writer.inserter = inserter;
        let has_volatile = std::mem::take(&mut writer.has_volatile);
        writer.log_left = log_share(&self.options);
        writer.apart_left = apart_share(&self.options);
        // Files of large values end with their memtable: then it is known what of them is of use.
        self.journal.blobs().retire();
        let too_far = u64::from(planted(Bug::LogStartTooFar));
        let log_start = Some(ended.saturating_add(1).saturating_add(too_far));
        let last = self.visible();
        let sealed = Arc::new(Sealed { memtable, last, log_start, has_volatile });
        self.sealed.fetch_add(1, Ordering::AcqRel);
        self.view.update(|view| view.switched(active, sealed));
        self.work.notify();
        Ok(())
    }

    /// Makes room for what others have taken of the memory limit.
    pub fn give_way(&self) {
        self.cache.give_way();
        if self.budget.left() == 0 {
            self.stock.give_back();
        }
    }

    /// Waits while too many memtables wait for their flush.
    #[inline]
    pub fn wait_for_flush(&self, deadline: Option<Duration>) -> Result<()> {
        // One may always wait: what is worked out from the options is seldom needed.
        if self.sealed.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        self.wait_for_flush_of_some(deadline)
    }

    fn wait_for_flush_of_some(&self, deadline: Option<Duration>) -> Result<()> {
        if self.has_room() {
            return Ok(());
        }
        let begun = self.env.clock.monotonic();
        let room = self.wait_until_there_is_room(deadline);
        let waited = self.env.clock.monotonic().saturating_sub(begun);
        self.counters.add(Counter::WritesPaced, 1);
        self.counters.add(Counter::PacedForFlushMicros, waited.as_micros() as u64);
        room
    }

    /// True if another memtable may wait for its flush.
    fn has_room(&self) -> bool {
        self.sealed.load(Ordering::Acquire) < sealed_max(&self.options)
    }

    fn wait_until_there_is_room(&self, deadline: Option<Duration>) -> Result<()> {
        let failures = self.desk.lock().failures;
        let has_failed = || self.desk.lock().failures > failures || self.has_fault();
        let mut may_go_on =
            || self.has_room() || has_failed() || self.is_closing.load(Ordering::Acquire);
        while self.env.scheduler.wait(&self.progress, deadline, &mut may_go_on) {
            self.check_writable()?;
            if self.has_room() {
                return Ok(());
            }
            // On a full disk a flush fails again and again: better an error than to wait for the
            // day that there is space.
            if has_failed() {
                return Err(self.failure("a flush has failed"));
            }
            // Somebody else was faster, and took the room.
        }
        let message = "the deadline passed while memtables were being flushed";
        Err(Error::new(ErrorKind::TimedOut, message))
    }

    /// Why background work did not get done.
    #[must_use]
    pub fn failure(&self, otherwise: &str) -> Error {
        let fault = self.health.fault().or_else(|| self.journal.fault());
        let failure = fault.or_else(|| self.desk.lock().failure.clone());
        failure.unwrap_or_else(|| Error::new(ErrorKind::Io, otherwise))
    }

    /// Writes what is in memory to tables, and returns when it is durable there. Who stops waiting
    /// leaves the flush to go on.
    pub fn flush(&self, options: &mut CallOptions<'_>) -> Result<()> {
        self.check_writable()?;
        options.begin(|| self.env.clock.monotonic());
        options.report(0, 0)?;
        let failures = self.desk.lock().failures;
        self.wait_for_room(options, failures)?;
        {
            let mut writer = self.writer.lock();
            self.check_writable()?;
            if !writer.memtable.is_empty() {
                self.switch_memtable(&mut writer)?;
            }
        }
        self.wait_until_flushed(options, failures)
    }

    /// Waits while too many memtables wait for their flush, telling how far it is.
    fn wait_for_room(&self, options: &mut CallOptions<'_>, failures: u64) -> Result<()> {
        if options.is_told() {
            let mut may_go_on = || {
                self.has_room()
                    || self.is_closing.load(Ordering::Acquire)
                    || self.has_fault()
                    || self.desk.lock().failures > failures
            };
            self.wait_told(options, &mut may_go_on, &self.entries_unflushed())?;
        }
        self.wait_for_flush(options.until())
    }

    /// Returns once everything that is sealed now is flushed; fails if a try after the first
    /// `failures` fails.
    pub fn wait_until_flushed(&self, options: &mut CallOptions<'_>, failures: u64) -> Result<()> {
        let Some(last) = self.view.load().sealed.first().cloned() else { return Ok(()) };
        let is_there = || self.view.load().sealed.iter().any(|sealed| Arc::ptr_eq(sealed, &last));
        let has_failed = || self.desk.lock().failures > failures || self.has_fault();
        let mut is_over = || !is_there() || has_failed();
        self.wait_told(options, &mut is_over, &self.entries_unflushed())?;
        if !is_there() {
            return Ok(());
        }
        Err(self.failure("a flush has failed"))
    }

    /// Tells, again and again, how many entries are flushed of those that are sealed now, and how
    /// many those are.
    fn entries_unflushed(&self) -> impl Fn() -> (u64, u64) {
        let sealed = self.view.load().sealed.clone();
        let entries = |sealed: &Arc<Sealed>| sealed.memtable.entries();
        let total: u64 = sealed.iter().map(entries).sum();
        move || {
            let view = self.view.load();
            let is_there =
                |it: &&Arc<Sealed>| view.sealed.iter().any(|other| Arc::ptr_eq(it, other));
            let left: u64 = sealed.iter().filter(is_there).map(entries).sum();
            let begun = if left > 0 { self.flush_read.load(Ordering::Relaxed) } else { 0 };
            ((total - left).saturating_add(begun).min(total), total)
        }
    }
}
