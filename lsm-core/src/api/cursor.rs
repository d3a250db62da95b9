//! Cursors: gaps between the entries of a range. Like iterators they own what they read.

use crate::base::error::{Error, Result};
use crate::base::slice::Slice;
use crate::engine::scan::{OpenScan, Passed, ScanSource};
use crate::key::order::Order;
use crate::options::expiry::Expiry;

/// A gap between two entries of a range: moves both ways, seeks, and lends what it passes. Moving
/// allocates nothing.
///
/// After an error the gap is where it was, or where the seek would have led, and the call may be
/// made again.
#[derive(Debug)]
pub struct Cursor {
    source: Option<ScanSource>,
    passed: Option<Passed>,
    scan: Option<OpenScan>,
    gap: Gap,
    mark: Mark,
    /// The key of the mark, as it is stored.
    key: Vec<u8>,
    /// Where keys are shown that are not stored as they are.
    shown: Option<Box<Shown>>,
    refused: Option<Error>,
    /// The value that was lent last, if it stands apart.
    fetched: Option<Slice>,
}

/// The key that is lent, in an order of its own.
#[derive(Debug)]
struct Shown {
    order: Order,
    key: Vec<u8>,
}

impl Shown {
    fn show(&mut self, stored: &[u8]) -> &[u8] {
        self.key.clear();
        self.key.extend_from_slice(&self.order.shown(stored));
        &self.key
    }
}

/// How it is known where the gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// By the mark alone.
    Marked,
    /// By the mark, and the scan is at the first entry behind it.
    Sought,
    /// In front of the scan's entry, which was passed last.
    Before,
    /// Behind the scan's entry, which was passed last.
    After,
}

/// A gap, whatever entries there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// In front of everything.
    Start,
    /// In front of where the key stands, or would stand.
    Before,
    /// Behind it.
    Behind,
    /// Behind everything.
    End,
}

impl Cursor {
    /// In front of the first entry of a source, if there is one.
    pub(crate) fn new(source: Option<(ScanSource, Passed)>, refused: Option<Error>) -> Self {
        let (source, passed) = source.unzip();
        let (gap, mark) = (Gap::Marked, Mark::Start);
        let order = source.as_ref().map(ScanSource::order).filter(|order| !order.is_bytewise());
        let shown = order.map(|order| Box::new(Shown { order: order.clone(), key: Vec::new() }));
        let (scan, key, fetched) = (None, Vec::new(), None);
        Self { source, passed, scan, gap, mark, key, shown, refused, fetched }
    }

