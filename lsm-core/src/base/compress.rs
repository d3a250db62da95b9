//! Codecs: bytes made shorter, and back to exactly what they were.
//!
//! What is decompressed comes from files. The caller knows how long it must become and has held
//! that length against its own limit; input that becomes anything else is malformed.

/// How bytes are stored. The values stand in files; 2 is reserved for zstd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    None = 0,
    /// One block of LZ4, without a frame.
    #[default]
    Lz4 = 1,
}

impl Codec {
    /// The codec that this byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            _ => None,
        }
    }
}

/// Appends to `out` what is to be stored of `input`, and answers the codec that reads it back: the
/// one asked for, or `None` where that would save less than an eighth.
pub fn compress(codec: Codec, input: &[u8], out: &mut Vec<u8>) -> Codec {
    let start = out.len();
    if codec == Codec::Lz4 && lz4(input, out).is_some() {
        return Codec::Lz4;
    }
    out.truncate(start);
    out.extend_from_slice(input);
    Codec::None
}

/// Appends the compressed input; `None`, with rubbish appended, if it does not pay.
fn lz4(input: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let bound = lz4_flex::block::get_maximum_output_size(input.len());
    out.resize(start.checked_add(bound)?, 0);
    let used = lz4_flex::block::compress_into(input, out.get_mut(start..)?).ok()?;
    out.truncate(start + used);
    let limit = input.len() - input.len().div_ceil(8);
    (used <= limit && used < input.len()).then_some(())
}

/// Appends the `len` bytes that were compressed to `input`. `None`, with nothing appended, if they
/// are not exactly so many or the input is malformed. The caller bounds `len`: so much is
/// allocated before anything is known of the input.
pub fn decompress(codec: Codec, input: &[u8], len: usize, out: &mut Vec<u8>) -> Option<()> {
    match codec {
        Codec::None => {
            if input.len() != len {
                return None;
            }
            out.extend_from_slice(input);
            Some(())
        }
        Codec::Lz4 => {
            let start = out.len();
            out.resize(start.checked_add(len)?, 0);
            let place = out.get_mut(start..)?;
            let is_whole = lz4_flex::block::decompress_into(input, place).ok() == Some(len);
            if !is_whole {
                out.truncate(start);
            }
            is_whole.then_some(())
        }
    }
}

#[cfg(test)]
mod tests;
