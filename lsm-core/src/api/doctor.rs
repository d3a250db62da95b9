//! The doctor: says in plain words what is wrong or slow, and which limit or option causes it.
//!
//! What is known is gathered here; the rules that judge it look at nothing but that.

use std::time::Duration;

use crate::api::stats::Stats;
use crate::base::error::Error;
use crate::base::sort::sort_by_key;
use crate::engine::state::Engine;
use crate::extend::event::OpenReport;
use crate::options::database::Options;
use crate::options::keyspace::KeyspaceOptions;
use crate::version::tree::Tree;

mod figures;

mod space;
mod speed;
mod text;
mod trouble;

/// What was found, the worst first. Nothing is found in a database that is well. `Display` is a
/// text for people, `to_json` one for programs.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong, slow, or worth knowing.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, which stays.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The keyspace, if it is about one.
    pub keyspace: Option<String>,
    /// The option or limit that causes it, if it is one.
    pub option: Option<&'static str>,
    /// What is seen, with figures: a sentence.
    pub seen: String,
    /// What causes it and what to do: a sentence.
    pub advice: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It was chosen, or it does no harm now.
    Info,
    /// Something is slow, or will be, or takes more than it must.
    Warning,
    /// The database does not do what it is for.
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// All that the doctor looks at, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What was counted and measured.
    pub stats: Stats,
    /// How the database was opened.
    pub options: Options,
    /// What the opening found.
    pub report: OpenReport,
    /// The keyspaces.
    pub keyspaces: Vec<KeyspaceFacts>,
    /// What goes on in the background.
    pub background: BackgroundFacts,
    /// The snapshot that has been held longest.
    pub oldest_snapshot: Option<SnapshotFacts>,
    /// How the last write failed for want of room, if none was taken since.
    pub refused: Option<Error>,
    /// Logged writes that a power cut would take now.
    pub unsynced_writes: u64,
    /// How often table files were read, and how often one had to be opened again for that; where
    /// `open_files_max` bounds how many stay open.
    pub files: Option<FileFacts>,
    /// What readers in other processes keep, if they keep anything.
    pub held: Option<HeldFacts>,
}

/// Files that the database no longer needs, and readers in other processes do.
#[derive(Clone, Debug, Default)]
pub struct HeldFacts {
    /// How many.
    pub files: u64,
    /// How long they are together.
    pub bytes: u64,
    /// The process that reads what is oldest, and the last write that it sees.
    pub oldest: Option<(u32, u64)>,
}

/// One keyspace.
#[derive(Clone, Debug, Default)]
pub struct KeyspaceFacts {
    /// Its name.
    pub name: String,
    /// How it is kept.
    pub options: KeyspaceOptions,
    /// How many range tombstones its tables hold, those of others in the same files included.
    pub range_deletes: u64,
    /// How long those of its tables are that were read so far.
    pub stored_bytes: u64,
    /// How long they are unpacked.
    pub unpacked_bytes: u64,
    /// Its merge operator was not registered: it cannot be opened.
    pub lacks_operator: bool,
    /// Its compaction filter was not registered: everything in it is kept.
    pub lacks_filter: bool,
}

/// What goes on in the background.
#[derive(Clone, Debug, Default)]
pub struct BackgroundFacts {
    /// So many have asked that nothing be merged.
    pub pauses: u64,
    /// How the last try failed, if none went well since.
    pub failure: Option<Error>,
    /// How many tries have failed since one went well.
    pub failures_in_a_row: u64,
    /// Merges wait just now, since they may write no more in this second.
    pub is_throttled: bool,
}

/// A snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// How long it has been held.
    pub age: Duration,
    /// How many writes there were since.
    pub writes_since: u64,
}

/// Table files that are opened again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Reads of table files.
    pub reads: u64,
    /// How many of them had to open the file.
    pub opened: u64,
}

