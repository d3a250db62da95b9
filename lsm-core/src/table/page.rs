//! Pages: unpacked blocks in memory, and the looks that are taken at them.

use crate::base::slice::Slice;
use crate::cache::frame::Frame;
use crate::table::block::view::{BlockView, Layout};

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

    /// The value of an entry. A long one lies in the page, and keeps it in memory.
    #[inline]
    #[must_use]
    pub fn into_value(self, entry: usize) -> Slice {
        let value = self.view().value(entry);
        // Where it lies in the page, for the page is given away before the value is taken.
        let start = value.as_ptr().addr().wrapping_sub(self.bytes().as_ptr().addr());
        let range = start..start.wrapping_add(value.len());
        match self.bytes {
            Bytes::Own(image) => Slice::copy_from(image.get(range).unwrap_or_default()),
            Bytes::Shared(frame) => {
                Slice::pinned(frame, |bytes| bytes.get(range).unwrap_or_default())
            }
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
