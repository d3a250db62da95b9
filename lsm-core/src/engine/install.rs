//! Installing: an edit of the manifest and the view that goes with it, in the same order.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::compaction::apart::listed_by;
use crate::engine::desk::Desk;
use crate::engine::state::Engine;
use crate::extend::event::Event;
use crate::key::seqno::SeqNo;
use crate::read::view::{Sealed, View};
use crate::stats::counters::Counter;
use crate::version::edit::Edit;

/// How long to leave be what has failed; twice as long each time it fails again, up to a limit.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// What is shown with new trees.
struct Shown<'a> {
    /// The memtable that they replace.
    flushed: Option<&'a Arc<Sealed>>,
    /// A compaction filter has changed what is in them.
    is_sifted: bool,
}

impl Engine {
    /// Makes edits durable, then shows readers the trees after them. What they say of keyspaces
    /// that were dropped meanwhile is left out. `flushed` is the memtable that they replace,
    /// and then they rest on nothing that was written behind it.
    pub fn install(&self, edits: Vec<Edit>, flushed: Option<&Arc<Sealed>>) -> Result<()> {
        self.install_as(edits, flushed, false)
    }

    /// The same for a merge in which a compaction filter has changed what readers see.
    pub fn install_sifted(&self, edits: Vec<Edit>) -> Result<()> {
        self.install_as(edits, None, true)
    }

    fn install_as(
        &self,
        edits: Vec<Edit>,
        flushed: Option<&Arc<Sealed>>,
        is_sifted: bool,
    ) -> Result<()> {
        let mut edits = Some(edits);
        let mut refused = None;
        self.journal.commit_with(
            flushed.map(|flushed| flushed.last),
            &mut |catalog| Ok(catalog.without_dropped(edits.take().unwrap_or_default())),
            &mut |catalog, edits| {
                let shown = Shown { flushed, is_sifted };
                refused = self.show(edits, catalog.edit, &shown).err();
            },
        )?;
        if let Some(flushed) = flushed {
            self.journal.blobs().note_flushed(flushed.last);
            self.sealed.fetch_sub(1, Ordering::AcqRel);
        }
        self.update_quotas();
        self.progress.notify();
        self.work.notify();
        match refused {
            // The manifest has the edits, and memory cannot follow it.
            Some(error) => {
                self.health.report_final(error.clone());
                self.note_fault();
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Makes edits durable that rest on nothing in the log, and shows readers what is there then.
    pub fn install_by_themselves(&self, edits: Vec<Edit>) -> Result<()> {
        let mut refused = None;
        let shown = Shown { flushed: None, is_sifted: false };
        self.journal.commit_with(
            Some(SeqNo::ZERO),
            &mut |_| Ok(edits.clone()),
            &mut |catalog, edits| refused = self.show(edits, catalog.edit, &shown).err(),
        )?;
        self.work.notify();
        self.progress.notify();
        refused.map_or(Ok(()), Err)
    }

    /// Replaces the view by one with the edits in it.
    fn show(&self, edits: &[Edit], edit: u64, shown: &Shown<'_>) -> Result<()> {
        let before = self.view.load().version.clone();
        // Readers of the new view find them there; nobody gives them up because the old one has no
        // table that refers to them.
        let list = |(number, entry, end)| self.journal.blobs().list(number, &entry, end);
        let listed: Vec<_> = listed_by(edits).map(list).collect();
        // Versions are replaced here alone, one edit after the other: nobody is faster.
        let after = Arc::new(before.apply(edits, edit)?);
        let next = |view: &View| view.installed(after.clone(), shown.flushed);
        if shown.is_sifted {
            // Under the commit lock: no batch whose conditions have been confirmed is half way in.
            let _writer = self.writer.lock();
            self.view.update(|view| next(view).sifted());
        } else {
            self.view.update(next);
        }
        drop(listed);
        before.retire(&after);
        Ok(())
    }

    /// Takes in that a piece of work is done and installed.
    pub fn note_end_of_work(&self, end: impl FnOnce(&mut Desk)) {
        let mut desk = self.desk.lock();
        end(&mut desk);
        desk.failures_in_a_row = 0;
        drop(desk);
        self.update_pace();
        self.work.notify();
        self.progress.notify();
    }

    /// Takes in that a piece of background work failed: it is tried again later, and whoever waits
    /// for it is told. Where it met damage in tables that it read, these are left alone from now
    /// on, and nothing else suffers.
    pub fn note_failure(&self, error: Error, damaged: &[u64]) {
        for &table in damaged {
            self.note_damage(&error, Some(table));
            self.damage.set_aside(table);
        }
        let is_contained = !damaged.is_empty();
        let mut desk = self.desk.lock();
        let pause = RETRY_PAUSE.saturating_mul(1 << desk.failures_in_a_row.min(4));
        desk.retry_at = Some(self.env.clock.monotonic().saturating_add(pause));
        desk.failures += 1;
        desk.failures_in_a_row += 1;
        let is_passing = error.is_retryable() || error.kind() == ErrorKind::OutOfMemory;
        desk.failure = Some(error.clone());
        drop(desk);
        self.counters.add(Counter::BackgroundFailures, 1);
        self.plugins.listeners.tell(|| Event::WorkFailed { error: error.clone() });
        if !is_passing && !is_contained {
            self.health.report(error);
        }
        self.note_fault();
        self.progress.notify();
    }
}
