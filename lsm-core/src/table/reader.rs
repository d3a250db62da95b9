//! `Table`: an open table file.
//!
//! What is resident is the top index and the properties. Filters, indexes and data come through
//! slots of the cache: two for each partition, and one for each data block in a leaf that is made
//! when a partition is first used.

use std::sync::Arc;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::codec::Decoder;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::OnceLock;
use crate::cache::draft::Draft;
use crate::cache::frame::Glimpse;
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::cache::slots::{Slots, Turn};
use crate::cursor::tombstone::Fragments;
use crate::env::fs::File;
use crate::filter::may_contain;
use crate::key::trailer::NEWEST;
use crate::stats::looked::{Looked, Origin, Part, Probe};
use crate::table::block::view::{BlockView, Layout};
use crate::table::contents::Contents;
use crate::table::handle::{BlockKind, Handle};
use crate::table::opening::{Expect, Opened};
use crate::table::page::{Found, Page, Peek};
use crate::table::properties::{self, Properties, decode_parts};
use crate::table::source::Source;

mod parts;

/// A lookup needs about so many bytes from the start of a block of the usual size: the header, and
/// all columns but the values.
const LOOKUP_BYTES: usize = 576;
/// Blocks that a lookup meets where it is not turned away: filter, index and entries.
const HITS_WITH_FILTER: u64 = 3;

/// Where a data block is to be found.
#[derive(Debug)]
pub struct Place {
    at: (usize, usize),
    index: Page,
}

impl Place {
    /// Its partition, and its number there.
    #[must_use]
    pub fn at(&self) -> (usize, usize) {
        self.at
    }
}

/// An open table. Its blocks go from the cache when it is dropped, with their slots.
#[derive(Debug)]
pub struct Table {
    opened: Opened,
    cache: Arc<Cache>,
    /// Filter and index of partition `n` are 2n and 2n + 1.
    slots: Arc<Slots>,
    /// The data blocks of each partition.
    leaves: Vec<OnceLock<Arc<Slots>>>,
    tombstones: OnceLock<Arc<Fragments>>,
    /// What was counted since the table does not say it.
    pub(super) contents: OnceLock<Arc<Contents>>,
    /// What is resident of it.
    _charge: Charge,
}

impl Table {
    /// Opens the table in `file`: reads and checks header, footer, properties and top index, and
    /// nothing else.
    pub fn open(file: Arc<dyn File>, expect: Expect, cache: Arc<Cache>) -> Result<Arc<Self>> {
        let opened = Opened::read(file, expect)?;
        let partitions = opened.top.len();
        let leaves = partitions * size_of::<OnceLock<Arc<Slots>>>();
        let contents = opened.properties.contents.as_ref().map_or(0, Contents::bytes);
        let bytes = size_of::<Self>() + opened.top.bytes() + leaves + contents;
        let charge = cache.budget().charge(MemoryKind::Index, bytes as u64);
        Ok(Arc::new(Self {
            opened,
            cache,
            slots: Slots::new(partitions * 2),
            leaves: std::iter::repeat_with(OnceLock::new).take(partitions).collect(),
            tombstones: OnceLock::new(),
            contents: OnceLock::new(),
            _charge: charge,
        }))
    }

    /// Reads its blocks.
    pub(super) fn source(&self) -> &Source {
        &self.opened.source
    }

    /// What its memory is counted in.
    pub(super) fn budget(&self) -> &Arc<Budget> {
        self.cache.budget()
    }

    /// What opening read of it.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Counts and bounds.
    #[must_use]
    pub fn properties(&self) -> &Properties {
        &self.opened.properties
    }

    /// As if it had been written by an older version.
    #[cfg(test)]
    pub(super) fn forget_contents(&mut self) {
        self.opened.properties.contents = None;
    }

    /// True if there are range tombstones in it.
    #[inline]
    #[must_use]
    pub fn has_tombstones(&self) -> bool {
        !self.opened.footer.tombstones.is_none()
    }

