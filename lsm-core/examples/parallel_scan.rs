//! Reads a range with several threads: it is split into parts of about the same size, and each
//! thread reads one. `cargo run --example parallel_scan`.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]
#![allow(clippy::expect_used, reason = "a program for people")]

use std::ops::Bound;
use std::thread;

use lsm_core::{Db, Result};

const THREADS: usize = 4;

fn main() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("lsm-parallel-scan-{}", std::process::id()));
    let db = Db::open(&dir)?;
    for n in 0..100_000u64 {
        db.put(format!("{n:08}"), "value")?;
    }
    db.flush()?;
    // All parts see the same moment.
    let snapshot = db.snapshot()?;
    let points = db.split_points(.., THREADS)?;
    let starts = std::iter::once(Bound::Unbounded).chain(points.iter().map(Bound::Included));
    let ends = points.iter().map(Bound::Excluded).chain(std::iter::once(Bound::Unbounded));
    let counts: Vec<u64> = thread::scope(|scope| {
        let parts = starts.zip(ends).map(|part| {
            let range = db.at(&snapshot).range(part);
            scope.spawn(move || range.count_keys())
        });
        let threads: Vec<_> = parts.collect();
        threads.into_iter().map(|it| it.join().expect("no thread panics")).collect::<Result<_>>()
    })?;
    println!("{counts:?} keys, {} together", counts.iter().sum::<u64>());
    let usage = db.usage()?;
    println!("{} bytes are alive, {} garbage", usage.live_bytes, usage.garbage_bytes);
    drop(snapshot);
    db.close()?;
    Db::destroy(&dir)?;
    Ok(())
}
