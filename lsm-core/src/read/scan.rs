//! A reader's scan: the pairs of a keyspace, as they were at one sequence number.
//!
//! Entries of a key come newest first, so going forward the first one that the reader may see
//! decides, and the others are passed over. Going backward they come oldest first: the last one
//! seen decides. Often the cursor knows that there is no other; if not, that is known only when it
//! has moved past it. So such a pair is held in the scan's own memory, unless its value is long;
//! then the cursor goes back to it.
//!
//! Whatever there may be thousands of, versions of a key, entries too new, entries under a range
//! tombstone, keys that another scan has found deleted, is stepped over a few times and then passed
//! over with one seek.

use std::ops::Bound;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::blob::store::Blobs;
use crate::cursor::skip::Skip;
use crate::cursor::tombstone::Fragments;
use crate::key::full::{head_of, user_key};
use crate::key::keyspace::KeyspaceId;
use crate::key::trailer::{NEWEST, ceiling};
use crate::merge::chain::Chain;
use crate::merge::merger::Merger;
use crate::read::as_of::AsOf;
use crate::read::bounds::Bounds;
use crate::read::dead::Way;
use crate::read::run::Run;
use crate::read::trace::{Met, Watch};
use crate::read::visible::{Sight, Visible, user_value};

mod folded;
mod newest;
mod passing;
mod shown;

/// Steps over entries of no use before a seek is tried. A seek costs about as much.
const STEPS_MAX: u32 = 16;
/// How many neighbouring intervals of tombstones a seek may cross, at first and at most.
const REACH_MIN: usize = 16;
const REACH_MAX: usize = 4096;

/// Who scans, and what.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The keyspace that is scanned.
    pub keyspace: KeyspaceId,
    /// The writes that are seen, and the time that decides what has expired.
    pub as_of: AsOf,
    /// The range tombstones of all sources.
    pub tombstones: Arc<Fragments>,
    /// True if values are not wanted: all of them are empty then.
    pub is_keys_only: bool,
    /// What merge operands are folded by, if there can be any.
    pub merger: Option<Arc<Merger>>,
    /// Where the large values are read that those are applied to; without it, the disk is left
    /// alone.
    pub blobs: Option<Arc<Blobs>>,
}

/// Where the pair is that the scan is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// Where the cursor is.
    AtCursor,
    /// The same, going backward, and no entry of the key comes before.
    AtNewest,
    /// In the scan. The cursor is before all entries of its key that the reader may see.
    Held,
    /// The same, made of merge operands. The cursor is behind those that count.
    Folded,
}

/// A place among the pairs that a reader sees: at one of them, or at none.
#[derive(Debug)]
pub struct Scan<C, W = ()> {
    cursor: C,
    /// Is told what becomes of each entry.
    watch: W,
    bounds: Bounds,
    visible: Visible,
    ceiling: u64,
    is_keys_only: bool,
    merger: Option<Arc<Merger>>,
    blobs: Option<Arc<Blobs>>,
    /// The merge operands that were met last.
    chain: Chain,
    place: Place,
    /// Going forward, the key that was decided last; going backward, the one that is held.
    key: Vec<u8>,
    has_key: bool,
    /// The key of the pair that the last step began at, once `key` is another.
    left: Vec<u8>,
    is_left_apart: bool,
    head: u64,
    trailer: u64,
    value: Vec<u8>,
    /// True if the value was too long to be held.
    is_left_out: bool,
    /// Entries under a range tombstone since the last one that was not.
    covered: u32,
    reach: usize,
    run: Run,
    error: Option<Error>,
}

impl<C: Skip> Scan<C> {
    /// At no pair, over what `reader` sees between two user keys.
    #[must_use]
    pub fn new(cursor: C, reader: Reader, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Self {
        Self::watched(cursor, reader, (lower, upper), ())
    }
}

impl<C: Skip, W: Watch> Scan<C, W> {
    /// The same, where `watch` is told what becomes of each entry.
    #[must_use]
    pub fn watched(
        cursor: C,
        reader: Reader,
        (lower, upper): (Bound<&[u8]>, Bound<&[u8]>),
        watch: W,
    ) -> Self {
        Self {
            cursor,
            watch,
            bounds: Bounds::new(reader.keyspace, lower, upper),
            visible: Visible::new(reader.as_of, reader.tombstones),
            ceiling: ceiling(reader.as_of.seqno),
            is_keys_only: reader.is_keys_only,
            merger: reader.merger,
            blobs: reader.blobs,
            chain: Chain::default(),
            place: Place::Nowhere,
            key: Vec::new(),
            has_key: false,
            left: Vec::new(),
            is_left_apart: false,
            head: 0,
            trailer: 0,
            value: Vec::new(),
            is_left_out: false,
            covered: 0,
            reach: REACH_MIN,
            run: Run::default(),
            error: None,
        }
    }

