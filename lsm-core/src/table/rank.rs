//! Where a key stands in a table: how many entries and how many bytes come before it. And what is
//! in the table, which small tables are read for.

use std::sync::Arc;

use crate::base::error::Result;
use crate::cache::purpose::Use;
use crate::key::trailer::NEWEST;
use crate::table::contents::{Contents, GROUP, UNTOLD};
use crate::table::handle::BlockKind;
use crate::table::page::Page;
use crate::table::partition::Partition;
use crate::table::reader::Table;
use crate::table::tally::{Tally, tombstone_bytes};

/// A place in the order of a table, between two entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rank {
    /// At least so many entries come before it.
    pub entries_min: u64,
    /// At most so many. The two are the same if the table says what is in it.
    pub entries_max: u64,
    /// Where in the file the data block begins in which it lies, or the place itself if it lies
    /// between two blocks.
    pub bytes_min: u64,
    /// Where that block ends.
    pub bytes_max: u64,
}

/// A piece of a table: so many bytes up to this key, which is the last that can be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Nothing in the piece is behind it, and everything behind the piece is.
    pub last: Vec<u8>,
    /// Its bytes in the file.
    pub bytes: u64,
}

impl Table {
    /// What is in it, if that is known or soon counted: the blocks of a small table are read once.
    pub fn contents(&self) -> Result<Option<Arc<Contents>>> {
        if let Some(counted) = self.known_contents() {
            return Ok(Some(counted));
        }
        if self.properties().blocks > UNTOLD {
            return Ok(None);
        }
        let counted = Arc::new(self.count()?);
        Ok(Some(Arc::clone(self.contents.get_or_init(|| counted))))
    }

    /// The same if nothing has to be read for it.
    #[must_use]
    pub fn known_contents(&self) -> Option<Arc<Contents>> {
        if let Some(counted) = self.contents.get() {
            return Some(Arc::clone(counted));
        }
        let told = self.properties().contents.clone()?;
        Some(Arc::clone(self.contents.get_or_init(|| Arc::new(told))))
    }

    fn count(&self) -> Result<Contents> {
        let mut tally = Tally::default();
        let mut key = Vec::new();
        for partition in 0..self.opened().top.len() {
            let index = self.index(partition, Use::Index)?;
            for block in 0..index.len() {
                let handle = self.handle_at((partition, block), Some(&index))?;
                let sought = self.source().sought(handle, BlockKind::Data);
                let image = self.source().read(handle, BlockKind::Data)?;
                let len = image.len();
                let page = Page::own(image).ok_or_else(|| sought.damaged("is malformed"))?;
                let view = page.view();
                for entry in 0..view.len() {
                    view.key_into(entry, &mut key);
                    tally.add(&key, view.trailer(entry), view.value(entry)).ok_or_else(|| {
                        sought.damaged("has an entry that is not what its kind says")
                    })?;
                }
                tally.end_block(len);
            }
        }
        let mut contents = tally.into_contents();
        for span in self.tombstones()?.spans() {
            contents.change_share(span.start, |share| share.bytes += tombstone_bytes(&span));
        }
        Ok(contents)
    }

    /// Where a key would stand, before all its entries. Reads the index of one partition, and at
    /// most `GROUP` blocks.
    pub fn rank(&self, key: &[u8]) -> Result<Rank> {
        let total = self.properties().entries;
        let partition = self.opened().top.find(key, NEWEST);
        if partition >= self.opened().top.len() {
            let last = partition.checked_sub(1).and_then(|last| self.opened().top.get(last));
            let bytes = last.map_or(0, Partition::data_end);
            let (entries_min, entries_max) = (total, total);
            return Ok(Rank { entries_min, entries_max, bytes_min: bytes, bytes_max: bytes });
        }
        let index = self.index(partition, Use::Index)?;
        let block = index.view().lower_bound(key, NEWEST);
        let handle = self.handle_at((partition, block), Some(&index))?;
        let page = self.block((partition, block), &index)?;
        let inside = page.view().lower_bound(key, NEWEST);
        let before = self.blocks_before(partition) + block as u64;
        let inside_entries = inside as u64;
        let (entries_min, entries_max) = match self.entries_before(before)? {
            Some(entries) => (entries + inside_entries, entries + inside_entries),
            None => {
                // Each block has an entry at least.
                let behind = self.properties().blocks.saturating_sub(before + 1);
                let rest = behind + (page.len() as u64 - inside_entries);
                (before + inside_entries, total.saturating_sub(rest))
            }
        };
        let bytes_min = if inside == page.len() { handle.end() } else { handle.offset };
        let bytes_max = if inside == 0 { handle.offset } else { handle.end() };
        Ok(Rank { entries_min, entries_max, bytes_min, bytes_max })
    }

