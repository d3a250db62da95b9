//! The filter and the index of each partition of a table, through the cache.

use crate::base::error::Result;
use crate::cache::draft::Draft;
use crate::cache::frame::Frame;
use crate::cache::purpose::Use;
use crate::filter::is_well_formed;
use crate::stats::looked::{Looked, Origin, Part, Probe};
use crate::table::handle::BlockKind;
use crate::table::page::Page;
use crate::table::partition::Partition;
use crate::table::reader::{Table, no_partition};
use crate::table::source::check_entries;

impl Table {
    pub(super) fn filter(
        &self,
        (at, partition): (usize, &Partition),
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Frame> {
        match self.cache.get(&self.slots, at * 2) {
            Some(frame) => {
                probe.part(Part::Filter(at), Origin::Memory);
                Ok(frame)
            }
            None => self.load_filter((at, partition), how, probe),
        }
    }

    #[cold]
    fn load_filter(
        &self,
        (at, partition): (usize, &Partition),
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Frame> {
        let mut from = Origin::Memory;
        let read = &mut || {
            from = Origin::Disk(partition.filter.file_len());
            self.read_filter(partition)
        };
        let frame = self.cache.get_or_draft(&self.slots, at * 2, how, read)?;
        probe.part(Part::Filter(at), from);
        Ok(frame)
    }

    /// The filter of a partition, from the file.
    pub(in crate::table) fn read_filter(&self, partition: &Partition) -> Result<Draft> {
        let sought = self.source().sought(partition.filter, BlockKind::Filter);
        let image = self.source().read_draft(partition.filter, BlockKind::Filter)?;
        if is_well_formed(&image) { Ok(image) } else { Err(sought.damaged("is malformed")) }
    }

    /// The index of a partition, which there is.
    pub(in crate::table) fn index(&self, at: usize, how: Use) -> Result<Page> {
        self.index_told(at, how, &mut Looked::default())
    }

    /// The same, telling `probe`.
    pub(in crate::table) fn index_told(
        &self,
        at: usize,
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Page> {
        if let Some(page) = self.cache.get(&self.slots, at * 2 + 1).and_then(Page::shared) {
            probe.part(Part::Index(at), Origin::Memory);
            return Ok(page);
        }
        self.load_index(at, how, probe)
    }

    #[cold]
    fn load_index(&self, at: usize, how: Use, probe: &mut impl Probe) -> Result<Page> {
        let partition = self.opened.top.get(at).copied().ok_or_else(no_partition)?;
        let mut from = Origin::Memory;
        let read = &mut || {
            from = Origin::Disk(partition.index.file_len());
            self.read_index(&partition)
        };
        let frame = self.cache.get_or_draft(&self.slots, at * 2 + 1, how, read)?;
        probe.part(Part::Index(at), from);
        Page::shared(frame).ok_or_else(no_partition)
    }

    /// The index of a partition, from the file: a well-formed block with an entry for each data
    /// block.
    pub(in crate::table) fn read_index(&self, partition: &Partition) -> Result<Draft> {
        let sought = self.source().sought(partition.index, BlockKind::Index);
        let image = self.source().read_draft(partition.index, BlockKind::Index)?;
        if check_entries(&sought, &image)? != partition.blocks as usize {
            return Err(sought.damaged("does not have as many entries as the top index says"));
        }
        Ok(image)
    }
}
