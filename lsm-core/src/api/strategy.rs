//! What a compaction strategy of one's own sees, and what it answers.
//!
//! A strategy looks at a `Tree`, at the plans that run (`Busy`) and at some numbers (`Context`),
//! and answers a `Plan`: slices that become others at a `Place`. It is registered with
//! `Builder::strategy` and chosen by its name in the options of a keyspace.
//!
//! ```
//! use lsm_core::strategy::{Busy, Context, Debt, Input, Place, Plan, Reason, Strategy, Tree};
//! use lsm_core::strategy::plan_to;
//! use lsm_core::{Builder, Db, KeyspaceOptions};
//!
//! /// Keeps everything in one run, whatever it costs.
//! #[derive(Debug)]
//! struct OneRun;
//!
//! impl Strategy for OneRun {
//!     fn name(&self) -> &str {
//!         "one-run"
//!     }
//!
//!     fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
//!         if tree.runs.len() < 2 {
//!             return None;
//!         }
//!         let all: Vec<Input> = tree.runs.iter().map(Input::whole).collect();
//!         let bottom = Place { level: 6, run: 0 };
//!         let plan = plan_to(tree, context, &all, bottom, Reason::Other)?;
//!         busy.allows(&plan).then_some(plan)
//!     }
//!
//!     fn debt(&self, tree: &Tree, _: &Context) -> Debt {
//!         Debt { bytes: 0, runs_over: tree.runs.len().saturating_sub(8) as u64 }
//!     }
//! }
//!
//! fn prepare(path: &str) -> (Builder, KeyspaceOptions) {
//!     let chosen = KeyspaceOptions::new().strategy(lsm_core::Strategy::user("one-run"));
//!     (Db::builder(path).strategy(OneRun), chosen)
//! }
//! ```

pub use crate::compaction::busy::Busy;
pub use crate::compaction::context::Context;
pub use crate::compaction::gather::{gather, plan_to};
pub use crate::compaction::manual::{Answer, Request};
pub use crate::compaction::place::Place;
pub use crate::compaction::plan::{Input, Plan, PlanKind};
pub use crate::compaction::span::{Bounds, Span};
pub use crate::compaction::strategy::{Debt, Strategy};
pub use crate::extend::event::Reason;
pub use crate::version::tree::{LEVELS, Run, Slice, SliceMeta, TableFile, TableMeta, Tree};
