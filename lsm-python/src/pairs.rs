//! The pairs of whatever Python takes for some.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::border::calling::{call, each, find, item};
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
