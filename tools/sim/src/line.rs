//! The line of commits since an opening, and what of it may be found after a crash.
//!
//! What was acknowledged is ordered by its sequence number. A crash leaves a prefix of the line,
//! but for writes that are in no log: those are found as far as a flush has come. What failed and
//! is in doubt is there or not. Times are numbers of disk operations, so that a crash after any of
//! them can be judged.

use crate::found::{Found, is_shown_by};
use crate::model::{Change, State};

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Acknowledged at this time.
    There(u64),
    /// Failed, and in doubt since this time.
    Doubtful(u64),
}

/// One commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// The minute in which it was written.
    pub minute: u64,
    /// It is in the log.
    pub is_logged: bool,
    /// It was durable when it was acknowledged, whatever the log says.
    pub is_sure: bool,
    /// Its number, or that of the last before it.
    pub seqno: u64,
    /// When it was begun.
    pub issued: u64,
    /// How it ended.
    pub fate: Fate,
}

/// The commits since an opening, and what was there before them.
#[derive(Clone, Debug)]
pub struct Line {
    base: State,
    commits: Vec<Commit>,
    /// From this time on all logged commits up to this number are durable.
    durable: Vec<(u64, u64)>,
    /// The same of all commits, logged or not.
    flushed: Vec<(u64, u64)>,
}

/// How the process went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All that the system has taken is there.
    Kept,
    /// Only what is durable is sure.
    Cut,
    /// It lives on; whoever looks at it sees what it had done by this time, and perhaps more.
    Beside(u64),
}

/// What may be found: a walk through the line.
struct Walk<'a> {
    commits: Vec<&'a Commit>,
    is_doubtful: Vec<bool>,
    /// At least so many commits are there, if they are logged, or flushed.
    least: usize,
    flushed: usize,
}

impl Line {
    /// A line that begins with this.
    #[must_use]
    pub fn new(base: State) -> Self {
        Self { base, commits: Vec::new(), durable: Vec::new(), flushed: Vec::new() }
    }

