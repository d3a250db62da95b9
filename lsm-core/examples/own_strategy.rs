//! A compaction strategy of one's own: eight runs may come together, then all become one.
//!
//! `cargo run --release -p lsm-core --example own_strategy`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use lsm_core::strategy::{
    Busy, Context, Debt, Input, Place, Plan, Reason, Strategy, Tree, plan_to,
};
use lsm_core::{Db, Event, KeyspaceOptions, Result};

/// Lets eight runs come together, then merges all of them.
#[derive(Debug)]
struct Eight;

impl Strategy for Eight {
    fn name(&self) -> &str {
        "eight"
    }

    fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        if tree.runs.len() < 8 {
            return None;
        }
        let all: Vec<Input> = tree.runs.iter().map(Input::whole).collect();
        let plan = plan_to(tree, context, &all, Place { level: 6, run: 0 }, Reason::TooManyRuns)?;
        busy.allows(&plan).then_some(plan)
    }

    fn debt(&self, tree: &Tree, _: &Context) -> Debt {
        Debt { bytes: 0, runs_over: tree.runs.len().saturating_sub(8) as u64 }
    }
}

fn main() -> Result<()> {
    let path = std::env::temp_dir().join(format!("lsm-own-strategy-{}", std::process::id()));
    // It is registered at each opening; a keyspace remembers only the name.
    let tell = |event: &Event| match event {
        Event::Compacted { keyspace, from, to, written, .. } => {
            println!("{keyspace}: level {from} to {to}, {written} bytes");
        }
        Event::StrategyFailed { why, .. } => println!("dismissed: {why}"),
        _ => {}
    };
    let db = Db::builder(&path).strategy(Eight).listener(tell).open()?;
    let chosen = KeyspaceOptions::new().strategy(lsm_core::Strategy::user("eight"));
    let logs = db.keyspace_with("logs", chosen)?;
    for day in 0..20 {
        for hour in 0..24 {
            logs.put(format!("{day:02}-{hour:02}"), "all is well")?;
        }
        logs.flush()?;
        db.wait_idle()?;
    }
    println!(
        "{} keys in {:?} runs",
        logs.count(..)?,
        db.stats().keyspace("logs").map(|it| it.runs)
    );
    db.close()?;
    std::fs::remove_dir_all(&path).ok();
    Ok(())
}
