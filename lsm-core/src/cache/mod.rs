//! The cache of blocks: places that point straight at what is resident, and who has to leave.
//!
//! A table owns `Slots`, one place for each of its blocks. A resident block is found by one load
//! and one count, without a hash table and without a lock. What is not resident is loaded by the
//! caller's function, with no lock held, and published in its place.

pub mod memory;
pub mod slab;

pub mod frame;
pub mod purpose;

pub mod draft;
pub mod slots;

pub mod ring;

pub mod pool;
