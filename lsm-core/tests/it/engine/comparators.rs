//! Keyspaces with an order of their own: everything is as in a map that is sorted so.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Batch, Builder, Comparator, Db, Error, ErrorKind, IfMissing, Keyspace, KeyspaceOptions, Read,
    Result, Slice,
};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::quiet;
use crate::harness::engine::subject::kill;

/// The order of the program's own: by the last byte, then by the others from the end.
fn tail_first(key: &[u8], sort_key: &mut Vec<u8>) -> Result<()> {
    sort_key.extend(key.iter().rev());
    Ok(())
}

fn builder(disk: &SimDisk) -> (SimWorld, Builder) {
    let world = SimWorld::from_disk(disk.clone(), 3);
    let builder = Db::builder(PATH).options(quiet()).env(world.env());
    (world, builder)
}

fn open(disk: &SimDisk) -> (SimWorld, Db) {
    let (world, builder) = builder(disk);
    (world, builder.comparator("tail-first", tail_first).open().unwrap())
}

/// A key in the order of the keyspace, by its own rules.
#[derive(Clone, Debug, PartialEq, Eq)]
struct By(usize, Vec<u8>);

impl Ord for By {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.0 {
            0 => self.1.cmp(&other.1),
            1 => other.1.cmp(&self.1),
            _ => self.1.iter().rev().cmp(other.1.iter().rev()),
        }
    }
}

impl PartialOrd for By {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const NAMES: [&str; 3] = ["bytes", "back", "tail"];

fn chosen(order: usize) -> KeyspaceOptions {
    let comparators = [Comparator::Bytewise, Comparator::Reverse, Comparator::user("tail-first")];
    KeyspaceOptions::new().comparator(comparators[order].clone())
}

fn keyspaces(db: &Db) -> Vec<Keyspace> {
    (0..NAMES.len()).map(|at| db.keyspace_with(NAMES[at], chosen(at)).unwrap()).collect()
}

type Model = BTreeMap<By, Vec<u8>>;
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }

    fn key(&mut self) -> Vec<u8> {
        let len = self.roll(4);
        (0..len).map(|_| [0, 1, b'a', 0xfe, 0xff][self.roll(5) as usize]).collect()
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.roll(4) {
            0 => Bound::Unbounded,
            1 => Bound::Excluded(self.key()),
            _ => Bound::Included(self.key()),
        }
    }
}

/// The pairs of the model between two bounds, and nothing where those are the wrong way round.
fn within<'m>(
    model: &'m Model,
    order: usize,
    bounds: &'m Bounds,
) -> impl DoubleEndedIterator<Item = (&'m [u8], &'m [u8])> {
    let is_in = move |key: &By| {
        let by = |bytes: &Vec<u8>| key.cmp(&By(order, bytes.clone()));
        let above = match &bounds.0 {
            Bound::Unbounded => true,
            Bound::Included(lower) => by(lower).is_ge(),
            Bound::Excluded(lower) => by(lower).is_gt(),
        };
        let below = match &bounds.1 {
            Bound::Unbounded => true,
            Bound::Included(upper) => by(upper).is_le(),
            Bound::Excluded(upper) => by(upper).is_lt(),
        };
        above && below
    };
    let pairs = model.iter().filter(move |(key, _)| is_in(key));
    pairs.map(|(key, value)| (key.1.as_slice(), value.as_slice()))
}

fn act(dice: &mut Dice, db: &Db, all: &[Keyspace], models: &mut [Model]) {
    let at = dice.roll(3) as usize;
    let (keyspace, model) = (&all[at], &mut models[at]);
    let (key, value) = (dice.key(), dice.key());
    let by = By(at, key.clone());
    match dice.roll(40) {
        0 => db.flush().unwrap(),
        1 => keyspace.compact((dice.bound(), dice.bound())).unwrap(),
        2 | 3 => {
            let bounds = (dice.bound(), dice.bound());
            let gone: Vec<By> =
                within(model, at, &bounds).map(|(key, _)| By(at, key.to_vec())).collect();
            gone.iter().for_each(|key| drop(model.remove(key)));
            if dice.roll(2) == 0 {
                keyspace.delete_range(bounds).unwrap();
            } else {
                db.write(Batch::new().delete_range(keyspace, bounds)).unwrap();
            }
        }
        4..=7 => {
            keyspace.delete(&key).unwrap();
            model.remove(&by);
        }
        8 | 9 => {
            db.write(Batch::new().single_delete(keyspace, &key)).unwrap();
            model.remove(&by);
        }
        10..=12 => {
            let before = model.get(&by).cloned();
            let done = keyspace.compare_and_set(&key, before.as_deref(), Some(&value)).unwrap();
            assert!(done.is_some());
            model.insert(by, value);
        }
        13..=20 => {
            db.write(Batch::new().put(keyspace, &key, &value)).unwrap();
            model.insert(by, value);
        }
        _ => {
            keyspace.put(&key, &value).unwrap();
            model.insert(by, value);
        }
    }
}

