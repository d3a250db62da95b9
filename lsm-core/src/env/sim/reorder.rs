//! The bytes of one file after a power cut that kept to no order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::content::Content;
use super::inode::{Change, Inode, SECTOR};
use super::rng::Rng;
use super::state::State;

type Sector = [u8; SECTOR as usize];

/// A write that is still on its way, less what a later cut has taken off.
struct Write<'a> {
    offset: u64,
    bytes: &'a [u8],
}

impl Write<'_> {
    /// Calls with each byte that falls into the sector: its place there and its value.
    fn each_in(&self, sector: u64, mut call: impl FnMut(usize, u8)) {
        let start = sector * SECTOR;
        let skipped = start.saturating_sub(self.offset) as usize;
        let first = self.offset.max(start) - start;
        let places = first as usize..SECTOR as usize;
        let inside = self.bytes.get(skipped..).unwrap_or_default();
        places.zip(inside).for_each(|(place, byte)| call(place, *byte));
    }

    fn sectors(&self) -> std::ops::Range<u64> {
        let end = self.offset + self.bytes.len() as u64;
        self.offset / SECTOR..end.div_ceil(SECTOR).max(self.offset / SECTOR)
    }
}

/// Every sector after some of its writes or torn, and a length out of its history.
pub(super) fn sectors(file: &Inode, disk: &State, rng: &mut Rng) -> Arc<Content> {
    let lengths = rng.below(file.pending.len() as u64 + 1) as usize;
    let (mut content, len, writes) = after_lengths(file, lengths);
    let touched: BTreeSet<u64> = writes.iter().flat_map(Write::sectors).collect();
    for sector in touched {
        if let Some(bytes) = one_sector(&content, sector, &writes, disk, rng) {
            content.write(sector * SECTOR, &bytes);
        }
    }
    content.set_len(len);
    Arc::new(content)
}

/// The final length over old bytes; what the file has gained reads as zeros or as garbage.
pub(super) fn size_first(file: &Inode, rng: &mut Rng) -> Arc<Content> {
    let (mut content, len, writes) = after_lengths(file, file.pending.len());
    let old_len = content.len();
    if rng.chance(1, 2) {
        for write in &writes {
            let start = write.offset.max(old_len);
            let gained = (write.offset + write.bytes.len() as u64).saturating_sub(start);
            let mut garbage = vec![0; gained as usize];
            rng.garbage(&mut garbage);
            content.write(start, &garbage);
        }
    }
    content.set_len(len);
    Arc::new(content)
}

/// The durable bytes after the cuts among the first `count` changes; the length after these
/// changes; and every pending write, those before a cut less what it took off.
fn after_lengths(file: &Inode, count: usize) -> (Content, u64, Vec<Write<'_>>) {
    let mut content = Content::clone(&file.durable);
    let mut len = content.len();
    let mut writes: Vec<Write<'_>> = Vec::new();
    for (index, pending) in file.pending.iter().enumerate() {
        let is_reached = index < count;
        if is_reached {
            len = pending.change.len_after(len);
        }
        match &pending.change {
            Change::Write { offset, bytes } => writes.push(Write { offset: *offset, bytes }),
            Change::SetLen(cut) if is_reached => {
                content.set_len(content.len().min(*cut));
                for write in &mut writes {
                    let kept = cut.saturating_sub(write.offset) as usize;
                    write.bytes = write.bytes.get(..kept).unwrap_or(write.bytes);
                }
            }
            Change::SetLen(_) | Change::Allocate(_) => {}
        }
    }
    (content, len, writes)
}

/// What one sector holds; nothing if it keeps what it had.
fn one_sector(
    content: &Content,
    sector: u64,
    writes: &[Write<'_>],
    disk: &State,
    rng: &mut Rng,
) -> Option<Sector> {
    let mut bytes = [0; SECTOR as usize];
    content.read(&mut bytes, sector * SECTOR);
    let writes: Vec<&Write<'_>> =
        writes.iter().filter(|write| write.sectors().contains(&sector)).collect();
    let arrived = rng.below(writes.len() as u64 + 1) as usize;
    for write in writes.iter().take(arrived) {
        write.each_in(sector, |place, byte| set(&mut bytes, place, byte));
    }
    let mut foreign = [0; SECTOR as usize];
    match rng.below(8) {
        0 => rng.garbage(&mut foreign),
        1 => {}
        2 => other_block(disk, &mut foreign, rng),
        3 => {
            // The next write has come half way.
            let border = rng.below(SECTOR) as usize;
            if let Some(write) = writes.get(arrived) {
                write.each_in(sector, |place, byte| {
                    if place < border {
                        set(&mut bytes, place, byte);
                    }
                });
            }
            return Some(bytes);
        }
        _ if arrived == 0 => return None,
        _ => return Some(bytes),
    }
    spoil(&mut bytes, &foreign, sector, &writes);
    Some(bytes)
}

/// Puts foreign bytes wherever a pending write was changing the sector.
fn spoil(bytes: &mut Sector, foreign: &Sector, sector: u64, writes: &[&Write<'_>]) {
    for write in writes {
        write.each_in(sector, |place, _| {
            if let Some(byte) = foreign.get(place) {
                set(bytes, place, *byte);
            }
        });
    }
}

fn set(bytes: &mut Sector, place: usize, byte: u8) {
    if let Some(target) = bytes.get_mut(place) {
        *target = byte;
    }
}

/// A sector of some file of the disk: what a block held before it was given to this one.
fn other_block(disk: &State, bytes: &mut Sector, rng: &mut Rng) {
    let chosen = rng.below(disk.files.len() as u64) as usize;
    if let Some(file) = disk.files.values().nth(chosen) {
        let sectors = file.cache.len().div_ceil(SECTOR);
        file.cache.read(bytes, rng.below(sectors) * SECTOR);
    }
}
