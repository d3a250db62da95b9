//! Folding: merge operands that meet when tables are written become fewer, or a value; a single
//! delete and the put that it meets become nothing.
//!
//! Only what every reader sees alike is folded: the operands between two snapshots, with the value
//! or the delete under them if no snapshot stands in between. A range tombstone among them ends
//! what they are applied to. Where the operator fails, or is not registered, everything stays as it
//! is: whoever reads the key hears of it.
//!
//! A single delete goes with its put only in a keyspace that writes each key once, and only if all
//! readers see both or neither. What is older than the two is then judged as if they had never
//! been.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::blob::file::is_unreadable;
use crate::blob::reference::BlobRef;
use crate::blob::store::Blobs;
use crate::key::full::{keyspace_of, user_key};
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::trailer::{kind_of, seqno_of, trailer_of};
use crate::merge::chain::Chain;
use crate::merge::merger::Merger;
use crate::survive::{Survive, Verdict};

/// Operands of one key that are held may take so many bytes; beyond that they stay as they are.
const HELD_BYTES_MAX: usize = 8 << 20;

/// How a keyspace is folded.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its operator, if it has one.
    pub merger: Option<Arc<Merger>>,
    /// Values that expire may stand in tables of it.
    pub may_expire: bool,
    /// No key is put again before it was deleted.
    pub is_write_once: bool,
    /// Where its large values are read.
    pub blobs: Option<Arc<Blobs>>,
}

/// The keyspaces that are folded.
pub type Mergers = Arc<BTreeMap<KeyspaceId, Rule>>;

/// An entry that was folded, or let through.
type Entry = (u64, Vec<u8>);

/// Folds the entries of one key after the other, from its first operand on.
#[derive(Debug)]
pub struct Folder {
    mergers: Mergers,
    /// What has expired by then is gone for every reader.
    expired_millis: u64,
    rule: Option<Rule>,
    key: Vec<u8>,
    is_on: bool,
    /// The operands that no snapshot stands between.
    run: Chain,
    /// The trailer of a single delete that has not met its put yet.
    single: Option<u64>,
    /// What of the key is to be written, in order.
    ready: Vec<Entry>,
}

impl Folder {
    /// Folds for these keyspaces; what has expired by `expired_millis` becomes a delete.
    #[must_use]
    pub fn new(mergers: Mergers, expired_millis: u64) -> Self {
        Self {
            mergers,
            expired_millis,
            rule: None,
            key: Vec::new(),
            is_on: false,
            run: Chain::default(),
            single: None,
            ready: Vec::new(),
        }
    }

    /// True if an entry with this trailer is to be handed over.
    #[inline]
    #[must_use]
    pub fn wants(&self, trailer: u64) -> bool {
        const FOLDED: [u64; 2] = [Kind::Merge as u64, Kind::SingleDelete as u64];
        self.is_on || FOLDED.contains(&(trailer & 0xff))
    }

