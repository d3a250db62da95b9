//! Faults: every operation of every script fails in every way, once or from then on.
//!
//! Whatever fails, nothing is promised that is not kept: after the fault, after the process dies,
//! after the power goes, and after the cause was mended and writing taken up again.

use std::time::Duration;

use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::env::sim::crash::{CrashPolicy, Moment};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::harness::ground::script::{Run, complaint, keeps_cache, mode_name, new_disk};
use crate::harness::images::{Crash, Recoveries, Subject, caught};

const LETTERS: &str = "BDSRKTFCXI";
/// Longer scripts, each with a turn of its own.
pub const CURATED: &[&str] = &[
    "LXC", "BBSB", "DRDB", "BRBS", "BRBRS", "LLSB", "LSLC", "KBTS", "BKRKC", "DTDT", "BTXB",
    "BICB", "BIBI", "DIXD", "RBRBS", "BSRBSC", "VBVD", "VCVB", "LRLTS", "BKXKS", "CBCB", "XBXB",
    "DCDX", "BRBTSX", "LLLLS", "TTTT", "KKCK", "BDBDRS", "IBIC", "LILS", "DLDLC", "BRRRB",
    "SBRXIC", "FF", "FCFC", "BFXF", "FTFB", "VFXF", "FRFIC", "KFXKF", "LFLFX",
];

/// What an enumeration of faults came to.
#[derive(Default)]
pub struct FaultTally {
    pub cases: u64,
    pub struck: u64,
    pub surfaced: u64,
    pub harmless: u64,
    pub resumed: u64,
    pub refused_to_resume: u64,
    pub second_tries: u64,
    pub refused_after_loss: u64,
    pub violations: Vec<String>,
}

impl FaultTally {
    pub fn report<S: Subject>(&self, name: &str, recoveries: &Recoveries<S>) {
        println!(
            "{name}: {} faults of which {} struck: {} surfaced, {} were harmless; {} resumed, {} \
             could not since the data was gone, {} worked at the second try, {} images were \
             refused after the cache was lost; {} images ({} different), {} violations",
            self.cases,
            self.struck,
            self.surfaced,
            self.harmless,
            self.resumed,
            self.refused_to_resume,
            self.second_tries,
            self.refused_after_loss,
            recoveries.images,
            recoveries.distinct,
            self.violations.len(),
        );
        self.violations.iter().take(20).for_each(|violation| println!("  {violation}"));
        assert!(self.violations.is_empty(), "{name}: {}", self.violations[0]);
    }
}

/// What can go wrong with which operations, on files whose name contains what.
pub fn ways() -> Vec<(Vec<OpKind>, &'static str, Effect)> {
    use OpKind::*;
    let all = Vec::new;
    let growing = || vec![Write, Allocate, Create, CreateDir, SetLen, SyncData, Rename];
    let opening = || vec![Create, Open, OpenDir, Map, Lock];
    let syncs = || vec![SyncData, SyncAll, SyncWindow];
    let (keep, drops) =
        (Effect::SyncFails { drops_cache: false }, Effect::SyncFails { drops_cache: true });
    vec![
        (all(), "", Effect::Error(libc::EIO)),
        (growing(), "", Effect::Error(libc::ENOSPC)),
        (opening(), "", Effect::Error(libc::EMFILE)),
        (syncs(), "", keep.clone()),
        (syncs(), "", drops),
        // A name of the directory itself that is lost for ever cannot be told from outside.
        (vec![SyncDir], "db", keep),
        (vec![Write], "", Effect::ShortWrite),
        (vec![Read], "", Effect::ShortRead),
        (vec![Store, Populate, SyncWindow], "", Effect::WindowLost),
        (all(), "", Effect::Latency(Duration::from_millis(3000))),
    ]
}

