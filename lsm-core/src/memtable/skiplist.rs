//! A skip list over the same arena, for one writer and readers without locks: what the tree is
//! measured by, and what can be chosen in its place.
//!
//! ```text
//! entry = links, the highest first | record       link n lies 4 * (n + 1) bytes before the record
//! ```
//!
//! An entry is linked from the bottom up, each link stored with release after the entry's own link
//! was, so a reader finds at every level a list that is in order and whole.
//!
//! Invariants: every link is 0 or the place of a record with at least as many links as its level
//! asks for; links are loaded with acquire.

#![allow(unsafe_code)]

use std::array::from_fn;
use std::sync::{Arc, Weak};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicU32, Ordering};
use crate::key::trailer::entry_order;
use crate::memtable::arena::{Arena, Bump, Entry, Record};
use crate::memtable::stock::Stock;

/// The most links that an entry has; fewer in a model.
const HEIGHT: usize = if cfg!(lsm_loom) { 3 } else { 12 };
/// Bytes of a link.
const LINK: usize = size_of::<AtomicU32>();
/// One entry in two to this power has a link more.
const BRANCH_BITS: u32 = 2;

/// What readers and the writer share.
#[derive(Debug)]
pub(super) struct SkipList {
    arena: Arena,
    /// The links of the start.
    start: [AtomicU32; HEIGHT],
}

/// The right to insert; there is one for each list.
#[derive(Debug)]
pub(super) struct SkipWriter {
    list: Arc<SkipList>,
    bump: Bump,
    random: u64,
}

impl SkipList {
    /// An empty list, and its writer.
    pub(super) fn new(stock: &Weak<Stock>) -> (Arc<Self>, SkipWriter) {
        let (arena, bump) = Arena::new(stock);
        let list = Arc::new(Self { arena, start: from_fn(|_| AtomicU32::new(0)) });
        (Arc::clone(&list), SkipWriter { list, bump, random: 0x2545_f491_4f6c_dd1d })
    }

    /// What the arena has handed out, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.used()
    }

    /// As `Arena::resident`.
    pub(super) fn resident(&self, used: usize) -> usize {
        self.arena.resident(used)
    }

    /// As `Arena::page_in`.
    pub(super) fn page_in(&self, bytes: usize) -> bool {
        self.arena.page_in(bytes)
    }

    /// The newest entry of `key` whose trailer is at most `ceiling`.
    pub(super) fn get(&self, key: &[u8], ceiling: u64) -> Option<Entry<'_>> {
        self.entry(self.from(key, ceiling)).filter(|entry| entry.key == key)
    }

    /// The link of an entry, or of the start for 0, at a level that it has.
    #[inline]
    fn link(&self, place: u32, level: usize) -> Option<&AtomicU32> {
        if place == 0 {
            return self.start.get(level);
        }
        let at = self.arena.address(place).wrapping_sub(LINK * (level + 1));
        // SAFETY: callers come to the entry on this level, so by the invariant it has this link,
        // which was written before the entry was linked and lives as long as the arena.
        Some(unsafe { &*at.cast::<AtomicU32>() })
    }

    #[inline]
    fn follow(&self, place: u32, level: usize) -> u32 {
        self.link(place, level).map_or(0, |link| link.load(Ordering::Acquire))
    }

    /// The last entry before a target on each level, 0 for the start; answers the lowest.
    #[inline]
    fn path(&self, key: &[u8], trailer: u64, mut note: impl FnMut(usize, u32)) -> u32 {
        let mut place = 0;
        for level in (0..HEIGHT).rev() {
            loop {
                let next = self.follow(place, level);
                let Some(entry) = self.entry(next) else { break };
                if entry_order((entry.key, entry.trailer), (key, trailer)).is_ge() {
                    break;
                }
                place = next;
            }
            note(level, place);
        }
        place
    }

    /// The first entry at or after a target.
    fn from(&self, key: &[u8], trailer: u64) -> u32 {
        let before = self.path(key, trailer, |_, _| ());
        // An entry may have come between meanwhile, before the target or behind it.
        let mut place = self.follow(before, 0);
        while let Some(entry) = self.entry(place) {
            if entry_order((entry.key, entry.trailer), (key, trailer)).is_ge() {
                break;
            }
            place = self.follow(place, 0);
        }
        place
    }

    fn last(&self) -> u32 {
        let mut place = 0;
        for level in (0..HEIGHT).rev() {
            while let next @ 1.. = self.follow(place, level) {
                place = next;
            }
        }
        place
    }

    /// The entry at a place that was loaded from a link; `None` for 0.
    #[inline]
    fn entry(&self, place: u32) -> Option<Entry<'_>> {
        if place == 0 {
            return None;
        }
        // SAFETY: by the invariant `put` answered this place before it was stored.
        Some(unsafe { self.arena.entry(place) })
    }
}

