//! Pairs of a walk, each checked: its value, its place in the order, and that none is left out.

use crate::generator::{Shape, number_of};
use crate::store::{Failure, Result};
use crate::truth::Truth;
use crate::workload::hand::wrong;

/// A walk that is being checked.
pub struct Pairs<'a> {
    truth: &'a Truth,
    shape: Shape,
    is_forward: bool,
    /// Nobody writes meanwhile: what comes next is known.
    is_alone: bool,
    /// The number that is next, or the first one that may be.
    next: Option<u64>,
    wanted: u64,
    /// How many pairs there were.
    pub seen: u64,
    failure: Option<Failure>,
}

impl<'a> Pairs<'a> {
    /// Before a walk forward, from a number on.
    #[must_use]
    pub fn forward(truth: &'a Truth, from: u64, is_alone: bool) -> Self {
        let next = if is_alone { truth.at_or_after(from) } else { Some(from) };
        Self::new(truth, next, true, is_alone)
    }

    /// Before a walk backward, from the last number on.
    #[must_use]
    pub fn backward(truth: &'a Truth, is_alone: bool) -> Self {
        let next = if is_alone { truth.at_or_before(u64::MAX) } else { Some(u64::MAX) };
        Self::new(truth, next, false, is_alone)
    }

    fn new(truth: &'a Truth, next: Option<u64>, is_forward: bool, is_alone: bool) -> Self {
        let (shape, wanted) = (truth.shape(), u64::MAX);
        Self { truth, shape, is_forward, is_alone, next, wanted, seen: 0, failure: None }
    }

    /// Ends the walk after so many pairs.
    #[must_use]
    pub fn at_most(mut self, wanted: u64) -> Self {
        self.wanted = wanted;
        self
    }

    /// Takes a pair; true if there is to be another.
    #[inline]
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        let Some(number) = number_of(key).filter(|_| key.len() == self.shape.key_bytes) else {
            let key = key.escape_ascii();
            self.failure = Some(format!("WRONG ANSWER: nobody has put the key {key}").into());
            return false;
        };
        let fault = if !self.is_next(number) {
            "came where another should"
        } else if !self.shape.is_value(number, value) {
            "has another value"
        } else {
            self.seen += 1;
            self.next = self.behind(number);
            return self.seen < self.wanted;
        };
        self.failure = Some(wrong(number, fault));
        false
    }

    fn is_next(&self, number: u64) -> bool {
        match self.next {
            Some(next) if self.is_alone => number == next,
            Some(next) => (number >= next) == self.is_forward || number == next,
            None => false,
        }
    }

    fn behind(&self, number: u64) -> Option<u64> {
        let beside = if self.is_forward { number.checked_add(1) } else { number.checked_sub(1) }?;
        match (self.is_alone, self.is_forward) {
            (true, true) => self.truth.at_or_after(beside),
            (true, false) => self.truth.at_or_before(beside),
            (false, _) => Some(beside),
        }
    }

    /// Nobody wants another pair.
    pub fn stop(&mut self) {
        self.wanted = self.seen;
    }

    /// The walk has ended, by itself or because it was told to: was it right?
    pub fn end(self) -> Result<u64> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match self.next {
            Some(next) if self.is_alone && self.seen < self.wanted => {
                Err(wrong(next, "was left out at the end of a walk"))
            }
            _ => Ok(self.seen),
        }
    }
}
