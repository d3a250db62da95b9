//! What is known of a range of keys, from each memtable and each table by itself.
//!
//! A table says how many entries each few of its blocks have, so the entries between two keys are
//! counted by reading one index and a few blocks at either end. What stands in memory is walked, up
//! to a limit, and beyond it counted leaf by leaf.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::cursor::tombstone::Fragments;
use crate::engine::scan::Span;
use crate::key::full::PREFIX_LEN;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{NEWEST, ceiling};
use crate::memtable::handle::Memtable;
use crate::read::reckon::{Source, scaled};
use crate::read::view::View;
use crate::read::visible::{Sight, sight_of};
use crate::stats::usage::Estimate;
use crate::table::contents::{ENTRY_BYTES, entry_bytes};
use crate::table::tally::tombstone_bytes;
use crate::version::tree::Slice as Part;

/// So many entries of a memtable are looked at one by one.
const ENTRIES_WALKED: u64 = 1 << 14;
/// So many range tombstones over one table are told apart.
const COVERS_MAX: usize = 16;

/// What is asked about.
#[derive(Debug)]
pub struct Asking {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// The first full key.
    pub lower: Vec<u8>,
    /// The full key behind the last.
    pub upper: Vec<u8>,
    /// What is newer does not count.
    pub seqno: SeqNo,
    /// What has expired by then does not count.
    pub now_millis: u64,
    /// So many entries of a memtable are looked at one by one.
    pub entries_walked: u64,
    /// Tables may be read.
    pub may_read: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What is known of each memtable and table.
    pub sources: Vec<Source>,
    /// Bytes of all entries and range tombstones.
    pub data: Estimate,
}

/// What the walk over a memtable has met.
#[derive(Debug, Default)]
struct Walked {
    entries: u64,
    bytes: u64,
    keys: u64,
    live: u64,
    live_bytes: u64,
    /// Keys whose newest entry is a merge operand: what they come to may have expired.
    operands: u64,
    operand_bytes: u64,
    entry_max: u64,
    /// The first key met.
    first: Vec<u8>,
    /// The last key met; where to go on if there are more.
    last: Vec<u8>,
    /// There are no more.
    is_whole: bool,
}

impl Asking {
    /// About all of a span, as it is at this moment.
    #[must_use]
    pub fn new(keyspace: KeyspaceId, span: &Span, seqno: SeqNo, now_millis: u64) -> Self {
        let (lower, upper) = span.edges(keyspace);
        let entries_walked = ENTRIES_WALKED;
        Self { keyspace, lower, upper, seqno, now_millis, entries_walked, may_read: true }
    }

    /// True if all that the part holds is asked for.
    #[must_use]
    pub fn holds(&self, part: &Part) -> bool {
        let meta = &part.meta;
        self.lower <= meta.smallest && meta.is_before(&self.upper)
    }
}

impl Span {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self { lower: Unbounded, upper: Unbounded }
    }

    /// The first full key of it, and the one behind the last.
    #[must_use]
    pub fn edges(&self, keyspace: KeyspaceId) -> (Vec<u8>, Vec<u8>) {
        let (lower, upper) = self.hull(keyspace);
        let (mut lower, mut upper) = (lower.bytes().to_vec(), upper.bytes().to_vec());
        // The next key behind one is the same with a zero.
        lower.extend(matches!(self.lower, Excluded(_)).then_some(0));
        upper.extend(matches!(self.upper, Included(_)).then_some(0));
        (lower, upper)
    }
}

/// The entries of the range in memtables, and about how many bytes of memory they take.
#[must_use]
pub fn in_memory(view: &View, asking: &Asking) -> (u64, u64) {
    let mut sum = (0u64, 0u64);
    for memtable in view.memtables() {
        let pieces = memtable.spread(&asking.lower, &asking.upper, u64::MAX);
        let entries = pieces.iter().map(|piece| piece.entries).fold(0, u64::saturating_add);
        let all = memtable.entries().max(entries);
        sum.0 = sum.0.saturating_add(entries);
        sum.1 = sum.1.saturating_add(scaled(memtable.bytes() as u64, entries, all));
    }
    sum
}

/// What a keyspace takes on disk and in memory, about.
#[must_use]
pub fn taken(view: &View, keyspace: KeyspaceId) -> u64 {
    let asking = Asking::new(keyspace, &Span::all(), SeqNo::MAX, 0);
    in_memory(view, &asking).1.saturating_add(on_disk(view, &asking))
}

