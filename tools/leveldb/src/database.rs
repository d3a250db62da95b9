//! Sections "DB operations" and "Management operations".

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::ffi::{c_char, c_int};
use std::ops::Bound;
use std::ptr::null_mut;

use lsm_core::{Snapshot, WriteOptions};

use crate::batch::leveldb_writebatch_t;
use crate::boundary::{ErrorPlace, Lent, Room, Text, copied, copied_text, guarded, told, untold};
use crate::choices::{leveldb_readoptions_t, leveldb_snapshot_t, leveldb_writeoptions_t};
use crate::door::{Change, Door};
use crate::failure::{Failure, Result};
use crate::iterator::leveldb_iterator_t;
use crate::opening::Opening;
use crate::options::leveldb_options_t;
use crate::property;

/// A database as C holds it.
#[derive(Debug)]
pub struct leveldb_t(Door);

fn door(db: Option<&leveldb_t>) -> Result<&Door> {
    db.map(|db| &db.0).ok_or_else(|| Failure::invalid("NULL", "there is no database behind it"))
}

fn opening(options: Option<&leveldb_options_t>) -> Opening {
    options.map(|options| options.0.clone()).unwrap_or_default()
}

fn writing(options: Option<&leveldb_writeoptions_t>) -> WriteOptions {
    options.unwrap_or(&leveldb_writeoptions_t::default()).engine()
}

fn snapshot(options: Option<&leveldb_readoptions_t>) -> Option<&Snapshot> {
    options.and_then(|options| options.snapshot.as_ref())
}

/// Opens a database; NULL if it cannot be.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_open(
    options: Option<&leveldb_options_t>,
    name: Text<'_>,
    errptr: ErrorPlace<'_>,
) -> Option<Box<leveldb_t>> {
    told(errptr, None, || {
        let door = Door::open(name.path(), &opening(options))?;
        Ok(Some(Box::new(leveldb_t(door))))
    })
}

/// Closes a database and frees its handle.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_close(db: Option<Box<leveldb_t>>) {
    // C has no place for an error here. What was promised to survive has been in the log before.
    untold((), || drop(db.map(|db| db.0.db.close())));
}

/// Gives a key a value.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_put(
    db: Option<&leveldb_t>,
    options: Option<&leveldb_writeoptions_t>,
    key: Lent<'_>,
    key_len: usize,
    value: Lent<'_>,
    value_len: usize,
    errptr: ErrorPlace<'_>,
) {
    told(errptr, (), || {
        let change = Change::Put(key.values(key_len)?, value.values(value_len)?);
        door(db)?.write(&change, &writing(options))
    });
}

/// Takes a key away, whether or not it is there.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_delete(
    db: Option<&leveldb_t>,
    options: Option<&leveldb_writeoptions_t>,
    key: Lent<'_>,
    key_len: usize,
    errptr: ErrorPlace<'_>,
) {
    told(errptr, (), || door(db)?.write(&Change::Delete(key.values(key_len)?), &writing(options)));
}

/// Writes all changes of a batch, or none.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_write(
    db: Option<&leveldb_t>,
    options: Option<&leveldb_writeoptions_t>,
    batch: Option<&leveldb_writebatch_t>,
    errptr: ErrorPlace<'_>,
) {
    told(errptr, (), || {
        let changes = batch.map(leveldb_writebatch_t::changes).transpose()?.unwrap_or_default();
        door(db)?.write_all(&changes, &writing(options))
    });
}

/// Answers the value of a key in memory to be freed; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_get(
    db: Option<&leveldb_t>,
    options: Option<&leveldb_readoptions_t>,
    key: Lent<'_>,
    key_len: usize,
    value_len: Room<'_, usize>,
    errptr: ErrorPlace<'_>,
) -> *mut c_char {
    let (value, len) = told(errptr, (null_mut(), 0), || {
        let found = door(db)?.get(key.values(key_len)?, snapshot(options))?;
        let Some(value) = found else { return Ok((null_mut(), 0)) };
        match copied(&value) {
            copy if copy.is_null() => Err(Failure::out_of_memory()),
            copy => Ok((copy, value.len())),
        }
    });
    value_len.put(len);
    value
}

