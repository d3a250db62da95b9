//! One table, read as far as it can be: each of its parts by itself.
//!
//! What opening a table refuses as a whole is looked at here one by one. With a footer and a top
//! index the partitions are known; a partition whose index is damaged is searched for its blocks,
//! and so is a whole file without the one or the other.

use crate::base::error::Result;
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::key::full::{PREFIX_LEN, keyspace_of};
use crate::key::seqno::SeqNo;
use crate::salvage::findings::{Findings, KeySpan, Loss, behind};
use crate::salvage::inventory::Inventory;
use crate::salvage::scan::{Piece, scan};
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::table::handle::{BLOCKS_START, BlockKind, Handle};
use crate::table::properties::{Properties, decode_parts};
use crate::table::source::Source;
use crate::table::top::Top;
use crate::version::catalog::TableEntry;

/// A table that is to be read.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// The name of the file; that of a table that is missing, if there is none.
    pub name: String,
    /// It is there.
    pub is_there: bool,
    /// The newer ones have the higher number.
    pub number: u64,
    /// Its random id.
    pub file_id: u64,
    /// Its length, by the manifest or as it is.
    pub bytes: u64,
    /// What it holds, as far as it is known; with nothing older under it or not.
    pub spans: Vec<PartSpan>,
    /// Only these parts of it count: others belong to the database no more.
    pub is_bounded: bool,
    /// How many range tombstones it has, if that is known.
    pub range_deletes: Option<u64>,
    /// Where its blocks are, once it was looked at.
    pub layout: Layout,
}

/// What a table holds of one keyspace.
#[derive(Clone, Debug, Default)]
pub struct PartSpan {
    /// From where to where.
    pub span: KeySpan,
    /// How many entries.
    pub entries: u64,
    /// About how many bytes of the file.
    pub bytes: u64,
    /// Something older may lie under it.
    pub has_older: bool,
}

/// Where the blocks of a table are.
#[derive(Clone, Debug, Default)]
pub enum Layout {
    /// Nowhere.
    #[default]
    Lost,
    /// In the partitions that this block names, which end here.
    Indexed {
        /// The top index; none if there are no entries.
        top: Handle,
        /// Where the last partition ends.
        body_end: u64,
    },
    /// Found by their checks.
    Scanned(Vec<Piece>),
}

/// What a look at a table has found beside its entries.
#[derive(Debug, Default)]
pub struct Look {
    /// Its range tombstones.
    pub tombstones: Vec<Tombstone>,
    /// Its largest sequence number, if it says it.
    pub seqno_max: Option<SeqNo>,
}

impl Candidate {
    /// A table that the manifest lists.
    #[must_use]
    pub fn listed(entry: &TableEntry, name: &str, is_there: bool) -> Self {
        let meta = &entry.meta;
        let spans = entry.slices.iter().map(|slice| PartSpan {
            span: span_of(&slice.smallest, &slice.largest, slice.is_largest_excluded),
            entries: slice.entries,
            bytes: slice.bytes,
            has_older: true,
        });
        Self {
            name: name.to_owned(),
            is_there,
            number: meta.number,
            file_id: meta.file_id,
            bytes: meta.bytes,
            spans: spans.collect(),
            is_bounded: true,
            range_deletes: Some(meta.range_deletes),
            layout: Layout::Lost,
        }
    }

    /// The file, open.
    pub fn open(&self, inventory: &Inventory) -> Result<Source> {
        let file = inventory.open(&self.name)?;
        let limit = file.len()?;
        Ok(Source::new(file, self.file_id, limit))
    }

    /// Looks at everything but the entries.
    pub fn look(&mut self, inventory: &Inventory, findings: &mut Findings) -> Result<Look> {
        findings.file(&self.name, if self.is_there { self.bytes } else { 0 });
        if !self.is_there {
            findings.damage_at(&self.name, None, "a table that is needed is missing");
            self.lose_all(findings);
            return Ok(Look::default());
        }
        match self.try_look(inventory, findings) {
            Err(error) => {
                findings.damage(&self.name, &error)?;
                self.layout = Layout::Lost;
                self.lose_all(findings);
                Ok(Look::default())
            }
            look => look,
        }
    }

