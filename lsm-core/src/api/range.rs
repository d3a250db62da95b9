//! Iterators: they own what they read, so they may outlive every handle.

use std::time::Duration;

use crate::api::cursor::Cursor;
use crate::base::copy::slice_of;
use crate::base::error::{Error, Result};
use crate::base::slice::Slice;
use crate::engine::scan::{OpenScan, Passed, ScanSource};
use crate::key::order::Order;
use crate::options::progress::CallOptions;

/// Who waits for a count is told after so many pairs.
const COUNTED_UNTOLD: u64 = 1024;

/// The pairs of a range, from both ends. `Send` and `'static`. After an error it is at its end.
#[derive(Debug)]
pub struct Range {
    ends: Option<Box<Ends>>,
    refused: Option<Error>,
}

/// Where the iterator stands, front and back, each opened when it is first asked.
#[derive(Debug)]
struct Ends {
    source: ScanSource,
    front: Option<OpenScan>,
    back: Option<OpenScan>,
    /// The key that came last from the other end is behind this one: there the two meet.
    front_key: Vec<u8>,
    back_key: Vec<u8>,
    passed: Passed,
}

impl Range {
    pub(crate) fn new(source: Result<ScanSource>) -> Self {
        match source {
            Ok(source) => {
                let (front_key, back_key) = (Vec::new(), Vec::new());
                let (front, back, passed) = (None, None, source.passed());
                let ends = Ends { source, front, back, front_key, back_key, passed };
                Self { ends: Some(Box::new(ends)), refused: None }
            }
            Err(error) => Self { ends: None, refused: Some(error) },
        }
    }

    /// Only the keys: values are never touched.
    #[must_use]
    pub fn keys(mut self) -> Keys {
        self.leave_out_values();
        Keys(self)
    }

    /// For scans that are opened from now on.
    fn leave_out_values(&mut self) {
        if let Some(ends) = &mut self.ends {
            ends.source.leave_out_values();
        }
    }

    /// A cursor over the same range, in front of its first entry.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        let Self { ends, refused } = self;
        Cursor::new(ends.map(|ends| (ends.source, ends.passed)), refused)
    }

    /// How many pairs are left.
    pub fn count_keys(self) -> Result<u64> {
        self.count_keys_with(CallOptions::new())
    }

    /// As `count_keys`, telling now and then how many were counted, and stopped when it is told to.
    pub fn count_keys_with(mut self, mut options: CallOptions<'_>) -> Result<u64> {
        self.leave_out_values();
        options.begin(|| self.now());
        let mut count = 0;
        while self.step(End::Front)?.is_some() {
            count += 1;
            if count % COUNTED_UNTOLD == 0 {
                options.report(count, 0)?;
                options.check_time(|| self.now())?;
            }
        }
        options.report(count, count)?;
        Ok(count)
    }

    /// Now, by the clock of the database. A range without entries takes no time.
    fn now(&self) -> Duration {
        self.ends.as_ref().map_or(Duration::ZERO, |ends| ends.source.now())
    }

    /// Moves one end inwards; the scan is then at an entry that was not met before.
    fn step(&mut self, end: End) -> Result<Option<(&OpenScan, &Order)>> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        let Some(ends) = &mut self.ends else { return Ok(None) };
        match ends.step(end) {
            Ok(true) => Ok(self.ends.as_ref().and_then(|ends| ends.at(end))),
            Ok(false) => {
                self.ends = None;
                Ok(None)
            }
            Err(error) => {
                self.ends = None;
                Err(error)
            }
        }
    }

    fn pair(&mut self, end: End) -> Option<Result<(Slice, Slice)>> {
        let key = match self.step(end) {
            Ok(Some((scan, order))) => {
                let key = Slice::copy_from(&order.shown(scan.key()));
                if !scan.is_apart() {
                    return Some(slice_of(scan.value()).map(|value| (key, value)));
                }
                key
            }
            Ok(None) => return None,
            Err(error) => return Some(Err(error)),
        };
        match self.ends.as_ref()?.fetch(end)? {
            Ok(value) => Some(Ok((key, value))),
            Err(error) => {
                self.ends = None;
                Some(Err(error))
            }
        }
    }

    fn key(&mut self, end: End) -> Option<Result<Slice>> {
        match self.step(end) {
            Ok(Some((scan, order))) => Some(Ok(Slice::copy_from(&order.shown(scan.key())))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl Ends {
    fn at(&self, end: End) -> Option<(&OpenScan, &Order)> {
        let scan = match end {
            End::Front => self.front.as_ref(),
            End::Back => self.back.as_ref(),
        };
        Some((scan?, self.source.order()))
    }

    /// The value at one end, which stands apart.
    #[cold]
    fn fetch(&self, end: End) -> Option<Result<Slice>> {
        Some(self.source.fetch(self.at(end)?.0))
    }

    /// Moves one end inwards; false where the range ends, or the two ends have met.
    fn step(&mut self, end: End) -> Result<bool> {
        match end {
            End::Front => {
                match &mut self.front {
                    Some(front) => front.next()?,
                    None => self.front = Some(self.source.open_at(OpenScan::seek_first)?),
                }
                let Some(front) = self.front.as_ref().filter(|scan| scan.is_valid()) else {
                    return Ok(false);
                };
                if self.back.is_some() && front.key() >= self.back_key.as_slice() {
                    return Ok(false);
                }
                replace(&mut self.front_key, front.key());
            }
            End::Back => {
                match &mut self.back {
                    Some(back) => back.prev()?,
                    None => self.back = Some(self.source.open_at(OpenScan::seek_last)?),
                }
                let Some(back) = self.back.as_ref().filter(|scan| scan.is_valid()) else {
                    return Ok(false);
                };
                if self.front.is_some() && back.key() <= self.front_key.as_slice() {
                    return Ok(false);
                }
                replace(&mut self.back_key, back.key());
            }
        }
        self.passed.note();
        Ok(true)
    }
}

fn replace(kept: &mut Vec<u8>, key: &[u8]) {
    kept.clear();
    kept.extend_from_slice(key);
}

impl Iterator for Range {
    type Item = Result<(Slice, Slice)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pair(End::Front)
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.pair(End::Back)
    }
}

impl std::iter::FusedIterator for Range {}

/// The keys of a range, from both ends.
#[derive(Debug)]
pub struct Keys(Range);

impl Keys {
    /// A cursor over the same keys, in front of the first: it lends no values, and reads none.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        self.0.cursor()
    }
}

impl Iterator for Keys {
    type Item = Result<Slice>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.key(End::Front)
    }
}

impl DoubleEndedIterator for Keys {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.key(End::Back)
    }
}

impl std::iter::FusedIterator for Keys {}

const _: () = {
    const fn is_send<T: Send + 'static>() {}
    is_send::<Range>();
    is_send::<Keys>();
};
