//! Filtered compactions over a simulated disk: what a snapshot sees stays, and what everybody else
//! sees is what the filter says or has not been asked about.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::base::sync::AtomicBool;
use crate::compaction::leveled::Leveled;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, PlanKind};
use crate::compaction::strategy::Strategy;
use crate::compaction::tiered::Tiered;
use crate::env::sim::rng::Rng;
use crate::key::keyspace::KeyspaceId;
use crate::output::testing::{Mini, Write, look_up};

/// Says by the first byte of a value what becomes of it.
fn say(value: &[u8]) -> FilterDecision {
    match value.first().map(|byte| byte % 4) {
        Some(0) => FilterDecision::Remove,
        Some(1) => FilterDecision::Replace([&[3], value].concat()),
        _ => FilterDecision::Keep,
    }
}

/// What is seen once that was asked.
fn filtered(value: Option<Vec<u8>>, is_expiring: bool) -> Option<Vec<u8>> {
    let value = value?;
    let (moment, seen) = value.split_at(if is_expiring { 8 } else { 0 });
    match say(seen) {
        FilterDecision::Remove => None,
        FilterDecision::Replace(new) => Some([moment, &new].concat()),
        FilterDecision::Keep => Some(value),
    }
}

#[derive(Default)]
struct Saying {
    fails: AtomicBool,
}

impl CompactionFilter for Saying {
    fn name(&self) -> &str {
        "saying"
    }

    fn filter(&self, _: &[u8], value: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        match self.fails.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Io, "as it was told")),
            false => Ok(say(value)),
        }
    }
}

fn sieve(filter: Arc<Saying>) -> Arc<Sieve> {
    Arc::new(Sieve::new(("saying", filter), "default", &Order::Bytewise, None))
}

fn mini() -> Mini {
    let mut mini = Mini::new();
    mini.sieve = Some(sieve(Arc::default()));
    mini.context.is_filtered = true;
    mini
}

/// All that a reader finds.
fn seen(mini: &Mini, at: SeqNo) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let stored = mini.stored();
    let keys = stored.iter().filter(|write| !write.is_sweep()).map(|write| write.key.clone());
    keys.filter_map(|key| Some((key.clone(), look_up(&stored, &key, at, 0)?))).collect()
}

/// What the newest reader finds is what was written last, or what the filter makes of it.
fn check_newest(mini: &Mini, must_be_filtered: bool) {
    let found = seen(mini, SeqNo::MAX);
    for write in mini.history.iter().filter(|write| !write.is_sweep()) {
        let written = look_up(&mini.history, &write.key, SeqNo::MAX, 0);
        let is_expiring = written.as_ref().is_some_and(|it| it.ends_with(b"expiring"));
        let got = found.get(&write.key).cloned();
        let wanted = filtered(written.clone(), is_expiring);
        let may_be_old = !must_be_filtered && got == written;
        assert!(got == wanted || may_be_old, "{:?}: {got:?} of {written:?}", write.key);
    }
}

#[test]
fn snapshots_keep_what_they_see_and_others_see_what_the_filter_says() {
    for seed in 0..8 {
        println!("seed {seed}");
        let strategy: Box<dyn Strategy> =
            if seed % 2 == 0 { Box::new(Leveled::new(3)) } else { Box::new(Tiered::new(3)) };
        let (mut rng, mut mini) = (Rng::new(seed), mini());
        let mut snapshots = BTreeMap::new();
        for _ in 0..25 {
            if rng.chance(1, 4) {
                snapshots.insert(mini.latest(), seen(&mini, mini.latest()));
            }
            if rng.chance(1, 5) {
                snapshots.pop_first();
            }
            mini.snapshots = snapshots.keys().copied().collect();
            mini.context.oldest_snapshot = mini.snapshots.first().copied();
            let writes = mini.writes(&mut rng, 60, 200);
            mini.flush(writes);
            while let Some(plan) = mini.pick(strategy.as_ref()).filter(|_| rng.chance(3, 4)) {
                mini.perform(&plan, &mut rng);
            }
            for (at, before) in &snapshots {
                assert_eq!(seen(&mini, *at), *before, "as of {at:?}");
            }
            check_newest(&mini, false);
        }
    }
}

#[test]
fn a_merge_of_everything_shows_every_value() {
    for parts in [1, 4] {
        let (mut rng, mut mini) = (Rng::new(7), mini());
        mini.parts = parts;
        for _ in 0..4 {
            let writes: Vec<Write> = mini.writes(&mut rng, 150, 250);
            let is_first = |it: &Write| crate::key::full::keyspace_of(&it.key).get() == 0;
            mini.flush(writes.into_iter().filter(is_first).collect());
        }
        let tree = mini.version.tree(KeyspaceId::DEFAULT).unwrap();
        let inputs = tree.runs.iter().map(Input::whole).collect();
        let plan = Plan::new(tree, PlanKind::Merge, inputs, Place { level: 6, run: 0 });
        let (before, keys) = (seen(&mini, SeqNo::MAX), |mini: &Mini| seen(mini, SeqNo::MAX).len());
        let mut merging = mini.merging(&plan);
        while !merging.step().unwrap() {}
        let Sifted { removed, replaced } = merging.sifted();
        mini.perform(&plan.with_tables_of(2000), &mut rng);
        check_newest(&mini, true);
        assert_eq!(before.len() - keys(&mini), removed as usize);
        assert!(removed > 10 && replaced > 10);
    }
}

#[test]
fn a_filter_that_fails_keeps_everything() {
    let filter: Arc<Saying> = Arc::default();
    filter.fails.store(true, Ordering::Relaxed);
    let (mut rng, mut mini) = (Rng::new(3), mini());
    let sieve = sieve(filter);
    mini.sieve = Some(sieve.clone());
    for _ in 0..6 {
        let writes = mini.writes(&mut rng, 100, 250);
        mini.flush(writes);
    }
    while let Some(plan) = mini.pick(&Leveled::new(2)) {
        mini.perform(&plan, &mut rng);
    }
    mini.check_readers();
    let (failures, why) = sieve.take_failures().unwrap();
    assert!(failures > 10 && why.contains("as it was told"), "{failures} {why}");
    assert_eq!(sieve.take_failures(), None);
}
