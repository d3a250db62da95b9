//! Estimates of the random model: what is said of a keyspace and of a range, held against the
//! reference.

use std::ops::Bound;

use lsm_core::Estimate;
use lsm_core::api::keyspace::Keyspace;

use crate::harness::engine::reference::{Pairs, is_in};

type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Holds everything that is estimated against the pairs that there must be.
pub fn check_estimates(
    keyspace: &Keyspace,
    pairs: &Pairs,
    range: Range<'_>,
    parts: usize,
) -> Result<(), String> {
    let said = |error: lsm_core::Error| error.to_string();
    let is_inside = |key: &&Vec<u8>| is_in(key.as_slice(), range.0, range.1);
    let keys: Vec<&Vec<u8>> = pairs.keys().filter(is_inside).collect();
    holds(keyspace.approximate_count(range).map_err(said)?, keys.len() as u64)?;
    let size = keyspace.approximate_size(range).map_err(said)?;
    holds(size, size.estimate)?;
    let usage = keyspace.usage().map_err(said)?;
    holds(usage.live_keys, pairs.len() as u64)?;
    // What operands come to may be longer or shorter than they are.
    let is_merging = keyspace.options().get_merge_operator().is_some();
    let entry = |(key, value): (&Vec<u8>, &std::sync::Arc<[u8]>)| key.len() + value.len() + 12;
    let live = pairs.iter().map(entry).sum::<usize>() as u64;
    let (least, most) = (usage.live_bytes_min, usage.live_bytes_max);
    if !is_merging {
        holds(Estimate::between(least, most, usage.live_bytes), live)?;
    }
    let garbage = usage.data_bytes.saturating_sub(live);
    let (least, most) = (usage.garbage_bytes_min, usage.garbage_bytes_max);
    if !is_merging {
        holds(Estimate::between(least, most, usage.garbage_bytes), garbage)?;
    }
    let points = keyspace.split_points(range, parts).map_err(said)?;
    let mut lower = range.0;
    let mut found = Vec::new();
    for point in &points {
        if !is_in(&**point, lower, range.1) || lower == Bound::Included(&**point) {
            return Err(format!("{point:?} splits nothing"));
        }
        found.extend(keyspace.range((lower, Bound::Excluded(&**point))));
        lower = Bound::Included(point);
    }
    found.extend(keyspace.range((lower, range.1)));
    let found: Vec<_> = found.into_iter().collect::<lsm_core::Result<_>>().map_err(said)?;
    let is_whole = found.iter().map(|(key, _)| &**key).eq(keys.iter().map(|key| key.as_slice()));
    if is_whole && points.len() < parts { Ok(()) } else { Err("parts are not the whole".into()) }
}

fn holds(estimate: Estimate, truth: u64) -> Result<(), String> {
    let Estimate { estimate: guess, at_least, at_most, .. } = estimate;
    let is_so = at_least <= truth && truth <= at_most && at_least <= guess && guess <= at_most;
    if is_so { Ok(()) } else { Err(format!("{truth} against {estimate:?}")) }
}
