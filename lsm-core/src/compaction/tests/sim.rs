//! A tree whose tables are vectors: flushes arrive, plans are done, and after each the contents
//! are held against the rules and against a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fake::{key, meta, moved, number_of, slice, tree};
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::plan::{Plan, PlanKind, is_same};
use crate::compaction::span::{Span, bytes_of};
use crate::compaction::split::{Splitter, cuts};
use crate::compaction::strategy::Strategy;
use crate::env::sim::rng::Rng;
use crate::key::seqno::SeqNo;
use crate::version::tree::{Slice, TableMeta, Tree};

/// What an entry takes.
pub(crate) const ENTRY: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: u32,
    pub(crate) seqno: u64,
    pub(crate) is_delete: bool,
}

/// Deletes `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) seqno: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) entries: Vec<Entry>,
    pub(crate) sweeps: Vec<Sweep>,
}

#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) tree: Tree,
    pub(crate) contents: BTreeMap<u64, Content>,
    pub(crate) strategy: Arc<dyn Strategy>,
    pub(crate) context: Context,
    pub(crate) busy: Busy,
    pub(crate) running: Vec<(u64, Plan)>,
    pub(crate) rng: Rng,
    pub(crate) seqno: u64,
    pub(crate) flushed: u64,
    pub(crate) written: u64,
    pub(crate) moves: u64,
    pub(crate) merges: u64,
    pub(crate) runs_max: usize,
    pub(crate) space_max: u64,
    pub(crate) expiry_max_millis: u64,
    /// The largest merge.
    pub(crate) job_max: u64,
    next_number: u64,
    model: BTreeMap<u32, u64>,
}

impl Sim {
    pub(crate) fn new(strategy: Arc<dyn Strategy>, context: Context, seed: u64) -> Self {
        Self {
            tree: Tree::default(),
            contents: BTreeMap::new(),
            strategy,
            context,
            busy: Busy::new(),
            running: Vec::new(),
            rng: Rng::new(seed),
            seqno: 1,
            flushed: 0,
            written: 0,
            moves: 0,
            merges: 0,
            runs_max: 0,
            space_max: 0,
            expiry_max_millis: 0,
            job_max: 0,
            next_number: 1,
            model: BTreeMap::new(),
        }
    }

    /// Flushes a memtable with these puts and deletes, in order of writing.
    pub(crate) fn flush(&mut self, writes: &[(u32, bool)], sweeps: &[(u32, u32)]) {
        let mut content = Content::default();
        for &(start, end) in sweeps {
            self.model.retain(|key, _| !(start..end).contains(key));
            content.sweeps.push(Sweep { start, end, seqno: self.seqno });
            self.seqno += 1;
        }
        for &(key, is_delete) in writes {
            content.entries.push(Entry { key, seqno: self.seqno, is_delete });
            if is_delete {
                self.model.remove(&key);
            } else {
                self.model.insert(key, self.seqno);
            }
            self.seqno += 1;
        }
        let content = survivors(content, false, self.oldest());
        let number = self.next_number;
        let made = self.add(content, (0, number));
        self.flushed += made.iter().map(|slice| slice.meta.bytes).sum::<u64>();
        self.place(&[], made);
        self.runs_max = self.runs_max.max(self.tree.runs.len());
    }

    fn oldest(&self) -> Option<u64> {
        self.context.oldest_snapshot.map(SeqNo::get)
    }

