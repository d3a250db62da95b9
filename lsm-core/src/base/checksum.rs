//! The two checks and the one hash. Their definitions are part of the file formats for ever.

use xxhash_rust::xxh3::xxh3_64;

/// XXH3-64 with seed 0: of every payload, header, trailer and key that is hashed.
#[inline]
#[must_use]
pub fn hash64(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// CRC-32 (ISO-HDLC) of a file as a whole, as any `crc32` tool computes it, taken piece by piece.
#[derive(Clone, Debug, Default)]
pub struct FileCrc(crc32fast::Hasher);

impl FileCrc {
    /// The check of no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The check of all bytes so far.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}