/// Every fault that can strike a run with these operations.
pub fn faults_of(trace: &[Op]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (kinds, pattern, effect) in ways() {
        let is_named = |op: &Op| op.path.to_string_lossy().contains(pattern);
        let is_match = |op: &&Op| (kinds.is_empty() || kinds.contains(&op.kind)) && is_named(op);
        let is_once = matches!(effect, Effect::Latency(_) | Effect::ShortRead);
        for nth in 1..=trace.iter().filter(is_match).count() as u64 {
            let fault = Fault::new(&kinds, pattern, effect.clone()).at(nth);
            if !is_once {
                faults.push(fault.clone().sticky());
            }
            faults.push(fault);
        }
    }
    faults
}

/// Runs a script with every fault that can strike it.
pub fn fault_script(recoveries: &mut Recoveries, script: &str, tally: &mut FaultTally) {
    let mode = recoveries.subject.mode;
    let disk = new_disk();
    disk.record_trace(true);
    drop(Run::all(disk.clone(), mode, script, 1));
    for fault in faults_of(&disk.trace()) {
        tally.cases += 1;
        let case = caught(|| fault_once(recoveries, script, &fault, tally)).and_then(|done| done);
        if let Err(why) = case {
            let mode = mode_name(mode);
            tally
                .violations
                .push(format!("LSM_REPLAY='mode={mode} script={script} fault={fault}': {why}"));
        }
    }
}

fn fault_once(
    recoveries: &mut Recoveries,
    script: &str,
    fault: &Fault,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let disk = new_disk();
    disk.inject(fault.clone());
    let mut run = Run::all(disk.clone(), recoveries.subject.mode, script, 1);
    check_run(&run)?;
    let strikes: u64 = disk.fault_strikes().iter().map(|(_, strikes)| strikes).sum();
    if strikes == 0 {
        return Ok(());
    }
    tally.struck += 1;
    let has_failed = !run.history.failures().is_empty();
    *(if has_failed { &mut tally.surfaced } else { &mut tally.harmless }) += 1;
    if has_failed && matches!(fault.effect, Effect::Latency(_) | Effect::ShortRead) {
        return Err(format!("mere delay made a failure: {}", run.history.failures()[0]));
    }
    check_stopped(&mut run)?;
    crash_now(recoveries, &run, "with the fault", tally)?;
    disk.heal();
    mend(&mut run, tally)?;
    crash_now(recoveries, &run, "mended", tally)
}

fn check_run(run: &Run) -> Result<(), String> {
    run.violation.clone().or(complaint(&run.disk)).map_or(Ok(()), Err)
}

/// A log with a fault takes nothing and vouches for nothing.
fn check_stopped(run: &mut Run) -> Result<(), String> {
    let Some(journal) = run.journal().filter(|journal| journal.fault().is_some()) else {
        return Ok(());
    };
    if journal.sync().is_ok() {
        return Err("a sync succeeds after a fault".to_owned());
    }
    if run.append(Durability::Buffered, 40) || run.append(Durability::Durable, 40) {
        return Err("an append succeeds after a fault".to_owned());
    }
    Ok(())
}

/// Takes up writing again after the cause was mended.
fn mend(run: &mut Run, tally: &mut FaultTally) -> Result<(), String> {
    let is_cached = keeps_cache(&run.disk);
    if run.journal().is_none() {
        run.verb('X');
        if run.journal().is_none() && is_cached {
            let why = run.history.failures().last().cloned().unwrap_or_default();
            return Err(format!("cannot be opened after the cause is gone: {why}"));
        }
    }
    for attempt in 0..2 {
        match resume(run) {
            Ok(has_resumed) => tally.resumed += u64::from(has_resumed),
            Err(_) if !is_cached => {
                tally.refused_to_resume += 1;
                run.kill();
                return Ok(());
            }
            Err(error) => return Err(format!("cannot resume: {error:?}")),
        }
        if run.journal().is_none() || run.append(Durability::Durable, 40) {
            return check_run(run);
        }
        tally.second_tries += u64::from(attempt == 0);
    }
    let why = run.history.failures().last().cloned().unwrap_or_default();
    Err(format!("takes no writes after the cause is gone: {why}"))
}