fn pairs(range: impl Iterator<Item = Result<(Slice, Slice)>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    range.map(Result::unwrap).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn check(dice: &mut Dice, order: usize, keyspace: &Keyspace, model: &Model) {
    let bounds = (dice.bound(), dice.bound());
    let own = |(key, value): (&[u8], &[u8])| (key.to_vec(), value.to_vec());
    let wanted: Vec<_> = within(model, order, &bounds).map(own).collect();
    let found = pairs(keyspace.range(bounds.clone()));
    assert_eq!(found, wanted, "{} {bounds:x?}", NAMES[order]);
    let back: Vec<_> = wanted.iter().rev().cloned().collect();
    assert_eq!(pairs(keyspace.range(bounds.clone()).rev()), back);
    assert_eq!(keyspace.count(bounds.clone()).unwrap(), wanted.len() as u64);
    let about = keyspace.approximate_count(bounds.clone()).unwrap();
    assert!((about.at_least..=about.at_most).contains(&(wanted.len() as u64)), "{about:?}");
    let keys: Vec<Vec<u8>> = (0..5).map(|_| dice.key()).collect();
    let values = keyspace.get_many(&keys).unwrap();
    for (key, value) in keys.iter().zip(values) {
        let wanted = model.get(&By(order, key.clone())).map(Vec::as_slice);
        assert_eq!(value.as_deref(), wanted);
        assert_eq!(keyspace.get(key).unwrap().as_deref(), wanted);
        assert_eq!(keyspace.explain_get(key).unwrap().key, *key);
    }
    let (first, last) = (keyspace.first().unwrap(), keyspace.last().unwrap());
    assert_eq!(first.map(|pair| pair.0), model.keys().next().map(|by| Slice::copy_from(&by.1)));
    assert_eq!(last.map(|pair| pair.0), model.keys().next_back().map(|by| Slice::copy_from(&by.1)));
    roam(dice, order, keyspace, model);
    split(order, keyspace, model);
    let prefix = dice.key();
    let found: Result<Vec<Slice>> = keyspace.prefix(&prefix).keys().collect();
    if order == 2 && !prefix.is_empty() {
        assert_eq!(found.unwrap_err().kind(), ErrorKind::InvalidArgument);
    } else {
        let has_prefix = |by: &&By| by.1.starts_with(&prefix);
        let wanted: Vec<_> = model.keys().filter(has_prefix).map(|by| by.1.as_slice()).collect();
        assert_eq!(found.unwrap(), wanted);
    }
}

/// A cursor goes to and fro.
fn roam(dice: &mut Dice, order: usize, keyspace: &Keyspace, model: &Model) {
    let all: Vec<_> = model.iter().collect();
    let mut cursor = keyspace.cursor(..);
    let mut gap = 0;
    for _ in 0..12 {
        let (passed, wanted) = match dice.roll(5) {
            0 => {
                let key = dice.key();
                gap = all.partition_point(|(by, _)| **by < By(order, key.clone()));
                cursor.seek(&key).unwrap();
                continue;
            }
            1 | 2 => {
                let wanted = all.get(gap);
                gap = (gap + 1).min(all.len());
                (cursor.next().unwrap(), wanted)
            }
            3 => {
                let wanted = gap.checked_sub(1).and_then(|before| all.get(before));
                gap = gap.saturating_sub(1);
                (cursor.prev().unwrap(), wanted)
            }
            _ => {
                cursor.refresh().unwrap();
                continue;
            }
        };
        let wanted = wanted.map(|(by, value)| (by.1.as_slice(), value.as_slice()));
        assert_eq!(passed, wanted);
    }
}

/// The parts of a split are ranges that follow each other and leave nothing out.
fn split(order: usize, keyspace: &Keyspace, model: &Model) {
    let points = keyspace.split_points(.., 4).unwrap();
    assert!(points.len() < 4);
    let mut lower = Bound::Unbounded;
    let mut met = Vec::new();
    for point in &points {
        let part = keyspace.range((lower, Bound::Excluded(point.to_vec())));
        let part: Vec<Slice> = part.keys().collect::<Result<_>>().unwrap();
        met.extend(part);
        lower = Bound::Included(point.to_vec());
    }
    let last = keyspace.range((lower, Bound::Unbounded)).keys();
    met.extend(last.map(Result::unwrap));
    assert_eq!(met, model.keys().map(|by| by.1.as_slice()).collect::<Vec<_>>(), "{order}");
    let is_ascending = |pair: &[Slice]| By(order, pair[0].to_vec()) < By(order, pair[1].to_vec());
    assert!(points.windows(2).all(is_ascending), "{points:?}");
}

#[test]
fn every_order_is_that_of_a_map_sorted_so() {
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let disk = new_disk();
        let mut models = vec![Model::new(); NAMES.len()];
        for _ in 0..4 {
            let (world, db) = open(&disk);
            let all = keyspaces(&db);
            for _ in 0..60 {
                act(&mut dice, &db, &all, &mut models);
                world.scheduler.run_until_idle();
                let at = dice.roll(3) as usize;
                check(&mut dice, at, &all[at], &models[at]);
            }
            if dice.roll(2) == 0 {
                db.close().unwrap();
            } else {
                db.sync().unwrap();
                drop(all);
                kill(&world, Some(db));
            }
        }
    }
}

