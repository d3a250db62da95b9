//! Explained reads as JSON.

use std::ops::Bound;

use super::shown;
use crate::base::json::Json;
use crate::read::explain::{Entries, Explanation, Place, RangeExplanation, Source, Step, Verdict};
use crate::stats::looked::{Origin, Part};
use crate::table::notes::Counts;

impl Explanation {
    /// All of it as one JSON object, on one line. Durations are in nanoseconds, what there is none
    /// of is `null`, and bytes of keys that are not printable ASCII are escaped as `\x00`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.string("keyspace", Some(&self.keyspace));
            json.string("key", Some(&shown(&self.key)));
            json.plain("at", self.at.get());
            json.string("answer", Some(self.answer.name()));
            json.maybe("seqno", self.seqno.map(|seqno| seqno.get()));
            json.maybe("value_bytes", self.value_bytes);
            json.list("steps", |json| self.steps.iter().for_each(|step| step_json(json, step)));
            let totals = &self.totals;
            json.object(Some("totals"), |json| {
                json.plain("memtables", totals.memtables);
                json.plain("tables", totals.tables);
                json.plain("excluded", totals.excluded);
                json.plain("filtered", totals.filtered);
                json.plain("opened", totals.opened);
                json.plain("blocks", totals.blocks);
                json.plain("from_memory", totals.from_memory);
                json.plain("from_disk", totals.from_disk);
                json.plain("bytes_read", totals.bytes_read);
                json.plain("range_tombstones", totals.range_tombstones);
                json.plain("took", totals.took.as_nanos());
            });
        });
        json.finish()
    }
}

fn step_json(json: &mut Json, step: &Step) {
    json.object(None, |json| {
        place_json(json, &step.place);
        json.plain("is_excluded", step.is_excluded);
        let filter = step.filter.map(|verdict| match verdict {
            Verdict::No => "no",
            Verdict::Maybe => "maybe",
        });
        json.string("filter", filter);
        json.plain("range_tombstones", step.range_tombstones);
        json.maybe("covered_by", step.covered_by.map(|seqno| seqno.get()));
        json.list("reads", |json| {
            for read in &step.reads {
                json.object(None, |json| {
                    let (name, partition, block) = named(read.part);
                    json.string("part", Some(name));
                    json.maybe("partition", partition);
                    json.maybe("block", block);
                    let (from, bytes) = match read.from {
                        Origin::Memory => ("memory", 0),
                        Origin::Disk(bytes) => ("disk", bytes),
                    };
                    json.string("from", Some(from));
                    json.plain("bytes", bytes);
                });
            }
        });
        json.maybe("entry", step.entry.map(|seqno| seqno.get()));
        json.string("answer", Some(step.answer.name()));
        json.plain("took", step.took.as_nanos());
    });
}

/// A part of a table by its name, its partition and its number there.
pub(super) fn named(part: Part) -> (&'static str, Option<usize>, Option<usize>) {
    match part {
        Part::Opening => ("opening", None, None),
        Part::Tombstones => ("range_tombstones", None, None),
        Part::Filter(partition) => ("filter", Some(partition), None),
        Part::Index(partition) => ("index", Some(partition), None),
        Part::Entries(partition, block) => ("entries", Some(partition), Some(block)),
        Part::Value(_) => ("large_value", None, None),
    }
}

fn place_json(json: &mut Json, place: &Place) {
    let (kind, memtable, level, run, file) = match *place {
        Place::Memtable { number } => ("memtable", Some(number), None, None, None),
        Place::Table { level, run, file } => ("table", None, Some(level), Some(run), Some(file)),
        Place::Run { level, run } => ("run", None, Some(level), Some(run), None),
    };
    json.string("place", Some(kind));
    json.maybe("memtable", memtable);
    json.maybe("level", level);
    json.maybe("run", run);
    json.maybe("file", file);
}

impl RangeExplanation {
    /// All of it as one JSON object, on one line. Durations are in nanoseconds, what there is none
    /// of is `null`, and bytes of keys that are not printable ASCII are escaped as `\x00`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.string("keyspace", Some(&self.keyspace));
            bound_json(json, ["lower", "is_lower_excluded"], &self.lower);
            bound_json(json, ["upper", "is_upper_excluded"], &self.upper);
            json.plain("at", self.at.get());
            json.plain("is_reverse", self.is_reverse);
            json.maybe("limit", self.limit);
            json.plain("is_complete", self.is_complete);
            json.plain("pairs", self.pairs);
            json.object(Some("entries"), |json| entries_json(json, &self.entries));
            json.list("sources", |json| {
                self.sources.iter().for_each(|source| source_json(json, source));
            });
            json.plain("tables_excluded", self.tables_excluded);
            json.plain("tables_not_reached", self.tables_not_reached);
            json.object(Some("reads"), |json| counts_json(json, &self.reads));
            json.plain("took", self.took.as_nanos());
        });
        json.finish()
    }
}

fn bound_json(json: &mut Json, [name, is_excluded]: [&str; 2], bound: &Bound<Vec<u8>>) {
    let key = match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(shown(key)),
        Bound::Unbounded => None,
    };
    json.string(name, key.as_deref());
    json.plain(is_excluded, matches!(bound, Bound::Excluded(_)));
}

fn entries_json(json: &mut Json, entries: &Entries) {
    json.plain("all", entries.all);
    json.plain("pairs", entries.pairs);
    json.plain("older", entries.older);
    json.plain("too_new", entries.too_new);
    json.plain("deleted", entries.deleted);
    json.plain("expired", entries.expired);
    json.plain("covered", entries.covered);
    json.plain("outside", entries.outside);
    json.plain("leaps", entries.leaps);
    json.plain("skips", entries.skips);
}

fn source_json(json: &mut Json, source: &Source) {
    json.object(None, |json| {
        place_json(json, &source.place);
        json.plain("entries", source.entries);
        json.plain("range_tombstones", source.range_tombstones);
        json.object(Some("reads"), |json| counts_json(json, &source.reads));
    });
}

fn counts_json(json: &mut Json, counts: &Counts) {
    json.plain("is_opened", counts.is_opened);
    json.plain("indexes_from_memory", counts.indexes_from_memory);
    json.plain("indexes_from_disk", counts.indexes_from_disk);
    json.plain("blocks_from_memory", counts.blocks_from_memory);
    json.plain("blocks_from_disk", counts.blocks_from_disk);
    json.plain("disk_reads", counts.disk_reads);
    json.plain("bytes_read", counts.bytes_read);
}
