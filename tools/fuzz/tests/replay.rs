//! Every input that is kept, and others made of them by chance, through every target.

#![cfg(lsm_sim)]
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test listens to its environment, says what it did, and may fail"
)]

use lsm_fuzz::replay::whole;
use lsm_fuzz::specimen::Specimen;
use lsm_fuzz::target::Target;
use lsm_fuzz::targets::list::{ALL, named};

/// A number from the environment.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn replay(targets: &[Target], mutations: u64) {
    let _made = Specimen::get();
    let seed = asked("LSM_SEED", 1);
    let mutations = mutations * asked("LSM_FUZZ_TIMES", 1);
    let mut inputs = 0;
    for target in targets {
        inputs += whole(target, seed, mutations).unwrap_or_else(|why| panic!("{why}"));
    }
    println!("{inputs} inputs in {} targets, seed {seed}", targets.len());
}

#[test]
fn decoders_bear_anything() {
    replay(&ALL, 2000);
}

#[test]
fn a_database_bears_anything_that_is_done_to_its_files() {
    replay(&[named("directory").unwrap()], 2000);
}

#[test]
fn the_api_bears_any_arguments() {
    replay(&[named("script").unwrap()], 5000);
}

#[test]
fn names_of_targets_are_names_of_one() {
    for target in ALL {
        assert_eq!(named(target.name).unwrap().about, target.about);
    }
}
