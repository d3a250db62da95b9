//! A database with a keyspace whose values are swept by a filter, and a filter that does so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Builder, CompactionFilter, Db, Error, ErrorKind, Expiry, FilterContext, FilterDecision,
    Keyspace, KeyspaceOptions, Options, Range, Read, Result,
};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::quiet;

/// What is done with each call.
pub type Meanwhile = Box<dyn FnMut(&str) + Send>;

/// What a filter was told beside a value: keyspace, level, whether that is the last, and the end.
pub type Context = (String, u8, bool, Expiry);

/// Removes what begins with `x`, puts `new` in the place of what begins with `old`, fails at what
/// begins with `fail` and panics at `panic`; and remembers what it was shown.
#[derive(Clone, Default)]
pub struct Sweeper {
    pub shown: Arc<Mutex<Vec<String>>>,
    pub contexts: Arc<Mutex<Vec<Context>>>,
    pub meanwhile: Arc<Mutex<Option<Meanwhile>>>,
    pub is_off: Arc<AtomicBool>,
}

impl CompactionFilter for Sweeper {
    fn name(&self) -> &str {
        "sweeper"
    }

    fn filter(
        &self,
        key: &[u8],
        value: &[u8],
        context: &FilterContext<'_>,
    ) -> Result<FilterDecision> {
        let key = String::from_utf8_lossy(key).into_owned();
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().as_mut() {
            meanwhile(&key);
        }
        self.shown.lock().unwrap().push(key);
        let FilterContext { keyspace, level, is_last_level, expiry, .. } = *context;
        let context = (keyspace.to_owned(), level, is_last_level, expiry);
        self.contexts.lock().unwrap().push(context);
        assert!(!value.starts_with(b"panic"), "as it was told");
        Ok(match value {
            _ if self.is_off.load(Ordering::Relaxed) => FilterDecision::Keep,
            [b'x', ..] => FilterDecision::Remove,
            [b'o', b'l', b'd', ..] => FilterDecision::Replace(b"new".to_vec()),
            [b'f', b'a', b'i', b'l', ..] => {
                return Err(Error::new(ErrorKind::Unsupported, "as it was told"));
            }
            _ => FilterDecision::Keep,
        })
    }
}

impl Sweeper {
    /// What it was shown since this was asked last, in order.
    pub fn take_shown(&self) -> Vec<String> {
        let mut shown = std::mem::take(&mut *self.shown.lock().unwrap());
        shown.sort_unstable();
        shown
    }
}

pub fn swept() -> KeyspaceOptions {
    KeyspaceOptions::new().compaction_filter("sweeper")
}

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
