//! What is found on the way of a salvage, until it becomes a report.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Error, ErrorKind, Result};
use crate::key::full::{FullKey, PREFIX_LEN, keyspace_of, user_key};
use crate::key::keyspace::KeyspaceId;
use crate::salvage::report::{Damage, LostLog, LostRange, SalvagedFile};

/// So many damaged places of a file are told.
const PLACES_TOLD: usize = 64;
/// So many lost ranges of a file are told apart; those behind them are told as one.
const RANGES_TOLD: usize = 4096;

/// Full keys from one up to another, which is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySpan {
    /// The first key.
    pub from: Vec<u8>,
    /// The key behind the last one; `None` for the end of everything.
    pub to: Option<Vec<u8>>,
}

/// Keys that were lost from a file.
#[derive(Clone, Debug, Default)]
pub struct Loss {
    /// Which.
    pub span: KeySpan,
    /// How many entries, as far as it is known.
    pub entries: Option<u64>,
    /// How many bytes of the file.
    pub bytes: Option<u64>,
    /// Something older may show.
    pub older_may_show: bool,
}

/// All that is found.
#[derive(Debug, Default)]
pub struct Findings {
    /// The files of the database.
    pub files: BTreeMap<String, SalvagedFile>,
    /// What was lost, by file.
    losses: BTreeMap<String, Vec<Loss>>,
    /// Parts of the log.
    pub lost_log: Vec<LostLog>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// The shortest key behind this one.
#[must_use]
pub fn behind(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}

impl KeySpan {
    /// All keys.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// What both have; `None` if that is nothing.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        let from = self.from.clone().max(other.from.clone());
        let to = match (&self.to, &other.to) {
            (Some(one), Some(two)) => Some(one.min(two).clone()),
            (one, two) => one.clone().or_else(|| two.clone()),
        };
        let is_some = to.as_ref().is_none_or(|to| from < *to);
        is_some.then_some(Self { from, to })
    }
}

impl Findings {
    /// A file belongs to the database.
    pub fn file(&mut self, name: &str, bytes: u64) -> &mut SalvagedFile {
        let file = self.files.entry(name.to_owned()).or_default();
        name.clone_into(&mut file.name);
        file.bytes = file.bytes.max(bytes);
        file
    }

    /// A place of a file is damaged. What is not the file's fault is an error.
    pub fn damage(&mut self, name: &str, error: &Error) -> Result<()> {
        if !is_of_the_file(error) {
            return Err(error.clone());
        }
        self.damage_at(name, error.offset(), error.message());
        Ok(())
    }

    /// The same, in words.
    pub fn damage_at(&mut self, name: &str, offset: Option<u64>, why: &str) {
        let file = self.file(name, 0);
        file.damaged_places += 1;
        if file.damage.len() < PLACES_TOLD {
            file.damage.push(Damage { offset, why: why.to_owned() });
        }
    }

    /// Nothing of a file can be used.
    pub fn lose_file(&mut self, name: &str) {
        self.file(name, 0).is_lost = true;
    }

    /// Keys were lost from a file.
    pub fn lose(&mut self, name: &str, loss: Loss) {
        let losses = self.losses.entry(name.to_owned()).or_default();
        if losses.len() < RANGES_TOLD {
            losses.push(loss);
            return;
        }
        let Some(last) = losses.last_mut() else { return };
        last.span.to = last.span.to.take().zip(loss.span.to).map(|(one, two)| one.max(two));
        last.span.from = last.span.from.clone().min(loss.span.from);
        last.entries = last.entries.zip(loss.entries).map(|(one, two)| one.saturating_add(two));
        last.bytes = last.bytes.zip(loss.bytes).map(|(one, two)| one.saturating_add(two));
        last.older_may_show |= loss.older_may_show;
    }

    /// Takes in what was found elsewhere.
    pub fn absorb(&mut self, other: Self) {
        for (name, file) in other.files {
            let mine = self.file(&name, file.bytes);
            mine.is_lost |= file.is_lost;
            mine.damaged_places += file.damaged_places;
            mine.damage.extend(file.damage);
        }
        for (name, losses) in other.losses {
            losses.into_iter().for_each(|loss| self.lose(&name, loss));
        }
        self.lost_log.extend(other.lost_log);
        self.notes.extend(other.notes);
    }

    /// True if keys were lost from this file.
    #[must_use]
    pub fn has_lost_from(&self, name: &str) -> bool {
        self.losses.contains_key(name)
    }

    /// True if nothing was lost.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.losses.is_empty() && self.lost_log.is_empty()
    }

    /// The lost ranges of these keyspaces.
    #[must_use]
    pub fn ranges(&self, keyspaces: &BTreeMap<KeyspaceId, String>) -> Vec<LostRange> {
        let mut ranges = Vec::new();
        for (file, losses) in &self.losses {
            for loss in losses {
                for (&id, name) in keyspaces {
                    ranges.extend(range_of(id, name, file, loss));
                }
            }
        }
        ranges
    }

    /// Keyspaces that a loss tells of.
    #[must_use]
    pub fn keyspaces(&self) -> BTreeSet<KeyspaceId> {
        let spans = self.losses.values().flatten().map(|loss| &loss.span);
        spans.filter(|it| it.from.len() >= PREFIX_LEN).map(|it| keyspace_of(&it.from)).collect()
    }
}

/// What a loss is to one keyspace.
fn range_of(id: KeyspaceId, name: &str, file: &str, loss: &Loss) -> Option<LostRange> {
    let own = KeySpan {
        from: FullKey::first_of(id).bytes().to_vec(),
        to: Some(FullKey::end_of(id).bytes().to_vec()),
    };
    let span = own.and(&loss.span)?;
    let to = span.to.filter(|to| keyspace_of(to) == id).map(|to| user_key(&to).to_vec());
    Some(LostRange {
        keyspace: name.to_owned(),
        from: user_key(&span.from).to_vec(),
        to,
        file: file.to_owned(),
        entries: loss.entries,
        bytes: loss.bytes,
        older_may_show: loss.older_may_show,
    })
}

/// True for an error that tells of the file and not of the machine.
#[must_use]
pub fn is_of_the_file(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::Format => true,
        // A disk that cannot read a place.
        ErrorKind::Io => !error.is_retryable(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
