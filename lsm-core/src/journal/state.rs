//! What the handle and its background jobs share.

use std::sync::Arc;

use crate::base::checksum::FileCrc;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::blob::store::Blobs;
use crate::env::fs::{Directory, File, read_full_at};
use crate::env::schedule::Signal;
use crate::env::world::Env;
use crate::journal::jobs::Jobs;
use crate::journal::lockfile;
use crate::journal::names::NewNames;
use crate::journal::options::JournalOptions;
use crate::journal::readers::Hold;
use crate::journal::retired::Retired;
use crate::journal::turn::{InTurn, Turn};
use crate::key::seqno::SeqNo;
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::{Edit, LogPosition, Seal};
use crate::version::manifest::Manifest;
use crate::version::unlink::Unlink;
use crate::wal::log::Log;
use crate::wal::tail::{Finished, SeamFacts};

/// The shared part of an open journal.
#[derive(Debug)]
pub struct State {
    /// The world.
    pub env: Env,
    /// The directory.
    pub dir: Arc<dyn Directory>,
    /// Tables that nothing lists yet.
    pub new_names: NewNames,
    /// What keeps it in the hands of this process.
    pub hold: Hold,
    /// Files that the database no longer needs, and a reader may; none if nothing is written.
    pub retired: Option<Arc<Retired>>,
    /// Nothing is written.
    pub is_read_only: bool,
    /// What was chosen.
    pub options: JournalOptions,
    /// Records go through a mapping.
    pub is_mapped: bool,
    /// The log.
    pub log: Log,
    /// Large values.
    pub blobs: Arc<Blobs>,
    /// Who makes the next file for them.
    pub blob_turn: Turn<()>,
    /// The manifest, one caller at a time.
    pub manifest: Turn<Manifest>,
    /// The size of the next segment.
    pub segment_bytes: AtomicU64,
    /// The sequence number that came next when the journal was opened.
    pub opened_at: SeqNo,
    /// Wakes the keeper.
    pub keeper_wake: Arc<Signal>,
    /// Wakes the flusher.
    pub flusher_wake: Arc<Signal>,
    /// The flusher has nothing to do until something is appended.
    pub is_flusher_asleep: AtomicBool,
    /// The flusher is to sync now: somebody is going to wait for it.
    pub is_sync_wanted: AtomicBool,
    /// The journal is closing or closed.
    pub is_closing: AtomicBool,
    /// The time of the end is written down, even if nothing else is.
    pub is_time_kept: AtomicBool,
    /// Jobs that have not ended yet.
    pub jobs: Arc<Jobs>,
}

impl State {
    /// Refuses a call on a journal that is closed, or that a fork has copied.
    #[inline]
    pub fn check_open(&self) -> Result<()> {
        self.check_not_forked()?;
        if self.is_closing.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(())
    }

    /// Refuses a call in a child process that a fork has made.
    #[inline]
    pub fn check_not_forked(&self) -> Result<()> {
        if self.hold.is_forked(&self.env) { Err(lockfile::forked()) } else { Ok(()) }
    }

