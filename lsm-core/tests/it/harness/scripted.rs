//! What scripts are run with, and how: the ground alone and the whole engine both have letters, a
//! history of what was asked and answered, and promises about what a crash may leave. Crashes,
//! faults, lives and planted bugs are tried with either.

use std::fmt::Debug;

use lsm_core::base::error::{Error, Result};
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::options::durability::Durability;

use crate::harness::asked::Case;
use crate::harness::images::{Crash, Subject};

/// A subject that scripts are run with, set up in one of a few ways.
pub trait Scripted: Subject + Copy + Debug + Send + 'static {
    type Run: ScriptRun<Of = Self>;

    const ALL: [Self; 2];
    /// The letters that scripts are made up of.
    const VERBS: &'static str;
    /// Letters that write what is read from a file before a sync has covered it.
    const READ_BACK: &'static str;
    /// What works again after a mended fault, as letters.
    const CHORES: &'static str;
    /// The variable of the environment that replays a case.
    const REPLAY: &'static str;

    fn name(self) -> &'static str;

    fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|subject| subject.name() == name).unwrap()
    }

    /// The words that replay a script; `rest` says what goes wrong.
    fn replay_line(self, script: &str, rest: &str) -> String {
        format!("{}='mode={} script={script}{rest}'", Self::REPLAY, self.name())
    }

    /// The case that is to be replayed.
    fn asked() -> Option<(Self, Case)> {
        let case = Case::of(Self::REPLAY)?;
        Some((Self::named(case.word("mode=").unwrap()), case))
    }
}

/// What a subject is found to hold.
type Found<R> = <<R as ScriptRun>::Of as Subject>::Found;

/// A run of a script.
pub trait ScriptRun: Sized {
    type Of: Scripted<Run = Self>;

    /// A run on this disk, in which nothing is open yet.
    fn closed(subject: Self::Of, disk: SimDisk, seed: u64) -> Self;

    fn open(&mut self);

    /// One letter. Failures are noted: with a sound disk there must be none.
    fn verb(&mut self, verb: char);

    /// Ends the run as a crash would.
    fn kill(&mut self);

    /// Goes back to a moment of this disk, crashes there, and goes on with what is left.
    fn crash(&mut self, moment: &Moment, crash: Crash);

    fn disk(&self) -> &SimDisk;

    /// What contradicted a promise while the script ran.
    fn violation(&self) -> Option<&String>;

    /// Every call that failed.
    fn failures(&self) -> &[String];

    /// What a crash right behind operation `at` may leave, to be held against what was found. With
    /// `true` only the process died.
    fn promises(&self, at: u64) -> impl Fn(bool, &Found<Self>) -> Result<(), String>;

    fn is_open(&self) -> bool;

    /// The fault that stopped the writing.
    fn fault(&self) -> Option<Error>;

    /// Takes up writing again; then everything that was acknowledged is durable.
    fn resume(&mut self) -> Result<()>;

    fn sync(&self) -> Result<()>;

    /// Writes a little; true if that was acknowledged.
    fn put(&mut self, durability: Durability) -> bool;

    /// The disk may refuse to read, or no longer.
    fn may_fail_reads(&mut self, _may: bool) {}

    /// What readers see must be what was answered.
    fn look_again(&self) -> Result<(), String> {
        Ok(())
    }

    /// Every file is whole.
    fn verify(&self) -> Result<()> {
        Ok(())
    }

    /// A new database on this disk.
    fn begin(subject: Self::Of, disk: SimDisk, seed: u64) -> Self {
        let mut run = Self::closed(subject, disk, seed);
        run.open();
        run
    }

    /// The whole script, as it would be without a crash.
    fn all(subject: Self::Of, disk: SimDisk, script: &str) -> Self {
        Self::troubled(subject, disk, script, false)
    }

    /// The same on a disk that may refuse to read.
    fn troubled(subject: Self::Of, disk: SimDisk, script: &str, may_fail_reads: bool) -> Self {
        let mut run = Self::closed(subject, disk, 1);
        run.may_fail_reads(may_fail_reads);
        run.open();
        script.chars().for_each(|verb| run.verb(verb));
        run
    }

    /// The first thing that was wrong, on a sound disk.
    fn broken(&self) -> Option<String> {
        self.violation().or(self.failures().first()).cloned()
    }
}
