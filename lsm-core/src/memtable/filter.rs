//! The filter in front of a memtable: most keys that are not there cost one cache miss.
//!
//! Each key sets one bit in each of the eight words of one 64-byte line. A filter cannot grow, so
//! when a level has taken in as many keys as it was made for, a larger one is begun behind it. The
//! first levels are small, for a memtable that holds little shall be small, and they stay in the
//! processor's caches; the level that pays is sized by what the memtable is going to hold.

use crate::base::error::Result;
use crate::base::room::no_memory;
use crate::base::sync::{AtomicU64, OnceLock, Ordering};
use crate::env::os::memory::prefetch;

/// Fewer in a model, where each costs as much as all else.
const WORDS: usize = if cfg!(lsm_loom) { 1 } else { 8 };
const LEVELS: usize = 24;
/// The first level takes so many keys.
const FIRST_KEYS: usize = if cfg!(lsm_loom) { LINE_KEYS } else { 384 };
/// No level takes more than so many times the keys of the one before.
const STEP: usize = 64;
/// Keys in a line: twelve bits for each of them.
const LINE_KEYS: usize = 42;
/// How many bits the choice of a bit in a word takes.
const WORD_BITS: u32 = 6;
/// An odd number without a pattern: it spreads half a hash over a whole word.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[repr(align(64))]
#[derive(Debug, Default)]
struct Line([AtomicU64; WORDS]);

/// The lines of every level. One thread adds, any number of threads asks.
#[derive(Debug, Default)]
pub(super) struct Filter {
    levels: [OnceLock<Box<[Line]>>; LEVELS],
}

/// Where the writer stands.
#[derive(Debug)]
pub(super) struct FilterWriter {
    level: usize,
    /// How many keys the level takes, and how many more it will.
    keys: usize,
    room: usize,
    budget: usize,
}

impl FilterWriter {
    /// The writer of a new filter, for entries of `budget` bytes together.
    pub(super) fn new(budget: usize) -> Self {
        Self { level: 0, keys: 0, room: 0, budget }
    }
}

impl Filter {
    /// True if a key with this hash may have been added.
    #[inline]
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        for level in &self.levels {
            let Some(lines) = level.get() else { return false };
            if line_of(lines, hash).is_some_and(|line| line.holds(hash)) {
                return true;
            }
        }
        false
    }

    /// Adds a key. `entries` and `bytes` are what the memtable holds so far; they say how large a
    /// new level has to be.
    #[inline]
    pub(super) fn add(
        &self,
        writer: &mut FilterWriter,
        hash: u64,
        entries: u64,
        bytes: impl FnOnce() -> usize,
    ) -> Result<()> {
        if writer.room == 0 {
            self.grow(writer, entries, bytes())?;
        }
        let lines = self.levels.get(writer.level).and_then(|level| level.get());
        if let Some(line) = lines.and_then(|lines| line_of(lines, hash)) {
            // The last level takes every key that is left, and says yes ever more often.
            if line.add(hash) && writer.room < usize::MAX {
                writer.room -= 1;
            }
        }
        Ok(())
    }

    /// Asks for the line that adding this key is going to touch.
    #[inline]
    pub(super) fn ahead(&self, writer: &FilterWriter, hash: u64) {
        let lines = self.levels.get(writer.level).and_then(|level| level.get());
        if let Some(line) = lines.and_then(|lines| line_of(lines, hash)) {
            prefetch(std::ptr::from_ref(line).cast(), size_of::<Line>());
        }
    }

    #[cold]
    fn grow(&self, writer: &mut FilterWriter, entries: u64, bytes: usize) -> Result<()> {
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        let average = (bytes / entries.max(1)).max(1);
        let expected = writer.budget.saturating_sub(bytes) / average;
        // A tenth more, for entries need not stay as long as they were.
        let expected = expected.saturating_add(expected / 10);
        let most = writer.keys.saturating_mul(STEP).max(FIRST_KEYS);
        let keys = if entries == 0 { FIRST_KEYS } else { expected.clamp(FIRST_KEYS, most) };
        // Past its budget, a memtable may go on for long: then each level doubles the filter.
        let keys = if expected < entries { keys.max(entries.min(most)) } else { keys };
        let level = if writer.keys == 0 { 0 } else { writer.level + 1 };
        let Some(place) = self.levels.get(level) else {
            writer.room = usize::MAX;
            return Ok(());
        };
        let count = keys.div_ceil(LINE_KEYS);
        let mut lines = Vec::new();
        let refused = |_| no_memory("a filter");
        lines.try_reserve_exact(count).map_err(refused)?;
        lines.resize_with(count, Line::default);
        if place.set(lines.into_boxed_slice()).is_ok() {
            writer.level = level;
            writer.keys = keys;
            writer.room = keys;
        }
        Ok(())
    }

    /// How many bytes all levels take.
    pub(super) fn bytes(&self) -> usize {
        let lines = self.levels.iter().map_while(OnceLock::get).map(|lines| lines.len());
        lines.sum::<usize>() * size_of::<Line>()
    }
}

/// The line of a hash: its upper half scaled to the number of lines.
#[inline]
fn line_of(lines: &[Line], hash: u64) -> Option<&Line> {
    let scaled = (u128::from(hash) * lines.len() as u128) >> 64;
    lines.get(scaled as usize)
}

impl Line {
    #[inline]
    fn holds(&self, hash: u64) -> bool {
        let mut bits = spread(hash);
        let mut all = 1;
        for word in &self.0 {
            all &= word.load(Ordering::Relaxed) >> (bits >> (u64::BITS - WORD_BITS));
            bits <<= WORD_BITS;
        }
        all & 1 == 1
    }

    /// Answers whether the key was new. There is one writer, so no bit is lost between the load and
    /// the store.
    #[inline]
    fn add(&self, hash: u64) -> bool {
        let mut bits = spread(hash);
        let mut changed = 0;
        for word in &self.0 {
            let old = word.load(Ordering::Relaxed);
            let new = old | 1 << (bits >> (u64::BITS - WORD_BITS));
            changed |= old ^ new;
            word.store(new, Ordering::Relaxed);
            bits <<= WORD_BITS;
        }
        changed != 0
    }
}

#[inline]
fn spread(hash: u64) -> u64 {
    (hash & 0xffff_ffff).wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests;
