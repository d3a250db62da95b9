//! One engine, once, in a process of its own: what it did to memory, threads and the page cache
//! goes with it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use lsm_bench::result::Outcome;
use lsm_bench::store::Result;

/// What a process leaves: what it measured, and why it ended early if it did.
pub(crate) struct Left {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) failure: Option<String>,
}

/// Runs this program for one engine. What others wrote is on the disk before it begins.
pub(crate) fn run(engine: &str, words: &[OsString]) -> Result<Left> {
    Command::new("sync").status()?;
    let dir = tempfile::tempdir()?;
    let json = dir.path().join("outcomes");
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).arg("--engine").arg(engine).arg("--json").arg(&json);
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
    let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
    let failure = (!ended.status.success()).then(|| match words.as_str() {
        "" => ended.status.to_string(),
        words => words.to_owned(),
    });
    Ok(Left { outcomes: read(&json)?, failure })
}

/// The lines of a file that a process wrote, if it came to write any.
fn read(path: &Path) -> Result<Vec<Outcome>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().map(|line| Ok(serde_json::from_str(line)?));
    lines.collect::<Result<_>>().map(told_apart)
}

/// A workload that comes twice in one run is two workloads: the second one finds another store.
fn told_apart(mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut seen = BTreeMap::new();
    for outcome in &mut outcomes {
        let times = seen.entry(outcome.workload.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            outcome.workload = format!("{}#{times}", outcome.workload);
        }
    }
    outcomes
}
