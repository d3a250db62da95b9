//! Compaction by request: a range of keys goes to the bottom, whatever the strategy thinks.

use std::sync::Arc;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::{can_drop_deletes, gather};
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::compaction::span::{Bounds, overlapping};
use crate::key::seqno::SeqNo;
use crate::version::tree::{LEVELS, Slice, Tree};

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The range.
    pub bounds: Bounds,
    /// The last write that the request is about.
    pub seqno: SeqNo,
    /// Tables with this number or a higher one were made after the request: where they have arrived
    /// at the bottom, they are not rewritten for it again.
    pub before: u64,
}

/// What is to be done for a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This, then ask again.
    Work(Plan),
    /// Nothing until one of the plans that run has ended.
    Wait,
    /// Nothing more.
    Done,
}

/// The next step of a request: everything in the range is merged at once into the oldest run, and
/// what was there already is rewritten only if deletes, old versions or expired values go by it, or
/// if there is a filter to be shown it.
#[must_use]
pub fn next_step(tree: &Tree, busy: &Busy, context: &Context, request: &Request) -> Answer {
    let output = oldest_place(tree);
    let span = request.bounds.span();
    let mut chosen = Vec::new();
    for run in &tree.runs {
        let is_last = Place::of(run) == output;
        let is_due = |slice: &&Arc<Slice>| {
            let meta = &slice.file.meta;
            if is_last {
                let is_shrinking = has_deletes(slice) || has_old_versions(slice);
                let is_shrinking = (is_shrinking && can_drop_deletes(slice, context))
                    || meta.has_expired(context.expired_millis);
                return meta.number < request.before && (is_shrinking || context.is_filtered);
            }
            meta.seqno_min <= request.seqno
        };
        let slices: Vec<_> = overlapping(run, &span).iter().filter(is_due).cloned().collect();
        if !slices.is_empty() {
            chosen.push(Input { level: run.level, run: run.number, slices });
        }
    }
    let inputs = gather(tree, &chosen, output);
    if inputs.is_empty() {
        return Answer::Done;
    }
    let plan = Plan::new(tree, PlanKind::Merge, inputs, output)
        .because(Reason::Manual)
        .with_tables_of(context.table_bytes);
    if busy.allows(&plan) { Answer::Work(plan) } else { Answer::Wait }
}

/// Where the oldest data stands; never in level 0, where only flushes arrive.
#[must_use]
pub fn oldest_place(tree: &Tree) -> Place {
    let last = tree.runs.last().filter(|run| run.level > 0).map(Place::of);
    last.unwrap_or(Place { level: u8::try_from(LEVELS - 1).unwrap_or(1), run: 0 })
}

fn has_deletes(slice: &Slice) -> bool {
    slice.meta.deletes > 0 || slice.file.meta.range_deletes > 0
}

/// True if it is known that some entries are not the newest of their key: a snapshot saw them when
/// the table was made.
fn has_old_versions(slice: &Slice) -> bool {
    let contents = slice.file.opened().and_then(|table| table.known_contents());
    contents.is_some_and(|contents| {
        let keys = contents.share(slice.meta.keyspace).keys;
        0 < keys && keys < slice.meta.entries
    })
}
