//! Damage: where stored bytes are wrong, as far as the background has met it, and which tables are
//! left alone for it.
//!
//! A damaged block fails the reads of its own keys. A merge that meets it is given up, and the
//! table is set aside: it stays where it stands and is read as before, and no plan takes it or
//! brings newer data past it. Everything else goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::error::{Error, ErrorKind};
use crate::base::sync::{AtomicBool, Mutex, Ordering};
use crate::compaction::busy::Busy;
use crate::version::tree::Tree;

/// So many places are kept in mind.
const PLACES_MAX: usize = 1024;

/// A place where stored bytes are wrong.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file.
    pub file: String,
    /// The number of the table, if it is one.
    pub table: Option<u64>,
    /// The byte.
    pub offset: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// What is known.
#[derive(Debug, Default)]
pub struct Damage {
    places: Mutex<BTreeMap<(String, Option<u64>), Found>>,
    aside: Mutex<BTreeSet<u64>>,
    is_any_aside: AtomicBool,
}

/// True for an error that tells of a file's bytes.
#[must_use]
pub fn is_damage(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::Format => true,
        // The disk cannot read a place.
        ErrorKind::Io => !error.is_retryable(),
        _ => false,
    }
}

impl Damage {
    /// Takes in a place; true if it was not known.
    pub fn note(&self, error: &Error, table: Option<u64>) -> bool {
        let name = error.path().and_then(Path::file_name).unwrap_or_default();
        let file = name.to_string_lossy().into_owned();
        let (offset, message) = (error.offset(), error.message().to_owned());
        let mut places = self.places.lock();
        let key = (file.clone(), offset);
        if places.contains_key(&key) || places.len() >= PLACES_MAX {
            return false;
        }
        places.insert(key, Found { file, table, offset, message });
        true
    }

    /// Every place.
    #[must_use]
    pub fn known(&self) -> Vec<Found> {
        self.places.lock().values().cloned().collect()
    }

    /// Forgets the places for which `is_there` says no.
    pub fn retain(&self, is_there: impl Fn(&Found) -> bool) {
        self.places.lock().retain(|_, found| is_there(found));
    }

    /// Leaves a table alone from now on.
    pub fn set_aside(&self, table: u64) {
        self.aside.lock().insert(table);
        self.is_any_aside.store(true, Ordering::Release);
    }

    /// Leaves no table alone any more: perhaps the disk was mended.
    pub fn take_back(&self) {
        self.is_any_aside.store(false, Ordering::Release);
        self.aside.lock().clear();
        self.places.lock().clear();
    }

    /// True if this table is left alone.
    #[must_use]
    pub fn is_set_aside(&self, table: u64) -> bool {
        self.is_any_aside.load(Ordering::Acquire) && self.aside.lock().contains(&table)
    }

    /// True if some table of the tree is left alone.
    #[must_use]
    pub fn is_any_in(&self, tree: &Tree) -> bool {
        if !self.is_any_aside.load(Ordering::Acquire) {
            return false;
        }
        let aside = self.aside.lock();
        let is_any = tree.slices().any(|slice| aside.contains(&slice.file.meta.number));
        drop(aside);
        is_any
    }

    /// What is claimed in a tree, and with it the tables that are left alone; `None` if none is.
    #[must_use]
    pub fn held_in(&self, tree: &Tree, busy: &Busy) -> Option<Busy> {
        if !self.is_any_in(tree) {
            return None;
        }
        let aside = self.aside.lock().clone();
        let mut held = busy.clone();
        for slice in tree.slices().filter(|slice| aside.contains(&slice.file.meta.number)) {
            held.hold(tree, slice);
        }
        Some(held)
    }
}
