//! What is in the store, as far as the harness knows: a bit for each number that has a key there.
//!
//! Threads add and remove numbers while others ask. Bits come in chunks that are made when the
//! first of their numbers is added, so that nobody has to say beforehand how many there will be.
//! A bit for each word of a chunk tells whether anything is in it, so that long runs of what was
//! removed are passed over quickly.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::generator::{NUMBERS_MAX, Shape};

const WORD_BITS: u64 = 64;
const CHUNK_WORDS: usize = 1 << 14;
const CHUNK_BITS: u64 = CHUNK_WORDS as u64 * WORD_BITS;
const CHUNKS: usize = (NUMBERS_MAX / CHUNK_BITS) as usize;

/// The bits of some neighbouring numbers.
#[derive(Debug)]
struct Chunk {
    words: Box<[AtomicU64]>,
    /// The words that are not 0. A bit may be set a little later than the first one of its word.
    filled: Box<[AtomicU64]>,
}

/// What is in the store, and how long its keys and values are.
#[derive(Debug)]
pub struct Truth {
    chunks: Vec<OnceLock<Chunk>>,
    /// Numbers that are chosen among are below this.
    extent: AtomicU64,
    key_bytes: usize,
    value_bytes: AtomicUsize,
}

impl Truth {
    /// Nothing is there.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let chunks = (0..CHUNKS).map(|_| OnceLock::new()).collect();
        let value_bytes = AtomicUsize::new(shape.value_bytes);
        Self { chunks, extent: AtomicU64::new(0), key_bytes: shape.key_bytes, value_bytes }
    }

    /// Nothing is there any more, and what comes has values of this length. No thread uses the
    /// store meanwhile.
    pub fn reset(&self, value_bytes: usize) {
        for chunk in self.chunks.iter().filter_map(OnceLock::get) {
            let all = chunk.words.iter().chain(&chunk.filled);
            all.for_each(|word| word.store(0, Ordering::Relaxed));
        }
        self.extent.store(0, Ordering::Relaxed);
        self.value_bytes.store(value_bytes, Ordering::Relaxed);
    }

    /// How long keys and values are.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let value_bytes = self.value_bytes.load(Ordering::Relaxed);
        Shape { key_bytes: self.key_bytes, value_bytes }
    }

    /// Numbers that are chosen among are below this.
    #[must_use]
    pub fn extent(&self) -> u64 {
        self.extent.load(Ordering::Relaxed)
    }

    /// Lets numbers below this be chosen among.
    pub fn widen(&self, extent: u64) {
        self.extent.fetch_max(extent.min(NUMBERS_MAX), Ordering::Relaxed);
    }

    /// A number that nobody else puts; none if there are no more.
    pub fn claim(&self) -> Option<u64> {
        let number = self.extent.fetch_add(1, Ordering::Relaxed);
        (number < self.shape().numbers()).then_some(number)
    }

    /// Notes that a number was put.
    pub fn add(&self, number: u64) {
        if !self.has(number) {
            let slot = self.chunks.get((number / CHUNK_BITS) as usize);
            slot.into_iter().for_each(|slot| slot.get_or_init(Chunk::new).add(number % CHUNK_BITS));
        }
    }

    /// Notes that a number goes, before it does.
    pub fn remove(&self, number: u64) {
        self.chunk(number / CHUNK_BITS).into_iter().for_each(|it| it.remove(number % CHUNK_BITS));
    }

    /// True if a number is there.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.chunk(number / CHUNK_BITS).is_some_and(|chunk| chunk.has(number % CHUNK_BITS))
    }

    /// How many numbers are there.
    #[must_use]
    pub fn count(&self) -> u64 {
        let words = self.chunks.iter().filter_map(OnceLock::get).flat_map(|chunk| &chunk.words);
        words.map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    /// The first number from this one on that is there.
    #[must_use]
    pub fn at_or_after(&self, number: u64) -> Option<u64> {
        let first = number / CHUNK_BITS;
        let found_in = |at: u64| {
            let from = if at == first { number % CHUNK_BITS } else { 0 };
            Some(at * CHUNK_BITS + self.chunk(at)?.at_or_after(from)?)
        };
        (first..CHUNKS as u64).find_map(found_in)
    }

    /// The last number up to this one that is there.
    #[must_use]
    pub fn at_or_before(&self, number: u64) -> Option<u64> {
        let number = number.min(NUMBERS_MAX - 1);
        let first = number / CHUNK_BITS;
        let found_in = |at: u64| {
            let from = if at == first { number % CHUNK_BITS } else { CHUNK_BITS - 1 };
            Some(at * CHUNK_BITS + self.chunk(at)?.at_or_before(from)?)
        };
        (0..=first).rev().find_map(found_in)
    }

    fn chunk(&self, at: u64) -> Option<&Chunk> {
        self.chunks.get(at as usize)?.get()
    }
}

