//! Holding a program's comparator against the order of bytes, the only one that the engine has.
//!
//! Whenever a key is written, looked for or walked past, it is compared with the keys beside it. As
//! long as every key that is there stands where its comparator wants it, between its neighbours,
//! both orders are the same over all keys, and no answer can be wrong. The first pair of keys on
//! which they differ makes the call fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use lsm_core::Cursor;

use crate::comparator::Comparator;
use crate::failure::{Failure, Result, shown};

/// A comparator that is asked.
#[derive(Clone, Debug)]
pub struct Order {
    comparator: Arc<Comparator>,
    name: Arc<[u8]>,
}

impl Order {
    /// The order of this comparator.
    #[must_use]
    pub fn new(comparator: Arc<Comparator>) -> Self {
        let name = comparator.name().into();
        Self { comparator, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Fails unless the comparator orders two keys as their bytes are ordered.
    pub fn check(&self, left: &[u8], right: &[u8]) -> Result<()> {
        match self.comparator.compare(left, right) {
            Some(answer) if answer == left.cmp(right) => Ok(()),
            Some(_) => Err(Failure::not_implemented(format!(
                "the comparator {} orders keys otherwise than byte by byte, \
                 and this library knows no other order",
                shown(&self.name)
            ))),
            None => Err(Failure::invalid(
                shown(&self.name),
                "the comparator was destroyed while the database is open",
            )),
        }
    }

    /// Fails unless `key` stands between its neighbours by both orders. One that is there already
    /// was checked when it came.
    pub fn check_place(&self, cursor: &mut Cursor, key: &[u8]) -> Result<()> {
        cursor.seek(key)?;
        match cursor.next()? {
            Some((found, _)) if found == key => return self.check(key, key),
            Some((behind, _)) => self.check(key, behind)?,
            None => {}
        }
        cursor.seek(key)?;
        match cursor.prev()? {
            Some((before, _)) => self.check(before, key),
            None => self.check(key, key),
        }
    }

    /// Fails unless several keys, which may be written together, are in one order by both: among
    /// each other, and each between its neighbours.
    pub fn check_places(&self, cursor: &mut Cursor, keys: &BTreeSet<&[u8]>) -> Result<()> {
        for (key, next) in keys.iter().zip(keys.iter().skip(1)) {
            self.check(key, next)?;
        }
        for key in keys {
            self.check_place(cursor, key)?;
        }
        Ok(())
    }
}
