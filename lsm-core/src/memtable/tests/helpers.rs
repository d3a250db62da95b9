//! The indexes under one face, and a model that shares nothing with them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Weak};

use crate::base::error::Result;
use crate::memtable::arena::Entry;
use crate::memtable::skiplist::{SkipCursor, SkipList, SkipWriter};
use crate::memtable::tree::{FAN_OUT, Tree, TreeCursor, TreeWriter};

#[derive(Clone)]
pub(super) enum Reader {
    Small(Arc<Tree<4>>),
    Middle(Arc<Tree<12>>),
    Large(Arc<Tree<FAN_OUT>>),
    List(Arc<SkipList>),
}

#[allow(clippy::large_enum_variant, reason = "a test")]
pub(super) enum Writer {
    Small(TreeWriter<4>),
    Middle(TreeWriter<12>),
    Large(TreeWriter<FAN_OUT>),
    List(SkipWriter),
}

#[allow(clippy::large_enum_variant, reason = "a test")]
pub(super) enum Walker {
    Small(TreeCursor<4>),
    Middle(TreeCursor<12>),
    Large(TreeCursor<FAN_OUT>),
    List(SkipCursor),
}

macro_rules! each {
    ($what:expr, $kind:ident, $it:ident => $answer:expr) => {
        match $what {
            $kind::Small($it) => $answer,
            $kind::Middle($it) => $answer,
            $kind::Large($it) => $answer,
            $kind::List($it) => $answer,
        }
    };
}

/// A tree that splits all the time, one with an odd fan-out, the real one, and the list.
pub(super) fn all() -> [(Reader, Writer); 4] {
    let (small, middle, large) = (
        Tree::new(&Weak::new()).unwrap(),
        Tree::new(&Weak::new()).unwrap(),
        Tree::new(&Weak::new()).unwrap(),
    );
    let list = SkipList::new(&Weak::new());
    [
        (Reader::Small(small.0), Writer::Small(small.1)),
        (Reader::Middle(middle.0), Writer::Middle(middle.1)),
        (Reader::Large(large.0), Writer::Large(large.1)),
        (Reader::List(list.0), Writer::List(list.1)),
    ]
}

impl Reader {
    pub(super) fn get(&self, key: &[u8], ceiling: u64) -> Option<(u64, Vec<u8>)> {
        let found = each!(self, Reader, it => it.get(key, ceiling));
        found.map(|entry| {
            assert_eq!(entry.key, key);
            (entry.trailer, entry.value.to_vec())
        })
    }

    pub(super) fn walk(&self) -> Walker {
        match self {
            Self::Small(it) => Walker::Small(TreeCursor::new(Arc::clone(it))),
            Self::Middle(it) => Walker::Middle(TreeCursor::new(Arc::clone(it))),
            Self::Large(it) => Walker::Large(TreeCursor::new(Arc::clone(it))),
            Self::List(it) => Walker::List(SkipCursor::new(Arc::clone(it))),
        }
    }
}

impl Writer {
    pub(super) fn insert(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> Result<()> {
        each!(self, Writer, it => it.insert(Entry { key, trailer, value }))
    }
}

impl Walker {
    pub(super) fn seek(&mut self, key: &[u8], trailer: u64) {
        each!(self, Walker, it => it.seek(key, trailer));
    }

    pub(super) fn seek_before(&mut self, key: &[u8], trailer: u64) {
        each!(self, Walker, it => it.seek_before(key, trailer));
    }

    pub(super) fn seek_first(&mut self) {
        each!(self, Walker, it => it.seek_first());
    }

    pub(super) fn seek_last(&mut self) {
        each!(self, Walker, it => it.seek_last());
    }

    pub(super) fn next(&mut self) {
        each!(self, Walker, it => it.next());
    }

    pub(super) fn prev(&mut self) {
        each!(self, Walker, it => it.prev());
    }

    /// The entry, if it is at one.
    pub(super) fn now(&self) -> Option<Owned> {
        if !each!(self, Walker, it => it.is_valid()) {
            return None;
        }
        let entry = each!(self, Walker, it => it.entry());
        Some((entry.key.to_vec(), entry.trailer, entry.value.to_vec()))
    }
}

/// Key, trailer and value.
pub(super) type Owned = (Vec<u8>, u64, Vec<u8>);

/// What the index should be.
#[derive(Default)]
pub(super) struct Model(BTreeMap<(Vec<u8>, Reverse<u64>), Vec<u8>>);

impl Model {
    pub(super) fn insert(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> bool {
        self.0.insert((key.to_vec(), Reverse(trailer)), value.to_vec()).is_none()
    }

    pub(super) fn holds(&self, key: &[u8], trailer: u64) -> bool {
        self.0.contains_key(&(key.to_vec(), Reverse(trailer)))
    }

    pub(super) fn get(&self, key: &[u8], ceiling: u64) -> Option<(u64, Vec<u8>)> {
        let found = self.from(key, ceiling)?;
        (found.0 == key).then_some((found.1, found.2))
    }

    pub(super) fn from(&self, key: &[u8], trailer: u64) -> Option<Owned> {
        let start = (key.to_vec(), Reverse(trailer));
        self.0.range(start..).next().map(owned)
    }

    pub(super) fn after(&self, (key, trailer, _): &Owned) -> Option<Owned> {
        let start = Bound::Excluded((key.clone(), Reverse(*trailer)));
        self.0.range((start, Bound::Unbounded)).next().map(owned)
    }

    pub(super) fn before(&self, key: &[u8], trailer: u64) -> Option<Owned> {
        self.0.range(..(key.to_vec(), Reverse(trailer))).next_back().map(owned)
    }

    pub(super) fn all(&self) -> Vec<Owned> {
        self.0.iter().map(owned).collect()
    }
}

fn owned((key, value): (&(Vec<u8>, Reverse<u64>), &Vec<u8>)) -> Owned {
    (key.0.clone(), key.1.0, value.clone())
}

/// Numbers that are the same for the same seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % sides as u64) as usize
    }
}