#[test]
fn a_keyspace_is_read_with_its_comparator_only() {
    let disk = new_disk();
    let (_world, db) = open(&disk);
    keyspaces(&db)[2].put("key", "value").unwrap();
    db.put("other", "value").unwrap();
    let refused = |result: Result<Keyspace>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    };
    let why = refused(db.keyspace_with("tail", chosen(1)));
    assert!(why.contains("comparator=user:tail-first"), "{why}");
    let why = refused(
        db.keyspace_with("new", KeyspaceOptions::new().comparator(Comparator::user("length"))),
    );
    assert!(why.contains("`length`"), "{why}");
    db.close().unwrap();

    let (_world, without) = builder(&disk);
    let db = without.open().unwrap();
    let why = refused(db.keyspace("tail"));
    assert!(why.contains("`tail-first`"), "{why}");
    assert_eq!(db.get("other").unwrap().unwrap(), "value");
    db.compact(..).unwrap();
    assert!(db.drop_keyspace("back").unwrap());
    db.close().unwrap();

    let (_world, db) = open(&disk);
    assert_eq!(db.keyspace("tail").unwrap().get("key").unwrap().unwrap(), "value");
    db.close().unwrap();
}

#[test]
fn a_comparator_that_fails_is_an_error_of_the_call_and_harms_nothing() {
    let disk = new_disk();
    let (_world, builder) = builder(&disk);
    let picky = |key: &[u8], sort_key: &mut Vec<u8>| match key {
        b"refuse" => Err(Error::new(ErrorKind::Unsupported, "no such keys")),
        b"panic" => panic!("as it is meant to"),
        _ => {
            sort_key.extend_from_slice(key);
            Ok(())
        }
    };
    let db = builder.comparator("picky", picky).open().unwrap();
    let options = KeyspaceOptions::new().comparator(Comparator::user("picky"));
    let picked = db.keyspace_with("picked", options).unwrap();
    picked.put("good", "value").unwrap();
    for (key, kind) in [("refuse", ErrorKind::Unsupported), ("panic", ErrorKind::Aborted)] {
        assert_eq!(picked.put(key, "value").unwrap_err().kind(), kind);
        assert_eq!(picked.get(key).unwrap_err().kind(), kind);
        assert_eq!(picked.get_many(["good", key]).unwrap_err().kind(), kind);
        assert_eq!(picked.cursor(..).seek(key.as_bytes()).unwrap_err().kind(), kind);
        assert_eq!(picked.range(key..).next().unwrap().unwrap_err().kind(), kind);
        assert_eq!(picked.delete_range(..key).unwrap_err().kind(), kind);
        let batch = &mut Batch::new();
        batch.put(&picked, "other", "value").put(&picked, key, "value");
        assert_eq!(db.write(batch).unwrap_err().kind(), kind);
    }
    assert!(db.fault().is_none());
    assert_eq!(picked.count(..).unwrap(), 1);
    db.close().unwrap();
}

