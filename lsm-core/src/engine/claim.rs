//! Choosing what a background job takes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::sync::Ordering;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::runs_of;
use crate::compaction::job::Merging;
use crate::compaction::level_zero::pick_among;
use crate::compaction::manual::Answer;
use crate::compaction::part::Setup;
use crate::compaction::plan::{Plan, PlanKind};
use crate::compaction::shape::LAST;
use crate::compaction::sieve::Sieve;
use crate::engine::desk::{Asked, Begun};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::sink::JournalSink;
use crate::engine::snapshots::Sieving;
use crate::engine::state::Engine;
use crate::engine::task::{FlushTask, MergeTask, Task};
use crate::extend::event::Event;
use crate::flush::{Flush, FlushSetup};
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::options::keyspace::{Compression, KeyspaceOptions, Strategy};
use crate::options::progress::CallOptions;
use crate::output::table_options;
use crate::read::view::{Sealed, View};
use crate::record::names::FileName;
use crate::stats::counters::Counter;
use crate::table::options::TableOptions;
use crate::version::tree::Tree;

/// How often it is looked for work that another job has not taken on meanwhile.
const CLAIM_TRIES: usize = 3;
/// How often readers in other processes are asked whether they still need what waits for them.
const ASK_READERS_EVERY: Duration = Duration::from_secs(1);

/// A plan that is to be done next.
struct Next {
    plan: Plan,
    /// Whom it is for, if somebody asked.
    asked: Option<Arc<Asked>>,
}

impl Engine {
    /// When to look for work again after a failure; never of itself while there is a fault.
    #[must_use]
    pub fn retry_at(&self) -> Option<Duration> {
        if self.has_fault() { None } else { self.desk.lock().retry_at }
    }

    /// When an idle job is to look for work again, if nobody calls it.
    #[must_use]
    pub fn look_again_at(&self) -> Option<Duration> {
        let early = |a: Option<Duration>, b: Option<Duration>| a.into_iter().chain(b).min();
        self.retry_at().or_else(|| early(self.quiet_work_at(), self.expired_work_at()))
    }

    /// When it gets quiet, if there is something to do then that is not done before.
    fn quiet_work_at(&self) -> Option<Duration> {
        let from = self.quiet.from();
        if self.has_fault() || from <= self.env.clock.monotonic() {
            return None;
        }
        let busy = {
            let desk = self.desk.lock();
            if desk.pauses > 0 {
                return None;
            }
            desk.busy.clone()
        };
        self.next_wanted(&busy, &self.view.load(), true).map(|_| from)
    }

    /// True while nothing is done in the background until `resume`.
    #[must_use]
    pub fn has_fault(&self) -> bool {
        self.health.check().is_err() || self.journal.fault().is_some()
    }

    /// The flush of the oldest memtable that waits, if nobody is at it.
    #[must_use]
    pub fn claim_flush(self: &Arc<Self>) -> Option<Task> {
        let is_wanted = self.sealed.load(Ordering::Acquire) > 0 && !self.is_resting();
        let sealed = is_wanted.then(|| self.take_sealed()).flatten()?;
        Some(self.begin_flush(sealed))
    }

    /// The most urgent work beside flushes that nobody is at; `None` if there is none.
    #[must_use]
    pub fn claim(self: &Arc<Self>) -> Option<Task> {
        if self.is_resting() {
            return None;
        }
        if let Err(error) = self.drop_dead_blobs() {
            self.note_failure(error, &[]);
            return None;
        }
        if let Some(helper) = self.desk.lock().take_part() {
            return Some(Task::Help(Box::new(helper)));
        }
        let (next, ticket) = self.claim_plan()?;
        Some(self.begin_merge(next, ticket))
    }

    /// True while what has failed is left alone, and when there is a fault.
    fn is_resting(&self) -> bool {
        if self.has_fault() {
            // The log's faults are met by callers: who waits for work hears of them here.
            self.progress.notify();
            return true;
        }
        let mut desk = self.desk.lock();
        match desk.retry_at {
            Some(moment) if self.env.clock.monotonic() < moment => true,
            _ => {
                desk.retry_at = None;
                false
            }
        }
    }

