//! Little-endian integers and varints, read by a decoder that cannot panic.
//!
//! A decoder answers `None` as soon as the bytes do not hold what is asked for; its caller, who
//! knows the file and the offset, makes an error of it. No length read from a file is trusted:
//! every one is held against the bytes that are left.

/// Reads a buffer from front to back.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when every byte has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Four bytes, little endian.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little endian.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A varint of at most ten bytes, in its shortest form only.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                let is_shortest = byte != 0 || shift == 0;
                return is_shortest.then_some(value);
            }
        }
        None
    }

    /// A varint length, then that many bytes.
    pub fn prefixed(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.bytes(len)
    }
}

/// Appends a varint in its shortest form.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint length, then the bytes.
pub fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Fills a fixed-size header from front to back; what is left stays zero.
#[derive(Debug)]
pub struct HeaderWriter<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> HeaderWriter<N> {
    /// An empty header of `N` zero bytes.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: [0; N], at: 0 }
    }

    /// Places the next bytes; those that do not fit are a bug in the layout and are left out, which
    /// the header's own check would show at once.
    #[must_use]
    pub fn put(mut self, bytes: &[u8]) -> Self {
        let end = self.at + bytes.len();
        debug_assert!(end <= N, "the header's layout is too small");
        if let Some(place) = self.bytes.get_mut(self.at..end) {
            place.copy_from_slice(bytes);
            self.at = end;
        }
        self
    }

    /// The next four bytes, little endian.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    /// The next eight bytes, little endian.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    /// The finished header.
    #[must_use]
    pub fn finish(self) -> [u8; N] {
        self.bytes
    }
}

impl<const N: usize> Default for HeaderWriter<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
