//! The key of the entry that a cursor is at.

use crate::table::block::view::BlockView;

/// Suffixes up to this length are copied as so many bytes, whatever their length: two moves of the
/// processor, and no call.
const WIDE: usize = 32;

/// A key put together from a block's prefix and an entry's suffix. The prefix is copied once for a
/// block, the suffix once for a step.
#[derive(Clone, Debug, Default)]
pub struct KeyBuffer {
    bytes: Vec<u8>,
    prefix: usize,
    len: usize,
}

impl KeyBuffer {
    /// An empty key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a block's prefix. The key is the prefix alone until `load`.
    pub fn enter(&mut self, view: &BlockView<'_>) {
        let prefix = view.prefix();
        self.bytes.clear();
        self.bytes.extend_from_slice(prefix);
        self.bytes.resize(prefix.len() + WIDE, 0);
        self.prefix = prefix.len();
        self.len = prefix.len();
    }

    /// Takes an entry's key. `view` is of the block that was entered.
    #[inline]
    pub fn load(&mut self, view: &BlockView<'_>, index: usize) {
        let (len, wide) = view.wide_suffix::<WIDE>(index);
        let place = self.bytes.get_mut(self.prefix..).and_then(<[u8]>::first_chunk_mut::<WIDE>);
        if let (Some(from), Some(to)) = (wide, place) {
            *to = *from;
            self.len = self.prefix + len;
        } else {
            self.load_long(view.suffix(index));
        }
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    #[cold]
    fn load_long(&mut self, suffix: &[u8]) {
        self.bytes.truncate(self.prefix);
        self.bytes.extend_from_slice(suffix);
        self.len = self.bytes.len();
        self.bytes.resize(self.len + WIDE, 0);
    }
}

#[cfg(test)]
mod tests;
