//! What the tests of cursors share: entries in a vector, random ones, and a source that fails.

#![allow(clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicU64, Ordering};
use crate::cursor::contract::Cursor;
use crate::key::full::head_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::entry_order;

/// Numbers that look random, the same for the same seed.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

pub(crate) fn no(number: u64) -> SeqNo {
    SeqNo::new(number).unwrap_or(SeqNo::MAX)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) trailer: u64,
    pub(crate) value: Vec<u8>,
}

pub(crate) fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| entry_order((&a.key, a.trailer), (&b.key, b.trailer)));
}

/// A cursor over a sorted vector that counts its moves, and may be told to fail at one.
#[derive(Clone, Debug)]
pub(crate) struct VecCursor {
    entries: Arc<Vec<Entry>>,
    at: Option<usize>,
    pub(crate) moves: Arc<AtomicU64>,
    pub(crate) fails_at: u64,
}

impl VecCursor {
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        sort(&mut entries);
        Self { entries: Arc::new(entries), at: None, moves: Arc::default(), fails_at: u64::MAX }
    }

    fn go(&mut self, at: Option<usize>) -> Result<()> {
        self.at = at.filter(|at| *at < self.entries.len());
        if self.moves.fetch_add(1, Ordering::Relaxed) == self.fails_at {
            self.at = None;
            return Err(Error::new(ErrorKind::Io, "told to fail"));
        }
        Ok(())
    }

    fn lower(&self, key: &[u8], trailer: u64) -> usize {
        self.entries.partition_point(|e| entry_order((&e.key, e.trailer), (key, trailer)).is_lt())
    }
}

impl Cursor for VecCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.go(Some(self.lower(key, trailer)))
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.go(self.lower(key, trailer).checked_sub(1))
    }

    fn seek_first(&mut self) -> Result<()> {
        self.go(Some(0))
    }

    fn seek_last(&mut self) -> Result<()> {
        self.go(self.entries.len().checked_sub(1))
    }

    fn next(&mut self) -> Result<()> {
        match self.at {
            Some(at) => self.go(Some(at + 1)),
            None => Ok(()),
        }
    }

    fn prev(&mut self) -> Result<()> {
        match self.at {
            Some(at) => self.go(at.checked_sub(1)),
            None => Ok(()),
        }
    }

    fn is_valid(&self) -> bool {
        self.at.is_some()
    }

    fn key(&self) -> &[u8] {
        self.at.map_or(&[], |at| &self.entries[at].key)
    }

    fn head(&self) -> u64 {
        head_of(self.key())
    }

    fn trailer(&self) -> u64 {
        self.at.map_or(0, |at| self.entries[at].trailer)
    }

    /// It knows every other time.
    fn is_newest(&self) -> bool {
        let has_newer = |at: usize| at > 0 && self.entries[at - 1].key == self.entries[at].key;
        self.at.is_some_and(|at| at % 2 == 0 && !has_newer(at))
    }

    fn value(&self) -> &[u8] {
        self.at.map_or(&[], |at| &self.entries[at].value)
    }
}

/// Moves a cursor as the number says, and a place in `all` likewise: what a cursor should do.
pub(crate) fn walk(
    cursor: &mut impl Cursor,
    all: &[Entry],
    at: &mut Option<usize>,
    rng: &mut Rng,
) -> Result<()> {
    let target = match rng.below(4) {
        0 if !all.is_empty() => all[rng.below(all.len() as u64) as usize].clone(),
        _ => Entry { key: random_key(rng), trailer: rng.below(20), value: Vec::new() },
    };
    let (key, trailer) = (&target.key, target.trailer);
    let lower = all.partition_point(|e| entry_order((&e.key, e.trailer), (key, trailer)).is_lt());
    // What would move from no entry does nothing, so most moves are steps.
    let wanted = match rng.below(24) {
        0 => {
            cursor.seek(key, trailer)?;
            Some(lower)
        }
        1 => {
            cursor.seek_before(key, trailer)?;
            lower.checked_sub(1)
        }
        2 => {
            cursor.seek_first()?;
            Some(0)
        }
        3 => {
            cursor.seek_last()?;
            all.len().checked_sub(1)
        }
        4..14 => {
            cursor.next()?;
            at.map(|at| at + 1)
        }
        _ => {
            cursor.prev()?;
            at.and_then(|at| at.checked_sub(1))
        }
    };
    *at = wanted.filter(|at| *at < all.len());
    Ok(())
}

/// Few different keys in three keyspaces, some of which share their heads or are empty.
pub(crate) fn random_key(rng: &mut Rng) -> Vec<u8> {
    let mut key = vec![0, 0, 0, rng.below(3) as u8];
    match rng.below(3) {
        0 => key.extend((0..rng.below(4)).map(|_| b"\0a\xff"[0])),
        1 => key.extend_from_slice(b"longprefix"),
        _ => {}
    }
    key.extend((0..rng.below(3)).map(|_| b"\0ab\xff"[rng.below(4) as usize]));
    key
}
