//! The program: what its words ask for.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory as _;
use lsm_bench::command;
use lsm_bench::flags::Flags;
use lsm_bench::nothing::Nothing;
use lsm_bench::ours::Ours;
use lsm_bench::report::sheet::read;
use lsm_bench::store::Engine;
use lsm_bench::truth::Truth;
use lsm_bench::words::{End, parse};
use lsm_bench::workload::table::find;

use crate::compare::asked::{Asked, HELP};
use crate::compare::figures::Figures;
use crate::compare::rounds::{compare, say};
use crate::compare::table::tables;
use crate::configurations::configurations;
use crate::peers::peers;

const FAILED: u8 = 1;
const MISUSED: u8 = 2;

/// Does what the words behind the program's name ask for.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    let peers = peers();
    let mut engines: Vec<&dyn Engine> = vec![&Ours];
    engines.extend(peers.iter().map(AsRef::as_ref));
    let first = words.first().map_or("", |word| word.to_str().unwrap_or(""));
    match first {
        "configurations" => show(&engines, words.get(1..).unwrap_or_default()).unwrap_or_else(told),
        "tables" => show_again(words.get(1..).unwrap_or_default()).unwrap_or_else(told),
        "--help" | "-h" | "" => {
            say(HELP);
            command::run(&engines, [OsString::from("--help")])
        }
        _ if !first.starts_with('-') || names_engine(&words) => {
            prepare(&engines, &words);
            command::run(&engines, words)
        }
        _ => side_by_side(&engines, words).unwrap_or_else(told),
    }
}

/// True if one engine is asked for, in this process.
fn names_engine(words: &[OsString]) -> bool {
    let is_name = |word: &OsString| {
        word.to_str().is_some_and(|word| word == "--engine" || word.starts_with("--engine="))
    };
    words.iter().any(is_name)
}

/// Has what is named found before anything is measured: loading a library takes time.
fn prepare(engines: &[&dyn Engine], words: &[OsString]) {
    let is_named = |name: &str| {
        let equal = format!("--engine={name}");
        words.iter().any(|word| word == OsStr::new(name) || word == OsStr::new(&equal))
    };
    for engine in engines.iter().filter(|engine| is_named(engine.name())) {
        let _version = engine.version();
    }
}

/// The configurations of all engines.
fn show(engines: &[&dyn Engine], words: &[OsString]) -> Result<ExitCode, End> {
    // What is run does not matter here, but has to be said.
    let words = [&[OsString::from("--benchmarks=fillseq")], words].concat();
    let Some(flags) = parse::<Flags>(Flags::command(), &words)? else {
        return Ok(ExitCode::SUCCESS);
    };
    say(&configurations(engines, &flags.setup()));
    Ok(ExitCode::SUCCESS)
}

/// The tables of files that runs have written.
fn show_again(paths: &[OsString]) -> Result<ExitCode, End> {
    if paths.is_empty() {
        return Err(End::Misused(
            "error: which files? They are what --json has written".to_owned(),
        ));
    }
    let mut figures = Figures::default();
    for path in paths {
        let name = path.to_string_lossy();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        figures.add(read(&name, &text)?);
    }
    say(&tables(&figures, &figures.engines()));
    Ok(ExitCode::SUCCESS)
}

fn side_by_side(engines: &[&dyn Engine], words: Vec<OsString>) -> Result<ExitCode, End> {
    let misused = |message: String| End::Misused(format!("error: {message}"));
    let asked = Asked::read(words).map_err(misused)?;
    let Some(flags) = parse::<Flags>(Flags::command(), &asked.passed)? else {
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(name) = flags.benchmarks.iter().find(|name| find(name).is_none()) {
        return Err(misused(format!("`{name}` is not a workload; --help lists them")));
    }
    let nothing = Nothing(Arc::new(Truth::new(flags.shape())));
    let engines = [engines, &[&nothing]].concat();
    let is_whole = compare(&engines, &asked, &flags.setup())?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// What went wrong, told.
fn told(end: End) -> ExitCode {
    let (code, message) = match end {
        End::Misused(message) => (MISUSED, message),
        End::Failed(failure) => (FAILED, failure.to_string()),
    };
    eprintln!("{}", message.trim_end());
    ExitCode::from(code)
}
