//! The figures: what was counted, what is committed, and the difference.

use std::path::PathBuf;
use std::process::Command;

use crate::callgrind;
use crate::ops::OPS;

/// What falls by more than this has not become cheaper, but is no longer counted.
const LOST: f64 = -0.5;

/// Instructions of each operation, by one compiler.
pub(crate) struct Figures {
    pub(crate) compiler: String,
    pub(crate) ops: Vec<(String, f64)>,
}

impl Figures {
    /// Counts them.
    pub(crate) fn measured() -> Self {
        let counted = callgrind::count(OPS.iter().map(|op| op.function));
        let per_operation = |op: &crate::ops::Op| {
            let total = counted.get(op.function).copied().unwrap_or(0);
            assert!(total > 0, "nothing was counted of {}: was {} inlined?", op.name, op.function);
            (op.name.to_owned(), total as f64 / op.count as f64)
        };
        Self { compiler: compiler(), ops: OPS.iter().map(per_operation).collect() }
    }

    /// Those in the repository.
    pub(crate) fn committed() -> Self {
        let text = std::fs::read_to_string(path()).unwrap();
        let mut lines = text.lines();
        let compiler = lines.next().unwrap_or_default().to_owned();
        let ops = lines.filter_map(|line| {
            let (figure, name) = line.trim().split_once(' ')?;
            Some((name.to_owned(), figure.parse().unwrap()))
        });
        Self { compiler, ops: ops.collect() }
    }

    /// Makes them those in the repository.
    pub(crate) fn write(&self) {
        let lines = self.ops.iter().map(|(name, figure)| format!("{figure:8.0} {name}\n"));
        let text = format!("{}\n{}", self.compiler, lines.collect::<String>());
        std::fs::write(path(), text).unwrap();
    }

    /// Shows each beside the committed one, and answers how many have grown too much. One that is
    /// less than half of what it was is no longer counted as it was, and fails too.
    pub(crate) fn compare(&self, committed: &Figures, tolerance: f64) -> usize {
        println!("{:<28}{:>10}{:>10}{:>9}", "instructions for", "committed", "now", "change");
        let is_grown = |(name, now): &&(String, f64)| {
            let Some((_, before)) = committed.ops.iter().find(|(other, _)| other == name) else {
                println!("{name:<28}{:>10}{now:>10.0}   not committed", "-");
                return true;
            };
            let change = now / before - 1.0;
            let verdict = match change {
                _ if change > tolerance => "   too much",
                _ if change < LOST => "   hardly believable: is all of it still counted?",
                _ => "",
            };
            println!("{name:<28}{before:>10.0}{now:>10.0}{:>8.1}%{verdict}", change * 100.0);
            !verdict.is_empty()
        };
        self.ops.iter().filter(is_grown).count()
    }
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "benches", "guard", "figures.txt"].iter().collect()
}

fn compiler() -> String {
    let said = Command::new("rustc").arg("--version").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}
