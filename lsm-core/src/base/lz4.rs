//! LZ4: one block back to exactly what it was.
//!
//! Every read that misses the cache and every byte that a merge takes in comes through here, so it
//! is our own; packing is a crate's. Bytes go in chunks of a fixed length, which end behind what is
//! meant wherever there is room for it, and what stands there too early is written over later. All
//! accesses are checked: input that no encoder made cannot do more than fail.

/// What a length in a token is when more of it follows.
const MORE: usize = 15;
/// The shortest match.
const MATCH_MIN: usize = 4;
/// What goes at once.
const CHUNK: usize = 32;
/// What is longer than this goes in one piece.
const CHUNKED_MAX: usize = 256;
/// A match without a longer length fits into so many bytes.
const SHORT: usize = MATCH_MIN + MORE - 1;

/// Fills `out` with what was packed to `input`. `None`, with rubbish in it, if that is not exactly
/// as long or the input is malformed.
pub fn unpack(input: &[u8], out: &mut [u8]) -> Option<()> {
    let (mut at, mut end) = (0, 0);
    loop {
        let token = usize::from(*input.get(at)?);
        at += 1;
        let mut literals = token >> 4;
        if literals < MORE && at + 16 <= input.len() && end + 16 <= out.len() {
            store::<16>(out, end, load(input, at)?)?;
        } else {
            if literals == MORE {
                literals = longer(input, &mut at, MORE)?;
            }
            copy(input, at, out, end, literals)?;
        }
        at += literals;
        end += literals;
        let Some(distance) = load(input, at) else {
            // The last sequence has no match.
            return (at == input.len() && end == out.len()).then_some(());
        };
        at += 2;
        let distance = usize::from(u16::from_le_bytes(distance));
        let from = end.checked_sub(distance).filter(|from| *from < end)?;
        let mut len = (token & MORE) + MATCH_MIN;
        if len <= SHORT && distance >= len && end + SHORT <= out.len() {
            // Both are read before one is written: what was just written is slow to read.
            let (first, rest) = (load::<16>(out, from)?, load::<2>(out, from + 16)?);
            store(out, end, first)?;
            store(out, end + 16, rest)?;
        } else {
            if len > SHORT {
                len = longer(input, &mut at, len)?;
            }
            repeat(out, from, end, len)?;
        }
        end += len;
    }
}

/// A length of which `len` stood in the token.
#[inline(always)]
fn longer(input: &[u8], at: &mut usize, mut len: usize) -> Option<usize> {
    loop {
        let more = *input.get(*at)?;
        *at += 1;
        len += usize::from(more);
        if more != u8::MAX {
            return Some(len);
        }
    }
}

/// Copies `len` bytes of the input to `to`.
#[inline(always)]
fn copy(input: &[u8], from: usize, out: &mut [u8], to: usize, len: usize) -> Option<()> {
    let has_room = from + len + CHUNK <= input.len() && to + len + CHUNK <= out.len();
    if len > CHUNKED_MAX || !has_room {
        out.get_mut(to..to + len)?.copy_from_slice(input.get(from..from + len)?);
        return Some(());
    }
    for done in (0..len).step_by(CHUNK) {
        store::<CHUNK>(out, to + done, load(input, from + done)?)?;
    }
    Some(())
}

/// Goes on from `to` for `len` bytes as it went on from `from`, which lies before it.
#[inline(always)]
fn repeat(out: &mut [u8], from: usize, to: usize, len: usize) -> Option<()> {
    if len > CHUNKED_MAX || to + len + CHUNK > out.len() {
        return repeat_at_once(out, from, to, len);
    }
    match to - from {
        CHUNK.. => {
            for done in (0..len).step_by(CHUNK) {
                store::<CHUNK>(out, to + done, load(out, from + done)?)?;
            }
        }
        8.. => {
            for done in (0..len).step_by(8) {
                store::<8>(out, to + done, load(out, from + done)?)?;
            }
        }
        distance => {
            let period = PERIODS.get(distance)?;
            let word = u64::from_le_bytes(load(out, from)?) & period.mask;
            let word = word.wrapping_mul(period.copies).to_le_bytes();
            for done in (0..len).step_by(period.step) {
                store(out, to + done, word)?;
            }
        }
    }
    Some(())
}

/// The same to the last byte, for what is long or ends where `out` does.
fn repeat_at_once(out: &mut [u8], from: usize, mut to: usize, len: usize) -> Option<()> {
    let end = to + len;
    if end > out.len() {
        return None;
    }
    if to - from == 1 {
        let byte = *out.get(from)?;
        out.get_mut(to..end)?.fill(byte);
        return Some(());
    }
    while to < end {
        // Each round doubles what can be copied in the next one.
        let piece = (to - from).min(end - to);
        out.copy_within(from..from + piece, to);
        to += piece;
    }
    Some(())
}

/// How a word is filled with bytes that come again after fewer than eight.
#[derive(Clone, Copy)]
struct Period {
    /// Takes the first of them out of a word.
    mask: u64,
    /// What multiplies them to a word of copies.
    copies: u64,
    /// Whole periods in a word, in bytes.
    step: usize,
}

const PERIODS: [Period; 8] = {
    let mut periods = [Period { mask: 0, copies: 0, step: 8 }; 8];
    let mut rest: &mut [Period] = &mut periods;
    let mut bytes = 0;
    while let Some((period, others)) = rest.split_first_mut() {
        if bytes > 0 {
            let mut place = 0;
            while place < 8 {
                period.copies |= 1 << (8 * place);
                place += bytes;
            }
            period.mask = (1 << (8 * bytes)) - 1;
            period.step = 8 - 8 % bytes;
        }
        bytes += 1;
        rest = others;
    }
    periods
};

#[inline(always)]
fn load<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[inline(always)]
fn store<const N: usize>(bytes: &mut [u8], at: usize, chunk: [u8; N]) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = chunk;
    Some(())
}

#[cfg(test)]
mod tests;
