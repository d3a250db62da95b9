//! Section "Iterator": an entry that is stood on, over a cursor that stands between entries.

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::ffi::c_char;

use lsm_core::Cursor;

use crate::boundary::{ErrorPlace, Lent, Room, guarded, told, untold};
use crate::failure::{Failure, Result};
use crate::order::Order;

/// An iterator as C holds it. Its key and its value stay where they are until it moves.
#[derive(Debug)]
pub struct leveldb_iterator_t {
    cursor: Cursor,
    order: Option<Order>,
    key: Vec<u8>,
    value: Vec<u8>,
    at: At,
    /// The first failure stays: whoever asks only at the end of a walk is told.
    failure: Option<Failure>,
}

/// Where the iterator is, and on which side of its entry the cursor's gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Nowhere,
    GapBehind,
    GapBefore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forward,
    Backward,
}

impl leveldb_iterator_t {
    /// An iterator that is nowhere yet.
    #[must_use]
    pub fn new(cursor: Cursor, order: Option<Order>) -> Self {
        let (key, value) = (Vec::new(), Vec::new());
        Self { cursor, order, key, value, at: At::Nowhere, failure: None }
    }

    fn is_valid(&self) -> bool {
        self.at != At::Nowhere
    }

    fn seek_first(&mut self) -> Result<()> {
        self.at = At::Nowhere;
        self.cursor.seek_first()?;
        self.take(Way::Forward)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.at = At::Nowhere;
        self.cursor.seek_last()?;
        self.take(Way::Backward)
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        self.at = At::Nowhere;
        if let Some(order) = &self.order {
            order.check_place(&mut self.cursor, target)?;
        }
        self.cursor.seek(target)?;
        self.take(Way::Forward)
    }

    /// Moves to the entry beside this one, if there is an entry to move from.
    fn step(&mut self, way: Way) -> Result<()> {
        let turns = match (self.at, way) {
            (At::Nowhere, _) => return Ok(()),
            (At::GapBehind, Way::Forward) | (At::GapBefore, Way::Backward) => false,
            (At::GapBefore, Way::Forward) | (At::GapBehind, Way::Backward) => true,
        };
        // Turning round, the cursor passes the entry that we stand on first.
        if turns {
            pass(&mut self.cursor, way)?;
        }
        self.take(way)
    }

    /// Stands on the entry that the cursor passes next; nowhere if there is none.
    fn take(&mut self, way: Way) -> Result<()> {
        let is_step = std::mem::replace(&mut self.at, At::Nowhere) != At::Nowhere;
        let Some((key, value)) = pass(&mut self.cursor, way)? else { return Ok(()) };
        if let Some(order) = self.order.as_ref().filter(|_| is_step) {
            order.check(&self.key, key)?;
        }
        replace(&mut self.key, key);
        replace(&mut self.value, value);
        self.at = match way {
            Way::Forward => At::GapBehind,
            Way::Backward => At::GapBefore,
        };
        Ok(())
    }

    fn run(&mut self, moved: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(failure) = guarded(|| moved(self)) {
            self.at = At::Nowhere;
            self.failure.get_or_insert(failure);
        }
    }
}

/// Passes the next entry on a way and lends it.
fn pass(cursor: &mut Cursor, way: Way) -> Result<Option<(&[u8], &[u8])>> {
    Ok(match way {
        Way::Forward => cursor.next()?,
        Way::Backward => cursor.prev()?,
    })
}

fn replace(kept: &mut Vec<u8>, bytes: &[u8]) {
    kept.clear();
    kept.extend_from_slice(bytes);
}

/// Frees an iterator.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_destroy(iterator: Option<Box<leveldb_iterator_t>>) {
    untold((), || drop(iterator));
}

/// 1 if it stands on an entry.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_valid(iterator: Option<&leveldb_iterator_t>) -> u8 {
    iterator.is_some_and(leveldb_iterator_t::is_valid).into()
}

/// Moves to the first entry.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_seek_to_first(iterator: Option<&mut leveldb_iterator_t>) {
    let Some(iterator) = iterator else { return };
    iterator.run(leveldb_iterator_t::seek_first);
}

/// Moves to the last entry.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_seek_to_last(iterator: Option<&mut leveldb_iterator_t>) {
    let Some(iterator) = iterator else { return };
    iterator.run(leveldb_iterator_t::seek_last);
}

/// Moves to the first entry at or behind a key.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_seek(
    iterator: Option<&mut leveldb_iterator_t>,
    key: Lent<'_>,
    key_len: usize,
) {
    let Some(iterator) = iterator else { return };
    iterator.run(|iterator| iterator.seek(key.values(key_len)?));
}

/// Moves to the next entry; one that stands nowhere stays there.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_next(iterator: Option<&mut leveldb_iterator_t>) {
    let Some(iterator) = iterator else { return };
    iterator.run(|iterator| iterator.step(Way::Forward));
}

/// Moves to the entry before; one that stands nowhere stays there.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_prev(iterator: Option<&mut leveldb_iterator_t>) {
    let Some(iterator) = iterator else { return };
    iterator.run(|iterator| iterator.step(Way::Backward));
}

/// Lends the key of the entry, until the iterator moves.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_key(
    iterator: Option<&leveldb_iterator_t>,
    key_len: Room<'_, usize>,
) -> *const c_char {
    lend(iterator.map(|iterator| iterator.key.as_slice()), key_len)
}

/// Lends the value of the entry, until the iterator moves.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_value(
    iterator: Option<&leveldb_iterator_t>,
    value_len: Room<'_, usize>,
) -> *const c_char {
    lend(iterator.map(|iterator| iterator.value.as_slice()), value_len)
}

fn lend(bytes: Option<&[u8]>, len: Room<'_, usize>) -> *const c_char {
    let bytes = bytes.unwrap_or_default();
    len.put(bytes.len());
    bytes.as_ptr().cast()
}

/// Tells the first failure, if there was one.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_iter_get_error(
    iterator: Option<&leveldb_iterator_t>,
    errptr: ErrorPlace<'_>,
) {
    let failure = iterator.and_then(|iterator| iterator.failure.clone());
    told(errptr, (), || failure.map_or(Ok(()), Err));
}
