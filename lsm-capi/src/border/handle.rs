//! Handles: numbers in the shape of pointers.
//!
//! ```text
//! 63       56 55                    24 23              0
//! [  kind   ] [     generation       ] [    index      ]
//! ```
//!
//! No address of a process looks like that, so a handle that is dereferenced by mistake traps at
//! once. A place is used again under its next generation: an old handle never means something new.

use lsm_core::{Error, ErrorKind, Result};

const _: () = assert!(usize::BITS == 64, "a handle takes 64 bits of a pointer");

const KIND_SHIFT: u32 = 56;
const GENERATION_SHIFT: u32 = 24;

/// More places than this one table does not have.
pub(crate) const INDEX_MAX: u32 = (1 << GENERATION_SHIFT) - 1;

/// What a handle is of. The numbers make no valid address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Db = 0x11,
    Snapshot = 0x12,
    Batch = 0x13,
    Iter = 0x14,
    Error = 0x15,
    Value = 0x16,
    Sink = 0x17,
}

const KINDS: [Kind; 7] =
    [Kind::Db, Kind::Snapshot, Kind::Batch, Kind::Iter, Kind::Error, Kind::Value, Kind::Sink];

impl Kind {
    /// As the header calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Db => "lsm_db",
            Self::Snapshot => "lsm_snapshot",
            Self::Batch => "lsm_batch",
            Self::Iter => "lsm_iter",
            Self::Error => "lsm_error",
            Self::Value => "lsm_value",
            Self::Sink => "lsm_sink",
        }
    }
}

/// A place in a table, at one generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl Handle {
    /// As C gets it.
    #[inline]
    pub(crate) fn to_word(self, kind: Kind) -> usize {
        let Self { index, generation } = self;
        (kind as usize) << KIND_SHIFT | (generation as usize) << GENERATION_SHIFT | index as usize
    }

    /// As C gives it back: anything at all.
    #[inline]
    pub(crate) fn from_word(word: usize, kind: Kind) -> Result<Self> {
        if word >> KIND_SHIFT != kind as usize {
            return Err(no_handle(word, kind));
        }
        let generation = (word >> GENERATION_SHIFT) as u32;
        Ok(Self { index: word as u32 & INDEX_MAX, generation })
    }
}

#[cold]
fn no_handle(word: usize, kind: Kind) -> Error {
    let wanted = kind.name();
    let message = match KINDS.iter().find(|other| word >> KIND_SHIFT == **other as usize) {
        _ if word == 0 => format!("a NULL was given where an {wanted} belongs"),
        Some(other) => format!("an {} was given where an {wanted} belongs", other.name()),
        None => format!("a pointer that is no handle was given where an {wanted} belongs"),
    };
    Error::new(ErrorKind::InvalidArgument, message)
}

/// What a handle of the right kind gets that is not in use any more.
#[cold]
pub(crate) fn closed(kind: Kind) -> Error {
    Error::new(ErrorKind::Closed, format!("this {} was closed or freed before", kind.name()))
}

/// What a second thread gets that uses what one thread at a time may use.
#[cold]
pub(crate) fn busy(kind: Kind) -> Error {
    Error::new(ErrorKind::Busy, format!("another thread is using this {} right now", kind.name()))
}
