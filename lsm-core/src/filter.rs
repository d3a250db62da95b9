//! The bit filter in front of a table: it tells that a key is not there without a look at it.
//!
//! A bloom filter in lines of 64 bytes. One half of a key's hash chooses the line, the other half
//! the bits in it, so that a question costs one line of memory. A filter says no only of what was
//! never added; bytes that make no filter say yes to everything, for then the table must be asked.
//!
//! ```text
//!  0  type     u8  1: lines of 64 bytes
//!  1  bits     u8  for each key, as it was asked for
//!  2  probes   u8  bits that are set for each key, 1 to 16
//!  3  reserved u8  0
//!  4  lines   u32  at least 1
//!  8  keys    u64  for people
//! 16  reserved 48  0
//! 64  lines        64 bytes each
//! ```
//!
//! The header fills a line too, so that in a frame that begins at a multiple of 64 no line of the
//! filter lies in two of the processor's.

use crate::base::codec::HeaderWriter;

/// The fewest bits that are spent on a key.
pub const BITS_MIN: u32 = 1;
/// The most bits that are spent on a key.
pub const BITS_MAX: u32 = 32;

const LINE: usize = 64;
const TYPE: u8 = 1;
const PROBES_MAX: u32 = 16;
/// Odd, with well mixed bits: the golden ratio in 32 bits. Part of the format.
const STEP: u32 = 0x9e37_79b9;

/// Collects the hashes of a table's keys.
#[derive(Clone, Debug)]
pub struct FilterBuilder {
    bits: u32,
    hashes: Vec<u64>,
}

impl FilterBuilder {
    /// A builder that spends so many bits on a key; brought between 1 and 32.
    #[must_use]
    pub fn new(bits_per_key: u32) -> Self {
        Self { bits: bits_per_key.clamp(BITS_MIN, BITS_MAX), hashes: Vec::new() }
    }

    /// Takes in a key by `hash64` of the full key. Versions of one key, which follow each other,
    /// count once.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    /// Keys so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// True if there is no key yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Bytes that `finish` would append now.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        LINE + self.lines() * LINE
    }

    /// Appends the filter and begins another one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let lines = self.lines();
        let probes = probes_for(self.bits);
        let header = HeaderWriter::<LINE>::new()
            .put(&[TYPE, self.bits as u8, probes as u8, 0])
            .u32(lines as u32)
            .u64(self.hashes.len() as u64);
        out.extend_from_slice(&header.finish());
        let start = out.len();
        out.resize(start + lines * LINE, 0);
        let place = out.get_mut(start..).unwrap_or_default();
        for hash in self.hashes.drain(..) {
            let at = line_of(hash, lines as u32) * LINE;
            let Some(line) = place.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<LINE>) else {
                continue;
            };
            for bit in bits_of(hash, probes) {
                if let Some(byte) = line.get_mut(bit >> 3) {
                    *byte |= 1 << (bit & 7);
                }
            }
        }
    }

    fn lines(&self) -> usize {
        let bits = self.hashes.len().saturating_mul(self.bits as usize);
        bits.div_ceil(LINE * 8).clamp(1, u32::MAX as usize)
    }
}

/// How many bits are set for a key: what was measured to answer wrongly least often.
const fn probes_for(bits: u32) -> u32 {
    let probes = (bits * 6).div_ceil(10);
    if probes > PROBES_MAX { PROBES_MAX } else { probes }
}

/// The line of a hash: its lower half, brought into the range without a division.
#[inline]
fn line_of(hash: u64, lines: u32) -> usize {
    let low = hash & 0xffff_ffff;
    ((low * u64::from(lines)) >> 32) as usize
}

/// The bits of a hash in its line, from its upper half.
#[inline]
fn bits_of(hash: u64, probes: u32) -> impl Iterator<Item = usize> {
    let mut state = (hash >> 32) as u32;
    (0..probes).map(move |_| {
        state = state.wrapping_mul(STEP);
        (state >> 23) as usize
    })
}

/// False only if no key with this hash was added. Malformed bytes answer true.
#[inline]
#[must_use]
pub fn may_contain(filter: &[u8], hash: u64) -> bool {
    contains(filter, hash).unwrap_or(true)
}

/// True if the bytes are a filter that this version reads, and not damaged where it can be seen.
#[must_use]
pub fn is_well_formed(filter: &[u8]) -> bool {
    let is_sound = filter.first_chunk().is_some_and(is_header_sound);
    is_sound && contains(filter, 0).is_some()
}

#[inline]
fn contains(filter: &[u8], hash: u64) -> Option<bool> {
    let (header, body) = filter.split_first_chunk::<LINE>()?;
    let &[kind, _, probes, _, a, b, c, d, ..] = header;
    let lines = u32::from_le_bytes([a, b, c, d]);
    let is_known = kind == TYPE && probes >= 1 && u32::from(probes) <= PROBES_MAX;
    if !is_known || body.len() as u64 != u64::from(lines) * LINE as u64 {
        return None;
    }
    let line = body.get(line_of(hash, lines) * LINE..)?.first_chunk::<LINE>()?;
    let mut hit = 1;
    for bit in bits_of(hash, u32::from(probes)) {
        hit &= line.get(bit >> 3)? >> (bit & 7);
    }
    Some(hit & 1 == 1)
}

/// True if all of the header is as `finish` writes it, which `contains` does not spend time on.
fn is_header_sound(header: &[u8; LINE]) -> bool {
    let &[_, bits, probes, reserved, ..] = header;
    let (bits, probes) = (u32::from(bits), u32::from(probes));
    (BITS_MIN..=BITS_MAX).contains(&bits)
        && (1..=PROBES_MAX).contains(&probes)
        && reserved == 0
        && header.iter().skip(16).all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
