//! The queues in which resident frames wait: who came first, and who is asked first to leave.
//!
//! One vector of entries, linked by their numbers, so that a frame that goes with its table is
//! taken out of the middle without a search.

use std::sync::Weak;

use crate::cache::frame::{Frame, NO_NODE};
use crate::cache::slots::Slots;

/// Where a frame waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// On probation: what was read once, and what a scan read.
    New,
    /// What was wanted again.
    Kept,
    /// Index and filter blocks.
    Index,
}

/// A resident frame, with a count of it, and its place.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) frame: Frame,
    pub(crate) slots: Weak<Slots>,
    pub(crate) index: u32,
    /// Whether its place remembers for a while that it was there.
    pub(crate) leaves_mark: bool,
}

#[derive(Debug)]
struct Entry {
    /// `None` in a free entry.
    resident: Option<Resident>,
    before: u32,
    after: u32,
    queue: Queue,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
    len: usize,
    bytes: u64,
}

const EMPTY: List = List { first: NO_NODE, last: NO_NODE, len: 0, bytes: 0 };

/// The three queues.
#[derive(Debug)]
pub(crate) struct Ring {
    entries: Vec<Entry>,
    /// The first free entry; `after` leads to the others.
    free: u32,
    lists: [List; 3],
}

impl Ring {
    pub(crate) fn new() -> Ring {
        Ring { entries: Vec::new(), free: NO_NODE, lists: [EMPTY; 3] }
    }

    /// What the entries take up, free ones too.
    pub(crate) fn cost(&self) -> u64 {
        (self.entries.capacity() * size_of::<Entry>()) as u64
    }

    /// What one more entry would add to that.
    pub(crate) fn growth(&self) -> u64 {
        let is_full = self.free == NO_NODE && self.entries.len() == self.entries.capacity();
        if is_full { (self.step() * size_of::<Entry>()) as u64 } else { 0 }
    }

    /// How many frames there are.
    pub(crate) fn len(&self) -> usize {
        self.lists.iter().map(|list| list.len).sum()
    }

    pub(crate) fn bytes_of(&self, queue: Queue) -> u64 {
        self.list(queue).bytes
    }

    /// The frame that has waited longest.
    pub(crate) fn first(&self, queue: Queue) -> Option<(u32, &Resident)> {
        let node = self.list(queue).first;
        Some((node, self.entry(node)?.resident.as_ref()?))
    }

    /// The frame in an entry.
    pub(crate) fn frame(&self, node: u32) -> Option<&Frame> {
        Some(&self.entry(node)?.resident.as_ref()?.frame)
    }

    /// Lets a frame wait behind all others, and notes in it where.
    pub(crate) fn push(&mut self, queue: Queue, resident: Resident) {
        let Some(node) = self.take_free() else { return };
        resident.frame.set_node(node);
        if let Some(entry) = self.entry_mut(node) {
            entry.resident = Some(resident);
        }
        self.link(queue, node);
    }

    /// Takes a frame out.
    pub(crate) fn remove(&mut self, node: u32) -> Option<Resident> {
        self.entry(node)?.resident.as_ref()?;
        self.unlink(node);
        let free = self.free;
        let entry = self.entry_mut(node)?;
        let resident = entry.resident.take()?;
        entry.after = free;
        self.free = node;
        resident.frame.set_node(NO_NODE);
        Some(resident)
    }

    /// Lets a frame wait behind all others of a queue.
    pub(crate) fn move_to(&mut self, queue: Queue, node: u32) {
        if self.entry(node).is_some_and(|entry| entry.resident.is_some()) {
            self.unlink(node);
            self.link(queue, node);
        }
    }

    /// Gives the room of free entries back.
    pub(crate) fn shrink(&mut self) {
        let mut all = Vec::new();
        for queue in [Queue::New, Queue::Kept, Queue::Index] {
            while let Some((node, _)) = self.first(queue) {
                all.extend(self.remove(node).map(|resident| (queue, resident)));
            }
        }
        *self = Ring::new();
        self.entries.reserve_exact(all.len());
        for (queue, resident) in all {
            self.push(queue, resident);
        }
    }

    /// So many entries are added at once.
    fn step(&self) -> usize {
        (self.entries.len() / 4).max(4)
    }

    fn take_free(&mut self) -> Option<u32> {
        let node = self.free;
        if let Some(entry) = self.entry(node) {
            self.free = entry.after;
            return Some(node);
        }
        let node = u32::try_from(self.entries.len()).ok().filter(|node| *node != NO_NODE)?;
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(self.step());
        }
        let entry = Entry { resident: None, before: NO_NODE, after: NO_NODE, queue: Queue::New };
        self.entries.push(entry);
        Some(node)
    }

    fn link(&mut self, queue: Queue, node: u32) {
        let last = self.list(queue).last;
        let Some(entry) = self.entry_mut(node) else { return };
        (entry.before, entry.after, entry.queue) = (last, NO_NODE, queue);
        let bytes = entry.resident.as_ref().map_or(0, |resident| resident.frame.cost());
        match self.entry_mut(last) {
            Some(entry) => entry.after = node,
            None => self.list_mut(queue).first = node,
        }
        let list = self.list_mut(queue);
        list.last = node;
        list.len += 1;
        list.bytes += bytes;
    }

    fn unlink(&mut self, node: u32) {
        let Some(entry) = self.entry(node) else { return };
        let (before, after, queue) = (entry.before, entry.after, entry.queue);
        let bytes = entry.resident.as_ref().map_or(0, |resident| resident.frame.cost());
        match self.entry_mut(before) {
            Some(entry) => entry.after = after,
            None => self.list_mut(queue).first = after,
        }
        match self.entry_mut(after) {
            Some(entry) => entry.before = before,
            None => self.list_mut(queue).last = before,
        }
        let list = self.list_mut(queue);
        list.len -= 1;
        list.bytes -= bytes;
    }

    fn entry(&self, node: u32) -> Option<&Entry> {
        self.entries.get(node as usize)
    }

    fn entry_mut(&mut self, node: u32) -> Option<&mut Entry> {
        self.entries.get_mut(node as usize)
    }

    fn list(&self, queue: Queue) -> &List {
        let [new, kept, index] = &self.lists;
        match queue {
            Queue::New => new,
            Queue::Kept => kept,
            Queue::Index => index,
        }
    }

    fn list_mut(&mut self, queue: Queue) -> &mut List {
        let [new, kept, index] = &mut self.lists;
        match queue {
            Queue::New => new,
            Queue::Kept => kept,
            Queue::Index => index,
        }
    }
}

#[cfg(test)]
mod tests;
