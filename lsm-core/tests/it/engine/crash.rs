//! A crash of the whole engine at every operation, in every way, and again during the recovery.
//!
//! As for the ground, only the crash points of a script's last letter are tried: those of the
//! letters before belong to shorter scripts.

use std::time::{Duration, Instant};

use lsm_core::env::sim::crash::Moment;

use crate::ground::crash::Tally;
use crate::harness::engine::reference::{Candidates, Shown};
use crate::harness::engine::script::{Run, VERBS};
use crate::harness::engine::subject::{SETUPS, Setup, Whole};
use crate::harness::ground::script::new_disk;
use crate::harness::images::{Crash, Recoveries, Recovery, Subject, caught};

/// Scripts with a turn of their own: what takes more letters than an enumeration has.
pub const CURATED: &[&str] = &[
    "",
    "PPFC",
    "PFPFC",
    "MMC",
    "MMMMC",
    "PFEFC",
    "PFRFC",
    "PFTEFC",
    "PTFEFUC",
    "MTMCUC",
    "KBFC",
    "KBFQ",
    "KBFQC",
    "KBFQKB",
    "KLQI",
    "KBKBFQFC",
    "VVF",
    "VPF",
    "VPX",
    "PVDX",
    "VFVX",
    "VMX",
    "VMPX",
    "VO",
    "VMVMO",
    "LX",
    "LLX",
    "LFX",
    "LCX",
    "PLX",
    "VLX",
    "KLX",
    "PLVX",
    "MX",
    "MMX",
    "MMXM",
    "MPXPX",
    "MFXMF",
    "BFBFC",
    "BRBFC",
    "BFXBF",
    "RFPF",
    "PFRX",
    "PFRO",
    "PFRMC",
    "DVPDX",
    "VDVDX",
    "MIMI",
    "MMMI",
    "MMIX",
    "MMIC",
    "FPFPFPI",
    "PFPFPFPFI",
    "PFPFPFPFPFIC",
    "MFMFMFMFI",
    "KBFBFBFI",
    "KBFTBFBFIUC",
    "OPOPF",
    "XPXPF",
    "PXFX",
    "PXCX",
    "LXLXC",
    "MMOC",
    "MMCOC",
    "PFXC",
    "KXQX",
    "KBXQO",
    "PFCPFC",
    "PFCRFC",
    "MCMC",
    "MCRC",
    "PSFX",
    "VSFX",
    "VSX",
    "VDX",
    "VKX",
    "VQX",
    "KVQX",
    "KBVQX",
    "TMMC",
    "TMCX",
    "TPFEFCX",
];

/// All scripts of up to `length` letters.
pub fn scripts(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let until = all.len();
        for at in from..until {
            VERBS.chars().for_each(|verb| all.push(format!("{}{verb}", all[at])));
        }
        from = until;
    }
    all
}

pub fn curated(count: usize) -> Vec<String> {
    CURATED.iter().take(count).map(|&script| script.to_owned()).collect()
}

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