    /// Nothing of it was rescued.
    fn lose_all(&self, findings: &mut Findings) {
        findings.lose_file(&self.name);
        if self.spans.is_empty() {
            return self.lose(findings, &KeySpan::all(), (None, Some(self.bytes)));
        }
        for part in &self.spans {
            let (entries, bytes) = (Some(part.entries), Some(part.bytes));
            let (span, older_may_show) = (part.span.clone(), part.has_older);
            findings.lose(&self.name, Loss { span, entries, bytes, older_may_show });
        }
    }

    /// Entries of these keys were lost, as far as the table holds such keys.
    pub fn lose(
        &self,
        findings: &mut Findings,
        span: &KeySpan,
        (entries, bytes): (Option<u64>, Option<u64>),
    ) {
        if self.spans.is_empty() {
            let loss = Loss { span: span.clone(), entries: None, bytes, older_may_show: true };
            return findings.lose(&self.name, loss);
        }
        for part in &self.spans {
            let Some(span) = part.span.and(span) else { continue };
            let older_may_show = part.has_older;
            findings.lose(&self.name, Loss { span, entries, bytes, older_may_show });
        }
    }

    fn try_look(&mut self, inventory: &Inventory, findings: &mut Findings) -> Result<Look> {
        let source = self.open(inventory)?;
        if source.limit() != self.bytes {
            let why = format!("the table has {} bytes, and had {}", source.limit(), self.bytes);
            let at = source.limit().min(self.bytes);
            findings.damage_at(&self.name, Some(at), &why);
        }
        let footer = self.footer(&source, findings)?;
        let mut found = match footer {
            Some(footer) => Found::of(&footer),
            None => self.search(&source, BLOCKS_START)?,
        };
        let mut look = Look::default();
        if let Some(image) = self.block(&source, found.parts, BlockKind::Parts, findings)? {
            self.take_parts(&image);
        }
        let image = self.block(&source, found.properties, BlockKind::Properties, findings)?;
        if let Some(properties) = image.and_then(|image| Properties::decode(&image)) {
            look.seqno_max = Some(properties.seqno_max);
            self.range_deletes = Some(properties.range_deletes);
        }
        if let (Some(_), Layout::Indexed { top, body_end }) = (footer, &self.layout) {
            let (top, body_end) = (*top, *body_end);
            if !self.has_top(&source, top, body_end, findings)? {
                let scanned = self.search(&source, BLOCKS_START)?;
                found.tombstones = found.tombstones.or(scanned.tombstones);
            }
        }
        look.tombstones = self.tombstones(&source, &found, findings)?;
        Ok(look)
    }

    /// The footer, if it can be believed.
    fn footer(&mut self, source: &Source, findings: &mut Findings) -> Result<Option<Footer>> {
        let at = source.limit().min(self.bytes).checked_sub(FOOTER_LEN as u64);
        let Some(at) = at.filter(|at| *at >= BLOCKS_START) else { return Ok(None) };
        let mut bytes = Vec::new();
        source.read_at(at, FOOTER_LEN, &mut bytes)?;
        match Footer::decode(&bytes, at, source.file().path()) {
            Ok(footer) if footer.file_id == self.file_id => {
                let first =
                    if footer.tombstones.is_none() { footer.parts } else { footer.tombstones };
                self.layout = Layout::Indexed { top: footer.top, body_end: first.offset };
                Ok(Some(footer))
            }
            Ok(_) => {
                findings.damage_at(&self.name, Some(at), "the footer is that of another table");
                Ok(None)
            }
            Err(error) => {
                findings.damage(&self.name, &error)?;
                Ok(None)
            }
        }
    }

    fn has_top(
        &self,
        source: &Source,
        top: Handle,
        body_end: u64,
        findings: &mut Findings,
    ) -> Result<bool> {
        if top.is_none() {
            return Ok(body_end == BLOCKS_START);
        }
        let image = self.block(source, Some(top), BlockKind::Top, findings)?;
        Ok(image.is_some_and(|image| Top::parse(image, body_end).is_some()))
    }

