//! Against a history that remembers every put and delete, with keys so few that all cases come up.

use super::*;
use crate::cursor::testing::{Rng, no};
use crate::key::keyspace::KeyspaceId;

const KEYS: u64 = 14;
const KEYSPACES: u64 = 2;

fn full(keyspace: u64, key: u64) -> Vec<u8> {
    FullKey::new(KeyspaceId::new(keyspace as u32 + 3), &[key as u8]).bytes().to_vec()
}

fn as_of(seqno: SeqNo, millis: u64) -> AsOf {
    AsOf { seqno, millis, sifted: 0 }
}

/// Everything that was ever written: number, keyspace, key, and when a value expires; `None` is a
/// delete.
#[derive(Default)]
struct History {
    writes: Vec<(u64, u64, u64, Option<u64>)>,
    visible: u64,
    now: u64,
}

impl History {
    fn is_alive(&self, keyspace: u64, key: u64, reader: AsOf) -> bool {
        let of_key = |write: &&(u64, u64, u64, Option<u64>)| {
            (write.1, write.2) == (keyspace, key) && write.0 <= reader.seqno.get()
        };
        let newest = self.writes.iter().rev().find(of_key);
        newest.and_then(|write| write.3).is_some_and(|expiry| expiry > reader.millis)
    }

    /// True if some value expired in a stretch, or is there to expire.
    fn expires(&self, keyspace: u64, keys: std::ops::Range<u64>, seqno: SeqNo) -> bool {
        let is_one = |write: &(u64, u64, u64, Option<u64>)| {
            let may_be = write.1 == keyspace && keys.contains(&write.2) && write.0 <= seqno.get();
            may_be && write.3.is_some_and(|expiry| expiry < u64::MAX)
        };
        self.writes.iter().any(is_one)
    }
}

struct Play {
    rng: Rng,
    ranges: Arc<DeadRanges>,
    history: History,
    leaps: u64,
}

impl Play {
    fn new(seed: u64) -> Self {
        let ranges = DeadRanges::new(&Budget::new(1 << 20));
        Self { rng: Rng(seed), ranges, history: History::default(), leaps: 0 }
    }

    fn step(&mut self) {
        match self.rng.below(10) {
            0..=1 => self.write(true),
            2..=4 => self.write(false),
            5 => self.ranges.watch(no(self.history.visible)),
            6 => self.history.now += self.rng.below(3),
            7 => self.scan(),
            _ => self.check(),
        }
        self.ranges.all.lock().check(self.ranges.is_watching());
    }

    /// As `Engine::write`: into the memtable, cut out, shown.
    fn write(&mut self, is_put: bool) {
        let count = 1 + self.rng.below(3);
        let mut puts = Vec::new();
        for at in 1..=count {
            let (keyspace, key) = (self.rng.below(KEYSPACES), self.rng.below(KEYS));
            let expiry = [u64::MAX, u64::MAX, self.history.now + 2][self.rng.below(3) as usize];
            let write = (self.history.visible + at, keyspace, key, is_put.then_some(expiry));
            self.history.writes.push(write);
            puts.extend(is_put.then(|| full(keyspace, key)));
        }
        if self.ranges.is_watching() {
            self.ranges.cut_out(puts.into_iter());
        }
        self.history.visible += count;
    }

    fn reader(&mut self) -> AsOf {
        let back = [0, 0, 0, self.rng.below(12)][self.rng.below(4) as usize];
        let now =
            self.history.now.saturating_sub([0, 0, self.rng.below(4)][self.rng.below(3) as usize]);
        as_of(no(self.history.visible.saturating_sub(back)), now)
    }

    /// Some reader, perhaps of a moment long past, tells of a stretch that is dead to it.
    fn scan(&mut self) {
        let (reader, keyspace, from) =
            (self.reader(), self.rng.below(KEYSPACES), self.rng.below(KEYS));
        let is_dead = |key: &u64| !self.history.is_alive(keyspace, *key, reader);
        let end = from + (from..KEYS).take_while(is_dead).count() as u64;
        let end = end - self.rng.below(2).min(end - from);
        let expires = self.history.expires(keyspace, from..end, reader.seqno);
        let millis = if expires { reader.millis } else { 0 };
        let (start, end) = (full(keyspace, from), full(keyspace, end));
        self.ranges.take_in(Found { start: &start, end: &end, as_of: AsOf { millis, ..reader } });
    }

