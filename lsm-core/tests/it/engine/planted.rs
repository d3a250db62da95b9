//! Planted bugs of the engine's own parts: its stories must find every one of them.

use lsm_core::base::planted::Bug;

use crate::engine::crash::{CURATED, LARGE};
use crate::engine::faults::CHOSEN;
use crate::engine::model::simulated;
use crate::harness::crash::{Depth, SHALLOW, listed, scripts};
use crate::harness::engine::acts::write_play;
use crate::harness::engine::subject::Setup;
use crate::harness::planted::{
    OF_LARGE_VALUES, OF_MEANING, Planted, Suite, crash, faults, hunt, hunt_all,
};
use crate::harness::scripted::Scripted;

/// Those that only tables can show; `ground/planted.rs` hunts for the others.
const OF_THE_ENGINE: &[Bug] =
    &[Bug::TableSyncSkipped, Bug::TableDirNotSynced, Bug::TableUnlinkedBeforeEdit];

/// Scripts that have some, from small to large.
const LARGE_SUITES: &[Suite<Setup>] = &[
    Suite {
        name: "crashes, few with large values",
        run: |setup| crash(setup, &listed(&LARGE[..8]), SHALLOW),
    },
    Suite { name: "crashes, large values", run: |setup| crash(setup, &listed(LARGE), TWO_SEEDS) },
];

/// Bugs of the ground that the engine's evidence must find too.
const OF_THE_GROUND: &[Bug] = &[
    Bug::LogSyncSkipped,
    Bug::LogUnlinkedBeforeEdit,
    Bug::ManifestBeforeLog,
    Bug::ManifestSyncSkipped,
    Bug::HeadDirNotSynced,
    Bug::SequenceReusedAfterCrash,
];

const TWO_SEEDS: Depth = Depth { seeds: 2, ..SHALLOW };

/// From small to large.
const SUITES: &[Suite<Setup>] = &[
    Suite { name: "crashes, one letter", run: |setup| crash(setup, &all(1), SHALLOW) },
    Suite {
        name: "crashes, few chosen",
        run: |setup| crash(setup, &listed(&CURATED[..12]), SHALLOW),
    },
    Suite { name: "faults, few chosen", run: |setup| faults(setup, &listed(&CHOSEN[..2])) },
    Suite { name: "crashes, chosen", run: |setup| crash(setup, &listed(CURATED), TWO_SEEDS) },
    Suite { name: "faults, chosen", run: |setup| faults(setup, &listed(CHOSEN)) },
    Suite { name: "crashes, two letters", run: |setup| crash(setup, &all(2), SHALLOW) },
];

fn all(length: usize) -> Vec<String> {
    scripts(Setup::VERBS, length)
}

/// Plays before a bug of meaning counts as not found.
const PLAYS: u64 = 200;

#[test]
fn planted_bugs_of_meaning_are_found() {
    let mut survivors = Vec::new();
    for &bug in OF_MEANING {
        let planted = Planted::new(Some(bug));
        let found = (0..PLAYS).find_map(|seed| {
            let failure = simulated(seed, &write_play(seed, 400)).err()?;
            Some((seed, failure))
        });
        drop(planted);
        match found {
            Some((seed, why)) => println!("{bug:?}: found by the model, seed {seed}: {why:.300}"),
            None => survivors.push(bug),
        }
    }
    assert!(survivors.is_empty(), "planted bugs that nothing found: {survivors:?}");
}

#[test]
fn planted_bugs_of_the_engine_are_found() {
    assert!(!hunt(None, &SUITES[..2]), "the evidence finds a bug where none is planted");
    hunt_all(OF_THE_ENGINE, &SUITES[..4]);
}

#[test]
fn planted_bugs_of_large_values_are_found() {
    hunt_all(OF_LARGE_VALUES, LARGE_SUITES);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_planted_bugs_of_the_ground_are_found_through_the_engine() {
    hunt_all(OF_THE_ENGINE, SUITES);
    hunt_all(OF_THE_GROUND, SUITES);
}