#[test]
fn a_name_is_registered_once_and_is_a_name() {
    let nothing = |_: &[u8], _: &mut Vec<u8>| Ok(());
    for names in [["same", "same"], ["good", "not good"], ["", "good"]] {
        let (_world, mut builder) = builder(&new_disk());
        for name in names {
            builder = builder.comparator(name, nothing);
        }
        let error = builder.open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let (_world, builder) = builder(&new_disk());
    let missing = quiet().if_missing(IfMissing::Fail);
    assert!(builder.options(missing).comparator("a", nothing).open().is_err());
}

#[test]
fn the_longest_stored_key_is_the_limit() {
    let (_world, db) = open(&new_disk());
    let all = keyspaces(&db);
    let (fits, too_long) = (vec![b'k'; 65_533], vec![b'k'; 65_534]);
    all[1].put(&fits, "value").unwrap();
    assert_eq!(all[1].get(&fits).unwrap().unwrap(), "value");
    assert_eq!(all[1].put(&too_long, "value").unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(all[1].get(&too_long).unwrap(), None);
    assert_eq!(all[2].put(&fits, "value").unwrap_err().kind(), ErrorKind::TooLarge);
    all[1].delete_range(..=fits.as_slice()).unwrap();
    assert!(all[1].first().unwrap().is_none());
    db.close().unwrap();
}

#[test]
fn a_salvage_keeps_every_order_without_its_function() {
    let disk = new_disk();
    let mut models = vec![Model::new(); NAMES.len()];
    let (world, db) = open(&disk);
    let all = keyspaces(&db);
    let mut dice = Dice(77);
    for _ in 0..200 {
        act(&mut dice, &db, &all, &mut models);
        world.scheduler.run_until_idle();
    }
    drop(all);
    db.close().unwrap();
    let (_world, without) = builder(&disk);
    let report = without.salvage("/data/rescued").unwrap();
    assert!(report.is_complete, "{report}");
    let world = SimWorld::from_disk(disk, 4);
    let rescued = Db::builder("/data/rescued").options(quiet()).env(world.env());
    let db = rescued.comparator("tail-first", tail_first).open().unwrap();
    for (order, keyspace) in keyspaces(&db).iter().enumerate() {
        for _ in 0..10 {
            check(&mut dice, order, keyspace, &models[order]);
        }
    }
    db.close().unwrap();
}

#[test]
fn operands_meet_the_values_of_their_keys_in_every_order() {
    let disk = new_disk();
    let (_world, db) = open(&disk);
    for order in 0..NAMES.len() {
        let options = chosen(order).merge_operator("append");
        let keyspace = db.keyspace_with(&format!("log {order}"), options).unwrap();
        keyspace.put("ab", "0").unwrap();
        keyspace.merge("ab", "1").unwrap();
        db.flush().unwrap();
        let mut batch = Batch::new();
        db.write(batch.merge(&keyspace, "ab", "2").merge(&keyspace, "c", "x")).unwrap();
        keyspace.merge("c", "y").unwrap();
        for _ in 0..2 {
            let seen = |key: &str| keyspace.get(key).unwrap().unwrap();
            assert_eq!((&seen("ab")[..], &seen("c")[..]), (&b"012"[..], &b"xy"[..]), "{order}");
            let mut pairs: Vec<_> = keyspace.iter().map(|pair| pair.unwrap().0).collect();
            pairs.sort();
            assert_eq!(pairs, ["ab", "c"]);
            keyspace.compact(..).unwrap();
        }
    }
    db.close().unwrap();
}