    /// Looks for the blocks by their checks.
    fn search(&mut self, source: &Source, from: u64) -> Result<Found> {
        let mut pieces = scan(source, from, source.limit())?;
        let mut found = Found::default();
        let mut is_behind_block = false;
        for piece in &pieces {
            match *piece {
                Piece::Block(BlockKind::Tombstones, handle) => found.tombstones = Some(handle),
                Piece::Block(BlockKind::Properties, handle) => found.properties = Some(handle),
                Piece::Block(BlockKind::Parts, handle) => {
                    found.parts = Some(handle);
                    // Range tombstones stand right before it.
                    found.has_no_tombstones = is_behind_block && found.tombstones.is_none();
                }
                _ => {}
            }
            is_behind_block = matches!(piece, Piece::Block(..));
        }
        if source.limit() < self.bytes || found.properties.is_none() {
            // The end is missing, though perhaps nothing else is.
            pieces.push(Piece::Gap(source.limit(), self.bytes.max(source.limit())));
        }
        self.layout = Layout::Scanned(pieces);
        Ok(found)
    }

    /// A block, if it verifies.
    fn block(
        &self,
        source: &Source,
        handle: Option<Handle>,
        kind: BlockKind,
        findings: &mut Findings,
    ) -> Result<Option<Vec<u8>>> {
        let Some(handle) = handle else { return Ok(None) };
        match source.read(handle, kind) {
            Ok(image) => Ok(Some(image)),
            Err(error) => findings.damage(&self.name, &error).map(|()| None),
        }
    }

    fn take_parts(&mut self, image: &[u8]) {
        if self.is_bounded {
            return;
        }
        let parts = decode_parts(image).unwrap_or_default();
        let parts = parts.iter().map(|part| PartSpan {
            span: span_of(&part.smallest, &part.largest, part.is_largest_excluded),
            entries: part.entries,
            bytes: part.bytes,
            has_older: true,
        });
        self.spans = parts.collect();
    }

    fn tombstones(
        &self,
        source: &Source,
        found: &Found,
        findings: &mut Findings,
    ) -> Result<Vec<Tombstone>> {
        let has_none = found.has_no_tombstones || self.range_deletes == Some(0);
        if has_none && found.tombstones.is_none() {
            return Ok(Vec::new());
        }
        let image = self.block(source, found.tombstones, BlockKind::Tombstones, findings)?;
        let fragments = image.and_then(|image| Fragments::decode(&image));
        let Some(fragments) = fragments else {
            // What they deleted may be back.
            self.lose(findings, &KeySpan::all(), (self.range_deletes, None));
            return Ok(Vec::new());
        };
        let all = fragments.iter().filter(|tombstone| self.counts(&tombstone.start));
        Ok(all.collect())
    }

    /// True if an entry with this full key counts.
    #[must_use]
    pub fn counts(&self, key: &[u8]) -> bool {
        if key.len() < PREFIX_LEN {
            return false;
        }
        let id = keyspace_of(key);
        !self.is_bounded || self.spans.iter().any(|part| keyspace_of(&part.span.from) == id)
    }

    /// No key of it is smaller; empty if that is not known.
    #[must_use]
    pub fn smallest(&self) -> Vec<u8> {
        self.spans.iter().map(|part| part.span.from.clone()).min().unwrap_or_default()
    }
}

/// Where blocks are that are no entries.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    tombstones: Option<Handle>,
    properties: Option<Handle>,
    parts: Option<Handle>,
    has_no_tombstones: bool,
}

impl Found {
    fn of(footer: &Footer) -> Self {
        let some = |handle: Handle| Some(handle).filter(|handle| !handle.is_none());
        Self {
            tombstones: some(footer.tombstones),
            properties: some(footer.properties),
            parts: some(footer.parts),
            has_no_tombstones: footer.tombstones.is_none(),
        }
    }
}

fn span_of(smallest: &[u8], largest: &[u8], is_largest_excluded: bool) -> KeySpan {
    let to = if is_largest_excluded { largest.to_vec() } else { behind(largest) };
    KeySpan { from: smallest.to_vec(), to: Some(to) }
}
