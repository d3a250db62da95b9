//! The compaction filter of one keyspace, asked with care, and what a merge makes of its answers.
//!
//! Only what no live snapshot sees is shown, so no answer changes what one reads. A value keeps its
//! sequence number whatever is said of it: what is removed becomes a delete there, and so goes on
//! to hide what is older, until nothing older can be.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::base::contain::contained;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::blob::file::is_unreadable;
use crate::blob::reference::BlobRef;
use crate::blob::store::Blobs;
use crate::compaction::filter::{CompactionFilter, FilterContext, FilterDecision};
use crate::compaction::plan::Plan;
use crate::key::full::user_key;
use crate::key::kind::Kind;
use crate::key::order::Order;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{kind_of, seqno_of, trailer_of};
use crate::merge::merger::Merger;
use crate::options::expiry::Expiry;
use crate::survive::{Survive, Verdict};

/// The longest value.
const VALUE_BYTES_MAX: usize = 1 << 30;

/// The filter that a keyspace has by its options, which is there.
pub struct Sieve {
    filter: Arc<dyn CompactionFilter>,
    name: String,
    keyspace: String,
    /// How the keys are stored that it is shown.
    order: Order,
    /// Says what values make sense.
    merger: Option<Arc<Merger>>,
    /// How often it has failed since somebody was told.
    failures: AtomicU64,
    /// How it failed the first time.
    first: Mutex<Option<String>>,
}

impl Sieve {
    /// The filter of this name, for a keyspace of that name.
    #[must_use]
    pub fn new(
        (name, filter): (&str, Arc<dyn CompactionFilter>),
        keyspace: &str,
        order: &Order,
        merger: Option<Arc<Merger>>,
    ) -> Self {
        Self {
            filter,
            name: name.to_owned(),
            keyspace: keyspace.to_owned(),
            order: order.clone(),
            merger,
            failures: AtomicU64::new(0),
            first: Mutex::new(None),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the keyspace.
    #[must_use]
    pub fn keyspace(&self) -> &str {
        &self.keyspace
    }

    /// How often it has failed since this was asked last, and how it did first; none if it has not.
    #[must_use]
    pub fn take_failures(&self) -> Option<(u64, String)> {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let first = self.first.lock().take().unwrap_or_default();
        Some((self.failures.swap(0, Ordering::Relaxed), first))
    }

    /// What becomes of a value. Where the filter fails, it stays.
    fn ask(&self, key: &[u8], value: &[u8], context: &FilterContext<'_>) -> FilterDecision {
        let key = &self.order.shown(key);
        let answer = contained(|| self.filter.filter(key, value, context));
        let answer = answer.unwrap_or_else(|| Err(Error::new(ErrorKind::Aborted, "it panicked")));
        answer.and_then(|decision| self.checked(decision)).unwrap_or_else(|error| {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.first.lock().get_or_insert_with(|| error.to_string());
            FilterDecision::Keep
        })
    }

    /// Refuses a value that could not have been put.
    fn checked(&self, decision: FilterDecision) -> Result<FilterDecision> {
        if let FilterDecision::Replace(value) = &decision {
            if value.len() > VALUE_BYTES_MAX {
                return Err(Error::new(ErrorKind::TooLarge, "a value has at most 1 GiB"));
            }
            self.merger.iter().try_for_each(|merger| merger.check_value(value))?;
        }
        Ok(decision)
    }
}

impl fmt::Debug for Sieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sieve").field("name", &self.name).finish()
    }
}

/// How many values a filter has taken away, and how many it has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Those that are gone.
    pub removed: u64,
    /// Those that are others now.
    pub replaced: u64,
}

impl Sifted {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.removed.saturating_add(self.replaced)
    }

    /// These and others.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            removed: self.removed.saturating_add(other.removed),
            replaced: self.replaced.saturating_add(other.replaced),
        }
    }
}

/// An entry that is to be written: its full key, its trailer and its value.
pub type Entry<'k, 'v> = (&'k [u8], u64, &'v [u8]);

/// Shows one part of a merge to the filter.
#[derive(Debug)]
pub struct Sifter {
    sieve: Arc<Sieve>,
    /// Where large values are read that it is shown.
    blobs: Option<Arc<Blobs>>,
    level: u8,
    is_last_level: bool,
    /// Up to here some snapshot sees what was written.
    newest_snapshot: Option<SeqNo>,
    /// Operands of the key at hand stay above what comes next.
    is_beneath: bool,
    sifted: Sifted,
    /// Bytes of large values since somebody asked.
    fetched: usize,
}

