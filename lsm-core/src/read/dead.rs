//! Stretches of keys over which nothing lives, as scans have found them, so that the next scan need
//! not step over every delete again.
//!
//! A *stretch* says: whoever reads at its number or later sees no value in it. What makes that true
//! is an *area* around it. Under the commit lock an area is put under watch; from then on whoever
//! puts a key into it cuts the key out, before the entry can be seen. A scan at a number that is
//! not before the watch, and that finds nothing alive between two keys of one area, has proved a
//! stretch: whatever a later reader could see there was put after the watch began, and so was cut
//! out before that reader got its number. Deletes never make anything alive and are not looked at;
//! neither are flushes and compactions, which change no answer. A compaction filter may take away
//! what a view that was loaded earlier still has: what was proved after that holds only for readers
//! whose view is as late.
//!
//! What an area proves is lost with it, never wrong, so areas are few and go when nobody uses them.

use std::sync::Arc;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::sync::{AtomicBool, Mutex, Ordering};
use crate::key::full::{FullKey, keyspace_of};
use crate::key::seqno::SeqNo;
use crate::read::as_of::AsOf;

mod area;

use area::{Area, Stretch};

/// Areas at a time.
const AREAS_MAX: usize = 64;
/// Stretches that wait to be put under watch.
const WANTED_MAX: usize = 4;
/// No longer keys are kept.
const KEY_BYTES_MAX: usize = 1 << 10;
/// All of it takes no more.
const BYTES_MAX: usize = 64 << 10;
/// An area that no scan has used for so many puts is given up, so that puts cost nothing again.
const IDLE_PUTS: u64 = 1 << 18;
/// How often that is looked at, in puts.
const IDLE_CHECK: u64 = 1 << 12;

/// What a scan has found: nothing alive at `start` and behind it, up to `end`. Both are full keys
/// of one keyspace, or `end` is the first key of the next.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The key behind the last one.
    pub end: &'a [u8],
    /// What the scan could see, and the time at which values had expired that count as not alive;
    /// zero if there were none.
    pub as_of: AsOf,
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To larger keys.
    Forward,
    /// To smaller keys.
    Backward,
}

/// All stretches of one database.
#[derive(Debug)]
pub struct DeadRanges {
    /// False: there are no areas. Becomes true under the commit lock only.
    is_watching: AtomicBool,
    is_wanted: AtomicBool,
    all: Mutex<All>,
}

#[derive(Debug)]
struct All {
    /// In the order of their keys; they do not overlap.
    areas: Vec<Area>,
    wanted: Vec<(Stretch, SeqNo)>,
    /// How many scans and puts have looked here.
    clock: u64,
    charge: Charge,
}

impl DeadRanges {
    /// None yet. What they will take counts in `budget`.
    #[must_use]
    pub fn new(budget: &Arc<Budget>) -> Arc<Self> {
        let charge = budget.charge(MemoryKind::Buffer, 0);
        Arc::new(Self {
            is_watching: AtomicBool::new(false),
            is_wanted: AtomicBool::new(false),
            all: Mutex::new(All { areas: Vec::new(), wanted: Vec::new(), clock: 0, charge }),
        })
    }

