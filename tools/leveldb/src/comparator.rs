//! Section "Comparator": orders of a program's own.

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::cmp::Ordering;
use std::ffi::c_int;
use std::sync::Arc;

use lsm_core::base::sync::{AtomicBool, Ordering as Memory};

use crate::boundary::{Lent, State, Text, untold};

/// The name of LevelDB's own order, byte by byte.
pub const BYTEWISE: &[u8] = b"leveldb.BytewiseComparator";

/// Runs when a comparator or a filter policy is destroyed.
pub type Destructor = Option<extern "C" fn(State)>;
/// Answers the name of a comparator or a filter policy.
pub type Name = Option<extern "C" fn(State) -> Text<'static>>;
/// Answers less than, equal to or more than 0 as one key stands before, at or behind another.
pub type Compare = Option<extern "C" fn(State, Lent<'_>, usize, Lent<'_>, usize) -> c_int>;

/// An order that a program brings. Databases opened with it keep it in memory, but once it is
/// destroyed its callbacks are never called again.
#[derive(Debug)]
pub struct Comparator {
    state: State,
    compare: Compare,
    name: Name,
    destructor: Destructor,
    is_destroyed: AtomicBool,
}

impl Comparator {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Vec<u8> {
        self.name.map(|name| name(self.state).bytes().to_vec()).unwrap_or_default()
    }

    /// How it orders two keys; `None` once it is destroyed.
    #[must_use]
    pub fn compare(&self, left: &[u8], right: &[u8]) -> Option<Ordering> {
        let compare = self.compare.filter(|_| !self.is_destroyed.load(Memory::Acquire))?;
        let (left, left_len) = (Lent::new(left), left.len());
        let (right, right_len) = (Lent::new(right), right.len());
        Some(compare(self.state, left, left_len, right, right_len).cmp(&0))
    }

    fn destroy(&self) {
        self.is_destroyed.store(true, Memory::Release);
        if let Some(destructor) = self.destructor {
            destructor(self.state);
        }
    }
}

/// A comparator as C holds it.
#[derive(Debug)]
pub struct leveldb_comparator_t(pub Arc<Comparator>);

/// Makes a comparator of callbacks.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_comparator_create(
    state: State,
    destructor: Destructor,
    compare: Compare,
    name: Name,
) -> Box<leveldb_comparator_t> {
    let is_destroyed = AtomicBool::new(false);
    let comparator = Comparator { state, compare, name, destructor, is_destroyed };
    Box::new(leveldb_comparator_t(Arc::new(comparator)))
}

/// Runs its destructor and frees it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_comparator_destroy(comparator: Option<Box<leveldb_comparator_t>>) {
    untold((), || comparator.iter().for_each(|it| it.0.destroy()));
}
