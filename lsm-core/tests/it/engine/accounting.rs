//! What there is in a keyspace and in a range of it: bounds that always hold, and keys that split.

use std::collections::BTreeMap;
use std::ops::Bound;

use lsm_core::env::sim::rng::Rng;
use lsm_core::{Compression, Db, ErrorKind, Estimate, Keyspace, KeyspaceOptions, Usage};

use crate::harness::engine::stage::{Stage, quiet};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Blocks as small as they can be, so that little data is many of them.
fn small_blocks() -> KeyspaceOptions {
    KeyspaceOptions::new().block_bytes(512).compression(Compression::None)
}

fn key(n: u64) -> Vec<u8> {
    format!("key{n:06}").into_bytes()
}

/// Bytes that the documentation says an entry counts for.
fn entry(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len() + 12) as u64
}

fn stats_of(db: &Db) -> String {
    format!("{:?}", db.stats().keyspace("small").unwrap().levels)
}

fn live_bytes(pairs: &Pairs) -> u64 {
    pairs.iter().map(|(key, value)| entry(key, value)).sum()
}

fn assert_holds(estimate: Estimate, truth: u64, what: &str) {
    let Estimate { estimate: guess, at_least, at_most, .. } = estimate;
    assert!(at_least <= truth && truth <= at_most, "{what}: {truth} is not in {estimate:?}");
    assert!(at_least <= guess && guess <= at_most, "{what}: {estimate:?}");
}

fn assert_usage(usage: &Usage, pairs: &Pairs, data: Option<u64>) {
    let live = live_bytes(pairs);
    assert_holds(usage.live_keys, pairs.len() as u64, "live keys");
    let bytes = (usage.live_bytes_min, usage.live_bytes_max);
    assert!(bytes.0 <= live && live <= bytes.1, "{live} live bytes: {usage:?}");
    assert!(bytes.0 <= usage.live_bytes && usage.live_bytes <= bytes.1, "{usage:?}");
    let Some(data) = data else { return };
    assert_eq!(usage.data_bytes, data);
    let garbage = data - live;
    let bytes = (usage.garbage_bytes_min, usage.garbage_bytes_max);
    assert!(bytes.0 <= garbage && garbage <= bytes.1, "{garbage} bytes of garbage: {usage:?}");
}

/// A database, and what must be in it.
struct History<'a> {
    db: &'a Db,
    keyspace: Keyspace,
    pairs: Pairs,
    rng: Rng,
}