    /// True if puts have to be told. A writer who asks under the commit lock is not told too late.
    #[inline]
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.is_watching.load(Ordering::Relaxed)
    }

    /// True if `watch` has something to do.
    #[inline]
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// Looks for a stretch that holds `key`, for a reader as of this moment. Going forward,
    /// `out` is then the key behind it, going backward its first key.
    pub fn leap(&self, key: &[u8], reader: AsOf, way: Way, out: &mut Vec<u8>) -> bool {
        let mut all = self.all.lock();
        let clock = all.tick();
        let Some(area) = all.area_of(key) else { return false };
        let Some(edge) = area.edge(key, reader, way) else { return false };
        out.clear();
        out.extend_from_slice(edge);
        area.used = clock;
        true
    }

    /// Takes in what a scan has found. Where nothing is watched, that is asked for.
    pub fn take_in(&self, found: Found<'_>) {
        let longest = found.start.len().max(found.end.len());
        if found.start >= found.end || longest > KEY_BYTES_MAX {
            return;
        }
        let mut all = self.all.lock();
        let clock = all.tick();
        let mut is_inside = false;
        for area in all.areas.iter_mut().filter(|area| area.overlaps(&found)) {
            is_inside = area.holds(&found);
            if area.since <= found.as_of.seqno {
                area.prove(&found);
                area.used = clock;
            }
        }
        if !is_inside {
            all.want(&found);
            self.is_wanted.store(true, Ordering::Relaxed);
        }
        self.tidy(&mut all);
    }

    /// Puts under watch what was asked for. The caller holds the commit lock; `visible` is the last
    /// number that was given to an entry.
    pub fn watch(&self, visible: SeqNo) {
        let mut all = self.all.lock();
        let clock = all.tick();
        for (stretch, seqno) in std::mem::take(&mut all.wanted) {
            all.watch(stretch, seqno, visible, clock);
        }
        self.is_wanted.store(false, Ordering::Relaxed);
        self.tidy(&mut all);
    }

    /// Cuts out keys that get values. The caller holds the commit lock, and shows the entries to
    /// readers only afterwards.
    pub fn cut_out<K: AsRef<[u8]>>(&self, keys: impl Iterator<Item = K>) {
        let mut all = self.all.lock();
        let mut has_cut = false;
        for key in keys {
            has_cut |= all.cut_out(key.as_ref());
            if all.tick() % IDLE_CHECK == 0 {
                has_cut |= all.drop_idle();
            }
        }
        if has_cut {
            self.tidy(&mut all);
        }
    }

    /// Gives up what is too much, and counts the rest.
    fn tidy(&self, all: &mut All) {
        let mut bytes = all.bytes();
        while all.areas.len() > AREAS_MAX || bytes > BYTES_MAX {
            let oldest = all.areas.iter().enumerate().min_by_key(|(_, area)| area.used);
            let Some(at) = oldest.map(|(at, _)| at) else { break };
            all.areas.remove(at);
            bytes = all.bytes();
        }
        if all.charge.bytes() != bytes as u64 {
            all.charge.resize(bytes as u64);
        }
        let is_watching = !all.areas.is_empty();
        if self.is_watching() != is_watching {
            self.is_watching.store(is_watching, Ordering::Relaxed);
        }
    }
}

impl All {
    fn tick(&mut self) -> u64 {
        self.clock = self.clock.wrapping_add(1);
        self.clock
    }

    fn bytes(&self) -> usize {
        let areas: usize = self.areas.iter().map(Area::bytes).sum();
        areas + self.wanted.iter().map(|(stretch, _)| stretch.bytes()).sum::<usize>()
    }

    /// The number of the first area that ends behind `key`.
    fn first_behind(&self, key: &[u8]) -> usize {
        self.areas.partition_point(|area| area.high.as_slice() <= key)
    }

    fn area_of(&mut self, key: &[u8]) -> Option<&mut Area> {
        let at = self.first_behind(key);
        self.areas.get_mut(at).filter(|area| area.low.as_slice() <= key)
    }

    fn want(&mut self, found: &Found<'_>) {
        let stretch = Stretch::of(found);
        self.wanted.retain(|(other, _)| other.end < stretch.start || stretch.end < other.start);
        if self.wanted.len() >= WANTED_MAX {
            self.wanted.remove(0);
        }
        self.wanted.push((stretch, found.as_of.seqno));
    }

    /// Watches over `stretch` and as far as there is room around it. Areas that it overlaps become
    /// part of the new one; what they prove goes on to be true.
    fn watch(&mut self, stretch: Stretch, seqno: SeqNo, visible: SeqNo, clock: u64) {
        let from = self.areas.partition_point(|area| area.high <= stretch.start);
        let to = self.areas.partition_point(|area| area.low < stretch.end).max(from);
        let keyspace = keyspace_of(&stretch.start);
        let mut low = FullKey::first_of(keyspace).bytes().to_vec();
        let mut high = FullKey::end_of(keyspace).bytes().to_vec();
        if let Some(before) = from.checked_sub(1).and_then(|at| self.areas.get(at)) {
            low = low.max(before.high.clone());
        }
        if let Some(behind) = self.areas.get(to) {
            high = high.min(behind.low.clone());
        }
        let inside = self.areas.drain(from..to).collect();
        let mut area = Area::around(low, high, visible, inside);
        area.used = clock;
        // Nothing at all was written since that scan: what it saw is what there is.
        let is_so_still = seqno == visible;
        area.expect(stretch, is_so_still.then_some(visible));
        self.areas.insert(from, area);
    }

    /// True if that changed something.
    fn cut_out(&mut self, key: &[u8]) -> bool {
        let at = self.first_behind(key);
        let Some(area) = self.areas.get_mut(at).filter(|area| area.low.as_slice() <= key) else {
            return false;
        };
        let (is_kept, behind) = area.cut(key);
        if let Some(behind) = behind {
            self.areas.insert(at + 1, behind);
        }
        if !is_kept {
            self.areas.remove(at);
        }
        true
    }

    /// True if that changed something.
    fn drop_idle(&mut self) -> bool {
        let (clock, before) = (self.clock, self.areas.len());
        self.areas.retain(|area| clock.wrapping_sub(area.used) < IDLE_PUTS);
        self.areas.len() < before
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, lsm_loom))]
mod loom_test;
