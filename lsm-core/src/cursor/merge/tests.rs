//! Against all entries sorted into one vector.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::*;
use crate::base::sync::Mutex;
use crate::cursor::skip::Source;
use crate::cursor::testing::{Entry, Rng, VecCursor, no, random_key, sort, walk};

fn entry(key: Vec<u8>, trailer: u64, value: usize) -> Entry {
    Entry { key, trailer, value: value.to_le_bytes().to_vec() }
}

/// Some entries for each source; every one says in its value which source it belongs to.
fn sources(rng: &mut Rng, count: u64, has_ties: bool) -> (Vec<Vec<Entry>>, Vec<Entry>) {
    let mut all: Vec<Entry> = Vec::new();
    let mut parts: Vec<Vec<Entry>> = Vec::new();
    for source in 0..count as usize {
        let mut part: Vec<Entry> = Vec::new();
        for _ in 0..rng.below(12) {
            let entry = entry(random_key(rng), rng.below(10), source);
            let is_same = |other: &Entry| other.key == entry.key && other.trailer == entry.trailer;
            if !part.iter().any(is_same) && (has_ties || !all.iter().any(is_same)) {
                part.push(entry.clone());
                all.push(entry);
            }
        }
        parts.push(part);
    }
    sort(&mut all);
    (parts, all)
}

fn check(cursor: &impl Cursor, all: &[Entry], at: Option<usize>, seed: u64) {
    assert_eq!(cursor.is_valid(), at.is_some(), "seed {seed}");
    let Some(wanted) = at.map(|at| &all[at]) else { return };
    let found = (cursor.key(), cursor.trailer(), cursor.value());
    let newer = at.and_then(|at| at.checked_sub(1)).map(|at| &all[at].key);
    assert!(!cursor.is_newest() || newer != Some(&wanted.key), "seed {seed}");
    assert_eq!(found, (&wanted.key[..], wanted.trailer, &wanted.value[..]), "seed {seed}");
    assert_eq!(cursor.head(), crate::key::full::head_of(cursor.key()));
}

#[test]
fn every_walk_meets_what_one_vector_holds() {
    for seed in 0..1500 {
        let mut rng = Rng(seed);
        let count = rng.below(10);
        let (parts, all) = sources(&mut rng, count, seed % 3 == 0);
        let mut merge = Merge::new(parts.into_iter().map(VecCursor::new).collect());
        let mut at = None;
        check(&merge, &all, at, seed);
        for _ in 0..300 {
            walk(&mut merge, &all, &mut at, &mut rng).unwrap();
            check(&merge, &all, at, seed);
        }
    }
}

#[test]
fn heads_of_another_keyspace_say_nothing() {
    // The first source leaves its keyspace early, for a key with a smaller head.
    let key = |keyspace: u8, user: &[u8]| [&[0, 0, 0, keyspace], user].concat();
    let first = vec![entry(key(1, b"b"), 9, 0), entry(key(2, b"a"), 9, 0)];
    let second = vec![entry(key(1, b"c"), 9, 1), entry(key(1, b"d"), 9, 1)];
    let mut all = [first.clone(), second.clone()].concat();
    sort(&mut all);
    let mut merge = Merge::new([first, second].map(VecCursor::new).into());
    merge.seek_first().unwrap();
    for at in 0..all.len() {
        check(&merge, &all, Some(at), 0);
        merge.next().unwrap();
    }
    assert!(!merge.is_valid());
}

#[test]
fn a_failing_source_leaves_no_entry_until_the_next_seek() {
    for seed in 0..400 {
        let mut rng = Rng(seed ^ 0x77);
        let (parts, all) = sources(&mut rng, 4, false);
        let mut cursors: Vec<VecCursor> = parts.into_iter().map(VecCursor::new).collect();
        cursors[rng.below(4) as usize].fails_at = rng.below(30);
        let mut merge = Merge::new(cursors);
        let mut at = None;
        let mut failures = 0;
        for _ in 0..200 {
            if walk(&mut merge, &all, &mut at, &mut rng).is_err() {
                failures += 1;
                assert!(!merge.is_valid(), "seed {seed}");
                merge.next().unwrap();
                merge.prev().unwrap();
                assert!(!merge.is_valid(), "seed {seed}");
                at = None;
            }
            check(&merge, &all, at, seed);
        }
        assert!(failures <= 1);
    }
}