/// Enumerates the scripts.
pub fn enumerate(setup: Setup, scripts: &[String], depth: Depth) -> Tally {
    let mut recoveries = Recoveries::of(Whole(setup), depth.nested_seeds);
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

fn crash_script(recoveries: &mut Recoveries<Whole>, script: &str, depth: Depth, tally: &mut Tally) {
    let setup = recoveries.subject.0;
    let name = setup.name();
    tally.scripts += 1;
    let ran = caught(|| run_to_last_verb(setup, script));
    let (run, moments) = match ran {
        Ok(ran) => ran,
        Err(panic) => {
            tally.violations.push(format!("LSM_ENGINE='mode={name} script={script}': {panic}"));
            return;
        }
    };
    let broken = run.violation.clone().or(run.history.failures().first().cloned());
    if let Some(why) = broken {
        tally.violations.push(format!("LSM_ENGINE='mode={name} script={script}': {why}"));
        return;
    }
    for moment in moments.iter().skip(script.len() % depth.stride).step_by(depth.stride) {
        tally.points += 1;
        let may_be = MayBe::at(&run, moment.op_number);
        for crash in Crash::all(depth.seeds) {
            if let Some(why) = crash_once(recoveries, &may_be, moment, crash) {
                let line = replay_line(setup, script, moment.op_number, crash);
                tally.violations.push(format!("{line}: {why}"));
            }
        }
    }
}

/// What may be found after a crash at one moment.
pub struct MayBe {
    killed: Candidates,
    cut: Candidates,
}

impl MayBe {
    pub fn at(run: &Run, at: u64) -> Self {
        let (killed, cut) = (run.history.candidates(at, true), run.history.candidates(at, false));
        Self { killed, cut }
    }

    pub fn check(&self, is_kill: bool, found: &Recovery<Shown>) -> Result<(), String> {
        let candidates = if is_kill { &self.killed } else { &self.cut };
        candidates.check(found.as_ref().map_err(Clone::clone)?)
    }
}

fn crash_once(
    recoveries: &mut Recoveries<Whole>,
    may_be: &MayBe,
    moment: &Moment,
    crash: Crash,
) -> Option<String> {
    let outcome = recoveries.outcome(&crash.image(moment));
    if let Some(violation) = &outcome.violation {
        return Some(violation.clone());
    }
    let is_kill = crash == Crash::Kill;
    if let Err(why) = may_be.check(is_kill, &outcome.recovered) {
        return Some(why);
    }
    let mut broken = outcome.nested.iter().filter_map(|(found, label)| {
        // A power cut in the recovery after a kill may take what the kill alone could not.
        let checked = may_be.check(is_kill && label.ends_with("Kill"), found);
        checked.err().map(|why| format!("{label}: {why}"))
    });
    broken.next()
}

/// Runs a script, and keeps the moments of its last letter.
fn run_to_last_verb(setup: Setup, script: &str) -> (Run, Vec<Moment>) {
    let disk = new_disk();
    let Some(last) = script.chars().next_back() else {
        disk.record_history(true);
        let run = Run::begin(disk.clone(), setup, 1);
        return (run, disk.history());
    };
    let mut run = Run::begin(disk.clone(), setup, 1);
    script.chars().take(script.chars().count() - 1).for_each(|verb| run.verb(verb));
    disk.record_history(true);
    run.verb(last);
    let moments = disk.history();
    disk.record_history(false);
    (run, moments)
}

fn replay_line(setup: Setup, script: &str, at: u64, crash: Crash) -> String {
    format!("LSM_ENGINE='mode={} script={script} crash@{at} {crash}'", setup.name())
}

/// Splits the scripts over the processors and the setups.
fn enumerate_all(name: &str, scripts: &[String], depth: Depth) {
    let begun = Instant::now();
    let tallies: Vec<(Setup, Tally)> = std::thread::scope(|scope| {
        let work = |setup| scope.spawn(move || (setup, enumerate(setup, scripts, depth)));
        let workers: Vec<_> = SETUPS.into_iter().map(work).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    for (setup, tally) in &tallies {
        let each = seconds * 1000.0 / tally.distinct.max(1) as f64;
        tally.report(&format!("{name}, {} ({each:.2} ms for each different one)", setup.name()));
    }
}

/// A million images are only tried if each costs little.
#[test]
fn opening_and_checking_a_tiny_database_is_cheap() {
    for setup in SETUPS {
        for script in ["PPP", "PFPFP", "KBFBMB"] {
            let (run, _) = run_to_last_verb(setup, script);
            let moment = run.disk.moment();
            let whole = Whole(setup);
            let once = || {
                let image = Crash::Kill.image(&moment);
                let begun = Instant::now();
                whole.peek(&image, 5).unwrap();
                begun.elapsed()
            };
            let mut times: Vec<Duration> = (0..100).map(|_| once()).collect();
            times.sort_unstable();
            // The quickest was interrupted by nobody.
            println!("{}, {script}: an opening and a check take {:?}", setup.name(), times[0]);
            assert!(times[0] < Duration::from_millis(5), "{:?}", times[0]);
        }
    }
}

#[test]
fn every_script_of_one_letter_survives_every_crash() {
    let depth = Depth { nested_seeds: 1, ..SHALLOW };
    enumerate_all("engine, one letter", &scripts(1), depth);
}

#[test]
fn chosen_scripts_survive_every_crash() {
    enumerate_all("engine, chosen scripts", &curated(CURATED.len()), SHALLOW);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_every_script_of_two_letters_survives_every_crash() {
    enumerate_all(
        "engine, two letters",
        &scripts(2),
        Depth { seeds: 2, nested_seeds: 1, ..SHALLOW },
    );
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_chosen_scripts_survive_every_crash_and_every_second_one() {
    let depth = Depth { seeds: 2, nested_seeds: 1, stride: 6, ..SHALLOW };
    enumerate_all("engine, chosen scripts", &curated(CURATED.len()), depth);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_scripts_of_three_letters_survive_crashes() {
    let long = scripts(3).into_iter().filter(|script| script.len() == 3).collect::<Vec<_>>();
    enumerate_all("engine, three letters", &long, Depth { stride: 5, ..SHALLOW });
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_engine_case() {
    let Some(line) = std::env::var("LSM_ENGINE").ok().filter(|line| !line.contains("fault="))
    else {
        return;
    };
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    let setup = Setup::of(word("mode=").unwrap());
    let script = word("script=").unwrap_or_default();
    let (run, moments) = run_to_last_verb(setup, script);
    println!("{:?} {:?}", run.violation, run.history.failures());
    assert!(run.violation.is_none() && run.history.failures().is_empty());
    let Some(at) = word("crash@") else { return };
    let at: u64 = at.parse().unwrap();
    let crash = Crash::parse(line.rsplit(' ').next().unwrap());
    let moment = moments.iter().find(|moment| moment.op_number == at).expect("no such operation");
    let image = crash.image(moment);
    image.paths().iter().for_each(|path| println!("{}", path.display()));
    let mut recoveries = Recoveries::of(Whole(setup), 1);
    if let Some(why) = crash_once(&mut recoveries, &MayBe::at(&run, at), moment, crash) {
        panic!("{why}");
    }
}