impl Diagnosis {
    /// What these facts say.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let mut findings = Vec::new();
        trouble::look(facts, &mut findings);
        speed::look(facts, &mut findings);
        space::look(facts, &mut findings);
        sort_by_key(&mut findings, |finding: &Finding| std::cmp::Reverse(finding.severity));
        Self { findings }
    }

    /// True if nothing was found.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }

    /// The first finding of this name.
    #[must_use]
    pub fn finding(&self, name: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.name == name)
    }
}

impl Finding {
    fn new(severity: Severity, name: &'static str, seen: String, advice: &str) -> Self {
        let advice = advice.to_owned();
        Self { name, severity, keyspace: None, option: None, seen, advice }
    }

    fn caused_by(self, option: &'static str) -> Self {
        Self { option: Some(option), ..self }
    }

    fn within(self, keyspace: &str) -> Self {
        Self { keyspace: Some(keyspace.to_owned()), ..self }
    }
}

impl Facts {
    pub(crate) fn of(engine: &Engine, report: &OpenReport) -> Self {
        let background = {
            let desk = engine.desk.lock();
            BackgroundFacts {
                pauses: desk.pauses as u64,
                failure: desk.failure.clone().filter(|_| desk.failures_in_a_row > 0),
                failures_in_a_row: u64::from(desk.failures_in_a_row),
                is_throttled: engine.throttle.until(engine.env.clock.monotonic()).is_some(),
            }
        };
        let visible = engine.visible();
        let oldest_snapshot = engine.snapshots.oldest().map(|as_of| SnapshotFacts {
            age: Duration::from_millis(engine.now_millis().saturating_sub(as_of.millis)),
            writes_since: visible.get().saturating_sub(as_of.seqno.get()),
        });
        let durable = engine.journal.durable_seqno();
        Self {
            stats: Stats::of(engine),
            options: engine.options.clone(),
            report: report.clone(),
            keyspaces: keyspaces_of(engine),
            background,
            refused: engine.health.full(visible),
            oldest_snapshot,
            unsynced_writes: visible.get().saturating_sub(durable.get()),
            files: engine.shelf.usage().map(|(reads, opened)| FileFacts { reads, opened }),
            held: held_of(engine),
        }
    }
}

fn held_of(engine: &Engine) -> Option<HeldFacts> {
    let (files, bytes) = engine.journal.retired_held();
    if files == 0 {
        return None;
    }
    let readers = engine.reader_slots().unwrap_or_default();
    let oldest = readers.iter().min_by_key(|reader| reader.edit);
    let oldest = oldest.map(|reader| (reader.process_id, reader.seqno.get()));
    Some(HeldFacts { files, bytes, oldest })
}

fn keyspaces_of(engine: &Engine) -> Vec<KeyspaceFacts> {
    let view = engine.view.load();
    let all = engine.keyspaces.all().into_iter();
    let facts = all.map(|keyspace| {
        let mut facts = KeyspaceFacts {
            name: keyspace.name.clone(),
            options: keyspace.options.clone(),
            lacks_operator: keyspace.check_merger().is_err(),
            lacks_filter: keyspace.options.get_compaction_filter().is_some()
                && keyspace.sieve.is_none()
                && !engine.options.is_read_only(),
            ..KeyspaceFacts::default()
        };
        if let Some(tree) = view.version.tree(keyspace.id) {
            facts.take_in(tree);
        }
        facts
    });
    facts.collect()
}

impl KeyspaceFacts {
    fn take_in(&mut self, tree: &Tree) {
        for slice in tree.slices() {
            let meta = &slice.file.meta;
            self.range_deletes = self.range_deletes.saturating_add(meta.range_deletes);
            if let Some(table) = slice.file.opened() {
                let unpacked = table.properties().unpacked_bytes;
                self.stored_bytes = self.stored_bytes.saturating_add(meta.bytes);
                self.unpacked_bytes = self.unpacked_bytes.saturating_add(unpacked);
            }
        }
    }
}

#[cfg(test)]
mod tests;
