//! File names of a database directory, and what each stands for.
//!
//! A name is a number and a kind, never a path, and no number is ever used twice. Whatever has
//! another name is not ours: it is reported and left alone.

use std::ffi::OsStr;

/// The lock file.
pub const LOCK: &str = "db.lock";
/// The two heads, and the scratch names they are written under.
pub const HEADS: [HeadNames; 2] = [
    HeadNames { live: "a.head", scratch: "a.tmp" },
    HeadNames { live: "b.head", scratch: "b.tmp" },
];

/// What marks a directory in which a salvage has not ended yet: no database to be opened.
pub const UNFINISHED: &str = "salvage.unfinished";

/// The names of one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadNames {
    /// Where it is read.
    pub live: &'static str,
    /// Where it is written before it takes its place.
    pub scratch: &'static str,
}

/// No file has a higher number: numbers share a word with the kind in every check.
pub const NUMBER_MAX: u64 = (1 << 48) - 2;

/// What a name in the directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileName {
    /// The lock file.
    Lock,
    /// A head.
    Head,
    /// A head that was being written.
    Scratch,
    /// The mark of a salvage that has not ended.
    Unfinished,
    /// A segment of the log.
    Log(u64),
    /// A manifest.
    Manifest(u64),
    /// A sorted table.
    Table(u64),
    /// Large values.
    Blob(u64),
}

impl FileName {
    /// What the name stands for; `None` if it is not ours.
    #[must_use]
    pub fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        if name == LOCK {
            return Some(Self::Lock);
        }
        if name == UNFINISHED {
            return Some(Self::Unfinished);
        }
        if HEADS.iter().any(|head| head.live == name) {
            return Some(Self::Head);
        }
        if HEADS.iter().any(|head| head.scratch == name) {
            return Some(Self::Scratch);
        }
        let (digits, kind) = name.split_once('.')?;
        let number = digits.parse().ok().filter(|&number| number <= NUMBER_MAX)?;
        let parsed = match kind {
            "wal" => Self::Log(number),
            "manifest" => Self::Manifest(number),
            "sst" => Self::Table(number),
            "blob" => Self::Blob(number),
            _ => return None,
        };
        (numbered(number, kind) == name).then_some(parsed)
    }

    /// The number in the name, if it has one.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Log(number)
            | Self::Manifest(number)
            | Self::Table(number)
            | Self::Blob(number) => Some(number),
            _ => None,
        }
    }
}

/// The name of a log segment.
#[must_use]
pub fn log(number: u64) -> String {
    numbered(number, "wal")
}

/// The name of a manifest.
#[must_use]
pub fn manifest(number: u64) -> String {
    numbered(number, "manifest")
}

/// The name of a sorted table.
#[must_use]
pub fn table(number: u64) -> String {
    numbered(number, "sst")
}

/// The name of a file of large values.
#[must_use]
pub fn blob(number: u64) -> String {
    numbered(number, "blob")
}

fn numbered(number: u64, kind: &str) -> String {
    format!("{number:06}.{kind}")
}

#[cfg(test)]
mod tests;
