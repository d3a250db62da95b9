//! Keys that cut a range into parts of about the same size, for work in parallel.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sort::sort_by;
use crate::engine::account::is_small;
use crate::engine::gather::{Asking, parts};
use crate::engine::keyspaces::KeyspaceState;
use crate::engine::scan::Span;
use crate::engine::state::Engine;
use crate::key::full::{PREFIX_LEN, keyspace_of, user_key};
use crate::read::reckon::scaled;
use crate::read::view::View;
use crate::table::rank::Piece;
use crate::version::tree::Slice as Part;

/// A range is cut into no more parts.
pub const PARTS_MAX: usize = 1 << 16;
/// What each run has of a part is looked at in so many pieces.
const GRAINS: u64 = 16;

impl Engine {
    /// At most `wanted` - 1 keys, ascending and inside of `span`, that cut it into about equal
    /// parts.
    pub fn split_points(
        &self,
        keyspace: &Arc<KeyspaceState>,
        span: &Span,
        wanted: usize,
    ) -> Result<Vec<Vec<u8>>> {
        self.check_open()?;
        keyspace.check()?;
        if !(1..=PARTS_MAX).contains(&wanted) {
            let message = format!("a range is split into 1 to {PARTS_MAX} parts, not {wanted}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if wanted == 1 || span.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view.load();
        let asking = self.asking(keyspace, span);
        if is_small(&view, &asking)? {
            return self.split_small(keyspace, span, wanted);
        }
        let mut pieces = pieces(&view, &asking, wanted)?;
        sort_by(&mut pieces, |a, b| a.last.cmp(&b.last));
        let mut cutter = Cutter::new(pieces.iter().map(|piece| piece.bytes), wanted);
        let mut points = Vec::new();
        let mut low = asking.lower.as_slice();
        for piece in &pieces {
            cutter.done = cutter.done.saturating_add(piece.bytes);
            let last = piece.last.as_slice();
            let is_key = last.len() >= PREFIX_LEN && keyspace_of(last) == asking.keyspace;
            if is_key && low < last && last < asking.upper.as_slice() && cutter.is_due() {
                points.push(user_key(last).to_vec());
                low = last;
            }
        }
        Ok(points)
    }

    /// The same for so few pairs that they can all be looked at.
    fn split_small(
        &self,
        keyspace: &Arc<KeyspaceState>,
        span: &Span,
        wanted: usize,
    ) -> Result<Vec<Vec<u8>>> {
        let mut pairs: Vec<(Vec<u8>, u64)> = Vec::new();
        self.read_pairs(keyspace, span, false, &mut |scan| {
            let bytes = scan.key().len() as u64 + scan.value_len();
            pairs.push((scan.key().to_vec(), bytes + 1));
        })?;
        let mut cutter = Cutter::new(pairs.iter().map(|pair| pair.1), wanted);
        let mut points = Vec::new();
        for (at, (key, bytes)) in pairs.iter().enumerate() {
            if at > 0 && cutter.is_due() {
                points.push(key.clone());
            }
            cutter.done = cutter.done.saturating_add(*bytes);
        }
        Ok(points)
    }
}

/// Says where parts end, from how much was passed.
#[derive(Debug)]
struct Cutter {
    total: u128,
    wanted: u128,
    /// How many parts have ended.
    cuts: u128,
    done: u64,
}

impl Cutter {
    fn new(pieces: impl Iterator<Item = u64>, wanted: usize) -> Self {
        let total = pieces.fold(0u128, |sum, bytes| sum + u128::from(bytes));
        Self { total, wanted: wanted as u128, cuts: 0, done: 0 }
    }

    /// True if a part ends here; then the next one begins.
    fn is_due(&mut self) -> bool {
        let done = u128::from(self.done) * self.wanted;
        let is_due = self.cuts + 1 < self.wanted && done >= (self.cuts + 1) * self.total;
        if is_due {
            // What is large ends several at once.
            let ended = done.checked_div(self.total).unwrap_or(0);
            self.cuts = ended.clamp(self.cuts + 1, self.wanted);
        }
        is_due
    }
}

/// What there is of the range in every memtable and table, in pieces that are small beside a part.
fn pieces(view: &View, asking: &Asking, wanted: usize) -> Result<Vec<Piece>> {
    let grains = GRAINS * wanted as u64;
    let (lower, upper) = (asking.lower.as_slice(), asking.upper.as_slice());
    let mut all = Vec::new();
    for memtable in view.memtables() {
        let all_entries = memtable.entries().max(1);
        let within = memtable.spread(lower, upper, u64::MAX);
        let within = within.iter().map(|piece| piece.entries).fold(0, u64::saturating_add);
        let spread = memtable.spread(lower, upper, (within / grains).max(1));
        let ends = spread.iter().skip(1).map(|piece| piece.first.as_slice());
        for (piece, end) in spread.iter().zip(ends.chain([upper])) {
            let bytes = scaled(memtable.bytes() as u64, piece.entries, all_entries);
            all.push(Piece { last: end.to_vec(), bytes });
        }
    }
    let mut runs: BTreeMap<usize, u64> = BTreeMap::new();
    for (run, part) in parts(view, asking) {
        let bytes = runs.entry(run).or_default();
        *bytes = bytes.saturating_add(bytes_of(part, asking)?);
    }
    for (run, part) in parts(view, asking) {
        let grain = runs.get(&run).map_or(0, |bytes| bytes / grains).max(1);
        if asking.holds(part) && part.meta.bytes <= grain {
            all.push(Piece { last: part.meta.largest.clone(), bytes: part.meta.bytes });
            continue;
        }
        let table = part.file.table()?;
        let from = part.meta.smallest.as_slice().max(lower);
        let to = part.meta.largest.as_slice().min(upper);
        table.cut((from, to), grain, &mut |piece| all.push(piece))?;
    }
    Ok(all)
}

/// About how many bytes a table has of the range.
fn bytes_of(part: &Part, asking: &Asking) -> Result<u64> {
    if asking.holds(part) {
        return Ok(part.meta.bytes);
    }
    let table = part.file.table()?;
    let from = table.offset_of(&asking.lower)?;
    Ok(table.offset_of(&asking.upper)?.saturating_sub(from))
}