/// How many bytes a whole keyspace takes on disk, about: tables, and large values with those that
/// only memory refers to.
#[must_use]
pub fn on_disk(view: &View, asking: &Asking) -> u64 {
    let of = |part: &Arc<Part>| part.meta.bytes.saturating_add(part.apart_bytes());
    let tables = parts(view, asking).map(|(_, part)| of(part));
    let apart = view.memtables().map(|memtable| memtable.apart_bytes(asking.keyspace));
    tables.chain(apart).fold(0, u64::saturating_add)
}

/// The parts of tables that can hold some of it, with the number of their run.
pub fn parts<'a>(
    view: &'a View,
    asking: &'a Asking,
) -> impl Iterator<Item = (usize, &'a Arc<Part>)> {
    let runs = view.version.tree(asking.keyspace).into_iter().flat_map(|tree| tree.runs.iter());
    runs.enumerate().flat_map(move |(at, run)| {
        let found = run.overlapping(Included(&asking.lower), Excluded(&asking.upper));
        found.iter().map(move |part| (at, part))
    })
}

/// Everything that is known of the range, source by source.
pub fn gather(view: &View, asking: &Asking) -> Result<Gathered> {
    let tombstones = tombstones_of(view, asking)?;
    let mut gathered = Gathered::default();
    let mut age = 0;
    for memtable in view.memtables() {
        gather_memtable(&mut gathered, memtable, asking, (&tombstones, age))?;
        age += 1;
    }
    for (run, part) in parts(view, asking) {
        gather_part(&mut gathered, part, asking, (&tombstones, age + run))?;
    }
    Ok(gathered)
}

fn tombstones_of(view: &View, asking: &Asking) -> Result<Fragments> {
    let mut all = Vec::new();
    for memtable in view.memtables().filter(|memtable| memtable.has_tombstones()) {
        all.push(memtable.tombstones());
    }
    for (_, part) in parts(view, asking).filter(|(_, part)| part.file.meta.range_deletes > 0) {
        let how = if asking.may_read { Use::Index } else { Use::Resident };
        all.push(part.file.table()?.tombstones_for(how)?);
    }
    let all: Vec<&Fragments> = all.iter().map(Arc::as_ref).collect();
    Ok(Fragments::merge(&all).truncate(&asking.lower, Some(&asking.upper)))
}

fn gather_memtable(
    gathered: &mut Gathered,
    memtable: &Arc<Memtable>,
    asking: &Asking,
    (tombstones, age): (&Fragments, usize),
) -> Result<()> {
    for span in memtable.tombstones().spans() {
        if asking.lower.as_slice() <= span.start && span.start < asking.upper.as_slice() {
            let bytes = Estimate::exact(tombstone_bytes(&span));
            gathered.data = gathered.data.plus(bytes);
        }
    }
    let walked = walk(memtable, asking, tombstones)?;
    if walked.keys == 0 && walked.is_whole {
        return Ok(());
    }
    let mut rest = 0u64;
    if !walked.is_whole {
        let pieces = memtable.spread(&walked.last, &asking.upper, u64::MAX);
        rest = pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.entries));
    }
    let bytes_max = if walked.is_whole { 0 } else { memtable.bytes() as u64 };
    let of = |found: u64, more: u64| {
        let guess = scaled(found, walked.entries + rest, walked.entries);
        Estimate::between(found, found.saturating_add(more), guess)
    };
    let perhaps = |most: u64, guess: u64| Estimate::between(0, most, most * guess);
    gathered.data = gathered.data.plus(of(walked.bytes, bytes_max));
    let end = if walked.is_whole { walked.last.clone() } else { asking.upper.clone() };
    gathered.sources.push(Source {
        first: walked.first,
        last: end,
        age,
        keys_max: walked.keys.saturating_add(rest),
        live: of(walked.live, rest).plus(perhaps(walked.operands, 1)),
        dead: of(walked.keys - walked.live - walked.operands, rest)
            .plus(perhaps(walked.operands, 0)),
        bytes: of(walked.live_bytes, bytes_max).plus(perhaps(walked.operand_bytes, 1)),
        entry_max: walked.entry_max,
    });
    Ok(())
}

