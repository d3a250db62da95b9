//! Holding a plan against the tree: what would break the order of runs is refused.
//!
//! Whoever made a plan, the engine asks here before it starts the work. A strategy that errs thus
//! costs time, never data.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sort::sort_by;
use crate::compaction::context::Context;
use crate::compaction::place::Place;
use crate::compaction::plan::{Plan, PlanKind, is_same};
use crate::compaction::span::{Span, overlapping};
use crate::version::tree::{LEVELS, Tree};

/// Runs stay far below the end of their numbers, so that there is always a newer one.
const RUN_MAX: u64 = u64::MAX >> 1;

impl Plan {
    /// Refuses a plan after which a reader of `tree` could miss an entry, see an older one before a
    /// newer one, or see again what was deleted.
    pub fn check(&self, tree: &Tree, context: &Context) -> Result<()> {
        let answer = self.breaks_nothing(tree, context);
        answer.map_err(|why| Error::new(ErrorKind::InvalidArgument, why))
    }

    /// The same, saying only why.
    pub fn breaks_nothing(&self, tree: &Tree, context: &Context) -> Result<(), &'static str> {
        self.check_inputs(tree).and_then(|()| match self.kind {
            PlanKind::Merge => self.check_order(tree).and_then(|()| self.check_room(tree)),
            PlanKind::Move => self
                .check_order(tree)
                .and_then(|()| self.check_room(tree))
                .and_then(|()| self.check_apart()),
            PlanKind::Drop => self.check_drop(tree, context),
        })
    }

    /// The inputs are what stands in the tree, each named once, the newest run first.
    fn check_inputs(&self, tree: &Tree) -> Result<(), &'static str> {
        let mut last: Option<Place> = None;
        if self.inputs.is_empty() {
            return Err("a plan takes nothing");
        }
        for input in &self.inputs {
            let place = input.place();
            if last.is_some_and(|last| last >= place) {
                return Err("the runs of a plan are not ordered from the newest");
            }
            last = Some(place);
            let run = tree.runs.iter().find(|run| Place::of(run) == place);
            let run = run.ok_or("a plan takes from a run that is not there")?;
            let mut rest = run.slices.iter();
            if input.slices.is_empty() {
                return Err("a plan takes nothing from a run");
            }
            for slice in &input.slices {
                if slice.meta.keyspace != self.keyspace {
                    return Err("a plan takes from another keyspace");
                }
                rest.find(|there| is_same(there, slice))
                    .ok_or("a plan takes a slice that is not there, or takes it twice")?;
            }
        }
        let newest = self.inputs.first().map(|input| input.place());
        if self.kind != PlanKind::Drop
            && (usize::from(self.output_level) >= LEVELS
                || self.output_run > RUN_MAX
                || newest.is_none_or(|newest| self.output() < newest))
        {
            return Err("a plan puts data where newer data belongs");
        }
        if self.is_bottom && !self.is_bottom_of(tree) {
            return Err("a plan calls itself the bottom, and older data is beneath");
        }
        Ok(())
    }

    /// What stays is newer or older than the result exactly as it is now.
    fn check_order(&self, tree: &Tree) -> Result<(), &'static str> {
        let output = self.output();
        for (place, slice) in self.placed() {
            let span = Span::of(slice);
            for run in &tree.runs {
                let there = Place::of(run);
                // Between where the slice is and where it goes: it would pass whatever stays there.
                let is_passed =
                    (place < there && there <= output) || (output <= there && there < place);
                if !is_passed {
                    continue;
                }
                if overlapping(run, &span).iter().any(|stays| !self.takes(stays)) {
                    return Err("a plan takes newer data past older data that stays");
                }
            }
        }
        Ok(())
    }

    /// The result does not touch what stays in the run that it joins.
    fn check_room(&self, tree: &Tree) -> Result<(), &'static str> {
        let output = self.output();
        let Some(run) = tree.runs.iter().find(|run| Place::of(run) == output) else {
            return Ok(());
        };
        let is_free =
            |span: &Span<'_>| overlapping(run, span).iter().all(|slice| self.takes(slice));
        let is_free = match self.kind {
            // A table of the result may reach over a gap between inputs.
            PlanKind::Merge => self.hull().is_some_and(|hull| is_free(&hull)),
            _ => self.slices().all(|slice| is_free(&Span::of(slice))),
        };
        if is_free { Ok(()) } else { Err("a plan writes over what stays in the same run") }
    }

    /// What is moved as it is must fit one run.
    fn check_apart(&self) -> Result<(), &'static str> {
        let mut spans: Vec<Span<'_>> = self.slices().map(|slice| Span::of(slice)).collect();
        sort_by(&mut spans, |a, b| a.smallest.cmp(b.smallest));
        let touch = spans.iter().zip(spans.iter().skip(1)).any(|(a, b)| a.overlaps(b));
        if touch { Err("a plan moves slices into one run that overlap") } else { Ok(()) }
    }

    /// Data is given up only by permission or because it has expired, and nothing older that it
    /// hides may come to light.
    fn check_drop(&self, tree: &Tree, context: &Context) -> Result<(), &'static str> {
        let mut slices = self.slices();
        let is_expired = slices.all(|slice| slice.file.meta.is_over(context.expired_millis));
        if !is_expired && !context.may_drop {
            return Err("a plan gives up data that nobody deleted");
        }
        for (place, slice) in self.placed() {
            let span = Span::of(slice);
            for run in tree.runs.iter().filter(|run| Place::of(run) > place) {
                if overlapping(run, &span).iter().any(|stays| !self.takes(stays)) {
                    return Err("a plan gives up data that hides older data");
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
