//! Flushing: an immutable memtable becomes a table in level 0.
//!
//! Entries of all keyspaces go into one file. Versions that no snapshot needs are left out; deletes
//! stay, for what they delete may be in older tables.

use std::fmt;
use std::sync::Arc;

use crate::base::error::Result;
use crate::cursor::contract::Cursor;
use crate::cursor::tombstone::Fragments;
use crate::fold::{Folder, Mergers};
use crate::key::seqno::SeqNo;
use crate::output::{Draft, STEP_BYTES, Sink, Written, is_over};
use crate::survive::{Rules, Survive, Verdict};
use crate::table::options::TableOptions;
use crate::version::edit::Edit;

/// What a flush has to know.
#[derive(Clone, Debug)]
pub struct FlushSetup {
    /// The live snapshots, ascending, as of a moment after the memtable was closed.
    pub snapshots: Vec<SeqNo>,
    /// How the table is written.
    pub options: TableOptions,
    /// When the oldest entry was written, about: milliseconds by the catalog's clock.
    pub created_millis: u64,
    /// Whose operands are folded.
    pub mergers: Mergers,
}

/// A flush that is being done.
pub struct Flush {
    sink: Arc<dyn Sink>,
    setup: FlushSetup,
    entries: Box<dyn Cursor>,
    survive: Survive,
    folder: Folder,
    made: Vec<u64>,
    read: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Writing(Option<Draft>),
    Checking(Written),
    Done(Option<Written>),
    Over,
}

impl Flush {
    /// A flush of these entries and range tombstones. Nothing happens before the first step.
    #[must_use]
    pub fn new(
        entries: Box<dyn Cursor>,
        tombstones: Arc<Fragments>,
        setup: FlushSetup,
        sink: Arc<dyn Sink>,
    ) -> Self {
        let rules = Rules { snapshots: setup.snapshots.clone(), is_bottom: false };
        let survive = Survive::new(rules, tombstones);
        // Nothing is given up here because it has expired.
        let folder = Folder::new(Arc::clone(&setup.mergers), 0);
        Self { sink, setup, entries, survive, folder, made: Vec::new(), read: 0, state: State::New }
    }

    /// Does the next piece; true when the table is durable and was opened again, or when there was
    /// nothing to write. After an error the flush is over, and what it made is gone.
    // A function of its own in every build, for whoever counts what it takes.
    #[inline(never)]
    pub fn step(&mut self) -> Result<bool> {
        let state = std::mem::replace(&mut self.state, State::Over);
        match self.advance(state) {
            Ok(state) => self.state = state,
            Err(error) => {
                self.discard();
                return Err(error);
            }
        }
        Ok(matches!(self.state, State::Done(_)))
    }

    fn advance(&mut self, state: State) -> Result<State> {
        Ok(match state {
            State::New => {
                self.entries.seek_first()?;
                State::Writing(None)
            }
            State::Writing(mut draft) => {
                self.write(&mut draft)?;
                if self.entries.is_valid() { State::Writing(draft) } else { self.finish(draft)? }
            }
            State::Checking(written) => {
                written.reopen(self.sink.as_ref())?;
                State::Done(Some(written))
            }
            State::Done(written) => State::Done(written),
            State::Over => return Err(is_over()),
        })
    }

    fn write(&mut self, draft: &mut Option<Draft>) -> Result<()> {
        let mut done = 0;
        while done < STEP_BYTES && self.entries.is_valid() {
            if self.folder.is_on() && self.entries.key() != self.folder.key() {
                self.end_folding(draft)?;
            }
            let (key, trailer) = (self.entries.key(), self.entries.trailer());
            let value = self.entries.value();
            done += key.len() + value.len();
            let verdict = self.survive.judge(key, trailer);
            if self.folder.wants(trailer) {
                self.folder.take((key, trailer, value), verdict, &mut self.survive)?;
                self.write_folded(draft)?;
            } else if verdict != Verdict::Drop {
                let (sink, options) = (self.sink.as_ref(), self.setup.options);
                begun(draft, sink, options, &mut self.made)?.add(key, trailer, value)?;
            }
            self.read += 1;
            self.entries.next()?;
        }
        if self.folder.is_on() && !self.entries.is_valid() {
            self.end_folding(draft)?;
        }
        Ok(())
    }

    /// The key whose operands are folded has no more entries.
    #[cold]
    fn end_folding(&mut self, draft: &mut Option<Draft>) -> Result<()> {
        self.folder.finish(&mut self.survive)?;
        self.write_folded(draft)
    }

    #[cold]
    fn write_folded(&mut self, draft: &mut Option<Draft>) -> Result<()> {
        let ready = self.folder.take_ready();
        for (trailer, value) in &ready {
            let (sink, options) = (self.sink.as_ref(), self.setup.options);
            let draft = begun(draft, sink, options, &mut self.made)?;
            draft.add(self.folder.key(), *trailer, value)?;
        }
        self.folder.keep(ready);
        Ok(())
    }

    fn finish(&mut self, draft: Option<Draft>) -> Result<State> {
        let tombstones = Arc::clone(self.survive.tombstones());
        let draft = match draft {
            Some(draft) => draft,
            None if tombstones.is_empty() => return Ok(State::Done(None)),
            None => Draft::begin(self.sink.as_ref(), self.setup.options, &mut self.made)?,
        };
        Ok(State::Checking(draft.finish(&tombstones)?))
    }

    /// How many entries were read so far.
    #[must_use]
    pub fn entries_read(&self) -> u64 {
        self.read
    }

    /// The table that was made, once `step` has answered true; none if nothing was left to write.
    #[must_use]
    pub fn table(&self) -> Option<&Written> {
        match &self.state {
            State::Done(written) => written.as_ref(),
            _ => None,
        }
    }

    /// The changes that make the table part of the trees; none if there is no table.
    #[must_use]
    pub fn edits(&self) -> Vec<Edit> {
        let edit = |table: &Written| table.edit(0, table.number(), self.setup.created_millis);
        self.table().map(edit).into_iter().collect()
    }

    /// Gives up: takes away what was made. Not to be called once the edits may be committed.
    pub fn discard(&mut self) {
        self.state = State::Over;
        let made = std::mem::take(&mut self.made);
        if !made.is_empty() {
            self.sink.discard(&made);
        }
    }
}

/// The table that is written, which is begun with its first entry.
fn begun<'d>(
    draft: &'d mut Option<Draft>,
    sink: &dyn Sink,
    options: TableOptions,
    made: &mut Vec<u64>,
) -> Result<&'d mut Draft> {
    Ok(match draft {
        Some(draft) => draft,
        None => draft.insert(Draft::begin(sink, options, made)?),
    })
}

impl fmt::Debug for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").field("made", &self.made).field("state", &self.state).finish()
    }
}

#[cfg(test)]
mod tests;
