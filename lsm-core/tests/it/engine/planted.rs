//! Planted bugs of the engine's own parts: the evidence must find every one of them.

use lsm_core::base::planted::{Bug, plant};

use crate::engine::crash::{Depth, SHALLOW, curated, enumerate, scripts};
use crate::engine::faults::{chosen, fault_script};
use crate::engine::model::simulated;
use crate::ground::faults::FaultTally;
use crate::harness::engine::acts::write_play;
use crate::harness::engine::subject::{SETUPS, Setup, Whole};
use crate::harness::images::Recoveries;

/// Bugs of what a database means, not of what a disk keeps: readers and the reference disagree.
pub const OF_MEANING: &[Bug] = &[
    Bug::SnapshotsForgotten,
    Bug::TombstoneDroppedTooEarly,
    Bug::SequenceZeroedTooEarly,
    Bug::RangeTombstoneLostAtCut,
    Bug::RangeTombstoneHidesNewer,
    Bug::UnknownKeyHidesRangeTombstone,
    Bug::SliceBoundsIgnored,
    Bug::ReplayPassesOverTooMuch,
    Bug::LogStartTooFar,
    Bug::FlushOutOfOrder,
    Bug::VolatileLostAtClose,
];

/// Those that only tables can show; `ground/planted.rs` hunts for the others.
const OF_THE_ENGINE: &[Bug] =
    &[Bug::TableSyncSkipped, Bug::TableDirNotSynced, Bug::TableUnlinkedBeforeEdit];

/// Bugs of the ground that the engine's evidence must find too.
const OF_THE_GROUND: &[Bug] = &[
    Bug::LogSyncSkipped,
    Bug::LogUnlinkedBeforeEdit,
    Bug::ManifestBeforeLog,
    Bug::ManifestSyncSkipped,
    Bug::HeadDirNotSynced,
    Bug::SequenceReusedAfterCrash,
];

/// Images, and the first thing that was found wrong.
type Found = (u64, Option<String>);

struct Suite {
    name: &'static str,
    run: fn(Setup) -> Found,
}

/// From small to large.
const SUITES: &[Suite] = &[
    Suite { name: "crashes, one letter", run: |setup| crash(setup, &scripts(1), 1) },
    Suite { name: "crashes, few chosen", run: |setup| crash(setup, &curated(12), 1) },
    Suite { name: "faults, few chosen", run: |setup| faults(setup, 2) },
    Suite { name: "crashes, chosen", run: |setup| crash(setup, &curated(usize::MAX), 2) },
    Suite { name: "faults, chosen", run: |setup| faults(setup, usize::MAX) },
    Suite { name: "crashes, two letters", run: |setup| crash(setup, &scripts(2), 1) },
];

fn crash(setup: Setup, scripts: &[String], seeds: u64) -> Found {
    let tally = enumerate(setup, scripts, Depth { seeds, stops_early: true, ..SHALLOW });
    (tally.images, tally.violations.into_iter().next())
}

fn faults(setup: Setup, count: usize) -> Found {
    let (mut recoveries, mut tally) = (Recoveries::of(Whole(setup), 0), FaultTally::default());
    for script in chosen().iter().take(count) {
        fault_script(&mut recoveries, script, 1, &mut tally);
        if !tally.violations.is_empty() {
            break;
        }
    }
    (recoveries.images, tally.violations.into_iter().next())
}

/// Turns all bugs off, also when a test fails.
struct Reset;

impl Drop for Reset {
    fn drop(&mut self) {
        plant(None);
    }
}

/// Runs the suites until one finds something; answers false if none does.
fn hunt(bug: Option<Bug>, suites: &[Suite]) -> bool {
    let _reset = Reset;
    let name = bug.map_or("no bug".to_owned(), |bug| format!("{bug:?}"));
    let mut images = 0;
    for suite in suites {
        for setup in SETUPS {
            plant(bug);
            let (tried, violation) = (suite.run)(setup);
            plant(None);
            images += tried;
            if let Some(violation) = violation {
                println!("{name}: found by {} ({}) in {images} images", suite.name, setup.name());
                println!("    {}", violation.chars().take(600).collect::<String>());
                return true;
            }
        }
    }
    println!("{name}: nothing found in {images} images");
    false
}

fn hunt_all(bugs: &[Bug], suites: &[Suite]) {
    let survivors: Vec<_> = bugs.iter().filter(|&&bug| !hunt(Some(bug), suites)).collect();
    assert!(survivors.is_empty(), "planted bugs that nothing found: {survivors:?}");
}

/// Plays before a bug of meaning counts as not found.
const PLAYS: u64 = 200;

#[test]
fn planted_bugs_of_meaning_are_found() {
    let _reset = Reset;
    let mut survivors = Vec::new();
    for &bug in OF_MEANING {
        plant(Some(bug));
        let found = (0..PLAYS).find_map(|seed| {
            let failure = simulated(seed, &write_play(seed, 400)).err()?;
            Some((seed, failure))
        });
        plant(None);
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
#[ignore = "minutes: make prove"]
fn prove_planted_bugs_of_the_ground_are_found_through_the_engine() {
    hunt_all(OF_THE_ENGINE, SUITES);
    hunt_all(OF_THE_GROUND, SUITES);
}
