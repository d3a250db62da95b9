//! Section "explaining": what a read did, and what is wrong or slow, for programs and for people.

use lsm_core::{
    CallOptions, ExplainOptions, Explanation, KeyspaceWith, RangeExplanation, Result, Slice,
};

use crate::border::call::done;
use crate::border::pointers::Border;
use crate::bytes::{lsm_slice, lsm_value};
use crate::db::open;
use crate::error::lsm_error;
use crate::handles::{Seen, lsm_db, seen};
use crate::maintain::told;
use crate::options::convert::check_flags;
use crate::options::{lsm_call_options, lsm_read_options};
use crate::read::reader;
use crate::status::lsm_status;
use crate::write::range;

/// For `flags` of lsm_explain_range(): from the end of the range to its beginning.
pub const LSM_EXPLAIN_REVERSE: u32 = 1;

/// Looks a key up as lsm_get() does, and tells as JSON which memtables, tables, filters and blocks
/// were asked, what each said, and what it cost. That there is no such key is no error: `answer` is
/// "missing" then. It counts as a lookup.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_explain_get(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("json", json)?.first(lsm_value::NONE);
        let text = explain_get(border, db, options_or_null, key)?.to_json();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// The same as a text for people.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_explain_get_text(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    key: lsm_slice,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("text", text)?.first(lsm_value::NONE);
        let text = explain_get(border, db, options_or_null, key)?.to_string();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

fn explain_get(
    border: &Border,
    db: *const lsm_db,
    options: *const lsm_read_options,
    key: lsm_slice,
) -> Result<Explanation> {
    let seen = seen(db)?;
    let key = border.key(key)?;
    match reader(border, &seen, options)? {
        None => seen.keyspace.explain_get(key),
        Some(reader) => reader.explain_get(key),
    }
}

/// Walks through the keys from `begin` on, before `end`, as an iterator does, and tells as JSON
/// what was read, what was passed over, and what that cost. An absent end is no bound. Ends after
/// `limit` pairs; 0 is no limit. `flags` are LSM_EXPLAIN_ flags; `progress` of the call's options
/// is told of pairs. It counts as a scan.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_explain_range(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    begin: lsm_slice,
    end: lsm_slice,
    limit: u64,
    flags: u32,
    call_options_or_null: *const lsm_call_options,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("json", json)?.first(lsm_value::NONE);
        let scan = Scan { db, options: options_or_null, begin, end, limit, flags };
        let text = scan.explain(border, call_options_or_null)?.to_json();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// The same as a text for people.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_explain_range_text(
    db: *const lsm_db,
    options_or_null: *const lsm_read_options,
    begin: lsm_slice,
    end: lsm_slice,
    limit: u64,
    flags: u32,
    call_options_or_null: *const lsm_call_options,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("text", text)?.first(lsm_value::NONE);
        let scan = Scan { db, options: options_or_null, begin, end, limit, flags };
        let text = scan.explain(border, call_options_or_null)?.to_string();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// What is to be scanned.
struct Scan {
    db: *const lsm_db,
    options: *const lsm_read_options,
    begin: lsm_slice,
    end: lsm_slice,
    limit: u64,
    flags: u32,
}

impl Scan {
    fn explain(
        &self,
        border: &Border,
        call_options: *const lsm_call_options,
    ) -> Result<RangeExplanation> {
        check_flags(self.flags, LSM_EXPLAIN_REVERSE)?;
        let seen = seen(self.db)?;
        let reader = reader(border, &seen, self.options)?;
        told(border, call_options, |options| self.walk(border, (&seen, reader.as_ref()), options))
    }

    fn walk(
        &self,
        border: &Border,
        (seen, reader): (&Seen, Option<&KeyspaceWith>),
        options: CallOptions<'_>,
    ) -> Result<RangeExplanation> {
        let range = range(border, self.begin, self.end)?;
        let limit = (self.limit > 0).then_some(self.limit);
        let is_reverse = self.flags & LSM_EXPLAIN_REVERSE != 0;
        let how = ExplainOptions::new().limit(limit).reverse(is_reverse).call(options);
        match reader {
            None => seen.keyspace.explain_range_with(range, how),
            Some(reader) => reader.explain_range_with(range, how),
        }
    }
}

/// Says as JSON what is wrong or slow, and which limit or option causes it: `is_healthy`, and
/// `findings` with `name`, `severity`, `keyspace`, `option`, `seen` and `advice`. As cheap as
/// lsm_describe().
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_doctor(
    db: *const lsm_db,
    json: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("json", json)?.first(lsm_value::NONE);
        let text = open(db)?.database.db.doctor()?.to_json();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}

/// The same as a text for people.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_doctor_text(
    db: *const lsm_db,
    text: *mut lsm_value,
    error: *mut *mut lsm_error,
) -> lsm_status {
    done(error, |border| {
        let place = border.out("text", text)?.first(lsm_value::NONE);
        let text = open(db)?.database.db.doctor()?.to_string();
        place.set(lsm_value::keep(Slice::from(text))?);
        Ok(())
    })
}
