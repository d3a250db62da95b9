//! A cursor that is held open while others write, and where it ought to be.

use std::ops::Bound;
use std::sync::Arc;

use lsm_core::{Cursor, ErrorKind, Slice};

use crate::harness::engine::acts::key_of;
use crate::harness::engine::player_reads::{Done, Pair, said, same};
use crate::harness::engine::reference::{Pairs, is_in};
use crate::machine::kit::Dice;

/// A gap, whatever there is.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    Start,
    Before(Vec<u8>),
    Behind(Vec<u8>),
    End,
}

/// What a cursor sees once it is refreshed.
pub enum Newest<'a> {
    /// The newest.
    Pairs(&'a Pairs),
    /// What it saw before.
    Same,
    /// It cannot be refreshed.
    Closed,
}

pub struct Walker {
    cursor: Cursor,
    bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    is_keys_only: bool,
    /// What it sees.
    pairs: Pairs,
    place: Place,
    /// The value that was passed, if the last move passed one.
    passed: Option<Arc<[u8]>>,
    pinned: Vec<(Slice, Arc<[u8]>)>,
    told: String,
}

impl Walker {
    /// A cursor over these bounds that was just made, of a reader of `pairs`.
    pub fn new(
        cursor: Cursor,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        is_keys_only: bool,
        pairs: &Pairs,
    ) -> Self {
        let (place, passed, pinned) = (Place::Start, None, Vec::new());
        let (pairs, told) = (pairs.clone(), String::new());
        Self { cursor, bounds, is_keys_only, pairs, place, passed, pinned, told }
    }

    /// One random move. An error is the caller's to judge: the cursor may be asked again.
    pub fn step(&mut self, dice: &mut Dice, newest: &Newest<'_>) -> Result<(), Failed> {
        match dice.below(12) {
            0 => self.seek(&key_of(dice.below(1 << 16))),
            1 => self.seek_end(dice.below(2) == 0),
            2..=6 => self.pass(true),
            7..=9 => self.pass(false),
            10 => Ok(self.check_pinned()?),
            _ => self.refresh(newest),
        }
    }

    pub fn seek(&mut self, key: &[u8]) -> Result<(), Failed> {
        self.tell(format!("seek({})", key[..key.len().min(30)].escape_ascii()));
        self.place = Place::Before(key.to_vec());
        self.passed = None;
        self.cursor.seek(key).map_err(Failed::Answer)
    }

    fn seek_end(&mut self, is_first: bool) -> Result<(), Failed> {
        self.tell(if is_first { "first" } else { "last" }.to_owned());
        self.passed = None;
        self.place = if is_first { Place::Start } else { Place::End };
        let cursor = &mut self.cursor;
        let sought = if is_first { cursor.seek_first() } else { cursor.seek_last() };
        sought.map_err(Failed::Answer)
    }

    /// Passes an entry, as the reference says.
    pub fn pass(&mut self, is_forward: bool) -> Result<(), Failed> {
        self.tell(if is_forward { "next" } else { "prev" }.to_owned());
        let expected = self.beside(is_forward);
        self.passed = None;
        let met = if is_forward { self.cursor.next() } else { self.cursor.prev() };
        let met = met.map_err(Failed::Answer)?;
        let met = met.map(|(key, value)| (key.to_vec(), Arc::from(value)));
        if let Some((key, value)) = &expected {
            let key = key.clone();
            self.place = if is_forward { Place::Behind(key) } else { Place::Before(key) };
            self.passed = Some(value.clone());
        }
        same(&format!("a held cursor after{}", self.told), met, expected)?;
        Ok(self.check_pinned()?)
    }

    /// The entry on this side of the gap.
    fn beside(&self, is_forward: bool) -> Option<Pair> {
        let is_within = |key: &Vec<u8>| is_in(key, self.bounds.0.as_ref(), self.bounds.1.as_ref());
        let mut all = self.pairs.iter().filter(|(key, _)| is_within(key));
        let is_behind = |key: &Vec<u8>| match &self.place {
            Place::Start => true,
            Place::Before(place) => key >= place,
            Place::Behind(place) => key > place,
            Place::End => false,
        };
        let found = match is_forward {
            true => all.find(|(key, _)| is_behind(key)),
            false => all.rfind(|(key, _)| !is_behind(key)),
        };
        found.map(|(key, value)| (key.clone(), self.shown(value)))
    }

    fn shown(&self, value: &Arc<[u8]>) -> Arc<[u8]> {
        if self.is_keys_only { Arc::from([]) } else { value.clone() }
    }

    fn check_pinned(&mut self) -> Done {
        let pinned = self.cursor.pinned_value();
        let found = pinned.as_ref().map(|value| value.to_vec());
        let expected = self.passed.as_ref().map(|value| value.to_vec());
        same(&format!("a pinned value after{}", self.told), found, expected)?;
        self.pinned.extend(pinned.zip(self.passed.clone()));
        let is_kept = self.pinned.iter().all(|(found, expected)| found[..] == expected[..]);
        same("values that were pinned earlier", is_kept, true)?;
        if self.pinned.len() > 20 {
            self.pinned.drain(..10);
        }
        Ok(())
    }

    pub fn refresh(&mut self, newest: &Newest<'_>) -> Result<(), Failed> {
        self.tell("refresh".to_owned());
        match (self.cursor.refresh(), newest) {
            (Ok(()), Newest::Pairs(pairs)) => {
                self.pairs = Pairs::clone(pairs);
                self.passed = None;
                Ok(())
            }
            (Ok(()), Newest::Same) => Ok(()),
            (Err(error), Newest::Closed) if error.kind() == ErrorKind::Closed => Ok(()),
            (Err(error), Newest::Pairs(_)) => Err(Failed::Answer(error)),
            (answer, _) => Err(Failed::Wrong(format!("a refresh answers {answer:?}"))),
        }
    }

    fn tell(&mut self, what: String) {
        self.told = format!("{} {what}", self.told);
    }
}

/// Why a move did not do what was expected.
#[derive(Debug)]
pub enum Failed {
    /// The cursor answered an error.
    Answer(lsm_core::Error),
    /// It answered something else than the reference.
    Wrong(String),
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Answer(error) => said(error),
            Failed::Wrong(why) => why,
        }
    }
}
