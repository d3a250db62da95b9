//! Planted bugs: the evidence must find every one of them, or it proves nothing.
//!
//! Each bug is turned on in turn, and the stories are told in growing size until one of them finds
//! something wrong. With no bug planted the same stories find nothing.

use lsm_core::base::planted::{Bug, plant};

use crate::harness::crash::{Depth, enumerate};
use crate::harness::faults::Trial;
use crate::harness::scripted::Scripted;

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
    Bug::FilterShownWhatSnapshotsSee,
    Bug::FilterUncoversOlder,
];

/// Bugs of what readers in other processes may rely on.
pub const OF_READERS: &[Bug] =
    &[Bug::ReadersNotAsked, Bug::SlotWrittenTooLate, Bug::KeyspacesNotLookedAtTwice];

/// Bugs of large values, which only the engine has.
pub const OF_LARGE_VALUES: &[Bug] =
    &[Bug::BlobSyncSkipped, Bug::BlobNotVerified, Bug::BlobReferenceNotCounted];

/// What a suite did until it found something, or to its end.
#[derive(Default)]
pub struct Found {
    pub images: u64,
    pub violation: Option<String>,
}

/// Stories that are told to find a bug.
pub struct Suite<S> {
    pub name: &'static str,
    pub run: fn(S) -> Found,
}

/// Crashes, up to the first violation.
pub fn crash<S: Scripted>(subject: S, scripts: &[String], depth: Depth) -> Found {
    let tally = enumerate(subject, scripts, Depth { stops_early: true, ..depth });
    let images = tally.images + tally.nested_images;
    Found { images, violation: tally.violations.into_iter().next() }
}

/// Faults, up to the first script with a violation.
pub fn faults<S: Scripted>(subject: S, scripts: &[String]) -> Found {
    let mut trial = Trial::new(subject);
    for script in scripts {
        trial.script(script, 1);
        if !trial.tally.violations.is_empty() {
            break;
        }
    }
    let violation = trial.tally.violations.into_iter().next();
    Found { images: trial.recoveries.images, violation }
}

/// One bug for as long as this lives; then none, also when a test fails.
pub struct Planted;

impl Planted {
    pub fn new(bug: Option<Bug>) -> Self {
        plant(bug);
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}

/// Runs the suites until one finds something; answers false if none does.
pub fn hunt<S: Scripted>(bug: Option<Bug>, suites: &[Suite<S>]) -> bool {
    let name = bug.map_or("no bug".to_owned(), |bug| format!("{bug:?}"));
    let mut images = 0;
    for suite in suites {
        for subject in S::ALL {
            let planted = Planted::new(bug);
            let found = (suite.run)(subject);
            drop(planted);
            images += found.images;
            if let Some(violation) = found.violation {
                println!("{name}: found by {} ({}) in {images} images", suite.name, subject.name());
                println!("    {violation:.600}");
                return true;
            }
        }
    }
    println!("{name}: nothing found in {images} images");
    false
}

pub fn hunt_all<S: Scripted>(bugs: &[Bug], suites: &[Suite<S>]) {
    let survivors: Vec<_> = bugs.iter().filter(|&&bug| !hunt(Some(bug), suites)).collect();
    assert!(survivors.is_empty(), "planted bugs that nothing found: {survivors:?}");
}
