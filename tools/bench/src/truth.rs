//! What is in the store, as far as the harness knows: a bit for each number that has a key there.
//!
//! Threads add and remove numbers while others ask. Bits come in chunks that are made when the
//! first of their numbers is added, so that nobody has to say beforehand how many there will be.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::generator::{NUMBERS_MAX, Shape};

const WORD_BITS: u64 = 64;
const CHUNK_WORDS: usize = 1 << 14;
const CHUNK_BITS: u64 = CHUNK_WORDS as u64 * WORD_BITS;
const CHUNKS: usize = (NUMBERS_MAX / CHUNK_BITS) as usize;

type Chunk = Box<[AtomicU64]>;

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
        for word in self.chunks.iter().filter_map(OnceLock::get).flatten() {
            word.store(0, Ordering::Relaxed);
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
            if let Some((word, bit)) = self.made(number) {
                word.fetch_or(bit, Ordering::Release);
            }
        }
    }

    /// Notes that a number goes, before it does.
    pub fn remove(&self, number: u64) {
        if let Some((word, bit)) = self.place(number) {
            word.fetch_and(!bit, Ordering::Release);
        }
    }

    /// True if a number is there.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.place(number).is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    /// How many numbers are there.
    #[must_use]
    pub fn count(&self) -> u64 {
        let words = self.chunks.iter().filter_map(OnceLock::get).flatten();
        words.map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    /// The first number from this one on that is there.
    #[must_use]
    pub fn at_or_after(&self, number: u64) -> Option<u64> {
        let mut from = number;
        while from < NUMBERS_MAX {
            let Some((word, _)) = self.place(from) else {
                from = (from / CHUNK_BITS + 1) * CHUNK_BITS;
                continue;
            };
            let ahead = word.load(Ordering::Acquire) >> (from % WORD_BITS);
            if ahead != 0 {
                return Some(from + u64::from(ahead.trailing_zeros()));
            }
            from = (from / WORD_BITS + 1) * WORD_BITS;
        }
        None
    }

    /// The last number up to this one that is there.
    #[must_use]
    pub fn at_or_before(&self, number: u64) -> Option<u64> {
        let mut next = Some(number.min(NUMBERS_MAX - 1));
        while let Some(from) = next {
            let Some((word, _)) = self.place(from) else {
                next = (from / CHUNK_BITS * CHUNK_BITS).checked_sub(1);
                continue;
            };
            let behind = word.load(Ordering::Acquire) << (WORD_BITS - 1 - from % WORD_BITS);
            if behind != 0 {
                return Some(from - u64::from(behind.leading_zeros()));
            }
            next = (from / WORD_BITS * WORD_BITS).checked_sub(1);
        }
        None
    }

    /// Where the bit of a number stands, if its chunk is made.
    fn place(&self, number: u64) -> Option<(&AtomicU64, u64)> {
        let chunk = self.chunks.get((number / CHUNK_BITS) as usize)?.get()?;
        word_in(chunk, number)
    }

    /// The same, making the chunk.
    fn made(&self, number: u64) -> Option<(&AtomicU64, u64)> {
        let make = || (0..CHUNK_WORDS).map(|_| AtomicU64::new(0)).collect();
        let chunk = self.chunks.get((number / CHUNK_BITS) as usize)?.get_or_init(make);
        word_in(chunk, number)
    }
}

fn word_in(chunk: &Chunk, number: u64) -> Option<(&AtomicU64, u64)> {
    let word = chunk.get((number % CHUNK_BITS / WORD_BITS) as usize)?;
    Some((word, 1 << (number % WORD_BITS)))
}

#[cfg(test)]
mod tests;