impl Chunk {
    fn new() -> Self {
        let empty = |words: usize| (0..words).map(|_| AtomicU64::new(0)).collect();
        Self { words: empty(CHUNK_WORDS), filled: empty(CHUNK_WORDS / WORD_BITS as usize) }
    }

    fn has(&self, bit: u64) -> bool {
        word_of(&self.words, bit) & 1 << (bit % WORD_BITS) != 0
    }

    fn add(&self, bit: u64) {
        if set(&self.words, bit) == 0 {
            set(&self.filled, bit / WORD_BITS);
        }
    }

    fn remove(&self, bit: u64) {
        let word = bit / WORD_BITS;
        clear(&self.words, bit);
        if word_of(&self.words, bit) == 0 {
            clear(&self.filled, word);
            // Somebody may have added to the word meanwhile.
            if word_of(&self.words, bit) != 0 {
                set(&self.filled, word);
            }
        }
    }

    fn at_or_after(&self, from: u64) -> Option<u64> {
        let ahead = word_of(&self.words, from) >> (from % WORD_BITS);
        if ahead != 0 {
            return Some(from + u64::from(ahead.trailing_zeros()));
        }
        let mut word = from / WORD_BITS + 1;
        while let Some(filled) = next(&self.filled, word) {
            let bits = word_of(&self.words, filled * WORD_BITS);
            if bits != 0 {
                return Some(filled * WORD_BITS + u64::from(bits.trailing_zeros()));
            }
            word = filled + 1;
        }
        None
    }

    fn at_or_before(&self, from: u64) -> Option<u64> {
        let behind = word_of(&self.words, from) << (WORD_BITS - 1 - from % WORD_BITS);
        if behind != 0 {
            return Some(from - u64::from(behind.leading_zeros()));
        }
        let mut below = (from / WORD_BITS).checked_sub(1);
        while let Some(filled) = below.and_then(|word| last(&self.filled, word)) {
            let bits = word_of(&self.words, filled * WORD_BITS);
            if bits != 0 {
                return Some(filled * WORD_BITS + WORD_BITS - 1 - u64::from(bits.leading_zeros()));
            }
            below = filled.checked_sub(1);
        }
        None
    }
}

/// The word that a bit stands in; 0 behind the last one.
fn word_of(words: &[AtomicU64], bit: u64) -> u64 {
    words.get((bit / WORD_BITS) as usize).map_or(0, |word| word.load(Ordering::Acquire))
}

/// Sets a bit; answers its word as it was.
fn set(words: &[AtomicU64], bit: u64) -> u64 {
    let word = words.get((bit / WORD_BITS) as usize);
    word.map_or(0, |word| word.fetch_or(1 << (bit % WORD_BITS), Ordering::AcqRel))
}

fn clear(words: &[AtomicU64], bit: u64) {
    if let Some(word) = words.get((bit / WORD_BITS) as usize) {
        word.fetch_and(!(1 << (bit % WORD_BITS)), Ordering::AcqRel);
    }
}

/// The first bit from this one on that is set.
fn next(words: &[AtomicU64], from: u64) -> Option<u64> {
    let ahead = word_of(words, from) >> (from % WORD_BITS);
    if ahead != 0 {
        return Some(from + u64::from(ahead.trailing_zeros()));
    }
    let more = (from / WORD_BITS + 1..words.len() as u64).map(|at| at * WORD_BITS);
    more.map(|bit| (bit, word_of(words, bit)))
        .find(|(_, word)| *word != 0)
        .map(|(bit, word)| bit + u64::from(word.trailing_zeros()))
}

/// The last bit up to this one that is set.
fn last(words: &[AtomicU64], from: u64) -> Option<u64> {
    let behind = word_of(words, from) << (WORD_BITS - 1 - from % WORD_BITS);
    if behind != 0 {
        return Some(from - u64::from(behind.leading_zeros()));
    }
    let more = (0..from / WORD_BITS).rev().map(|at| at * WORD_BITS);
    more.map(|bit| (bit, word_of(words, bit)))
        .find(|(_, word)| *word != 0)
        .map(|(bit, word)| bit + WORD_BITS - 1 - u64::from(word.leading_zeros()))
}

#[cfg(test)]
mod tests;
