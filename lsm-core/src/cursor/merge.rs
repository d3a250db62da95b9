//! Many sorted sources as one, by a tree of losers.
//!
//! Each inner node of the tree remembers who lost the match played there, and the winner of all
//! stands on top. When the winner moves on, only the matches on its way up are played again:
//! `log2 K` comparisons. Once a source has won twice in a row the runner-up is looked up too, and
//! as long as the winner stays below it, one comparison is all that a step costs.
//!
//! Comparisons look at cached ranks: keyspace and head of each source's key, as one number. Going
//! backward the ranks are turned over, so that the smallest wins either way.

use std::cmp::Ordering;

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::cursor::contract::Cursor;
use crate::cursor::rank::{RANK_BITS, rank_of, second_of};
use crate::cursor::skip::Skip;
use crate::key::seqno::SeqNo;
use crate::key::trailer::entry_order;

/// The rank of a source that has no more entries: behind all others, in both directions.
const NO_ENTRY: Rank = Rank { first: u128::MAX, second: u64::MAX };
const TURNED: u128 = (1 << RANK_BITS) - 1;

/// What is kept of a source's key: enough that the keys themselves are seldom compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rank {
    first: u128,
    second: u64,
}

/// What is kept of the source with this number, and of the node: node `n` plays the winners of
/// nodes `2n` and `2n + 1`, and source `i` is node `K + i`.
#[derive(Clone, Copy, Debug)]
struct Seat {
    rank: Rank,
    loser: usize,
    /// Known while the tree is built.
    winner: usize,
}

/// Of a source that was not placed.
const EMPTY: Seat = Seat { rank: NO_ENTRY, loser: 0, winner: 0 };

/// The entries of all sources in one order.
///
/// Two sources should not hold an entry with the same key and trailer. If they do, both entries are
/// met, that of the earlier source first.
#[derive(Debug)]
pub struct Merge<C> {
    sources: Vec<C>,
    /// One for each source, or none if there are not two.
    seats: Vec<Seat>,
    winner: usize,
    /// The best of the others, once it is worth knowing.
    runner_up: Option<usize>,
    is_backward: bool,
    key: Vec<u8>,
    #[cfg(test)]
    comparisons: std::cell::Cell<u64>,
}

impl<C: Cursor> Merge<C> {
    /// At no entry, over any number of sources. Where they are now does not matter.
    #[must_use]
    pub fn new(sources: Vec<C>) -> Self {
        let count = Some(sources.len()).filter(|count| *count > 1);
        Self {
            sources,
            seats: vec![EMPTY; count.unwrap_or(0)],
            winner: 0,
            runner_up: None,
            is_backward: false,
            key: Vec::new(),
            #[cfg(test)]
            comparisons: std::cell::Cell::new(0),
        }
    }

    /// Places every source with `place` and plays all matches.
    fn start(
        &mut self,
        is_backward: bool,
        mut place: impl FnMut(&mut C) -> Result<()>,
    ) -> Result<()> {
        self.is_backward = is_backward;
        for at in 0..self.sources.len() {
            let placed = self.sources.get_mut(at).map_or(Ok(()), &mut place);
            self.checked(placed)?;
        }
        self.play_all();
        Ok(())
    }

    /// After an error the merge is at no entry.
    #[inline]
    fn checked(&mut self, result: Result<()>) -> Result<()> {
        if result.is_err() {
            self.seats.iter_mut().for_each(|seat| seat.rank = NO_ENTRY);
            self.runner_up = None;
        }
        result
    }

    #[inline]
    fn rank(&self, at: usize) -> Rank {
        self.seats.get(at).map_or(NO_ENTRY, |seat| seat.rank)
    }

    #[inline]
    fn refresh(&mut self, at: usize) {
        let Some((source, seat)) = self.sources.get(at).zip(self.seats.get_mut(at)) else { return };
        let rank = &mut seat.rank;
        if !source.is_valid() {
            *rank = NO_ENTRY;
            return;
        }
        let (first, second) = (rank_of(source.key(), source.head()), second_of(source.key()));
        *rank = match self.is_backward {
            false => Rank { first, second },
            true => Rank { first: TURNED ^ first, second: !second },
        };
    }

    /// True if source `a` is to be met before source `b`.
    #[inline]
    fn wins(&self, a: usize, b: usize) -> bool {
        #[cfg(test)]
        self.comparisons.set(self.comparisons.get() + 1);
        let (x, y) = (self.rank(a), self.rank(b));
        let (is_level, is_second) = (x.first == y.first, x.second < y.second);
        if is_level & (x.second == y.second) {
            return self.wins_tie(x, a, b);
        }
        // Who wins is chance, which no processor predicts: no branch may hang on it.
        (x.first < y.first) | (is_level & is_second)
    }