/// Looks at entries of a memtable one by one, until there were enough.
fn walk(memtable: &Memtable, asking: &Asking, tombstones: &Fragments) -> Result<Walked> {
    let mut walked = Walked::default();
    let mut cursor = memtable.cursor();
    cursor.seek(&asking.lower, NEWEST)?;
    let newest = ceiling(asking.seqno);
    let mut last: Option<Vec<u8>> = None;
    while cursor.is_valid() && cursor.key() < asking.upper.as_slice() {
        if walked.entries >= asking.entries_walked {
            walked.last = cursor.key().to_vec();
            return Ok(walked);
        }
        let (key, trailer) = (cursor.key(), cursor.trailer());
        if trailer <= newest {
            let bytes = entry_bytes(key, trailer, cursor.value());
            if walked.entries == 0 {
                walked.first = key.to_vec();
            }
            walked.entries += 1;
            walked.bytes += bytes;
            walked.entry_max = walked.entry_max.max(bytes);
            if last.as_deref() != Some(key) {
                walked.keys += 1;
                let covering = tombstones.covering(key, asking.seqno);
                let now = || asking.now_millis;
                match sight_of(trailer, covering, now, || cursor.value())? {
                    Sight::Value => {
                        walked.live += 1;
                        walked.live_bytes += bytes;
                    }
                    Sight::Operand => {
                        walked.operands += 1;
                        walked.operand_bytes += bytes;
                    }
                    Sight::Nothing | Sight::Covered(_) => {}
                }
                let mut kept = last.take().unwrap_or_default();
                kept.clear();
                kept.extend_from_slice(key);
                last = Some(kept);
            }
        }
        cursor.next()?;
    }
    walked.last = last.unwrap_or_default();
    walked.is_whole = true;
    Ok(walked)
}

fn gather_part(
    gathered: &mut Gathered,
    part: &Part,
    asking: &Asking,
    (tombstones, age): (&Fragments, usize),
) -> Result<()> {
    let counted = Counted::new(part, asking)?;
    gathered.data = gathered.data.plus(counted.data);
    let entries = counted.between(part, asking, (&asking.lower, &asking.upper))?;
    let mut live = counted.live(entries);
    let mut bytes = counted.bytes(part, asking, entries);
    let Some(covers) = covers(part, asking, tombstones) else {
        // Too many: some of them may hide everything.
        live = Estimate::between(0, live.at_most, live.estimate / 2);
        bytes = Estimate::between(0, bytes.at_most, bytes.estimate / 2);
        gathered.sources.push(counted.source(part, asking, (live, bytes, age), entries));
        return Ok(());
    };
    let all = live;
    for cover in &covers {
        let hidden = counted.between(part, asking, (&cover.start, &cover.end))?;
        let seen = counted.live(hidden);
        let hidden_bytes = hidden.at_most.saturating_mul(counted.entry_max);
        bytes.at_least = bytes.at_least.saturating_sub(hidden_bytes);
        live.at_least = live.at_least.saturating_sub(seen.at_most);
        if cover.is_full {
            live.at_most = live.at_most.saturating_sub(seen.at_least);
            let least = seen.at_least.saturating_mul(ENTRY_BYTES + PREFIX_LEN as u64);
            bytes.at_most = bytes.at_most.saturating_sub(least);
            live.estimate = live.estimate.saturating_sub(seen.estimate);
        } else {
            live.estimate = live.estimate.saturating_sub(seen.estimate / 2);
        }
        if cover.is_full && hidden.at_least >= entries.at_most {
            (live, bytes) = (Estimate::default(), Estimate::default());
        }
    }
    let live = Estimate::between(live.at_least, live.at_most, live.estimate);
    let guess = scaled(bytes.estimate, live.estimate, all.estimate);
    let bytes = Estimate::between(bytes.at_least, bytes.at_most, guess);
    gathered.sources.push(counted.source(part, asking, (live, bytes, age), entries));
    Ok(())
}

/// What is known of all that a table has of a keyspace.
#[derive(Debug)]
struct Counted {
    entries: u64,
    keys_max: u64,
    /// Keys that have a value by their newest entry.
    puts: Estimate,
    put_bytes: Estimate,
    entry_max: u64,
    data: Estimate,
}

impl Counted {
    fn new(part: &Part, asking: &Asking) -> Result<Self> {
        let (meta, file) = (&part.meta, &part.file.meta);
        let table = part.file.table()?;
        let contents = if asking.may_read { table.contents()? } else { table.known_contents() };
        let entries = meta.entries;
        let share = contents.map(|contents| contents.share(asking.keyspace));
        let Some(share) = share.filter(|share| share.keys > 0 || entries == 0) else {
            let properties = table.properties();
            let raw = properties.key_bytes.saturating_add(properties.value_bytes);
            let raw = raw.saturating_add(properties.entries.saturating_mul(ENTRY_BYTES));
            let is_alone = properties.entries == entries;
            let share = scaled(raw, entries, properties.entries);
            let mut data = Estimate::between(if is_alone { raw } else { 0 }, raw, share);
            let within = |start: &[u8]| *asking.lower <= *start && *start < *asking.upper;
            for span in table.tombstones()?.spans().filter(|span| within(span.start)) {
                data = data.plus(Estimate::exact(tombstone_bytes(&span)));
            }
            let puts = entries.saturating_sub(meta.deletes);
            let put_bytes = scaled(share, puts, entries);
            return Ok(Self {
                entries,
                keys_max: entries,
                puts: Estimate::between(0, puts, puts),
                put_bytes: Estimate::between(0, raw, put_bytes),
                entry_max: raw,
                data,
            });
        };
        let has_operands = table.properties().merges > 0;
        let is_fresh = file.expiry_min_millis > asking.now_millis && !has_operands;
        let fresh = |number: u64| if is_fresh { number } else { 0 };
        let of = |lasting: u64, expiring: u64| {
            let most = lasting.saturating_add(expiring);
            Estimate::between(lasting.saturating_add(fresh(expiring)), most, most)
        };
        Ok(Self {
            entries,
            keys_max: share.keys,
            puts: of(share.puts, share.expiring),
            put_bytes: of(share.put_bytes, share.expiring_bytes),
            entry_max: share.entry_max,
            data: Estimate::exact(share.bytes),
        })
    }

