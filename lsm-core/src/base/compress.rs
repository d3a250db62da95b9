//! Codecs: bytes made shorter, and back to exactly what they were.
//!
//! What is decompressed comes from files. The caller knows how long it must become and has held
//! that length against its own limit; input that becomes anything else is malformed.

use crate::base::{lz4, zstd};

/// How bytes are stored. The values stand in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    None = 0,
    /// One block of LZ4, without a frame.
    #[default]
    Lz4 = 1,
    /// One frame of zstd. Every build knows it by name, and one with the feature `zstd` can do it.
    Zstd = 2,
}

impl Codec {
    /// The codec that this byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// No codec makes more than this of so many bytes: LZ4 makes at most 255 of one, and four of
    /// zstd can stand for 128 KiB. What is said to be longer asks for memory to no purpose.
    #[must_use]
    pub const fn unpacked_max(self, len: u64) -> u64 {
        match self {
            Self::None => len,
            Self::Lz4 => len.saturating_mul(255).saturating_add(64),
            Self::Zstd => len.saturating_mul(32_768),
        }
    }

    /// True if this build can do it.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            Self::None | Self::Lz4 => true,
            Self::Zstd => zstd::IS_BUILT,
        }
    }
}

/// Appends to `out` what is to be stored of `input`, and answers the codec that reads it back: the
/// one asked for, or `None` where that would save less than an eighth. `level` is how hard to try,
/// for a codec that has levels.
pub fn compress(codec: Codec, level: i32, input: &[u8], out: &mut Vec<u8>) -> Codec {
    let start = out.len();
    let bound = packed_len_max(codec, input.len());
    let pack = |place: &mut [u8]| match codec {
        Codec::None => None,
        Codec::Lz4 => lz4_flex::block::compress_into(input, place).ok(),
        Codec::Zstd => zstd::compress(input, level, place),
    };
    if bound.and_then(|bound| pack_behind(bound, input.len(), out, pack)).is_some() {
        return codec;
    }
    out.truncate(start);
    out.extend_from_slice(input);
    Codec::None
}

/// How many bytes `compress` appends at most, while it works, of an input of this length; `None` if
/// it does not pack.
#[must_use]
pub fn packed_len_max(codec: Codec, len: usize) -> Option<usize> {
    match codec {
        Codec::None => None,
        Codec::Lz4 => Some(lz4_flex::block::get_maximum_output_size(len)),
        Codec::Zstd => zstd::bound(len),
    }
}

/// Appends what `pack` makes of the input; `None`, with rubbish appended, if it does not pay.
fn pack_behind(
    bound: usize,
    input: usize,
    out: &mut Vec<u8>,
    pack: impl FnOnce(&mut [u8]) -> Option<usize>,
) -> Option<()> {
    let start = out.len();
    out.resize(start.checked_add(bound)?, 0);
    let used = pack(out.get_mut(start..)?)?;
    out.truncate(start + used);
    let limit = input - input.div_ceil(8);
    (used <= limit && used < input).then_some(())
}

/// Appends the `len` bytes that were compressed to `input`. `None`, with nothing appended, if they
/// are not exactly so many or the input is malformed. The caller bounds `len`: so much is
/// allocated before anything is known of the input.
pub fn decompress(codec: Codec, input: &[u8], len: usize, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    if codec == Codec::None && input.len() == len {
        out.extend_from_slice(input);
        return Some(());
    }
    out.resize(start.checked_add(len)?, 0);
    let done = decompress_into(codec, input, out.get_mut(start..)?);
    if done.is_none() {
        out.truncate(start);
    }
    done
}

/// Fills `place` with what was compressed to `input`. `None`, with rubbish in it, if that is not
/// exactly as long or the input is malformed.
pub fn decompress_into(codec: Codec, input: &[u8], place: &mut [u8]) -> Option<()> {
    match codec {
        Codec::None if input.len() == place.len() => {
            place.copy_from_slice(input);
            Some(())
        }
        Codec::None => None,
        Codec::Lz4 => lz4::unpack(input, place),
        Codec::Zstd => {
            let done = zstd::decompress(input, place);
            (done == Some(place.len())).then_some(())
        }
    }
}

#[cfg(test)]
mod tests;