fn count_comparisons(parts: Vec<Vec<Entry>>, is_backward: bool) -> u64 {
    let mut merge = Merge::new(parts.into_iter().map(VecCursor::new).collect());
    if is_backward { merge.seek_last() } else { merge.seek_first() }.unwrap();
    while merge.is_valid() {
        if is_backward { merge.prev() } else { merge.next() }.unwrap();
    }
    merge.comparisons.get()
}

#[test]
fn comparisons_are_bounded_by_n_log_k() {
    for sources in [1u64, 2, 3, 5, 8, 13, 64] {
        let depth = u64::from(sources.next_power_of_two().trailing_zeros());
        // Interleaved at random, in turns, and in twos, which is worst: each runner-up is looked up
        // and used once.
        for pattern in 0..3 {
            let mut rng = Rng(sources);
            let mut parts = vec![Vec::new(); sources as usize];
            let total = 20_000;
            for n in 0..total {
                let source = match pattern {
                    0 => rng.below(sources),
                    1 => n % sources,
                    _ => n / 2 % sources,
                } as usize;
                let key = [&[0; 4], &n.to_be_bytes()[..]].concat();
                parts[source].push(entry(key, 1, source));
            }
            for is_backward in [false, true] {
                let counted = count_comparisons(parts.clone(), is_backward);
                let bound = total * (2 * depth + 1) + sources;
                assert!(counted <= bound, "{sources} sources, {pattern}: {counted} > {bound}");
                if sources == 1 {
                    assert_eq!(counted, 0, "one source is passed through");
                }
            }
        }
    }
}

#[test]
fn a_winner_that_stays_costs_one_comparison_a_step() {
    let run = |source: u64| {
        let key = |n: u64| [&[0; 4], &(source * 10_000 + n).to_be_bytes()[..]].concat();
        (0..10_000).map(|n| entry(key(n), 1, source as usize)).collect::<Vec<_>>()
    };
    for is_backward in [false, true] {
        let counted = count_comparisons((0..8).map(run).collect(), is_backward);
        assert!(counted <= 80_000 + 8 * 3 * 4, "{counted}");
    }
}

#[test]
fn skipping_passes_over_old_sources_only() {
    for seed in 0..600 {
        let mut rng = Rng(seed ^ 0x5151);
        let (parts, all) = sources(&mut rng, 5, false);
        let newest: Vec<u64> = (0..5).map(|_| rng.below(4)).collect();
        let cursors = parts.into_iter().zip(&newest);
        let mut merge = Merge::new(
            cursors.map(|(part, n)| Source::new(VecCursor::new(part), no(*n))).collect(),
        );
        let (key, before) = (random_key(&mut rng), rng.below(4));
        let from = random_key(&mut rng);
        let is_back = seed % 2 == 0;
        let stays = |e: &&Entry| {
            let source = usize::from(e.value[0]);
            let is_passed = if is_back { e.key >= key } else { e.key < key };
            !(is_passed && newest[source] <= before)
        };
        if is_back {
            merge.seek_before(&from, u64::MAX).unwrap();
            merge.skip_back(&key, no(before)).unwrap();
        } else {
            merge.seek(&from, u64::MAX).unwrap();
            merge.skip_to(&key, no(before)).unwrap();
        }
        let mut wanted: Vec<&Entry> =
            all.iter().filter(|e| if is_back { e.key < from } else { e.key >= from }).collect();
        if is_back {
            wanted.reverse();
        }
        // A turn in the middle of it meets every entry again, the passed ones too.
        for wanted in wanted.into_iter().filter(stays) {
            assert!(merge.is_valid(), "seed {seed}");
            assert_eq!(merge.key(), wanted.key, "seed {seed}");
            assert_eq!(merge.trailer(), wanted.trailer, "seed {seed}");
            if rng.below(3) == 0 {
                let at = all.iter().position(|e| e == wanted).unwrap();
                if is_back { merge.next() } else { merge.prev() }.unwrap();
                let beside = if is_back { Some(at + 1) } else { at.checked_sub(1) };
                check(&merge, &all, beside.filter(|at| *at < all.len()), seed);
                break;
            }
            if is_back { merge.prev() } else { merge.next() }.unwrap();
        }
    }
}

