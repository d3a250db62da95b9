//! `Strategy`: who decides what is merged. Anybody may write one.

use std::fmt::Debug;

use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::manual::{Answer, Request, next_step};
use crate::compaction::plan::Plan;
use crate::version::tree::Tree;

/// Decides what is to be done with a tree. Pure: the answers depend on the arguments alone.
///
/// Every plan is checked before it is done (`Plan::check`, `Busy::allows`). One that cannot be
/// done beside those that run counts as none. A strategy must come to rest: if nobody writes,
/// `pick` has to answer `None` after a number of plans that have been done.
///
/// A strategy of the program's own that panics, gives a plan that the check refuses, waits although
/// nothing runs, or goes in circles is dismissed: `Event::StrategyFailed` tells why, and until the
/// next opening the keyspace is merged as `leveled:10`. Data is right whatever it does. It is
/// called by any thread, several at once, with no lock of the database held; it has to return soon,
/// and must neither write nor wait for background work.
pub trait Strategy: Debug + Send + Sync + 'static {
    /// The name that options of keyspaces choose it by: 1 to 64 letters, digits, `-`, `_` and `.`.
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
