//! What blocks are read for.

use crate::base::error::{Error, ErrorKind, Result};

/// What a block is read for: how long it shall stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// For one key, which may be wanted again.
    Point,
    /// Along with its neighbours: it stays on probation, and its being read says nothing.
    Scan,
    /// Once and never again: what is not resident does not become so.
    Bypass,
    /// Where it is if it is resident; else it is read, and does not become so.
    Aside,
    /// Where it is if it is resident; else not at all.
    Resident,
    /// As a part of an index or filter: it leaves after the data.
    Index,
}

impl Use {
    /// How the indexes and filters are asked for on the way to a block.
    #[must_use]
    pub fn of_index(self) -> Self {
        match self {
            Self::Aside | Self::Resident => self,
            Self::Point | Self::Scan | Self::Bypass | Self::Index => Self::Index,
        }
    }

    /// Refuses to ask the disk for what nobody may ask it for.
    pub fn check_disk(self) -> Result<()> {
        if self != Self::Resident {
            return Ok(());
        }
        let message = "not all that is needed is in memory, and the disk may not be asked";
        Err(Error::new(ErrorKind::Busy, message))
    }
}
