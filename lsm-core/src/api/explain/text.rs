//! Explained reads as text for people.

use std::fmt;
use std::ops::Bound;

use super::json::named;
use super::shown;
use crate::read::explain::{
    Answer, Entries, Explanation, RangeExplanation, ReadPart, Source, Step, Verdict,
};
use crate::stats::looked::Origin;
use crate::table::notes::Counts;

/// What belongs to the line before stands below it, behind this.
const MORE: &str = "\n     ";

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = shown(&self.key);
        write!(f, "get {key} of {}, seen at {}: {}", self.keyspace, self.at.get(), self.answer)?;
        if let Some(bytes) = self.value_bytes {
            write!(f, ", {bytes} bytes")?;
        }
        match (self.answer, self.seqno) {
            (Answer::Covered, Some(seqno)) => {
                write!(f, " by the range tombstone {}", seqno.get())?;
            }
            (_, Some(seqno)) => write!(f, ", entry {}", seqno.get())?,
            (_, None) => {}
        }
        writeln!(f)?;
        for (at, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {}. {step}", at + 1)?;
        }
        let it = &self.totals;
        write!(f, "asked: {} memtables, {} tables ", it.memtables, it.tables)?;
        write!(f, "({} opened, {} turned away by their filter), ", it.opened, it.filtered)?;
        writeln!(f, "{} blocks of entries; {} runs excluded", it.blocks, it.excluded)?;
        write!(f, "cost: {} parts from memory, {} from disk, ", it.from_memory, it.from_disk)?;
        write!(f, "{} bytes read, ", it.bytes_read)?;
        writeln!(f, "{} range tombstones searched, {:?}", it.range_tombstones, it.took)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match (self.answer, self.entry) {
            _ if self.is_excluded => write!(f, "no table spans the key")?,
            (Answer::Missing, _) => write!(f, "knows nothing of the key")?,
            (answer, Some(entry)) => write!(f, "{answer}, entry {}", entry.get())?,
            (answer, None) => write!(f, "{answer}")?,
        }
        write!(f, ", {:?}", self.took)?;
        if self.is_excluded {
            return Ok(());
        }
        match self.filter {
            Some(Verdict::No) => write!(f, "{MORE}its filter says no")?,
            Some(Verdict::Maybe) => write!(f, "{MORE}its filter says maybe")?,
            None => write!(f, "{MORE}no filter was asked")?,
        }
        if self.range_tombstones > 0 {
            write!(f, "{MORE}{} range tombstones, ", self.range_tombstones)?;
            match self.covered_by {
                Some(seqno) => write!(f, "the newest over the key is {}", seqno.get())?,
                None => write!(f, "none of them over the key")?,
            }
        }
        self.reads.iter().try_for_each(|read| write!(f, "{MORE}{read}"))
    }
}

impl fmt::Display for ReadPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, partition, block) = named(self.part);
        f.write_str(&name.replace('_', " "))?;
        if let Some(partition) = partition {
            write!(f, " {partition}")?;
        }
        if let Some(block) = block {
            write!(f, ":{block}")?;
        }
        match self.from {
            Origin::Memory => write!(f, " from memory"),
            Origin::Disk(bytes) => write!(f, " from disk, {bytes} bytes"),
        }
    }
}

impl fmt::Display for RangeExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.is_reverse { "backward" } else { "forward" };
        write!(f, "scan {way} of {} ", self.keyspace)?;
        match &self.lower {
            Bound::Included(key) => write!(f, "from {}", shown(key))?,
            Bound::Excluded(key) => write!(f, "from behind {}", shown(key))?,
            Bound::Unbounded => write!(f, "from the first key")?,
        }
        match &self.upper {
            Bound::Included(key) => write!(f, " up to and with {}", shown(key))?,
            Bound::Excluded(key) => write!(f, " up to {}", shown(key))?,
            Bound::Unbounded => write!(f, " to the last key")?,
        }
        let end = if self.is_complete { "the end of the range" } else { "its limit" };
        write!(f, ", seen at {}: ", self.at.get())?;
        writeln!(f, "{} pairs, up to {end}", self.pairs)?;
        for source in &self.sources {
            writeln!(f, "  {source}")?;
        }
        write!(f, "tables: {} outside the range, ", self.tables_excluded)?;
        writeln!(f, "{} not reached", self.tables_not_reached)?;
        writeln!(f, "entries: {}", self.entries)?;
        writeln!(f, "cost: {}, {:?}", reads(&self.reads), self.took)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} entries", self.place, self.entries)?;
        if self.range_tombstones > 0 {
            write!(f, ", {} range tombstones", self.range_tombstones)?;
        }
        if self.reads != Counts::default() {
            write!(f, "{MORE}{}", reads(&self.reads))?;
        }
        Ok(())
    }
}

impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} looked at, {} of them pairs", self.all, self.pairs)?;
        let others = [
            (self.older, "older versions"),
            (self.too_new, "too new"),
            (self.deleted, "deletes"),
            (self.expired, "expired"),
            (self.covered, "under range tombstones"),
            (self.outside, "behind the range"),
            (self.leaps, "leaps over what is known to be dead"),
            (self.skips, "skips"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

fn reads(it: &Counts) -> String {
    let opened = if it.is_opened { "opened, " } else { "" };
    format!(
        "{opened}indexes {} from memory and {} from disk, blocks {} from memory and {} from disk, \
         {} bytes in {} reads",
        it.indexes_from_memory,
        it.indexes_from_disk,
        it.blocks_from_memory,
        it.blocks_from_disk,
        it.bytes_read,
        it.disk_reads
    )
}
