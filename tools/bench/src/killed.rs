//! Opening after a kill: another process of this program fills a store and is killed, and what it
//! has put must be there.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::distribution::Permutation;
use crate::flags::Flags;
use crate::generator::{Shape, mix};
use crate::nothing;
use crate::store::{Engine, Result, Store};
use crate::truth::Truth;
use crate::words::say;
use crate::workload::hand::wrong;

/// The word that makes this program the other process. Its own words follow, then the directory
/// and the kind of store as `--db` and `--engine`.
pub const WORD: &str = "fill-and-wait";
/// What the other process says when all is put.
const FULL: &str = "full";
/// One key in so many is looked for.
const SAMPLE: usize = 37;

/// The numbers that the other process puts, in its order.
fn numbers(flags: &Flags) -> impl Iterator<Item = u64> {
    let shape = flags.shape();
    let count = ((flags.log_mb << 20) / shape.pair_bytes()).clamp(1, shape.numbers());
    let order = Permutation::new(count, mix(flags.seed));
    (0..count).map(move |place| order.at(place))
}

/// Lets another process fill a store in this directory, and kills it. Answers what it has put.
pub fn leave_behind(engine: &dyn Engine, flags: &Flags, dir: &Path) -> Result<Arc<Truth>> {
    if engine.name() != nothing::NAME {
        fill_elsewhere(engine, flags, dir)?;
    }
    let Shape { key_bytes, value_bytes } = flags.shape();
    let truth = Truth::new(Shape { key_bytes, value_bytes });
    numbers(flags).for_each(|number| truth.add(number));
    Ok(Arc::new(truth))
}

fn fill_elsewhere(engine: &dyn Engine, flags: &Flags, dir: &Path) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(WORD).args(words(flags)).arg("--engine").arg(engine.name());
    command.arg("--db").arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut line = String::new();
    let said = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    // Not asked to end: killed, with whatever it has in its hands.
    child.kill()?;
    child.wait()?;
    said.transpose()?;
    match line.trim_end() {
        FULL => Ok(()),
        said => Err(format!("the process that is to be killed said `{said}`").into()),
    }
}

/// What the other process has to know, as words.
fn words(flags: &Flags) -> Vec<String> {
    let Flags { key_size, value_size, cache_size, write_buffer_size, .. } = flags;
    let Flags { bloom_bits, compression_type, max_background_jobs, .. } = flags;
    let Flags { sync, log_mb, seed, .. } = flags;
    vec![
        "--benchmarks=openafterkill".to_owned(),
        format!("--key_size={key_size}"),
        format!("--value_size={value_size}"),
        format!("--cache_size={cache_size}"),
        format!("--write_buffer_size={write_buffer_size}"),
        format!("--bloom_bits={bloom_bits}"),
        format!("--compression_type={compression_type}"),
        format!("--max_background_jobs={max_background_jobs}"),
        format!("--sync={sync}"),
        format!("--log_mb={log_mb}"),
        format!("--seed={seed}"),
    ]
}

/// What the other process does: it puts everything, says so, and waits to be killed. It ends by
/// itself if whoever started it is gone.
pub fn fill_and_wait(engine: &dyn Engine, flags: &Flags) -> Result<()> {
    let dir: PathBuf = flags.db.clone().ok_or("the directory is missing: --db")?;
    let store = engine.open(&dir, &flags.setup())?;
    let mut session = store.session()?;
    let (shape, mut key, mut value) = (flags.shape(), Vec::new(), Vec::new());
    for number in numbers(flags) {
        shape.key(number, &mut key);
        shape.value(number, &mut value);
        session.put(&key, &value)?;
    }
    say(FULL)?;
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing)?;
    Ok(())
}

/// Looks for what the other process has put.
pub fn check(store: &dyn Store, truth: &Truth) -> Result<()> {
    let mut session = store.session()?;
    let (shape, mut key, mut value) = (truth.shape(), Vec::new(), Vec::new());
    for number in (0..truth.count()).step_by(SAMPLE) {
        shape.key(number, &mut key);
        if !session.get(&key, &mut value)? {
            return Err(wrong(number, "was put before the kill, and was not found"));
        }
        if !shape.is_value(number, &value) {
            return Err(wrong(number, "has another value after the kill"));
        }
    }
    Ok(())
}
