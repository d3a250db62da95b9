//! Holding writers back as far as the background is behind.
//!
//! The pace is worked out when something changes in the background, and costs a write one load
//! while nobody is held back. Waits happen before the commit lock, a fraction of a millisecond at
//! a time.

use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::compaction::choose::may_drop;
use crate::compaction::context::Context;
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::memory::sealed_max;
use crate::engine::state::Engine;
use crate::extend::event::Event;
use crate::pace::{Limits, Load, Pace, pace};
use crate::stats::counters::Counter;

/// Runs above what a strategy aims at, before writers stand still.
const RUNS_OVER_MAX: u64 = 24;
/// No table has to be smaller than this, for each is an open file; memtables that somebody has
/// chosen smaller than this make tables to match.
const TABLE_BYTES_ENOUGH: u64 = 2 << 20;
/// The largest table that is aimed at.
const TABLE_BYTES_MAX: u64 = 32 << 20;
/// Memtables worth of bytes that may wait to be merged.
const DEBT_MEMTABLES: u64 = 64;

/// How long tables should be: half a memtable, within reason.
fn table_bytes(memtable_bytes: u64) -> u64 {
    let half = memtable_bytes / 2;
    let least = if memtable_bytes < TABLE_BYTES_ENOUGH / 2 { half } else { TABLE_BYTES_ENOUGH };
    half.clamp(least, TABLE_BYTES_MAX)
}

impl Engine {
    /// Works the pace out anew.
    pub fn update_pace(&self) {
        if self.pacer.update(|| self.work_out_pace()) {
            // Who waits because enough was written need not, once writers are held back.
            self.work.notify();
            let pace = self.pacer.pace();
            self.plugins.listeners.tell(|| Event::PacingChanged {
                cause: pace.map(|pace| pace.cause),
                per_kib: pace.map(|pace| pace.per_kib).unwrap_or_default(),
            });
        }
    }

    fn work_out_pace(&self) -> Option<Pace> {
        let view = self.view.load();
        let mut load = Load { memtables: view.sealed.len() as u64, ..Load::default() };
        // In a pause nobody works off what is to be merged: writers would wait in vain.
        let is_paused = self.desk.lock().pauses > 0;
        for (id, tree) in view.version.trees.iter().filter(|_| !is_paused) {
            let Some(keyspace) = self.keyspaces.by_id(*id) else { continue };
            let debt = keyspace.strategist.debt(tree, &self.context(&keyspace));
            load.runs_over = load.runs_over.max(debt.runs_over);
            if self.damage.is_any_in(tree) {
                // It cannot all be worked off: writers would wait in vain.
                continue;
            }
            load.debt_bytes = load.debt_bytes.saturating_add(debt.bytes);
        }
        // What no eviction gives back. Half of it is the memtables', whatever else there is.
        let limit = self.budget.limit();
        let held = self.budget.used().saturating_sub(self.cache.stats().bytes);
        load.memory_bytes = held.saturating_sub(limit / 2);
        let limits = Limits {
            memory_bytes: limit - limit / 2,
            memtables: sealed_max(&self.options) as u64 + 1,
            runs_over: RUNS_OVER_MAX,
            debt_bytes: self.options.get_memtable_bytes().saturating_mul(DEBT_MEMTABLES),
        };
        pace(&load, &limits)
    }

    /// When merges may write more, if that is not now. While writers are held back, merges are
    /// not: otherwise they would fall behind for good.
    #[must_use]
    pub fn early_until(&self) -> Option<Duration> {
        if !self.throttle.is_on() || self.pacer.is_holding() {
            return None;
        }
        self.throttle.until(self.env.clock.monotonic())
    }

    /// What a strategy may know.
    #[must_use]
    pub fn context(&self, keyspace: &KeyspaceState) -> Context {
        let memtable_bytes = self.options.get_memtable_bytes();
        let now_millis = self.now_millis();
        Context {
            now_millis,
            expired_millis: self.expired_millis_in(keyspace),
            oldest_snapshot: self.snapshots.live().first().copied(),
            memtable_bytes,
            table_bytes: table_bytes(memtable_bytes),
            may_drop: may_drop(keyspace.options.get_strategy()),
            is_quiet: self.quiet.is_now(self.env.clock.monotonic()),
            is_filtered: keyspace.sieve.is_some(),
            ..Context::default()
        }
    }

    /// Waits for what `bytes` cost at the present pace.
    #[inline]
    pub fn keep_pace(&self, bytes: usize, deadline: Option<Duration>, is_low: bool) -> Result<()> {
        if self.pacer.is_holding() { self.pay(bytes, deadline, is_low) } else { Ok(()) }
    }

    #[cold]
    fn pay(&self, bytes: usize, deadline: Option<Duration>, is_low: bool) -> Result<()> {
        let owed = match is_low {
            true => Some(self.pacer.price_of_low(bytes)),
            false => self.pacer.owe(bytes),
        };
        let Some(owed) = owed else { return Ok(()) };
        let begun = self.env.clock.monotonic();
        let until = begun.saturating_add(owed);
        let until = deadline.map_or(until, |deadline| deadline.min(until));
        let mut may_go_on = || !self.pacer.is_holding() || self.is_closing.load(Ordering::Acquire);
        self.env.scheduler.wait(&self.progress, Some(until), &mut may_go_on);
        let now = self.env.clock.monotonic();
        let waited = now.saturating_sub(begun);
        self.counters.add(Counter::WritesPaced, 1);
        self.counters.add(self.pacer.counter(), waited.as_micros() as u64);
        if deadline.is_some_and(|deadline| now >= deadline) {
            if !is_low {
                self.pacer.give_up(owed, waited, bytes);
            }
            let message = "the deadline passed while writers were held back";
            return Err(Error::new(ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}
