//! Pacing: how much writers are held back, decided from numbers alone.
//!
//! Background work falls behind in three ways: memtables wait for their flush, reads have to look
//! in too many runs, bytes wait to be merged. Each is set against its limit. Below a part of the
//! limit nobody waits; above it each byte written costs a little time, more the closer the limit
//! is, so that writers slow down to what the background can do instead of standing still at once.

use std::time::Duration;

pub use crate::extend::event::PaceCause as Cause;

/// How far behind the background is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Memtables that wait for their flush.
    pub memtables: u64,
    /// Runs above the number that the strategies aim at, in the worst tree.
    pub runs_over: u64,
    /// Bytes that wait to be merged, in all trees.
    pub debt_bytes: u64,
    /// Memory that only background work and readers give back, above what is usual.
    pub memory_bytes: u64,
}

/// Where writers would have to stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many memtables.
    pub memtables: u64,
    /// So many runs too many.
    pub runs_over: u64,
    /// So many bytes.
    pub debt_bytes: u64,
    /// So many bytes of memory above what is usual.
    pub memory_bytes: u64,
}

/// How writers are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What each KiB written costs.
    pub per_kib: Duration,
    /// Why.
    pub cause: Cause,
}

/// Below so many thousandths of a limit nobody waits.
const FREE: u64 = 600;
/// At the limit a KiB costs this: 4 MiB a second.
const PER_KIB_MAX: u64 = 250_000;

/// The pace for a load; `None` if nobody is held back.
#[must_use]
pub fn pace(load: &Load, limits: &Limits) -> Option<Pace> {
    let ratios = [
        (thousandths(load.memtables, limits.memtables), Cause::Flush),
        (thousandths(load.runs_over, limits.runs_over), Cause::Runs),
        (thousandths(load.debt_bytes, limits.debt_bytes), Cause::Debt),
        (thousandths(load.memory_bytes, limits.memory_bytes), Cause::Memory),
    ];
    let (ratio, cause) = ratios.into_iter().max_by_key(|(ratio, _)| *ratio)?;
    let over = ratio.checked_sub(FREE)?.min(1000 - FREE);
    // Squared: gentle where it begins, so that a short burst is hardly noticed.
    let nanos = PER_KIB_MAX * over * over / ((1000 - FREE) * (1000 - FREE));
    (nanos > 0).then_some(Pace { per_kib: Duration::from_nanos(nanos), cause })
}

fn thousandths(value: u64, limit: u64) -> u64 {
    value.saturating_mul(1000) / limit.max(1)
}

#[cfg(test)]
mod tests;
