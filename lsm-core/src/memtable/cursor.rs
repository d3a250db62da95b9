//! A cursor over a memtable.

use crate::base::error::Result;
use crate::cursor::contract::Cursor;
use crate::key::full::head_of;
use crate::memtable::arena::Entry;
use crate::memtable::skiplist::SkipCursor;
use crate::memtable::tree::{FAN_OUT, TreeCursor};

/// Moves over the entries of a memtable, both ways, while it is written to.
///
/// It sees every entry that was put before it was placed by a seek, and may or may not see those
/// that are put later. It keeps the entries alive, allocates nothing and cannot fail.
#[derive(Debug)]
pub struct MemCursor(pub(super) Way);

/// A cursor of each kind.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the large one is the one that is used")]
pub(super) enum Way {
    Tree(TreeCursor<FAN_OUT>),
    SkipList(SkipCursor),
}

macro_rules! each {
    ($cursor:expr, $way:ident => $answer:expr) => {
        match $cursor {
            Way::Tree($way) => $answer,
            Way::SkipList($way) => $answer,
        }
    };
}

impl MemCursor {
    #[inline]
    fn entry(&self) -> Entry<'_> {
        each!(&self.0, way => way.entry())
    }
}

impl Cursor for MemCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        each!(&mut self.0, way => way.seek(key, trailer));
        Ok(())
    }

    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        each!(&mut self.0, way => way.seek_before(key, trailer));
        Ok(())
    }

    fn seek_first(&mut self) -> Result<()> {
        each!(&mut self.0, way => way.seek_first());
        Ok(())
    }

    fn seek_last(&mut self) -> Result<()> {
        each!(&mut self.0, way => way.seek_last());
        Ok(())
    }

    #[inline]
    fn next(&mut self) -> Result<()> {
        each!(&mut self.0, way => way.next());
        Ok(())
    }

    #[inline]
    fn prev(&mut self) -> Result<()> {
        each!(&mut self.0, way => way.prev());
        Ok(())
    }

    #[inline]
    fn is_valid(&self) -> bool {
        each!(&self.0, way => way.is_valid())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.entry().key
    }

    #[inline]
    fn head(&self) -> u64 {
        head_of(self.entry().key)
    }

    #[inline]
    fn trailer(&self) -> u64 {
        self.entry().trailer
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.entry().value
    }
}
