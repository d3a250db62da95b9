//! How many keys and bytes there are in a range, and which of them are alive: bounds that always
//! hold, and a guess between them. What is small is simply read.

use std::sync::Arc;

use crate::base::error::Result;
use crate::engine::gather::{Asking, gather, in_memory, on_disk, parts};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::{OpenScan, Span};
use crate::engine::state::Engine;
use crate::key::full::PREFIX_LEN;
use crate::options::read::ReadOptions;
use crate::read::reckon::{Alive, reckon};
use crate::read::view::View;
use crate::stats::usage::{Estimate, Usage};
use crate::table::contents::ENTRY_BYTES;

/// A range is read, and not reckoned, if its entries in tables stand in no more blocks.
pub const BLOCKS_READ: u64 = 64;
/// And if no more of its entries are in memory.
pub const ENTRIES_READ: u64 = 1 << 12;
/// So many entries of a memtable are looked at for statistics, which are asked for often.
const ENTRIES_WALKED_FOR_STATS: u64 = 1 << 10;

impl Engine {
    /// About a span as it is now.
    #[must_use]
    pub fn asking(&self, keyspace: &KeyspaceState, span: &Span) -> Asking {
        let now_millis = self.env.clock.wall_millis();
        Asking::new(keyspace.id, span, self.visible(), now_millis)
    }

    /// How many keys a reader sees in `span`.
    pub fn approximate_count(
        &self,
        keyspace: &Arc<KeyspaceState>,
        span: &Span,
    ) -> Result<Estimate> {
        self.check_open()?;
        keyspace.check()?;
        if span.is_empty() {
            return Ok(Estimate::exact(0));
        }
        // The view comes first: what is visible by then stands in it.
        let view = self.view.load();
        let asking = self.asking(keyspace, span);
        if is_small(&view, &asking)? {
            let mut keys = 0;
            self.read_pairs(keyspace, span, true, &mut |_| keys += 1)?;
            return Ok(Estimate::exact(keys));
        }
        Ok(reckon(gather(&view, &asking)?.sources).keys)
    }

    /// How many bytes the tables have of `span`.
    pub fn approximate_size(&self, keyspace: &KeyspaceState, span: &Span) -> Result<Estimate> {
        self.check_open()?;
        keyspace.check()?;
        if span.is_empty() {
            return Ok(Estimate::exact(0));
        }
        let view = self.view.load();
        let asking = self.asking(keyspace, span);
        let mut size = Estimate::default();
        for (_, part) in parts(&view, &asking) {
            let bytes = part.meta.bytes;
            let apart = part.apart_bytes();
            if asking.holds(part) {
                size = size.plus(Estimate::exact(bytes.saturating_add(apart)));
                continue;
            }
            if apart > 0 {
                size = size.plus(Estimate::between(0, apart, apart / 2));
            }
            let table = part.file.table()?;
            let (from, to) = (table.rank(&asking.lower)?, table.rank(&asking.upper)?);
            let at_least = to.bytes_min.saturating_sub(from.bytes_max);
            let at_most = to.bytes_max.saturating_sub(from.bytes_min);
            let guess = at_least + at_most.saturating_sub(at_least) / 2;
            size = size.plus(Estimate::between(at_least, at_most, guess));
        }
        Ok(size)
    }

    /// What the keyspace takes. Opens each of its tables that is not open, and reads small ones.
    pub fn usage(&self, keyspace: &Arc<KeyspaceState>) -> Result<Usage> {
        self.check_open()?;
        keyspace.check()?;
        let view = self.view.load();
        let asking = self.asking(keyspace, &Span::all());
        let gathered = gather(&view, &asking)?;
        let mut live = None;
        if is_small(&view, &asking)? {
            let mut alive = Alive::default();
            self.read_pairs(keyspace, &Span::all(), false, &mut |scan| {
                let bytes = (PREFIX_LEN + scan.key().len()) as u64 + scan.value_len();
                alive.keys = alive.keys.plus(Estimate::exact(1));
                alive.bytes = alive.bytes.plus(Estimate::exact(bytes + ENTRY_BYTES));
            })?;
            live = Some(alive);
        }
        let alive = live.unwrap_or_else(|| reckon(gathered.sources));
        Ok(usage_of(keyspace, &view, &asking, gathered.data, alive))
    }

