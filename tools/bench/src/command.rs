//! The program: what its words ask for, and how it ends.
//!
//! It ends with 0; with 1 after a failure or a wrong answer; with 2 if it was asked for something
//! that there is not; with 130 after Ctrl-C.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::bench::Bench;
use crate::flags::Flags;
use crate::interrupt;
use crate::killed;
use crate::nothing::Nothing;
use crate::report;
use crate::store::{Engine, Result};
use crate::truth::Truth;
use crate::words::{End, parse, say};
use crate::workload::table::{ALL, Workload, find};

const FAILED: u8 = 1;
const MISUSED: u8 = 2;
const INTERRUPTED: u8 = 130;

/// Does what the words ask for, with one of these engines or with `nothing`. The words are those
/// behind the program's own name. A program that has words of its own hands on every line that
/// begins with another one: some are meant for processes that this one starts.
pub fn run(engines: &[&dyn Engine], words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    let end = match words.split_first() {
        Some((first, rest)) if first == report::command::WORD => report::command::run(rest),
        Some((first, rest)) if first == killed::WORD => fill_and_wait(engines, rest),
        _ => run_workloads(engines, &words),
    };
    let (code, message) = match end {
        Ok(()) => return ExitCode::SUCCESS,
        Err(End::Misused(message)) => (MISUSED, message),
        Err(End::Failed(_)) if interrupt::is_asked() => (INTERRUPTED, "interrupted".to_owned()),
        Err(End::Failed(failure)) => (FAILED, failure.to_string()),
    };
    let message = format!("{}\n", message.trim_end());
    let _nobody_listens = stderr().write_all(message.as_bytes());
    ExitCode::from(code)
}

fn run_workloads(engines: &[&dyn Engine], words: &[OsString]) -> Result<(), End> {
    let Some(flags) = flags_of(engines, words)? else { return Ok(()) };
    let workloads = workloads_of(&flags)?;
    let truth = Arc::new(Truth::new(flags.shape()));
    let nothing = Nothing(truth.clone());
    let mut chosen = Vec::new();
    for name in names_of(engines, &flags) {
        chosen.push(engine_of(engines, &nothing, &name)?);
    }
    // If the file cannot be written, better now than after an hour.
    flags.json.iter().try_for_each(|path| append(path, ""))?;
    interrupt::listen();
    for engine in chosen {
        run_engine(engine, &flags, truth.clone(), &workloads)?;
    }
    Ok(())
}

/// The flags, and what is wrong with them.
fn flags_of(engines: &[&dyn Engine], words: &[OsString]) -> Result<Option<Flags>, End> {
    let lines = ALL.iter().map(|workload| format!("  {:<18} {}\n", workload.name, workload.about));
    let names: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
    let command = Flags::with_help(&lines.collect::<String>(), &names.join(", "));
    let flags: Option<Flags> = parse(command, words)?;
    if let Some(flags) = &flags {
        flags.check().map_err(|message| End::Misused(format!("error: {message}")))?;
    }
    Ok(flags)
}

fn workloads_of(flags: &Flags) -> Result<Vec<&'static Workload>, End> {
    let mut found = Vec::new();
    for name in &flags.benchmarks {
        let known = ALL.iter().map(|workload| workload.name).collect::<Vec<_>>().join(", ");
        found.push(find(name).ok_or_else(|| {
            End::Misused(format!("error: `{name}` is not a workload. There are: {known}"))
        })?);
    }
    Ok(found)
}

/// The stores that are asked for: the first one there is, if nobody said.
fn names_of(engines: &[&dyn Engine], flags: &Flags) -> Vec<String> {
    let first = engines.first().map_or(crate::nothing::NAME, |engine| engine.name());
    if flags.engine.is_empty() { vec![first.to_owned()] } else { flags.engine.clone() }
}

fn engine_of<'a>(
    engines: &[&'a dyn Engine],
    nothing: &'a Nothing,
    name: &str,
) -> Result<&'a dyn Engine, End> {
    let mut all = engines.iter().copied().chain([nothing as &dyn Engine]);
    let names = || all.clone().map(|engine| engine.name()).collect::<Vec<_>>().join(", ");
    let unknown = || End::Misused(format!("error: `{name}` is no engine. There are: {}", names()));
    let error = unknown();
    all.find(|engine| engine.name() == name).ok_or(error)
}

fn run_engine(
    engine: &dyn Engine,
    flags: &Flags,
    truth: Arc<Truth>,
    workloads: &[&Workload],
) -> Result<(), End> {
    let mut bench = Bench::new(engine, flags, truth)?;
    for workload in workloads {
        let Some(outcome) = bench.run(workload)? else { continue };
        if let Some(path) = &flags.json {
            append(path, &(serde_json::to_string(&outcome)? + "\n"))?;
        }
        say(&outcome.line())?;
    }
    Ok(bench.finish()?)
}

/// Appends to a file, which is made if there is none.
fn append(path: &Path, line: &str) -> Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The part of a process that is to be killed.
fn fill_and_wait(engines: &[&dyn Engine], words: &[OsString]) -> Result<(), End> {
    let Some(flags) = flags_of(engines, words)? else { return Ok(()) };
    let nothing = Nothing(Arc::new(Truth::new(flags.shape())));
    let names = names_of(engines, &flags);
    let engine = engine_of(engines, &nothing, names.first().map_or("", String::as_str))?;
    Ok(killed::fill_and_wait(engine, &flags)?)
}