    /// A new file; none for nothing.
    fn add(&mut self, content: Content, place: (u8, u64)) -> Vec<Arc<Slice>> {
        let entries = &content.entries;
        let sweeps = &content.sweeps;
        let first = entries.first().map(|entry| entry.key);
        let Some(smallest) = first.into_iter().chain(sweeps.iter().map(|sweep| sweep.start)).min()
        else {
            return Vec::new();
        };
        let last = entries.last().map(|entry| entry.key);
        let swept = sweeps.iter().map(|sweep| sweep.end).max();
        let (largest, is_excluded) = match (last, swept) {
            (Some(last), Some(swept)) if swept > last => (swept, true),
            (Some(last), _) => (last, false),
            (None, swept) => (swept.unwrap(), true),
        };
        let number = self.next_number;
        self.next_number += 1;
        let seqnos = entries.iter().map(|entry| entry.seqno);
        let seqnos = seqnos.chain(sweeps.iter().map(|sweep| sweep.seqno));
        let bytes = (entries.len() + sweeps.len()) as u64 * ENTRY;
        let meta = TableMeta {
            entries: entries.len() as u64,
            deletes: entries.iter().filter(|entry| entry.is_delete).count() as u64,
            range_deletes: sweeps.len() as u64,
            seqno_min: SeqNo::new(seqnos.clone().min().unwrap()).unwrap(),
            seqno_max: SeqNo::new(seqnos.max().unwrap()).unwrap(),
            created_millis: self.context.now_millis,
            expiry_max_millis: self.expiry_max_millis,
            merge_min_millis: 0,
            merge_ends: 0,
            blobs: Vec::new(),
            ..meta(number, bytes)
        };
        self.contents.insert(number, content);
        vec![slice(meta, place, (key(smallest), key(largest)), is_excluded)]
    }

    fn place(&mut self, gone: &[Arc<Slice>], made: Vec<Arc<Slice>>) {
        let stays = self.tree.runs.iter().flat_map(|run| run.slices.iter().cloned());
        let mut left: Vec<Arc<Slice>> =
            stays.filter(|stays| !gone.iter().any(|gone| is_same(gone, stays))).collect();
        left.extend(made);
        self.tree = tree(left);
        let live = |number: &u64| {
            let mut all = self.tree.runs.iter().flat_map(|run| &run.slices);
            all.any(|slice| slice.file.meta.number == *number)
        };
        let dead: Vec<u64> = gone
            .iter()
            .map(|slice| slice.file.meta.number)
            .filter(|number| !live(number))
            .collect();
        dead.iter().for_each(|number| drop(self.contents.remove(number)));
    }

    /// Starts the most urgent plan, if there is one.
    pub(crate) fn start(&mut self) -> bool {
        let Some(plan) = self.strategy.pick(&self.tree, &self.busy, &self.context) else {
            return false;
        };
        if let Err(error) = plan.check(&self.tree, &self.context) {
            panic!("{error}: {plan:#?} of {:#?}", self.tree);
        }
        let ticket = self.busy.claim(&plan).expect("a strategy must see what is busy");
        self.running.push((ticket, plan));
        true
    }

    /// Ends one of the plans that run.
    pub(crate) fn end(&mut self) -> bool {
        if self.running.is_empty() {
            return false;
        }
        let at = self.rng.below(self.running.len() as u64) as usize;
        self.end_at(at);
        true
    }

    /// Ends this one of the plans that run.
    pub(crate) fn end_at(&mut self, at: usize) {
        let (ticket, plan) = self.running.swap_remove(at);
        let before = self.stored();
        self.perform(&plan);
        self.space_max = self.space_max.max(before + plan.bytes());
        if plan.kind == PlanKind::Merge {
            self.job_max = self.job_max.max(plan.bytes());
        }
        self.busy.release(ticket);
    }

    pub(crate) fn perform(&mut self, plan: &Plan) {
        let gone: Vec<Arc<Slice>> = plan.slices().cloned().collect();
        let made = match plan.kind {
            PlanKind::Drop => Vec::new(),
            PlanKind::Move => {
                self.moves += 1;
                gone.iter().map(|slice| moved(slice, plan.output_level, plan.output_run)).collect()
            }
            PlanKind::Merge => {
                self.merges += 1;
                self.merge(plan)
            }
        };
        self.place(&gone, made);
    }

