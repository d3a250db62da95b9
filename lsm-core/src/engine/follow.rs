//! Refreshing: a reader takes in what the writer, in another process, has done.
//!
//! Entries go to memtables first, where nobody sees them. Then the number that readers see is
//! raised, and then the view is replaced: whoever has the old view reads what it holds, with or
//! without all that was added, and whoever has the new one sees a number that belongs to it.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::engine::reader::{Memtables, Reader, ReaderInfo, Reading};
use crate::engine::replay::Replay;
use crate::engine::state::Engine;
use crate::journal::follow::{Follow, Patience};
use crate::journal::lockfile::ReaderSlot;
use crate::journal::recovery::next_seqno_of;
use crate::key::seqno::SeqNo;
use crate::read::view::View;
use crate::version::current::Version;

impl Engine {
    /// Shows what the writer has done up to now; false if there was nothing new. A writer has seen
    /// its own writes already.
    pub fn refresh(&self) -> Result<bool> {
        self.check_open()?;
        let Some(reader) = &self.reader else { return Ok(false) };
        let mut reading = reader.turn.take(self.env.scheduler.as_ref());
        self.check_open()?;
        self.refresh_in_turn(reader, &mut reading, Patience::Waits)
    }

    /// Who reads the database from this and other processes.
    pub fn reader_slots(&self) -> Result<Vec<ReaderInfo>> {
        self.check_open()?;
        let now = self.env.clock.machine_millis();
        let info = |slot: ReaderSlot| ReaderInfo {
            process_id: slot.process_id,
            edit: slot.edit,
            seqno: SeqNo::new(slot.seqno).unwrap_or(SeqNo::MAX),
            lease_left: Duration::from_millis(slot.lease_millis.saturating_sub(now)),
        };
        Ok(self.journal.readers()?.into_iter().map(info).collect())
    }

    /// As `refresh`, for whoever has the turn.
    pub fn refresh_in_turn(
        &self,
        reader: &Reader,
        reading: &mut Reading,
        patience: Patience,
    ) -> Result<bool> {
        let before = (self.visible(), reading.place);
        // Heard of before anything is looked up: what is current from now on stays.
        self.renew(reader, reading)?;
        let memtables = reading.memtables.take();
        let (scheduler, options) = (self.env.scheduler.as_ref(), &self.options);
        let mut replay = match memtables {
            Some(memtables) => Replay::go_on(scheduler, options, &self.budget, memtables),
            None => {
                reading.follower.forget();
                Replay::new(scheduler, options, &self.budget)?
            }
        };
        let followed = reading.follower.refresh(&mut replay as &mut dyn Follow, patience);
        // Also after an error what was taken in goes on from there.
        reading.memtables = Some(replay.finish()?);
        followed?;
        self.show_followed(reader, reading)?;
        self.renew(reader, reading)?;
        Ok(before != (self.visible(), reading.place))
    }

    /// Says what is needed still, and begins the lease anew.
    pub fn renew(&self, reader: &Reader, reading: &Reading) -> Result<()> {
        let oldest = reader.pins.oldest().unwrap_or(0);
        reading.follower.need(oldest, self.visible().get())
    }

    /// Lets readers see what was taken in.
    fn show_followed(&self, reader: &Reader, reading: &mut Reading) -> Result<()> {
        let Reading { follower, memtables: Some(memtables), place } = reading else {
            return Err(Error::new(ErrorKind::Internal, "a reader has lost what it has read"));
        };
        let Some(catalog) = follower.catalog() else { return Ok(()) };
        let reached = follower.reached();
        let visible = next_seqno_of(reached.next_seqno, catalog).get().saturating_sub(1);
        let before = self.view.load();
        let mut version = before.version.clone();
        let mut new_keyspaces = Vec::new();
        if follower.place() != *place {
            // Whatever may fail comes before anything is shown.
            new_keyspaces = self.keyspaces.new_of(catalog, &self.plugins)?;
            let pin = reader.pins.hold(catalog.edit);
            version = Arc::new(version.following(catalog, pin)?);
            self.keyspaces.follow_drops(catalog);
            // Before anybody sees a reference to what is new.
            self.journal.follow(catalog, reached);
            version.retire_blobs();
            reader.clock.raise(catalog.clock_millis);
            *place = follower.place();
        } else {
            self.journal.follow_log(catalog, reached);
            let is_same = Arc::ptr_eq(&memtables.active, &before.active)
                && memtables.sealed.len() == before.sealed.len();
            if is_same && visible == self.visible().get() {
                return Ok(());
            }
        }
        let after = view_of(memtables, version);
        // A snapshot has the one or the other, and the number that belongs to it.
        self.snapshots.between(|| {
            self.visible.store(visible, Ordering::Release);
            self.view.update(|_| after);
        });
        drop(before);
        let unread = self.garbage.take_blobs();
        if !unread.is_empty() {
            self.journal.forget_blobs(&unread);
            self.garbage.end_sweep();
        }
        // Only now, so that no handle looks where nothing is yet.
        new_keyspaces.into_iter().for_each(|new| self.keyspaces.insert(new));
        Ok(())
    }
}

/// What was taken in, over these tables. What a filter has changed in them is of no concern: where
/// only deletes lie is remembered for writers alone.
fn view_of(memtables: &Memtables, version: Arc<Version>) -> View {
    View { active: memtables.active.clone(), sealed: memtables.sealed.clone(), version, sifted: 0 }
}
