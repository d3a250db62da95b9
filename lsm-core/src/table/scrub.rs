//! Reading a table piece by piece to see whether its bytes are still what was written.

use crate::base::codec::Decoder;
use crate::base::error::{Error, Result};
use crate::table::handle::{BlockKind, Handle};
use crate::table::opening::{Expect, Opened};
use crate::table::page::Page;
use crate::table::partition::Partition;
use crate::table::reader::Table;
use crate::table::source::check_entries;

/// How far a table is read.
#[derive(Debug, Default)]
pub struct ScrubPlace {
    partition: usize,
    block: usize,
    /// The index of the partition, once it was read.
    index: Option<Page>,
}

/// What a piece of the reading came to.
#[derive(Debug, Default)]
pub struct Scrubbed {
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// What is wrong.
    pub errors: Vec<Error>,
    /// All of the table was read.
    pub is_done: bool,
}

impl Table {
    /// Reads on from `place` for about so many bytes, past the cache, and checks each block. What
    /// is damaged is told and passed over.
    pub fn scrub(&self, place: &mut ScrubPlace, bytes: u64) -> Scrubbed {
        let mut scrubbed = Scrubbed::default();
        while scrubbed.bytes < bytes {
            let Some(partition) = self.opened().top.get(place.partition).copied() else {
                scrubbed.note(self.scrub_ends());
                scrubbed.is_done = true;
                break;
            };
            let Some(index) = &place.index else {
                match scrubbed.note(self.scrub_index(&partition)) {
                    Some(index) => place.index = Some(index),
                    None => place.partition += 1,
                }
                continue;
            };
            if place.block >= index.len() {
                *place = ScrubPlace { partition: place.partition + 1, ..ScrubPlace::default() };
                continue;
            }
            let handle = Handle::decode(&mut Decoder::new(index.view().value(place.block)));
            place.block += 1;
            scrubbed.note(self.scrub_block(&partition, handle));
        }
        scrubbed
    }

    /// The index of a partition, and its filter on the way.
    fn scrub_index(&self, partition: &Partition) -> (u64, Result<Page>) {
        let bytes = partition.index.file_len() + partition.filter.file_len();
        let read = || {
            if !partition.filter.is_none() {
                self.read_filter(partition)?;
            }
            let sought = self.source().sought(partition.index, BlockKind::Index);
            let image = self.read_index(partition)?.to_vec();
            Page::own(image).ok_or_else(|| sought.damaged("is malformed"))
        };
        (bytes, read())
    }

    fn scrub_block(&self, partition: &Partition, handle: Option<Handle>) -> (u64, Result<()>) {
        let Some(handle) = handle.filter(|handle| partition.has(*handle)) else {
            let sought = self.source().sought(partition.index, BlockKind::Index);
            return (0, Err(sought.damaged("names an impossible place")));
        };
        let read = || {
            let image = self.source().read(handle, BlockKind::Data)?;
            check_entries(&self.source().sought(handle, BlockKind::Data), &image).map(drop)
        };
        (handle.file_len(), read())
    }

    /// Everything in front of the partitions and behind them.
    fn scrub_ends(&self) -> (u64, Result<()>) {
        let Opened { header, footer, .. } = self.opened();
        let bytes = footer.bytes.saturating_sub(self.opened().body_end());
        let expect = Expect { file_id: header.file_id, bytes: footer.bytes };
        let read = || {
            let opened = Opened::read(self.source().file().clone(), expect)?;
            opened.read_tombstones()?;
            self.parts().map(drop)
        };
        (bytes, read())
    }
}

impl Scrubbed {
    fn note<T>(&mut self, (bytes, read): (u64, Result<T>)) -> Option<T> {
        self.bytes = self.bytes.saturating_add(bytes);
        match read {
            Ok(found) => Some(found),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }
}
