//! `lsm-bench report`: the words, the files, the page.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};

use crate::report::page::render;
use crate::report::sheet::{Sheet, read};
use crate::words::{End, parse, say};

/// The word that asks for it.
pub const WORD: &str = "report";

/// Makes a page of HTML of what --json has written.
#[derive(Debug, Parser)]
#[command(name = "lsm-bench report", rename_all = "snake_case")]
struct Flags {
    /// Files with lines of JSON; runs of the same workload, with the same settings, belong together
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Where the page goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The kind of store that others are held against: rocksdb if it is there, or else the second
    /// one that was measured
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
}

/// Does it.
pub fn run(words: &[OsString]) -> Result<(), End> {
    let Some(flags) = parse::<Flags>(Flags::command(), words)? else { return Ok(()) };
    let mut outcomes = Vec::new();
    for path in &flags.files {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        outcomes.extend(read(&name, &text)?);
    }
    let sheet = Sheet::new(outcomes, flags.baseline.as_deref())?;
    let (output, page) = (&flags.output, render(&sheet));
    fs::write(output, page).map_err(|error| format!("{}: {error}", output.display()))?;
    Ok(say(&output.display().to_string())?)
}
