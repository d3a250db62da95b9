//! What a database tells about itself, by the names that LevelDB gave these properties.

use std::fmt::Write as _;

use lsm_core::Stats;

use crate::door::{Door, PAIRS};

/// Levels that LevelDB has; others have no property.
const LEVELS: u8 = 7;

/// The text of a property; `None` if it has no such name.
#[must_use]
pub fn text(door: &Door, name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?.strip_prefix("leveldb.")?;
    if let Some(level) = name.strip_prefix("num-files-at-level") {
        let is_number = !level.is_empty() && level.bytes().all(|digit| digit.is_ascii_digit());
        let level = is_number.then(|| level.parse().ok())?.filter(|level| *level < LEVELS)?;
        return Some(tables_at(&door.db.stats(), level).to_string());
    }
    let stats = || door.db.stats();
    match name {
        "stats" => Some(format!("{}\n{}", levels(&stats()), stats())),
        "sstables" => Some(levels(&stats())),
        "approximate-memory-usage" => Some(stats().memory.used.to_string()),
        _ => None,
    }
}

fn tables_at(stats: &Stats, level: u8) -> u64 {
    let levels = stats.keyspace(PAIRS).map(|pairs| pairs.levels.as_slice()).unwrap_or_default();
    levels.iter().filter(|it| it.level == level).map(|it| it.tables).sum()
}

/// A line for each level that holds something.
fn levels(stats: &Stats) -> String {
    let mut text = String::from("level  tables       bytes     entries     deletes\n");
    for level in stats.keyspace(PAIRS).into_iter().flat_map(|pairs| &pairs.levels) {
        let (number, tables, bytes) = (level.level, level.tables, level.bytes);
        let (entries, deletes) = (level.entries, level.deletes);
        // Writing to a text does not fail.
        let _written =
            writeln!(text, "{number:>5} {tables:>7} {bytes:>11} {entries:>11} {deletes:>11}");
    }
    text
}
