//! Reads blocks of one file, and believes none before it is verified.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::room::make_room_for_all;
use crate::base::scratch::Scratch;
use crate::cache::draft::Draft;
use crate::env::fs::{File, read_full_at};
use crate::table::block::builder::BLOCK;
use crate::table::block::view::Layout;
use crate::table::handle::{BLOCKS_START, BlockKind, Handle};
use crate::table::seal::Sought;

/// What is longer is not read by way of the thread's own bytes.
const SCRATCH_MAX: usize = 20 << 10;

/// An open file that blocks are read from.
#[derive(Debug)]
pub struct Source {
    file: Arc<dyn File>,
    file_id: u64,
    limit: u64,
}

impl Source {
    /// The blocks of `file`, which has this id, end before `limit`.
    #[must_use]
    pub fn new(file: Arc<dyn File>, file_id: u64, limit: u64) -> Self {
        Self { file, file_id, limit }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Where the last block ends.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The block that ought to stand there.
    #[must_use]
    pub fn sought(&self, handle: Handle, kind: BlockKind) -> Sought<'_> {
        Sought { path: self.file.path(), file_id: self.file_id, handle, kind }
    }

    /// Refuses a handle that leads out of the blocks. So no handle makes anybody allocate more than
    /// the length of the file.
    pub fn check_place(&self, sought: &Sought<'_>) -> Result<()> {
        let handle = sought.handle;
        let is_inside = handle.offset >= BLOCKS_START && handle.end() <= self.limit;
        if handle.is_none() || !is_inside {
            return Err(sought.damaged("would lie outside the blocks"));
        }
        Ok(())
    }

    /// Reads a block, verifies it, and unpacks it.
    pub fn read(&self, handle: Handle, kind: BlockKind) -> Result<Vec<u8>> {
        let sought = self.sought(handle, kind);
        self.check_place(&sought)?;
        let mut bytes = Vec::new();
        self.read_at(handle.offset, handle.file_len() as usize, &mut bytes)?;
        let packed = sought.verify(&bytes)?;
        if packed.is_plain() {
            bytes.truncate(handle.len as usize);
            return Ok(bytes);
        }
        let mut image = Vec::new();
        sought.unpack(packed, &mut image)?;
        Ok(image)
    }

    /// The same, where a cache can keep it. What is long is read right there, in case that it is
    /// not packed.
    pub fn read_draft(&self, handle: Handle, kind: BlockKind) -> Result<Draft> {
        let sought = self.sought(handle, kind);
        self.check_place(&sought)?;
        let len = handle.file_len() as usize;
        if len <= SCRATCH_MAX {
            let mut bytes = Scratch::Block.take();
            bytes.resize(bytes.len().max(len), 0);
            let draft = self.read_over(&sought, bytes.get_mut(..len).unwrap_or_default());
            Scratch::Block.keep(bytes);
            return draft;
        }
        let mut bytes = Draft::new(len)?;
        let read = self.read_into(handle.offset, &mut bytes)?;
        let packed = sought.verify(bytes.get(..read).unwrap_or_default())?;
        if !packed.is_plain() {
            return sought.unpack_draft(packed);
        }
        bytes.truncate(handle.len as usize);
        Ok(bytes)
    }

    /// The same, by way of bytes that are as long as the block in the file.
    fn read_over(&self, sought: &Sought<'_>, bytes: &mut [u8]) -> Result<Draft> {
        let read = self.read_into(sought.handle.offset, bytes)?;
        sought.unpack_draft(sought.verify(bytes.get(..read).unwrap_or_default())?)
    }

    /// Reads a block of entries, and sees to it that it is well formed.
    pub fn read_entries(&self, handle: Handle, kind: BlockKind) -> Result<Draft> {
        let image = self.read_draft(handle, kind)?;
        check_entries(&self.sought(handle, kind), &image)?;
        Ok(image)
    }

    /// Reads `len` bytes at `offset` into `out`, whose contents they replace; fewer if the file has
    /// been cut.
    pub fn read_at(&self, offset: u64, len: usize, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        make_room_for_all(out, len, BLOCK)?;
        out.resize(len, 0);
        let read = self.read_into(offset, out)?;
        out.truncate(read);
        Ok(())
    }

    /// Fills `out` with what stands at `offset`; answers how much that was, less than all only if
    /// the file has been cut.
    pub fn read_into(&self, offset: u64, out: &mut [u8]) -> Result<usize> {
        read_full_at(self.file.as_ref(), out, offset)
    }
}

/// Refuses an image that is not a well-formed block of entries; answers how many it has.
pub fn check_entries(sought: &Sought<'_>, image: &[u8]) -> Result<usize> {
    let layout = Layout::parse(image).ok_or_else(|| sought.damaged("is malformed"))?;
    Ok(layout.len())
}