    /// Its range tombstones, which stay in memory once they were asked for.
    pub fn tombstones(&self) -> Result<Arc<Fragments>> {
        self.tombstones_for(Use::Index)
    }

    /// The same for somebody who may have to leave the disk alone.
    #[inline]
    pub fn tombstones_for(&self, how: Use) -> Result<Arc<Fragments>> {
        self.tombstones_told(how, &mut Looked::default())
    }

    /// The same, telling `probe`.
    #[inline]
    pub fn tombstones_told(&self, how: Use, probe: &mut impl Probe) -> Result<Arc<Fragments>> {
        match self.tombstones.get() {
            Some(tombstones) => {
                probe.part(Part::Tombstones, Origin::Memory);
                Ok(Arc::clone(tombstones))
            }
            None => self.read_tombstones(how, probe),
        }
    }

    #[cold]
    fn read_tombstones(&self, how: Use, probe: &mut impl Probe) -> Result<Arc<Fragments>> {
        how.check_disk()?;
        let tombstones = Arc::new(self.opened.read_tombstones()?);
        let bytes = self.opened.footer.tombstones.file_len();
        probe.part(Part::Tombstones, Origin::Disk(bytes));
        Ok(Arc::clone(self.tombstones.get_or_init(|| tombstones)))
    }

    /// What each keyspace has in it. Reads the file.
    pub fn parts(&self) -> Result<Vec<properties::Part>> {
        let handle = self.opened.footer.parts;
        let image = self.source().read(handle, BlockKind::Parts)?;
        let sought = self.source().sought(handle, BlockKind::Parts);
        decode_parts(&image).ok_or_else(|| sought.damaged("is malformed"))
    }

    /// The newest entry of `key` with a trailer of at most `ceiling`. `hash` is `hash64` of the
    /// key. Range tombstones are not considered.
    pub fn get(&self, key: &[u8], hash: u64, ceiling: u64, how: Use) -> Result<Option<Found>> {
        self.get_counted(key, hash, ceiling, how, &mut Looked::default())
    }

    /// As `get`, telling `probe` what it looks at.
    #[inline]
    pub fn get_counted(
        &self,
        key: &[u8],
        hash: u64,
        ceiling: u64,
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Option<Found>> {
        let Some(partition) = self.partition_of(key, ceiling) else { return Ok(None) };
        let resident =
            self.cache.turn(|turn| self.get_resident(turn, partition, (key, hash, ceiling), probe));
        match resident.flatten() {
            Some(found) => Ok(found),
            None => self.get_loading(partition, (key, hash, ceiling), how, probe),
        }
    }

    /// The partition that holds the first entry at or after this one.
    #[inline]
    #[must_use]
    pub fn partition_of(&self, key: &[u8], ceiling: u64) -> Option<usize> {
        Some(self.opened.top.find(key, ceiling)).filter(|at| *at < self.opened.top.len())
    }

    /// The way of a lookup that finds all that it needs in the cache, and counts nothing on it but
    /// the block of a long value. `None` if something is not resident.
    #[inline]
    fn get_resident(
        &self,
        turn: &Turn<'_>,
        partition: usize,
        (key, hash, ceiling): (&[u8], u64, u64),
        probe: &mut impl Probe,
    ) -> Option<Option<Found>> {
        if !self.may_contain(turn, partition, hash)? {
            turn.count(1);
            probe.part(Part::Filter(partition), Origin::Memory);
            probe.filtered();
            return Some(None);
        }
        let block = self.block_of(turn, partition, key, ceiling)?;
        let entries = self.glimpse(turn, (partition, block))?;
        entries.ask(LOOKUP_BYTES);
        let peek = Peek::new(entries)?;
        let hits = self.hits(partition);
        turn.count(hits);
        probe.entries();
        // Only now that nothing has to be loaded: otherwise it is told on that way.
        if hits == HITS_WITH_FILTER {
            probe.part(Part::Filter(partition), Origin::Memory);
        }
        probe.part(Part::Index(partition), Origin::Memory);
        probe.part(Part::Entries(partition, block), Origin::Memory);
        Some(peek.find(key, hash, ceiling))
    }

    /// Blocks that a lookup meets on its way through a partition: filter, if there is one, index
    /// and data.
    #[inline]
    #[must_use]
    pub fn hits(&self, partition: usize) -> u64 {
        let partition = self.opened.top.get(partition);
        let has_filter = partition.is_some_and(|partition| !partition.filter.is_none());
        HITS_WITH_FILTER - u64::from(!has_filter)
    }

    /// False only if the partition's filter says that it has no such key. `None` if the filter is
    /// not resident.
    #[inline]
    #[must_use]
    pub fn may_contain(&self, turn: &Turn<'_>, partition: usize, hash: u64) -> Option<bool> {
        if self.opened.top.get(partition)?.filter.is_none() {
            return Some(true);
        }
        let filter = turn.look(&self.slots, partition * 2)?;
        filter.touch();
        Some(may_contain(filter.bytes(), asked_for(hash)))
    }

    /// The number in its partition of the block where this entry would stand. `None` if the index
    /// is not resident.
    #[inline]
    #[must_use]
    pub fn block_of(
        &self,
        turn: &Turn<'_>,
        partition: usize,
        key: &[u8],
        ceiling: u64,
    ) -> Option<usize> {
        let index = turn.look(&self.slots, partition * 2 + 1)?;
        index.touch();
        let layout = Layout::of_parsed(index.bytes())?;
        Some(BlockView::new(index.bytes(), &layout).lower_bound(key, ceiling))
    }

    /// The same, in a turn of its own.
    #[inline]
    pub(super) fn resident_block_of(
        &self,
        partition: usize,
        key: &[u8],
        ceiling: u64,
    ) -> Option<usize> {
        let look = |turn: &Turn<'_>| {
            let block = self.block_of(turn, partition, key, ceiling)?;
            turn.count(1);
            Some(block)
        };
        self.cache.turn(look).flatten()
    }

