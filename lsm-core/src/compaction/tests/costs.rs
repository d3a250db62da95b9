//! What each strategy costs under loads of several kinds, beside a background of a certain speed.
//!
//! `cargo test -p lsm-core --lib compaction::tests::costs -- --nocapture` prints the table, and
//! with `--include-ignored` that of large trees.

use std::sync::Arc;

use super::crew::Crew;
use super::sim::{ENTRY, Sim};
use crate::compaction::context::Context;
use crate::compaction::lazy::Lazy;
use crate::compaction::leveled::Leveled;
use crate::compaction::strategy::Strategy;
use crate::compaction::tiered::Tiered;
use crate::env::sim::rng::Rng;

/// A key, and whether it is deleted.
type Write = (u32, bool);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Any key, as likely as any other.
    Overwrite,
    /// Half of the writes go to a sixteenth of the keys, side by side.
    HotRange,
    /// The same, the keys far apart from each other.
    HotKeys,
    /// One key behind the other.
    Ascending,
    /// Keys that were not there before.
    New,
    /// Nine behind the last, and one among the latest.
    Series,
    /// One behind the last, and the oldest one goes.
    Queue,
    /// Any key; one of five is deleted.
    Mixed,
}

use Kind::{Ascending, HotKeys, HotRange, Mixed, New, Overwrite, Queue, Series};

/// A load; `keys` and `writes` in memtables' worth.
#[derive(Clone, Copy, Debug)]
struct Load {
    kind: Kind,
    keys: u64,
    writes: u64,
}

/// Entries in a memtable.
const MEMTABLE: u64 = 200;
/// While a memtable is filled, so many memtables' worth can be merged.
const SPEED: u64 = 16;

impl Load {
    const fn new(kind: Kind, keys: u64, writes: u64) -> Self {
        Self { kind, keys, writes }
    }

    fn memtable(&self, round: u64, rng: &mut Rng) -> Vec<Write> {
        let write = |place: u64| self.write(round * MEMTABLE + place, rng);
        let writes = (0..MEMTABLE).map(write);
        writes.map(|(key, is_delete)| (u32::try_from(key).unwrap(), is_delete)).collect()
    }

    /// The write with this number.
    fn write(&self, at: u64, rng: &mut Rng) -> (u64, bool) {
        let keys = self.keys * MEMTABLE;
        match self.kind {
            Overwrite => (rng.below(keys), false),
            HotRange => (hot(keys, rng), false),
            HotKeys => (scattered(hot(keys, rng)), false),
            Ascending => (at, false),
            New => (rng.below(1 << 32), false),
            Series if at % 10 == 0 => (at - rng.below(at / 5 + 1), false),
            Series => (at, false),
            Queue if at % 2 == 0 => (at, false),
            Queue => ((at - 1).saturating_sub(keys), true),
            Mixed => (rng.below(keys), rng.chance(1, 5)),
        }
    }

    /// Every key once, if they are there before the load.
    fn fill(&self) -> Vec<u32> {
        if matches!(self.kind, Ascending | New | Series | Queue) {
            return Vec::new();
        }
        let place = |key| if self.kind == HotKeys { scattered(key) } else { key };
        let mut keys: Vec<u32> =
            (0..self.keys * MEMTABLE).map(|key| u32::try_from(place(key)).unwrap()).collect();
        keys.sort_unstable();
        keys
    }

    /// A tree under this load, filled before and at rest after it.
    fn run(&self, strategy: Arc<dyn Strategy>) -> Sim {
        let memtable_bytes = MEMTABLE * ENTRY;
        let table_bytes = memtable_bytes / 2;
        let context = Context { memtable_bytes, table_bytes, ..Context::default() };
        let mut sim = Sim::new(strategy, context, 1);
        let mut rng = Rng::new(7);
        let mut crew = Crew::new(SPEED);
        for keys in self.fill().chunks(MEMTABLE as usize) {
            let writes: Vec<Write> = keys.iter().map(|key| (*key, false)).collect();
            sim.flush(&writes, &[]);
            crew.work(&mut sim);
        }
        sim.settle();
        let mut crew = Crew::new(SPEED);
        sim.begin_to_count();
        for round in 0..self.writes {
            let writes = self.memtable(round, &mut rng);
            sim.flush(&writes, &[]);
            crew.work(&mut sim);
            crew.probe(&sim, writes[rng.below(MEMTABLE) as usize].0);
        }
        sim.settle();
        sim.check_order();
        sim.check_model();
        let name = format!("{:?} {}, {}", self.kind, self.keys, sim.strategy.name());
        crew.report(&name, &sim);
        sim
    }
}

/// A key that is the more likely the smaller it is.
fn hot(keys: u64, rng: &mut Rng) -> u64 {
    let unit = rng.below(1 << 30) as f64 / f64::from(1 << 30);
    (unit.powi(4) * keys as f64) as u64
}

/// Another place for a key, far from those of its neighbours.
fn scattered(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

fn leveled() -> Arc<dyn Strategy> {
    Arc::new(Leveled::new(10))
}

fn lazy() -> Arc<dyn Strategy> {
    Arc::new(Lazy::new(8))
}

/// What lazy is for: it writes at most `percent` of what leveled does, and wastes little room.
fn lazy_costs_less(load: Load, percent: f64) {
    let leveled = load.run(leveled());
    load.run(Arc::new(Tiered::new(4)));
    let lazy = load.run(lazy());
    let share = lazy.amplification() / leveled.amplification() * 100.0;
    assert!(share <= percent, "{load:?}: lazy writes {share:.0} % of what leveled does");
    assert!(lazy.space() <= 1.35, "{load:?}: {}", lazy.space());
    rests_in_few_runs(lazy);
}

/// In quiet times the tree gets to what reads well, at a cost that is bounded.
fn rests_in_few_runs(mut sim: Sim) {
    let (written, stored) = (sim.written, sim.stored());
    sim.context.is_quiet = true;
    sim.settle();
    sim.check_order();
    sim.check_model();
    println!("quiet: {}", sim.show());
    assert!(sim.tree.runs.len() <= 5, "{}", sim.show());
    assert!(sim.space() <= 1.15, "{}", sim.show());
    assert!(sim.written - written <= 2 * stored);
}

#[test]
fn overwriting_a_small_tree() {
    lazy_costs_less(Load::new(Overwrite, 18, 200), 75.0);
}

#[test]
fn overwriting_a_larger_tree() {
    lazy_costs_less(Load::new(Overwrite, 100, 600), 65.0);
}

#[test]
fn new_keys_in_any_order() {
    lazy_costs_less(Load::new(New, 0, 250), 65.0);
}

#[test]
fn deleting_and_writing_again() {
    lazy_costs_less(Load::new(Mixed, 50, 400), 90.0);
}

#[test]
fn a_series_and_corrections() {
    lazy_costs_less(Load::new(Series, 0, 250), 90.0);
}

#[test]
fn a_queue() {
    lazy_costs_less(Load::new(Queue, 20, 250), 105.0);
}

#[test]
fn keys_in_their_order_are_written_once() {
    let sim = Load::new(Ascending, 0, 200).run(lazy());
    assert!(sim.written == 0 && sim.tree.runs.len() <= 8, "{}", sim.show());
}

#[test]
#[ignore = "a minute: make costs"]
fn large_trees() {
    for (kind, keys, writes) in [
        (Overwrite, 400, 2000),
        (HotRange, 400, 2000),
        (HotKeys, 400, 2000),
        (Overwrite, 1000, 4000),
    ] {
        lazy_costs_less(Load::new(kind, keys, writes), 60.0);
    }
}
