//! How many keys are alive, from what is known of memtables and tables each by itself.
//!
//! A reader sees a key's newest entry, which is also the newest in the source that it stands in.
//! So there are no more live keys than all sources have together, and a source shows what it has
//! but for keys that newer ones have too. Sources whose spans of keys touch no others are reckoned
//! apart: nothing of theirs can hide anything of those.

use crate::base::sort::{sort_by, sort_by_key};
use crate::stats::usage::Estimate;

/// What is known of a memtable, or of the part of a table in question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// No key in it is before this.
    pub first: Vec<u8>,
    /// No key in it is behind this.
    pub last: Vec<u8>,
    /// The higher, the older. Sources of one age have no key in common.
    pub age: usize,
    /// It has no more keys than this.
    pub keys_max: u64,
    /// Keys whose newest entry in it is a value that no range tombstone hides.
    pub live: Estimate,
    /// Keys whose newest entry is something else. It may be any number up to the bound.
    pub dead: Estimate,
    /// Bytes of the newest entries of the live keys.
    pub bytes: Estimate,
    /// None of these has more bytes.
    pub entry_max: u64,
}

/// Live keys, and bytes of their entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// How many keys.
    pub keys: Estimate,
    /// How many bytes.
    pub bytes: Estimate,
}

/// What all sources together show to a reader.
#[must_use]
pub fn reckon(mut sources: Vec<Source>) -> Alive {
    sort_by(&mut sources, |a, b| a.first.cmp(&b.first));
    let mut alive = Alive::default();
    let mut rest = sources.as_slice();
    while let Some(head) = rest.first() {
        let mut last = head.last.clone();
        let mut len = 1;
        while let Some(next) = rest.get(len).filter(|next| next.first <= last) {
            last = last.max(next.last.clone());
            len += 1;
        }
        let (cluster, others) = rest.split_at(len);
        let found = reckon_cluster(cluster.iter().collect());
        alive.keys = alive.keys.plus(found.keys);
        alive.bytes = alive.bytes.plus(found.bytes);
        rest = others;
    }
    alive
}

/// The same of sources that may have keys in common.
fn reckon_cluster(mut cluster: Vec<&Source>) -> Alive {
    sort_by_key(&mut cluster, |source| source.age);
    let mut alive = Alive::default();
    // Of what is newer than the age at hand: its keys, and those among them that may be deleted.
    let (mut newer, mut dead) = (0u64, 0u64);
    let (mut shown, mut shown_by_one, mut bytes_shown) = (0u64, 0u64, 0u64);
    let (mut guess, mut deletes) = (0u64, 0u64);
    let same_age = |a: &&Source, b: &&Source| a.age == b.age;
    let ages = cluster.chunk_by(same_age).count();
    for (at, age) in cluster.chunk_by(same_age).enumerate() {
        let sum = |of: fn(&Source) -> u64| age.iter().map(|it| of(it)).fold(0, u64::saturating_add);
        let live = age.iter().fold(Estimate::default(), |sum, it| sum.plus(it.live));
        let bytes = age.iter().fold(Estimate::default(), |sum, it| sum.plus(it.bytes));
        let entry_max = age.iter().map(|source| source.entry_max).max().unwrap_or(0);
        shown = shown.saturating_add(live.at_least.saturating_sub(newer));
        shown_by_one = shown_by_one.max(live.at_least.saturating_sub(dead));
        let hidden = newer.saturating_mul(entry_max);
        bytes_shown = bytes_shown.saturating_add(bytes.at_least.saturating_sub(hidden));
        alive.keys = alive.keys.plus(live);
        alive.bytes = alive.bytes.plus(bytes);
        guess = guess.saturating_add(live.estimate);
        if at + 1 < ages {
            deletes = deletes.saturating_add(sum(|source| source.dead.estimate));
        }
        newer = newer.saturating_add(sum(|source| source.keys_max));
        dead = dead.saturating_add(sum(|source| source.dead.at_most));
    }
    if ages <= 1 {
        return alive;
    }
    // Each delete is taken to hide a key below it. How many of the others are new keys and how
    // many overwrite old ones nobody knows: half of them.
    let at_least = shown.max(shown_by_one);
    let at_most = alive.keys.at_most;
    let most = guess.saturating_sub(deletes).clamp(at_least, at_most.max(at_least));
    let guess = at_least + (most - at_least) / 2;
    let bytes_guess = match alive.keys.estimate {
        0 => bytes_shown,
        keys => scaled(alive.bytes.estimate, guess, keys),
    };
    Alive {
        keys: Estimate::between(at_least, at_most, guess),
        bytes: Estimate::between(bytes_shown, alive.bytes.at_most, bytes_guess),
    }
}

/// So much of a number as `part` is of `whole`.
#[must_use]
pub fn scaled(number: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(number) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