    /// Moves in front of the first entry at or behind `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        let Some(shown) = &self.shown else { return self.seek_stored(key) };
        let stored = shown.order.stored(key)?;
        self.seek_stored(&stored)
    }

    fn seek_stored(&mut self, key: &[u8]) -> Result<()> {
        self.key.clear();
        self.key.extend_from_slice(key);
        (self.gap, self.mark) = (Gap::Marked, Mark::Before);
        self.open()?;
        let (Some(source), Some(scan)) = (&self.source, &mut self.scan) else { return Ok(()) };
        source.timed_seek(|| scan.seek(key))?;
        if scan.is_valid() {
            self.gap = Gap::Sought;
        }
        Ok(())
    }

    /// Moves in front of everything.
    pub fn seek_first(&mut self) -> Result<()> {
        (self.gap, self.mark) = (Gap::Marked, Mark::Start);
        Ok(())
    }

    /// Moves behind everything.
    pub fn seek_last(&mut self) -> Result<()> {
        (self.gap, self.mark) = (Gap::Marked, Mark::End);
        Ok(())
    }

    /// Passes the next entry and lends it; `None` behind the last.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let moved = match (self.gap, &mut self.scan) {
            (Gap::After, Some(scan)) => scan.next(),
            (Gap::Before | Gap::Sought, _) => Ok(()),
            _ if self.mark == Mark::End => return self.check().map(|()| None),
            _ => self.go_behind_mark(),
        };
        self.lend(moved, Gap::After)
    }

    /// Passes the entry before and lends it; `None` in front of the first.
    #[inline]
    pub fn prev(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let moved = match (self.gap, &mut self.scan) {
            (Gap::Before | Gap::Sought, Some(scan)) => scan.prev(),
            (Gap::After, _) => Ok(()),
            _ if self.mark == Mark::Start => return self.check().map(|()| None),
            _ => self.go_before_mark(),
        };
        self.lend(moved, Gap::Before)
    }

    /// The value of the entry that was passed last, to be kept: where it lies if that is a block of
    /// a table, else as a copy. `None` unless the last move passed an entry.
    #[must_use]
    pub fn pinned_value(&self) -> Option<Slice> {
        match self.gap {
            Gap::Before | Gap::After => {
                self.fetched.clone().or_else(|| self.scan.as_ref().map(OpenScan::pin_value))
            }
            Gap::Marked | Gap::Sought => None,
        }
    }

    /// When the value of the entry that was passed last expires, or that it never does. `None`
    /// unless the last move passed an entry.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        match self.gap {
            Gap::Before | Gap::After => {
                self.scan.as_ref().map(|scan| Expiry::from_stored(scan.expiry_millis()))
            }
            Gap::Marked | Gap::Sought => None,
        }
    }

    /// Sees from now on what is newest now, in the same gap: behind or in front of the key that was
    /// passed last, or where the last seek led, wherever entries have come and gone since. So a
    /// cursor that has met the end meets what was put behind it later. One of a snapshot stays as
    /// it is. `Closed` if the database is; after an error it sees what it saw before.
    pub fn refresh(&mut self) -> Result<()> {
        self.check()?;
        let Some(source) = &self.source else { return Ok(()) };
        let Some(newest) = source.refreshed()? else { return Ok(()) };
        self.mark();
        self.source = Some(newest);
        self.scan = None;
        Ok(())
    }

    /// Lends the scan's entry, from the gap that is `there`; if it is at none, or has failed, the
    /// gap stays where it was.
    #[inline]
    fn lend(&mut self, moved: Result<()>, there: Gap) -> Result<Option<(&[u8], &[u8])>> {
        if moved.is_err() || !self.scan.as_ref().is_some_and(OpenScan::is_valid) {
            self.mark();
            return moved.map(|()| None);
        }
        if self.fetched.is_some() {
            self.fetched = None;
        }
        if self.scan.as_ref().is_some_and(OpenScan::is_apart) {
            self.fetch(there)?;
        }
        self.gap = there;
        if let Some(passed) = &mut self.passed {
            passed.note();
        }
        let Some(scan) = &self.scan else { return Ok(None) };
        let key = match &mut self.shown {
            None => scan.key(),
            Some(shown) => shown.show(scan.key()),
        };
        Ok(Some((key, self.fetched.as_deref().unwrap_or_else(|| scan.value()))))
    }

    /// Reads the value of the scan's entry from where it stands apart. If it cannot be read, the
    /// gap is this side of the entry.
    #[cold]
    fn fetch(&mut self, there: Gap) -> Result<()> {
        let (Some(source), Some(scan)) = (&self.source, &self.scan) else { return Ok(()) };
        match source.fetch(scan) {
            Ok(value) => {
                self.fetched = Some(value);
                Ok(())
            }
            Err(error) => {
                self.mark = if there == Gap::After { Mark::Before } else { Mark::Behind };
                self.gap = Gap::Marked;
                self.key.clear();
                self.key.extend_from_slice(scan.key());
                Err(error)
            }
        }
    }

    /// Marks where the gap is, so that the scan is not needed to know it.
    #[cold]
    fn mark(&mut self) {
        let beside = match self.gap {
            Gap::Marked | Gap::Sought => None,
            Gap::Before => Some(Mark::Before),
            Gap::After => Some(Mark::Behind),
        };
        self.gap = Gap::Marked;
        let (Some(mark), Some(scan)) = (beside, &self.scan) else { return };
        self.mark = mark;
        self.key.clear();
        self.key.extend_from_slice(if scan.is_valid() { scan.key() } else { scan.left() });
    }

    /// Moves the scan to the first entry behind the mark, which is not the end.
    #[cold]
    fn go_behind_mark(&mut self) -> Result<()> {
        self.open()?;
        let Some(scan) = &mut self.scan else { return Ok(()) };
        match self.mark {
            Mark::Start => scan.seek_first(),
            Mark::Before => scan.seek(&self.key),
            Mark::Behind => {
                scan.seek(&self.key)?;
                if scan.key() == self.key { scan.next() } else { Ok(()) }
            }
            Mark::End => Ok(()),
        }
    }

    /// Moves the scan to the last entry in front of the mark, which is not the start.
    #[cold]
    fn go_before_mark(&mut self) -> Result<()> {
        self.open()?;
        let Some(scan) = &mut self.scan else { return Ok(()) };
        match self.mark {
            Mark::Start => Ok(()),
            Mark::Before => {
                scan.seek_for_prev(&self.key)?;
                if scan.key() == self.key { scan.prev() } else { Ok(()) }
            }
            Mark::Behind => scan.seek_for_prev(&self.key),
            Mark::End => scan.seek_last(),
        }
    }

    fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    fn open(&mut self) -> Result<()> {
        self.check()?;
        if let (None, Some(source)) = (&self.scan, &self.source) {
            self.scan = Some(source.open()?);
        }
        Ok(())
    }
}

const _: () = {
    const fn is_send<T: Send + 'static>() {}
    is_send::<Cursor>();
};
