//! A database with a keyspace whose values are swept by a filter.

use std::collections::BTreeMap;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{Builder, Db, Keyspace, KeyspaceOptions, Options, Range, Read};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::quiet;
use crate::harness::engine::sweeper::{Sweeper, swept};

pub fn builder(disk: &SimDisk, options: Options) -> (SimWorld, Builder) {
    let world = SimWorld::from_disk(disk.clone(), 5);
    let builder = Db::builder(PATH).options(options).env(world.env());
    (world, builder)
}

/// A database with a keyspace that is swept.
pub struct Ground {
    pub disk: SimDisk,
    pub world: SimWorld,
    pub db: Db,
    pub things: Keyspace,
    pub sweeper: Sweeper,
}

impl Ground {
    pub fn new(keyspace: KeyspaceOptions, options: Options) -> Self {
        Self::on(new_disk(), keyspace, options)
    }

    pub fn on(disk: SimDisk, keyspace: KeyspaceOptions, options: Options) -> Self {
        let sweeper = Sweeper::default();
        let (world, builder) = builder(&disk, options);
        let db = builder.compaction_filter(sweeper.clone()).open().unwrap();
        let things = db.keyspace_with("things", keyspace).unwrap();
        Self { disk, world, db, things, sweeper }
    }

    pub fn quiet() -> Self {
        Self::new(swept(), quiet())
    }

    pub fn fill(&self, pairs: &[(&str, &str)]) {
        pairs.iter().for_each(|(key, value)| drop(self.things.put(key, value).unwrap()));
    }

    pub fn counter(&self, name: &str) -> u64 {
        self.db.stats().counter(name).unwrap()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn pairs(range: Range) -> Vec<(String, String)> {
    range.map(|pair| pair.map(|(key, value)| (text(&key), text(&value))).unwrap()).collect()
}

/// Everything that a reader sees, which is the same in every way to ask.
pub fn seen(reader: &impl Read, keys: &[&str]) -> BTreeMap<String, String> {
    let all: BTreeMap<_, _> = pairs(reader.iter()).into_iter().collect();
    let mut back: Vec<_> = reader.iter().rev().map(|pair| text(&pair.unwrap().0)).collect();
    back.reverse();
    assert!(back.iter().eq(all.keys()));
    assert_eq!(reader.count(..).unwrap(), all.len() as u64);
    let many = reader.get_many(keys).unwrap();
    for (key, found) in keys.iter().zip(many) {
        let value = all.get(*key).cloned();
        assert_eq!(reader.get(key).unwrap().map(|it| text(&it)), value, "{key}");
        assert_eq!(found.map(|it| text(&it)), value, "{key}");
        assert_eq!(reader.contains_key(key).unwrap(), value.is_some(), "{key}");
        let is_found = reader.explain_get(key).unwrap().answer.name() == "found";
        assert_eq!(is_found, value.is_some(), "{key}");
        let mut cursor = reader.cursor(*key..=*key);
        assert_eq!(cursor.next().unwrap().is_some(), value.is_some(), "{key}");
    }
    let explained = reader.explain_range(..).unwrap();
    assert_eq!(explained.pairs, all.len() as u64);
    all
}

pub const KEYS: [&str; 4] = ["a", "b", "c", "d"];
pub const PAIRS: [(&str, &str); 4] = [("a", "x1"), ("b", "old"), ("c", "x2"), ("d", "stays")];

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
