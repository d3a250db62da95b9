//! Planted bugs: the ground's stories must find every one of them.

use lsm_core::base::planted::Bug;
use lsm_core::options::log_mode::LogMode;

use crate::ground::damage::{damage_closed, damage_unclean};
use crate::ground::faults::letters;
use crate::harness::crash::{Depth, SHALLOW, listed, scripts};
use crate::harness::ground::subject::Ground;
use crate::harness::images::caught;
use crate::harness::planted::{
    Found, OF_LARGE_VALUES, OF_MEANING, OF_READERS, Suite, crash, faults, hunt, hunt_all,
};
use crate::harness::scripted::Scripted;

const TWICE: Depth = Depth { seeds: 2, nested_seeds: 1, ..SHALLOW };

/// From small to large.
const SUITES: &[Suite<Ground>] = &[
    Suite { name: "crashes, one letter", run: |ground| crash(ground, &all(1), SHALLOW) },
    Suite { name: "damage", run: |ground| damage(ground, 23) },
    Suite { name: "faults, one letter", run: |ground| faults(ground, &letters(1)) },
    Suite { name: "crashes, two letters", run: |ground| crash(ground, &all(2), SHALLOW) },
    Suite { name: "crashes, chosen", run: |ground| crash(ground, &listed(CHOSEN), TWICE) },
    Suite { name: "faults, chosen", run: |ground| faults(ground, &listed(CHOSEN)) },
    Suite { name: "crashes, two letters, again", run: |ground| crash(ground, &all(2), TWICE) },
];

const CHOSEN: &[&str] =
    &["BX", "BRB", "BRX", "DXD", "DTX", "DRLI", "BRBS", "DVX", "KTX", "LXC", "FFX"];

fn all(length: usize) -> Vec<String> {
    scripts(Ground::VERBS, length)
}

fn damage(ground: Ground, step: usize) -> Found {
    let mut found = Found::default();
    for run in [
        damage_closed as fn(LogMode, usize) -> _,
        |mode, step| damage_unclean(mode, false, step),
        |mode, step| damage_unclean(mode, true, step),
    ] {
        // A bug may keep the specimen itself from being made.
        let damages = match caught(|| run(ground.mode, step)) {
            Ok(damages) => damages,
            Err(panic) => return Found { violation: Some(panic), ..found },
        };
        found.images += damages.cases;
        found.violation = damages.violations.into_iter().next();
        if found.violation.is_some() {
            break;
        }
    }
    found
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
    let others = [OF_MEANING, OF_READERS, OF_LARGE_VALUES];
    let is_ours = |bug: &Bug| !others.iter().any(|others| others.contains(bug));
    let ours: Vec<_> = Bug::ALL.iter().copied().filter(is_ours).collect();
    hunt_all(&ours, SUITES);
}
