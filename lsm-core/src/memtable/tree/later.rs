//! Entries that lie in the arena already and go into the tree later, in the order of their keys.
//!
//! Those that come in any order wait for the memory that each of them touches. In order, nearly all
//! of them go behind the one before.

use crate::base::error::Result;
use crate::key::full::big_endian_from;
use crate::key::trailer::entry_order;
use crate::memtable::tree::node::{SAME_KEY, head_in};
use crate::memtable::tree::{Tree, shared_len};

/// So many entries ahead their memory is asked for, and so many bytes of each.
const AHEAD: usize = 12;
const NEAR: usize = 128;
/// Fewer ties than this are compared as they are.
const FEW: usize = 32;
/// So often ties get heads from further behind in their keys, before they are compared too.
const ROUNDS: u32 = 4;

/// What is in the arena and not in the tree.
#[derive(Debug, Default)]
pub(super) struct Later {
    laid: Vec<Laid>,
    /// How many bytes their keys have in common. Heads begin behind them.
    shared: usize,
}

/// One entry, and eight bytes of its key as a number.
#[derive(Clone, Copy, Debug)]
struct Laid {
    head: u64,
    place: u32,
}

impl Later {
    /// Takes in an entry that lies at `place`.
    pub(super) fn add<const F: usize>(&mut self, tree: &Tree<F>, place: u32, key: &[u8]) {
        let first = self.laid.first().and_then(|first| tree.entry(first.place));
        let shared = first.map_or(key.len(), |first| shared_len(first.key, key).min(self.shared));
        // Seldom, and mostly while there are few.
        if shared != self.shared {
            self.shared = shared;
            self.laid.iter_mut().for_each(|laid| laid.begin_at(tree, shared));
        }
        self.laid.push(Laid { head: big_endian_from(key, shared), place });
    }

    /// Hands over every place, in the order of the entries, and forgets them.
    pub(super) fn drain<const F: usize>(
        &mut self,
        tree: &Tree<F>,
        mut each: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        let Self { mut laid, .. } = std::mem::take(self);
        sort(tree, &mut laid, ROUNDS);
        for (at, &Laid { place, .. }) in laid.iter().enumerate() {
            if let Some(soon) = laid.get(at + AHEAD) {
                tree.arena.prefetch(soon.place, NEAR);
            }
            each(place)?;
        }
        Ok(())
    }

    /// The memory that it takes. The nodes for what is in it will not take more.
    pub(super) fn bytes(&self) -> usize {
        self.laid.len() * size_of::<Laid>()
    }
}

impl Laid {
    fn begin_at<const F: usize>(&mut self, tree: &Tree<F>, skip: usize) {
        self.head = tree.entry(self.place).map_or(0, |entry| big_endian_from(entry.key, skip));
    }
}

/// Brings entries whose heads are made into their order.
fn sort<const F: usize>(tree: &Tree<F>, laid: &mut [Laid], rounds: u32) {
    // Ties stay in the order in which they lie in memory.
    laid.sort_unstable_by_key(|laid| (laid.head, laid.place));
    for ties in laid.chunk_by_mut(|one, other| one.head == other.head) {
        sort_ties(tree, ties, rounds);
    }
}

/// Brings entries whose heads are equal into their order.
fn sort_ties<const F: usize>(tree: &Tree<F>, ties: &mut [Laid], rounds: u32) {
    let of = |laid: &Laid| tree.entry(laid.place).map_or((&[][..], 0), |it| (it.key, it.trailer));
    if ties.len() < FEW || rounds == 0 {
        ties.sort_unstable_by(|one, other| entry_order(of(one), of(other)));
        return;
    }
    let (first, _) = ties.first().map_or((&[][..], 0), of);
    let keys = ties.iter().map(|laid| of(laid).0);
    let (shared, is_same) = keys.fold((first.len(), true), |(shared, is_same), key| {
        (shared.min(shared_len(first, key)), is_same && key.len() == first.len())
    });
    let is_same = is_same && shared == first.len();
    let skip = if is_same { SAME_KEY } else { shared as u32 };
    for laid in ties.iter_mut() {
        let (key, trailer) = of(laid);
        laid.head = head_in(skip, key, trailer);
    }
    sort(tree, ties, rounds - 1);
}

#[cfg(test)]
mod tests;
