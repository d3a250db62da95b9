//! Planted bugs: the evidence must find every one of them, or it proves nothing.
//!
//! Each bug is turned on in turn, and the stories are told in growing size until one of them finds
//! something wrong. With no bug planted the same stories find nothing.

use lsm_core::base::planted::{Bug, plant};
use lsm_core::options::log_mode::LogMode;

use crate::engine::planted::OF_MEANING;
use crate::ground::crash::{enumerate, scripts};
use crate::ground::damage::{damage_closed, damage_unclean};
use crate::ground::faults::{FaultTally, fault_script};
use crate::harness::images::{Recoveries, caught};

/// What a suite did until it found something, or to its end.
struct Found {
    images: u64,
    violation: Option<String>,
}

struct Suite {
    name: &'static str,
    run: fn(LogMode) -> Found,
}

/// From small to large.
const SUITES: &[Suite] = &[
    Suite { name: "crashes, one letter", run: |mode| crash(mode, scripts(1), 1, 0) },
    Suite { name: "damage", run: |mode| damage(mode, 23) },
    Suite {
        name: "faults, one letter",
        run: |mode| faults(mode, crate::ground::faults::letters(1)),
    },
    Suite { name: "crashes, two letters", run: |mode| crash(mode, scripts(2), 1, 0) },
    Suite { name: "crashes, chosen", run: |mode| crash(mode, chosen(CHOSEN), 2, 1) },
    Suite { name: "faults, chosen", run: |mode| faults(mode, chosen(CHOSEN)) },
    Suite { name: "crashes, two letters, again", run: |mode| crash(mode, scripts(2), 2, 1) },
];

const CHOSEN: &[&str] =
    &["BX", "BRB", "BRX", "DXD", "DTX", "DRLI", "BRBS", "DVX", "KTX", "LXC", "FFX"];

fn chosen(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|&script| script.to_owned()).collect()
}

fn crash(mode: LogMode, scripts: Vec<String>, seeds: u64, nested: u64) -> Found {
    let tally = enumerate(mode, &scripts, seeds, nested, true);
    let images = tally.images + tally.nested_images;
    Found { images, violation: tally.violations.into_iter().next() }
}

fn faults(mode: LogMode, scripts: Vec<String>) -> Found {
    let (mut recoveries, mut tally) = (Recoveries::new(mode, 0), FaultTally::default());
    for script in &scripts {
        fault_script(&mut recoveries, script, &mut tally);
        if !tally.violations.is_empty() {
            break;
        }
    }
    Found { images: recoveries.images, violation: tally.violations.into_iter().next() }
}

fn damage(mode: LogMode, step: usize) -> Found {
    let mut images = 0;
    for run in [
        damage_closed as fn(LogMode, usize) -> _,
        |mode, step| damage_unclean(mode, false, step),
        |mode, step| damage_unclean(mode, true, step),
    ] {
        // A bug may keep the specimen itself from being made.
        let damages = match caught(|| run(mode, step)) {
            Ok(damages) => damages,
            Err(panic) => return Found { images, violation: Some(panic) },
        };
        images += damages.cases;
        if let Some(violation) = damages.violations.into_iter().next() {
            return Found { images, violation: Some(violation) };
        }
    }
    Found { images, violation: None }
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
        for mode in [LogMode::Write, LogMode::Mapped] {
            plant(bug);
            let found = (suite.run)(mode);
            plant(None);
            images += found.images;
            if let Some(violation) = found.violation {
                println!("{name}: found by {} ({mode:?}) in {images} images", suite.name);
                println!("    {violation}");
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

#[test]
fn planted_bugs_are_found() {
    assert!(Bug::ALL.len() >= 16);
    assert!(!hunt(None, &SUITES[..3]), "the evidence finds a bug where none is planted");
    hunt_all(&QUICK, &SUITES[..3]);
}

#[test]
fn every_bug_is_in_the_list_that_people_read() {
    let list = include_str!("../../../../docs/testing.md");
    let told = list.lines().filter(|line| line.starts_with("| `")).count();
    let missing: Vec<_> =
        Bug::ALL.iter().filter(|bug| !list.contains(&format!("| `{bug:?}` |"))).collect();
    assert!(missing.is_empty() && told >= Bug::ALL.len(), "docs/testing.md lacks {missing:?}");
}

/// Those that the small suites find.
const QUICK: [Bug; 6] = [
    Bug::LogSyncSkipped,
    Bug::ManifestSyncSkipped,
    Bug::HeadDirNotSynced,
    Bug::ParentDirNotSynced,
    Bug::TableSyncSkipped,
    Bug::TableDirNotSynced,
];

#[test]
#[ignore = "minutes: make prove"]
fn prove_every_planted_bug_is_found() {
    assert!(!hunt(None, SUITES), "the evidence finds a bug where none is planted");
    let ours: Vec<_> = Bug::ALL.into_iter().filter(|bug| !OF_MEANING.contains(bug)).collect();
    hunt_all(&ours, SUITES);
}
