//! What is asked for now and then: syncing, resuming, compacting, checking, estimating.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::compaction::busy::Busy;
use crate::compaction::manual::Request;
use crate::compaction::plan::Plan;
use crate::compaction::shape::scaled;
use crate::compaction::span::Bounds;
use crate::engine::desk::Asked;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::Span;
use crate::engine::state::Engine;
use crate::journal::verify::sealed_bytes;
use crate::key::seqno::SeqNo;
use crate::options::progress::CallOptions;
use crate::version::tree::TableFile;

/// A wait for a compaction: when it ends, nobody wants any more of it.
struct Waiting<'a> {
    engine: &'a Engine,
    asked: &'a Arc<Asked>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.asked.is_done.load(Ordering::Acquire) {
            self.asked.is_given_up.store(true, Ordering::Release);
            let mut desk = self.engine.desk.lock();
            desk.asked.retain(|other| !Arc::ptr_eq(other, self.asked));
            drop(desk);
            self.engine.work.notify();
        }
    }
}

impl Engine {
    /// Makes every logged write so far durable.
    pub fn sync(&self) -> Result<()> {
        self.check_writable()?;
        self.wait_synced(|| self.journal.sync())
    }

    /// Returns once the write with this sequence number is durable.
    pub fn wait_durable(&self, seqno: SeqNo, timeout: Option<Duration>) -> Result<()> {
        self.check_not_read_only()?;
        self.wait_synced(|| self.journal.sync_to(seqno, self.deadline(timeout)))
    }

    /// Takes up writing again after a fault.
    pub fn resume(&self) -> Result<()> {
        self.check_not_read_only()?;
        self.note_fault();
        if self.jobs.running() < self.options.get_background_threads() {
            let message = "a background job has failed: close the database and open it again";
            return Err(Error::new(ErrorKind::Internal, message));
        }
        self.journal.resume()?;
        self.health.clear()?;
        self.damage.take_back();
        let mut desk = self.desk.lock();
        desk.retry_at = None;
        desk.failures_in_a_row = 0;
        drop(desk);
        self.work.notify();
        self.note_resumed();
        Ok(())
    }

    /// From now on nothing begins to be merged unless somebody waits for it.
    pub fn pause_background(&self) -> Result<()> {
        self.check_open()?;
        self.desk.lock().pauses += 1;
        self.update_pace();
        self.progress.notify();
        Ok(())
    }

    /// Takes one pause back.
    pub fn resume_background(&self) -> Result<()> {
        self.check_open()?;
        {
            let mut desk = self.desk.lock();
            desk.pauses = desk.pauses.saturating_sub(1);
        }
        self.update_pace();
        self.work.notify();
        Ok(())
    }

    /// Merges everything in `span` down to the last level. Who stops waiting has what is done for
    /// him alone given up.
    pub fn compact(
        &self,
        keyspace: &KeyspaceState,
        span: &Span,
        options: &mut CallOptions<'_>,
    ) -> Result<()> {
        keyspace.check()?;
        if span.is_empty() {
            return self.check_writable();
        }
        options.begin(|| self.env.clock.monotonic());
        self.flush(options)?;
        if keyspace.sieve.is_some() {
            self.outwait_merges(keyspace, options)?;
        }
        let (lower, upper) = span.hull(keyspace.id);
        let bounds = Bounds {
            smallest: lower.bytes().to_vec(),
            largest: upper.bytes().to_vec(),
            is_largest_excluded: false,
        };
        // Tables that are made from now on have higher numbers.
        let version = self.view.load().version.clone();
        // What is not known of them now is no reason to rewrite them, nor is a table that cannot be
        // read: whoever needs it will say so.
        let runs = version.tree(keyspace.id).and_then(|tree| tree.runs.last());
        let bottom = runs.map(|run| {
            run.overlapping(Bound::Included(lower.bytes()), Bound::Included(upper.bytes()))
        });
        for slice in bottom.unwrap_or_default() {
            let _counted = slice.file.table().map(|table| table.contents());
        }
        let before = version.files().map(|file| file.meta.number + 1).max().unwrap_or(0);
        let request = Request { bounds, before, seqno: self.visible() };
        let asked = Asked::new(keyspace.id, request);
        let failures = {
            let mut desk = self.desk.lock();
            desk.asked.push(asked.clone());
            desk.failures
        };
        // However the wait ends, by a panic of the one who is told too.
        let _waiting = Waiting { engine: self, asked: &asked };
        self.work.notify();
        let has_failed = || {
            self.desk.lock().failures > failures
                || self.has_fault()
                || self.is_closing.load(Ordering::Acquire)
        };
        let mut is_over = || asked.is_done.load(Ordering::Acquire) || has_failed();
        self.wait_told(options, &mut is_over, &|| asked.entries_read())?;
        if asked.is_done.load(Ordering::Acquire) {
            return Ok(());
        }
        self.check_open()?;
        Err(self.failure("a compaction has failed"))
    }

