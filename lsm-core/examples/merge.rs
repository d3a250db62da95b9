//! Counters and logs that are written without being read: merge operators.
//!
//! `cargo run -p lsm-core --example merge DIRECTORY`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use lsm_core::{Db, KeyspaceOptions, Result};

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "merge.lsm".into());
    let db = Db::open(path)?;
    let visits = db.keyspace_with("visits", KeyspaceOptions::new().merge_operator("add_i64"))?;
    for visit in [40_i64, 1, 1] {
        visits.merge("home", visit.to_le_bytes())?;
    }
    let log = db.keyspace_with("log", KeyspaceOptions::new().merge_operator("append"))?;
    for weather in ["rain", ", sun", ", snow"] {
        log.merge("monday", weather)?;
    }
    if let Some(sum) = visits.get("home")? {
        let sum = <[u8; 8]>::try_from(&*sum).map(i64::from_le_bytes).unwrap_or_default();
        println!("visits: {sum}");
    }
    if let Some(monday) = log.get("monday")? {
        println!("monday: {}", String::from_utf8_lossy(&monday));
    }
    db.close()
}