    /// The same without a look at the disk; `None` if that cannot be, since tables were not opened
    /// yet or do not say what is in them.
    #[must_use]
    pub fn known_usage(&self, keyspace: &KeyspaceState, view: &View) -> Option<Usage> {
        let mut asking = self.asking(keyspace, &Span::all());
        asking.entries_walked = ENTRIES_WALKED_FOR_STATS;
        asking.may_read = false;
        for (_, part) in parts(view, &asking) {
            part.file.opened()?.known_contents()?;
        }
        let gathered = gather(view, &asking).ok()?;
        let alive = reckon(gathered.sources);
        Some(usage_of(keyspace, view, &asking, gathered.data, alive))
    }

    /// Steps over the pairs of a span as it is now.
    pub fn read_pairs(
        &self,
        keyspace: &Arc<KeyspaceState>,
        span: &Span,
        is_keys_only: bool,
        pair: &mut dyn FnMut(&OpenScan),
    ) -> Result<()> {
        let mut source = self.scan(keyspace, span.clone(), None, ReadOptions::new())?;
        if is_keys_only {
            source.leave_out_values();
        }
        let mut scan = source.open_at(OpenScan::seek_first)?;
        while scan.is_valid() {
            pair(&scan);
            scan.next()?;
        }
        Ok(())
    }
}

fn usage_of(
    keyspace: &KeyspaceState,
    view: &View,
    asking: &Asking,
    data: Estimate,
    alive: Alive,
) -> Usage {
    let memory = in_memory(view, asking);
    let tree = parts(view, asking);
    let disk_bytes = on_disk(view, asking);
    let table_entries = tree.fold(0u64, |sum, (_, part)| sum.saturating_add(part.meta.entries));
    let data_bytes = data.estimate;
    let live = Estimate::between(
        alive.bytes.at_least.min(data.at_most),
        alive.bytes.at_most.min(data.at_most),
        alive.bytes.estimate.min(data_bytes),
    );
    // Nobody knows how long it is what operands come to.
    let live = match keyspace.merger {
        Some(_) => Estimate::between(0, data.at_most, live.estimate),
        None => live,
    };
    let garbage = data.minus(live);
    Usage {
        disk_bytes,
        memory_bytes: memory.1,
        memory_entries: memory.0,
        table_entries,
        data_bytes,
        live_bytes: live.estimate,
        live_bytes_min: live.at_least,
        live_bytes_max: live.at_most,
        garbage_bytes: garbage.estimate,
        garbage_bytes_min: garbage.at_least,
        garbage_bytes_max: garbage.at_most,
        live_keys: alive.keys,
        quota_bytes: keyspace.quota.bytes(),
        is_over_quota: keyspace.quota.is_over(),
        quota_refusals: keyspace.quota.refusals(),
    }
}

/// True if it costs no more to read the range than to reckon it.
pub fn is_small(view: &View, asking: &Asking) -> Result<bool> {
    let mut entries = 0u64;
    for memtable in view.memtables() {
        let pieces = memtable.spread(&asking.lower, &asking.upper, u64::MAX);
        entries = pieces.iter().fold(entries, |sum, piece| sum.saturating_add(piece.entries));
    }
    if entries > ENTRIES_READ {
        return Ok(false);
    }
    let mut blocks = 0u64;
    for (_, part) in parts(view, asking) {
        let table = part.file.table()?;
        let from = table.blocks_before_key(&asking.lower)?;
        let to = table.blocks_before_key(&asking.upper)?;
        blocks = blocks.saturating_add(to.saturating_sub(from).saturating_add(1));
        if blocks > BLOCKS_READ {
            return Ok(false);
        }
    }
    Ok(true)
}
