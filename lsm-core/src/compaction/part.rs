//! One part of a merge: a range of keys, from the inputs to finished and proved tables.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::blob::reference::stamp_of;
use crate::compaction::apart::{Mover, Moving};
use crate::compaction::plan::Plan;
use crate::compaction::sieve::{Entry, Sieve, Sifted, Sifter};
use crate::compaction::source::{SlicePart, run_cursor};
use crate::compaction::split::Splitter;
use crate::cursor::concat::Concat;
use crate::cursor::contract::Cursor;
use crate::cursor::merge::Merge;
use crate::cursor::tombstone::Fragments;
use crate::fold::{Folder, Mergers};
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{NEWEST, seqno_of, trailer_of};
use crate::output::{Draft, Proof, STEP_BYTES, Sink, Written, is_over};
use crate::survive::{Rules, Survive, Verdict};
use crate::table::options::TableOptions;
use crate::version::edit::Edit;

/// What a merge has to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The live snapshots, ascending, as of now.
    pub snapshots: Vec<SeqNo>,
    /// What expired by then is seen by no live view, in milliseconds by the catalog's clock: no
    /// later than the time that the oldest snapshot or iterator goes by.
    pub expired_millis: u64,
    /// How tables are written.
    pub options: TableOptions,
    /// Into how many parts the merge may be cut.
    pub parts: usize,
    /// Whose operands are folded.
    pub mergers: Mergers,
    /// The filter that is shown what is written, if the keyspace has one.
    pub sieve: Option<Arc<Sieve>>,
    /// Which large values are moved.
    pub moving: Moving,
}

/// What the parts of a merge share.
#[derive(Debug)]
pub struct Common {
    /// What is merged.
    pub plan: Plan,
    /// How.
    pub setup: Setup,
    /// All range tombstones of the inputs.
    pub tombstones: Arc<Fragments>,
    /// Where tables come from.
    pub sink: Arc<dyn Sink>,
}

/// A part that is being done.
#[derive(Debug)]
pub struct Part {
    common: Arc<Common>,
    /// The first key; empty for the first part.
    start: Vec<u8>,
    /// The key behind the last one.
    end: Option<Vec<u8>>,
    source: Merge<Concat<Vec<SlicePart>>>,
    survive: Survive,
    folder: Folder,
    sifter: Option<Sifter>,
    splitter: Splitter,
    /// Where the table that is written begins.
    from: Vec<u8>,
    /// The key that was met last.
    last: Vec<u8>,
    /// Entries read.
    read: u64,
    made: Vec<u64>,
    written: Vec<Written>,
    mover: Mover,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Writing(Option<Draft>),
    Proving(Box<Proof>, Next),
    Done,
    Over,
}

/// What comes after a table.
#[derive(Clone, Copy, Debug)]
enum Next {
    Table,
    End,
}

impl Part {
    /// The part from one key up to another. Nothing happens before the first step.
    #[must_use]
    pub fn new(common: Arc<Common>, start: Vec<u8>, end: Option<Vec<u8>>) -> Self {
        let plan = &common.plan;
        let sources = plan.inputs.iter().map(|input| run_cursor(input, &common.sink)).collect();
        let snapshots = common.setup.snapshots.clone();
        let sieve = common.setup.sieve.clone();
        let blobs = &common.setup.moving.blobs;
        let sifter = sieve.map(|sieve| Sifter::new((sieve, blobs.clone()), plan, &snapshots));
        let rules = Rules { snapshots, is_bottom: plan.is_bottom };
        Self {
            source: Merge::new(sources),
            survive: Survive::new(rules, Arc::clone(&common.tombstones)),
            folder: Folder::new(Arc::clone(&common.setup.mergers), common.setup.expired_millis),
            sifter,
            splitter: Splitter::new(plan),
            from: start.clone(),
            start,
            end,
            last: Vec::new(),
            read: 0,
            made: Vec::new(),
            written: Vec::new(),
            mover: Mover::new(&common.setup.moving),
            state: State::New,
            common,
        }
    }

    /// Does the next piece; true when all tables are durable and proved. After an error the part is
    /// over, and what it made is gone.
    // A function of its own in every build, for whoever counts what it takes.
    #[inline(never)]
    pub fn step(&mut self) -> Result<bool> {
        let state = std::mem::replace(&mut self.state, State::Over);
        let advanced = self.advance(state).and_then(|state| {
            if matches!(state, State::Done) {
                self.mover.finish()?;
            }
            Ok(state)
        });
        match advanced {
            Ok(state) => self.state = state,
            Err(error) => {
                self.discard();
                return Err(error);
            }
        }
        Ok(matches!(self.state, State::Done))
    }