    /// True from the first operand or single delete of a key on, until `finish`.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// The key at hand.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Takes what is to be written by now.
    pub fn take_ready(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.ready)
    }

    /// Gives the memory back, to be used again.
    pub fn keep(&mut self, mut used: Vec<Entry>) {
        used.clear();
        self.ready = used;
    }

    /// Takes an entry of the key at hand, or the first operand or single delete of another, and
    /// what was judged of it.
    pub fn take(
        &mut self,
        (key, trailer, value): (&[u8], u64, &[u8]),
        verdict: Verdict,
        survive: &mut Survive,
    ) -> Result<()> {
        if !self.is_on {
            self.begin(key);
        }
        if self.has_met_its_put(trailer, verdict, survive) {
            return Ok(());
        }
        let is_apart = self.run.trailers().is_some_and(|(_, oldest)| {
            survive.rules().is_between(seqno_of(trailer), seqno_of(oldest))
                && !planted(Bug::OperandsFoldedUnderSnapshot)
        });
        match (kind_of(trailer), verdict) {
            (Some(Kind::Merge), Verdict::Keep | Verdict::KeepAsZero) if self.has_merger() => {
                if is_apart {
                    self.close(true);
                }
                self.run.push(trailer, value)?;
                self.bound();
            }
            // What is dropped beneath the operands is hidden by a tombstone that they are not
            // hidden by, or is a delete.
            (_, Verdict::Drop) => {
                if !is_apart && !self.run.is_empty() {
                    self.run.set_absent();
                    let _stays_as_it_is = self.fold(survive)?;
                }
            }
            (Some(kind @ (Kind::Put | Kind::PutExpiring)), _)
                if !is_apart && !self.run.is_empty() =>
            {
                let (end, value_at) = match kind {
                    Kind::PutExpiring => {
                        (value.first_chunk().map_or(0, |b| u64::from_le_bytes(*b)), 8)
                    }
                    _ => (0, 0),
                };
                self.run.set_base(value.get(value_at..).unwrap_or_default(), end)?;
                if !self.fold(survive)? {
                    self.let_through(trailer, value, verdict);
                }
            }
            (Some(Kind::BlobRef), _) if !is_apart && !self.run.is_empty() => {
                if !(self.set_large_base(value)? && self.fold(survive)?) {
                    self.close(true);
                    self.let_through(trailer, value, verdict);
                }
            }
            (Some(Kind::Delete | Kind::SingleDelete), _) if !is_apart && !self.run.is_empty() => {
                self.run.set_absent();
                if !self.fold(survive)? {
                    self.let_through(trailer, value, verdict);
                }
            }
            (Some(Kind::SingleDelete), Verdict::Keep) if self.is_write_once() => {
                self.close(true);
                self.single = Some(trailer);
            }
            _ => {
                self.close(true);
                self.let_through(trailer, value, verdict);
            }
        }
        Ok(())
    }

    fn begin(&mut self, key: &[u8]) {
        self.is_on = true;
        self.key.clear();
        self.key.extend_from_slice(key);
        self.rule = self.mergers.get(&keyspace_of(key)).cloned();
    }

    /// True if the entry is the put of the single delete before it: both are gone. Else that is let
    /// through.
    fn has_met_its_put(&mut self, trailer: u64, verdict: Verdict, survive: &mut Survive) -> bool {
        let Some(single) = self.single.take() else { return false };
        let is_put =
            matches!(kind_of(trailer), Some(Kind::Put | Kind::PutExpiring | Kind::BlobRef));
        let is_apart = survive.rules().is_between(seqno_of(trailer), seqno_of(single));
        if is_put && verdict == Verdict::Drop && !is_apart {
            survive.begin_anew();
            return true;
        }
        self.ready.push((single, Vec::new()));
        false
    }

    /// The operands are applied to the value that a reference stands for; false if that cannot be
    /// read, or is longer than what may be held.
    fn set_large_base(&mut self, reference: &[u8]) -> Result<bool> {
        let blobs = self.rule.as_ref().and_then(|rule| rule.blobs.as_ref());
        let known = BlobRef::decode(reference).filter(|it| it.raw as usize <= HELD_BYTES_MAX);
        let (Some(blobs), Some(known)) = (blobs, known) else { return Ok(false) };
        match blobs.read(&known) {
            Ok(value) => self.run.set_base(&value, known.expiry_millis.unwrap_or(0))?,
            // Whoever reads the key is told.
            Err(error) if is_unreadable(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn has_merger(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.merger.is_some())
    }

    fn is_write_once(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.is_write_once)
    }

    fn merger(&self) -> Option<Arc<Merger>> {
        self.rule.as_ref().and_then(|rule| rule.merger.clone())
    }

    /// The key has no more entries.
    pub fn finish(&mut self, survive: &mut Survive) -> Result<()> {
        if let Some(single) = self.single.take().filter(|_| !planted(Bug::SingleDeleteForgotten)) {
            self.ready.push((single, Vec::new()));
        }
        if !self.run.is_empty() {
            if survive.rules().is_bottom {
                self.run.set_absent();
                let _stays_as_it_is = self.fold(survive)?;
            } else if self.run.has_begun_anew() {
                let _stays_as_it_is = self.fold(survive)?;
            } else {
                self.close(self.rule.as_ref().is_none_or(|rule| rule.may_expire));
            }
        }
        self.is_on = false;
        self.rule = None;
        Ok(())
    }

    fn let_through(&mut self, trailer: u64, value: &[u8], verdict: Verdict) {
        let trailer = if verdict == Verdict::KeepAsZero { trailer & 0xff } else { trailer };
        self.ready.push((trailer, value.to_vec()));
    }

    /// The operands become a value; false if they stay operands.
    fn fold(&mut self, survive: &mut Survive) -> Result<bool> {
        let (Some(merger), Some((newest, _))) = (self.merger(), self.run.trailers()) else {
            return Ok(false);
        };
        let mut value = Vec::new();
        let Ok(end) = self.run.fold(&merger, user_key(&self.key), &mut value) else {
            self.give_out();
            return Ok(false);
        };
        let seqno = seqno_of(newest);
        let (trailer, value) = if end == 0 {
            (trailer_of(seqno, Kind::Put), value)
        } else if end <= self.expired_millis {
            (trailer_of(seqno, Kind::Delete), Vec::new())
        } else {
            let stamped = [&end.to_le_bytes()[..], value.as_slice()].concat();
            (trailer_of(seqno, Kind::PutExpiring), stamped)
        };
        self.run.clear();
        let verdict = survive.judge_folded(&self.key, trailer);
        if verdict != Verdict::Drop {
            self.let_through(trailer, &value, verdict);
        }
        Ok(true)
    }

    /// The operands end here, above something that is not known or that they are apart from.
    fn close(&mut self, may_expire: bool) {
        if let Some(merger) = self.merger() {
            if self.run.len() > 1 {
                self.run.combine(&merger, user_key(&self.key), may_expire);
            }
        }
        self.give_out();
    }

    fn give_out(&mut self) {
        self.ready.extend(self.run.stored());
        self.run.clear();
    }

    /// Keeps the operands from taking too much memory.
    fn bound(&mut self) {
        if self.run.bytes() < HELD_BYTES_MAX {
            return;
        }
        if let Some(merger) = self.merger() {
            self.run.combine(&merger, user_key(&self.key), true);
        }
        if self.run.bytes() >= HELD_BYTES_MAX / 2 {
            self.give_out();
            // What follows of the key is let through.
            self.rule = None;
        }
    }
}

#[cfg(test)]
mod tests;