/// Makes an iterator over what there is at this moment, or was at the snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_create_iterator(
    db: Option<&leveldb_t>,
    options: Option<&leveldb_readoptions_t>,
) -> Option<Box<leveldb_iterator_t>> {
    untold(None, || {
        let door = door(db).ok()?;
        let iterator = leveldb_iterator_t::new(door.cursor(snapshot(options)), door.order());
        Some(Box::new(iterator))
    })
}

/// Holds on to what there is at this moment.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_create_snapshot(
    db: Option<&leveldb_t>,
) -> Option<Box<leveldb_snapshot_t>> {
    untold(None, || {
        let snapshot = door(db).ok()?.db.snapshot().ok()?;
        Some(Box::new(leveldb_snapshot_t(snapshot)))
    })
}

/// Lets go of it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_release_snapshot(
    _db: Option<&leveldb_t>,
    snapshot: Option<Box<leveldb_snapshot_t>>,
) {
    untold((), || drop(snapshot));
}

/// Answers the text of a property in memory to be freed; NULL if it has no such name.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_property_value(db: Option<&leveldb_t>, name: Text<'_>) -> *mut c_char {
    let text = untold(None, || property::text(door(db).ok()?, name.bytes()));
    text.map_or(null_mut(), |text| copied_text(text.as_bytes()))
}

/// Writes about how many bytes on disk each range takes; 0 where that cannot be told.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_approximate_sizes(
    db: Option<&leveldb_t>,
    count: c_int,
    starts: Lent<'_, Lent<'_>>,
    start_lens: Lent<'_, usize>,
    limits: Lent<'_, Lent<'_>>,
    limit_lens: Lent<'_, usize>,
    sizes: Room<'_, u64>,
) {
    let count = usize::try_from(count).unwrap_or(0);
    let places = sizes.places(count);
    for place in places.iter_mut() {
        place.write(0);
    }
    let each = || -> Result<()> {
        let starts = starts.values(count)?.iter().zip(start_lens.values(count)?);
        let limits = limits.values(count)?.iter().zip(limit_lens.values(count)?);
        for (((start, start_len), (limit, limit_len)), place) in starts.zip(limits).zip(places) {
            let range = start.values(*start_len)?..limit.values(*limit_len)?;
            place.write(door(db)?.pairs.approximate_bytes(range)?);
        }
        Ok(())
    };
    // C has no place for an error here.
    let _told = guarded(each);
}

/// Merges all tables of a range, both of whose ends belong to it; NULL for everything on a side.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_compact_range(
    db: Option<&leveldb_t>,
    start: Lent<'_>,
    start_len: usize,
    limit: Lent<'_>,
    limit_len: usize,
) {
    let bound = |key: Lent<'_>, len| -> Result<Bound<Vec<u8>>> {
        if key.is_null() {
            return Ok(Bound::Unbounded);
        }
        Ok(Bound::Included(key.values(len)?.to_vec()))
    };
    // C has no place for an error here, and what was not merged is read all the same.
    let _told = guarded(|| {
        Ok(door(db)?.pairs.compact((bound(start, start_len)?, bound(limit, limit_len)?))?)
    });
}

/// Deletes a database. One that is missing is gone already; LevelDB's own are refused.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_destroy_db(
    _options: Option<&leveldb_options_t>,
    name: Text<'_>,
    errptr: ErrorPlace<'_>,
) {
    told(errptr, (), || Door::destroy(name.path()));
}

/// Recovers a database as an opening does, and verifies every byte of it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_repair_db(
    options: Option<&leveldb_options_t>,
    name: Text<'_>,
    errptr: ErrorPlace<'_>,
) {
    told(errptr, (), || Door::repair(name.path(), &opening(options)));
}
