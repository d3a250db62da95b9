//! A crash at operations of every script of up to three letters, in every way, and again during
//! the recovery that follows: at each of them in scripts of two letters, and at half of them in
//! those of three, unless nothing is to be left out.

use crate::ground::faults::CURATED;
use crate::harness::asked::one_of;
use crate::harness::crash::{Depth, SHALLOW, Tally, enumerate, listed, replay, scripts};
use crate::harness::ground::subject::Ground;
use crate::harness::scripted::Scripted;

const TWICE: Depth = Depth { seeds: 2, nested_seeds: 1, ..SHALLOW };

/// Half of all points of scripts of three letters, unless nothing is to be left out.
fn three_letters(ground: Ground) {
    let name = format!("crash, log {}", ground.name());
    enumerate_in_parallel(ground, 3, Depth { stride: one_of(4), ..TWICE }).report(&name);
}

/// Splits the scripts over the processors, by their first letter so that images are shared.
fn enumerate_in_parallel(ground: Ground, length: usize, depth: Depth) -> Tally {
    let all = scripts(Ground::VERBS, length);
    let parts = 2;
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|part| {
                let first_of = |script: &String| {
                    script.chars().next().and_then(|verb| Ground::VERBS.find(verb)).unwrap_or(0)
                };
                let own: Vec<String> =
                    all.iter().filter(|script| first_of(script) % parts == part).cloned().collect();
                scope.spawn(move || enumerate(ground, &own, depth))
            })
            .collect();
        workers.into_iter().for_each(|worker| tally.add(worker.join().unwrap()));
    });
    tally
}

fn enumerate_listed(list: &[&str]) {
    for ground in Ground::ALL {
        let name = format!("longer scripts, log {}", ground.name());
        enumerate(ground, &listed(list), TWICE).report(&name);
    }
}

#[test]
fn every_script_of_two_letters_survives_every_crash() {
    for ground in Ground::ALL {
        let name = format!("crash, log {}", ground.name());
        enumerate_in_parallel(ground, 2, SHALLOW).report(&name);
    }
}

/// Longer ones that have shown something once.
pub const LONGER: &[&str] = &["", "BRB", "DRLI", "DRLLI", "LSLLI", "FFC", "FXFX", "BFTFC"];

#[test]
fn longer_scripts_survive_every_crash() {
    enumerate_listed(LONGER);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_of_longer_scripts() {
    enumerate_listed(CURATED);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_written() {
    three_letters(Ground::WRITTEN);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_mapped() {
    three_letters(Ground::MAPPED);
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_case() {
    replay::<Ground>();
}
