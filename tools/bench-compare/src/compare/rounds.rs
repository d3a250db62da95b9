//! The rounds: who runs when, what becomes of those that cannot, and how it all ends.

use std::fs::OpenOptions;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use lsm_bench::result::Outcome;
use lsm_bench::store::{Engine, Result, Setup};
use lsm_bench::words::End;

use crate::compare::asked::Asked;
use crate::compare::figures::Figures;
use crate::compare::order::order;
use crate::compare::run::run;
use crate::compare::table::tables;

/// The engines that take part, and what is said of the others.
struct Field<'a> {
    engines: Vec<&'a str>,
    left_out: Vec<String>,
}

/// Runs everything. True if nothing failed that had begun.
pub(crate) fn compare(engines: &[&dyn Engine], asked: &Asked, setup: &Setup) -> Result<bool, End> {
    let mut field = Field::new(engines, asked, setup)?;
    let mut figures = Figures::default();
    let mut progress = Progress::new(field.engines.len() * asked.rounds);
    let mut failed: Vec<&str> = Vec::new();
    for round in 0..asked.rounds {
        for place in order(field.engines.len(), round) {
            let Some(engine) = field.engines.get(place).filter(|name| !failed.contains(name))
            else {
                progress.skip();
                continue;
            };
            progress.show(&format!("round {} of {}: {engine}", round + 1, asked.rounds));
            let left = run(engine, &asked.passed)?;
            keep(asked.json.as_deref(), &left.outcomes)?;
            figures.add(left.outcomes);
            if let Some(failure) = left.failure {
                failed.push(engine);
                field.left_out.push(format!("{engine}, in round {}: {failure}", round + 1));
            }
        }
    }
    progress.end();
    say(&tables(&figures, &field.engines));
    say(&field.words());
    if let Some(path) = &asked.html {
        std::fs::write(path, figures.page()?)?;
    }
    Ok(failed.is_empty())
}

impl<'a> Field<'a> {
    /// Those that were asked for, or all. What cannot be opened is left out.
    fn new(engines: &[&'a dyn Engine], asked: &Asked, setup: &Setup) -> Result<Self, End> {
        let mut field = Self { engines: Vec::new(), left_out: Vec::new() };
        for engine in chosen(engines, &asked.engines)? {
            let dir = tempfile::tempdir()?;
            match engine.open(dir.path(), setup) {
                Ok(_) => field.engines.push(engine.name()),
                Err(failure) => field.left_out.push(format!("{}: {failure}", engine.name())),
            }
        }
        Ok(field)
    }

    /// Who does not take part, and why.
    fn words(&self) -> String {
        let head = if self.left_out.is_empty() { "" } else { "Left out:\n\n" };
        let lines = self.left_out.iter().map(|line| format!("* {line}\n"));
        head.to_owned() + &lines.collect::<String>()
    }
}

/// Writes to the standard output, whether or not anybody reads it.
pub(crate) fn say(text: &str) {
    let _nobody_reads = stdout().write_all(text.as_bytes());
}

/// The engines of these names, in this order.
fn chosen<'a>(engines: &[&'a dyn Engine], names: &[String]) -> Result<Vec<&'a dyn Engine>, End> {
    if names.is_empty() {
        return Ok(engines.to_vec());
    }
    let known = || engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let found = engines.iter().find(|engine| engine.name() == name).copied();
        let misused = || format!("error: `{name}` is no engine. There are: {}", known());
        found.ok_or_else(|| End::Misused(misused()))
    };
    names.iter().map(find).collect()
}

/// Appends lines of JSON, if there is a file for them.
fn keep(json: Option<&Path>, outcomes: &[Outcome]) -> Result<()> {
    let Some(path) = json else { return Ok(()) };
    let mut text = String::new();
    for outcome in outcomes {
        text += &serde_json::to_string(outcome)?;
        text.push('\n');
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// How far it is, on the standard error.
struct Progress {
    begun: Instant,
    runs: usize,
    done: usize,
}

impl Progress {
    fn new(runs: usize) -> Self {
        Self { begun: Instant::now(), runs, done: 0 }
    }

    /// One run begins.
    fn show(&mut self, words: &str) {
        let elapsed = self.begun.elapsed();
        let left = elapsed.checked_div(u32::try_from(self.done).unwrap_or(0));
        let left = left.map(|each| each * u32::try_from(self.runs - self.done).unwrap_or(0));
        let left = left.map_or(String::new(), |left| format!(", about {} to go", clock(left)));
        eprintln!("{words} ({}{left})", clock(elapsed));
        self.done += 1;
    }

    /// One run does not take place.
    fn skip(&mut self) {
        self.runs -= 1;
    }

    fn end(&self) {
        eprintln!("{} runs took {}", self.done, clock(self.begun.elapsed()));
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}