    fn wins_tie(&self, rank: Rank, a: usize, b: usize) -> bool {
        if rank == NO_ENTRY {
            return a < b;
        }
        let order = self.order(a, b);
        if self.is_backward { order.is_gt() } else { order.is_lt() }
    }

    /// Where the entry of one source stands to that of another; both have one.
    fn order(&self, a: usize, b: usize) -> Ordering {
        let Some((left, right)) = self.sources.get(a).zip(self.sources.get(b)) else {
            return a.cmp(&b);
        };
        entry_order((left.key(), left.trailer()), (right.key(), right.trailer())).then(a.cmp(&b))
    }

    fn play_all(&mut self) {
        let count = self.sources.len();
        (0..count).for_each(|at| self.refresh(at));
        for node in (1..count).rev() {
            let [a, b] = [2 * node, 2 * node + 1].map(|child| self.winner_of(child));
            let (winner, loser) = if self.wins(a, b) { (a, b) } else { (b, a) };
            if let Some(seat) = self.seats.get_mut(node) {
                (seat.winner, seat.loser) = (winner, loser);
            }
        }
        self.winner = if count > 1 { self.winner_of(1) } else { 0 };
        self.runner_up = None;
    }

    /// Who won at a node while the tree is built; sources stand behind the nodes.
    fn winner_of(&self, node: usize) -> usize {
        let source = node.checked_sub(self.sources.len());
        source.unwrap_or_else(|| self.seats.get(node).map_or(0, |seat| seat.winner))
    }

    #[inline]
    fn loser(&self, node: usize) -> usize {
        self.seats.get(node).map_or(0, |seat| seat.loser)
    }

    /// After the winner has moved: who wins now.
    #[inline]
    fn settle(&mut self) {
        let last = self.winner;
        self.refresh(last);
        match self.runner_up {
            Some(other) if self.wins(last, other) => {}
            Some(_) => {
                self.runner_up = None;
                self.replay(last);
            }
            None => {
                self.replay(last);
                if self.winner == last {
                    self.runner_up = self.best_loser();
                }
            }
        }
    }

    /// Plays the matches on the way from a source to the top.
    fn replay(&mut self, source: usize) {
        let mut winner = source;
        let mut node = (self.sources.len() + source) / 2;
        while node > 0 {
            let loser = self.loser(node);
            // Both change places, or each with itself.
            let change = (loser ^ winner) & usize::from(self.wins(loser, winner)).wrapping_neg();
            if let Some(seat) = self.seats.get_mut(node) {
                seat.loser = loser ^ change;
            }
            winner ^= change;
            node /= 2;
        }
        self.winner = winner;
    }

    /// The best of those that lost against the winner itself, so of all others.
    fn best_loser(&self) -> Option<usize> {
        let mut node = (self.sources.len() + self.winner) / 2;
        let mut best = None;
        while node > 0 {
            let loser = self.loser(node);
            if best.is_none_or(|best| self.wins(loser, best)) {
                best = Some(loser);
            }
            node /= 2;
        }
        best
    }

    /// One step in the direction that the merge is going.
    #[inline]
    fn step(&mut self) -> Result<()> {
        let is_backward = self.is_backward;
        let Some(source) = self.sources.get_mut(self.winner) else { return Ok(()) };
        let moved = if is_backward { source.prev() } else { source.next() };
        self.checked(moved)?;
        self.settle();
        Ok(())
    }

    /// One step against that direction: every other source goes to the entry that it has nearest to
    /// the current one on that side, and then the winner takes its step.
    fn turn(&mut self) -> Result<()> {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let mut trailer = 0;
        if let Some(winner) = self.sources.get(self.winner) {
            key.extend_from_slice(winner.key());
            trailer = winner.trailer();
        }
        let turned = (0..self.sources.len()).try_for_each(|at| self.turn_source(at, &key, trailer));
        self.key = key;
        self.checked(turned)?;
        self.is_backward = !self.is_backward;
        let is_backward = self.is_backward;
        let winner = self.sources.get_mut(self.winner);
        let moved = winner.map_or(Ok(()), |w| if is_backward { w.prev() } else { w.next() });
        self.checked(moved)?;
        self.play_all();
        Ok(())
    }