    /// The same scan, which tells `run` what it steps over.
    #[must_use]
    pub fn noting(self, run: Run) -> Self {
        Self { run, ..self }
    }

    /// Who is told.
    pub fn watch(&self) -> &W {
        &self.watch
    }

    /// Moves to the first pair at or after `user_key`.
    pub fn seek(&mut self, user_key: &[u8]) -> Result<()> {
        let mut target = self.start();
        self.bounds.start_at(user_key, &mut target);
        let result = self.cursor.seek(&target, self.ceiling);
        self.key = target;
        let result = result.and_then(|()| self.go_forward());
        self.kept(result)
    }

    /// Moves to the last pair at or before `user_key`.
    pub fn seek_for_prev(&mut self, user_key: &[u8]) -> Result<()> {
        let mut target = self.start();
        self.bounds.end_at(user_key, &mut target);
        let result = self.cursor.seek_before(&target, NEWEST);
        self.key = target;
        let result = result.and_then(|()| self.go_backward());
        self.kept(result)
    }

    /// Moves to the first pair.
    pub fn seek_first(&mut self) -> Result<()> {
        let buffer = self.start();
        let result = self.cursor.seek(self.bounds.lower(), self.ceiling);
        self.key = buffer;
        let result = result.and_then(|()| self.go_forward());
        self.kept(result)
    }

    /// Moves to the last pair.
    pub fn seek_last(&mut self) -> Result<()> {
        let buffer = self.start();
        let result = self.cursor.seek_before(self.bounds.upper(), NEWEST);
        self.key = buffer;
        let result = result.and_then(|()| self.go_backward());
        self.kept(result)
    }

    /// Moves to the next pair. Does nothing at no pair; after an error, gives it again.
    #[allow(clippy::should_implement_trait, reason = "it lends, which an Iterator cannot")]
    #[inline]
    pub fn next(&mut self) -> Result<()> {
        self.is_left_apart = false;
        let result = match self.place {
            Place::Nowhere => return self.error.clone().map_or(Ok(()), Err),
            Place::AtCursor | Place::AtNewest => {
                self.decide();
                self.cursor.next()
            }
            Place::Held => {
                self.has_key = true;
                self.head = head_of(&self.key);
                self.cursor.seek(&self.key, 0)
            }
            Place::Folded => Ok(()),
        };
        let result = result.and_then(|()| self.go_forward());
        self.kept(result)
    }

    /// Moves to the pair before. Does nothing at no pair; after an error, gives it again.
    #[inline]
    pub fn prev(&mut self) -> Result<()> {
        self.is_left_apart = false;
        let result = match self.place {
            Place::Nowhere => return self.error.clone().map_or(Ok(()), Err),
            Place::AtCursor => {
                self.decide();
                self.cursor.seek_before(&self.key, NEWEST)
            }
            Place::AtNewest => {
                self.decide();
                self.cursor.prev()
            }
            Place::Held => Ok(()),
            Place::Folded => self.cursor.seek_before(&self.key, NEWEST),
        };
        let result = result.and_then(|()| self.go_backward());
        self.kept(result)
    }

    /// True at a pair.
    #[inline]
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.place != Place::Nowhere
    }

