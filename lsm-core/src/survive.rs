//! Which entries live on when tables are rewritten. Pure: no file, no clock, no cursor.
//!
//! Readers are the live snapshots and everyone to come, who reads at the latest number. An entry
//! may go once no reader can meet it: a newer one of its key, or a range tombstone over it, stands
//! between it and every reader. What deletes may go once there is nothing left that it deletes.

use std::sync::Arc;

use crate::base::planted::{Bug, planted};
use crate::cursor::cover::Cover;
use crate::cursor::tombstone::{Fragments, Span};
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{kind_of, seqno_of};

/// What is known of readers, and of what is not being rewritten.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The live snapshots, ascending.
    pub snapshots: Vec<SeqNo>,
    /// True if nothing older can exist under the key range of what is written.
    pub is_bottom: bool,
}

impl Rules {
    /// The number up to which all readers see the same.
    fn oldest(&self) -> SeqNo {
        self.snapshots.first().copied().unwrap_or(SeqNo::MAX)
    }

    /// True if some snapshot sees what was written at `older` and not what was written at `newer`.
    #[must_use]
    pub fn is_between(&self, older: SeqNo, newer: SeqNo) -> bool {
        let first = self.snapshots.partition_point(|snapshot| *snapshot < older);
        self.snapshots.get(first).is_some_and(|snapshot| *snapshot < newer)
    }

    /// The range tombstones that live on.
    ///
    /// Over each key, of those between two snapshots only the newest is of use. To keep to that
    /// means to cut them up, so it is done only where it makes them fewer.
    #[must_use]
    pub fn tombstones(&self, all: &Fragments) -> Fragments {
        let is_of_use = |seqno| !(self.is_bottom && seqno <= self.oldest());
        let kept = all.filter(is_of_use);
        let mut spans = Vec::new();
        for fragment in kept.fragments() {
            let mut ceiling = SeqNo::MAX;
            loop {
                let seqno = fragment.covering(ceiling);
                if seqno == SeqNo::ZERO {
                    break;
                }
                spans.push(Span { start: fragment.start, end: fragment.end, seqno });
                // Next, the newest that the last snapshot before this one sees.
                let before = self.snapshots.partition_point(|snapshot| *snapshot < seqno);
                match before.checked_sub(1).and_then(|last| self.snapshots.get(last)) {
                    Some(snapshot) => ceiling = *snapshot,
                    None => break,
                }
            }
        }
        let cut = Fragments::of(spans);
        if cut.len() < kept.len() { cut } else { kept }
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is written as it is.
    Keep,
    /// It is written with sequence number 0, since all readers see it alike.
    KeepAsZero,
    /// It is left out.
    Drop,
}

/// Judges the entries of a rewrite, one after the other.
#[derive(Clone, Debug)]
pub struct Survive {
    rules: Rules,
    cover: Cover,
    kept: Cover,
    has_key: bool,
    key: Vec<u8>,
    /// The last entry of this key that takes the place of all older ones, as a merge does not.
    newer: Option<SeqNo>,
}

impl Survive {
    /// `tombstones` are all range tombstones of what is rewritten, before any is left out.
    #[must_use]
    pub fn new(rules: Rules, tombstones: Arc<Fragments>) -> Self {
        let kept = Cover::new(Arc::new(rules.tombstones(&tombstones)));
        Self {
            rules,
            cover: Cover::new(tombstones),
            kept,
            has_key: false,
            key: Vec::new(),
            newer: None,
        }
    }

    /// What is known of readers.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The range tombstones that live on, to be cut to the bounds of each file.
    #[must_use]
    pub fn tombstones(&self) -> &Arc<Fragments> {
        self.kept.fragments()
    }

    /// What becomes of an entry. Entries come in their order, each once.
    pub fn judge(&mut self, key: &[u8], trailer: u64) -> Verdict {
        if !self.has_key || self.key != key {
            self.key.clear();
            self.key.extend_from_slice(key);
            (self.has_key, self.newer) = (true, None);
        }
        let (seqno, kind) = (seqno_of(trailer), kind_of(trailer));
        // What hides an entry may itself be left out, so nothing hidden is kept, whatever it is.
        let is_hidden = self.newer.is_some_and(|newer| !self.rules.is_between(seqno, newer));
        if !matches!(kind, None | Some(Kind::Merge | Kind::RangeDelete)) {
            self.newer = Some(seqno);
        }
        if is_hidden || self.is_covered(key, seqno) {
            return Verdict::Drop;
        }
        self.judge_folded(key, trailer)
    }

    /// What was judged of the key at hand is gone with what hides it: the rest of the key is judged
    /// as if nothing were newer.
    pub fn begin_anew(&mut self) {
        self.newer = None;
    }

    /// What becomes of an entry that nothing newer hides.
    pub fn judge_folded(&mut self, key: &[u8], trailer: u64) -> Verdict {
        let (seqno, kind) = (seqno_of(trailer), kind_of(trailer));
        let is_seen_alike = self.rules.is_bottom && seqno <= self.rules.oldest();
        let may_go = is_seen_alike || planted(Bug::TombstoneDroppedTooEarly);
        let may_be_zero = is_seen_alike || planted(Bug::SequenceZeroedTooEarly);
        match kind {
            Some(Kind::Delete | Kind::SingleDelete) if may_go => Verdict::Drop,
            Some(Kind::Put | Kind::PutExpiring | Kind::BlobRef) if may_be_zero => {
                let is_under = self.kept.newest(key, SeqNo::MAX) > SeqNo::ZERO;
                if is_under { Verdict::Keep } else { Verdict::KeepAsZero }
            }
            _ => Verdict::Keep,
        }
    }

    /// True if a range tombstone hides it from everyone.
    fn is_covered(&mut self, key: &[u8], seqno: SeqNo) -> bool {
        // Whoever sees the entry at all sees at least as much as the first snapshot that does.
        let first = self.rules.snapshots.partition_point(|snapshot| *snapshot < seqno);
        let reader = self.rules.snapshots.get(first).copied().unwrap_or(SeqNo::MAX);
        self.cover.newest(key, reader) > seqno
    }
}

#[cfg(test)]
mod tests;
