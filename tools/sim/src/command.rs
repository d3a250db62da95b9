//! The command line: `lsm-sim [--seconds N] [--seed N] [--seeds N] [--bug NAME|all]
//! [--replay LINE] [--report FILE]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lsm_core::base::planted::Bug;

use crate::acts::Script;
use crate::hunt::{Caught, Hunt};
use crate::seed::{Planted, live};

/// What was asked for.
#[derive(Clone, Debug)]
struct Asked {
    hunt: Hunt,
    bugs: Vec<Bug>,
    replay: Option<Script>,
    report: Option<PathBuf>,
}

/// Does what the arguments say.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    // What panics is caught, and told once.
    std::panic::set_hook(Box::new(|_| ()));
    let is_good = match parse(arguments) {
        Ok(asked) => match &asked.replay {
            Some(script) => replay(script, &asked.bugs),
            None if !asked.bugs.is_empty() => hunt_bugs(&asked),
            None => simulate(&asked),
        },
        Err(why) => {
            println!("{why}");
            false
        }
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let hunt = Hunt {
        first: 1,
        count: u64::MAX,
        budget: Duration::from_secs(60),
        threads,
        bug: None,
        shrinking: Duration::from_secs(60),
    };
    let mut asked = Asked { hunt, bugs: Vec::new(), replay: None, report: None };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{value:?} is no number"));
        match name.as_str() {
            // What make hands on without being told is left as it is.
            _ if value.is_empty() => {}
            "--seconds" => asked.hunt.budget = Duration::from_secs(number()?),
            "--seed" => asked.hunt.first = number()?,
            "--seeds" => asked.hunt.count = number()?,
            "--threads" => asked.hunt.threads = number()?,
            "--bug" => asked.bugs = bugs(&value)?,
            "--replay" => asked.replay = Some(value.parse()?),
            "--report" => asked.report = Some(PathBuf::from(&value)),
            _ => return Err(format!("{name} is nothing that can be asked for")),
        }
    }
    Ok(asked)
}

fn bugs(name: &str) -> Result<Vec<Bug>, String> {
    let is_it = |bug: &&Bug| name == "all" || format!("{bug:?}") == name;
    let bugs: Vec<Bug> = Bug::ALL.iter().filter(is_it).copied().collect();
    if bugs.is_empty() { Err(format!("no bug is called {name}")) } else { Ok(bugs) }
}

fn replay(script: &Script, bugs: &[Bug]) -> bool {
    let _planted = Planted::new(bugs.first().copied());
    match live(script) {
        Ok((tally, trace)) => {
            println!("nothing fails; trace {trace:x}; {}", tally.line());
            true
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}

fn simulate(asked: &Asked) -> bool {
    let caught = asked.hunt.run(&|tally, took| {
        println!("{} s: {}", took.as_secs(), tally.line());
    });
    let page = page(&caught);
    println!("{}\n{page}", caught.tally.line());
    if let Some(path) = &asked.report {
        if let Err(error) = std::fs::write(path, page) {
            println!("{}: {error}", path.display());
        }
    }
    caught.failure.is_none()
}

fn page(caught: &Caught) -> String {
    let failure = match &caught.failure {
        Some(failure) => {
            format!("Failed: {}\n\nmake sim REPLAY='{}'\n", failure.why, failure.script)
        }
        None => "Nothing failed.\n".to_owned(),
    };
    let took = caught.took.as_secs_f64();
    format!("# Simulation\n\n{failure}\nIn {took:.1} s: {}", caught.tally.page())
}

/// Hunts each bug for the seconds that were asked for.
fn hunt_bugs(asked: &Asked) -> bool {
    let mut missed = Vec::new();
    for bug in &asked.bugs {
        let shrinking = if asked.bugs.len() == 1 { asked.hunt.shrinking } else { Duration::ZERO };
        let caught = Hunt { bug: Some(*bug), shrinking, ..asked.hunt }.run(&|_, _| ());
        let (seeds, took) = (caught.tally.seeds, caught.took.as_secs_f64());
        match caught.failure {
            Some(failure) => {
                let (seed, script) = (failure.script.seed, failure.script);
                println!("{bug:?}: found at seed {seed}, after {seeds} others, in {took:.1} s");
                println!("    {:.300}", failure.why);
                if asked.bugs.len() == 1 {
                    println!("    make sim BUG={bug:?} REPLAY='{script}'");
                }
            }
            None => {
                println!("{bug:?}: not found in {seeds} seeds, {took:.1} s");
                missed.push(*bug);
            }
        }
    }
    println!(
        "{} of {} found; missed: {missed:?}",
        asked.bugs.len() - missed.len(),
        asked.bugs.len()
    );
    missed.is_empty()
}