/// Resumes if there is a fault; then everything that was acknowledged is durable.
fn resume(run: &mut Run) -> Result<bool, Error> {
    let faulty = run.journal().filter(|journal| journal.fault().is_some());
    let Some(journal) = faulty else { return Ok(false) };
    journal.resume()?;
    run.history.note_durable(run.disk.op_count());
    Ok(true)
}

/// Every crash at this moment.
fn crash_now(
    recoveries: &mut Recoveries,
    run: &Run,
    when: &str,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let moment = run.disk.moment();
    for crash in Crash::all(1) {
        let found = crash_one(recoveries, run, &moment, crash, tally);
        found.map_err(|why| format!("{when}, then {crash}: {why}"))?;
    }
    Ok(())
}

fn crash_one(
    recoveries: &mut Recoveries,
    run: &Run,
    moment: &Moment,
    crash: Crash,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let is_cached = keeps_cache(&run.disk);
    let outcome = recoveries.outcome(&crash.image(moment));
    let is_kill = crash == Crash::Kill;
    match &outcome.recovered {
        // The machine did not boot, and yet something that was published is gone.
        Err(error) if is_kill && !is_cached && error.starts_with("Corruption") => {
            tally.refused_after_loss += 1;
            return Ok(());
        }
        Err(error) => return Err(error.clone()),
        Ok(recovered) => run.history.check(moment.op_number, is_kill && is_cached, recovered)?,
    }
    outcome.violation.clone().map_or(Ok(()), Err)
}

pub fn letters(length: usize) -> Vec<String> {
    let longer = |scripts: Vec<String>| -> Vec<String> {
        scripts.iter().flat_map(|s| LETTERS.chars().map(move |verb| format!("{s}{verb}"))).collect()
    };
    (0..length).fold(vec![String::new()], |scripts, _| longer(scripts))
}

fn prove(mode: LogMode, scripts: &[String]) {
    let mut recoveries = Recoveries::new(mode, 0);
    let mut tally = FaultTally::default();
    scripts.iter().for_each(|script| fault_script(&mut recoveries, script, &mut tally));
    tally.report(&format!("faults, log {}", mode_name(mode)), &recoveries);
}

/// `LSM_LETTERS=3` tells longer stories than the proof has time for.
fn all_scripts() -> Vec<String> {
    let curated = CURATED.iter().map(|&script| script.to_owned());
    let length = std::env::var("LSM_LETTERS").ok().and_then(|text| text.parse().ok());
    letters(length.unwrap_or(2)).into_iter().chain(curated).collect()
}