impl History<'_> {
    fn put(&mut self, n: u64) {
        let value = vec![b'v'; self.rng.below(120) as usize];
        self.keyspace.put(key(n), &value).unwrap();
        self.pairs.insert(key(n), value);
    }

    fn delete(&mut self, n: u64) {
        self.keyspace.delete(key(n)).unwrap();
        self.pairs.remove(&key(n));
    }

    fn step(&mut self) {
        let (from, len) = (self.rng.below(3000), self.rng.below(600));
        match self.rng.below(10) {
            0..=2 => (from..from + len).for_each(|n| self.put(n)),
            3 => (0..len).for_each(|_| {
                let n = self.rng.below(3600);
                self.put(n);
            }),
            4 => (0..len / 2).for_each(|_| {
                let n = self.rng.below(3600);
                self.delete(n);
            }),
            5 => {
                let (start, end) = (key(from), key(from + len));
                self.keyspace.delete_range(start.clone()..end.clone()).unwrap();
                self.pairs.retain(|key, _| *key < start || *key >= end);
            }
            6..=8 => self.keyspace.flush().unwrap(),
            _ => self.keyspace.compact(key(from)..key(from + len)).unwrap(),
        }
    }

    fn check(&mut self) {
        assert_usage(&self.keyspace.usage().unwrap(), &self.pairs, None);
        let stats = self.db.stats();
        let usage = stats.keyspace("small").unwrap().usage.expect("all tables were used");
        assert_usage(&usage, &self.pairs, None);
        self.check_range(Bound::Unbounded, Bound::Unbounded);
        for _ in 0..3 {
            let (a, b) = (self.rng.below(3700), self.rng.below(3700));
            let (a, b) = (key(a.min(b)), key(a.max(b) + 1));
            let lower = if self.rng.chance(1, 2) { Bound::Included(a) } else { Bound::Excluded(a) };
            let upper = if self.rng.chance(1, 2) { Bound::Included(b) } else { Bound::Excluded(b) };
            self.check_range(lower, upper);
        }
    }

    fn check_range(&mut self, lower: Bound<Vec<u8>>, upper: Bound<Vec<u8>>) {
        let range = (lower, upper);
        let keys = self.pairs.range::<Vec<u8>, _>(range.clone()).count() as u64;
        let count = self.keyspace.approximate_count(range.clone()).unwrap();
        assert_holds(count, keys, "keys of a range");
        let size = self.keyspace.approximate_size(range.clone()).unwrap();
        let whole = self.keyspace.usage().unwrap().disk_bytes;
        assert!(size.at_least <= size.estimate && size.estimate <= size.at_most, "{size:?}");
        assert!(size.at_least <= whole, "{size:?} of {whole}");
        let parts = 1 + self.rng.below(9) as usize;
        let points = self.keyspace.split_points(range.clone(), parts).unwrap();
        assert!(points.len() < parts);
        let mut seen = Vec::new();
        let mut from = range.0.clone();
        for point in &points {
            let is_inside = match (&from, &range.1) {
                (Bound::Included(low) | Bound::Excluded(low), _) if low.as_slice() >= &**point => {
                    false
                }
                (_, Bound::Included(high)) => **point <= **high,
                (_, Bound::Excluded(high)) => **point < **high,
                (_, Bound::Unbounded) => true,
            };
            assert!(is_inside, "{point:?} of {points:?} in {range:?}");
            let part = (from, Bound::Excluded(point.to_vec()));
            seen.extend(self.keyspace.range(part).map(|pair| pair.unwrap().0.to_vec()));
            from = Bound::Included(point.to_vec());
        }
        let last = (from, range.1.clone());
        seen.extend(self.keyspace.range(last).map(|pair| pair.unwrap().0.to_vec()));
        assert!(self.pairs.range::<Vec<u8>, _>(range).map(|(key, _)| key).eq(&seen));
    }
}

#[test]
fn the_bounds_hold_over_any_history() {
    for seed in 0..12 {
        let stage = Stage::new(quiet());
        let db = stage.db();
        let keyspace = db.keyspace_with("small", small_blocks()).unwrap();
        let other = db.keyspace("other").unwrap();
        let rng = Rng::new(seed);
        let mut history = History { db, keyspace, pairs: Pairs::new(), rng };
        let mut snapshots = Vec::new();
        for step in 0..24 {
            history.step();
            other.put(key(step), "of another keyspace").unwrap();
            if history.rng.chance(1, 6) {
                snapshots.push(db.snapshot().unwrap());
            }
            if step % 3 == 2 {
                history.check();
            }
        }
        drop(snapshots);
        // A merge that began while there were snapshots keeps what they saw.
        db.wait_idle().unwrap();
        history.keyspace.compact(..).unwrap();
        history.check();
        let usage = history.keyspace.usage().unwrap();
        let told = stats_of(db);
        assert_eq!(usage.data_bytes, live_bytes(&history.pairs), "seed {seed}: {told} {usage:?}");
        assert_usage(&usage, &history.pairs, Some(live_bytes(&history.pairs)));
        assert_eq!((usage.garbage_bytes, usage.garbage_bytes_max), (0, 0), "{usage:?}");
        assert_eq!(usage.live_bytes_min, usage.live_bytes_max);
        assert!(usage.live_keys.is_exact());
        let count = history.keyspace.approximate_count(key(100)..key(3000)).unwrap();
        assert!(count.is_exact(), "{count:?}");
    }
}

