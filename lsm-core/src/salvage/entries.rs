//! The entries of one table in order, as far as they can be read; what cannot is told as the keys
//! between what can.

use std::collections::VecDeque;

use crate::base::codec::Decoder;
use crate::base::error::{Error, Result};
use crate::key::trailer::entry_order;
use crate::salvage::findings::{Findings, KeySpan, behind};
use crate::salvage::scan::{Piece, scan};
use crate::salvage::table::{Candidate, Layout};
use crate::table::handle::{BlockKind, Handle};
use crate::table::page::Page;
use crate::table::partition::Partition;
use crate::table::separator::OLDEST;
use crate::table::source::Source;
use crate::table::top::Top;

/// A walk over the entries of a table.
#[derive(Debug)]
pub struct Entries {
    table: Candidate,
    source: Source,
    partitions: VecDeque<Partition>,
    steps: VecDeque<Step>,
    page: Option<Page>,
    entry: usize,
    /// The entry where the walk stands.
    key: Vec<u8>,
    trailer: u64,
    has_any: bool,
    /// Everything before this key is known: where a loss begins that comes next.
    known_to: Vec<u8>,
    loss: Option<Lost>,
    /// Bytes of the file that were passed since somebody asked.
    passed: u64,
}

/// What comes next in a table.
#[derive(Debug)]
enum Step {
    /// A data block, and the separator behind it if there is one.
    Block(Handle, Option<(Vec<u8>, u64)>),
    /// Bytes that hold blocks no more.
    Gap(u64),
}

/// Something that was lost, of which the end is not known yet.
#[derive(Debug)]
struct Lost {
    from: Vec<u8>,
    bytes: u64,
}

impl Entries {
    /// A walk that stands before the first entry.
    pub fn new(table: &Candidate, source: Source) -> Result<Self> {
        let mut entries = Self {
            table: table.clone(),
            source,
            partitions: VecDeque::new(),
            steps: VecDeque::new(),
            page: None,
            entry: 0,
            key: Vec::new(),
            trailer: 0,
            has_any: false,
            known_to: Vec::new(),
            loss: None,
            passed: 0,
        };
        match &table.layout {
            Layout::Lost => {}
            Layout::Indexed { top, .. } if top.is_none() => {}
            Layout::Indexed { top, body_end } => {
                let image = entries.source.read(*top, BlockKind::Top)?;
                let top = Top::parse(image, *body_end).ok_or_else(|| {
                    entries.source.sought(*top, BlockKind::Top).damaged("is malformed")
                })?;
                entries.partitions = (0..top.len()).filter_map(|at| top.get(at).copied()).collect();
            }
            Layout::Scanned(pieces) => entries.steps = steps_of(pieces),
        }
        Ok(entries)
    }

    /// The full key of the entry.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Its sequence number and kind.
    #[must_use]
    pub fn trailer(&self) -> u64 {
        self.trailer
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.page.as_ref().map_or(&[], |page| page.view().value(self.entry))
    }

    /// How many bytes of the file were passed since this was asked last.
    pub fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// Moves to the next entry that counts; false behind the last one.
    pub fn advance(&mut self, findings: &mut Findings) -> Result<bool> {
        loop {
            let len = self.page.as_ref().map_or(0, Page::len);
            if self.has_any && self.entry + 1 < len {
                self.entry += 1;
            } else if !self.next_block(findings)? {
                self.end_loss(findings, None);
                return Ok(false);
            }
            if let Some(page) = &self.page {
                page.view().key_into(self.entry, &mut self.key);
                self.trailer = page.view().trailer(self.entry);
            }
            self.has_any = true;
            if self.table.counts(&self.key) {
                return Ok(true);
            }
        }
    }

    /// Goes to the first entry of the next block that can be read.
    fn next_block(&mut self, findings: &mut Findings) -> Result<bool> {
        if self.has_any && self.key > self.known_to {
            self.known_to.clone_from(&self.key);
        }
        loop {
            let Some(step) = self.steps.pop_front() else {
                let Some(partition) = self.partitions.pop_front() else { return Ok(false) };
                self.enter(&partition, findings)?;
                continue;
            };
            match step {
                Step::Gap(bytes) => {
                    self.passed += bytes;
                    self.begin_loss(bytes);
                }
                Step::Block(handle, separator) => {
                    self.passed += handle.file_len();
                    if self.take_block(handle, findings)? {
                        self.note_separator(separator);
                        return Ok(true);
                    }
                    self.begin_loss(handle.file_len());
                    if let Some((key, _)) = &separator {
                        let to = behind(key);
                        self.end_loss(findings, Some(to));
                    }
                    self.note_separator(separator);
                }
            }
        }
    }

