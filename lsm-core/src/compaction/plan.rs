//! Plans: which slices are to become what, where, and why.

use std::sync::Arc;

use crate::compaction::place::Place;
use crate::compaction::span::{Span, bytes_of, overlapping};
use crate::key::keyspace::KeyspaceId;
use crate::version::tree::{Run, Slice, Tree};

pub use crate::extend::event::Reason;

/// One piece of work.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The tree it changes.
    pub keyspace: KeyspaceId,
    /// What it is for.
    pub reason: Reason,
    /// What is done with the inputs.
    pub kind: PlanKind,
    /// The slices that go, by run, from the newest run to the oldest.
    pub inputs: Vec<Input>,
    /// Where the result stands.
    pub output_level: u8,
    /// The run of it there.
    pub output_run: u64,
    /// Nothing older than the result can hold a key of it: deletes need not be kept.
    pub is_bottom: bool,
    /// About how large each table of the result should be.
    pub table_bytes: u64,
    /// The slices one level further down that the result will be merged with one day, in order.
    /// Tables should not cover too many of them.
    pub beneath: Vec<Arc<Slice>>,
}

/// The slices of one run that a plan takes.
#[derive(Clone, Debug)]
pub struct Input {
    /// The level of the run.
    pub level: u8,
    /// Its number.
    pub run: u64,
    /// Some of its slices, in order.
    pub slices: Vec<Arc<Slice>>,
}

/// What is done with the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// New tables are written.
    Merge,
    /// They stand elsewhere from now on; no file is touched.
    Move,
    /// They are given up.
    Drop,
}

impl Input {
    /// Where these slices stand.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { level: self.level, run: self.run }
    }

    /// One slice of a run.
    #[must_use]
    pub fn only(run: &Run, slice: &Arc<Slice>) -> Self {
        Self { level: run.level, run: run.number, slices: vec![Arc::clone(slice)] }
    }

    /// All slices of a run.
    #[must_use]
    pub fn whole(run: &Run) -> Self {
        Self { level: run.level, run: run.number, slices: run.slices.clone() }
    }
}

impl Plan {
    /// A plan for these inputs, which are not empty and come from `tree`. What can be told from the
    /// tree is filled in: whether it is the bottom, and what is beneath.
    #[must_use]
    pub fn new(tree: &Tree, kind: PlanKind, inputs: Vec<Input>, output: Place) -> Self {
        let first = inputs.iter().flat_map(|input| &input.slices).next();
        let mut plan = Self {
            keyspace: first.map(|slice| slice.meta.keyspace).unwrap_or_default(),
            reason: Reason::Other,
            kind,
            inputs,
            output_level: output.level,
            output_run: output.run,
            is_bottom: false,
            table_bytes: u64::MAX,
            beneath: Vec::new(),
        };
        plan.is_bottom = plan.is_bottom_of(tree);
        plan.beneath = plan.beneath_of(tree);
        plan
    }

    /// The same for another reason.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// The same with tables of another size.
    #[must_use]
    pub fn with_tables_of(self, table_bytes: u64) -> Self {
        Self { table_bytes, ..self }
    }

    /// Where the result stands.
    #[must_use]
    pub fn output(&self) -> Place {
        Place { level: self.output_level, run: self.output_run }
    }

    /// Every slice that it takes, the newest run first.
    pub fn slices(&self) -> impl Iterator<Item = &Arc<Slice>> {
        self.inputs.iter().flat_map(|input| &input.slices)
    }

    /// Every slice with the place where it stands.
    pub fn placed(&self) -> impl Iterator<Item = (Place, &Arc<Slice>)> {
        let of = |input: &'_ Input| input.place();
        self.inputs.iter().flat_map(move |input| {
            let place = of(input);
            input.slices.iter().map(move |slice| (place, slice))
        })
    }

    /// What the inputs cover together, with what lies between them.
    #[must_use]
    pub fn hull(&self) -> Option<Span<'_>> {
        Span::hull(self.slices().map(|slice| Span::of(slice)))
    }

    /// The uppermost level that it takes something from.
    #[must_use]
    pub fn from_level(&self) -> u8 {
        self.inputs.iter().map(|input| input.level).min().unwrap_or(self.output_level)
    }

    /// How many bytes it reads.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes_of(self.slices())
    }

    /// How many entries it reads.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.slices().fold(0, |sum, slice| sum.saturating_add(slice.meta.entries))
    }

    /// True if it takes this very slice, which stands in the tree.
    #[must_use]
    pub fn takes(&self, slice: &Slice) -> bool {
        let place = Place { level: slice.meta.level, run: slice.meta.run };
        let input = self.inputs.iter().find(|input| input.place() == place);
        let taken = input.and_then(|input| {
            let before = |taken: &Arc<Slice>| taken.meta.smallest < slice.meta.smallest;
            input.slices.get(input.slices.partition_point(before))
        });
        taken.is_some_and(|taken| is_same(taken, slice))
    }

    /// True if nothing that stays in `tree` and is older than the result touches what it covers.
    #[must_use]
    pub fn is_bottom_of(&self, tree: &Tree) -> bool {
        let Some(hull) = self.hull() else { return false };
        let output = self.output();
        let mut older = tree.runs.iter().filter(|run| Place::of(run) > output);
        older.all(|run| overlapping(run, &hull).iter().all(|slice| self.takes(slice)))
    }

    fn beneath_of(&self, tree: &Tree) -> Vec<Arc<Slice>> {
        let Some(hull) = self.hull() else { return Vec::new() };
        let below = tree.runs.iter().find(|run| run.level > self.output_level);
        below.map(|run| overlapping(run, &hull).to_vec()).unwrap_or_default()
    }
}

/// True if both are the same part of the same file, wherever they stand.
#[must_use]
pub fn is_same(a: &Slice, b: &Slice) -> bool {
    a.file.meta.number == b.file.meta.number
        && a.meta.keyspace == b.meta.keyspace
        && a.meta.smallest == b.meta.smallest
}
