//! Files and directories, with the durability of each call spelled out.
//!
//! The contract that every implementation keeps, and that the code above relies on:
//!
//! * Bytes that were written are seen by every later read at once, and are durable only after
//!   `sync_data` or `sync_all` of that file has returned without error.
//! * A name that was created, renamed or unlinked is durable only after `sync` of its directory.
//!   Syncing a file does not make its name durable.
//! * A sync that failed leaves what it covered unknown for ever: a later success on the same file
//!   says nothing about it.
//! * Sectors of 512 bytes are written in any order. A sector that is cut off in mid-write may hold
//!   anything where it was being changed; its other bytes keep.
//!
//! Names are plain file names, never paths. Nothing but `sync_dir` follows a symbolic link.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};

/// Where directories come from.
pub trait FileSystem: Debug + Send + Sync + 'static {
    /// Creates one directory, private to its owner; `Exists` if the name is taken. The new name is
    /// durable after a sync of the parent.
    fn create_dir(&self, path: &Path) -> Result<()>;

    /// Takes an empty directory away.
    fn remove_dir(&self, path: &Path) -> Result<()>;

    /// Makes the names in a directory durable. The directory is not ours: symbolic links on the way
    /// to it, and it itself as one, are followed.
    fn sync_dir(&self, path: &Path) -> Result<()>;

    /// Opens a directory. What is not a directory, a symbolic link included, is an error that
    /// says so; one that is missing answers `is_not_found()`.
    fn open_dir(&self, path: &Path) -> Result<Arc<dyn Directory>>;
}

/// One open directory: everything in it is reached through it, whatever its path becomes.
pub trait Directory: Debug + Send + Sync + 'static {
    /// The path it was opened by, for messages.
    fn path(&self) -> &Path;

    /// Creates a file for reading and writing; `Exists` if the name is taken, by whatever.
    fn create(&self, name: &str) -> Result<Arc<dyn File>>;

    /// Opens a regular file. What is not one is `Format` with a message that says what it is.
    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>>;

    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Takes a name away. Open files live on until they are dropped.
    fn unlink(&self, name: &str) -> Result<()>;

    /// Every entry but `.` and `..`, ordered by name.
    fn list(&self) -> Result<Vec<Entry>>;

    /// Makes all that was created, renamed and unlinked here durable.
    fn sync(&self) -> Result<()>;

    /// What this directory lies on.
    fn medium(&self) -> Result<Medium>;

    /// Locks the named file, which exists, against every other writer: another process, another
    /// open in this process, a child. Answers `Locked` when somebody has it. The lock ends when it
    /// is dropped and when the process dies; a forked child does not inherit it.
    fn lock(&self, name: &str) -> Result<Box<dyn Lock>>;

    /// As `lock`, but together with whoever else locks the file in this way: it keeps out, and is
    /// kept out by, only those who `lock` it. Asks for no right to write, and writes nothing.
    fn share(&self, name: &str) -> Result<Box<dyn Lock>>;

    /// Claims bytes of the named file, which exists, for as long as the claim lives and this
    /// process does. `Busy` if another claim has any of them, `Unsupported` where there are no such
    /// claims.
    fn claim(&self, name: &str, offset: u64, len: u64) -> Result<Box<dyn Claim>>;

    /// True if somebody, here or in another process, holds a claim on any of these bytes of the
    /// named file. Asks for no right to write.
    fn is_claimed(&self, name: &str, offset: u64, len: u64) -> Result<bool>;
}

/// A claim on bytes of a file, held until it is dropped.
pub trait Claim: Debug + Send + Sync + 'static {
    /// True in a child process of the one that made the claim.
    fn is_forked(&self) -> bool;

    /// Ends the claim before it is dropped, for who closes while others still hold what it is part
    /// of.
    fn release(&self);
}

/// A lock that is held, on a file that it can read, and write if the lock is not a shared one.
pub trait Lock: Debug + Send + Sync + 'static {
    /// The locked file.
    fn file(&self) -> &Arc<dyn File>;

    /// True in a child process of the one that took the lock.
    fn is_forked(&self) -> bool;

    /// Lets go of the lock before it is dropped, for who closes while others still hold what the
    /// lock is part of. Nothing may be written to what it guards from then on.
    fn release(&self);

    /// True if another process holds a claim on these bytes of the lock file.
    fn is_claimed(&self, offset: u64, len: u64) -> Result<bool>;
}

/// What may be done with an opened file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, in the system's own bytes.
    pub name: OsString,
    /// What it names.
    pub kind: EntryKind,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, a pipe, a device or a socket.
    Other,
}

