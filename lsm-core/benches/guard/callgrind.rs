//! Callgrind: counting what is executed below some functions, and reading what it writes down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs this program under callgrind, and answers how many instructions each of these functions
/// took with all that it called.
pub(crate) fn count<'a>(functions: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    let functions: Vec<&str> = functions.collect();
    let out = Out::new();
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--combine-dumps=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.0.display()));
    let patterns = functions.iter().map(|function| format!("--toggle-collect=*{function}*"));
    valgrind.args(patterns).arg(std::env::current_exe().unwrap()).arg(crate::COUNTED);
    let status = valgrind.stdout(Stdio::null()).status();
    let status = status.unwrap();
    assert!(status.success(), "the counted run failed: {status}");
    let written = std::fs::read_to_string(&out.0).unwrap();
    let inclusive = inclusive_of(&written);
    let of = |function| {
        let parts = inclusive.iter().filter(|(name, _)| name.contains(function));
        parts.map(|(_, count)| count).sum()
    };
    functions.into_iter().map(|function| (function, of(function))).collect()
}

/// What each function took with all that it called, by its name.
fn inclusive_of(written: &str) -> BTreeMap<String, u64> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    let mut function = String::new();
    for line in written.lines() {
        // Names stand where they come first, and are numbers after that.
        let is_name = line.starts_with("fn=") || line.starts_with("cfn=");
        if let Some((id, name)) = line.split_once(") ").filter(|_| is_name) {
            names.insert(id.split_once('(').unwrap_or_default().1, name);
        }
        if let Some(rest) = line.strip_prefix("fn=(") {
            let id = rest.split_once(')').unwrap_or_default().0;
            function = names.get(id).copied().unwrap_or_default().to_owned();
        } else if line.starts_with(|first: char| "+-*0123456789".contains(first)) {
            // A position and a count: its own instructions, or those of a call that the line
            // before it names.
            let count = line.split_whitespace().nth(1).and_then(|count| count.parse().ok());
            *totals.entry(function.clone()).or_default() += count.unwrap_or(0);
        }
    }
    totals
}

/// A file that goes when this does.
struct Out(PathBuf);

impl Out {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("lsm-guard-{}.out", std::process::id())))
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let _never_written = std::fs::remove_file(Path::new(&self.0));
    }
}
