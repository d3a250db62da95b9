//! Reads a whole table and holds everything in it against everything else.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use crate::base::checksum::{FileCrc, hash64};
use crate::base::error::{Error, Result};
use crate::cursor::tombstone::Fragments;
use crate::filter::may_contain;
use crate::key::full::{FullKey, PREFIX_LEN, keyspace_of};
use crate::key::trailer::entry_order;
use crate::table::ahead::Ahead;
use crate::table::block::view::BlockView;
use crate::table::handle::{BLOCKS_START, BlockKind, Handle};
use crate::table::opening::{Expect, Opened};
use crate::table::page::Page;
use crate::table::reader::Table;
use crate::table::seal::Sought;
use crate::table::tally::{Body, Tally};

/// So much is read at once to take the CRC of a file.
const CRC_STEP: usize = 256 << 10;

impl Table {
    /// Reads every byte of the file, past the cache, and checks that nothing contradicts anything:
    /// each block its check, the entries their order, the separators the entries, the filters the
    /// keys, the properties the counts. No byte between blocks is passed over.
    pub fn verify(&self) -> Result<()> {
        let file = self.opened().source.file();
        let Opened { header, footer, .. } = self.opened();
        let expect = Expect { file_id: header.file_id, bytes: footer.bytes };
        // Anew, for the file may have changed since it was opened.
        let opened = Opened::read(Arc::clone(file), expect)?;
        let mut walk = Walk {
            table: self,
            tally: Tally::default(),
            ahead: Ahead::new(true, self.budget()),
            end: BLOCKS_START,
            separator: (Vec::new(), 0),
            key: Vec::new(),
            memory: Vec::new(),
        };
        if opened.top.view().is_some_and(|view| !view.check_order()) {
            let sought = self.source().sought(footer.top, BlockKind::Top);
            return Err(sought.damaged("is out of order"));
        }
        for partition in 0..opened.top.len() {
            walk.partition(&opened, partition)?;
        }
        let tombstones = opened.read_tombstones()?;
        self.check_tombstones(&tombstones)?;
        let partitions = opened.top.len() as u64;
        let body = Body { bytes: walk.end, partitions };
        let (mut properties, parts) = walk.tally.finish(&tombstones, body);
        if opened.properties.contents.is_none() {
            // It was written before tables said this.
            properties.contents = None;
        }
        let source = self.source();
        if properties != opened.properties {
            let sought = source.sought(footer.properties, BlockKind::Properties);
            return Err(sought.damaged("does not tell what is in the table"));
        }
        if parts != self.parts()? {
            let sought = source.sought(footer.parts, BlockKind::Parts);
            return Err(sought.damaged("does not tell what is in the table"));
        }
        Ok(())
    }

    /// CRC-32 of the file as a whole, to be held against the one in the manifest.
    pub fn crc(&self) -> Result<u32> {
        let mut crc = FileCrc::new();
        let mut at = 0;
        let mut bytes = Vec::new();
        while at < self.opened().footer.bytes {
            let len = (self.opened().footer.bytes - at).min(CRC_STEP as u64);
            self.source().read_at(at, len as usize, &mut bytes)?;
            if bytes.is_empty() {
                let path = self.source().file().path();
                return Err(Error::corruption(path, at, "the table is cut short"));
            }
            crc.update(&bytes);
            at += bytes.len() as u64;
        }
        Ok(crc.finish())
    }

    /// Where the file lies, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source().file().path()
    }

    fn check_tombstones(&self, tombstones: &Fragments) -> Result<()> {
        let handle = self.opened().footer.tombstones;
        let is_sound = tombstones.spans().all(|span| {
            let limit = FullKey::end_of(keyspace_of(span.start));
            span.start.len() >= PREFIX_LEN
                && span.end.len() >= PREFIX_LEN
                && span.end <= limit.bytes()
        });
        if is_sound && tombstones.is_empty() == handle.is_none() {
            return Ok(());
        }
        let sought = self.source().sought(handle, BlockKind::Tombstones);
        Err(sought.damaged("reaches out of a keyspace"))
    }
}

/// A way through a whole table.
struct Walk<'a> {
    table: &'a Table,
    tally: Tally,
    ahead: Ahead,
    /// Where the next block must begin.
    end: u64,
    /// That of the block before.
    separator: (Vec<u8>, u64),
    key: Vec<u8>,
    memory: Vec<u8>,
}

