//! What an iterator runs over: bounds and a prefix as one range.

use std::ops::Bound;

use lsm_core::api::bounds::prefix_bounds;
use lsm_core::{Cursor, Result, Slice};

use crate::border::pointers::Border;
use crate::bytes::lsm_slice;
use crate::handles::Seen;
use crate::options::{LSM_READ_KEYS_ONLY, lsm_read_options};
use crate::read::chosen_reader;

/// A cursor as the options say.
pub(super) fn cursor(
    border: &Border,
    seen: &Seen,
    options: *const lsm_read_options,
) -> Result<Cursor> {
    let Some(chosen) = border.options(options)? else { return Ok(seen.keyspace.cursor(..)) };
    let range = range(border, &chosen)?;
    let has_values = chosen.flags & LSM_READ_KEYS_ONLY == 0;
    let range = chosen_reader(seen, &chosen)?.range(range);
    Ok(if has_values { range.cursor() } else { range.keys().cursor() })
}

type Range = (Bound<Slice>, Bound<Slice>);

/// The keys from `lower` on, before `upper`, that begin with `prefix`.
fn range(border: &Border, chosen: &lsm_read_options) -> Result<Range> {
    let bound = |name, end: lsm_slice| Ok(border.bound(name, end)?.map(Slice::copy_from));
    let (lower, upper) = (bound("lower", chosen.lower)?, bound("upper", chosen.upper)?);
    let (first, last) = match border.bound("prefix", chosen.prefix)? {
        Some(prefix) => prefix_bounds(prefix),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    // An absent lower bound is less than any, which the empty key is too.
    let lower = lower.into_iter().chain(inside(first)).max();
    let upper = upper.into_iter().chain(inside(last)).min();
    Ok((
        lower.map_or(Bound::Unbounded, Bound::Included),
        upper.map_or(Bound::Unbounded, Bound::Excluded),
    ))
}

fn inside(bound: Bound<Slice>) -> Option<Slice> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}
