//! Every operation that the engine asks of the disk fails, in every way, once or from then on.
//!
//! Whatever happens: every call ends, readers see what was answered, what was acknowledged is there
//! after the process dies and after the power goes, and once the cause is mended writing goes on.

use lsm_core::base::error::Error;
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;
use lsm_core::options::durability::Durability;

use crate::engine::crash::{MayBe, curated};
use crate::ground::faults::{FaultTally, faults_of};
use crate::harness::engine::script::{Run, VERBS};
use crate::harness::engine::subject::{SETUPS, Setup, Trouble, Whole};
use crate::harness::ground::script::{complaint, keeps_cache, new_disk};
use crate::harness::images::{Crash, Recoveries, caught};

/// Scripts whose faults say something about flush, compaction and memory that is full.
const CHOSEN: &[&str] = &[
    "PFPFC", "MMC", "MMMI", "KBFQ", "LP", "LFC", "PFRFC", "VFP", "PTFEFUC", "MFMFMFI", "DVFXD",
    "MMOM", "KLQC", "PFXC", "VMVMO",
];

/// Runs a script with every fault that can strike it, or every `stride`-th.
pub fn fault_script(
    recoveries: &mut Recoveries<Whole>,
    script: &str,
    stride: usize,
    tally: &mut FaultTally,
) {
    let setup = recoveries.subject.0;
    let disk = new_disk();
    disk.record_trace(true);
    let ran = caught(|| drop(Run::all(disk.clone(), setup, script)));
    let line = format!("mode={} script={script}", setup.name());
    if let Err(panic) = ran {
        tally.violations.push(format!("LSM_ENGINE='{line}': {panic}"));
        return;
    }
    let faults = faults_of(&disk.trace());
    for fault in faults.iter().skip(script.len() % stride).step_by(stride) {
        tally.cases += 1;
        let case = caught(|| fault_once(recoveries, script, fault, tally)).and_then(|done| done);
        if let Err(why) = case {
            tally.violations.push(format!("LSM_ENGINE='{line} fault={fault}': {why}"));
        }
    }
}

/// True if a read may fail while this fault is armed.
fn may_fail_reads(fault: &Fault) -> bool {
    let is_read = |kind: &OpKind| matches!(kind, OpKind::Read | OpKind::Open | OpKind::OpenDir);
    fault.kinds.is_empty() || fault.kinds.iter().any(is_read)
}

fn fault_once(
    recoveries: &mut Recoveries<Whole>,
    script: &str,
    fault: &Fault,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let disk = new_disk();
    disk.inject(fault.clone());
    let mut run = Run::troubled(disk.clone(), recoveries.subject.0, script, may_fail_reads(fault));
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
    run.may_fail_reads = false;
    mend(&mut run, tally)?;
    crash_now(recoveries, &run, "mended", tally)
}

fn check_run(run: &Run) -> Result<(), String> {
    run.violation.clone().or(complaint(&run.disk)).map_or(Ok(()), Err)
}

/// A database with a fault takes nothing, vouches for nothing, and goes on showing what it has.
fn check_stopped(run: &mut Run) -> Result<(), String> {
    let Some(db) = run.db().filter(|db| db.fault().is_some()) else { return Ok(()) };
    if db.sync().is_ok() {
        return Err("a sync succeeds after a fault".to_owned());
    }
    for durability in [Durability::Buffered, Durability::Durable, Durability::Volatile] {
        if run.put(durability, 40) {
            return Err(format!("a {durability:?} put succeeds after a fault"));
        }
    }
    match run.look() {
        Err(Trouble::Failed(_)) if run.may_fail_reads => Ok(()),
        looked => looked.map_err(|trouble| format!("after a fault: {trouble}")),
    }
}