    /// The largest number that was acknowledged.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.commits.last().map_or(0, |commit| commit.seqno)
    }

    /// How many commits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// How many of them are in doubt.
    #[must_use]
    pub fn doubts(&self) -> usize {
        self.commits.iter().filter(|commit| matches!(commit.fate, Fate::Doubtful(_))).count()
    }

    /// How many are in no log, and not known to be in a table.
    #[must_use]
    pub fn loose(&self) -> usize {
        let flushed = self.flushed.iter().map(|(_, seqno)| *seqno).max().unwrap_or(0);
        self.commits.iter().filter(|it| !it.is_logged && it.seqno > flushed).count()
    }

    /// Takes in a commit at its place.
    pub fn add(&mut self, commit: Commit) {
        let is_before = |other: &Commit| other.seqno <= commit.seqno;
        let place = self.commits.iter().rposition(is_before).map_or(0, |place| place + 1);
        self.commits.insert(place, commit);
    }

    /// From this time on everything logged is durable, up to this number.
    pub fn note_durable(&mut self, time: u64, seqno: u64) {
        self.durable.push((time, seqno));
    }

    /// From this time on everything is durable, up to this number.
    pub fn note_flushed(&mut self, time: u64, seqno: u64) {
        self.flushed.push((time, seqno));
        self.note_durable(time, seqno);
    }

    /// A state that shows what was found in this minute, if a process that went like this at this
    /// time may have left one.
    #[must_use]
    pub fn find(&self, (time, end): (u64, Exit), minute: u64, found: &Found) -> Option<State> {
        let walk = self.walk(time, end);
        let mut base = self.base.clone();
        base.set_minute(minute);
        let doubts = walk.is_doubtful.iter().filter(|is| **is).count();
        let loose: Vec<usize> = walk.loose();
        // What is most likely comes first: nothing of what is in doubt, or all of it.
        for choice in 0..1u64 << doubts.min(10) {
            for flushed in std::iter::once(walk.commits.len()).chain(loose.iter().rev().copied()) {
                if let Some(found) = walk.go(base.clone(), choice, flushed, found) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The most and the least of what may be found, in words.
    #[must_use]
    pub fn describe(&self, (time, end): (u64, Exit), minute: u64) -> String {
        let walk = self.walk(time, end);
        let state = |count: usize, choice: u64| {
            let mut state = self.base.clone();
            state.set_minute(minute);
            let mut doubt = 0;
            for (commit, is_doubtful) in walk.commits.iter().zip(&walk.is_doubtful).take(count) {
                doubt += u32::from(*is_doubtful);
                if !is_doubtful || choice >> (doubt - 1) & 1 == 1 {
                    commit.changes.iter().for_each(|it| state.apply(it, commit.minute));
                }
            }
            state.describe()
        };
        let all = walk.commits.len();
        let doubts = walk.is_doubtful.iter().filter(|is| **is).count();
        let told = walk.commits.iter().rev().take(6).map(|commit| commit.describe());
        format!(
            "{} to {all} commits, {doubts} of them in doubt, from {} to {}; the last are {}",
            walk.least,
            state(walk.least, 0),
            state(all, 0),
            told.collect::<Vec<_>>().join(", "),
        )
    }

    fn walk(&self, time: u64, end: Exit) -> Walk<'_> {
        let begun = self.commits.iter().filter(|commit| commit.issued <= time);
        let commits: Vec<&Commit> = begun.collect();
        let is_doubtful: Vec<bool> = commits
            .iter()
            .map(|commit| !matches!(commit.fate, Fate::There(answered) if answered <= time))
            .collect();
        let known_at = if let Exit::Beside(since) = end { since } else { time };
        let mark = |marks: &[(u64, u64)]| {
            let known = marks.iter().filter(|(since, _)| *since <= known_at);
            known.map(|(_, seqno)| *seqno).max().unwrap_or(0)
        };
        let (durable, flushed) = (mark(&self.durable), mark(&self.flushed));
        let is_kept = end != Exit::Cut;
        let is_known = |it: &Commit| matches!(it.fate, Fate::There(since) if since <= known_at);
        let is_there = |commit: &&Commit| {
            let is_logged = commit.is_logged && (commit.seqno <= durable || is_kept);
            is_known(commit) && (is_logged || commit.is_sure)
        };
        // Keyspaces have no number of their own.
        let is_in_table =
            |commit: &&Commit| is_known(commit) && !commit.is_sure && commit.seqno <= flushed;
        let behind = |is_it: &dyn Fn(&&Commit) -> bool| {
            commits.iter().rposition(is_it).map_or(0, |at| at + 1)
        };
        let (least, flushed) = (behind(&is_there), behind(&is_in_table));
        Walk { commits, is_doubtful, least: least.max(flushed), flushed }
    }
}

impl Commit {
    fn describe(&self) -> String {
        let how = match (self.is_logged, self.is_sure) {
            (_, true) => "of the manifest",
            (true, _) => "logged",
            (false, _) => "volatile",
        };
        format!("number {} {how}, begun at {}, {:?}", self.seqno, self.issued, self.fate)
    }
}

impl Walk<'_> {
    /// Places up to which a flush may have come that make a difference.
    fn loose(&self) -> Vec<usize> {
        let is_loose = |at: &usize| !self.commits[*at].is_logged;
        (self.flushed..self.commits.len()).filter(is_loose).collect()
    }

    /// Goes along the line, with some of what is in doubt, and with what is in no log up to a
    /// place; answers the first state from the least on that shows this.
    fn go(&self, mut state: State, choice: u64, flushed: usize, found: &Found) -> Option<State> {
        let least = self.least.max(flushed.min(self.commits.len()));
        let least = if flushed >= self.commits.len() { self.least } else { least };
        let mut doubt = 0;
        for (at, commit) in self.commits.iter().enumerate() {
            if at >= least && is_shown_by(found, &state) {
                return Some(state);
            }
            let is_chosen = !self.is_doubtful[at] || {
                doubt += 1;
                choice >> (doubt - 1).min(63) & 1 == 1
            };
            // Whatever is not logged lies before the place, or is lost.
            if is_chosen && (commit.is_logged || at < flushed) {
                commit.changes.iter().for_each(|it| state.apply(it, commit.minute));
            }
        }
        is_shown_by(found, &state).then_some(state)
    }
}
