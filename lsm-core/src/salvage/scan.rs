//! Finding the blocks of a table without its indexes, by their checks.
//!
//! A block ends in a trailer whose check covers the file's id, the place and the length, so no
//! other bytes are taken for one. Where a trailer may stand is seen at a glance; where its block
//! begins is where the one before has ended, or what an unpacked one says of its length.

use crate::base::compress::Codec;
use crate::base::error::Result;
use crate::table::handle::{BlockKind, Handle, TRAILER_LEN};
use crate::table::source::Source;

/// So much is looked through at once.
const CHUNK: usize = 256 << 10;
/// So many ends of likely blocks are kept in mind as places where the next one may begin.
const STARTS: usize = 8;
/// A region is read and hashed so many times its length at most.
const PASSES: u64 = 32;
/// And a short one this often more.
const SLACK: u64 = 16 << 20;

/// What a region of a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A block that verifies.
    Block(BlockKind, Handle),
    /// Bytes that belong to none.
    Gap(u64, u64),
}

/// Everything from one place of a file up to another, in order.
pub fn scan(source: &Source, from: u64, to: u64) -> Result<Vec<Piece>> {
    let mut scan = Scan {
        source,
        from,
        end: from,
        starts: vec![from],
        pieces: Vec::new(),
        left: to.saturating_sub(from).saturating_mul(PASSES).saturating_add(SLACK),
        memory: Vec::new(),
    };
    scan.run(to)?;
    if scan.end < to {
        scan.pieces.push(Piece::Gap(scan.end, to));
    }
    Ok(scan.pieces)
}

struct Scan<'a> {
    source: &'a Source,
    from: u64,
    /// Where the last block ended.
    end: u64,
    /// Where the next one may begin.
    starts: Vec<u64>,
    pieces: Vec<Piece>,
    /// How many bytes may still be hashed.
    left: u64,
    memory: Vec<u8>,
}

impl Scan<'_> {
    fn run(&mut self, to: u64) -> Result<()> {
        let mut at = self.from;
        let mut chunk = Vec::new();
        while at + (TRAILER_LEN as u64) < to && self.left > 0 {
            let len = (to - at).min((CHUNK + TRAILER_LEN) as u64) as usize;
            self.source.read_at(at, len, &mut chunk)?;
            if chunk.len() < TRAILER_LEN {
                break;
            }
            for (index, window) in chunk.windows(TRAILER_LEN).enumerate() {
                let place = at + index as u64;
                // A block has a byte at least.
                if place > self.end {
                    if let Some(likely) = Likely::read(window) {
                        self.look(place, likely)?;
                    }
                }
            }
            at += (chunk.len() - TRAILER_LEN + 1) as u64;
        }
        Ok(())
    }

    /// A trailer may stand here.
    fn look(&mut self, place: u64, likely: Likely) -> Result<()> {
        let told = match likely.codec {
            Codec::None => place.checked_sub(u64::from(likely.unpacked)),
            _ => None,
        };
        let told = told.filter(|start| *start >= self.end);
        let known = self.starts.clone();
        for start in told.into_iter().chain(known) {
            let len = place.saturating_sub(start);
            if len == 0 || !likely.may_take(len) || !self.verifies(start, len, likely.kind)? {
                continue;
            }
            if start > self.end {
                self.pieces.push(Piece::Gap(self.end, start));
            }
            let handle = Handle { offset: start, len: len as u32 };
            self.pieces.push(Piece::Block(likely.kind, handle));
            self.end = handle.end();
            self.starts.clear();
            self.starts.push(self.end);
            return Ok(());
        }
        // Where the last block has ended stays in mind, whatever comes.
        if self.starts.len() > STARTS {
            self.starts.remove(1);
        }
        self.starts.push(place + TRAILER_LEN as u64);
        Ok(())
    }

    fn verifies(&mut self, start: u64, len: u64, kind: BlockKind) -> Result<bool> {
        let Some(left) = self.left.checked_sub(len) else {
            self.left = 0;
            return Ok(false);
        };
        self.left = left;
        let handle = Handle { offset: start, len: len as u32 };
        let mut bytes = std::mem::take(&mut self.memory);
        self.source.read_at(start, handle.file_len() as usize, &mut bytes)?;
        let is_one = self.source.sought(handle, kind).verify(&bytes).is_ok();
        self.memory = bytes;
        Ok(is_one)
    }
}

/// What looks like a trailer.
#[derive(Clone, Copy, Debug)]
struct Likely {
    codec: Codec,
    kind: BlockKind,
    unpacked: u32,
}

impl Likely {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [codec, kind, 0, 0, a, b, c, d, ..] = *bytes else { return None };
        let unpacked = u32::from_le_bytes([a, b, c, d]);
        Some(Self { codec: Codec::from_byte(codec)?, kind: kind_of(kind)?, unpacked })
    }

    /// True if a payload of so many bytes may be what it says when it is unpacked. What does not
    /// become shorter is not packed.
    fn may_take(self, len: u64) -> bool {
        let unpacked = u64::from(self.unpacked);
        match self.codec {
            Codec::None => unpacked == len,
            Codec::Lz4 | Codec::Zstd => len < unpacked,
        }
    }
}

fn kind_of(byte: u8) -> Option<BlockKind> {
    Some(match byte {
        1 => BlockKind::Data,
        2 => BlockKind::Filter,
        3 => BlockKind::Index,
        4 => BlockKind::Tombstones,
        5 => BlockKind::Parts,
        6 => BlockKind::Properties,
        7 => BlockKind::Top,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