    /// The oldest memtable that waits, if nobody flushes.
    fn take_sealed(&self) -> Option<Arc<Sealed>> {
        let mut desk = self.desk.lock();
        if desk.is_flushing {
            return None;
        }
        let view = self.view.load();
        let oldest = view.sealed.last();
        let next = if planted(Bug::FlushOutOfOrder) { view.sealed.first() } else { oldest };
        let sealed = next.cloned()?;
        desk.is_flushing = true;
        Some(sealed)
    }

    /// What is to be merged next, and the ticket under which it is claimed.
    fn claim_plan(&self) -> Option<(Next, u64)> {
        // Strategies are asked with no lock held, for some are the program's own. Another job may
        // be faster then: it is asked again what is left.
        (0..CLAIM_TRIES).find_map(|_| {
            let (busy, asked, is_paused) = {
                let desk = self.desk.lock();
                (desk.busy.clone(), desk.asked.clone(), desk.pauses > 0)
            };
            // The view comes after the desk: it has what other jobs installed and gave back.
            let view = self.view.load();
            let wanted = || {
                let is_quiet = self.quiet.is_now(self.env.clock.monotonic());
                let plan = if is_paused { None } else { self.next_wanted(&busy, &view, is_quiet) };
                plan.map(|plan| Next { plan, asked: None })
            };
            let Some(next) = self.next_asked(&asked, &busy, &view).or_else(wanted) else {
                return Some(None);
            };
            let ticket = self.claim_checked(&next)?;
            Some(Some((next, ticket)))
        })?
    }

    /// Claims a plan, unless the tree or what goes on in it has become another one meanwhile, or
    /// nobody waits for it and there is a pause.
    fn claim_checked(&self, next: &Next) -> Option<u64> {
        let plan = &next.plan;
        let keyspace = self.keyspaces.by_id(plan.keyspace)?;
        let mut desk = self.desk.lock();
        if desk.pauses > 0 && next.asked.is_none() {
            return None;
        }
        let view = self.view.load();
        let tree = view.version.tree(plan.keyspace)?;
        plan.breaks_nothing(tree, &self.context(&keyspace)).ok()?;
        desk.claim(plan)
    }

    /// The next step of what somebody asked for.
    fn next_asked(
        &self,
        asked: &[Arc<Asked>],
        busy: &BTreeMap<KeyspaceId, Busy>,
        view: &View,
    ) -> Option<Next> {
        let (nobody, idle) = (Tree::default(), Busy::new());
        let mut over = Vec::new();
        let next = asked.iter().find_map(|asked| {
            let answer = self.keyspaces.by_id(asked.keyspace).map(|keyspace| {
                let tree = view.version.tree(asked.keyspace).map_or(&nobody, Arc::as_ref);
                let busy = busy.get(&asked.keyspace).unwrap_or(&idle);
                let context = self.context(&keyspace);
                let answer = keyspace.strategist.compact(tree, busy, &context, &asked.request);
                self.note_strategy(&keyspace);
                answer
            });
            match answer {
                Some(Answer::Work(plan)) => Some(Next { plan, asked: Some(asked.clone()) }),
                Some(Answer::Wait) => None,
                // It is over, or its keyspace was dropped.
                Some(Answer::Done) | None => {
                    over.push(asked);
                    None
                }
            }
        });
        if !over.is_empty() {
            let is_over = |other: &Arc<Asked>| over.iter().any(|over| Arc::ptr_eq(over, other));
            self.desk.lock().asked.retain(|asked| !is_over(asked));
            over.iter().for_each(|asked| asked.is_done.store(true, Ordering::Release));
        }
        self.progress.notify();
        next
    }