    /// Returns once the merges of a keyspace that run now have ended. They show a filter what no
    /// snapshot saw when they began, and what they make would count as shown.
    fn outwait_merges(
        &self,
        keyspace: &KeyspaceState,
        options: &mut CallOptions<'_>,
    ) -> Result<()> {
        let (taken, failures) = {
            let desk = self.desk.lock();
            let busy = desk.busy.get(&keyspace.id);
            let plans = busy.into_iter().flat_map(Busy::plans);
            (plans.flat_map(Plan::slices).cloned().collect::<Vec<_>>(), desk.failures)
        };
        let mut is_over = || {
            let desk = self.desk.lock();
            let busy = desk.busy.get(&keyspace.id);
            let is_running = busy.is_some_and(|busy| taken.iter().any(|slice| busy.holds(slice)));
            !is_running || desk.failures > failures || self.is_closing.load(Ordering::Acquire)
        };
        self.wait_told(options, &mut is_over, &|| (0, 0))
    }

    /// Checks every file: the heads, the manifest and the log, then of each table every checksum,
    /// the order of entries, the filters, what the manifest says of it, and its CRC as a whole; and
    /// every large value that the log or a table refers to.
    pub fn verify(&self, options: &mut CallOptions<'_>) -> Result<()> {
        self.check_open()?;
        let catalog = self.journal.catalog()?;
        let view = self.view.load();
        let version = &view.version;
        let of = |file: &Arc<TableFile>| {
            let apart = version.slices_of(file.meta.number).iter().map(|it| it.apart_bytes());
            apart.fold(file.meta.bytes, u64::saturating_add)
        };
        let memory = view.memtables().map(|memtable| memtable.all_apart_bytes());
        let total = version.files().map(of).chain(memory);
        let total = total.fold(sealed_bytes(&catalog), u64::saturating_add);
        let mut done = 0u64;
        let now = || self.env.clock.monotonic();
        options.begin(now);
        options.report(done, total)?;
        self.journal.verify(&mut |bytes| {
            done = done.saturating_add(bytes);
            options.report(done, total)?;
            options.check_time(now)
        })?;
        version.check().map_err(|why| Error::new(ErrorKind::Corruption, why))?;
        for file in version.files() {
            options.check_time(now)?;
            let table = file.table()?;
            table.verify()?;
            if table.crc()? != file.meta.crc {
                let message = "the table does not match its CRC in the manifest";
                return Err(Error::corruption(table.path(), 0, message));
            }
            done = done.saturating_add(file.meta.bytes);
            options.report(done, total)?;
            self.check_open()?;
            self.verify_apart(table, version.slices_of(file.meta.number), &mut |bytes| {
                done = done.saturating_add(bytes).min(total);
                options.report(done, total)?;
                options.check_time(now)
            })?;
        }
        self.verify_apart_in_memory(&view, &mut |bytes| {
            done = done.saturating_add(bytes).min(total);
            options.report(done, total)?;
            options.check_time(now)
        })
    }

    /// About how many bytes of tables lie in `span`.
    pub fn approximate_bytes(&self, keyspace: &KeyspaceState, span: &Span) -> Result<u64> {
        self.check_open()?;
        keyspace.check()?;
        if span.is_empty() {
            return Ok(0);
        }
        let view = self.view.load();
        let Some(tree) = view.version.tree(keyspace.id) else { return Ok(0) };
        let (lower, upper) = span.hull(keyspace.id);
        let mut bytes = 0u64;
        for run in &tree.runs {
            for slice in
                run.overlapping(Bound::Included(lower.bytes()), Bound::Included(upper.bytes()))
            {
                let meta = &slice.meta;
                let is_inside = meta.smallest.as_slice() >= lower.bytes()
                    && meta.largest.as_slice() <= upper.bytes();
                let part = if is_inside {
                    meta.bytes
                } else {
                    let table = slice.file.table()?;
                    let from = table.offset_of(lower.bytes())?;
                    table.offset_of(upper.bytes())?.saturating_sub(from).min(meta.bytes)
                };
                let apart = scaled(slice.apart_bytes(), part, meta.bytes.max(1));
                bytes = bytes.saturating_add(part).saturating_add(apart);
            }
        }
        Ok(bytes)
    }

    /// About how many entries there are: those of the tables of the keyspace, less what they
    /// delete, and those in memory.
    pub fn approximate_len(&self, keyspace: &KeyspaceState) -> Result<u64> {
        self.check_open()?;
        keyspace.check()?;
        let view = self.view.load();
        let mut entries = view.memtables().fold(0u64, |sum, it| sum.saturating_add(it.entries()));
        if let Some(tree) = view.version.tree(keyspace.id) {
            for slice in tree.slices() {
                let meta = &slice.meta;
                let live = meta.entries.saturating_sub(meta.deletes.saturating_mul(2));
                entries = entries.saturating_add(live);
            }
        }
        Ok(entries)
    }
}
