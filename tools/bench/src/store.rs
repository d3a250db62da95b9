//! What is measured: any store that can do the same few things.
//!
//! An [`Engine`] opens a [`Store`] in a directory; each thread works on it through a [`Session`] of
//! its own, in which a peer keeps what it needs for each thread: a connection, a batch, a
//! transaction for reading. Walking is a call with a callback for each pair, so that the price of
//! crossing this border is one indirect call for a pair, whatever the store is.

use std::error::Error;
use std::path::Path;

/// What went wrong, in the store's own words.
pub type Failure = Box<dyn Error + Send + Sync>;
/// An answer, or what went wrong.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// A kind of store, set in one way.
pub trait Engine: Sync {
    /// What tables call it.
    fn name(&self) -> &str;

    /// The version of its library.
    fn version(&self) -> String;

    /// How it is set, as names and values: whatever somebody needs to set it so again.
    fn configuration(&self, setup: &Setup) -> Vec<(String, String)>;

    /// Opens what lies in a directory, or makes it.
    fn open(&self, dir: &Path, setup: &Setup) -> Result<Box<dyn Store>>;
}

/// What every store is given alike.
#[derive(Clone, Debug)]
pub struct Setup {
    /// For blocks that are kept in memory.
    pub cache_bytes: usize,
    /// For each table in memory, where the store has such.
    pub memtable_bytes: usize,
    /// Bits of a filter for each key, where the store has filters.
    pub filter_bits: u32,
    /// Tables are packed, where the store can.
    pub is_packed: bool,
    /// Each write reaches the disk before it returns.
    pub is_synced: bool,
    /// Threads for background work, where the store has such.
    pub background_threads: usize,
}

/// A store that is open. Dropping it closes it.
pub trait Store: Sync {
    /// For one thread.
    fn session(&self) -> Result<Box<dyn Session + '_>>;

    /// Returns once what was written stands where it would be read from after a restart, and the
    /// background has nothing left to do.
    fn settle(&self) -> Result<()>;

    /// Rewrites everything into its best form.
    fn compact(&self) -> Result<()>;

    /// What the store tells about itself, for people; empty if it tells nothing.
    fn report(&self) -> String {
        String::new()
    }
}

/// One thread's way to a store.
pub trait Session {
    /// Writes a pair.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()>;

    /// Removes a key.
    fn delete(&mut self, key: &[u8]) -> Result<()>;

    /// Writes pairs, all or none.
    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()>;

    /// Fills `value`, or answers false where the key is missing.
    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool>;

    /// Hands over the value of each key that is there, by its place among the keys, with the
    /// store's own call for many where it has one.
    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()>;

    /// A place to walk from again and again. It sees what was there when it was made, or more.
    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>>;
}

/// Where a walk begins, and which way it goes.
#[derive(Clone, Copy, Debug)]
pub enum Walk<'a> {
    /// Forward from the first key.
    FromFirst,
    /// Backward from the last key.
    FromLast,
    /// Forward from the first key that is not smaller than this.
    From(&'a [u8]),
    /// Backward from the last key that is not larger than this.
    DownFrom(&'a [u8]),
}

/// What one called for each pair answers: true to go on.
pub type Each<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> bool;

/// Walks over pairs in the order of their keys.
pub trait Cursor {
    /// Hands over pairs until there are no more or `each` answers false.
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()>;
}
