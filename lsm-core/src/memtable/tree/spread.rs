//! How the entries of a tree lie over a range of keys: its leaves are counted, and no entry is
//! looked at but the first of some leaves.

use crate::base::sync::Ordering;
use crate::env::os::relax::Patience;
use crate::key::trailer::NEWEST;
use crate::memtable::tree::node::Node;
use crate::memtable::tree::{Side, Tree};

/// More leaves than this are not counted.
const LEAVES_MAX: usize = 1 << 15;

impl<const F: usize> Tree<F> {
    /// Hands over how many entries there are from `lower` up to `upper`, leaf by leaf, with the
    /// first key of each but the first. Entries that are put meanwhile may be among them or not.
    pub(in crate::memtable) fn spread(
        &self,
        lower: &[u8],
        upper: &[u8],
        leaf: &mut dyn FnMut(Option<&[u8]>, u64),
    ) {
        let (Some(lower), Some(upper)) = (self.target(lower, NEWEST), self.target(upper, NEWEST))
        else {
            return;
        };
        let identity = |node: &Node<F>| std::ptr::from_ref(node).addr();
        let (end, end_at) =
            self.descend(&upper, Side::From, |node, at, _| (identity(node), at as u64));
        let (first, at, count, mut place) = self.descend(&lower, Side::From, |node, at, count| {
            let next = node.top.next.load(Ordering::Acquire);
            (identity(node), at as u64, count as u64, next)
        });
        let until = if first == end { end_at } else { count };
        leaf(None, until.saturating_sub(at));
        let mut is_over = first == end;
        let mut left = LEAVES_MAX;
        while place != 0 && !is_over && left > 0 {
            left -= 1;
            let node = self.node(place);
            let mut patience = Patience::new();
            let (count, key, next) = loop {
                if let Some(version) = node.begin() {
                    let next = node.top.next.load(Ordering::Acquire);
                    let loaded = (node.count() as u64, node.place(0), next);
                    if node.is_still(version) {
                        break loaded;
                    }
                }
                patience.wait();
            };
            let first = self.entry(key).map(|entry| entry.key);
            // The leaf of the end may have been split before this walk began behind it.
            is_over = identity(node) == end || first.is_some_and(|first| first >= upper.key);
            let entries = if identity(node) == end { end_at } else { count };
            if !is_over || identity(node) == end {
                leaf(first, entries);
            }
            place = next;
        }
    }
}
