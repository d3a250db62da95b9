//! What is asked for: the words that are meant for this program, and those that are handed on.

use std::ffi::OsString;
use std::path::PathBuf;

/// What to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The engines by their names; none if nobody said.
    pub(crate) engines: Vec<String>,
    /// How often each is run.
    pub(crate) rounds: usize,
    /// A file that gets a line of JSON for each workload and run.
    pub(crate) json: Option<PathBuf>,
    /// A file that gets a page of HTML.
    pub(crate) html: Option<PathBuf>,
    /// The words for each run.
    pub(crate) passed: Vec<OsString>,
}

/// Medians of five say something.
const ROUNDS: usize = 5;

/// The flags of this program, for people.
pub(crate) const HELP: &str = "\
Measures stores side by side: each round runs every engine in a process of its own.

Usage: lsm-bench-compare [--engines=NAMES] [--rounds=5] [--json=FILE] [--html=FILE] FLAGS
       lsm-bench-compare tables FILES
       lsm-bench-compare configurations [FLAGS]
       lsm-bench-compare --engine=NAME FLAGS

      --engines <NAMES>  What is measured: a list with commas. Everything there is, if left out.
                         The first one is held against each other one
      --rounds <COUNT>   How often [default: 5]
      --json <FILE>      Appends a line for each workload and run
      --html <FILE>      Writes a page with plots
The second form shows the tables of what --json has written, and the third how each peer is set.
The fourth is one process of the first.
All other flags are those of lsm-bench:
";

impl Asked {
    /// Reads words. What is wrong with them is said in a sentence.
    pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut asked = Self { rounds: ROUNDS, ..Self::default() };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some((name, value)) = own(&word) else {
                asked.passed.push(word);
                continue;
            };
            let value = value.or_else(|| words.next());
            let value = value.ok_or_else(|| format!("--{name} needs a value"))?;
            asked.take(name, value)?;
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: OsString) -> Result<(), String> {
        let text = value.to_string_lossy();
        match name {
            "json" => self.json = Some(value.into()),
            "html" => self.html = Some(value.into()),
            "engines" => {
                self.engines = text.split(',').map(str::to_owned).collect();
            }
            _ => {
                let rounds = text.parse().ok().filter(|rounds| *rounds > 0);
                self.rounds = rounds.ok_or_else(|| format!("--rounds={text}: not a number"))?;
            }
        }
        Ok(())
    }
}

/// A word of this program: its name, and its value if that stands in the same word.
fn own(word: &OsString) -> Option<(&'static str, Option<OsString>)> {
    let flag = word.to_str()?.strip_prefix("--")?;
    let (name, value) = match flag.split_once('=') {
        Some((name, value)) => (name, Some(OsString::from(value))),
        None => (flag, None),
    };
    let names = ["engines", "rounds", "json", "html"];
    names.into_iter().find(|own| *own == name).map(|own| (own, value))
}

#[cfg(test)]
#[path = "asked_test.rs"]
mod tests;
