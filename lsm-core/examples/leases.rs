//! Who works on what, settled by conditions, for a time only.
//!
//! `cargo run -p lsm-core --example leases DIRECTORY`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use std::time::{Duration, SystemTime};

use lsm_core::{Db, Result, WriteOptions};

/// Takes a job that nobody has.
fn take(jobs: &Db, job: &str, who: &str) -> Result<()> {
    let for_an_hour = WriteOptions::new().ttl(Duration::from_secs(60 * 60));
    let taken = jobs.insert_if_absent_with(job, who, &for_an_hour)?;
    println!("{who} takes {job}: {}", if taken.is_some() { "yes" } else { "no" });
    Ok(())
}

/// Hands a job on, if it is still `from` who has it.
fn hand_on(jobs: &Db, job: &str, from: &str, to: &str) -> Result<()> {
    let handed = jobs.compare_and_set(job, Some(from.as_bytes()), Some(to.as_bytes()))?;
    println!("{from} hands {job} to {to}: {}", if handed.is_some() { "yes" } else { "no" });
    Ok(())
}

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "leases.lsm".into());
    let jobs = Db::open(path)?;
    take(&jobs, "job-1", "ada")?;
    take(&jobs, "job-1", "bob")?;
    hand_on(&jobs, "job-1", "ada", "bob")?;
    hand_on(&jobs, "job-1", "ada", "eve")?;
    // A lease that ends in the past is over at once.
    jobs.touch_with("job-1", &WriteOptions::new().expiry(SystemTime::UNIX_EPOCH))?;
    take(&jobs, "job-1", "eve")?;
    jobs.close()
}
