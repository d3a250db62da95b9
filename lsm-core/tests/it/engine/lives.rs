//! Long lives of the whole engine: one database through many random letters and many crashes, each
//! life going on with what the last one left. A seed makes the whole life, and a failure prints it.

use std::time::{Duration, Instant};

use lsm_core::env::sim::rng::Rng;

use crate::harness::engine::script::{Run, VERBS};
use crate::harness::engine::subject::{SETUPS, Setup};
use crate::harness::ground::script::new_disk;
use crate::harness::images::{Crash, caught};

const LIVES: u64 = 5;
const LETTERS_MAX: u64 = 14;

/// One database, born and crashed `LIVES` times. Answers how many letters it went through.
fn live(setup: Setup, seed: u64) -> Result<u64, String> {
    let mut rng = Rng::new(seed);
    // Each seed knows only some of the letters, so that rare mixtures come up too.
    let letters: Vec<char> = VERBS.chars().filter(|_| rng.chance(1, 2)).collect();
    let mut run = Run::begin(new_disk(), setup, seed);
    let mut done = 0;
    for life in 0..LIVES {
        run.disk.record_history(true);
        let mut script = String::new();
        for _ in 0..=rng.below(LETTERS_MAX) {
            let Some(&verb) = letters.get(rng.below(letters.len() as u64) as usize) else { break };
            script.push(verb);
            run.verb(verb);
            done += 1;
        }
        let moments = run.disk.history();
        run.disk.record_history(false);
        let ways = Crash::all(4);
        let crash = ways[rng.below(ways.len() as u64) as usize];
        check(&run, &format!("life {life}, {script:?}"))?;
        let label = format!("life {life}, after {script:?}, {crash}");
        if let Some(moment) = moments.get(rng.below(moments.len() as u64) as usize) {
            run.crash(moment, crash);
        }
        check(&run, &label)?;
    }
    Ok(done)
}

fn check(run: &Run, label: &str) -> Result<(), String> {
    let broken = run.violation.clone().or(run.history.failures().first().cloned());
    broken.map_or(Ok(()), |why| Err(format!("{label}: {why}")))?;
    let verified = run.db().map_or(Ok(()), |db| db.verify());
    verified.map_err(|error| format!("{label}: verify: {error:?}"))
}

fn live_all(seeds: impl Iterator<Item = u64>, budget: Duration) {
    let start = Instant::now();
    let (mut lives, mut letters) = (0, 0);
    for seed in seeds.take_while(|_| start.elapsed() < budget) {
        for setup in SETUPS {
            match caught(|| live(setup, seed)).and_then(|lived| lived) {
                Ok(done) => letters += done,
                Err(why) => panic!("LSM_SEED={seed} mode={}: {why}", setup.name()),
            }
            lives += LIVES;
        }
    }
    println!("engine's lives: {lives} crashed databases, {letters} letters, 0 violations");
}

#[test]
fn an_engine_lives_through_many_crashes() {
    let own = std::env::var("LSM_SEED").ok().and_then(|seed| seed.parse().ok());
    match own {
        Some(seed) => live_all(seed..seed + 1, Duration::MAX),
        None => live_all(0..5_000, Duration::from_secs(15)),
    }
}

/// `LSM_SECONDS` says how long.
#[test]
#[ignore = "a minute: make prove"]
fn prove_long_lives_of_the_engine() {
    let seconds = std::env::var("LSM_SECONDS").ok().and_then(|text| text.parse().ok());
    live_all(10_000.., Duration::from_secs(seconds.unwrap_or(90)));
}
