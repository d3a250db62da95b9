//! Pages: unpacked blocks in memory, and the looks that are taken at them.

use crate::base::slice::{INLINE_MAX, Slice};
use crate::cache::frame::{Frame, Glimpse};
use crate::table::block::view::{BlockView, Layout};

/// An entry that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Sequence number and kind.
    pub trailer: u64,
    /// The value. A long one lies in the block, and keeps it in memory.
    pub value: Slice,
}

/// A block of entries in memory, with its layout at hand. It stays, whatever the cache does.
#[derive(Clone, Debug)]
pub struct Page {
    bytes: Bytes,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Bytes {
    /// In the cache, or no longer there and still held here.
    Shared(Frame),
    /// Read past the cache, by one cursor for itself.
    Own(Vec<u8>),
}

impl Page {
    /// A page of the cache, whose image was parsed when it was loaded.
    #[inline]
    #[must_use]
    pub fn shared(frame: Frame) -> Option<Self> {
        let layout = Layout::of_parsed(frame.bytes())?;
        Some(Self { bytes: Bytes::Shared(frame), layout })
    }

    /// A page of one's own; `None` if the image is malformed.
    #[must_use]
    pub fn own(image: Vec<u8>) -> Option<Self> {
        let layout = Layout::parse(&image)?;
        Some(Self { bytes: Bytes::Own(image), layout })
    }

    /// The entries.
    #[inline]
    #[must_use]
    pub fn view(&self) -> BlockView<'_> {
        BlockView::new(self.bytes(), &self.layout)
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Shared(frame) => frame.bytes(),
            Bytes::Own(image) => image,
        }
    }

    /// How many entries.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// The newest entry of the key with a trailer of at most `ceiling`. A long value lies in the
    /// page, and keeps it in memory.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8], hash: u64, ceiling: u64) -> Option<Found> {
        let view = self.view();
        let entry = view.find(key, (hash >> 56) as u8, ceiling)?;
        Some(Found { trailer: view.trailer(entry), value: self.value(entry) })
    }

    /// The value of an entry. A long one lies in the page, and keeps it in memory.
    #[inline]
    #[must_use]
    pub fn value(&self, entry: usize) -> Slice {
        let view = self.view();
        match &self.bytes {
            Bytes::Own(_) => Slice::copy_from(view.value(entry)),
            Bytes::Shared(frame) => pinned(&view, entry, || frame.clone()),
        }
    }

    /// The memory of a page of one's own, to be used again; an empty vector for any other.
    #[must_use]
    pub fn into_memory(self) -> Vec<u8> {
        match self.bytes {
            Bytes::Shared(_) => Vec::new(),
            Bytes::Own(image) => image,
        }
    }
}

/// A page of the cache that is looked at in passing.
#[derive(Clone, Copy, Debug)]
pub struct Peek<'t> {
    block: Glimpse<'t>,
    layout: Layout,
}

impl<'t> Peek<'t> {
    /// A look at a block, whose image was parsed when it was loaded.
    #[inline]
    #[must_use]
    pub fn new(block: Glimpse<'t>) -> Option<Self> {
        block.touch();
        Some(Self { block, layout: Layout::of_parsed(block.bytes())? })
    }

    /// The entries.
    #[inline]
    #[must_use]
    pub fn view(&self) -> BlockView<'_> {
        BlockView::new(self.block.bytes(), &self.layout)
    }

    /// As `Page::find`.
    #[inline]
    #[must_use]
    pub fn find(&self, key: &[u8], hash: u64, ceiling: u64) -> Option<Found> {
        let view = self.view();
        let entry = view.find(key, (hash >> 56) as u8, ceiling)?;
        let value = pinned(&view, entry, || self.block.keep());
        Some(Found { trailer: view.trailer(entry), value })
    }
}

/// The value of an entry: a copy if it is short, else kept where it lies, in a frame.
#[inline]
fn pinned(view: &BlockView<'_>, entry: usize, frame: impl FnOnce() -> Frame) -> Slice {
    let (start, end) = view.value_range(entry);
    if end.saturating_sub(start) <= INLINE_MAX {
        return Slice::copy_from(view.value(entry));
    }
    Slice::pinned(frame(), |bytes| bytes.get(start..end).unwrap_or_default())
}
