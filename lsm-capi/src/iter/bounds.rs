//! What an iterator runs over: bounds and a prefix as one range.

use std::ops::Bound;

use lsm_core::{Cursor, KeyRange, Result, Slice};

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
    let range = Chosen::new(border, &chosen)?;
    let has_values = chosen.flags & LSM_READ_KEYS_ONLY == 0;
    let range = chosen_reader(seen, &chosen)?.range(range);
    Ok(if has_values { range.cursor() } else { range.keys().cursor() })
}

/// The keys from `lower` on, before `upper`, that begin with `prefix`.
struct Chosen {
    lower: Option<Slice>,
    upper: Option<Slice>,
    prefix: Option<Slice>,
}

impl Chosen {
    fn new(border: &Border, chosen: &lsm_read_options) -> Result<Self> {
        let bound = |name, end: lsm_slice| Ok(border.bound(name, end)?.map(Slice::copy_from));
        Ok(Self {
            lower: bound("lower", chosen.lower)?,
            upper: bound("upper", chosen.upper)?,
            prefix: bound("prefix", chosen.prefix)?,
        })
    }
}

impl KeyRange for Chosen {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        let lower = self.lower.map_or(Bound::Unbounded, Bound::Included);
        (lower, self.upper.map_or(Bound::Unbounded, Bound::Excluded))
    }

    fn prefix(&self) -> Option<Slice> {
        self.prefix.clone()
    }
}
