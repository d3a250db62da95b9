//! A crash at every operation, in every way, and again during the recovery that follows.
//!
//! Every script of up to three letters is run. Of each, the crash points of its last letter are
//! enumerated; those of the letters before are the last ones of shorter scripts.

use std::sync::Arc;

use lsm_core::env::sim::crash::Moment;
use lsm_core::options::log_mode::LogMode;

use crate::harness::ground::reference::Recovered;
use crate::harness::ground::script::{Run, VERBS, new_disk};
use crate::harness::images::{Crash, Recoveries, caught, replay_line};

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
    fn add(&mut self, other: Tally) {
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

/// All scripts of up to `length` letters.
pub fn scripts(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let until = all.len();
        for at in from..until {
            for verb in VERBS.chars() {
                all.push(format!("{}{verb}", all[at]));
            }
        }
        from = until;
    }
    all
}

/// Enumerates the scripts. Stops at the first violation if told to.
pub fn enumerate(
    mode: LogMode,
    scripts: &[String],
    seeds: u64,
    nested_seeds: u64,
    stops_early: bool,
) -> Tally {
    let mut recoveries = Recoveries::new(mode, nested_seeds);
    let mut tally = Tally::default();
    for script in scripts {
        crash_script(&mut recoveries, script, seeds, &mut tally);
        if stops_early && !tally.violations.is_empty() {
            break;
        }
    }
    tally.images = recoveries.images;
    tally.nested_images = recoveries.nested_images;
    tally.distinct = recoveries.distinct;
    tally
}

fn crash_script(recoveries: &mut Recoveries, script: &str, seeds: u64, tally: &mut Tally) {
    let mode = recoveries.subject.mode;
    tally.scripts += 1;
    let ran = caught(|| run_to_last_verb(mode, script));
    let (run, moments) = match ran {
        Ok(ran) => ran,
        Err(panic) => {
            tally.violations.push(format!("mode={mode:?} script={script}: {panic}"));
            return;
        }
    };
    let broken = run.violation.clone().or(run.history.failures().first().cloned());
    if let Some(why) = broken {
        tally.violations.push(format!("mode={mode:?} script={script}: without a crash: {why}"));
        return;
    }
    for moment in &moments {
        tally.points += 1;
        for crash in Crash::all(seeds) {
            if let Some(why) = crash_once(recoveries, &run, moment, crash) {
                let line = replay_line(mode, script, moment.op_number, crash);
                tally.violations.push(format!("{line}: {why}"));
            }
        }
    }
}

fn crash_once(
    recoveries: &mut Recoveries,
    run: &Run,
    moment: &Moment,
    crash: Crash,
) -> Option<String> {
    let outcome = recoveries.outcome(&crash.image(moment));
    if let Some(violation) = &outcome.violation {
        return Some(violation.clone());
    }
    let is_kill = crash == Crash::Kill;
    let check = |found: &Result<Arc<Recovered>, String>| match found {
        Ok(recovered) => run.history.check(moment.op_number, is_kill, recovered),
        Err(error) => Err(error.clone()),
    };
    if let Err(why) = check(&outcome.recovered) {
        return Some(why);
    }
    let nested = outcome.nested.iter();
    let mut broken = nested.filter_map(|(found, label)| {
        // A power cut in the recovery after a kill may take what the kill alone could not.
        let checked = match found {
            Ok(recovered) => {
                run.history.check(moment.op_number, is_kill && label.ends_with("Kill"), recovered)
            }
            Err(error) => Err(error.clone()),
        };
        checked.err().map(|why| format!("{label}: {why}"))
    });
    broken.next()
}

/// Runs a script, and keeps the moments of its last letter.
fn run_to_last_verb(mode: LogMode, script: &str) -> (Run, Vec<Moment>) {
    let disk = new_disk();
    let Some(last) = script.chars().next_back() else {
        disk.record_history(true);
        let run = Run::begin(disk.clone(), mode, 1);
        return (run, disk.history());
    };
    let mut run = Run::begin(disk.clone(), mode, 1);
    script.chars().take(script.chars().count() - 1).for_each(|verb| run.verb(verb));
    disk.record_history(true);
    run.verb(last);
    let moments = disk.history();
    disk.record_history(false);
    (run, moments)
}

/// Splits the scripts over the processors, by their first letter so that images are shared.
fn enumerate_in_parallel(mode: LogMode, length: usize, seeds: u64, nested: u64) -> Tally {
    let all = scripts(length);
    let parts = 2;
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|part| {
                let first_of = |script: &String| {
                    script.chars().next().and_then(|verb| VERBS.find(verb)).unwrap_or(0)
                };
                let own: Vec<String> =
                    all.iter().filter(|script| first_of(script) % parts == part).cloned().collect();
                scope.spawn(move || enumerate(mode, &own, seeds, nested, false))
            })
            .collect();
        workers.into_iter().for_each(|worker| tally.add(worker.join().unwrap()));
    });
    tally
}

#[test]
fn every_script_of_two_letters_survives_every_crash() {
    for mode in [LogMode::Write, LogMode::Mapped] {
        enumerate_in_parallel(mode, 2, 1, 0).report(&format!("crash {mode:?}"));
    }
}

/// Longer ones that have shown something once.
const LONGER: &[&str] = &["", "BRB", "DRLI", "DRLLI", "LSLLI", "FFC", "FXFX", "BFTFC"];

#[test]
fn longer_scripts_survive_every_crash() {
    let scripts: Vec<String> = LONGER.iter().map(|&script| script.to_owned()).collect();
    for mode in [LogMode::Write, LogMode::Mapped] {
        enumerate(mode, &scripts, 2, 1, false).report(&format!("longer scripts, {mode:?}"));
    }
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_of_longer_scripts() {
    let longer = crate::ground::faults::CURATED.iter().map(|&script| script.to_owned());
    let scripts: Vec<String> = longer.collect();
    for mode in [LogMode::Write, LogMode::Mapped] {
        enumerate(mode, &scripts, 2, 1, false).report(&format!("longer scripts, {mode:?}"));
    }
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_written() {
    enumerate_in_parallel(LogMode::Write, 3, 2, 1).report("crash, log written");
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_crash_at_every_operation_mapped() {
    enumerate_in_parallel(LogMode::Mapped, 3, 2, 1).report("crash, log mapped");
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_case() {
    let Some(line) = std::env::var("LSM_REPLAY").ok().filter(|line| line.contains("crash@")) else {
        return;
    };
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    let mode = if word("mode=") == Some("mapped") { LogMode::Mapped } else { LogMode::Write };
    let script = word("script=").unwrap_or_default();
    let at: u64 = word("crash@").unwrap().parse().unwrap();
    let crash = Crash::parse(line.rsplit(' ').next().unwrap());
    let (run, moments) = run_to_last_verb(mode, script);
    let moment = moments.iter().find(|moment| moment.op_number == at).expect("no such operation");
    let mut recoveries = Recoveries::new(mode, 1);
    if let Some(why) = crash_once(&mut recoveries, &run, moment, crash) {
        panic!("{why}");
    }
}