    fn turn_source(&mut self, at: usize, key: &[u8], trailer: u64) -> Result<()> {
        let (winner, to_back) = (self.winner, !self.is_backward);
        let Some(source) = self.sources.get_mut(at).filter(|_| at != winner) else { return Ok(()) };
        // It stands at its first entry past the current one, so the entry sought is beside it.
        match (source.is_valid(), to_back) {
            (true, true) => source.prev()?,
            (true, false) => source.next()?,
            (false, true) => source.seek_last()?,
            (false, false) => source.seek_first()?,
        }
        let wrong = if to_back { Ordering::Greater } else { Ordering::Less };
        if !source.is_valid() || self.order(at, winner) != wrong {
            return Ok(());
        }
        // Entries were passed over, or written meanwhile. One that equals the current entry belongs
        // before it if its source is the earlier one, and was written with the trailer before.
        let Some(source) = self.sources.get_mut(at) else { return Ok(()) };
        match (at < winner, to_back) {
            (true, _) if trailer == 0 => Self::turn_at_zero(source, key, to_back),
            (true, true) => source.seek_before(key, trailer.saturating_sub(1)),
            (true, false) => source.seek(key, trailer.saturating_sub(1)),
            (false, true) => source.seek_before(key, trailer),
            (false, false) => source.seek(key, trailer),
        }
    }

    /// As above, for an earlier source where no trailer comes after the current one.
    fn turn_at_zero(source: &mut C, key: &[u8], to_back: bool) -> Result<()> {
        source.seek(key, 0)?;
        let is_equal = source.is_valid() && source.key() == key && source.trailer() == 0;
        match (is_equal, to_back) {
            (true, false) => source.next(),
            (false, true) => source.seek_before(key, 0),
            _ => Ok(()),
        }
    }
}

impl<C: Skip> Merge<C> {
    fn skip(&mut self, mut skip: impl FnMut(&mut C) -> Result<bool>) -> Result<bool> {
        let mut has_moved = false;
        for at in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(at) else { break };
            let moved = skip(source).map(|moved| has_moved |= moved);
            self.checked(moved)?;
        }
        if has_moved {
            self.play_all();
        }
        Ok(has_moved)
    }
}

impl<C: Skip> Skip for Merge<C> {
    fn skippable(&self, before: SeqNo) -> Option<SeqNo> {
        self.sources.iter().filter_map(|source| source.skippable(before)).max()
    }

    fn skip_to(&mut self, key: &[u8], newest: SeqNo) -> Result<bool> {
        if !self.is_valid() || (self.is_backward && self.sources.len() > 1) {
            return Ok(false);
        }
        self.skip(|source| source.skip_to(key, newest))
    }

    fn skip_back(&mut self, key: &[u8], newest: SeqNo) -> Result<bool> {
        if !self.is_valid() || (!self.is_backward && self.sources.len() > 1) {
            return Ok(false);
        }
        self.skip(|source| source.skip_back(key, newest))
    }
}

impl<C: Cursor> Cursor for Merge<C> {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.start(false, |source| source.seek(key, trailer))
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.start(true, |source| source.seek_before(key, trailer))
    }

    fn seek_first(&mut self) -> Result<()> {
        self.start(false, C::seek_first)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.start(true, C::seek_last)
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        if let [only] = self.sources.as_mut_slice() {
            return only.next();
        }
        match (self.is_valid(), self.is_backward) {
            (false, _) => Ok(()),
            (true, true) => self.turn(),
            (true, false) => self.step(),
        }
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        if let [only] = self.sources.as_mut_slice() {
            return only.prev();
        }
        match (self.is_valid(), self.is_backward) {
            (false, _) => Ok(()),
            (true, true) => self.step(),
            (true, false) => self.turn(),
        }
    }

    #[inline]
    fn is_valid(&self) -> bool {
        match self.sources.as_slice() {
            [only] => only.is_valid(),
            _ => self.rank(self.winner) != NO_ENTRY,
        }
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.sources.get(self.winner).map_or(&[], C::key)
    }

    #[inline]
    fn head(&self) -> u64 {
        self.sources.get(self.winner).map_or(0, C::head)
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.sources.get(self.winner).map_or(0, C::trailer)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.sources.get(self.winner).map_or(&[], C::value)
    }

    /// Going forward, others may have passed newer entries; going backward, those that have some
    /// stand at them.
    #[inline]
    fn is_newest(&self) -> bool {
        let (winner, rank) = (self.winner, self.rank(self.winner));
        let is_apart = |(at, seat): (usize, &Seat)| at == winner || seat.rank != rank;
        self.sources.get(winner).is_some_and(C::is_newest)
            && (self.is_backward || self.sources.len() == 1)
            && self.seats.iter().enumerate().all(is_apart)
    }

    fn pin_value(&self) -> Slice {
        self.sources.get(self.winner).map_or_else(Slice::new, C::pin_value)
    }
}

#[cfg(test)]
mod tests;