#[test]
fn faults_break_no_promise() {
    for mode in [LogMode::Write, LogMode::Mapped] {
        let curated = CURATED.iter().take(6).map(|&script| script.to_owned());
        prove(mode, &letters(1).into_iter().chain(curated).collect::<Vec<_>>());
    }
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_written() {
    prove(LogMode::Write, &all_scripts());
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_mapped() {
    prove(LogMode::Mapped, &all_scripts());
}

/// An allocation that fails before the first segment can be used leaves one that is never begun.
#[test]
fn a_first_segment_that_is_never_begun_is_passed_over() {
    for mode in [LogMode::Write, LogMode::Mapped] {
        let (mut recoveries, mut tally) = (Recoveries::new(mode, 0), FaultTally::default());
        let fault = Fault::new(&[OpKind::Allocate], "", Effect::Error(libc::ENOSPC));
        fault_once(&mut recoveries, "BC", &fault, &mut tally).unwrap();
        assert_eq!(tally.surfaced, 1);
    }
}

/// A disk that is full at some operation, and has space again later, needs no mending.
#[test]
fn a_full_disk_heals_by_itself() {
    for mode in [LogMode::Write, LogMode::Mapped] {
        let mut recoveries = Recoveries::new(mode, 0);
        let mut tally = FaultTally::default();
        for script in ["BRBS", "LLL", "KCK", "BTXB", "DRDRD"] {
            let disk = new_disk();
            drop(Run::all(disk.clone(), mode, script, 1));
            for at in 1..=disk.op_count() {
                if let Err(why) = fill_at(&mut recoveries, script, at, &mut tally) {
                    panic!("{mode:?} {script} full at {at}: {why}");
                }
            }
        }
        println!("full disk, {mode:?}: {} second tries", tally.second_tries);
    }
}

fn fill_at(
    recoveries: &mut Recoveries,
    script: &str,
    at: u64,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let disk = new_disk();
    disk.inject(Fault::new(&[], "", Effect::Full).at(at));
    let mut run = Run::all(disk.clone(), recoveries.subject.mode, script, 1);
    check_run(&run)?;
    if let Some(fault) = run.journal().and_then(|journal| journal.fault()) {
        return Err(format!("a full disk made a fault: {fault:?}"));
    }
    crash_now(recoveries, &run, "full", tally)?;
    disk.set_capacity(None);
    mend(&mut run, tally)?;
    crash_now(recoveries, &run, "with space again", tally)
}

/// A disk whose syncs lie from some sync on: what is there after the power cut is a prefix, or
/// damage that is told.
fn lie(mode: LogMode, script: &str, counts: &mut (u64, u64)) -> Result<(), String> {
    for k in 1..200 {
        let disk = SimDisk::new();
        disk.record_trace(true);
        disk.lie_from_sync(k);
        let run = Run::all(disk.clone(), mode, script, 1);
        check_run(&run)?;
        for policy in [CrashPolicy::SyncedOnly, CrashPolicy::ReorderSectors] {
            for seed in 0..3 {
                let image = Crash::Power(policy, seed).image(&disk.moment());
                let at = format!("lie from sync {k}, {policy}:{seed}");
                judge_liar(mode, &run, &image, counts).map_err(|why| format!("{at}: {why}"))?;
            }
        }
        if disk.trace().iter().filter(|op| op.kind.is_sync()).count() < k as usize {
            break;
        }
    }
    Ok(())
}

fn judge_liar(
    mode: LogMode,
    run: &Run,
    image: &SimDisk,
    counts: &mut (u64, u64),
) -> Result<(), String> {
    match caught(|| crate::harness::ground::script::peek(image, mode, 9001))? {
        Ok(recovered) => {
            counts.0 += 1;
            run.history.check_unsynced(&recovered)
        }
        Err(error) if error.kind() == ErrorKind::Corruption => {
            counts.1 += 1;
            Ok(())
        }
        Err(error) => Err(format!("{error:?}")),
    }
}

#[test]
fn lying_syncs_never_make_a_hole() {
    let mut counts = (0, 0);
    for mode in [LogMode::Write, LogMode::Mapped] {
        for script in letters(2).iter().map(String::as_str).chain(CURATED.iter().copied()) {
            if let Err(why) = lie(mode, script, &mut counts) {
                panic!("{mode:?} {script}: {why}");
            }
        }
    }
    println!("lying syncs: {} images gave a prefix, {} were refused", counts.0, counts.1);
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_fault() {
    let Ok(line) = std::env::var("LSM_REPLAY") else { return };
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    let Some(fault) = word("fault=") else { return };
    let mode = if word("mode=") == Some("mapped") { LogMode::Mapped } else { LogMode::Write };
    let (script, fault) = (word("script=").unwrap_or_default(), fault.parse().unwrap());
    let mut tally = FaultTally::default();
    let disk = new_disk();
    disk.record_trace(true);
    drop(Run::all(disk.clone(), mode, script, 1));
    disk.trace().iter().for_each(|op| println!("{op}"));
    if let Err(why) = fault_once(&mut Recoveries::new(mode, 0), script, &fault, &mut tally) {
        panic!("{why}");
    }
}