    /// What the strategies want, tree by tree.
    fn next_wanted(
        &self,
        busy: &BTreeMap<KeyspaceId, Busy>,
        view: &View,
        is_quiet: bool,
    ) -> Option<Plan> {
        let idle = Busy::new();
        view.version.trees.iter().find_map(|(id, tree)| {
            let keyspace = self.keyspaces.by_id(*id)?;
            let context = Context { is_quiet, ..self.context(&keyspace) };
            let busy = busy.get(id).unwrap_or(&idle);
            let held = self.damage.held_in(tree, busy);
            let busy = held.as_ref().unwrap_or(busy);
            let plan = keyspace.strategist.pick(tree, busy, &context);
            self.note_strategy(&keyspace);
            // Above what is left alone, runs must not grow in number without end.
            let is_merged = !matches!(keyspace.options.get_strategy(), Strategy::Fifo { .. });
            let pick = |level| pick_among(tree, busy, &context, runs_of(tree, level));
            let around = || (0..=LAST).find_map(pick);
            plan.or_else(|| (held.is_some() && is_merged).then(around).flatten())
                .or_else(|| self.pick_wasteful(&view.version, tree, busy, &context))
        })
    }

    /// The moments that a rewrite has to keep, beside the present one.
    fn readers(&self) -> Vec<SeqNo> {
        if planted(Bug::SnapshotsForgotten) { Vec::new() } else { self.snapshots.live() }
    }

    /// The same for a merge that shows what it writes to a filter, and what has to be kept for as
    /// long as that goes on.
    fn readers_beside(&self, sieve: Option<&Arc<Sieve>>) -> (Vec<SeqNo>, Option<Sieving>) {
        if sieve.is_none() || planted(Bug::SnapshotsForgotten) {
            return (self.readers(), None);
        }
        let (snapshots, sieving) = self.snapshots.begin_sieving();
        (snapshots, Some(sieving))
    }

    fn begin_flush(self: &Arc<Self>, sealed: Arc<Sealed>) -> Task {
        let setup = FlushSetup {
            snapshots: self.readers(),
            options: self.flush_options(),
            created_millis: self.now_millis(),
            mergers: self.mergers(None),
        };
        let entries = Box::new(sealed.memtable.cursor());
        let tombstones = sealed.memtable.tombstones();
        let flush = Flush::new(entries, tombstones, setup, JournalSink::of(self));
        let (entries, bytes) = (sealed.memtable.entries(), sealed.memtable.bytes() as u64);
        self.plugins.listeners.tell(|| Event::FlushBegan { entries, bytes });
        Task::Flush(Box::new(FlushTask { sealed, flush, begun: self.timings.now() }))
    }

    /// One file for all keyspaces, soon to be dealt out: what each of them chose counts then. It is
    /// packed unless none of them is to be.
    fn flush_options(&self) -> TableOptions {
        let is_packed =
            |space: &Arc<KeyspaceState>| space.options.get_compression() != Compression::None;
        let is_any_packed = self.keyspaces.all().iter().any(is_packed);
        let packing = if is_any_packed { Compression::Lz4 } else { Compression::None };
        table_options(&KeyspaceOptions::default().compression(packing), false)
    }

    fn begin_merge(self: &Arc<Self>, next: Next, ticket: u64) -> Task {
        let Next { plan, asked } = next;
        let keyspace = self.keyspaces.by_id(plan.keyspace);
        let expired_millis = match &keyspace {
            Some(keyspace) => self.expired_millis_in(keyspace),
            None => self.expired_millis(),
        };
        let sieve = keyspace.as_ref().and_then(|keyspace| keyspace.sieve.clone());
        let sieve = sieve.filter(|_| plan.kind == PlanKind::Merge);
        let (snapshots, sieving) = self.readers_beside(sieve.as_ref());
        let (name, options) = keyspace
            .map(|keyspace| (keyspace.name.clone(), keyspace.options.clone()))
            .unwrap_or_default();
        let worth_sharing = plan.bytes() >= plan.table_bytes.saturating_mul(2);
        let setup = Setup {
            moving: self.moving_for(&plan),
            snapshots,
            expired_millis,
            mergers: self.mergers(Some(plan.keyspace)),
            options: table_options(&options, plan.is_bottom),
            parts: if worth_sharing { self.options.get_background_threads() } else { 1 },
            sieve,
        };
        let id = plan.keyspace;
        let merging = Merging::new(plan, setup, JournalSink::of(self));
        let parts = merging.parts().clone();
        if let Some(asked) = &asked {
            let entries = merging.plan().entries();
            asked.begun.lock().push(Begun { entries, parts: parts.clone() });
        }
        self.desk.lock().share(id, ticket, parts);
        self.plugins.listeners.tell(|| Event::CompactionBegan {
            keyspace: name.clone(),
            reason: merging.plan().reason,
            from: merging.plan().from_level(),
            to: merging.plan().output_level,
            tables: merging.plan().slices().count() as u64,
        });
        let begun = self.timings.now();
        Task::Merge(Box::new(MergeTask { ticket, merging, name, asked, begun, sieving }))
    }

