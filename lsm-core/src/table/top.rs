//! The top index: the partitions of a table, which stay in memory as long as it is open.

use crate::table::block::view::{BlockView, Layout};
use crate::table::handle::{BLOCKS_START, TRAILER_LEN};
use crate::table::partition::Partition;

/// The partitions of a table.
#[derive(Debug, Default)]
pub struct Top {
    image: Vec<u8>,
    layout: Option<Layout>,
    partitions: Vec<Partition>,
}

impl Top {
    /// Reads a top index whose partitions end where `limit` says; `None` if it is malformed, or if
    /// the partitions do not stand one behind the other.
    #[must_use]
    pub fn parse(image: Vec<u8>, limit: u64) -> Option<Self> {
        let layout = Layout::parse(&image)?;
        let view = BlockView::new(&image, &layout);
        let mut partitions = Vec::with_capacity(view.len());
        let mut start = BLOCKS_START;
        for at in 0..view.len() {
            let partition = Partition::decode(view.value(at))?;
            let (filter, index) = (partition.filter, partition.index);
            // A block is a byte and a trailer at least, so the count is one that can be had.
            let least = u64::from(partition.blocks) * (TRAILER_LEN as u64 + 1);
            let is_sound = partition.start == start
                && partition.blocks > 0
                && least <= partition.data_end().checked_sub(start)?
                && (filter.is_none() || filter.end() == index.offset)
                && !index.is_none();
            if !is_sound {
                return None;
            }
            start = index.end();
            partitions.push(partition);
        }
        (start == limit).then_some(Self { image, layout: Some(layout), partitions })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// One of them.
    #[inline]
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&Partition> {
        self.partitions.get(at)
    }

    /// The entries, which end with the separators of the partitions.
    #[must_use]
    pub fn view(&self) -> Option<BlockView<'_>> {
        self.layout.as_ref().map(|layout| BlockView::new(&self.image, layout))
    }

    /// The partition that holds the first entry at or after this one; the number of partitions if
    /// there is no such entry.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8], trailer: u64) -> usize {
        self.view().map_or(0, |view| view.lower_bound(key, trailer))
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.image.capacity() + self.partitions.capacity() * size_of::<Partition>()
    }
}
