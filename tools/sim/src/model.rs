//! The model: what a database holds, in plain maps. It shares no code with the engine.
//!
//! Time is told in minutes. It is always a little after a full hour, and values expire in the
//! middle of one, so the little that passes while something is done changes nothing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::swarm::{Kept, NAMES};

/// When a value that is written expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its keyspace says; an operand leaves it as it was.
    Usual,
    /// Never.
    Never,
    /// In this minute.
    At(u64),
}

/// One change of a database.
#[derive(Clone, Debug)]
pub enum Change {
    /// A key gets a value.
    Put(&'static str, Vec<u8>, Arc<[u8]>, End),
    /// An operand for the value of a key.
    Merge(&'static str, Vec<u8>, Arc<[u8]>, End),
    /// A key has no value any more.
    Delete(&'static str, Vec<u8>),
    /// Nor have those from the first key up to the second.
    DeleteRange(&'static str, Vec<u8>, Vec<u8>),
    /// A keyspace is made.
    Make(&'static str, Box<Kept>),
    /// A keyspace is dropped.
    Drop(&'static str),
}

impl Change {
    /// The keyspace that it changes.
    #[must_use]
    pub fn space(&self) -> &'static str {
        match self {
            Self::Put(space, ..)
            | Self::Merge(space, ..)
            | Self::Delete(space, _)
            | Self::DeleteRange(space, ..)
            | Self::Make(space, _)
            | Self::Drop(space) => space,
        }
    }
}

/// A value, and the minute in which it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub value: Arc<[u8]>,
    /// Until when, if not for ever.
    pub end: Option<u64>,
}

impl Entry {
    fn is_alive(&self, minute: u64) -> bool {
        self.end.is_none_or(|end| end > minute)
    }
}

/// One keyspace.
#[derive(Clone, Debug)]
pub struct Space {
    /// How it is kept.
    pub kept: Kept,
    /// Tells it from others that had its name.
    pub born: u64,
    /// What it holds; what has expired may still be among it.
    pub entries: BTreeMap<Vec<u8>, Entry>,
}

/// A whole database.
#[derive(Clone, Debug)]
pub struct State {
    spaces: BTreeMap<&'static str, Space>,
    made: u64,
    minute: u64,
    /// A number for all that is shown in this minute, equal for equal things only.
    print: u64,
}

/// What a filter makes of a value; `None` if it takes it away. What it has made stays.
#[must_use]
pub fn swept(value: &[u8]) -> Option<Vec<u8>> {
    match value.first() {
        Some(b'x') => None,
        Some(b'o') => Some([b"new:".as_slice(), &value[1..]].concat()),
        _ => Some(value.to_vec()),
    }
}

/// A number for one pair, whatever a filter has made of it by now.
#[must_use]
pub fn print_of(space: &str, key: &[u8], value: &[u8], is_swept: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (space, key).hash(&mut hasher);
    match value.first() {
        Some(b'x') if is_swept => return 0,
        Some(b'o') if is_swept => swept(value).hash(&mut hasher),
        _ => Some(value).hash(&mut hasher),
    }
    hasher.finish()
}

/// A number for a keyspace that is there.
#[must_use]
pub fn print_of_name(space: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    space.hash(&mut hasher);
    hasher.finish()
}

/// What one operand makes of a value.
fn merged(operator: &str, base: Option<&[u8]>, operand: &[u8]) -> Vec<u8> {
    match base {
        None => operand.to_vec(),
        Some(base) if operator == "max" => base.max(operand).to_vec(),
        Some(base) => [base, operand].concat(),
    }
}

impl State {
    /// A new database.
    #[must_use]
    pub fn new(default: &Kept) -> Self {
        let mut state = Self { spaces: BTreeMap::new(), made: 0, minute: 0, print: 0 };
        state.apply(&Change::Make(NAMES[0], Box::new(default.clone())), 0);
        state
    }

    /// The number for all that is shown.
    #[must_use]
    pub fn print(&self) -> u64 {
        self.print
    }

    /// The minute that it is looked at.
    #[must_use]
    pub fn minute(&self) -> u64 {
        self.minute
    }

    /// From now on it is looked at in this minute.
    pub fn set_minute(&mut self, minute: u64) {
        self.minute = minute;
        self.print = 0;
        for (name, space) in &self.spaces {
            self.print ^= print_of_name(name);
            for (key, entry) in space.entries.iter().filter(|(_, it)| it.is_alive(minute)) {
                self.print ^= print_of(name, key, &entry.value, space.kept.is_swept);
            }
        }
    }

    /// The keyspaces there are.
    pub fn spaces(&self) -> impl Iterator<Item = (&'static str, &Space)> {
        self.spaces.iter().map(|(name, space)| (*name, space))
    }

    /// One of them.
    #[must_use]
    pub fn space(&self, name: &str) -> Option<&Space> {
        self.spaces.get(name)
    }

    /// What a key has, if anything.
    #[must_use]
    pub fn get(&self, name: &str, key: &[u8]) -> Option<&Entry> {
        let entry = self.space(name)?.entries.get(key)?;
        entry.is_alive(self.minute).then_some(entry)
    }

    /// What a keyspace shows, in order.
    pub fn pairs(&self, name: &str) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &Entry)> {
        let entries = self.space(name).into_iter().flat_map(|space| &space.entries);
        entries.filter(|(_, entry)| entry.is_alive(self.minute))
    }

    /// Takes in what was written in this minute.
    pub fn apply(&mut self, change: &Change, minute: u64) {
        match change {
            Change::Put(space, key, value, end) => {
                let ttl = self.space(space).and_then(|space| space.kept.ttl);
                let end = match end {
                    End::Usual => ttl.map(|ttl| minute + ttl),
                    End::Never => None,
                    End::At(end) => Some(*end),
                };
                self.set(space, key, Some(Entry { value: value.clone(), end }));
            }
            Change::Merge(space, key, operand, end) => {
                let Some(there) = self.space(space) else { return };
                let base = there.entries.get(key).filter(|base| base.is_alive(minute));
                let end = match end {
                    End::Never => None,
                    End::At(end) => Some(*end),
                    End::Usual => match there.kept.ttl {
                        Some(ttl) => Some(minute + ttl),
                        None => base.and_then(|base| base.end),
                    },
                };
                let operator = there.kept.operator.unwrap_or("append");
                let value = merged(operator, base.map(|base| &base.value[..]), operand);
                self.set(space, key, Some(Entry { value: value.into(), end }));
            }
            Change::Delete(space, key) => self.set(space, key, None),
            Change::DeleteRange(space, from, to) => {
                let Some(there) = self.space(space).filter(|_| from < to) else { return };
                let range = there.entries.range(from.clone()..to.clone());
                let keys: Vec<Vec<u8>> = range.map(|(key, _)| key.clone()).collect();
                keys.iter().for_each(|key| self.set(space, key, None));
            }
            Change::Make(space, kept) => self.make(space, kept),
            Change::Drop(space) => {
                if let Some(there) = self.spaces.get(space) {
                    let keys: Vec<Vec<u8>> = there.entries.keys().cloned().collect();
                    keys.iter().for_each(|key| self.set(space, key, None));
                    self.print ^= print_of_name(space);
                    self.spaces.remove(space);
                }
            }
        }
    }

    fn make(&mut self, name: &'static str, kept: &Kept) {
        if !self.spaces.contains_key(name) {
            self.made += 1;
            let space = Space { kept: kept.clone(), born: self.made, entries: BTreeMap::new() };
            self.spaces.insert(name, space);
            self.print ^= print_of_name(name);
        }
    }

    fn set(&mut self, name: &str, key: &[u8], entry: Option<Entry>) {
        let minute = self.minute;
        let Some(space) = self.spaces.get_mut(name) else { return };
        let is_swept = space.kept.is_swept;
        let print = |entry: &Entry| match entry.is_alive(minute) {
            true => print_of(name, key, &entry.value, is_swept),
            false => 0,
        };
        let after = entry.as_ref().map_or(0, print);
        let before = match entry {
            Some(entry) => space.entries.insert(key.to_vec(), entry),
            None => space.entries.remove(key),
        };
        self.print ^= after ^ before.as_ref().map_or(0, print);
    }

    /// In words, short ones.
    #[must_use]
    pub fn describe(&self) -> String {
        let space = |(name, space): (&&str, &Space)| {
            let alive = space.entries.iter().filter(|(_, entry)| entry.is_alive(self.minute));
            let pairs = alive.map(|(key, entry)| describe_pair(key, &entry.value));
            format!("{name}{{{}}}", pairs.collect::<Vec<_>>().join(" "))
        };
        self.spaces.iter().map(space).collect::<Vec<_>>().join(" ")
    }
}

/// A pair in words: starts of the key and the value, and the value's length.
#[must_use]
pub fn describe_pair(key: &[u8], value: &[u8]) -> String {
    let (short, start) = (&key[..key.len().min(12)], &value[..value.len().min(9)]);
    format!("{}={}+{}", short.escape_ascii(), start.escape_ascii(), value.len())
}