    fn advance(&mut self, state: State) -> Result<State> {
        match state {
            State::New => {
                self.source.seek(&self.start, NEWEST)?;
                Ok(State::Writing(None))
            }
            State::Writing(draft) => self.write(draft),
            State::Proving(mut proof, next) => {
                if !proof.step()? {
                    return Ok(State::Proving(proof, next));
                }
                self.written.push(proof.into_written());
                Ok(match next {
                    Next::Table => State::Writing(None),
                    Next::End => State::Done,
                })
            }
            State::Done => Ok(State::Done),
            State::Over => Err(is_over()),
        }
    }

    fn write(&mut self, mut draft: Option<Draft>) -> Result<State> {
        let mut done = 0;
        while done < STEP_BYTES {
            if self.folder.is_on() && !self.is_at_folded() {
                self.end_folding(&mut draft)?;
            }
            if !self.is_inside() {
                return self.finish(draft, None, Next::End);
            }
            let key = self.source.key();
            if self.last != key {
                // Asked before the entry is judged, and again, with no table, after the cut.
                let bytes = draft.as_ref().map_or(0, Draft::bytes);
                if self.splitter.ends_before(key, bytes) {
                    let cut = key.to_vec();
                    return self.finish(draft, Some(cut), Next::Table);
                }
                self.last.clear();
                self.last.extend_from_slice(key);
            }
            let value = self.source.value();
            done += key.len() + value.len();
            let (trailer, value) = self.aged(self.source.trailer(), value);
            let verdict = self.survive.judge(key, trailer);
            if self.folder.wants(trailer) {
                self.folder.take((key, trailer, value), verdict, &mut self.survive)?;
                self.write_folded(&mut draft)?;
            } else {
                let kept = match verdict {
                    Verdict::Keep => Some(trailer),
                    Verdict::KeepAsZero => Some(trailer & 0xff),
                    Verdict::Drop => None,
                };
                match (kept, &mut self.sifter) {
                    (None, _) => {}
                    // Where there is no filter, what is kept is written as it stands.
                    (Some(trailer), None) => {
                        let draft = begun(&mut draft, &self.common, &mut self.made)?;
                        let sink = self.common.sink.as_ref();
                        done += add_moved(draft, &mut self.mover, sink, (key, trailer, value))?;
                    }
                    (Some(trailer), Some(sifter)) => {
                        let sifted = sifter.sift((key, trailer, value), &mut self.survive)?;
                        done += sifter.take_fetched();
                        if let Some((trailer, value)) = sifted {
                            let draft = begun(&mut draft, &self.common, &mut self.made)?;
                            let entry = (key, trailer, value.as_ref());
                            let sink = self.common.sink.as_ref();
                            done += add_moved(draft, &mut self.mover, sink, entry)?;
                        }
                    }
                }
            }
            self.read += 1;
            self.source.next()?;
        }
        Ok(State::Writing(draft))
    }

    fn is_inside(&self) -> bool {
        self.source.is_valid()
            && self.end.as_ref().is_none_or(|end| self.source.key() < end.as_slice())
    }

    /// True at another entry of the key whose operands are folded.
    fn is_at_folded(&self) -> bool {
        self.is_inside() && self.source.key() == self.folder.key()
    }

    /// The key whose operands are folded has no more entries.
    #[cold]
    fn end_folding(&mut self, draft: &mut Option<Draft>) -> Result<()> {
        self.folder.finish(&mut self.survive)?;
        self.write_folded(draft)?;
        self.sifter.iter_mut().for_each(Sifter::end_key);
        Ok(())
    }

    #[cold]
    fn write_folded(&mut self, draft: &mut Option<Draft>) -> Result<()> {
        let ready = self.folder.take_ready();
        for (trailer, value) in &ready {
            let entry = (self.folder.key(), *trailer, value.as_slice());
            if let Some((trailer, value)) = sifted(&mut self.sifter, entry, &mut self.survive)? {
                let draft = begun(draft, &self.common, &mut self.made)?;
                let sink = self.common.sink.as_ref();
                let entry = (self.folder.key(), trailer, value.as_ref());
                let _not_many = add_moved(draft, &mut self.mover, sink, entry)?;
            }
        }
        self.folder.keep(ready);
        Ok(())
    }

