//! `Merging`: does what a plan says.
//!
//! The result is read again and found to hold what was written before the job answers its edits;
//! the inputs stay until somebody has committed those.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::compaction::part::{Common, Part, Setup};
use crate::compaction::parts::{Helper, Parts};
use crate::compaction::plan::{Plan, PlanKind};
use crate::compaction::sieve::Sifted;
use crate::compaction::split::cuts;
use crate::cursor::tombstone::Fragments;
use crate::output::{Sink, Written, is_over};
use crate::version::edit::Edit;
use crate::version::tree::Slice;

/// A plan that is being done.
#[derive(Debug)]
pub struct Merging {
    plan: Plan,
    setup: Setup,
    sink: Arc<dyn Sink>,
    parts: Arc<Parts>,
    own: Option<Helper>,
    done: Vec<Part>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Range tombstones are collected, table by table.
    Opening(usize, Vec<Fragments>),
    Running,
    Done,
    Over,
}

impl Merging {
    /// A job that does `plan`, which was checked. Nothing happens before the first step.
    #[must_use]
    pub fn new(plan: Plan, setup: Setup, sink: Arc<dyn Sink>) -> Self {
        let stage = match plan.kind {
            PlanKind::Merge => Stage::Opening(0, Vec::new()),
            _ => Stage::Done,
        };
        let parts = Arc::new(Parts::default());
        Self { plan, setup, sink, parts, own: None, done: Vec::new(), stage }
    }

    /// What is done.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The parts of the work: other workers may help.
    #[must_use]
    pub fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// True if the next step does nothing, because only parts are left that others do.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Running)
            && self.own.is_none()
            && !self.parts.has_work()
            && matches!(self.parts.is_done(), Ok(false))
    }

    /// Does the next piece; true when everything is durable and proved. After an error the job is
    /// over, and what it made is gone.
    pub fn step(&mut self) -> Result<bool> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        match self.advance(stage) {
            Ok(stage) => self.stage = stage,
            Err(error) => {
                self.discard();
                return Err(error);
            }
        }
        Ok(matches!(self.stage, Stage::Done))
    }

    fn advance(&mut self, stage: Stage) -> Result<Stage> {
        match stage {
            Stage::Opening(at, found) => self.open(at, found),
            Stage::Running => self.run(),
            Stage::Done => Ok(Stage::Done),
            Stage::Over => Err(is_over()),
        }
    }

    /// Takes the range tombstones of the next slice that has any.
    fn open(&mut self, at: usize, mut found: Vec<Fragments>) -> Result<Stage> {
        let mut rest = self.plan.slices().enumerate().skip(at);
        let next = rest.find(|(_, slice)| slice.file.meta.range_deletes > 0);
        let Some((at, slice)) = next else {
            self.cut(&found);
            return Ok(Stage::Running);
        };
        let tombstones = self.sink.open(&slice.file)?.tombstones()?;
        found.push(tombstones.truncate(&slice.meta.smallest, Some(&end_of(slice))));
        Ok(Stage::Opening(at.saturating_add(1), found))
    }

    fn cut(&self, found: &[Fragments]) {
        let tombstones = Arc::new(Fragments::merge(&found.iter().collect::<Vec<_>>()));
        let common = Arc::new(Common {
            plan: self.plan.clone(),
            setup: self.setup.clone(),
            tombstones,
            sink: Arc::clone(&self.sink),
        });
        let cuts = cuts(&self.plan, self.setup.parts);
        let ends = cuts.iter().cloned().map(Some).chain([None]);
        let starts = [Vec::new()].into_iter().chain(cuts.iter().cloned());
        let part = |(start, end)| Part::new(Arc::clone(&common), start, end);
        self.parts.fill(starts.zip(ends).map(part).collect());
    }

    fn run(&mut self) -> Result<Stage> {
        if self.own.is_none() {
            self.own = self.parts.take();
        }
        if self.own.as_mut().is_some_and(Helper::step) {
            self.own = None;
        }
        if !self.parts.is_done()? {
            return Ok(Stage::Running);
        }
        self.done = self.parts.into_done();
        let read =
            self.done.iter().fold(0_u64, |sum, part| sum.saturating_add(part.entries_read()));
        let there = self.plan.entries();
        if read == there {
            return Ok(Stage::Done);
        }
        let why = format!("a compaction met {read} entries in tables that should have {there}");
        Err(Error::new(ErrorKind::Corruption, why))
    }

    /// The tables that were made, once `step` has answered true.
    pub fn written(&self) -> impl Iterator<Item = &Written> {
        self.done.iter().flat_map(Part::written)
    }

    /// What a filter has made of the values, once `step` has answered true.
    #[must_use]
    pub fn sifted(&self) -> Sifted {
        self.done.iter().map(Part::sifted).fold(Sifted::default(), Sifted::plus)
    }

    /// The changes that put the result in place of the inputs; none before `step` has answered
    /// true.
    #[must_use]
    pub fn edits(&self) -> Vec<Edit> {
        if !matches!(self.stage, Stage::Done) {
            return Vec::new();
        }
        let plan = &self.plan;
        let mut edits: Vec<Edit> = plan.slices().map(|slice| self.fate(slice)).collect();
        let created = plan.slices().map(|slice| slice.file.meta.created_millis).min();
        let created = created.unwrap_or_default();
        let made =
            self.written().map(|table| table.edit(plan.output_level, plan.output_run, created));
        // A table is listed after what it refers to.
        edits.extend(self.done.iter().flat_map(Part::blob_edits));
        edits.extend(made);
        edits
    }

    /// What becomes of an input.
    fn fate(&self, slice: &Slice) -> Edit {
        let (table, keyspace) = (slice.file.meta.number, slice.meta.keyspace);
        match self.plan.kind {
            PlanKind::Move => {
                let (level, run) = (self.plan.output_level, self.plan.output_run);
                Edit::SliceMoved { table, keyspace, level, run }
            }
            PlanKind::Merge | PlanKind::Drop => Edit::SliceRemoved { table, keyspace },
        }
    }

    /// Gives up: takes away what was made. Not to be called once the edits may be committed.
    pub fn discard(&mut self) {
        self.stage = Stage::Over;
        self.parts.cancel();
        self.own = None;
        self.done.drain(..).for_each(|mut part| part.discard());
    }
}

/// The key behind the last one of a slice.
fn end_of(slice: &Slice) -> Vec<u8> {
    let mut end = slice.meta.largest.clone();
    if !slice.meta.is_largest_excluded {
        end.push(0);
    }
    end
}

#[cfg(test)]
mod tests;
