//! Who leaves when room is needed.

use crate::base::budget::MemoryKind;
use crate::cache::frame::Frame;
use crate::cache::pool::{Cache, State, Trash};
use crate::cache::ring::{Queue, Resident};
use crate::cache::slab::PAGE;
use crate::cache::slots::Mark;

/// So many frames are let off, at most, before one has to leave.
const CHANCES: usize = 64;
/// How many references the cache itself has to a resident frame: its place's and the ring's.
const OWN_REFERENCES: usize = 2;

impl Cache {
    /// Lets frames leave until `need` more bytes may be resident, or none is left.
    pub(super) fn make_room(&self, state: &mut State, need: u64, trash: &mut Trash) {
        if self.over(state, need) >= PAGE as u64 {
            // Much has to go, and whole pages go sooner than what lies all over them.
            self.keep_within(state, need, trash);
        }
        self.let_frames_leave(state, need, trash);
        self.keep_within(state, 0, trash);
    }

    /// How many bytes too many it would be with `need` more.
    fn over(&self, state: &State, need: u64) -> u64 {
        self.used(state).saturating_add(need).saturating_sub(state.capacity)
    }

    /// Empties pages if these and `need` more bytes are too many.
    pub(super) fn keep_within(&self, state: &mut State, need: u64, trash: &mut Trash) {
        if self.over(state, need) > 0 && self.slab.has_pages() {
            self.settle(state, trash);
            self.empty_pages(state, need, trash);
            self.settle(state, trash);
        }
    }

    /// As long as frames cost too much, whoever was not wanted for the longest time leaves.
    fn let_frames_leave(&self, state: &mut State, need: u64, trash: &mut Trash) {
        while state.resident.saturating_add(need) > state.room() {
            let Some((node, mark)) = state.next_to_leave() else { return };
            self.evict(state, node, mark, trash);
            state.evictions += 1;
        }
    }

    /// Lets all frames of one page after the other leave, until enough will be given back. If
    /// frames went by their age alone, some would stay in every page.
    fn empty_pages(&self, state: &mut State, need: u64, trash: &mut Trash) {
        // What waits at the gate counts still, and is on its way.
        while self.over(state, need) > state.retired {
            let is_sparse = self.slab.slack() > state.spare();
            let page = match if is_sparse { None } else { state.next_to_leave() } {
                Some((node, mark)) => {
                    let page = state.ring.frame(node).and_then(Frame::page);
                    self.evict(state, node, mark, trash);
                    state.evictions += 1;
                    page
                }
                None => match self.slab.emptiest() {
                    Some(page) => Some(page),
                    None => return,
                },
            };
            for node in page.map(|page| self.slab.leave(page)).unwrap_or_default() {
                self.evict(state, node, Mark::NONE, trash);
                state.evictions += 1;
            }
        }
    }

    /// Takes a frame out of its place and out of the ring.
    pub(super) fn evict(&self, state: &mut State, node: u32, mark: Mark, trash: &mut Trash) {
        let Some(Resident { frame, slots, index, .. }) = state.ring.remove(node) else { return };
        let cost = frame.cost();
        state.resident -= cost;
        // Without places left, they are being dropped, and `forget` brings their count.
        let slots = slots.upgrade();
        let is_out = slots
            .as_ref()
            .is_some_and(|slots| slots.evict(&self.gate, index as usize, &frame, mark));
        frame.set_kind(if is_out { MemoryKind::Retired } else { MemoryKind::Pin });
        if is_out {
            state.retired += cost;
            // The gate has a count, so this is not the last one, which would free memory here.
            drop(frame);
        } else {
            trash.frames.push(frame);
        }
        trash.slots.extend(slots);
    }

    /// Takes leave of the frames that nobody can be reaching for any more.
    pub(super) fn settle(&self, state: &mut State, trash: &mut Trash) {
        if state.retired == 0 {
            return;
        }
        let start = trash.frames.len();
        self.gate.settle(&mut trash.frames);
        for frame in trash.frames.get(start..).unwrap_or_default() {
            state.retired -= frame.cost();
            // Others may have it: then the bytes are theirs from now on. Nobody can come to have
            // it who does not hold it now.
            if frame.references() > 1 {
                frame.set_kind(MemoryKind::Pin);
            }
        }
    }
}

impl State {
    /// The frame that was not wanted for the longest time, and the mark that it leaves.
    fn next_to_leave(&mut self) -> Option<(u32, Mark)> {
        for chance in 0..=CHANCES {
            let queue = self.who_leaves()?;
            let (node, first) = self.ring.first(queue)?;
            let is_wanted = first.frame.take_touch();
            let is_held = first.frame.references() > OWN_REFERENCES;
            if chance == CHANCES || !(is_wanted || is_held) {
                let leaves_mark = queue == Queue::New && first.leaves_mark;
                let mark = if leaves_mark { Mark::at(self.evictions) } else { Mark::NONE };
                return Some((node, mark));
            }
            // That a scan holds it just now is no reason to keep it for long.
            let is_kept = queue == Queue::New && is_wanted;
            self.ring.move_to(if is_kept { Queue::Kept } else { queue }, node);
        }
        None
    }
}

#[cfg(test)]
mod tests;
