//! An open database as a program of LevelDB's sees it, with no C in it.
//!
//! The pairs stand in a keyspace of their own, whose options are those of the first opening. The
//! name of the comparator stands in another one, written before there are any pairs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use lsm_core::base::sync::{Mutex, MutexGuard};
use lsm_core::{Batch, Cursor, Db, Durability, Keyspace, Slice, Snapshot, WriteOptions};

use crate::comparator::BYTEWISE;
use crate::failure::{Failure, Result, shown};
use crate::filter::Policy;
use crate::opening::Opening;
use crate::order::Order;
use crate::place::{self, Place};

/// The keyspace of the pairs.
pub const PAIRS: &str = "leveldb";
/// The keyspace of what is to be remembered about them.
const ABOUT: &str = "leveldb.about";
/// The key in `ABOUT` under which the comparator's name stands.
const COMPARATOR: &[u8] = b"comparator";

/// An open database.
#[derive(Debug)]
pub struct Door {
    /// The database.
    pub db: Db,
    /// Its pairs.
    pub pairs: Keyspace,
    order: Option<Order>,
    policy: Option<Arc<Policy>>,
    /// Held from a look at a key's neighbours to the write beside them.
    writer: Mutex<()>,
}

impl Door {
    /// Opens the database at `path`.
    pub fn open(path: &Path, opening: &Opening) -> Result<Self> {
        place::check(path, opening.create_if_missing)?;
        let opened = Db::builder(path).options(opening.engine()).open();
        let db = opened.map_err(|error| place::not_opened(path, error))?;
        let order = opening.comparator.clone().map(Order::new);
        check_comparator(&db, order.as_ref().map_or(BYTEWISE, Order::name))?;
        let pairs = match db.keyspace_names().iter().any(|name| name == PAIRS) {
            true => db.keyspace(PAIRS)?,
            false => db.keyspace_with(PAIRS, opening.keyspace())?,
        };
        let policy = opening.policy.clone();
        Ok(Self { db, pairs, order, policy, writer: Mutex::new(()) })
    }

    /// Opens the database, looks at every byte of it, and closes it. What LevelDB's repair makes of
    /// no database is an empty one.
    pub fn repair(path: &Path, opening: &Opening) -> Result<()> {
        let opening =
            Opening { create_if_missing: true, error_if_exists: false, ..opening.clone() };
        let door = Self::open(path, &opening)?;
        door.db.verify()?;
        Ok(door.db.close()?)
    }

    /// Deletes the database at `path` if there is one, and the directory if it is empty then.
    pub fn destroy(path: &Path) -> Result<()> {
        match Place::of(path) {
            Place::Missing => return Ok(()),
            Place::Vacant => {}
            Place::LevelDb => return Err(place::leveldbs(path)),
            Place::Ours => drop(Db::destroy(path).map_err(|it| place::not_opened(path, it))?),
        }
        place::remove_if_empty(path);
        Ok(())
    }

    /// Writes one change.
    pub fn write(&self, change: &Change<'_>, options: &WriteOptions) -> Result<()> {
        let key = change.key();
        let _turn = self.check_places(|order, cursor| order.check_place(cursor, key))?;
        match change {
            Change::Put(key, value) => self.pairs.put_with(key, value, options)?,
            Change::Delete(key) => self.pairs.delete_with(key, options)?,
        };
        Ok(())
    }

    /// Writes several changes as one.
    pub fn write_all(&self, changes: &[Change<'_>], options: &WriteOptions) -> Result<()> {
        let mut batch = Batch::new();
        for change in changes {
            match change {
                Change::Put(key, value) => batch.put(&self.pairs, key, value),
                Change::Delete(key) => batch.delete(&self.pairs, key),
            };
        }
        let _turn = self.check_places(|order, cursor| {
            let keys: BTreeSet<&[u8]> = changes.iter().map(Change::key).collect();
            order.check_places(cursor, &keys)
        })?;
        self.db.write_with(&batch, options)?;
        Ok(())
    }

    /// Runs a check of keys if there is an order to check them by. Other writers wait until what
    /// it answers is dropped.
    fn check_places(
        &self,
        check: impl FnOnce(&Order, &mut Cursor) -> Result<()>,
    ) -> Result<Option<MutexGuard<'_, ()>>> {
        let Some(order) = &self.order else { return Ok(None) };
        let turn = self.writer.lock();
        check(order, &mut self.pairs.cursor(..))?;
        Ok(Some(turn))
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8], snapshot: Option<&Snapshot>) -> Result<Option<Slice>> {
        let found = match snapshot {
            Some(snapshot) => self.pairs.at(snapshot).get(key)?,
            None => self.pairs.get(key)?,
        };
        if let (None, Some(order)) = (&found, &self.order) {
            order.check_place(&mut self.cursor(snapshot), key)?;
        }
        match &self.policy {
            Some(policy) if found.is_some() && !policy.admits(key)? => Ok(None),
            _ => Ok(found),
        }
    }

    /// A cursor over all pairs.
    #[must_use]
    pub fn cursor(&self, snapshot: Option<&Snapshot>) -> Cursor {
        match snapshot {
            Some(snapshot) => self.pairs.at(snapshot).cursor(..),
            None => self.pairs.cursor(..),
        }
    }

    /// The program's order, if it brought one.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        self.order.clone()
    }
}

/// One change of a pair.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A key gets a value.
    Put(&'a [u8], &'a [u8]),
    /// A key goes.
    Delete(&'a [u8]),
}

impl<'a> Change<'a> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &'a [u8] {
        match *self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// Holds the name of a comparator against the one that the database was made with, or makes it so.
fn check_comparator(db: &Db, name: &[u8]) -> Result<()> {
    let about = db.keyspace(ABOUT)?;
    match about.get(COMPARATOR)? {
        Some(known) if *known == *name => Ok(()),
        Some(known) => Err(Failure::invalid(
            format!("{} does not match existing comparator ", shown(&known)),
            shown(name),
        )),
        None => {
            let durable = WriteOptions::new().durability(Durability::Durable);
            about.put_with(COMPARATOR, name, &durable)?;
            Ok(())
        }
    }
}
