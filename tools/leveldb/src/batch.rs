//! Section "Write batch": changes that belong to no database until they are written to one.

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use crate::boundary::{Lent, Object, State, untold};
use crate::door::Change;
use crate::failure::{Failure, Result};

/// A batch as C holds it: keys and values one behind the other, and what is done with them.
#[derive(Clone, Debug, Default)]
pub struct leveldb_writebatch_t {
    bytes: Vec<u8>,
    changes: Vec<Recorded>,
    /// A change that could not be taken: the write of the batch tells.
    failure: Option<Failure>,
}

/// One change: how long its key and its value are. A delete has no value.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    key: usize,
    value: Option<usize>,
}

impl leveldb_writebatch_t {
    /// The changes in order.
    pub fn changes(&self) -> Result<Vec<Change<'_>>> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.walk().collect()),
        }
    }

    fn walk(&self) -> impl Iterator<Item = Change<'_>> {
        let mut rest = self.bytes.as_slice();
        self.changes.iter().map_while(move |recorded| {
            let key = take(&mut rest, recorded.key)?;
            Some(match recorded.value {
                Some(len) => Change::Put(key, take(&mut rest, len)?),
                None => Change::Delete(key),
            })
        })
    }

    fn record(&mut self, key: Result<&[u8]>, value: Option<Result<&[u8]>>) {
        match (key, value.transpose()) {
            (Ok(key), Ok(value)) => {
                self.bytes.extend_from_slice(key);
                self.bytes.extend_from_slice(value.unwrap_or_default());
                self.changes.push(Recorded { key: key.len(), value: value.map(<[u8]>::len) });
            }
            (Err(failure), _) | (_, Err(failure)) => drop(self.failure.get_or_insert(failure)),
        }
    }

    fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.changes.extend_from_slice(&other.changes);
        self.failure = self.failure.take().or_else(|| other.failure.clone());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.changes.clear();
        self.failure = None;
    }
}

/// The first bytes, which are then gone from `rest`.
fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// Makes an empty batch.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_create() -> Box<leveldb_writebatch_t> {
    Box::default()
}

/// Frees a batch.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_destroy(batch: Option<Box<leveldb_writebatch_t>>) {
    untold((), || drop(batch));
}

/// Forgets all changes.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_clear(batch: Option<&mut leveldb_writebatch_t>) {
    let Some(batch) = batch else { return };
    untold((), || batch.clear());
}

/// Adds a pair.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_put(
    batch: Option<&mut leveldb_writebatch_t>,
    key: Lent<'_>,
    key_len: usize,
    value: Lent<'_>,
    value_len: usize,
) {
    let Some(batch) = batch else { return };
    untold((), || batch.record(key.values(key_len), Some(value.values(value_len))));
}

/// Adds the going of a key.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_delete(
    batch: Option<&mut leveldb_writebatch_t>,
    key: Lent<'_>,
    key_len: usize,
) {
    let Some(batch) = batch else { return };
    untold((), || batch.record(key.values(key_len), None));
}

/// Is told of a pair.
pub type OnPut = Option<extern "C" fn(State, Lent<'_>, usize, Lent<'_>, usize)>;
/// Is told of a key that goes.
pub type OnDelete = Option<extern "C" fn(State, Lent<'_>, usize)>;

/// Tells all changes in order.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_iterate(
    batch: Option<&leveldb_writebatch_t>,
    state: State,
    on_put: OnPut,
    on_delete: OnDelete,
) {
    let Some(batch) = batch else { return };
    untold((), || {
        for change in batch.walk() {
            match (change, on_put, on_delete) {
                (Change::Put(key, value), Some(put), _) => {
                    put(state, Lent::new(key), key.len(), Lent::new(value), value.len());
                }
                (Change::Delete(key), _, Some(delete)) => delete(state, Lent::new(key), key.len()),
                _ => {}
            }
        }
    });
}

/// Adds the changes of `source`, which may be the same batch.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_writebatch_append(
    destination: Object<leveldb_writebatch_t>,
    source: Object<leveldb_writebatch_t>,
) {
    untold((), || {
        if destination.is(&source) {
            let copy = destination.with(|batch| batch.clone()).unwrap_or_default();
            destination.with(|batch| batch.append(&copy));
        } else {
            source.with(|source| destination.with(|batch| batch.append(source)));
        }
    });
}