    /// How many blocks come before the one in which a key would stand. Reads one index.
    pub fn blocks_before_key(&self, key: &[u8]) -> Result<u64> {
        let partition = self.opened().top.find(key, NEWEST);
        if partition >= self.opened().top.len() {
            return Ok(self.properties().blocks);
        }
        let index = self.index(partition, Use::Index)?;
        Ok(self.blocks_before(partition) + index.view().lower_bound(key, NEWEST) as u64)
    }

    fn blocks_before(&self, partition: usize) -> u64 {
        (0..partition).map(|at| self.blocks(at) as u64).sum()
    }

    /// Entries in the first so many blocks; `None` if the table does not say.
    fn entries_before(&self, blocks: u64) -> Result<Option<u64>> {
        let Some(contents) = self.contents()? else { return Ok(None) };
        let groups = usize::try_from(blocks / GROUP).unwrap_or(usize::MAX);
        let Some(groups) = contents.groups.get(..groups) else { return Ok(None) };
        let mut entries: u64 = groups.iter().map(|entries| u64::from(*entries)).sum();
        for block in blocks / GROUP * GROUP..blocks {
            entries += self.numbered_block(block)?.map_or(0, |page| page.len() as u64);
        }
        Ok(Some(entries))
    }

    fn numbered_block(&self, mut number: u64) -> Result<Option<Page>> {
        for partition in 0..self.opened().top.len() {
            let blocks = self.blocks(partition) as u64;
            if number < blocks {
                let index = self.index(partition, Use::Index)?;
                return self.block((partition, number as usize), &index).map(Some);
            }
            number -= blocks;
        }
        Ok(None)
    }

    fn block(&self, at: (usize, usize), index: &Page) -> Result<Page> {
        if let Some(page) = self.passed(at) {
            return Ok(page);
        }
        let handle = self.handle_at(at, Some(index))?;
        self.load(at, Use::Scan, &mut || self.source().read_entries(handle, BlockKind::Data))
    }

    /// Cuts what lies between two full keys into pieces of about `grain` bytes, or of a block if
    /// that is more, and hands them over in order. The first and the last may hold some of what
    /// lies outside. Reads the indexes of partitions that are larger than the grain.
    pub fn cut(
        &self,
        (lower, upper): (&[u8], &[u8]),
        grain: u64,
        piece: &mut dyn FnMut(Piece),
    ) -> Result<()> {
        let Some(top) = self.opened().top.view() else { return Ok(()) };
        let first = self.opened().top.find(lower, NEWEST);
        let mut pending = 0;
        for partition in first..self.opened().top.len() {
            let Some(told) = self.opened().top.get(partition) else { break };
            let bytes = told.index.end() - told.start;
            let mut last = Vec::new();
            top.key_into(partition, &mut last);
            let is_last = last.as_slice() >= upper;
            let is_edge = partition == first || is_last;
            if is_edge || pending + bytes > grain {
                self.cut_partition(partition, (lower, upper), (grain, &mut pending), piece)?;
            } else {
                pending += bytes;
            }
            if is_last {
                break;
            }
            if pending >= grain {
                piece(Piece { last, bytes: std::mem::take(&mut pending) });
            }
        }
        if pending > 0 {
            piece(Piece { last: upper.to_vec(), bytes: pending });
        }
        Ok(())
    }

    fn cut_partition(
        &self,
        partition: usize,
        (lower, upper): (&[u8], &[u8]),
        (grain, pending): (u64, &mut u64),
        piece: &mut dyn FnMut(Piece),
    ) -> Result<()> {
        let index = self.index(partition, Use::Index)?;
        let view = index.view();
        for block in view.lower_bound(lower, NEWEST)..view.len() {
            let bytes = self.handle_at((partition, block), Some(&index))?.file_len();
            // What is full goes before a large block comes to it.
            *pending += bytes;
            let mut last = Vec::new();
            view.key_into(block, &mut last);
            if last.as_slice() >= upper {
                break;
            }
            if *pending >= grain {
                piece(Piece { last, bytes: std::mem::take(pending) });
            }
        }
        Ok(())
    }
}
