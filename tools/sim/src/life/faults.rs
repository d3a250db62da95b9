//! Faults: which there are, whether one explains an error, and that none is passed over in silence.

use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;
use lsm_core::{Error, ErrorKind};

use super::{Life, Lived};

/// Operations and files, what happens, and whether it may go on happening.
const FAULTS: &[(&str, &str, bool)] = &[
    ("write|store(.wal$)", "eio", true),
    ("sync_data|sync_window(.wal$)", "eio-keep", true),
    ("sync_data|sync_window(.wal$)", "eio-drop", false),
    ("create(.wal$)", "enospc", true),
    ("write|allocate|create|create_dir|set_len|sync_data|rename()", "enospc", true),
    ("write(.sst$)", "eio", true),
    ("sync_data(.sst$)", "eio-keep", true),
    ("sync_data(.sst$)", "eio-drop", false),
    ("write(.manifest$)", "eio", true),
    ("sync_data(.manifest$)", "eio-keep", true),
    ("sync_data(.manifest$)", "eio-drop", false),
    ("sync_dir(db)", "eio-keep", false),
    ("rename()", "eio", true),
    ("create|open|open_dir|map()", "emfile", true),
    ("open(.sst$)", "enfile", true),
    ("read(.sst$)", "eio", true),
    ("read(.blob$)", "eio", true),
    ("write|read()", "eintr", false),
    ("write()", "eagain", false),
    ("write()", "short-write", false),
    ("read()", "short-read", true),
    ("*()", "latency-3000000us", false),
    ("store|populate|sync_window()", "window-lost", false),
    ("*()", "full", false),
    ("*()", "read-only", false),
    ("write(.blob$)", "eio", true),
    ("sync_data(.blob$)", "eio-keep", true),
    ("sync_data(.blob$)", "eio-drop", false),
    ("create(.blob$)", "edquot", true),
    ("unlink()", "eacces", true),
    ("create()", "erofs", true),
    ("open(.sst$)", "enoent", false),
    ("map()", "enomem", true),
    ("allocate()", "eopnotsupp", true),
    ("read(.sst$)", "flip@13^4", false),
    ("*()", "eio", false),
];

impl Life {
    /// Some fault of those that the seed knows.
    pub(super) fn some_fault(&self, a: u64, b: u64, c: u64) -> Fault {
        let known = |at: &usize| self.swarm.faults >> (at % 32) & 1 == 1;
        let known: Vec<usize> = (0..FAULTS.len()).filter(known).collect();
        let (place, effect, may_last) = FAULTS[known[a as usize % known.len()]];
        let plus = if may_last && c % 3 == 0 { "+" } else { "" };
        let nth = 1 + b % [1, 3, 16][(c / 3 % 3) as usize];
        let text = format!("{place}#{nth}{plus}:{effect}");
        text.parse().unwrap_or_else(|_| Fault::new(&[], "", Effect::Error(libc::EIO)))
    }

    pub(super) fn arm_fault(&mut self, a: u64, b: u64, c: u64) {
        self.let_go_beside();
        self.disk.inject(self.some_fault(a, b, c));
    }

    /// How often faults have struck that may make a call fail.
    pub(super) fn strikes(&self) -> u64 {
        let is_harmful =
            |fault: &Fault| !matches!(fault.effect, Effect::Latency(_) | Effect::ShortRead);
        let strikes = self.disk.fault_strikes().into_iter();
        strikes.filter(|(fault, _)| is_harmful(fault)).map(|(_, strikes)| strikes).sum()
    }

    fn has_struck(&self, is_it: impl Fn(&Effect) -> bool) -> bool {
        let mut strikes = self.disk.fault_strikes().into_iter();
        strikes.any(|(fault, strikes)| strikes > 0 && is_it(&fault.effect))
    }

    /// Takes in whether a failed sync has dropped something.
    pub(super) fn note_dropped(&mut self) {
        let is_drop = |effect: &Effect| *effect == Effect::SyncFails { drops_cache: true };
        self.is_dropped |= self.has_struck(is_drop);
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.strikes() > self.calm
    }

    /// An error has to have a reason: a fault that struck and is not mended yet.
    pub(super) fn explain(&mut self, error: &Error) -> Lived {
        self.note_dropped();
        self.signs += 1;
        *self.tally.calls.entry("failed by a fault").or_insert(0) += 1;
        if !self.is_troubled() {
            return Err(format!("no fault explains {error:?}"));
        }
        let is_harmful = |effect: &Effect| {
            let enoent = Effect::Error(libc::ENOENT);
            matches!(effect, Effect::ReadFlip { .. } | Effect::WindowLost) || *effect == enoent
        };
        match error.kind() {
            ErrorKind::Internal => Err(format!("a bug shows: {error:?}")),
            ErrorKind::Corruption if !self.is_dropped && !self.has_struck(is_harmful) => {
                Err(format!("no fault explains damage: {error:?}"))
            }
            _ => Ok(()),
        }
    }

    /// How often writing a table has failed.
    pub(super) fn table_strikes(&self) -> u64 {
        let is_write = |kind: &OpKind| matches!(kind, OpKind::Write | OpKind::SyncData);
        let is_it = |fault: &Fault| {
            let is_failure = matches!(fault.effect, Effect::Error(_) | Effect::SyncFails { .. });
            is_failure && fault.pattern == ".sst$" && fault.kinds.iter().all(is_write)
        };
        let strikes = self.disk.fault_strikes().into_iter();
        strikes.filter(|(fault, _)| is_it(fault)).map(|(_, strikes)| strikes).sum()
    }

    /// What failed while a table was written shows: a call has failed, or the engine tells of it.
    pub(super) fn check_surfaced(&self) -> Lived {
        let told = self.process.told.troubles.load(std::sync::atomic::Ordering::Relaxed);
        let silent = self.table_strikes().saturating_sub(self.calm_tables);
        if silent > 0 && told + self.signs == 0 {
            return Err(format!(
                "writing a table has failed {silent} times, and nothing tells of it"
            ));
        }
        Ok(())
    }

    /// Counts what has struck on a disk that is left.
    pub(super) fn count_faults(&mut self) {
        for (fault, strikes) in self.disk.fault_strikes() {
            if strikes > 0 {
                let name = fault.effect.to_string();
                *self.tally.faults.entry(name).or_insert(0) += 1;
            }
        }
    }
}