/// Takes up writing again after the cause was mended.
fn mend(run: &mut Run, tally: &mut FaultTally) -> Result<(), String> {
    let is_cached = keeps_cache(&run.disk);
    if run.db().is_none() {
        run.verb('X');
        if run.db().is_none() && is_cached {
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
        if run.db().is_none() || run.put(Durability::Durable, 40) {
            return work_on(run);
        }
        tally.second_tries += u64::from(attempt == 0);
    }
    let why = run.history.failures().last().cloned().unwrap_or_default();
    Err(format!("takes no writes after the cause is gone: {why}"))
}

/// Resumes if there is a fault; then everything that was acknowledged is durable.
fn resume(run: &mut Run) -> Result<bool, Error> {
    let faulty = run.db().filter(|db| db.fault().is_some());
    let Some(db) = faulty else { return Ok(false) };
    db.resume()?;
    run.history.note_durable(run.disk.op_count());
    Ok(true)
}

/// Everything works again: memory is flushed, tables are merged, files are whole.
fn work_on(run: &mut Run) -> Result<(), String> {
    let before = run.history.failures().len();
    for verb in ['I', 'F', 'M', 'C', 'I'] {
        run.verb(verb);
        if let Some(failure) = run.history.failures().get(before) {
            return Err(format!("mended, and then {verb} fails: {failure}"));
        }
    }
    if let Some(Err(error)) = run.db().map(|db| db.verify()) {
        return Err(format!("mended, and then: {error:?}"));
    }
    check_run(run)
}

/// Every crash at this moment.
fn crash_now(
    recoveries: &mut Recoveries<Whole>,
    run: &Run,
    when: &str,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let moment = run.disk.moment();
    let may_be = MayBe::at(run, moment.op_number);
    let is_cached = keeps_cache(&run.disk);
    for crash in Crash::all(1) {
        let found = crash_one(recoveries, &may_be, &moment, (crash, is_cached), tally);
        found.map_err(|why| format!("{when}, then {crash}: {why}"))?;
    }
    Ok(())
}

fn crash_one(
    recoveries: &mut Recoveries<Whole>,
    may_be: &MayBe,
    moment: &Moment,
    (crash, is_cached): (Crash, bool),
    tally: &mut FaultTally,
) -> Result<(), String> {
    let outcome = recoveries.outcome(&crash.image(moment));
    let is_kill = crash == Crash::Kill;
    match &outcome.recovered {
        // The machine did not boot, and yet something that was published is gone.
        Err(error) if is_kill && !is_cached && error.starts_with("Corruption") => {
            tally.refused_after_loss += 1;
            return Ok(());
        }
        found => may_be.check(is_kill && is_cached, found)?,
    }
    outcome.violation.clone().map_or(Ok(()), Err)
}

fn prove(name: &str, scripts: &[String], stride: usize) {
    std::thread::scope(|scope| {
        for setup in SETUPS {
            scope.spawn(move || {
                let mut recoveries = Recoveries::of(Whole(setup), 0);
                let mut tally = FaultTally::default();
                let tally_of = &mut tally;
                scripts.iter().for_each(|script| {
                    fault_script(&mut recoveries, script, stride, tally_of);
                });
                tally.report(&format!("{name}, {}", setup.name()), &recoveries);
            });
        }
    });
}

pub fn chosen() -> Vec<String> {
    CHOSEN.iter().map(|&script| script.to_owned()).collect()
}

#[test]
fn engine_faults_break_no_promise() {
    prove("engine faults", &chosen(), 7);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_of_one_letter() {
    let letters: Vec<String> = VERBS.chars().map(String::from).collect();
    prove("engine faults, one letter", &letters, 1);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_a_fault_at_every_operation_of_chosen_scripts() {
    prove("engine faults, chosen", &chosen(), 1);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_faults_in_all_curated_scripts() {
    prove("engine faults, curated", &curated(usize::MAX), 11);
}

/// A flush reads back what it wrote. When that fails, what no log holds is lost by closing, and the
/// close has to say so.
#[test]
fn closing_fails_when_what_is_volatile_was_not_flushed() {
    for setup in SETUPS {
        let mut recoveries = Recoveries::of(Whole(setup), 0);
        let mut tally = FaultTally::default();
        for nth in 1..=8 {
            let fault: Fault = format!("read()#{nth}:eio").parse().unwrap();
            if let Err(why) = fault_once(&mut recoveries, "VMVMO", &fault, &mut tally) {
                panic!("LSM_ENGINE='mode={} script=VMVMO fault={fault}': {why}", setup.name());
            }
        }
        assert!(tally.surfaced > 0, "no flush read anything back");
    }
}

/// A disk that is full at some operation, and has space again later, needs no mending.
#[test]
fn a_full_disk_heals_by_itself_in_the_engine() {
    for setup in SETUPS {
        let mut recoveries = Recoveries::of(Whole(setup), 0);
        let mut tally = FaultTally::default();
        let mut points = 0;
        for script in ["PFPFC", "MMMI", "LPF", "KBFQ", "VFP", "MMOM"] {
            let disk = new_disk();
            drop(Run::all(disk.clone(), setup, script));
            for at in 1..=disk.op_count() {
                points += 1;
                let case = caught(|| fill_at(&mut recoveries, script, at, &mut tally));
                if let Err(why) = case.and_then(|done| done) {
                    let fault = Fault::new(&[], "", Effect::Full).at(at);
                    let line = format!("mode={} script={script} fault={fault}", setup.name());
                    panic!("LSM_ENGINE='{line}': {why}");
                }
            }
        }
        println!("full disk, {}: at {points} operations, healed", setup.name());
    }
}

fn fill_at(
    recoveries: &mut Recoveries<Whole>,
    script: &str,
    at: u64,
    tally: &mut FaultTally,
) -> Result<(), String> {
    let disk = new_disk();
    disk.inject(Fault::new(&[], "", Effect::Full).at(at));
    let mut run = Run::all(disk.clone(), recoveries.subject.0, script);
    check_run(&run)?;
    if let Some(fault) = run.db().and_then(|db| db.fault()) {
        return Err(format!("a full disk made a fault: {fault:?}"));
    }
    crash_now(recoveries, &run, "full", tally)?;
    disk.set_capacity(None);
    mend(&mut run, tally)?;
    crash_now(recoveries, &run, "with space again", tally)
}

/// Runs the one case that a failure printed.
#[test]
fn replay_one_engine_fault() {
    let Ok(line) = std::env::var("LSM_ENGINE") else { return };
    let word = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key));
    let Some(fault) = word("fault=") else { return };
    let setup = Setup::of(word("mode=").unwrap());
    let (script, fault): (&str, Fault) = (word("script=").unwrap(), fault.parse().unwrap());
    let mut tally = FaultTally::default();
    let disk = new_disk();
    disk.record_trace(true);
    drop(Run::all(disk.clone(), setup, script));
    disk.trace().iter().for_each(|op| println!("{op}"));
    let mut recoveries = Recoveries::of(Whole(setup), 0);
    let replayed = match fault.effect {
        Effect::Full => fill_at(&mut recoveries, script, fault.nth, &mut tally),
        _ => fault_once(&mut recoveries, script, &fault, &mut tally),
    };
    if let Err(why) = replayed {
        panic!("{why}");
    }
}