    fn merge(&mut self, plan: &Plan) -> Vec<Arc<Slice>> {
        let mut all = Content::default();
        for slice in plan.slices() {
            let content = &self.contents[&slice.file.meta.number];
            all.entries.extend(&content.entries);
            all.sweeps.extend(&content.sweeps);
        }
        let all = survivors(all, plan.is_bottom, self.oldest());
        let count = 1 + self.rng.below(4) as usize;
        let mut cuts = cuts(plan, count);
        assert!(cuts.len() < count && cuts.is_sorted());
        let mut splitter = Splitter::new(plan);
        let mut starts: Vec<u32> = Vec::new();
        let mut bytes = 0;
        let mut last = None;
        for entry in &all.entries {
            if last != Some(entry.key) {
                let key = key(entry.key);
                let is_cut = cuts.first().is_some_and(|cut| *cut <= key);
                if is_cut {
                    cuts.remove(0);
                }
                if splitter.ends_before(&key, bytes) || (is_cut && bytes > 0) {
                    starts.push(entry.key);
                    bytes = 0;
                }
                last = Some(entry.key);
            }
            bytes += ENTRY;
        }
        let mut made = Vec::new();
        let mut from = 0;
        // What is merged grows no younger by it.
        let oldest = plan.slices().map(|slice| slice.file.meta.created_millis).min().unwrap();
        let now = std::mem::replace(&mut self.context.now_millis, oldest);
        for end in starts.into_iter().chain([u32::MAX]) {
            let part = part(&all, from, end);
            made.extend(self.add(part, (plan.output_level, plan.output_run)));
            from = end;
        }
        self.context.now_millis = now;
        self.written += bytes_of(&made);
        made
    }

    /// Does all there is to do.
    pub(crate) fn settle(&mut self) {
        let mut rounds = 0;
        while self.start() || self.end() {
            rounds += 1;
            assert!(rounds < 20_000, "it never comes to rest: {:#?}", self.running);
        }
        assert!(self.busy.is_idle());
        let debt = self.strategy.debt(&self.tree, &self.context);
        assert_eq!(debt.bytes, 0, "nothing is left to do, and something is owed: {}", self.show());
    }

    /// Some things start and some end.
    pub(crate) fn work(&mut self, events: u64) {
        for _ in 0..events {
            if self.running.len() < 3 && self.rng.chance(1, 2) {
                self.start();
            } else {
                self.end();
            }
        }
        while self.tree.runs.iter().filter(|run| run.level == 0).count() > 20 {
            let _started = self.running.len() < 3 && self.start();
            self.end();
        }
    }