    /// Refuses a write on a journal that is closed, forked or read-only.
    #[inline]
    pub fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.is_read_only {
            return Err(Error::read_only());
        }
        Ok(())
    }

    /// The manifest, when it is this caller's turn.
    pub fn take_manifest(&self) -> InTurn<'_, Manifest> {
        self.manifest.take(self.env.scheduler.as_ref())
    }

    /// Makes edits durable whose effects need nothing of the log.
    pub fn commit(&self, manifest: &mut Manifest, edits: &[Edit]) -> Result<()> {
        self.commit_then(manifest, edits, &mut |_| ())
    }

    /// As `commit`; `then` sees the catalog with the edits before anybody can make others.
    pub fn commit_then(
        &self,
        manifest: &mut Manifest,
        edits: &[Edit],
        then: &mut dyn FnMut(&Catalog),
    ) -> Result<()> {
        let durable = self.log.durable_end();
        let mut all = vec![Edit::Clock(self.env.clock.wall_millis())];
        if durable.number > 0 {
            let (number, offset) = (durable.number, durable.durable);
            all.push(Edit::LogDurable(LogPosition { number, offset }));
        }
        all.extend_from_slice(edits);
        if edits.iter().any(|edit| matches!(edit, Edit::LogStart(_) | Edit::TableAdded { .. })) {
            all.push(Edit::NextSeqno(self.log.next_seqno()));
        }
        let ends = self.blobs.ends_to_tell();
        all.extend(ends.iter().map(|end| Edit::BlobSealed(*end)));
        self.sync_names(manifest, edits)?;
        let before: Vec<u64> = manifest.catalog().logs.keys().copied().collect();
        self.unlink_too_early(manifest.catalog(), &all);
        manifest.commit(&all)?;
        added_by(edits).into_iter().for_each(|(number, _)| self.new_names.end(number));
        ends.iter().for_each(|end| self.blobs.note_sealed(end.number));
        let after = manifest.catalog();
        self.log.set_facts(facts_of(after));
        then(after);
        self.unlink_dead_logs(&before, after);
        self.log.note_vouched(durable);
        self.wake_flusher();
        Ok(())
    }

    /// Makes the names of the tables that are to be listed durable. After a failure, this one or
    /// one before, it is unknown for ever whether they are, so these files cannot be listed any
    /// more.
    fn sync_names(&self, manifest: &mut Manifest, edits: &[Edit]) -> Result<()> {
        let added = added_by(edits);
        if added.is_empty() || planted(Bug::TableDirNotSynced) {
            return Ok(());
        }
        let check = |()| added.iter().try_for_each(|(number, _)| self.new_names.check(*number));
        let forget = |(_, name): &(u64, String)| manifest.forget_later(name.clone());
        self.dir.sync().and_then(check).inspect_err(|_| added.iter().for_each(forget))
    }

    /// Tells the flusher that there is something to sync or to vouch for.
    pub fn wake_flusher(&self) {
        let asleep = &self.is_flusher_asleep;
        if asleep.load(Ordering::SeqCst) && asleep.swap(false, Ordering::SeqCst) {
            self.flusher_wake.notify();
        }
    }

    /// Has the flusher sync what was appended, without waiting for its second.
    pub fn sync_soon(&self) {
        self.is_sync_wanted.store(true, Ordering::Release);
        self.flusher_wake.notify();
    }

    /// The manifest, when everything appended to the log so far is durable; or everything up to
    /// `last`, if edits rest on no more than that.
    pub fn take_manifest_behind_log(&self, last: Option<SeqNo>) -> Result<InTurn<'_, Manifest>> {
        let is_flush = last.is_some() && planted(Bug::FlushBeforeLog);
        if !is_flush && !planted(Bug::ManifestBeforeLog) {
            match last {
                Some(last) => self.log.sync_behind(last)?,
                None => self.log.sync_all(None)?,
            }
            // What is in no log may refer to them, too.
            self.log.sync_blobs()?;
        }
        Ok(self.take_manifest())
    }

    /// A name that stays is cleared away by the next opening.
    fn unlink_dead_logs(&self, before: &[u64], after: &Catalog) {
        for number in before.iter().filter(|number| !after.logs.contains_key(number)) {
            let _left_behind = self.retire(&names::log(*number), after.edit);
        }
    }

    /// Takes a file away that `edit`, which is durable, has removed, and whatever kind of file it
    /// is: at once, or as soon as no reader in another process needs it. True if it is gone.
    pub fn retire(&self, name: &str, edit: u64) -> Result<bool> {
        match &self.retired {
            Some(retired) => retired.unlink(name, edit),
            None => Err(Error::read_only()),
        }
    }

    /// The planted bugs of unlinking what the edits retire before they are durable.
    fn unlink_too_early(&self, before: &Catalog, edits: &[Edit]) {
        let (logs, tables) =
            (planted(Bug::LogUnlinkedBeforeEdit), planted(Bug::TableUnlinkedBeforeEdit));
        let blobs = planted(Bug::BlobUnlinkedBeforeEdit);
        if !logs && !tables && !blobs {
            return;
        }
        let mut after = before.clone();
        let _checked_below = edits.iter().try_for_each(|edit| after.apply(edit));
        after.edit = 0;
        if logs {
            let before: Vec<u64> = before.logs.keys().copied().collect();
            self.unlink_dead_logs(&before, &after);
        }
        for number in
            before.tables.keys().filter(|number| tables && !after.tables.contains_key(number))
        {
            let _left_behind = self.dir.unlink(&names::table(*number));
        }
        for (_, entry) in
            before.blobs.iter().filter(|(number, _)| blobs && !after.blobs.contains_key(number))
        {
            let _left_behind = self.dir.unlink(&names::blob(entry.place));
        }
    }

    /// Reads the segments that ended since the last time, each with its CRC. That takes long, and
    /// asks for no turn of the manifest.
    pub fn read_finished(&self) -> Vec<(Finished, Result<u32>)> {
        let read = |it: Finished| {
            let crc = crc_of(it.segment.file().as_ref(), it.end);
            (it, crc)
        };
        self.log.finished().into_iter().map(read).collect()
    }

    /// Seals segments that were read and are still listed. In the manifest's turn, since whoever
    /// has it may rely on it that no listed segment becomes shorter.
    pub fn seal(
        &self,
        manifest: &Manifest,
        read: Vec<(Finished, Result<u32>)>,
    ) -> Result<Vec<Edit>> {
        for (finished, _) in &read {
            self.log.forget_finished(finished.segment.number());
        }
        let is_listed = |it: &Finished| manifest.catalog().logs.contains_key(&it.segment.number());
        let listed = read.into_iter().filter(|(finished, _)| is_listed(finished));
        listed.map(|(finished, crc)| cut_to_end(&finished, crc?)).collect()
    }

    /// Notes that a job is over. One that ends before it is told to has failed, and what it did is
    /// done no more: then writing ends too.
    pub fn note_end_of_job(&self) {
        if !self.is_closing.load(Ordering::Acquire) {
            let message = "a background job of the database has ended unexpectedly";
            self.log.stop(Error::new(ErrorKind::Internal, message));
        }
    }
}

