//! What opening a table reads, and how it is held together before anything is believed.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::cursor::tombstone::Fragments;
use crate::env::fs::File;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::table::footer::{FOOTER_LEN, Footer};
use crate::table::handle::{BlockKind, Handle};
use crate::table::properties::Properties;
use crate::table::source::Source;
use crate::table::top::Top;

/// So much of the end is read at once: it holds all that opening needs of most tables.
const TAIL: u64 = 16 << 10;

/// What the manifest knows of a table that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The id in its header.
    pub file_id: u64,
    /// Its length.
    pub bytes: u64,
}

/// A file that was found to be a table.
#[derive(Debug)]
pub struct Opened {
    /// Reads its blocks.
    pub source: Source,
    /// Its first bytes.
    pub header: FileHeader,
    /// Its last bytes.
    pub footer: Footer,
    /// Its partitions.
    pub top: Top,
    /// Counts and bounds.
    pub properties: Properties,
    /// How much of the file was read for all that.
    pub bytes_read: u64,
}

impl Opened {
    /// Reads header, footer, properties and top index.
    pub fn read(file: Arc<dyn File>, expect: Expect) -> Result<Self> {
        let damaged = |offset, why: String| Error::corruption(file.path(), offset, why);
        let bytes = file.len()?;
        if bytes != expect.bytes {
            let why = format!("the table has {bytes} bytes, and had {}", expect.bytes);
            return Err(damaged(bytes.min(expect.bytes), why));
        }
        let header = FileHeader::read(file.as_ref(), FileKind::Table)?;
        let Some(limit) = bytes.checked_sub(FOOTER_LEN as u64).filter(|at| *at >= HEADER) else {
            return Err(damaged(0, "the table is too short to be one".to_owned()));
        };
        let source = Source::new(Arc::clone(&file), header.file_id, limit);
        let tail = Tail::read(&source, bytes)?;
        let footer = Footer::decode(tail.footer(), limit, file.path())?;
        if header.file_id != expect.file_id {
            return Err(damaged(32, "the table is not the one that is listed".to_owned()));
        }
        if footer.file_id != header.file_id {
            return Err(damaged(limit, "the footer is that of another table".to_owned()));
        }
        if !is_chain(&footer, limit) {
            return Err(damaged(limit, "the footer names impossible places".to_owned()));
        }
        let image = tail.block(&source, footer.properties, BlockKind::Properties)?;
        let sought = source.sought(footer.properties, BlockKind::Properties);
        let properties =
            Properties::decode(&image).ok_or_else(|| sought.damaged("is malformed"))?;
        let top = match footer.top {
            Handle::NONE => None,
            handle => Some(tail.block(&source, handle, BlockKind::Top)?),
        };
        let body_end = body_end(&footer);
        let top = match top {
            Some(image) => Top::parse(image, body_end),
            None => Some(Top::default()).filter(|_| body_end == HEADER),
        };
        let sought = source.sought(footer.top, BlockKind::Top);
        let top = top.ok_or_else(|| sought.damaged("is malformed"))?;
        let bytes_read = HEADER + tail.bytes_read([footer.properties, footer.top]);
        Ok(Self { source, header, footer, top, properties, bytes_read })
    }

    /// Where the last partition ends.
    #[must_use]
    pub fn body_end(&self) -> u64 {
        body_end(&self.footer)
    }

    /// The range tombstones, from the file.
    pub fn read_tombstones(&self) -> Result<Fragments> {
        let handle = self.footer.tombstones;
        if handle.is_none() {
            return Ok(Fragments::default());
        }
        let image = self.source.read(handle, BlockKind::Tombstones)?;
        let sought = self.source.sought(handle, BlockKind::Tombstones);
        Fragments::decode(&image).ok_or_else(|| sought.damaged("is malformed"))
    }
}

const HEADER: u64 = HEADER_LEN as u64;

fn body_end(footer: &Footer) -> u64 {
    let first = if footer.tombstones.is_none() { footer.parts } else { footer.tombstones };
    first.offset
}

/// True if the blocks behind the partitions stand one behind the other up to the footer.
fn is_chain(footer: &Footer, limit: u64) -> bool {
    let Footer { top, properties, parts, tombstones, .. } = *footer;
    let is_behind = |block: Handle, end: u64| block.is_none() || block.offset == end;
    !parts.is_none()
        && !properties.is_none()
        && body_end(footer) >= HEADER
        && (tombstones.is_none() || parts.offset == tombstones.end())
        && properties.offset == parts.end()
        && is_behind(top, properties.end())
        && properties.end().max(top.end()) == limit
}

/// The end of a file, read at once.
struct Tail {
    bytes: Vec<u8>,
    start: u64,
}

impl Tail {
    fn read(source: &Source, len: u64) -> Result<Self> {
        let start = len.saturating_sub(TAIL);
        let mut bytes = Vec::new();
        source.read_at(start, (len - start) as usize, &mut bytes)?;
        Ok(Self { bytes, start })
    }

    fn footer(&self) -> &[u8] {
        let at = self.bytes.len().saturating_sub(FOOTER_LEN);
        self.bytes.get(at..).unwrap_or_default()
    }

    /// How much was read with these blocks, of which some may not be here.
    fn bytes_read<const N: usize>(&self, blocks: [Handle; N]) -> u64 {
        let beyond = blocks.iter().filter(|block| block.offset < self.start);
        self.bytes.len() as u64 + beyond.map(|block| block.file_len()).sum::<u64>()
    }

    /// A block, from here if it is here.
    fn block(&self, source: &Source, handle: Handle, kind: BlockKind) -> Result<Vec<u8>> {
        let Some(at) = handle.offset.checked_sub(self.start) else {
            return source.read(handle, kind);
        };
        let sought = source.sought(handle, kind);
        source.check_place(&sought)?;
        let bytes = self.bytes.get(at as usize..).unwrap_or_default();
        let bytes = bytes.get(..handle.file_len() as usize).unwrap_or_default();
        let mut image = Vec::new();
        sought.unpack(sought.verify(bytes)?, &mut image)?;
        Ok(image)
    }
}