    /// Unlinks tables that nobody needs any more; false if there are none.
    pub fn sweep(&self) -> bool {
        let has_swept = self.sweep_blobs();
        let numbers = self.garbage.take();
        if numbers.is_empty() {
            return has_swept;
        }
        // A name that stays is cleared away by the next opening.
        if let Ok(gone) = self.journal.unlink_tables(&numbers) {
            self.note_deleted(&gone);
        }
        self.garbage.end_sweep();
        self.progress.notify();
        true
    }

    /// Unlinks what no reader in another process needs any more, if it is time to ask again.
    /// Answers when that is next; `None` if no file waits.
    pub fn sweep_retired(&self) -> Option<Duration> {
        if !self.journal.has_retired() {
            return None;
        }
        let now = self.env.clock.monotonic();
        let mut ask_at = self.ask_readers_at.lock();
        match *ask_at {
            Some(at) if now < at => return Some(at),
            _ => *ask_at = Some(now.saturating_add(ASK_READERS_EVERY)),
        }
        drop(ask_at);
        if let Ok(gone) = self.journal.sweep_retired() {
            let number = |name: &String| match FileName::parse(name.as_ref()) {
                Some(FileName::Table(number)) => Some(number),
                _ => None,
            };
            let tables: Vec<u64> = gone.iter().filter_map(number).collect();
            self.note_deleted(&tables);
        }
        self.journal.has_retired().then(|| now.saturating_add(ASK_READERS_EVERY))
    }

    fn note_deleted(&self, tables: &[u64]) {
        self.counters.add(Counter::TablesDeleted, tables.len() as u64);
        for &table in tables {
            self.plugins.listeners.tell(|| Event::TableDeleted { table });
        }
    }

    /// Returns once nothing waits for its flush, no strategy wants anything or may have it, and the
    /// tables that nobody needs any more are gone, as is memory that was kept for the next load.
    pub fn wait_idle(&self, options: &mut CallOptions<'_>) -> Result<()> {
        self.check_open()?;
        options.begin(|| self.env.clock.monotonic());
        if self.options.is_read_only() {
            // Nobody is at anything.
            return Ok(());
        }
        // What makes reads faster is done now as well.
        let _quiet = self.quiet.wait();
        self.work.notify();
        let mut is_idle = || {
            if self.has_fault() || self.is_closing.load(Ordering::Acquire) {
                return true;
            }
            let desk = self.desk.lock();
            let view = self.view.load();
            let is_idle = desk.is_idle() && view.sealed.is_empty() && desk.asked.is_empty();
            let is_paused = desk.pauses > 0;
            drop(desk);
            is_idle
                && (is_paused || self.next_wanted(&BTreeMap::new(), &view, true).is_none())
                && self.steps.load(Ordering::Acquire) == 0
                && !self.has_dead_blobs()
                && self.garbage.is_swept()
        };
        self.wait_told(options, &mut is_idle, &|| (0, 0))?;
        self.check_open()?;
        // Nobody is about to fill another memtable.
        self.stock.give_back();
        self.health.check()
    }
}