    /// From where on a loss behind this block would reach.
    fn note_separator(&mut self, separator: Option<(Vec<u8>, u64)>) {
        match separator {
            Some((key, OLDEST)) => self.known_to = behind(&key),
            Some((key, _)) => self.known_to = key,
            None => {}
        }
    }

    /// Makes this block the page, if it can be.
    fn take_block(&mut self, handle: Handle, findings: &mut Findings) -> Result<bool> {
        let page = match self.read_block(handle) {
            Ok(page) => page,
            Err(error) => {
                findings.damage(&self.table.name, &error)?;
                return Ok(false);
            }
        };
        let mut first = Vec::new();
        page.view().key_into(0, &mut first);
        let is_next = !self.has_any
            || entry_order((&self.key, self.trailer), (&first, page.view().trailer(0))).is_lt();
        if !is_next {
            findings.damage_at(&self.table.name, Some(handle.offset), "a block is out of order");
            return Ok(false);
        }
        // What was lost before may hold newer entries of this key.
        self.end_loss(findings, Some(behind(&first)));
        self.page = Some(page);
        self.entry = 0;
        Ok(true)
    }

    fn read_block(&self, handle: Handle) -> Result<Page> {
        let sought = self.source.sought(handle, BlockKind::Data);
        let image = self.source.read(handle, BlockKind::Data)?;
        let page = Page::own(image).ok_or_else(|| sought.damaged("is malformed"))?;
        if page.view().check_order() { Ok(page) } else { Err(sought.damaged("is out of order")) }
    }

    /// The blocks of the next partition: by its index, or by their checks.
    fn enter(&mut self, partition: &Partition, findings: &mut Findings) -> Result<()> {
        self.passed += partition.index.end().saturating_sub(partition.data_end());
        match self.read_index(partition) {
            Ok(steps) => self.steps = steps,
            Err(error) => {
                findings.damage(&self.table.name, &error)?;
                let pieces = scan(&self.source, partition.start, partition.data_end())?;
                self.steps = steps_of(&pieces);
            }
        }
        Ok(())
    }

    fn read_index(&self, partition: &Partition) -> Result<VecDeque<Step>> {
        let sought = self.source.sought(partition.index, BlockKind::Index);
        let image = self.source.read(partition.index, BlockKind::Index)?;
        let index = Page::own(image).ok_or_else(|| sought.damaged("is malformed"))?;
        let view = index.view();
        if view.len() != partition.blocks as usize || !view.check_order() {
            return Err(sought.damaged("does not fit its partition"));
        }
        let step = |at: usize| -> Result<Step, Error> {
            let handle = Handle::decode(&mut Decoder::new(view.value(at)));
            let handle = handle.filter(|handle| partition.has(*handle));
            let handle = handle.ok_or_else(|| sought.damaged("names an impossible place"))?;
            let mut key = Vec::new();
            view.key_into(at, &mut key);
            Ok(Step::Block(handle, Some((key, view.trailer(at)))))
        };
        (0..view.len()).map(step).collect()
    }

    fn begin_loss(&mut self, bytes: u64) {
        let from = self.known_to.clone();
        self.loss.get_or_insert(Lost { from, bytes: 0 }).bytes += bytes;
    }

    fn end_loss(&mut self, findings: &mut Findings, to: Option<Vec<u8>>) {
        if let Some(Lost { from, bytes }) = self.loss.take() {
            self.table.lose(findings, &KeySpan { from, to }, (None, Some(bytes)));
        }
    }
}

/// The data blocks that were found, and the gaps between them.
fn steps_of(pieces: &[Piece]) -> VecDeque<Step> {
    let step = |piece: &Piece| match *piece {
        Piece::Block(BlockKind::Data, handle) => Some(Step::Block(handle, None)),
        Piece::Block(..) => None,
        Piece::Gap(from, to) => Some(Step::Gap(to.saturating_sub(from))),
    };
    pieces.iter().filter_map(step).collect()
}