impl Walk<'_> {
    fn partition(&mut self, opened: &Opened, at: usize) -> Result<()> {
        let Some(partition) = opened.top.get(at) else { return Ok(()) };
        let source = self.table.source();
        let sought = source.sought(partition.index, BlockKind::Index);
        let index = Page::own(self.table.read_index(partition)?.to_vec());
        let index = index.ok_or_else(|| sought.damaged("is malformed"))?;
        if !index.view().check_order() {
            return Err(sought.damaged("is out of order"));
        }
        let filter = match partition.filter {
            Handle::NONE => None,
            _ => Some(self.table.read_filter(partition)?),
        };
        for block in 0..index.len() {
            let handle = self.table.handle_at((at, block), Some(&index))?;
            self.data(handle, filter.as_deref())?;
            self.check_separator(&sought, index.view(), block)?;
        }
        if self.end != partition.data_end() {
            return Err(sought.damaged("leaves out some data"));
        }
        self.end = partition.index.end();
        self.check_top(opened, at)
    }

    /// Looks at a data block, which must stand where the one before ended.
    fn data(&mut self, handle: Handle, filter: Option<&[u8]>) -> Result<()> {
        let source = self.table.source();
        let sought = source.sought(handle, BlockKind::Data);
        if handle.offset != self.end {
            return Err(sought.damaged("does not stand where the one before ends"));
        }
        self.end = handle.end();
        let mut image = std::mem::take(&mut self.memory);
        self.ahead.read_into(source, handle, &mut image)?;
        let len = image.len();
        let page = Page::own(image).ok_or_else(|| sought.damaged("is malformed"))?;
        let view = page.view();
        let is_after = |key: &[u8], (last, trailer): (&[u8], u64)| {
            entry_order((last, trailer), (key, view.trailer(0))) == Ordering::Less
        };
        view.key_into(0, &mut self.key);
        let last = (self.tally.last_key(), self.tally.last_trailer());
        let (separator, trailer) = &self.separator;
        let is_first = self.tally.entries() == 0;
        let follows = is_after(&self.key, last) && is_after(&self.key, (separator, *trailer));
        if !view.check_order() || !(is_first || follows) {
            return Err(sought.damaged("is out of order"));
        }
        for entry in 0..view.len() {
            view.key_into(entry, &mut self.key);
            self.entry(&sought, (view.trailer(entry), view.value(entry)), filter)?;
        }
        self.tally.end_block(len);
        self.memory = page.into_memory();
        Ok(())
    }

    fn entry(
        &mut self,
        sought: &Sought<'_>,
        (trailer, value): (u64, &[u8]),
        filter: Option<&[u8]>,
    ) -> Result<()> {
        if self.key.len() < PREFIX_LEN || matches!(trailer & 0xff, 4 | 0xff) {
            return Err(sought.damaged("has an entry that stands in no table"));
        }
        if filter.is_some_and(|filter| !may_contain(filter, hash64(&self.key))) {
            return Err(sought.damaged("has a key that its filter does not know"));
        }
        self.tally
            .add(&self.key, trailer, value)
            .ok_or_else(|| sought.damaged("has an entry that is not what its kind says"))
    }

    /// The separator of the block that was just looked at is not before its last entry.
    fn check_separator(
        &mut self,
        sought: &Sought<'_>,
        index: BlockView<'_>,
        block: usize,
    ) -> Result<()> {
        let (key, trailer) = &mut self.separator;
        index.key_into(block, key);
        *trailer = index.trailer(block);
        let last = (self.tally.last_key(), self.tally.last_trailer());
        if entry_order(last, (key, *trailer)) == Ordering::Greater {
            return Err(sought.damaged("has a separator before the end of its block"));
        }
        Ok(())
    }

    /// The top index names the last separator of the partition that was just looked at.
    fn check_top(&self, opened: &Opened, at: usize) -> Result<()> {
        let mut key = Vec::new();
        let view = opened.top.view();
        let trailer = view.map_or(0, |view| {
            view.key_into(at, &mut key);
            view.trailer(at)
        });
        if (&key, trailer) == (&self.separator.0, self.separator.1) {
            return Ok(());
        }
        let sought = self.table.source().sought(opened.footer.top, BlockKind::Top);
        Err(sought.damaged("does not tell where a partition ends"))
    }
}
