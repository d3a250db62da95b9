//! What a salvage tells: what was read, what was lost, and how far that reaches.

use std::fmt;

use crate::base::json::Json;

/// What became of a damaged database. `Display` is a text for people, `to_json` one for programs.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Everything that the database held is in the new one: nothing below tells of a loss.
    pub is_complete: bool,
    /// The manifest was read up to an end that something vouches for: the names of keyspaces are
    /// theirs, and only tables were read that belong to the database.
    pub is_manifest_whole: bool,
    /// The files of the database, by name, and those that it lacks.
    pub files: Vec<SalvagedFile>,
    /// Names in the directory that have no part in the database. They were not read.
    pub ignored: Vec<String>,
    /// What the new database holds.
    pub keyspaces: Vec<SalvagedKeyspace>,
    /// Ranges of keys of which something may be missing.
    pub lost: Vec<LostRange>,
    /// Parts of the log that could not be read. What was written there is missing, whatever its
    /// keys are.
    pub lost_log: Vec<LostLog>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// A file of the damaged database.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvagedFile {
    /// Its name in the directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Nothing of it could be used.
    pub is_lost: bool,
    /// Damage that was found in it: the first places.
    pub damage: Vec<Damage>,
    /// How many places are damaged.
    pub damaged_places: u64,
}

/// A damaged place of a file.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins, if that can be told.
    pub offset: Option<u64>,
    /// What is wrong.
    pub why: String,
}

/// What the new database has in one keyspace.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvagedKeyspace {
    /// Its name, in the new database too.
    pub name: String,
    /// The name was lost with the manifest, and this one was made from the keyspace's number.
    pub is_name_lost: bool,
    /// How many pairs it holds.
    pub pairs: u64,
}

/// Keys of which something may be missing: a value, so that the key has none; or, where older
/// entries were rescued, a newer value or a delete, so that an older value shows.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostRange {
    /// The keyspace, by its name in the new database.
    pub keyspace: String,
    /// The first key.
    pub from: Vec<u8>,
    /// The key behind the last one; `None` for the end of the keyspace.
    pub to: Option<Vec<u8>>,
    /// The file that it was lost from.
    pub file: String,
    /// How many entries were lost, as far as it is known. About.
    pub entries: Option<u64>,
    /// How many bytes of the file they took, as far as it is known. About.
    pub bytes: Option<u64>,
    /// Older values may show, and deleted keys may be back. False only where nothing older was.
    pub older_may_show: bool,
}

/// A part of the log that could not be read.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostLog {
    /// The segment.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The first sequence number that is missing.
    pub from: u64,
    /// The first one behind it that is not; `None` if that cannot be told.
    pub to: Option<u64>,
}

impl SalvageReport {
    /// Everything as JSON. Keys are in hexadecimal.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.plain("is_complete", self.is_complete);
            json.plain("is_manifest_whole", self.is_manifest_whole);
            json.list("files", |json| self.files.iter().for_each(|file| file.put(json)));
            json.list("ignored", |json| self.ignored.iter().for_each(|name| json.item(name)));
            json.list("keyspaces", |json| {
                for keyspace in &self.keyspaces {
                    json.object(None, |json| {
                        json.string("name", Some(&keyspace.name));
                        json.plain("is_name_lost", keyspace.is_name_lost);
                        json.plain("pairs", keyspace.pairs);
                    });
                }
            });
            json.list("lost", |json| self.lost.iter().for_each(|range| range.put(json)));
            json.list("lost_log", |json| self.lost_log.iter().for_each(|part| part.put(json)));
            json.list("notes", |json| self.notes.iter().for_each(|note| json.item(note)));
        });
        json.finish()
    }
}

impl SalvagedFile {
    fn put(&self, json: &mut Json) {
        json.object(None, |json| {
            json.string("name", Some(&self.name));
            json.plain("bytes", self.bytes);
            json.plain("is_lost", self.is_lost);
            json.list("damage", |json| {
                for damage in &self.damage {
                    json.object(None, |json| {
                        json.maybe("offset", damage.offset);
                        json.string("why", Some(&damage.why));
                    });
                }
            });
            json.plain("damaged_places", self.damaged_places);
        });
    }
}

impl LostRange {
    fn put(&self, json: &mut Json) {
        json.object(None, |json| {
            json.string("keyspace", Some(&self.keyspace));
            json.string("from", Some(&hexadecimal(&self.from)));
            json.string("to", self.to.as_deref().map(hexadecimal).as_deref());
            json.string("file", Some(&self.file));
            json.maybe("entries", self.entries);
            json.maybe("bytes", self.bytes);
            json.plain("older_may_show", self.older_may_show);
        });
    }

    /// True if this key is in the range.
    #[must_use]
    pub fn holds(&self, key: impl AsRef<[u8]>) -> bool {
        let key = key.as_ref();
        key >= self.from.as_slice() && self.to.as_ref().is_none_or(|to| key < to.as_slice())
    }
}

impl LostLog {
    fn put(&self, json: &mut Json) {
        json.object(None, |json| {
            json.string("file", Some(&self.file));
            json.plain("offset", self.offset);
            json.plain("bytes", self.bytes);
            json.plain("from", self.from);
            json.maybe("to", self.to);
        });
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for SalvageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.is_complete { "complete" } else { "not complete" };
        writeln!(f, "the salvage is {how}")?;
        if !self.is_manifest_whole {
            writeln!(f, "the manifest could not be read whole")?;
        }
        for keyspace in &self.keyspaces {
            writeln!(f, "keyspace {}: {} pairs", keyspace.name, keyspace.pairs)?;
        }
        for file in self.files.iter().filter(|file| file.damaged_places > 0 || file.is_lost) {
            let how = if file.is_lost { "lost" } else { "damaged" };
            writeln!(f, "{} ({} bytes): {how}", file.name, file.bytes)?;
            for damage in &file.damage {
                match damage.offset {
                    Some(offset) => writeln!(f, "  at {offset}: {}", damage.why)?,
                    None => writeln!(f, "  {}", damage.why)?,
                }
            }
        }
        for range in &self.lost {
            write!(f, "lost from {} in keyspace {}: ", range.file, range.keyspace)?;
            write!(f, "{} to ", range.from.escape_ascii())?;
            match &range.to {
                Some(to) => write!(f, "{}", to.escape_ascii())?,
                None => write!(f, "the end")?,
            }
            if let Some(entries) = range.entries {
                write!(f, ", about {entries} entries")?;
            }
            writeln!(f)?;
        }
        for part in &self.lost_log {
            write!(f, "lost from the log {} at {}: ", part.file, part.offset)?;
            match part.to {
                Some(to) => writeln!(f, "sequence numbers {} to {to}", part.from)?,
                None => writeln!(f, "sequence numbers from {} on", part.from)?,
            }
        }
        for name in &self.ignored {
            writeln!(f, "not read: {name}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

#[cfg(test)]
mod tests;
