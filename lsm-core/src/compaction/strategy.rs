//! `Strategy`: who decides what is merged. Anybody may write one.

use std::fmt::Debug;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::manual::{Answer, Request, next_step};
use crate::compaction::plan::Plan;
use crate::version::tree::Tree;

/// Decides what is to be done with a tree. Pure: the answers depend on the arguments alone.
///
/// Every plan is checked before it is done (`Plan::check`, `Busy::allows`); one that is refused
/// counts as none. A strategy must come to rest: if nobody writes, `pick` has to answer `None`
/// after a number of plans that have been done.
pub trait Strategy: Debug + Send + Sync {
    /// A word for statistics and messages.
    fn name(&self) -> &str;

    /// The most urgent plan that can be done beside those that run; `None` if there is none.
    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan>;

    /// How far the tree is from being in order: writers are slowed down by it.
    fn debt(&self, tree: &Tree, context: &Context) -> Debt;

    /// The next step of what somebody asked for; by default a merge of the range to the bottom.
    fn compact(&self, tree: &Tree, busy: &Busy, context: &Context, request: &Request) -> Answer {
        next_step(tree, busy, context, request)
    }
}

/// Work that is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debt {
    /// About how many bytes have to be written until every level has its size.
    pub bytes: u64,
    /// How many runs there are above the number that the strategy aims at.
    pub runs_over: u64,
}
