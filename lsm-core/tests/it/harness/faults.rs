//! Faults: every operation of a script fails in every way, once or from then on.
//!
//! Whatever fails: every call ends, readers see what was answered, and nothing is promised that is
//! not kept: after the fault, after the process dies, after the power goes, and after the cause was
//! mended and writing taken up again.

use std::time::Duration;

use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::options::durability::Durability;

use crate::harness::disk::{complaint, keeps_cache, new_disk};
use crate::harness::images::{Crash, Recoveries, caught};
use crate::harness::scripted::{ScriptRun, Scripted};

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

/// What can go wrong with which operations, on files whose name contains what.
fn ways() -> Vec<(Vec<OpKind>, &'static str, Effect)> {
    use OpKind::*;
    let all = Vec::new;
    let growing = || vec![Write, Allocate, Create, CreateDir, SetLen, SyncData, Rename];
    let opening = || vec![Create, Open, OpenDir, Map, Lock];
    // A file system that has met damage of its own is often made read-only under its users.
    let changing = || vec![Write, Allocate, Create, CreateDir, SetLen, Rename, Unlink];
    let syncs = || vec![SyncData, SyncAll, SyncWindow];
    let (keep, drops) =
        (Effect::SyncFails { drops_cache: false }, Effect::SyncFails { drops_cache: true });
    vec![
        (all(), "", Effect::Error(libc::EIO)),
        (growing(), "", Effect::Error(libc::ENOSPC)),
        (opening(), "", Effect::Error(libc::EMFILE)),
        (opening(), "", Effect::Error(libc::EACCES)),
        (changing(), "", Effect::Error(libc::EROFS)),
        (vec![Map, Read, Write], "", Effect::Error(libc::ENOMEM)),
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
fn faults_of(trace: &[Op]) -> Vec<Fault> {
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

/// True if a read may fail while this fault is armed.
fn may_fail_reads(fault: &Fault) -> bool {
    let is_read = |kind: &OpKind| matches!(kind, OpKind::Read | OpKind::Open | OpKind::OpenDir);
    fault.kinds.is_empty() || fault.kinds.iter().any(is_read)
}

/// The faults tried with one subject.
pub struct Trial<S: Scripted> {
    pub recoveries: Recoveries<S>,
    pub tally: FaultTally,
    /// What a failed sync has dropped was opened anew before the machine booted: what is gone of
    /// large values is gone for good.
    is_lost: bool,
}

impl<S: Scripted> Trial<S> {
    pub fn new(subject: S) -> Self {
        let (recoveries, tally) = (Recoveries::new(subject, 0), FaultTally::default());
        Self { recoveries, tally, is_lost: false }
    }

    pub fn report(&self, name: &str) {
        let tally = &self.tally;
        println!(
            "{name}, {}: {} faults of which {} struck: {} surfaced, {} were harmless; {} resumed, \
             {} could not since the data was gone, {} worked at the second try, {} images were \
             refused after the cache was lost; {} images ({} different), {} violations",
            self.recoveries.subject.name(),
            tally.cases,
            tally.struck,
            tally.surfaced,
            tally.harmless,
            tally.resumed,
            tally.refused_to_resume,
            tally.second_tries,
            tally.refused_after_loss,
            self.recoveries.images,
            self.recoveries.distinct,
            tally.violations.len(),
        );
        tally.violations.iter().take(20).for_each(|violation| println!("  {violation}"));
        assert!(tally.violations.is_empty(), "{name}: {}", tally.violations[0]);
    }

    /// Runs a script with every fault that can strike it, or every `stride`-th.
    pub fn script(&mut self, script: &str, stride: usize) {
        let broken: Vec<String> = match self.faults_in(script) {
            Ok(faults) => {
                let chosen = faults.iter().skip(script.len() % stride).step_by(stride);
                chosen.filter_map(|fault| self.broken_by(script, fault)).collect()
            }
            Err(panic) => vec![panic],
        };
        self.tally.violations.extend(broken);
    }

    /// Runs a script with every fault that can strike it, up to the first that breaks a promise.
    #[cfg(lsm_planted)]
    pub fn first_broken(&mut self, script: &str) -> Option<String> {
        match self.faults_in(script) {
            Ok(faults) => faults.iter().find_map(|fault| self.broken_by(script, fault)),
            Err(panic) => Some(panic),
        }
    }

    /// Every fault that can strike a script, which panics even without one if that is an error.
    fn faults_in(&self, script: &str) -> Result<Vec<Fault>, String> {
        let subject = self.recoveries.subject;
        let traced = caught(|| trace_of(subject, script));
        let traced =
            traced.map_err(|panic| format!("{}: {panic}", subject.replay_line(script, "")))?;
        Ok(faults_of(&traced))
    }

    /// How a fault breaks a promise, if it does.
    fn broken_by(&mut self, script: &str, fault: &Fault) -> Option<String> {
        self.tally.cases += 1;
        let why = caught(|| self.once(script, fault)).and_then(|done| done).err()?;
        let line = self.recoveries.subject.replay_line(script, &format!(" fault={fault}"));
        Some(format!("{line}: {why}"))
    }

    /// One script with one fault.
    pub fn once(&mut self, script: &str, fault: &Fault) -> Result<(), String> {
        let disk = new_disk();
        disk.inject(fault.clone());
        let subject = self.recoveries.subject;
        // What a failed sync has dropped of large values cannot be read until writing is resumed,
        // or for ever if somebody has opened it anew meanwhile.
        let is_dropped = fault.effect == Effect::SyncFails { drops_cache: true }
            && S::READ_BACK.chars().any(|verb| script.contains(verb));
        self.is_lost = is_dropped && script.contains(['O', 'X']);
        let may_fail = may_fail_reads(fault) || is_dropped;
        let mut run = S::Run::troubled(subject, disk.clone(), script, may_fail);
        check_run(&run)?;
        let strikes: u64 = disk.fault_strikes().iter().map(|(_, strikes)| strikes).sum();
        if strikes == 0 {
            return Ok(());
        }
        self.tally.struck += 1;
        let has_failed = !run.failures().is_empty();
        *(if has_failed { &mut self.tally.surfaced } else { &mut self.tally.harmless }) += 1;
        if has_failed && matches!(fault.effect, Effect::Latency(_) | Effect::ShortRead) {
            return Err(format!("mere delay made a failure: {}", run.failures()[0]));
        }
        check_stopped(&mut run)?;
        self.crash_now(&run, "with the fault")?;
        disk.heal();
        self.is_lost |= is_dropped && !run.is_open();
        run.may_fail_reads(self.is_lost || is_dropped && run.fault().is_some());
        let mended = self.mend(&mut run);
        if self.is_lost && mended.as_ref().is_err_and(|why| why.contains("Corruption")) {
            self.tally.refused_after_loss += 1;
            return Ok(());
        }
        mended?;
        self.crash_now(&run, "mended")
    }

    /// One script on a disk that is full at this operation, and has space again later.
    pub fn fill_at(&mut self, script: &str, at: u64) -> Result<(), String> {
        let disk = new_disk();
        disk.inject(Fault::new(&[], "", Effect::Full).at(at));
        let mut run = S::Run::all(self.recoveries.subject, disk.clone(), script);
        check_run(&run)?;
        if let Some(fault) = run.fault() {
            return Err(format!("a full disk made a fault: {fault:?}"));
        }
        self.crash_now(&run, "full")?;
        disk.set_capacity(None);
        self.mend(&mut run)?;
        self.crash_now(&run, "with space again")
    }

    /// Takes up writing again after the cause was mended.
    fn mend(&mut self, run: &mut S::Run) -> Result<(), String> {
        let is_cached = keeps_cache(run.disk());
        let last = |run: &S::Run| run.failures().last().cloned().unwrap_or_default();
        if !run.is_open() {
            run.verb('X');
            if !run.is_open() && is_cached {
                return Err(format!("cannot be opened after the cause is gone: {}", last(run)));
            }
        }
        for attempt in 0..2 {
            let is_faulty = run.fault().is_some();
            match if is_faulty { run.resume() } else { Ok(()) } {
                Ok(()) => {
                    self.tally.resumed += u64::from(is_faulty);
                    run.may_fail_reads(self.is_lost);
                }
                Err(_) if !is_cached => {
                    self.tally.refused_to_resume += 1;
                    run.kill();
                    return Ok(());
                }
                Err(error) => return Err(format!("cannot resume: {error:?}")),
            }
            if !run.is_open() || run.put(Durability::Durable) {
                return work_on(run);
            }
            self.tally.second_tries += u64::from(attempt == 0);
        }
        Err(format!("takes no writes after the cause is gone: {}", last(run)))
    }

    /// Every crash at this moment.
    fn crash_now(&mut self, run: &S::Run, when: &str) -> Result<(), String> {
        let moment = run.disk().moment();
        let promises = run.promises(moment.op_number);
        let is_cached = keeps_cache(run.disk());
        for crash in Crash::all(1) {
            let found = self.crash_once(&promises, &moment, crash, is_cached);
            found.map_err(|why| format!("{when}, then {crash}: {why}"))?;
        }
        Ok(())
    }

    fn crash_once(
        &mut self,
        promises: &impl Fn(bool, &S::Found) -> Result<(), String>,
        moment: &Moment,
        crash: Crash,
        is_cached: bool,
    ) -> Result<(), String> {
        let outcome = self.recoveries.outcome(&crash.image(moment));
        let is_kill = crash == Crash::Kill;
        match &outcome.recovered {
            // The machine did not boot, and yet something that was published is gone; or had not
            // when somebody took over what was left.
            Err(error)
                if (is_kill || self.is_lost) && !is_cached && error.contains("Corruption") =>
            {
                self.tally.refused_after_loss += 1;
                return Ok(());
            }
            Err(error) => return Err(error.clone()),
            Ok(found) => promises(is_kill && is_cached, found)?,
        }
        outcome.violation.clone().map_or(Ok(()), Err)
    }
}

/// What a script asks of the disk.
fn trace_of<S: Scripted>(subject: S, script: &str) -> Vec<Op> {
    let disk = new_disk();
    disk.record_trace(true);
    drop(S::Run::all(subject, disk.clone(), script));
    disk.trace()
}

pub fn check_run(run: &impl ScriptRun) -> Result<(), String> {
    run.violation().cloned().or(complaint(run.disk())).map_or(Ok(()), Err)
}

/// A database with a fault takes nothing, vouches for nothing, and goes on showing what it has.
fn check_stopped(run: &mut impl ScriptRun) -> Result<(), String> {
    if run.fault().is_none() {
        return Ok(());
    }
    if run.sync().is_ok() {
        return Err("a sync succeeds after a fault".to_owned());
    }
    for durability in [Durability::Buffered, Durability::Durable, Durability::Volatile] {
        if run.put(durability) {
            return Err(format!("a {durability:?} write succeeds after a fault"));
        }
    }
    run.look_again().map_err(|why| format!("after a fault: {why}"))
}

/// Everything works again, and files are whole.
fn work_on<R: ScriptRun>(run: &mut R) -> Result<(), String> {
    let before = run.failures().len();
    for verb in R::Of::CHORES.chars() {
        run.verb(verb);
        if let Some(failure) = run.failures().get(before) {
            return Err(format!("mended, and then {verb} fails: {failure}"));
        }
    }
    run.verify().map_err(|error| format!("mended, and then: {error:?}"))?;
    check_run(run)
}

/// Runs the scripts with every `stride`-th fault.
pub fn prove<S: Scripted>(name: &str, subject: S, scripts: &[String], stride: usize) {
    let mut trial = Trial::new(subject);
    scripts.iter().for_each(|script| trial.script(script, stride));
    trial.report(name);
}

/// Fills the disk at every operation of the scripts: what has space again needs no mending.
pub fn fill<S: Scripted>(subject: S, scripts: &[&str]) {
    let mut trial = Trial::new(subject);
    let mut points = 0;
    for script in scripts {
        let disk = new_disk();
        drop(S::Run::all(subject, disk.clone(), script));
        for at in 1..=disk.op_count() {
            points += 1;
            let case = caught(|| trial.fill_at(script, at)).and_then(|done| done);
            let fault = Fault::new(&[], "", Effect::Full).at(at);
            if let Err(why) = case {
                panic!("{}: {why}", subject.replay_line(script, &format!(" fault={fault}")));
            }
        }
    }
    let (name, again) = (subject.name(), trial.tally.second_tries);
    println!("full disk, {name}: at {points} operations, healed, {again} at the second try");
}

/// Runs the one case that a failure printed, if it is a fault.
pub fn replay<S: Scripted>() {
    let Some((subject, case)) = S::asked() else { return };
    let Some(fault) = case.word("fault=") else { return };
    let (script, fault) = (case.word("script=").unwrap_or_default(), fault.parse::<Fault>());
    let (fault, mut trial) = (fault.unwrap(), Trial::new(subject));
    trace_of(subject, script).iter().for_each(|op| println!("{op}"));
    let replayed = match fault.effect {
        Effect::Full => trial.fill_at(script, fault.nth),
        _ => trial.once(script, &fault),
    };
    if let Err(why) = replayed {
        panic!("{why}");
    }
}
