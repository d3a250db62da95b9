//! The best first: a keyspace whose keys are in reverse order.
//!
//! `cargo run -p lsm-core --example ranking DIRECTORY`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use lsm_core::{Comparator, Db, KeyspaceOptions, Range, Result};

fn print_all(scores: Range) -> Result<()> {
    for pair in scores {
        let (score, player) = pair?;
        println!("  {} {}", String::from_utf8_lossy(&score), String::from_utf8_lossy(&player));
    }
    Ok(())
}

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "ranking.lsm".into());
    let db = Db::open(path)?;
    let best_first = KeyspaceOptions::new().comparator(Comparator::Reverse);
    let scores = db.keyspace_with("scores", best_first)?;
    for (score, player) in [("0310", "bob"), ("0920", "eve"), ("0740", "ada")] {
        scores.put(score, player)?;
    }
    println!("the best first:");
    print_all(scores.iter())?;
    // Bounds are in the keyspace's order: what is best stands before what is good.
    println!("from 800 down:");
    print_all(scores.range("0800"..))?;
    db.close()
}
