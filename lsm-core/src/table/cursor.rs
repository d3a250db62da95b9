//! `TableCursor`: a place among the entries of a table.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::key::full::head_of;
use crate::stats::looked::{Origin, Part, Probe};
use crate::table::ahead::Ahead;
use crate::table::block::buffer::KeyBuffer;
use crate::table::handle::BlockKind;
use crate::table::notes::Notebook;
use crate::table::page::Page;
use crate::table::reader::Table;

/// A cursor over one table. Within a block it moves without locks and allocations.
#[derive(Debug)]
pub struct TableCursor {
    table: Arc<Table>,
    how: Use,
    /// Made when something has to be read.
    ahead: Option<Box<Ahead>>,
    /// Takes down what is read, block by block.
    notes: Notebook,
    /// The index that was needed last to read a block, and its partition.
    index: Option<(usize, Page)>,
    /// The block that the cursor stands in.
    page: Option<Page>,
    /// The partition of `page`, and its number there.
    at: (usize, usize),
    entry: usize,
    is_valid: bool,
    key: KeyBuffer,
}

impl Table {
    /// A cursor at no entry. `Use::Scan`, `Use::Aside` and `Use::Bypass` read ahead, and what
    /// `Bypass` reads is never in the cache.
    #[must_use]
    pub fn cursor(self: &Arc<Self>, how: Use) -> TableCursor {
        TableCursor::new(Arc::clone(self), how)
    }
}

impl TableCursor {
    /// A cursor at no entry.
    #[must_use]
    pub fn new(table: Arc<Table>, how: Use) -> Self {
        Self {
            table,
            how,
            ahead: None,
            notes: None,
            index: None,
            page: None,
            at: (0, 0),
            entry: 0,
            is_valid: false,
            key: KeyBuffer::new(),
        }
    }