impl Sifter {
    /// For what a plan writes, beside these snapshots, which ascend.
    #[must_use]
    pub fn new(
        (sieve, blobs): (Arc<Sieve>, Option<Arc<Blobs>>),
        plan: &Plan,
        snapshots: &[SeqNo],
    ) -> Self {
        Self {
            sieve,
            blobs,
            level: plan.output_level,
            is_last_level: plan.is_bottom,
            newest_snapshot: snapshots
                .last()
                .copied()
                .filter(|_| !planted(Bug::FilterShownWhatSnapshotsSee)),
            is_beneath: false,
            sifted: Sifted::default(),
            fetched: 0,
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn sifted(&self) -> Sifted {
        self.sifted
    }

    /// The next entry is of another key.
    pub fn end_key(&mut self) {
        self.is_beneath = false;
    }

    /// How many bytes of large values were read since this was asked last.
    pub fn take_fetched(&mut self) -> usize {
        std::mem::take(&mut self.fetched)
    }

    /// What is to be written in the place of an entry that is kept; none if nothing is.
    #[inline(never)]
    pub fn sift<'v>(
        &mut self,
        (key, trailer, value): Entry<'_, 'v>,
        survive: &mut Survive,
    ) -> Result<Option<(u64, Cow<'v, [u8]>)>> {
        let stays = Ok(Some((trailer, Cow::Borrowed(value))));
        let seqno = seqno_of(trailer);
        let kind = kind_of(trailer);
        self.is_beneath |= kind == Some(Kind::Merge);
        if self.is_beneath || self.newest_snapshot.is_some_and(|newest| seqno <= newest) {
            return stays;
        }
        let fetched;
        let (moment, seen) = match kind {
            Some(Kind::Put) => (0, value),
            Some(Kind::PutExpiring) => match value.split_first_chunk() {
                Some((moment, seen)) => (u64::from_le_bytes(*moment), seen),
                None => return stays,
            },
            Some(Kind::BlobRef) => match self.fetch(value)? {
                Some((moment, value)) => {
                    fetched = value;
                    (moment, &fetched[..])
                }
                None => return stays,
            },
            _ => return stays,
        };
        let context = FilterContext {
            keyspace: &self.sieve.keyspace,
            level: self.level,
            is_last_level: self.is_last_level,
            expiry: Expiry::from_stored(moment),
        };
        match self.sieve.ask(user_key(key), seen, &context) {
            FilterDecision::Keep => stays,
            FilterDecision::Replace(new) if new == seen => stays,
            FilterDecision::Replace(new) => {
                self.sifted.replaced += 1;
                Ok(Some(put_at(seqno, moment, new)))
            }
            FilterDecision::Remove => {
                self.sifted.removed += 1;
                let trailer = trailer_of(seqno, Kind::Delete);
                let verdict = survive.judge_folded(key, trailer);
                let is_left_out = verdict == Verdict::Drop || planted(Bug::FilterUncoversOlder);
                Ok((!is_left_out).then_some((trailer, Cow::Borrowed(&[]))))
            }
        }
    }

    /// When the value of a reference expires, 0 for never, and the value; none if that cannot be
    /// read. The entry stays then, and whoever reads the key is told.
    fn fetch(&mut self, reference: &[u8]) -> Result<Option<(u64, Slice)>> {
        let Some(blobs) = &self.blobs else { return Ok(None) };
        let Some(reference) = BlobRef::decode(reference) else { return Ok(None) };
        match blobs.read(&reference) {
            Ok(value) => {
                self.fetched = self.fetched.saturating_add(reference.len as usize);
                Ok(Some((reference.expiry_millis.unwrap_or(0), value)))
            }
            Err(error) if is_unreadable(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A put beside its key, of a value that expires unless its moment is 0.
fn put_at<'v>(seqno: SeqNo, moment: u64, value: Vec<u8>) -> (u64, Cow<'v, [u8]>) {
    if moment == 0 {
        return (trailer_of(seqno, Kind::Put), Cow::Owned(value));
    }
    let value = [&moment.to_le_bytes()[..], &value].concat();
    (trailer_of(seqno, Kind::PutExpiring), Cow::Owned(value))
}

#[cfg(test)]
mod tests;
