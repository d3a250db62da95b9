//! A store that is a map, and that can be wrong in one way: the story has to find it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lsm_bench::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    DeletesAreLost,
    BatchesLoseTheirLastPair,
    EmptyValuesAreMissing,
    OldBytesStayInTheValue,
    ManyKeysAreMisplaced,
    SeeksPassTheirKey,
    DownwardSeeksPassTheirKey,
    WalksIgnoreTheAnswer,
    BackwardWalksGoForward,
    ReopeningLosesTheLastKey,
    CompactingBringsBackDeletes,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::DeletesAreLost,
        Self::BatchesLoseTheirLastPair,
        Self::EmptyValuesAreMissing,
        Self::OldBytesStayInTheValue,
        Self::ManyKeysAreMisplaced,
        Self::SeeksPassTheirKey,
        Self::DownwardSeeksPassTheirKey,
        Self::WalksIgnoreTheAnswer,
        Self::BackwardWalksGoForward,
        Self::ReopeningLosesTheLastKey,
        Self::CompactingBringsBackDeletes,
    ];
}

/// What outlives a store: the map of each directory, and what was deleted there.
#[derive(Default)]
struct Shelf {
    maps: Mutex<BTreeMap<PathBuf, Map>>,
    deleted: Mutex<Vec<Vec<u8>>>,
}

/// An engine of maps.
pub(crate) struct Memory {
    fault: Option<Fault>,
    shelf: &'static Shelf,
}

impl Memory {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { fault, shelf: Box::leak(Box::default()) }
    }
}

impl Engine for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn configuration(&self, _: &Setup) -> Vec<(String, String)> {
        Vec::new()
    }

    fn open(&self, dir: &Path, _: &Setup) -> Result<Box<dyn Store>> {
        let mut map = self.shelf.maps.lock().unwrap().remove(dir).unwrap_or_default();
        if self.fault == Some(Fault::ReopeningLosesTheLastKey) {
            map.pop_last();
        }
        let (fault, shelf, dir) = (self.fault, self.shelf, dir.to_owned());
        Ok(Box::new(Opened { fault, shelf, dir, map: Mutex::new(map) }))
    }
}

struct Opened {
    fault: Option<Fault>,
    shelf: &'static Shelf,
    dir: PathBuf,
    map: Mutex<Map>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        let map = std::mem::take(&mut *self.map.lock().unwrap());
        self.shelf.maps.lock().unwrap().insert(self.dir.clone(), map);
    }
}

impl Opened {
    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

impl Store for Opened {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        Ok(Box::new(Way(self)))
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        if self.is(Fault::CompactingBringsBackDeletes) {
            let deleted = self.shelf.deleted.lock().unwrap();
            self.map.lock().unwrap().extend(deleted.iter().map(|key| (key.clone(), Vec::new())));
        }
        Ok(())
    }
}

struct Way<'a>(&'a Opened);

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.map.lock().unwrap().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        if !self.0.is(Fault::DeletesAreLost) {
            self.0.map.lock().unwrap().remove(key);
        }
        self.0.shelf.deleted.lock().unwrap().push(key.to_vec());
        Ok(())
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        let lost = usize::from(self.0.is(Fault::BatchesLoseTheirLastPair));
        let kept = pairs.len().saturating_sub(lost);
        pairs[..kept].iter().try_for_each(|(key, value)| self.put(key, value))
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let map = self.0.map.lock().unwrap();
        let Some(found) = map.get(key) else { return Ok(false) };
        if self.0.is(Fault::EmptyValuesAreMissing) && found.is_empty() {
            return Ok(false);
        }
        if !self.0.is(Fault::OldBytesStayInTheValue) {
            value.clear();
        }
        value.extend_from_slice(found);
        Ok(true)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        let map = self.0.map.lock().unwrap();
        let beside = usize::from(self.0.is(Fault::ManyKeysAreMisplaced));
        for (place, key) in keys.iter().enumerate() {
            if let Some(found) = map.get(*key) {
                each((place + beside) % keys.len(), found);
            }
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(Steps(self.0)))
    }
}

struct Steps<'a>(&'a Opened);

impl Steps<'_> {
    fn bound<'a>(&self, key: &'a [u8], fault: Fault) -> Bound<&'a [u8]> {
        if self.0.is(fault) { Bound::Excluded(key) } else { Bound::Included(key) }
    }
}

impl Cursor for Steps<'_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let map = self.0.map.lock().unwrap();
        let (low, high, is_forward) = match walk {
            Walk::FromFirst => (Bound::Unbounded, Bound::Unbounded, true),
            Walk::FromLast => (Bound::Unbounded, Bound::Unbounded, false),
            Walk::From(key) => (self.bound(key, Fault::SeeksPassTheirKey), Bound::Unbounded, true),
            Walk::DownFrom(key) => {
                (Bound::Unbounded, self.bound(key, Fault::DownwardSeeksPassTheirKey), false)
            }
        };
        let mut pairs: Vec<_> = map.range::<[u8], _>((low, high)).collect();
        if !is_forward && !self.0.is(Fault::BackwardWalksGoForward) {
            pairs.reverse();
        }
        for (key, value) in pairs {
            if !each(key, value) && !self.0.is(Fault::WalksIgnoreTheAnswer) {
                break;
            }
        }
        Ok(())
    }
}
