//! What a scan goes through between two pairs: the entries are counted, and a long run of keys
//! without a value is remembered and, where it is known already, leapt over.

use std::sync::Arc;

use crate::key::kind::Kind;
use crate::read::as_of::AsOf;
use crate::read::dead::{DeadRanges, Found, Way};
use crate::read::visible::can_expire;
use crate::stats::counters::{Counter, Counters};

/// In the simulated world runs are short: there they have to be met all the time.
const fn or_short(count: u32, short: u32) -> u32 {
    if cfg!(lsm_sim) { short } else { count }
}

/// So many keys without a value are nothing out of the ordinary.
const LOOK_AFTER: u32 = or_short(4, 1);
/// The most keys between two looks for a known stretch.
const PAUSE_MAX: u32 = 16;
/// So many keys that nothing was known of are worth remembering, and so many beside known ones.
const LONG: u32 = or_short(64, 3);
const LONGER: u32 = or_short(16, 1);
/// So many leaps are worth becoming one.
const LEAPS_MAX: u32 = 4;

/// What one scan goes through.
#[derive(Debug, Default)]
pub struct Run {
    steps: u64,
    counters: Option<Arc<Counters>>,
    ranges: Option<Arc<DeadRanges>>,
    as_of: AsOf,
    /// Keys without a value since the last one with a value.
    dead: u32,
    /// Those since the last leap.
    fresh: u32,
    /// Those before it that nothing was known of.
    unknown: u32,
    leaps: u32,
    /// When to look again, and how long that was put off.
    look_at: u32,
    pause: u32,
    has_expired: bool,
    /// Where the run began: going backward, the key behind that.
    edge: Vec<u8>,
    target: Vec<u8>,
}

impl Run {
    /// For a scan as of this moment, which leaps over what is known in `ranges`. What is
    /// counted is added to `counters` in the end.
    #[must_use]
    pub fn new(counters: Arc<Counters>, ranges: Arc<DeadRanges>, as_of: AsOf) -> Self {
        let mut run = Self::default();
        (run.counters, run.ranges) = (Some(counters), Some(ranges));
        run.as_of = as_of;
        run.forget();
        run
    }

    /// Looks at everything itself, and remembers nothing for others.
    pub fn leap_over_nothing(&mut self) {
        self.ranges = None;
    }

    /// Keys without a value came last.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.dead > 0
    }

    /// One more entry was looked at.
    #[inline]
    pub fn step(&mut self) {
        self.steps = self.steps.wrapping_add(1);
    }

    /// The run does not go on.
    pub fn forget(&mut self) {
        (self.dead, self.fresh, self.unknown, self.leaps) = (0, 0, 0, 0);
        (self.look_at, self.pause) = (LOOK_AFTER, LOOK_AFTER);
        self.has_expired = false;
    }

    /// Another key in a row has no value, because of an entry with this trailer or of a range
    /// tombstone. Answers how far the scan may leap: forward to that key, backward before it.
    #[inline]
    pub fn pass(&mut self, key: &[u8], trailer: u64, way: Way) -> Option<&[u8]> {
        self.dead = self.dead.saturating_add(1);
        self.fresh = self.fresh.saturating_add(1);
        let is_operand = trailer & 0xff == Kind::Merge as u64;
        self.has_expired |= can_expire(trailer) || is_operand;
        if self.dead < self.look_at { None } else { self.look(key, way) }
    }

    #[cold]
    fn look(&mut self, key: &[u8], way: Way) -> Option<&[u8]> {
        let Some(ranges) = &self.ranges else {
            self.look_at = u32::MAX;
            return None;
        };
        if self.dead == LOOK_AFTER {
            self.edge.clear();
            self.edge.extend_from_slice(key);
            if way == Way::Backward {
                self.edge.push(0);
            }
        }
        if ranges.is_watching() && ranges.leap(key, self.as_of, way, &mut self.target) {
            // Of those since the last look nobody knows where the known ones begin.
            self.unknown = self.unknown.saturating_add(self.fresh.saturating_sub(self.pause));
            self.fresh = 0;
            self.leaps = self.leaps.saturating_add(1);
            self.pause = 1;
            self.look_at = self.dead.saturating_add(1);
            return Some(&self.target);
        }
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.look_at = self.dead.saturating_add(self.pause);
        None
    }

    /// The run ends. Going forward, `edge` is the first key that may have a value; going backward,
    /// the first one behind the last that may have.
    #[inline]
    pub fn end(&mut self, edge: &[u8], way: Way) {
        if self.dead > 0 {
            self.remember(edge, way);
        }
    }

    fn remember(&mut self, edge: &[u8], way: Way) {
        let passed = self.unknown.saturating_add(self.fresh);
        let enough = if self.leaps == 0 { LONG } else { LONGER };
        let is_worth_it = passed >= enough || self.leaps >= LEAPS_MAX;
        if let Some(ranges) = self.ranges.as_ref().filter(|_| is_worth_it) {
            let (start, end) = match way {
                Way::Forward => (self.edge.as_slice(), edge),
                Way::Backward => (edge, self.edge.as_slice()),
            };
            let millis = if self.has_expired { self.as_of.millis } else { 0 };
            ranges.take_in(Found { start, end, as_of: AsOf { millis, ..self.as_of } });
        }
        self.forget();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(counters) = &self.counters {
            counters.add(Counter::ScannedEntries, self.steps);
        }
    }
}
