//! What running jobs have claimed, so that no two plans get in each other's way.

use std::sync::Arc;

use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, is_same};
use crate::compaction::span::{Bounds, Span, bytes_of};
use crate::version::tree::{Slice, Tree};

/// The plans of one tree that are being done.
#[derive(Clone, Debug, Default)]
pub struct Busy {
    claims: Vec<Claim>,
    next: u64,
}

/// The ticket of what is never given back.
const HELD: u64 = u64::MAX;

#[derive(Clone, Debug)]
struct Claim {
    ticket: u64,
    plan: Plan,
    hull: Bounds,
}

impl Busy {
    /// Nothing runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// True if nothing runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.claims.is_empty()
    }

    /// How many plans run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// The plans that run.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.claims.iter().map(|claim| &claim.plan)
    }

    /// True if a plan that runs takes this slice.
    #[must_use]
    pub fn holds(&self, slice: &Slice) -> bool {
        self.plans().any(|plan| plan.takes(slice))
    }

    /// Claims what a plan needs, and answers the ticket that gives it back; `None` if it must wait.
    pub fn claim(&mut self, plan: &Plan) -> Option<u64> {
        if !self.allows(plan) {
            return None;
        }
        let hull = Bounds::from(plan.hull()?);
        let ticket = self.next;
        self.next = ticket.wrapping_add(1);
        self.claims.push(Claim { ticket, plan: plan.clone(), hull });
        Some(ticket)
    }

    /// Keeps a slice where it stands: no plan may take it, nor bring others past it.
    pub fn hold(&mut self, tree: &Tree, slice: &Arc<Slice>) {
        let (level, run) = (slice.meta.level, slice.meta.run);
        let inputs = vec![Input { level, run, slices: vec![Arc::clone(slice)] }];
        let plan = Plan::new(tree, PlanKind::Drop, inputs, Place { level, run });
        if let Some(hull) = plan.hull().map(Bounds::from) {
            self.claims.push(Claim { ticket: HELD, plan, hull });
        }
    }

    /// True if a slice is kept where it stands.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.claims.iter().any(|claim| claim.ticket == HELD)
    }

    /// Gives back what was claimed under this ticket.
    pub fn release(&mut self, ticket: u64) {
        self.claims.retain(|claim| claim.ticket != ticket);
    }

    /// True if the plan can be done while the others run, in whatever order they end.
    #[must_use]
    pub fn allows(&self, plan: &Plan) -> bool {
        let Some(hull) = plan.hull() else { return false };
        self.claims.iter().all(|claim| is_apart(plan, &hull, claim))
    }

    /// How many bytes of a level are about to leave it.
    #[must_use]
    pub fn leaving(&self, level: u8) -> u64 {
        let leaves = |plan: &&Plan| plan.output_level != level || plan.kind == PlanKind::Drop;
        let inputs = self.plans().filter(leaves).flat_map(|plan| &plan.inputs);
        let inputs = inputs.filter(|input| input.level == level);
        inputs.fold(0, |sum, input| sum.saturating_add(bytes_of(&input.slices)))
    }
}

/// True if neither plan takes what the other has, writes where it writes, or would pass it.
fn is_apart(plan: &Plan, hull: &Span<'_>, claim: &Claim) -> bool {
    if !hull.overlaps(&claim.hull.span()) {
        return true;
    }
    let writes = plan.kind != PlanKind::Drop && claim.plan.kind != PlanKind::Drop;
    if writes && plan.output() == claim.plan.output() {
        return false;
    }
    let theirs: Vec<_> = claim.plan.placed().collect();
    plan.placed().all(|(mine_at, mine)| {
        let span = Span::of(mine);
        theirs.iter().all(|&(their_at, their)| {
            !is_same(mine, their)
                && (!span.overlaps(&Span::of(their))
                    || is_in_order((mine_at, plan), (their_at, &claim.plan)))
        })
    })
}

/// True if two slices that overlap are in the same order before, between and after two plans.
fn is_in_order(a: (Place, &Plan), b: (Place, &Plan)) -> bool {
    let after = |(place, plan): (Place, &Plan)| match plan.kind {
        PlanKind::Drop => place,
        _ => plan.output(),
    };
    let (a_after, b_after) = (after(a), after(b));
    let order = a.0.cmp(&b.0);
    order.is_ne()
        && [a.0.cmp(&b_after), a_after.cmp(&b.0), a_after.cmp(&b_after)]
            .iter()
            .all(|other| *other == order)
}

#[cfg(test)]
mod tests;
