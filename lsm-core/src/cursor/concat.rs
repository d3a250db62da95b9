//! Sources that do not overlap as one: each is opened when it is needed, and one at a time.

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::cursor::contract::Cursor;

/// A piece of a sorted run, as what is known of it before it is opened.
pub trait Part {
    /// What moves over its entries.
    type C: Cursor;

    /// No entry lies before this key.
    fn smallest(&self) -> &[u8];

    /// No entry lies behind this key.
    fn largest(&self) -> &[u8];

    /// A cursor over its entries, at none of them.
    fn open(&self) -> Result<Self::C>;
}

/// The pieces of a run, in the order of their keys, by their numbers from zero on.
pub trait Parts {
    /// What moves over the entries of one.
    type C: Cursor;

    /// How many there are.
    fn count(&self) -> usize;

    /// No entry of this one lies before this key.
    fn smallest(&self, at: usize) -> &[u8];

    /// No entry of this one lies behind this key.
    fn largest(&self, at: usize) -> &[u8];

    /// A cursor over the entries of this one, at none of them; `None` if there are not so many.
    fn open(&self, at: usize) -> Result<Option<Self::C>>;
}

impl<P: Part> Parts for Vec<P> {
    type C = P::C;

    fn count(&self) -> usize {
        self.len()
    }

    fn smallest(&self, at: usize) -> &[u8] {
        self.get(at).map_or(&[], P::smallest)
    }

    fn largest(&self, at: usize) -> &[u8] {
        self.get(at).map_or(&[], P::largest)
    }

    fn open(&self, at: usize) -> Result<Option<P::C>> {
        self.get(at).map(P::open).transpose()
    }
}

/// How many of the first numbers below `count` are `before`, which those behind them are not.
fn count_before(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (0, count);
    while start < end {
        let middle = start + (end - start) / 2;
        if before(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

/// The entries of all parts, which stand in the order of their keys. A key may be the largest of
/// one and the smallest of the next; every entry of the first still comes before those of the next.
#[derive(Debug)]
pub struct Concat<P: Parts> {
    parts: P,
    at: usize,
    cursor: Option<P::C>,
}

impl<P: Parts> Concat<P> {
    /// At no entry, with nothing opened.
    #[must_use]
    pub fn new(parts: P) -> Self {
        Self { parts, at: 0, cursor: None }
    }

    /// Goes to a part, and to a place in it.
    fn go(&mut self, at: usize, place: impl FnOnce(&mut P::C) -> Result<()>) -> Result<()> {
        let open = self.cursor.take().filter(|_| self.at == at);
        let open = open.map_or_else(|| self.parts.open(at), |cursor| Ok(Some(cursor)))?;
        let Some(mut cursor) = open else { return Ok(()) };
        self.at = at;
        place(&mut cursor)?;
        self.cursor = Some(cursor);
        Ok(())
    }

    fn is_at_entry(&self) -> bool {
        self.cursor.as_ref().is_some_and(P::C::is_valid)
    }

    /// From a part without an entry here to the first later one in which `place` finds one.
    fn pass_on(&mut self, place: impl Fn(&mut P::C) -> Result<()>) -> Result<()> {
        while self.cursor.is_some() && !self.is_at_entry() {
            self.go(self.at.saturating_add(1), &place)?;
        }
        Ok(())
    }

    /// From a part without an entry here to the last earlier one in which `place` finds one.
    fn pass_back(&mut self, place: impl Fn(&mut P::C) -> Result<()>) -> Result<()> {
        while self.cursor.is_some() && !self.is_at_entry() {
            // Before the first part there is none, as behind the last.
            self.go(self.at.checked_sub(1).unwrap_or(usize::MAX), &place)?;
        }
        Ok(())
    }
}

impl<P: Parts + Send> Cursor for Concat<P> {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        let at = count_before(self.parts.count(), |at| self.parts.largest(at) < key);
        // The entries of one key may go on in the next part, so that one is searched too.
        let place = |cursor: &mut P::C| cursor.seek(key, trailer);
        self.go(at, place)?;
        self.pass_on(place)
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        let end = count_before(self.parts.count(), |at| self.parts.smallest(at) <= key);
        let at = end.checked_sub(1).unwrap_or(usize::MAX);
        let place = |cursor: &mut P::C| cursor.seek_before(key, trailer);
        self.go(at, place)?;
        self.pass_back(place)
    }

    fn seek_first(&mut self) -> Result<()> {
        self.go(0, P::C::seek_first)?;
        self.pass_on(P::C::seek_first)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.go(self.parts.count().checked_sub(1).unwrap_or(usize::MAX), P::C::seek_last)?;
        self.pass_back(P::C::seek_last)
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        let Some(cursor) = self.cursor.as_mut().filter(|cursor| cursor.is_valid()) else {
            return Ok(());
        };
        cursor.next()?;
        if cursor.is_valid() { Ok(()) } else { self.pass_on(P::C::seek_first) }
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        let Some(cursor) = self.cursor.as_mut().filter(|cursor| cursor.is_valid()) else {
            return Ok(());
        };
        cursor.prev()?;
        if cursor.is_valid() { Ok(()) } else { self.pass_back(P::C::seek_last) }
    }

    #[inline]
    fn is_valid(&self) -> bool {
        self.is_at_entry()
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.cursor.as_ref().map_or(&[], P::C::key)
    }

    #[inline]
    fn head(&self) -> u64 {
        self.cursor.as_ref().map_or(0, P::C::head)
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.cursor.as_ref().map_or(0, P::C::trailer)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.cursor.as_ref().map_or(&[], P::C::value)
    }

    /// Of the key with which a part may begin, the part before may have newer entries.
    #[inline]
    fn is_newest(&self) -> bool {
        let is_behind_start = |cursor: &P::C| self.parts.smallest(self.at) < cursor.key();
        self.cursor.as_ref().is_some_and(|cursor| cursor.is_newest() && is_behind_start(cursor))
    }

    fn pin_value(&self) -> Slice {
        self.cursor.as_ref().map_or_else(Slice::new, P::C::pin_value)
    }
}

#[cfg(test)]
mod tests;