#[test]
fn what_is_overwritten_and_deleted_is_garbage() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let keyspace = db.keyspace_with("small", small_blocks()).unwrap();
    let mut pairs = Pairs::new();
    let mut data = 0;
    for n in 0..2000 {
        keyspace.put(key(n), [b'a'; 100]).unwrap();
        pairs.insert(key(n), vec![b'a'; 100]);
        data += entry(&key(n), &[b'a'; 100]);
    }
    keyspace.compact(..).unwrap();
    let usage = keyspace.usage().unwrap();
    assert_usage(&usage, &pairs, Some(data));
    assert_eq!(usage.table_entries, 2000);
    assert_eq!((usage.memory_entries, usage.memory_bytes), (0, 0));
    for n in 0..500 {
        keyspace.put(key(n), "short").unwrap();
        pairs.insert(key(n), b"short".to_vec());
        data += entry(&key(n), b"short");
    }
    for n in 1500..1600 {
        keyspace.delete(key(n)).unwrap();
        pairs.remove(&key(n));
        data += entry(&key(n), &[]);
    }
    let in_memory = keyspace.usage().unwrap();
    assert_usage(&in_memory, &pairs, Some(data));
    assert_eq!(in_memory.memory_entries, 600);
    assert!(in_memory.memory_bytes >= 600 * 21);
    assert!(in_memory.reclaimable_bytes() > 0);
    keyspace.flush().unwrap();
    assert_usage(&keyspace.usage().unwrap(), &pairs, Some(data));
    let count = keyspace.approximate_count(..).unwrap();
    assert!(count.at_most - count.at_least <= 600, "{count:?}");
    keyspace.delete_range(key(0)..key(1000)).unwrap();
    pairs.retain(|it, _| *it >= key(1000));
    data += 2 * 9 + 16;
    let usage = keyspace.usage().unwrap();
    assert_usage(&usage, &pairs, Some(data));
    assert!(usage.live_keys.at_most <= 1600, "{usage:?}");
    keyspace.compact(..).unwrap();
    let usage = keyspace.usage().unwrap();
    assert_usage(&usage, &pairs, Some(live_bytes(&pairs)));
    assert_eq!(usage.garbage_bytes_max, 0);
}

#[test]
fn what_a_snapshot_saw_goes_with_the_next_compaction() {
    for keys in [20, 2000] {
        let stage = Stage::new(quiet());
        let db = stage.db();
        let keyspace = db.keyspace_with("small", small_blocks()).unwrap();
        let mut snapshot = None;
        for value in ["first", "second"] {
            (0..keys).for_each(|n| drop(keyspace.put(key(n), value).unwrap()));
            snapshot.get_or_insert_with(|| db.snapshot().unwrap());
            keyspace.compact(..).unwrap();
        }
        let usage = keyspace.usage().unwrap();
        assert_eq!((usage.live_keys, usage.table_entries), (Estimate::exact(keys), 2 * keys));
        assert_eq!(usage.garbage_bytes_min, keys * (9 + 5 + 12));
        keyspace.compact(..).unwrap();
        assert_eq!(keyspace.usage().unwrap().table_entries, 2 * keys);
        drop(snapshot);
        keyspace.compact(..).unwrap();
        let usage = keyspace.usage().unwrap();
        assert_eq!((usage.garbage_bytes_max, usage.table_entries), (0, keys));
    }
}

