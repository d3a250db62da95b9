//! What a target is: a name, what it does with an input, and how much memory it may take for that.

use crate::account::peak_of;
use crate::specimen::Specimen;

/// Something that reads untrusted bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// What it reads, for people.
    pub about: &'static str,
    /// Reads an input, and panics if what must hold does not.
    pub run: fn(&[u8]),
    /// Inputs to begin with, made of the files of a real database.
    pub seeds: fn(&Specimen) -> Vec<Vec<u8>>,
    /// How much memory it may take.
    pub memory: Memory,
}

/// A bound that grows with the input.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Whatever the input is.
    pub always: usize,
    /// For each byte of it.
    pub each: usize,
}

/// What a decoder takes: what it decodes, taken apart, and encoded again.
pub const DECODER: Memory = Memory { always: 64 << 10, each: 256 };
/// What a reader of files takes: it has buffers, on a disk that is itself in memory.
pub const READER: Memory = Memory { always: 4 << 20, each: 256 };
/// What a whole database takes.
pub const DATABASE: Memory = Memory { always: 96 << 20, each: 4096 };

impl Target {
    /// Runs an input, and holds the memory that it took against the bound.
    pub fn judge(&self, input: &[u8]) {
        let peak = peak_of(|| (self.run)(input));
        let bound = self.memory.always.saturating_add(self.memory.each.saturating_mul(input.len()));
        assert!(
            peak <= bound,
            "{} bytes of input took {peak} bytes of memory at once, of at most {bound}",
            input.len()
        );
    }
}

#[cfg(test)]
mod tests;