    fn check(&mut self) {
        let (reader, keyspace, key) =
            (self.reader(), self.rng.below(KEYSPACES), self.rng.below(KEYS));
        let mut out = Vec::new();
        for way in [Way::Forward, Way::Backward] {
            if !self.ranges.leap(&full(keyspace, key), reader, way, &mut out) {
                continue;
            }
            self.leaps += 1;
            let passed = (0..KEYS).filter(|other| {
                let other = full(keyspace, *other);
                match way {
                    Way::Forward => full(keyspace, key) <= other && other < out,
                    Way::Backward => out <= other && other <= full(keyspace, key),
                }
            });
            for other in passed {
                let is_alive = self.history.is_alive(keyspace, other, reader);
                assert!(!is_alive, "{way:?} from {key} to {out:?}: {other} lives, {reader:?}");
            }
        }
    }
}

impl All {
    fn check(&self, is_watching: bool) {
        assert_eq!(is_watching, !self.areas.is_empty());
        assert_eq!(self.charge.bytes(), self.bytes() as u64);
        self.areas.iter().for_each(Area::check);
        assert!(self.areas.iter().zip(self.areas.iter().skip(1)).all(|(a, b)| a.high <= b.low));
        let end_of = |area: &Area| FullKey::end_of(keyspace_of(&area.low));
        assert!(self.areas.iter().all(|area| area.high.as_slice() <= end_of(area).bytes()));
    }
}

#[test]
fn nobody_leaps_over_what_lives() {
    let mut leaps = 0;
    for seed in 0..300 {
        let mut play = Play::new(seed);
        (0..600).for_each(|_| play.step());
        leaps += play.leaps;
    }
    assert!(leaps > 5_000, "only {leaps} leaps were taken");
}

fn found(start: &[u8], end: &[u8], seqno: u64) -> DeadRanges {
    let ranges = Arc::into_inner(DeadRanges::new(&Budget::new(1 << 20))).unwrap();
    let tell = || ranges.take_in(Found { start, end, as_of: as_of(no(seqno), 0) });
    tell();
    ranges.watch(no(seqno + 1));
    tell();
    ranges
}

#[test]
fn what_is_found_before_the_watch_is_believed_only_if_nothing_was_written_since() {
    let (start, end, mut out) = (full(0, 2), full(0, 9), Vec::new());
    let ranges = found(&start, &end, 5);
    assert!(ranges.is_watching());
    assert!(!ranges.leap(&start, as_of(no(9), 0), Way::Forward, &mut out));
    ranges.take_in(Found { start: &start, end: &end, as_of: as_of(no(6), 0) });
    assert!(ranges.leap(&start, as_of(no(9), 0), Way::Forward, &mut out));
    assert_eq!(out, end);
    assert!(!ranges.leap(&start, as_of(no(5), 0), Way::Forward, &mut out));

    let ranges = DeadRanges::new(&Budget::new(1 << 20));
    ranges.take_in(Found { start: &start, end: &end, as_of: as_of(no(6), 0) });
    ranges.watch(no(6));
    assert!(ranges.leap(&full(0, 8), as_of(no(6), 0), Way::Backward, &mut out));
    assert_eq!(out, start);
}

#[test]
fn what_nobody_uses_is_given_up_and_costs_writers_nothing() {
    let ranges = found(&full(0, 2), &full(0, 9), 5);
    for at in 0..2 * IDLE_PUTS {
        ranges.cut_out(std::iter::once(full(1, at % KEYS)));
    }
    assert!(!ranges.is_watching());
    assert_eq!(ranges.all.lock().charge.bytes(), 0);
}

#[test]
fn memory_has_a_bound_and_is_counted() {
    let budget = Budget::new(1 << 20);
    let ranges = DeadRanges::new(&budget);
    let key = |number: u64| [full(0, 0), format!("{number:01000}").into_bytes()].concat();
    for at in (0..4000).step_by(4) {
        let (start, end) = (key(at), key(at + 2));
        ranges.take_in(Found { start: &start, end: &end, as_of: as_of(no(at), 0) });
        ranges.watch(no(at));
        // Between two stretches something lives.
        ranges.cut_out(std::iter::once(key(at + 3)));
        let bytes = budget.used_by(MemoryKind::Buffer);
        assert!(0 < bytes && bytes <= BYTES_MAX as u64, "{bytes} bytes");
        assert!(ranges.leap(&start, as_of(no(at), 0), Way::Forward, &mut Vec::new()));
    }
    drop(ranges);
    assert_eq!(budget.used(), 0);
}