#[test]
fn a_large_memtable_is_not_walked_to_its_end() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    for round in 0..2 {
        for n in 0..15_000u64 {
            db.put(key(n), format!("{round}")).unwrap();
        }
    }
    let count = db.approximate_count(..).unwrap();
    assert_holds(count, 15_000, "keys in memory");
    assert!(!count.is_exact());
    assert_holds(db.approximate_count(key(2000)..key(14_000)).unwrap(), 12_000, "keys");
    let count = db.approximate_count(key(2000)..key(3000)).unwrap();
    assert_eq!(count, Estimate::exact(1000));
    let usage = db.usage().unwrap();
    let pairs: Pairs = (0..15_000).map(|n| (key(n), b"1".to_vec())).collect();
    assert_usage(&usage, &pairs, None);
    let points = db.split_points(.., 4).unwrap();
    assert_eq!(points.len(), 3);
    let mut counts = Vec::new();
    let ends = points.iter().map(|point| Bound::Excluded(point.clone()));
    let starts = points.iter().map(|point| Bound::Included(point.clone()));
    let starts = [Bound::Unbounded].into_iter().chain(starts);
    for part in starts.zip(ends.chain([Bound::Unbounded])) {
        counts.push(db.range(part).count_keys().unwrap());
    }
    assert_eq!(counts.iter().sum::<u64>(), 15_000);
    assert!(counts.iter().all(|count| (3000..4300).contains(count)), "{counts:?}");
}

#[test]
fn parts_are_about_equal_wherever_the_data_stands() {
    let stage = Stage::new(quiet());
    let keyspace = stage.db().keyspace_with("small", small_blocks()).unwrap();
    let mut rng = Rng::new(1);
    for round in 0..4 {
        for n in 0..6000u64 {
            if n % 4 == round {
                let long = if n < 1000 { 400 } else { 20 };
                keyspace.put(key(n), vec![b'x'; rng.below(long) as usize]).unwrap();
            }
        }
        keyspace.flush().unwrap();
    }
    let runs = stage.db().stats().keyspace("small").unwrap().runs;
    for parts in [2, 3, 8, 32] {
        let points = keyspace.split_points(.., parts).unwrap();
        assert_eq!(points.len(), parts - 1);
        let ends = points.iter().map(|point| Bound::Excluded(point.clone()));
        let starts = points.iter().map(|point| Bound::Included(point.clone()));
        let starts = [Bound::Unbounded].into_iter().chain(starts);
        let size = |part| keyspace.approximate_size(part).unwrap().estimate;
        let sizes: Vec<u64> = starts.zip(ends.chain([Bound::Unbounded])).map(size).collect();
        let mean = sizes.iter().sum::<u64>() / parts as u64;
        let bound = mean + mean / 8 + 2 * runs * 1024;
        assert!(sizes.iter().all(|size| *size <= bound), "{sizes:?} above {bound}");
    }
}

#[test]
fn little_data_is_split_key_by_key() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    assert!(db.split_points(.., 4).unwrap().is_empty());
    db.put("a", "1").unwrap();
    assert!(db.split_points(.., 4).unwrap().is_empty());
    db.put("b", "1").unwrap();
    db.put("c", "1").unwrap();
    for settle in [|_: &Db| {}, |db: &Db| db.flush().unwrap()] {
        settle(db);
        assert_eq!(db.split_points(.., 2).unwrap(), ["c"]);
        assert_eq!(db.split_points(.., 3).unwrap(), ["b", "c"]);
        assert_eq!(db.split_points(.., 1000).unwrap(), ["b", "c"]);
        assert_eq!(db.split_points("b".."c", 1000).unwrap().len(), 0);
        assert_eq!(db.split_points("b"..="c", 2).unwrap(), ["c"]);
        assert!(db.split_points(.., 1).unwrap().is_empty());
        assert!(db.split_points("z"..="a", 5).unwrap().is_empty());
        for parts in [0, 65_537, usize::MAX] {
            let error = db.split_points(.., parts).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }
    assert_eq!(db.approximate_count("b"..).unwrap(), Estimate::exact(2));
    assert_eq!(db.approximate_count("z".."a").unwrap(), Estimate::exact(0));
    assert_eq!(db.approximate_size("z".."a").unwrap(), Estimate::exact(0));
    assert!(db.approximate_size(..).unwrap().estimate > 0);
}