    /// The same, taking down what is read.
    #[must_use]
    pub fn noting(self, notes: Notebook) -> Self {
        Self { notes, ..self }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Stands at an entry of the page, which has it.
    #[inline]
    fn place(&mut self, entry: usize) {
        if let Some(page) = &self.page {
            self.key.load(&page.view(), entry);
            self.entry = entry;
            self.is_valid = true;
        }
    }

    /// Makes this block, which there is, the page; answers how many entries it has.
    fn enter(&mut self, at: (usize, usize)) -> Result<usize> {
        self.is_valid = false;
        if self.page.is_none() || self.at != at {
            let page = self.fetch(at)?;
            self.key.enter(&page.view());
            self.page = Some(page);
            self.at = at;
        }
        Ok(self.page.as_ref().map_or(0, Page::len))
    }

    fn fetch(&mut self, at: (usize, usize)) -> Result<Page> {
        let memory = self.page.take().map(Page::into_memory).unwrap_or_default();
        let resident = match self.how {
            Use::Bypass => None,
            Use::Point | Use::Index => self.table.resident(at),
            // That a walk comes by says nothing of a block: only others ask in the way that keeps
            // it.
            _ => self.table.passed(at),
        };
        if resident.is_some() {
            self.notes.part(Part::Entries(at.0, at.1), Origin::Memory);
        }
        resident.map_or_else(|| self.read(at, memory), Ok)
    }

    /// A block that is not resident. `memory` may be used for it.
    #[cold]
    fn read(&mut self, at: (usize, usize), memory: Vec<u8>) -> Result<Page> {
        self.index(at.0)?;
        let Self { table, ahead, index, how, notes, .. } = self;
        let index = index.as_ref().map(|(_, index)| index);
        let source = table.source();
        let is_walk = matches!(how, Use::Scan | Use::Aside | Use::Bypass);
        let ahead = ahead.get_or_insert_with(|| Box::new(Ahead::new(is_walk, table.budget())));
        let (part, before) = (Part::Entries(at.0, at.1), ahead.bytes_read());
        if *how != Use::Bypass {
            // Somebody else may load it first.
            let mut is_read = false;
            let mut read = || {
                is_read = true;
                ahead.read(source, table.handle_at(at, index)?)
            };
            let page = table.load(at, *how, &mut read);
            let from = Origin::Disk(ahead.bytes_read().wrapping_sub(before));
            notes.part(part, if is_read { from } else { Origin::Memory });
            return page;
        }
        let handle = table.handle_at(at, index)?;
        let mut image = memory;
        ahead.read_into(source, handle, &mut image)?;
        notes.part(part, Origin::Disk(ahead.bytes_read().wrapping_sub(before)));
        Page::own(image)
            .ok_or_else(|| source.sought(handle, BlockKind::Data).damaged("is malformed"))
    }

    /// The index of this partition, which is kept at hand.
    fn index(&mut self, partition: usize) -> Result<&Page> {
        let index = match self.index.take() {
            Some(index) if index.0 == partition => index,
            _ => {
                let is_past = self.how == Use::Bypass;
                let how = if is_past { Use::Bypass } else { self.how.of_index() };
                (partition, self.table.index_told(partition, how, &mut self.notes)?)
            }
        };
        Ok(&self.index.insert(index).1)
    }

    /// The number in its partition of the block where this entry would stand.
    fn block_of(&mut self, partition: usize, key: &[u8], trailer: u64) -> Result<usize> {
        let is_at_hand = self.index.as_ref().is_some_and(|(at, _)| *at == partition);
        if !is_at_hand && self.how != Use::Bypass {
            if let Some(block) = self.table.resident_block_of(partition, key, trailer) {
                self.notes.part(Part::Index(partition), Origin::Memory);
                return Ok(block);
            }
        }
        Ok(self.index(partition)?.view().lower_bound(key, trailer))
    }

    /// Stands at the first entry of the block behind this one, if there is one.
    #[cold]
    fn next_block(&mut self) -> Result<()> {
        self.is_valid = false;
        let (partition, block) = self.at;
        let next = match block + 1 < self.table.blocks(partition) {
            true => (partition, block + 1),
            false => (partition + 1, 0),
        };
        if next.1 < self.table.blocks(next.0) && self.enter(next)? > 0 {
            self.table.ask((next.0, next.1 + 1));
            self.place(0);
        }
        Ok(())
    }

    /// Stands at the last entry of the block before this one, if there is one.
    #[cold]
    fn prev_block(&mut self) -> Result<()> {
        self.is_valid = false;
        let before = match self.at {
            (0, 0) => return Ok(()),
            (partition, 0) => (partition - 1, self.table.blocks(partition - 1).saturating_sub(1)),
            (partition, block) => (partition, block - 1),
        };
        let len = self.enter(before)?;
        if len > 0 {
            self.table.ask((before.0, before.1.wrapping_sub(1)));
            self.place(len - 1);
        }
        Ok(())
    }

    /// Where the first entry at or after this one stands in the page, if that is sure to be the
    /// first one of the table too.
    fn find_here(&self, key: &[u8], trailer: u64) -> Option<usize> {
        let page = self.page.as_ref()?;
        let entry = page.view().lower_bound(key, trailer);
        (entry > 0 && entry < page.len()).then_some(entry)
    }

    /// Enters the block where the first entry at or after this one stands, or the one behind it.
    /// Answers its place there, which is the length of the block if it stands in the next one, and
    /// none if there is no such entry.
    fn find(&mut self, key: &[u8], trailer: u64) -> Result<Option<usize>> {
        self.is_valid = false;
        let partition = self.table.opened().top.find(key, trailer);
        if partition >= self.table.opened().top.len() {
            return Ok(None);
        }
        let block = self.block_of(partition, key, trailer)?;
        self.table.ask((partition, block));
        self.enter((partition, block))?;
        Ok(self.page.as_ref().map(|page| page.view().lower_bound(key, trailer)))
    }
}

impl Cursor for TableCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        let found = match self.find_here(key, trailer) {
            Some(entry) => Some(entry),
            None => self.find(key, trailer)?,
        };
        match (found, &self.page) {
            (Some(entry), Some(page)) if entry < page.len() => self.place(entry),
            (Some(_), _) if planted(Bug::SeekEndsAtBlock) => {}
            (Some(_), _) => self.next_block()?,
            (None, _) => {}
        }
        Ok(())
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        let found = match self.find_here(key, trailer) {
            Some(entry) => Some(entry),
            None => self.find(key, trailer)?,
        };
        match found {
            Some(0) => self.prev_block(),
            Some(entry) => {
                self.place(entry - 1);
                Ok(())
            }
            None => self.seek_last(),
        }
    }

    fn seek_first(&mut self) -> Result<()> {
        self.is_valid = false;
        if self.table.blocks(0) > 0 && self.enter((0, 0))? > 0 {
            self.place(0);
        }
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.is_valid = false;
        let Some(partition) = self.table.opened().top.len().checked_sub(1) else { return Ok(()) };
        let block = self.table.blocks(partition).saturating_sub(1);
        let len = self.enter((partition, block))?;
        if len > 0 {
            self.place(len - 1);
        }
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        if !self.is_valid {
            return Ok(());
        }
        let entry = self.entry + 1;
        if self.page.as_ref().is_some_and(|page| entry < page.len()) {
            self.place(entry);
            return Ok(());
        }
        self.next_block()
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        if !self.is_valid {
            return Ok(());
        }
        match self.entry.checked_sub(1) {
            Some(entry) => {
                self.place(entry);
                Ok(())
            }
            None if planted(Bug::StepBackEndsAtBlock) => {
                self.is_valid = false;
                Ok(())
            }
            None => self.prev_block(),
        }
    }

    #[inline]
    fn is_valid(&self) -> bool {
        self.is_valid
    }

    #[inline]
    fn is_newest(&self) -> bool {
        let has_versions = |page: &Page| page.view().has_versions();
        // The first of a block may have newer ones in the block before.
        self.entry > 0 && !self.page.as_ref().is_none_or(has_versions)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.key.bytes()
    }

    #[inline]
    fn head(&self) -> u64 {
        head_of(self.key.bytes())
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.page.as_ref().map_or(0, |page| page.view().trailer(self.entry))
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.page.as_ref().map_or(&[], |page| page.view().value(self.entry))
    }

    fn pin_value(&self) -> Slice {
        let value = self.page.as_ref().map_or_else(Slice::new, |page| page.value(self.entry));
        if self.table.budget().is_pinned_full() { value.detach() } else { value }
    }
}
