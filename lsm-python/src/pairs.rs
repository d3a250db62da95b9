//! The pairs of whatever Python takes for some.

use lsm_core::{Batch, Keyspace};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::border::calling::{call, each, find, item, len};
use crate::border::errors::Outcome;
use crate::border::input::Input;

/// Shows the pairs of a mapping, or of an iterable, one by one. What `dict.update` takes for a
/// mapping is one here.
pub(crate) fn each_pair(
    items: &Bound<'_, PyAny>,
    mut show: impl FnMut(&[u8], &[u8]) -> Outcome<()>,
) -> Outcome<()> {
    let keys = find(items, "keys")?;
    let pairs = match keys.as_ref().map(|_| find(items, "items")).transpose()?.flatten() {
        Some(pairs) => call(&pairs, ())?,
        None => items.clone(),
    };
    if let (Some(keys), true) = (keys, pairs.is(items)) {
        for key in each(&call(&keys, ())?)? {
            let key = key?;
            show_pair(&key, &item(items, &key)?, &mut show)?;
        }
        return Ok(());
    }
    for pair in each(&pairs)? {
        let (key, value) = two(&pair?)?;
        show_pair(&key, &value, &mut show)?;
    }
    Ok(())
}

/// So many pairs are taken until signals are heard.
const PAIRS_UNHEARD: usize = 1024;

/// All pairs in one batch.
pub(crate) fn in_one_batch(keyspace: &Keyspace, items: &Bound<'_, PyAny>) -> Outcome<Batch> {
    let mut batch = Batch::new();
    each_pair(items, |key, value| {
        batch.put(keyspace, key, value);
        let is_heard = batch.len() % PAIRS_UNHEARD == 0;
        if is_heard { Ok(items.py().check_signals()?) } else { Ok(()) }
    })?;
    Ok(batch)
}

/// How many pairs there are, if that can be told before they are taken.
pub(crate) fn len_of(items: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    match len(items) {
        Err(error) if error.is_instance_of::<PyTypeError>(items.py()) => Ok(None),
        len => len.map(Some),
    }
}

/// Whoever writes pairs in batches writes so many bytes at a time.
const BATCH_BYTES: usize = 1 << 20;

/// Puts pairs into batches, each to be written and emptied by `write`, which is told how many pairs
/// there were by then. Answers how many there were in all.
pub(crate) fn in_batches(
    keyspace: &Keyspace,
    items: &Bound<'_, PyAny>,
    write: &mut impl FnMut(&mut Batch, u64) -> Outcome<()>,
) -> Outcome<u64> {
    let (mut batch, mut count) = (Batch::new(), 0);
    each_pair(items, |key, value| {
        batch.put(keyspace, key, value);
        count += 1;
        if batch.bytes() >= BATCH_BYTES { write(&mut batch, count) } else { Ok(()) }
    })?;
    write(&mut batch, count)?;
    Ok(count)
}

type Two<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// A pair, in whatever holds two things.
fn two<'py>(pair: &Bound<'py, PyAny>) -> PyResult<Two<'py>> {
    if let Ok(tuple) = pair.cast::<PyTuple>() {
        return tuple.extract();
    }
    let parts = each(pair)?.collect::<PyResult<Vec<_>>>()?;
    <[Bound<'_, PyAny>; 2]>::try_from(parts).map(Into::into).map_err(|parts| {
        PyValueError::new_err(format!("a pair is a key and a value, not {} things", parts.len()))
    })
}

fn show_pair(
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    show: &mut impl FnMut(&[u8], &[u8]) -> Outcome<()>,
) -> Outcome<()> {
    let (key, value): (Input<'_>, Input<'_>) = (key.extract()?, value.extract()?);
    show(key.as_ref(), value.as_ref())
}