    /// The same for a strategy that may have let level 0 grow on purpose.
    pub(crate) fn work_if_it_merges(&mut self, events: u64) {
        if self.strategy.name() != "fifo" {
            self.work(events);
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Each run is in order, and every key's entries are newest first over all runs.
    pub(crate) fn check_order(&self) {
        let mut floor: BTreeMap<u32, u64> = BTreeMap::new();
        for run in &self.tree.runs {
            for (a, b) in run.slices.iter().zip(run.slices.iter().skip(1)) {
                assert!(Span::of(a).cmp_end(&Span::of(b)).is_lt());
                assert!(!Span::of(a).overlaps(&Span::of(b)), "{a:?} {b:?}");
            }
            let mut lows: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
            let mut see = |key: u32, seqno: u64| {
                let low = lows.entry(key).or_insert((seqno, seqno));
                *low = (low.0.min(seqno), low.1.max(seqno));
            };
            for slice in &run.slices {
                let content = &self.contents[&slice.file.meta.number];
                for entry in &content.entries {
                    assert!(slice_spans(slice, entry.key));
                    see(entry.key, entry.seqno);
                }
                for sweep in &content.sweeps {
                    (sweep.start..sweep.end).for_each(|key| see(key, sweep.seqno));
                    assert!(slice_spans(slice, sweep.start) && slice_spans(slice, sweep.end - 1));
                }
            }
            for (key, (low, high)) in lows {
                let floor = floor.entry(key).or_insert(u64::MAX);
                assert!(high < *floor, "key {key}: {high} stands under {floor}: {}", self.show());
                *floor = low;
            }
        }
    }

    /// Every key reads as the model has it.
    pub(crate) fn check_model(&self) {
        let mut seen: BTreeMap<u32, (u64, bool)> = BTreeMap::new();
        for slice in self.tree.runs.iter().flat_map(|run| &run.slices) {
            let content = &self.contents[&slice.file.meta.number];
            let mut see = |key: u32, seqno: u64, is_put: bool| {
                let newest = seen.entry(key).or_insert((seqno, is_put));
                if newest.0 < seqno {
                    *newest = (seqno, is_put);
                }
            };
            for entry in &content.entries {
                see(entry.key, entry.seqno, !entry.is_delete);
            }
            for sweep in &content.sweeps {
                (sweep.start..sweep.end).for_each(|key| see(key, sweep.seqno, false));
            }
        }
        let read = seen.into_iter().filter(|(_, (_, is_put))| *is_put);
        let read: BTreeMap<u32, u64> = read.map(|(key, (seqno, _))| (key, seqno)).collect();
        assert_eq!(read, self.model);
    }

    /// What was done so far does not count.
    pub(crate) fn begin_to_count(&mut self) {
        (self.flushed, self.written, self.moves, self.merges) = (0, 0, 0, 0);
        (self.runs_max, self.space_max, self.job_max) = (0, 0, 0);
    }

    pub(crate) fn amplification(&self) -> f64 {
        (self.flushed + self.written) as f64 / self.flushed.max(1) as f64
    }

    /// Bytes stored for each byte that is seen.
    pub(crate) fn space(&self) -> f64 {
        self.per_seen(self.stored())
    }

    pub(crate) fn per_seen(&self, bytes: u64) -> f64 {
        bytes as f64 / (self.model.len() as u64 * ENTRY).max(1) as f64
    }

    pub(crate) fn stored(&self) -> u64 {
        bytes_of(self.tree.runs.iter().flat_map(|run| &run.slices))
    }

    pub(crate) fn show(&self) -> String {
        let line = |run: &crate::version::tree::Run| {
            let bytes = bytes_of(&run.slices) / ENTRY;
            format!("L{}:{} {} in {}", run.level, run.number, bytes, run.slices.len())
        };
        self.tree.runs.iter().map(line).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn report(&self, name: &str) {
        println!(
            "{name}: write amplification {:.2}, {} merges, {} moves, space {:.2} (peak {:.2}), \
             runs at most {}; {}",
            self.amplification(),
            self.merges,
            self.moves,
            self.space(),
            self.per_seen(self.space_max),
            self.runs_max,
            self.show()
        );
    }
}

fn slice_spans(slice: &Slice, at: u32) -> bool {
    number_of(&slice.meta.smallest) <= at && Span::of(slice).reaches(&key(at))
}

fn part(all: &Content, from: u32, end: u32) -> Content {
    let entries = all.entries.iter().filter(|entry| (from..end).contains(&entry.key));
    let sweeps = all.sweeps.iter().map(|sweep| Sweep {
        start: sweep.start.max(from),
        end: sweep.end.min(end),
        ..*sweep
    });
    let sweeps = sweeps.filter(|sweep| sweep.start < sweep.end);
    Content { entries: entries.copied().collect(), sweeps: sweeps.collect() }
}

/// What a merge keeps, said as plainly as can be.
fn survivors(mut all: Content, is_bottom: bool, oldest: Option<u64>) -> Content {
    all.entries.sort_by(|a, b| a.key.cmp(&b.key).then(b.seqno.cmp(&a.seqno)));
    let hides = |newer: u64, older: u64| {
        older < newer && !oldest.is_some_and(|snapshot| older <= snapshot && snapshot < newer)
    };
    let is_old = |seqno: u64| oldest.is_none_or(|snapshot| seqno <= snapshot);
    let mut kept: Vec<Entry> = Vec::new();
    let mut newer: Option<Entry> = None;
    for entry in all.entries {
        let by_entry =
            newer.is_some_and(|newer| newer.key == entry.key && hides(newer.seqno, entry.seqno));
        let by_sweep = all.sweeps.iter().any(|sweep| {
            (sweep.start..sweep.end).contains(&entry.key) && hides(sweep.seqno, entry.seqno)
        });
        newer = Some(entry);
        let is_spent = is_bottom && entry.is_delete && is_old(entry.seqno);
        if !(by_entry || by_sweep || is_spent) {
            kept.push(entry);
        }
    }
    all.sweeps.retain(|sweep| !(is_bottom && is_old(sweep.seqno)));
    Content { entries: kept, sweeps: all.sweeps }
}