impl SkipWriter {
    /// Sees to it that there is memory for so many bytes.
    pub(super) fn make_room(&self, bytes: usize) -> Result<()> {
        self.list.arena.make_room(&self.bump, bytes)
    }

    /// Inserts an entry. One with this key and trailer must not be there.
    pub(super) fn insert(&mut self, entry: Entry<'_>) -> Result<()> {
        let height = self.height();
        let list = &self.list;
        let mut before = [0; HEIGHT];
        let lowest = list.path(entry.key, entry.trailer, |level, place| {
            if let Some(slot) = before.get_mut(level) {
                *slot = place;
            }
        });
        let next = list.entry(list.follow(lowest, 0));
        if next.is_some_and(|next| (next.key, next.trailer) == (entry.key, entry.trailer)) {
            let message = "an entry with this key and number is there already";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let links = (height * LINK).next_multiple_of(8);
        // SAFETY: the bump came with the list's arena.
        let place = unsafe { list.arena.put(&mut self.bump, links, entry)? };
        for (level, before) in before.iter().take(height).enumerate() {
            let behind = list.follow(*before, level);
            let at = list.arena.address(place).wrapping_sub(LINK * (level + 1));
            // SAFETY: `put` left room for `height` links before the record, and nobody has the
            // place on this level yet.
            unsafe { at.cast::<AtomicU32>().write(AtomicU32::new(behind)) };
            if let Some(link) = list.link(*before, level) {
                link.store(place, Ordering::Release);
            }
        }
        Ok(())
    }

    /// How many links the next entry has.
    fn height(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let more = (self.random >> 32).trailing_ones() / BRANCH_BITS;
        (more as usize + 1).min(HEIGHT)
    }
}

/// A place in a list, at an entry or at none.
#[derive(Debug)]
pub(super) struct SkipCursor {
    record: Option<Record>,
    place: u32,
    list: Arc<SkipList>,
}

impl SkipCursor {
    pub(super) fn new(list: Arc<SkipList>) -> Self {
        Self { record: None, place: 0, list }
    }

    /// The entry; an empty one at no entry.
    #[inline]
    pub(super) fn entry(&self) -> Entry<'_> {
        let Some(record) = self.record else {
            return Entry { key: &[], trailer: 0, value: &[] };
        };
        // SAFETY: the record is of this cursor's list, and the cursor keeps the list.
        unsafe { record.entry() }
    }

    #[inline]
    pub(super) fn is_valid(&self) -> bool {
        self.record.is_some()
    }

    pub(super) fn seek(&mut self, key: &[u8], trailer: u64) {
        self.stand(self.list.from(key, trailer));
    }

    pub(super) fn seek_before(&mut self, key: &[u8], trailer: u64) {
        self.stand(self.list.path(key, trailer, |_, _| ()));
    }

    pub(super) fn seek_first(&mut self) {
        self.stand(self.list.follow(0, 0));
    }

    pub(super) fn seek_last(&mut self) {
        self.stand(self.list.last());
    }

    #[inline]
    pub(super) fn next(&mut self) {
        if self.record.is_some() {
            self.stand(self.list.follow(self.place, 0));
        }
    }

    pub(super) fn prev(&mut self) {
        if let Some(here) = self.list.entry(self.place) {
            let before = self.list.path(here.key, here.trailer, |_, _| ());
            self.stand(before);
        }
    }

    #[inline]
    fn stand(&mut self, place: u32) {
        self.place = place;
        self.record = (place != 0).then(|| {
            // SAFETY: the place was loaded from a link of this list.
            unsafe { self.list.arena.record(place) }
        });
    }
}