    /// What expired is a delete from now on.
    fn aged<'a>(&self, trailer: u64, value: &'a [u8]) -> (u64, &'a [u8]) {
        if trailer & 0xff == Kind::PutExpiring as u64 {
            let moment = value.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
            if moment <= self.common.setup.expired_millis {
                return (trailer_of(seqno_of(trailer), Kind::Delete), &[]);
            }
        }
        if trailer & 0xff == Kind::BlobRef as u64 {
            let moment = stamp_of(value).filter(|moment| *moment > 0).unwrap_or(u64::MAX);
            if moment <= self.common.setup.expired_millis {
                return (trailer_of(seqno_of(trailer), Kind::Delete), &[]);
            }
        }
        (trailer, value)
    }

    /// Ends a table before `cut`, or at the end of the part.
    fn finish(&mut self, draft: Option<Draft>, cut: Option<Vec<u8>>, next: Next) -> Result<State> {
        let end = cut.as_deref().or(self.end.as_deref());
        let mut tombstones = self.survive.tombstones().truncate(&self.from, end);
        if planted(Bug::RangeTombstoneLostAtCut) && self.from != self.start {
            tombstones = Fragments::default();
        }
        let draft = match draft {
            Some(draft) => Some(draft),
            None if tombstones.is_empty() => None,
            None => Some(new_draft(&self.common, &mut self.made)?),
        };
        if let Some(cut) = cut {
            self.from = cut;
        }
        let Some(draft) = draft else { return Ok(State::Done) };
        let written = draft.finish(&tombstones)?;
        let proof = Proof::new(written, self.common.sink.as_ref())?;
        Ok(State::Proving(Box::new(proof), next))
    }

    /// How many entries were read.
    #[must_use]
    pub fn entries_read(&self) -> u64 {
        self.read
    }

    /// What a filter has made of them.
    #[must_use]
    pub fn sifted(&self) -> Sifted {
        self.sifter.as_ref().map(Sifter::sifted).unwrap_or_default()
    }

    /// The changes that list the files of large values of a part that is done.
    pub fn blob_edits(&self) -> impl Iterator<Item = Edit> {
        self.mover.edits()
    }

    /// The tables of a part that is done, in order.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Gives up: takes away what was made.
    pub fn discard(&mut self) {
        self.state = State::Over;
        self.written.clear();
        self.mover.discard(self.common.sink.as_ref());
        let made = std::mem::take(&mut self.made);
        if !made.is_empty() {
            self.common.sink.discard(&made);
        }
    }
}

fn new_draft(common: &Common, made: &mut Vec<u64>) -> Result<Draft> {
    Draft::begin_provable(common.sink.as_ref(), common.setup.options, made)
}

/// What is written in the place of what operands were folded to; none if nothing is.
fn sifted<'v>(
    sifter: &mut Option<Sifter>,
    entry: Entry<'_, 'v>,
    survive: &mut Survive,
) -> Result<Option<(u64, Cow<'v, [u8]>)>> {
    match sifter {
        Some(sifter) => sifter.sift(entry, survive),
        None => Ok(Some((entry.1, Cow::Borrowed(entry.2)))),
    }
}

/// Adds an entry, whose value goes elsewhere if it stands apart in a file that is given up; answers
/// how many bytes that took.
#[inline]
fn add_moved(
    draft: &mut Draft,
    mover: &mut Mover,
    sink: &dyn Sink,
    (key, trailer, value): (&[u8], u64, &[u8]),
) -> Result<usize> {
    if trailer & 0xff != Kind::BlobRef as u64 {
        return draft.add(key, trailer, value).map(|()| 0);
    }
    match mover.take(sink, value)? {
        Some(moved) => draft.add(key, trailer, mover.reference()).map(|()| moved as usize),
        None => draft.add(key, trailer, value).map(|()| 0),
    }
}

/// The table that is written, which is begun with its first entry.
fn begun<'d>(
    draft: &'d mut Option<Draft>,
    common: &Common,
    made: &mut Vec<u64>,
) -> Result<&'d mut Draft> {
    Ok(match draft {
        Some(draft) => draft,
        None => draft.insert(new_draft(common, made)?),
    })
}