    /// A data block, if it is resident.
    #[inline]
    #[must_use]
    pub fn glimpse<'t>(&'t self, turn: &'t Turn<'_>, at: (usize, usize)) -> Option<Glimpse<'t>> {
        turn.look(self.leaves.get(at.0)?.get()?, at.1)
    }

    /// Asks for the memory of a data block that is about to be read, if it is resident.
    #[inline]
    pub fn ask(&self, at: (usize, usize)) {
        if let Some(leaves) = self.leaves.get(at.0).and_then(OnceLock::get) {
            leaves.ask(at.1, LOOKUP_BYTES);
        }
    }

    /// The way of a lookup that may have to load what it needs.
    #[cold]
    fn get_loading(
        &self,
        partition: usize,
        (key, hash, ceiling): (&[u8], u64, u64),
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Option<Found>> {
        let Some(place) = self.locate(partition, (key, hash, ceiling), how, probe)? else {
            return Ok(None);
        };
        Ok(self.fetch_told(&place, how, probe)?.find(key, hash, ceiling))
    }

    /// The block in which the key stands if it is there; `None` if a filter says that it is not.
    pub fn locate(
        &self,
        at: usize,
        (key, hash, ceiling): (&[u8], u64, u64),
        how: Use,
        probe: &mut impl Probe,
    ) -> Result<Option<Place>> {
        let how = how.of_index();
        let partition = self.opened.top.get(at).ok_or_else(no_partition)?;
        if !partition.filter.is_none()
            && !may_contain(&self.filter((at, partition), how, probe)?, asked_for(hash))
        {
            probe.filtered();
            return Ok(None);
        }
        probe.entries();
        let index = self.index_told(at, how, probe)?;
        let block = index.view().lower_bound(key, ceiling);
        Ok(Some(Place { at: (at, block), index }))
    }

    /// A block that was located.
    pub fn fetch(&self, place: &Place, how: Use) -> Result<Page> {
        self.fetch_told(place, how, &mut Looked::default())
    }

    fn fetch_told(&self, place: &Place, how: Use, probe: &mut impl Probe) -> Result<Page> {
        let part = Part::Entries(place.at.0, place.at.1);
        if let Some(page) = self.resident(place.at) {
            probe.part(part, Origin::Memory);
            return Ok(page);
        }
        let handle = self.handle_at(place.at, Some(&place.index))?;
        // Somebody else may load it first.
        let mut from = Origin::Memory;
        let page = self.load(place.at, how, &mut || {
            from = Origin::Disk(handle.file_len());
            self.source().read_entries(handle, BlockKind::Data)
        })?;
        probe.part(part, from);
        Ok(page)
    }

    /// How many data blocks a partition has; none if there is no such partition.
    #[inline]
    pub(super) fn blocks(&self, at: usize) -> usize {
        self.opened.top.get(at).map_or(0, |partition| partition.blocks as usize)
    }

    /// Where a data block, named by its partition and its number there, stands. `index` is that of
    /// the partition.
    pub(super) fn handle_at(&self, at: (usize, usize), index: Option<&Page>) -> Result<Handle> {
        let index = index.ok_or_else(no_partition)?;
        let partition = self.opened.top.get(at.0).ok_or_else(no_partition)?;
        let sought = self.source().sought(partition.index, BlockKind::Index);
        let view = index.view();
        if at.1 >= view.len() {
            return Err(sought.damaged("does not reach as far as the top index says"));
        }
        let mut bytes = Decoder::new(view.value(at.1));
        Handle::decode(&mut bytes)
            .filter(|handle| bytes.is_empty() && partition.has(*handle))
            .ok_or_else(|| sought.damaged("names an impossible place"))
    }

    /// A data block, if it is in the cache.
    #[inline]
    pub(super) fn resident(&self, at: (usize, usize)) -> Option<Page> {
        let leaf = self.leaves.get(at.0)?.get()?;
        Page::shared(self.cache.get(leaf, at.1)?)
    }

    /// The same for a walk that passes: this is no reason to keep it.
    #[inline]
    pub(super) fn passed(&self, at: (usize, usize)) -> Option<Page> {
        let leaf = self.leaves.get(at.0)?.get()?;
        Page::shared(self.cache.pass(leaf, at.1)?)
    }

    /// A data block, named by its partition and its number there, through the cache. `read` reads
    /// it if it is not there, and sees to it that it is well formed.
    pub(super) fn load(
        &self,
        at: (usize, usize),
        how: Use,
        read: &mut dyn FnMut() -> Result<Draft>,
    ) -> Result<Page> {
        let leaf = self.leaves.get(at.0).ok_or_else(no_partition)?;
        let leaf = leaf.get_or_init(|| Slots::new(self.blocks(at.0)));
        let frame = self.cache.get_or_draft(leaf, at.1, how, read)?;
        Page::shared(frame).ok_or_else(no_partition)
    }

    /// Bytes that it keeps in memory itself, beside what is in the cache.
    #[must_use]
    pub fn resident_bytes(&self) -> usize {
        let tombstones = self.tombstones.get().map_or(0, |tombstones| tombstones.bytes());
        let leaves = self.leaves.capacity() * size_of::<OnceLock<Arc<Slots>>>();
        size_of::<Self>() + self.opened.top.bytes() + leaves + tombstones
    }

    /// About where in the file an entry with this key would stand.
    pub fn offset_of(&self, key: &[u8]) -> Result<u64> {
        let at = self.opened.top.find(key, NEWEST);
        if at >= self.opened.top.len() {
            return Ok(self.opened.body_end());
        }
        let index = self.index(at, Use::Index)?;
        let block = index.view().lower_bound(key, NEWEST);
        Ok(self.handle_at((at, block), Some(&index))?.offset)
    }
}

/// What a filter is asked for: the hash of the key.
#[inline]
fn asked_for(hash: u64) -> u64 {
    if planted(Bug::FilterAskedForOther) { !hash } else { hash }
}

/// What cannot happen: partitions are counted when the table is opened, and images are parsed
/// before they become frames.
fn no_partition() -> Error {
    Error::new(ErrorKind::Internal, "a block of a table is not where it was found")
}