    /// How many entries it has between two keys, which lie within what is asked for.
    fn between(
        &self,
        part: &Part,
        asking: &Asking,
        (start, end): (&[u8], &[u8]),
    ) -> Result<Estimate> {
        let meta = &part.meta;
        if start <= meta.smallest.as_slice() && meta.is_before(end) {
            return Ok(Estimate::exact(self.entries));
        }
        if !asking.may_read {
            return Ok(Estimate::between(0, self.entries, self.entries / 2));
        }
        let table = part.file.table()?;
        let (from, to) = (table.rank(start)?, table.rank(end)?);
        let at_least = to.entries_min.saturating_sub(from.entries_max);
        let at_most = to.entries_max.saturating_sub(from.entries_min).min(self.entries);
        let guess = at_least.saturating_add(at_most.saturating_sub(at_least) / 2);
        Ok(Estimate::between(at_least, at_most, guess))
    }

    /// How many keys have a value by their newest among so many entries.
    fn live(&self, entries: Estimate) -> Estimate {
        let others = self.entries.saturating_sub(self.puts.at_least);
        let at_least = entries.at_least.saturating_sub(others);
        let at_most = entries.at_most.min(self.puts.at_most);
        Estimate::between(
            at_least,
            at_most,
            scaled(self.puts.estimate, entries.estimate, self.entries),
        )
    }

    fn bytes(&self, part: &Part, asking: &Asking, entries: Estimate) -> Estimate {
        if asking.holds(part) {
            return self.put_bytes;
        }
        let guess = scaled(self.put_bytes.estimate, entries.estimate, self.entries);
        Estimate::between(0, self.put_bytes.at_most, guess)
    }

    fn source(
        &self,
        part: &Part,
        asking: &Asking,
        (live, bytes, age): (Estimate, Estimate, usize),
        entries: Estimate,
    ) -> Source {
        let keys_max = self.keys_max.min(entries.at_most);
        let dead_max = self.keys_max.saturating_sub(self.puts.at_least).min(keys_max);
        let dead = self.keys_max.saturating_sub(self.puts.estimate);
        Source {
            first: part.meta.smallest.clone().max(asking.lower.clone()),
            last: part.meta.largest.clone().min(asking.upper.clone()),
            age,
            keys_max,
            live,
            dead: Estimate::between(0, dead_max, scaled(dead, entries.estimate, self.entries)),
            bytes,
            entry_max: self.entry_max,
        }
    }
}

/// A stretch of a table over which range tombstones lie.
#[derive(Debug)]
struct Cover {
    start: Vec<u8>,
    end: Vec<u8>,
    /// All that the table has there is older, and not only some of it.
    is_full: bool,
}

/// Those that may hide entries of the part; `None` if they are too many.
fn covers(part: &Part, asking: &Asking, tombstones: &Fragments) -> Option<Vec<Cover>> {
    let (meta, file) = (&part.meta, &part.file.meta);
    let mut covers: Vec<Cover> = Vec::new();
    let lower = meta.smallest.as_slice().max(&asking.lower);
    let mut next = tombstones.fragment(lower).or_else(|| tombstones.next_after(lower));
    while let Some(found) = next.filter(|found| !meta.is_before(found.start)) {
        next = tombstones.next_after(found.start);
        let newest = found.covering(asking.seqno);
        if newest <= file.seqno_min {
            continue;
        }
        let is_full = newest > file.seqno_max;
        let end = found.end.to_vec();
        match covers.last_mut() {
            Some(last) if last.end == found.start && last.is_full == is_full => last.end = end,
            _ => covers.push(Cover { start: found.start.to_vec(), end, is_full }),
        }
        if covers.len() > COVERS_MAX {
            return None;
        }
    }
    Some(covers)
}
