//! One thread at work: what it needs for each operation, and the checks of what it reads.

use crate::distribution::Random;
use crate::flags::Flags;
use crate::generator::{Shape, mix};
use crate::meter::Meter;
use crate::store::{Result, Session};
use crate::truth::Truth;

/// A thread with a session of its own.
pub struct Hand<'a> {
    /// Its way to the store.
    pub session: Box<dyn Session + 'a>,
    /// Counts and times its operations, and says when it is through.
    pub meter: Meter<'a>,
    /// What is in the store.
    pub truth: &'a Truth,
    /// How long keys and values are.
    pub shape: Shape,
    /// What was asked for.
    pub flags: &'a Flags,
    /// Its own random numbers.
    pub random: Random,
    /// Which of the threads it is, from 0 on.
    pub number: u64,
    /// Nobody else writes meanwhile, so that what is not there cannot be found.
    pub is_alone: bool,
    /// Room for a key.
    pub key: Vec<u8>,
    /// Room for a value.
    pub value: Vec<u8>,
}

impl<'a> Hand<'a> {
    /// The thread of this number.
    #[must_use]
    pub fn new(
        session: Box<dyn Session + 'a>,
        meter: Meter<'a>,
        truth: &'a Truth,
        flags: &'a Flags,
        number: u64,
    ) -> Self {
        let random = Random::new(mix(flags.seed).wrapping_add(number));
        Self {
            session,
            meter,
            truth,
            shape: truth.shape(),
            flags,
            random,
            number,
            is_alone: false,
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// One of the numbers that are chosen among.
    pub fn any(&mut self) -> u64 {
        self.random.below(self.truth.extent().max(1))
    }

    /// Puts the pair of a number.
    pub fn put(&mut self, number: u64) -> Result<()> {
        self.shape.key(number, &mut self.key);
        self.shape.value(number, &mut self.value);
        self.session.put(&self.key, &self.value)?;
        self.truth.add(number);
        self.meter.tally.written += self.shape.pair_bytes();
        Ok(())
    }

    /// Deletes the key of a number.
    pub fn delete(&mut self, number: u64) -> Result<()> {
        self.shape.key(number, &mut self.key);
        self.truth.remove(number);
        self.meter.tally.written += self.key.len() as u64;
        self.session.delete(&self.key)
    }

    /// Reads the key of a number, and checks the answer.
    pub fn get(&mut self, number: u64) -> Result<()> {
        self.shape.key(number, &mut self.key);
        let is_there = self.truth.has(number);
        let is_found = self.session.get(&self.key, &mut self.value)?;
        if is_found {
            self.meter.tally.found += 1;
        }
        self.check(number, is_there, is_found.then_some(self.value.as_slice()))
    }

    /// Holds an answer against what was known before it was asked for.
    pub fn check(&self, number: u64, is_there: bool, found: Option<&[u8]>) -> Result<()> {
        match found {
            None if is_there => Err(wrong(number, "is there, and was not found")),
            Some(_) if !is_there && self.is_alone => Err(wrong(number, "is not there, but found")),
            Some(value) if !self.shape.is_value(number, value) => {
                Err(wrong(number, "has another value"))
            }
            _ => Ok(()),
        }
    }
}

/// An answer that cannot be right.
pub fn wrong(number: u64, what: &str) -> crate::store::Failure {
    format!("WRONG ANSWER: the key of {number} {what}").into()
}