/// What a directory lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Medium {
    /// Free bytes for this user.
    pub free_bytes: u64,
    /// Nothing can be written.
    pub is_read_only: bool,
    /// Reached over a network: syncs and locks may not be what they seem.
    pub is_network: bool,
    /// A shared mapping of a preallocated file behaves as the mapped log needs it.
    pub allows_mapped_log: bool,
}

/// One open file.
#[allow(clippy::len_without_is_empty, reason = "nobody asks whether one is empty")]
pub trait File: Debug + Send + Sync + 'static {
    /// The path it was opened by, for messages.
    fn path(&self) -> &Path;

    /// Its length in bytes.
    fn len(&self) -> Result<u64>;

    /// Reads at `offset`; fewer bytes than asked for only at the end of the file or on a short
    /// read, none only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;

    /// Where that ends which was ever written: all bytes between there and the end of the file are
    /// zero. The end of the file where it cannot be told.
    fn written_len(&self) -> Result<u64> {
        self.len()
    }

    /// Writes at `offset`; may write less than asked for.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize>;

    /// As `write_at`, for bytes that nobody reads soon: they need not stay in memory, and get to
    /// the medium without a copy if they lie in memory as in the file, by multiples of
    /// `DIRECT_GRAIN`. Nobody else uses the file meanwhile.
    fn write_past_cache(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.write_at(bytes, offset)
    }

    /// Reserves space up to `len` and makes the file at least that long; what was not written
    /// reads as zeros. `Unsupported` where the file system cannot.
    fn allocate(&self, len: u64) -> Result<()>;

    /// Makes the file exactly `len` bytes long.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Makes the contents and the length durable.
    fn sync_data(&self) -> Result<()>;

    /// Makes the contents and everything the system knows of the file durable.
    fn sync_all(&self) -> Result<()>;

    /// Maps `len` bytes at `offset`, both multiples of `WINDOW_GRAIN`, for appending. The bytes
    /// must have been allocated. `Unsupported` where that cannot be had.
    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>>;
}

/// What is to get to the medium without a copy begins and ends at multiples of this, in memory and
/// in the file.
pub const DIRECT_GRAIN: usize = 4096;

/// Offsets and lengths of windows are multiples of this.
pub const WINDOW_GRAIN: u64 = 4096;

/// A part of a file mapped for appending, written by one thread at a time.
///
/// Stores reach the page cache at once, so they survive the process; `sync` makes them durable. If
/// the file is cut or the medium fails under the window, stores go nowhere and `is_lost` turns and
/// stays true: whoever stores looks at it afterwards, and again after each sync, before believing.
#[allow(clippy::len_without_is_empty, reason = "nobody asks whether one is empty")]
pub trait Window: Debug + Send + Sync + 'static {
    /// The file offset of the first byte.
    fn offset(&self) -> u64;

    /// The length in bytes.
    fn len(&self) -> u64;

    /// Stores `body` behind `head` at file offset `at`, then `head` from its fifth byte on, and
    /// last, as one word that no reader sees half, its first four bytes. `at` is a multiple of 8
    /// and everything lies within the window; else it stores nothing and answers false.
    #[must_use]
    fn publish(&self, at: u64, head: &[u8], body: &[u8]) -> bool;

    /// Makes pages present ahead of their first store, so that the store cannot fault.
    fn populate(&self, at: u64, len: u64) -> Result<()>;

    /// Makes the stored bytes of this part durable. The file's length must be durable already.
    fn sync(&self, at: u64, len: u64) -> Result<()>;

    /// Lets go of whole pages that will not be stored to again. They keep their bytes.
    fn release(&self, at: u64, len: u64);

    /// True once a store or a page has been lost.
    fn is_lost(&self) -> bool;
}

/// Reads until the buffer is full or the file ends; answers how much it read.
pub fn read_full_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64)? {
            0 => break,
            read => done += read,
        }
    }
    Ok(done)
}

/// Writes everything, in as many pieces as it takes.
pub fn write_all_at(file: &dyn File, bytes: &[u8], offset: u64) -> Result<()> {
    write_all(file, (bytes, offset), |bytes, offset| file.write_at(bytes, offset))
}

/// As `write_all_at`, with `write_past_cache`.
pub fn write_all_past_cache(file: &dyn File, bytes: &[u8], offset: u64) -> Result<()> {
    write_all(file, (bytes, offset), |bytes, offset| file.write_past_cache(bytes, offset))
}

fn write_all(
    file: &dyn File,
    (bytes, offset): (&[u8], u64),
    write: impl Fn(&[u8], u64) -> Result<usize>,
) -> Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match write(rest, offset + done as u64)? {
            0 => {
                return Err(Error::new(ErrorKind::Io, "a write makes no progress")
                    .at_path(file.path())
                    .at_offset(offset + done as u64));
            }
            written => done += written,
        }
    }
    Ok(())
}