/// Cuts a finished segment to its length, and describes it for the manifest.
fn cut_to_end(finished: &Finished, crc: u32) -> Result<Edit> {
    let &Finished { ref segment, end, check, next_seqno } = finished;
    segment.file().set_len(end)?;
    segment.file().sync_data()?;
    Ok(Edit::LogSealed { number: segment.number(), seal: Seal { end, check, crc, next_seqno } })
}

/// What a seam that is written now says of the catalog.
#[must_use]
pub fn facts_of(catalog: &Catalog) -> SeamFacts {
    SeamFacts { edit: catalog.edit, clock_millis: catalog.clock_millis }
}

/// CRC-32 of the first `len` bytes of a file that ended.
pub fn crc_of(file: &dyn File, len: u64) -> Result<u32> {
    let mut crc = FileCrc::new();
    let mut buffer = vec![0; (256 << 10).min(len as usize)];
    let mut at = 0;
    while at < len {
        let want = buffer.len().min((len - at) as usize);
        let part = buffer.get_mut(..want).unwrap_or_default();
        let read = read_full_at(file, part, at)?;
        if read < want {
            let message = "a log segment became shorter while it was sealed";
            return Err(Error::new(ErrorKind::Io, message).at_path(file.path()).at_offset(at));
        }
        crc.update(part);
        at += read as u64;
    }
    Ok(crc.finish())
}

/// The numbers and names of the files that the edits list.
fn added_by(edits: &[Edit]) -> Vec<(u64, String)> {
    let number = |edit: &Edit| match edit {
        Edit::TableAdded { meta, .. } => Some((meta.number, names::table(meta.number))),
        Edit::BlobAdded { number, .. } => Some((*number, names::blob(*number))),
        _ => None,
    };
    edits.iter().filter_map(number).collect()
}