#[test]
fn a_large_table_is_counted_by_a_few_of_its_blocks() {
    let stage = Stage::new(quiet());
    let keyspace = stage.db().keyspace_with("small", small_blocks()).unwrap();
    for n in 0..20_000u64 {
        keyspace.put(key(n), [b'x'; 50]).unwrap();
    }
    keyspace.compact(..).unwrap();
    // The table is open now, its index and a few blocks are not read yet.
    keyspace.approximate_bytes(key(1)..key(2)).unwrap();
    let trace = stage.trace(|_| {
        let count = keyspace.approximate_count(key(3_333)..key(17_777)).unwrap();
        assert_eq!(count, Estimate::exact(17_777 - 3_333));
    });
    assert!(trace.len() < 40, "{} operations", trace.len());
}

#[test]
fn a_quota_refuses_puts_until_there_is_room() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let quota = 200_000;
    let options = small_blocks().quota_bytes(quota);
    assert_eq!(KeyspaceOptions::parse(&options.to_string()).unwrap(), options);
    let keyspace = db.keyspace_with("small", options).unwrap();
    let mut rng = Rng::new(3);
    let mut value = || (0..1000).map(|_| rng.below(256) as u8).collect::<Vec<u8>>();
    let mut write =
        |from: u64| (from..from + 5000).find_map(|n| keyspace.put(key(n), value()).err());
    let error = write(0).expect("the quota is smaller than that");
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert!(error.is_retryable() && !error.maybe_committed());
    assert!(error.to_string().contains("the keyspace `small` takes"), "{error}");
    assert!(error.to_string().contains("its quota_bytes is 200000"), "{error}");
    assert!(db.fault().is_none());
    // As much again at most, or a thirty-second part of a memtable.
    let usage = keyspace.usage().unwrap();
    assert!(usage.is_over_quota && usage.memory_bytes > quota, "{usage:?}");
    assert!(usage.memory_bytes <= quota + (4 << 20) / 32 + 2000, "{usage:?}");
    // A batch is refused as a whole, whatever else is in it.
    let mut batch = lsm_core::Batch::new();
    batch.put(db, "other", "").delete(&keyspace, key(1)).put(&keyspace, key(1), "");
    assert_eq!(db.write(&batch).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(db.get("other").unwrap(), None);
    let mut batch = lsm_core::Batch::new();
    batch.put(db, "other", "").delete(&keyspace, key(1));
    batch.require_absent(&keyspace, "never");
    db.write(&batch).unwrap();
    assert_eq!(db.get("other").unwrap().unwrap(), "");
    let stats = db.stats();
    let told = stats.keyspace("small").unwrap();
    assert!(told.is_over_quota && told.quota_bytes == quota && told.quota_refusals == 2);
    let text = stats.to_string();
    assert!(text.contains("over its quota of 200000 bytes, 2 writes refused"), "{text}");
    assert!(stats.to_json().contains("\"quota_refusals\":2"));
    // On disk it takes as much, for it cannot be packed.
    keyspace.flush().unwrap();
    assert_eq!(keyspace.put("key", "").unwrap_err().kind(), ErrorKind::NoSpace);
    keyspace.delete_range(key(50)..).unwrap();
    keyspace.compact(..).unwrap();
    keyspace.put("key", "").unwrap();
    assert!(!keyspace.usage().unwrap().is_over_quota);
    assert!(write(6000).is_some());
    drop((keyspace, batch));
    let stage = Stage::on(stage.kill(), quiet());
    let keyspace = stage.db().keyspace("small").unwrap();
    assert_eq!(keyspace.options().get_quota_bytes(), quota);
    assert_eq!(keyspace.put("key", "").unwrap_err().kind(), ErrorKind::NoSpace);
    keyspace.delete(key(1)).unwrap();
}
