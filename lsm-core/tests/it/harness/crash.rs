//! A crash at every operation of a script, in every way, and again during the recovery that
//! follows.
//!
//! Of each script, only the crash points of its last letter are tried; those of the letters before
//! are the last ones of shorter scripts.

use lsm_core::env::sim::crash::Moment;

use crate::harness::disk::new_disk;
use crate::harness::images::{Crash, Recoveries, Recovery, caught};
use crate::harness::scripted::{ScriptRun, Scripted};

/// How much of the images is tried.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    pub seeds: u64,
    pub nested_seeds: u64,
    /// Stops at the first violation.
    pub stops_early: bool,
    /// One of so many crash points is tried.
    pub stride: usize,
}

pub const SHALLOW: Depth = Depth { seeds: 1, nested_seeds: 0, stops_early: false, stride: 1 };

/// What an enumeration found.
#[derive(Default)]
pub struct Tally {
    pub scripts: u64,
    pub points: u64,
    pub images: u64,
    pub nested_images: u64,
    pub distinct: u64,
    pub violations: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.scripts += other.scripts;
        self.points += other.points;
        self.images += other.images;
        self.nested_images += other.nested_images;
        self.distinct += other.distinct;
        self.violations.extend(other.violations);
    }

    pub fn report(&self, name: &str) {
        println!(
            "{name}: {} scripts, {} crash points, {} images and {} in recovery \
             ({} different), {} violations",
            self.scripts,
            self.points,
            self.images,
            self.nested_images,
            self.distinct,
            self.violations.len(),
        );
        for violation in self.violations.iter().take(10) {
            println!("  {violation}");
        }
        assert!(self.violations.is_empty(), "{name}: {}", self.violations[0]);
    }
}

/// All scripts of up to `length` of these letters.
pub fn scripts(verbs: &str, length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let until = all.len();
        for at in from..until {
            verbs.chars().for_each(|verb| all.push(format!("{}{verb}", all[at])));
        }
        from = until;
    }
    all
}

/// The scripts of a list.
pub fn listed(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|&script| script.to_owned()).collect()
}

/// Enumerates the scripts.
pub fn enumerate<S: Scripted>(subject: S, scripts: &[String], depth: Depth) -> Tally {
    let mut recoveries = Recoveries::new(subject, depth.nested_seeds);
    let mut tally = Tally::default();
    for script in scripts {
        crash_script(&mut recoveries, script, depth, &mut tally);
        if depth.stops_early && !tally.violations.is_empty() {
            break;
        }
    }
    tally.images = recoveries.images;
    tally.nested_images = recoveries.nested_images;
    tally.distinct = recoveries.distinct;
    tally
}

fn crash_script<S: Scripted>(
    recoveries: &mut Recoveries<S>,
    script: &str,
    depth: Depth,
    tally: &mut Tally,
) {
    let subject = recoveries.subject;
    tally.scripts += 1;
    let ran = caught(|| run_to_last_verb(subject, script));
    let ran = ran.and_then(|(run, moments)| run.broken().map_or(Ok((run, moments)), Err));
    let (run, moments) = match ran {
        Ok(ran) => ran,
        Err(why) => {
            let line = subject.replay_line(script, "");
            return tally.violations.push(format!("{line}: without a crash: {why}"));
        }
    };
    // Scripts that begin alike are crashed at different points.
    let first = script.bytes().map(usize::from).sum::<usize>() % depth.stride;
    for moment in moments.iter().skip(first).step_by(depth.stride) {
        tally.points += 1;
        let promises = run.promises(moment.op_number);
        for crash in Crash::all(depth.seeds) {
            if depth.stops_early && !tally.violations.is_empty() {
                return;
            }
            if let Some(why) = crash_once(recoveries, &promises, moment, crash) {
                let rest = format!(" crash@{} {crash}", moment.op_number);
                tally.violations.push(format!("{}: {why}", subject.replay_line(script, &rest)));
            }
        }
    }
}

fn crash_once<S: Scripted>(
    recoveries: &mut Recoveries<S>,
    promises: &impl Fn(bool, &S::Found) -> Result<(), String>,
    moment: &Moment,
    crash: Crash,
) -> Option<String> {
    let outcome = recoveries.outcome(&crash.image(moment));
    if let Some(violation) = &outcome.violation {
        return Some(violation.clone());
    }
    let is_kill = crash == Crash::Kill;
    let check = |is_kill: bool, found: &Recovery<S::Found>| {
        found.as_ref().map_err(Clone::clone).and_then(|found| promises(is_kill, found))
    };
    if let Err(why) = check(is_kill, &outcome.recovered) {
        return Some(why);
    }
    let mut broken = outcome.nested.iter().filter_map(|(found, label)| {
        // A power cut in the recovery after a kill may take what the kill alone could not.
        let checked = check(is_kill && label.ends_with("Kill"), found);
        checked.err().map(|why| format!("{label}: {why}"))
    });
    broken.next()
}

/// Runs a script, and keeps the moments of its last letter.
pub fn run_to_last_verb<S: Scripted>(subject: S, script: &str) -> (S::Run, Vec<Moment>) {
    let disk = new_disk();
    let Some(last) = script.chars().next_back() else {
        disk.record_history(true);
        let run = S::Run::begin(subject, disk.clone(), 1);
        return (run, disk.history());
    };
    let mut run = S::Run::begin(subject, disk.clone(), 1);
    script.chars().take(script.chars().count() - 1).for_each(|verb| run.verb(verb));
    disk.record_history(true);
    run.verb(last);
    let moments = disk.history();
    disk.record_history(false);
    (run, moments)
}

/// Runs the one case that a failure printed, unless it is a fault.
pub fn replay<S: Scripted>() {
    let Some((subject, case)) = S::asked().filter(|(_, case)| case.word("fault=").is_none()) else {
        return;
    };
    let (run, moments) = run_to_last_verb(subject, case.word("script=").unwrap_or_default());
    println!("{:?} {:?}", run.violation(), run.failures());
    assert_eq!(run.broken(), None);
    let Some(at) = case.word("crash@") else { return };
    let at: u64 = at.parse().unwrap();
    let crash = Crash::parse(case.last_word());
    let moment = moments.iter().find(|moment| moment.op_number == at).expect("no such operation");
    let image = crash.image(moment);
    image.paths().iter().for_each(|path| println!("{}", path.display()));
    let mut recoveries = Recoveries::new(subject, 1);
    if let Some(why) = crash_once(&mut recoveries, &run.promises(at), moment, crash) {
        panic!("{why}");
    }
}