/// Key and turned trailer.
type Place = (Vec<u8>, u64);

/// A source that grows while it is read, as a memtable does.
#[derive(Clone)]
struct Growing {
    entries: Arc<Mutex<BTreeSet<Place>>>,
    at: Option<Place>,
}

impl Growing {
    fn find(&mut self, is_back: bool, range: (Bound<Place>, Bound<Place>)) {
        let entries = self.entries.lock();
        let mut found = entries.range(range);
        self.at = if is_back { found.next_back() } else { found.next() }.cloned();
    }
}

impl Cursor for Growing {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.find(false, (Bound::Included((key.to_vec(), !trailer)), Bound::Unbounded));
        Ok(())
    }
    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.find(true, (Bound::Unbounded, Bound::Excluded((key.to_vec(), !trailer))));
        Ok(())
    }
    fn seek_first(&mut self) -> Result<()> {
        self.find(false, (Bound::Unbounded, Bound::Unbounded));
        Ok(())
    }
    fn seek_last(&mut self) -> Result<()> {
        self.find(true, (Bound::Unbounded, Bound::Unbounded));
        Ok(())
    }
    fn next(&mut self) -> Result<()> {
        if let Some(at) = self.at.take() {
            self.find(false, (Bound::Excluded(at), Bound::Unbounded));
        }
        Ok(())
    }
    fn prev(&mut self) -> Result<()> {
        if let Some(at) = self.at.take() {
            self.find(true, (Bound::Unbounded, Bound::Excluded(at)));
        }
        Ok(())
    }
    fn is_valid(&self) -> bool {
        self.at.is_some()
    }
    fn key(&self) -> &[u8] {
        &self.at.as_ref().unwrap().0
    }
    fn head(&self) -> u64 {
        crate::key::full::head_of(self.key())
    }
    fn trailer(&self) -> u64 {
        !self.at.as_ref().unwrap().1
    }
    fn value(&self) -> &[u8] {
        &[]
    }
}

#[test]
fn entries_written_meanwhile_never_turn_the_order_around() {
    for seed in 0..500 {
        let mut rng = Rng(seed ^ 0x9999);
        let sources: Vec<Growing> =
            (0..3).map(|_| Growing { entries: Arc::default(), at: None }).collect();
        let mut merge = Merge::new(sources.clone());
        // What was there from the beginning must be met, whatever comes between.
        let mut old = BTreeSet::new();
        for _ in 0..10 {
            let entry = (random_key(&mut rng), !rng.below(5));
            if old.insert(entry.clone()) {
                sources[rng.below(3) as usize].entries.lock().insert(entry);
            }
        }
        let all = || sources.iter().flat_map(|s| s.entries.lock().clone()).collect::<BTreeSet<_>>();
        merge.seek_first().unwrap();
        for _ in 0..100 {
            let newer = (random_key(&mut rng), !(5 + rng.below(1000)));
            if !all().contains(&newer) {
                sources[rng.below(3) as usize].entries.lock().insert(newer);
            }
            if !merge.is_valid() {
                if rng.below(2) == 0 { merge.seek_first() } else { merge.seek_last() }.unwrap();
            }
            let from = (merge.key().to_vec(), !merge.trailer());
            let is_back = rng.below(2) == 0;
            if is_back { merge.prev() } else { merge.next() }.unwrap();
            let to = merge.is_valid().then(|| (merge.key().to_vec(), !merge.trailer()));
            let is_right =
                to.as_ref().is_none_or(|to| if is_back { *to < from } else { *to > from });
            assert!(is_right, "seed {seed}: from {from:?} to {to:?}");
            let is_missed = |entry: &&Place| match (&to, is_back) {
                (Some(to), true) => to < entry && **entry < from,
                (Some(to), false) => from < **entry && *entry < to,
                (None, true) => **entry < from,
                (None, false) => **entry > from,
            };
            assert_eq!(old.iter().find(is_missed), None, "seed {seed}: {from:?} {to:?}");
        }
    }
}