    /// The user's key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self.place {
            Place::Nowhere => &[],
            Place::AtCursor | Place::AtNewest => user_key(self.cursor.key()),
            Place::Held | Place::Folded => user_key(&self.key),
        }
    }

    /// The user's value, without the time at which it may expire.
    #[inline]
    #[must_use]
    pub fn value(&self) -> &[u8] {
        match self.place {
            _ if self.is_keys_only => &[],
            Place::Nowhere => &[],
            Place::AtCursor | Place::AtNewest => user_value(self.trailer, self.cursor.value()),
            Place::Held | Place::Folded => user_value(self.trailer, &self.value),
        }
    }

    /// The user's key of the pair that the last `next` or `prev` began at, wherever that led.
    #[must_use]
    pub fn left(&self) -> &[u8] {
        user_key(if self.is_left_apart { &self.left } else { &self.key })
    }

    /// The trailer of the entry that gave the pair.
    #[inline]
    #[must_use]
    pub fn trailer(&self) -> u64 {
        match self.place {
            Place::Nowhere => 0,
            _ => self.trailer,
        }
    }

    /// Forgets where it was, and lends the key's memory for the way to another place.
    fn start(&mut self) -> Vec<u8> {
        self.error = None;
        self.place = Place::Nowhere;
        self.has_key = false;
        (self.covered, self.reach) = (0, REACH_MIN);
        self.run.forget();
        std::mem::take(&mut self.key)
    }

    /// Errors are kept until the next seek, and leave no pair.
    #[inline]
    fn kept(&mut self, result: Result<()>) -> Result<()> {
        if let Err(error) = &result {
            self.place = Place::Nowhere;
            self.error = Some(error.clone());
        }
        result
    }

    /// The cursor's key is decided: older entries of it are of no use.
    #[inline]
    fn decide(&mut self) {
        self.key.clear();
        self.key.extend_from_slice(self.cursor.key());
        self.head = self.cursor.head();
        self.has_key = true;
    }

    /// Another key is about to be decided or held: that of the pair that was left is kept apart.
    #[inline]
    fn keep_left(&mut self) {
        if !self.is_left_apart {
            std::mem::swap(&mut self.key, &mut self.left);
            self.is_left_apart = true;
        }
    }

    /// From where the cursor is to the first entry that gives a pair.
    fn go_forward(&mut self) -> Result<()> {
        let (mut older, mut too_new) = (0, 0);
        loop {
            self.place = Place::Nowhere;
            if !self.cursor.is_valid() {
                self.run_out(Way::Forward);
                return Ok(());
            }
            self.run.step();
            let (key, head) = (self.cursor.key(), self.cursor.head());
            if !self.bounds.is_before_upper(key, head) {
                self.watch.met(Met::Outside);
                self.run_out(Way::Forward);
                return Ok(());
            }
            let trailer = self.cursor.trailer();
            // An older entry of a key that is decided.
            if self.has_key && head == self.head && key == self.key.as_slice() {
                older += 1;
                self.watch.met(Met::Older);
                if older == STEPS_MAX {
                    self.watch.skipped();
                    self.cursor.seek(&self.key, 0)?;
                } else {
                    self.cursor.next()?;
                }
                continue;
            }
            older = 0;
            if trailer > self.ceiling {
                too_new += 1;
                self.pass_too_new(too_new % STEPS_MAX == 0)?;
                continue;
            }
            let cursor = &self.cursor;
            let sight = self.visible.judge(cursor.key(), trailer, || cursor.value())?;
            if sight == Sight::Value {
                self.watch.met(Met::Pair);
                (self.covered, self.reach) = (0, REACH_MIN);
                self.run.end(self.cursor.key(), Way::Forward);
                (self.place, self.trailer) = (Place::AtCursor, trailer);
                return Ok(());
            }
            if sight == Sight::Operand {
                if self.fold(Way::Forward)? {
                    return Ok(());
                }
                continue;
            }
            self.watch.met(Met::Dead(trailer, sight));
            self.keep_left();
            self.decide();
            if self.skips(sight, false)? {
                continue;
            }
            match self.run.pass(&self.key, trailer, Way::Forward) {
                Some(target) => {
                    self.watch.leapt();
                    self.cursor.seek(target, self.ceiling)?;
                }
                None => self.cursor.next()?,
            }
        }
    }

    /// From where the cursor is back to the first key that gives a pair.
    fn go_backward(&mut self) -> Result<()> {
        let mut too_new = 0;
        loop {
            self.place = Place::Nowhere;
            self.has_key = false;
            let is_valid = self.cursor.is_valid();
            if !is_valid || !self.bounds.is_past_lower(self.cursor.key(), self.cursor.head()) {
                self.run_out(Way::Backward);
                return Ok(());
            }
            self.run.step();
            if self.cursor.trailer() > self.ceiling {
                too_new += 1;
                self.watch.met(Met::TooNew);
                if too_new % STEPS_MAX == 0 {
                    self.watch.skipped();
                    self.run.forget();
                    self.keep_left();
                    self.key.clear();
                    self.key.extend_from_slice(self.cursor.key());
                    self.cursor.seek_before(&self.key, NEWEST)?;
                } else {
                    self.cursor.prev()?;
                }
                continue;
            }
            if self.is_at_newest()? {
                self.watch.met(Met::Pair);
                self.place = Place::AtNewest;
                return Ok(());
            }
            self.hold_newest()?;
            let (key, value) = (&self.key, &self.value);
            let sight = self.visible.judge(key, self.trailer, || value)?;
            if sight == Sight::Operand {
                self.cursor.seek(&self.key, self.trailer)?;
                if self.fold(Way::Backward)? {
                    return Ok(());
                }
                continue;
            }
            self.watch.met(Met::of(self.trailer, sight));
            match sight {
                Sight::Value if self.is_left_out => {
                    self.end_run_behind();
                    self.cursor.seek(&self.key, self.trailer)?;
                    self.place = Place::AtCursor;
                    return Ok(());
                }
                Sight::Value => {
                    self.end_run_behind();
                    self.place = Place::Held;
                    return Ok(());
                }
                sight if self.skips(sight, true)? => {}
                _ => {
                    if let Some(target) = self.run.pass(&self.key, self.trailer, Way::Backward) {
                        self.watch.leapt();
                        self.cursor.seek_before(target, NEWEST)?;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
