//! A block in its file: a payload, packed or not, and a trailer that answers for it.
//!
//! ```text
//! n bytes of payload
//! n + 0  codec  u8  0 none, 1 LZ4, 2 zstd
//! n + 1  kind   u8  what the block holds
//! n + 2  flags u16  zero
//! n + 4  length u32 of the payload when it is unpacked
//! n + 8  check u64  hash64 of: file id u64, bytes 0 to 8 of the trailer, offset u64, n u64,
//!                   hash64 of the payload u64
//! ```
//!
//! So a block verifies only in a file with its id, at its own place. The file's number and its
//! database have no part in that: files are linked and copied.

use std::path::Path;

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::compress::{Codec, decompress, decompress_into};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::room::make_room;
use crate::cache::draft::Draft;
use crate::table::block::builder::BLOCK;
use crate::table::handle::{BlockKind, Handle, TRAILER_LEN};

/// No block is longer than this when it is unpacked: the longest value and key, and what a block
/// needs around them.
pub const UNPACKED_MAX: u64 = (1 << 30) + (1 << 20);

/// What a trailer says besides its check.
#[derive(Clone, Copy, Debug)]
pub struct Seal {
    /// What the block holds.
    pub kind: BlockKind,
    /// How it is packed.
    pub codec: Codec,
    /// Bytes of the payload when it is unpacked.
    pub unpacked: u32,
}

impl Seal {
    fn words(self) -> [u8; 8] {
        HeaderWriter::<8>::new()
            .put(&[self.codec as u8, self.kind as u8, 0, 0])
            .u32(self.unpacked)
            .finish()
    }

    /// The trailer of a block that stands at `offset` of the file with this id.
    #[must_use]
    pub fn trailer(self, file_id: u64, offset: u64, payload: &[u8]) -> [u8; TRAILER_LEN] {
        let words = self.words();
        let check = check_of(file_id, words, offset, payload);
        HeaderWriter::<TRAILER_LEN>::new().put(&words).u64(check).finish()
    }
}

fn check_of(file_id: u64, words: [u8; 8], offset: u64, payload: &[u8]) -> u64 {
    let context = HeaderWriter::<40>::new()
        .u64(file_id)
        .put(&words)
        .u64(offset)
        .u64(payload.len() as u64)
        .u64(hash64(payload));
    hash64(&context.finish())
}

/// Where a block is looked for, and as what.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    /// Its id.
    pub file_id: u64,
    /// The place.
    pub handle: Handle,
    /// What ought to stand there.
    pub kind: BlockKind,
}

/// A payload that was verified, and is perhaps packed.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    payload: &'a [u8],
    codec: Codec,
    unpacked: usize,
}

impl Sought<'_> {
    /// The error that says that this block is damaged.
    #[must_use]
    pub fn damaged(&self, why: &str) -> Error {
        let kind = match self.kind {
            BlockKind::Data => "data",
            BlockKind::Filter => "filter",
            BlockKind::Index => "index",
            BlockKind::Tombstones => "tombstone",
            BlockKind::Parts => "parts",
            BlockKind::Properties => "properties",
            BlockKind::Top => "top index",
        };
        Error::corruption(self.path, self.handle.offset, format!("the {kind} block {why}"))
    }

    /// Verifies payload and trailer, as they stand in the file.
    pub fn verify<'b>(&self, bytes: &'b [u8]) -> Result<Packed<'b>> {
        let (payload, trailer) = bytes
            .split_at_checked(self.handle.len as usize)
            .filter(|(_, trailer)| trailer.len() == TRAILER_LEN)
            .ok_or_else(|| self.damaged("is cut short"))?;
        let mut fields = Decoder::new(trailer);
        let (words, check) = fields.array().zip(fields.u64()).unwrap_or_default();
        if check != check_of(self.file_id, words, self.handle.offset, payload) {
            return Err(self.damaged("does not match its check"));
        }
        let mut fields = Decoder::new(&words);
        let [codec, kind, flags @ ..] = fields.array::<4>().unwrap_or_default();
        if kind != self.kind as u8 {
            return Err(self.damaged(&format!("is one of kind {kind}")));
        }
        let Some(codec) = Codec::from_byte(codec).filter(|_| flags == [0; 2]) else {
            let message = "a block is packed in a way that this library does not know";
            let error = Error::new(ErrorKind::Format, message).at_path(self.path);
            return Err(error.at_offset(self.handle.offset));
        };
        if !codec.is_built() {
            let message = "a block is packed by zstd, and this build lacks the feature `zstd`";
            let error = Error::new(ErrorKind::Unsupported, message).at_path(self.path);
            return Err(error.at_offset(self.handle.offset));
        }
        let unpacked = u64::from(fields.u32().unwrap_or(0));
        let len = payload.len() as u64;
        let is_sane = match codec {
            Codec::None => unpacked == len,
            codec => unpacked <= UNPACKED_MAX.min(codec.unpacked_max(len)),
        };
        if !is_sane {
            return Err(self.damaged("names an impossible length"));
        }
        Ok(Packed { payload, codec, unpacked: unpacked as usize })
    }

    /// Unpacks a verified payload into `out`, whose contents it replaces.
    pub fn unpack(&self, packed: Packed<'_>, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        make_room(out, packed.unpacked_len(), BLOCK)?;
        match packed.codec {
            Codec::None => out.extend_from_slice(packed.payload),
            codec => {
                let done = decompress(codec, packed.payload, packed.unpacked, out);
                done.ok_or_else(|| self.damaged("cannot be unpacked"))?;
            }
        }
        Ok(())
    }

    /// Unpacks a verified payload into memory where a cache can keep it.
    pub fn unpack_draft(&self, packed: Packed<'_>) -> Result<Draft> {
        if packed.is_plain() {
            return Draft::copy_of(packed.payload);
        }
        let mut image = Draft::new(packed.unpacked)?;
        let done = decompress_into(packed.codec, packed.payload, &mut image);
        done.ok_or_else(|| self.damaged("cannot be unpacked"))?;
        Ok(image)
    }
}

impl Packed<'_> {
    /// Bytes that it has when it is unpacked.
    #[must_use]
    pub fn unpacked_len(&self) -> usize {
        self.unpacked
    }

    /// True if the payload is what is wanted as it stands.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.codec, Codec::None)
    }
}

#[cfg(test)]
mod tests;
