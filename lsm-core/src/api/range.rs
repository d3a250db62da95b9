//! Iterators and cursors: they own what they read, so they may outlive every handle.

use crate::base::error::{Error, Result};
use crate::base::slice::Slice;
use crate::engine::scan::{OpenScan, Passed, ScanSource};
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
        let (source, passed) = ends.map(|ends| (ends.source, ends.passed)).unzip();
        Cursor { source, passed, scan: None, gap: Gap::Start, refused }
    }

    /// How many pairs are left.
    pub fn count_keys(self) -> Result<u64> {
        self.count_keys_with(CallOptions::new())
    }

    /// As `count_keys`, telling now and then how many were counted, and stopped when it is told to.
    pub fn count_keys_with(mut self, mut options: CallOptions<'_>) -> Result<u64> {
        self.leave_out_values();
        let mut count = 0;
        while self.step(End::Front)?.is_some() {
            count += 1;
            if count % COUNTED_UNTOLD == 0 {
                options.report(count, 0)?;
            }
        }
        options.report(count, count)?;
        Ok(count)
    }

    /// Moves one end inwards; the scan is then at an entry that was not met before.
    fn step(&mut self, end: End) -> Result<Option<&OpenScan>> {
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
        match self.step(end) {
            Ok(Some(scan)) => {
                Some(Ok((Slice::copy_from(scan.key()), Slice::copy_from(scan.value()))))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn key(&mut self, end: End) -> Option<Result<Slice>> {
        match self.step(end) {
            Ok(Some(scan)) => Some(Ok(Slice::copy_from(scan.key()))),
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
    fn at(&self, end: End) -> Option<&OpenScan> {
        match end {
            End::Front => self.front.as_ref(),
            End::Back => self.back.as_ref(),
        }
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

/// A gap between two entries of a range: moves both ways, seeks, and lends what it passes. Moving
/// allocates nothing.
#[derive(Debug)]
pub struct Cursor {
    source: Option<ScanSource>,
    passed: Option<Passed>,
    scan: Option<OpenScan>,
    gap: Gap,
    refused: Option<Error>,
}

/// Where the gap is, beside the entry that the scan is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// In front of everything.
    Start,
    /// In front of the scan's entry.
    Before,
    /// Behind the scan's entry.
    After,
    /// Behind everything.
    End,
}

impl Cursor {
    /// Moves in front of the first entry at or behind `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.gap = Gap::Start;
        self.scan()?;
        let (Some(source), Some(scan)) = (&self.source, &mut self.scan) else { return Ok(()) };
        source.timed_seek(|| scan.seek(key))?;
        self.gap = if scan.is_valid() { Gap::Before } else { Gap::End };
        Ok(())
    }

    /// Moves in front of everything.
    pub fn seek_first(&mut self) -> Result<()> {
        self.gap = Gap::Start;
        Ok(())
    }

    /// Moves behind everything.
    pub fn seek_last(&mut self) -> Result<()> {
        self.gap = Gap::End;
        Ok(())
    }

    /// Passes the next entry and lends it; `None` behind the last.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let gap = self.gap;
        let Some(scan) = self.scan()? else { return Ok(None) };
        match gap {
            Gap::Start => scan.seek_first()?,
            Gap::Before => {}
            Gap::After => scan.next()?,
            Gap::End => return Ok(None),
        }
        self.lend(Gap::After, Gap::End)
    }

    /// Passes the entry before and lends it; `None` in front of the first.
    pub fn prev(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let gap = self.gap;
        let Some(scan) = self.scan()? else { return Ok(None) };
        match gap {
            Gap::End => scan.seek_last()?,
            Gap::After => {}
            Gap::Before => scan.prev()?,
            Gap::Start => return Ok(None),
        }
        self.lend(Gap::Before, Gap::Start)
    }

    /// Lends the scan's entry and leaves the gap at `there`; if there is none, at `nowhere`.
    fn lend(&mut self, there: Gap, nowhere: Gap) -> Result<Option<(&[u8], &[u8])>> {
        match self.scan.as_ref().filter(|scan| scan.is_valid()) {
            Some(scan) => {
                self.gap = there;
                if let Some(passed) = &mut self.passed {
                    passed.note();
                }
                Ok(Some((scan.key(), scan.value())))
            }
            None => {
                self.gap = nowhere;
                Ok(None)
            }
        }
    }

    fn scan(&mut self) -> Result<Option<&mut OpenScan>> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        if self.scan.is_none() {
            let Some(source) = &self.source else { return Ok(None) };
            self.scan = Some(source.open()?);
        }
        Ok(self.scan.as_mut())
    }
}

const _: () = {
    const fn is_send<T: Send + 'static>() {}
    is_send::<Range>();
    is_send::<Keys>();
    is_send::<Cursor>();
};
