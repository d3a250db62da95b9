//! Long lives: one database through many random letters and many crashes, each life going on with
//! what the last one left. A seed makes the whole life, and a failure prints it.

use std::time::{Duration, Instant};

use lsm_core::env::sim::rng::Rng;

use crate::harness::asked::number;
use crate::harness::disk::new_disk;
use crate::harness::images::{Crash, caught};
use crate::harness::scripted::{ScriptRun, Scripted};

/// Whose lives, how many one database has, and how many letters each has at most.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub name: &'static str,
    pub lives: u64,
    pub letters_max: u64,
}

/// One database, born and crashed so often. Answers how many letters it went through.
fn live<S: Scripted>(span: Span, subject: S, seed: u64) -> Result<u64, String> {
    let mut rng = Rng::new(seed);
    // Each seed knows only some of the letters, so that rare mixtures come up too.
    let letters: Vec<char> = S::VERBS.chars().filter(|_| rng.chance(1, 2)).collect();
    let mut run = S::Run::begin(subject, new_disk(), seed);
    let mut done = 0;
    for life in 0..span.lives {
        run.disk().record_history(true);
        let mut script = String::new();
        for _ in 0..=rng.below(span.letters_max) {
            let Some(&verb) = letters.get(rng.below(letters.len() as u64) as usize) else { break };
            script.push(verb);
            run.verb(verb);
            done += 1;
        }
        let moments = run.disk().history();
        run.disk().record_history(false);
        let ways = Crash::all(4);
        let crash = ways[rng.below(ways.len() as u64) as usize];
        check(&run, &format!("life {life}, {script:?}"))?;
        if let Some(moment) = moments.get(rng.below(moments.len() as u64) as usize) {
            run.crash(moment, crash);
        }
        check(&run, &format!("life {life}, after {script:?}, {crash}"))?;
    }
    Ok(done)
}

fn check(run: &impl ScriptRun, label: &str) -> Result<(), String> {
    run.broken().map_or(Ok(()), |why| Err(format!("{label}: {why}")))?;
    run.verify().map_err(|error| format!("{label}: verify: {error:?}"))
}

fn live_all<S: Scripted>(span: Span, seeds: impl Iterator<Item = u64>, budget: Duration) {
    let start = Instant::now();
    let (mut lives, mut letters) = (0, 0);
    for seed in seeds.take_while(|_| start.elapsed() < budget) {
        for subject in S::ALL {
            match caught(|| live(span, subject, seed)).and_then(|lived| lived) {
                Ok(done) => letters += done,
                Err(why) => panic!("LSM_SEED={seed} mode={}: {why}", subject.name()),
            }
            lives += span.lives;
        }
    }
    println!("{}: {lives} crashed databases, {letters} letters, 0 violations", span.name);
}

/// So many databases, as far as the time reaches. `LSM_SEED` names the one to replay.
pub fn few<S: Scripted>(span: Span, count: u64, budget: Duration) {
    match number("LSM_SEED") {
        Some(seed) => live_all::<S>(span, seed..seed + 1, Duration::MAX),
        None => live_all::<S>(span, 0..count, budget),
    }
}

/// As many as the time allows. `LSM_SECONDS` says how long.
pub fn many<S: Scripted>(span: Span, seconds: u64) {
    let seconds = number("LSM_SECONDS").unwrap_or(seconds);
    live_all::<S>(span, 10_000.., Duration::from_secs(seconds));
}
