//! Section "compaction filters": what compactions take away or change.

use std::ffi::{c_char, c_void};

use lsm_core::{Builder, CompactionFilter, Expiry, FilterContext, FilterDecision, Result};

use crate::border::pointers::{Border, Sized32, invalid};
use crate::border::thread::in_callback;
use crate::bytes::lsm_slice;
use crate::callbacks::Context;
use crate::operator::{checked, lsm_destroy_fn, lsm_sink, with_sink};
use crate::status::{LSM_INVALID_ARGUMENT, lsm_status};

/// What becomes of a value that a compaction filter is shown.
pub type lsm_filter_decision = u32;

/// It stays.
pub const LSM_FILTER_KEEP: lsm_filter_decision = 0;
/// It goes, as if the key had been deleted.
pub const LSM_FILTER_REMOVE: lsm_filter_decision = 1;
/// What was appended to `replacement` takes its place. When it expires stays.
pub const LSM_FILTER_REPLACE: lsm_filter_decision = 2;

/// What a compaction filter may know besides key and value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_filter_context {
    /// sizeof(lsm_filter_context) of the library.
    pub struct_size: u32,
    /// The level where the value will stand.
    pub level: u32,
    /// 1 if nothing older lies beneath what is rewritten.
    pub is_last_level: u32,
    /// The name of the keyspace.
    pub keyspace: lsm_slice,
    /// When the value expires, in milliseconds since 1970; 0 for never.
    pub expires_at_ms: u64,
}

/// Sets `decision`, which is LSM_FILTER_KEEP, to what becomes of a value. It has to depend on what
/// it is shown alone, and on nothing that goes back: it may be asked again. LSM_OK; anything else
/// keeps the value, is counted as `compaction_filter_failures` and told by LSM_EVENT_FILTER_FAILED.
pub type lsm_filter_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        key: lsm_slice,
        value: lsm_slice,
        about: *const lsm_filter_context,
        decision: *mut lsm_filter_decision,
        replacement: *mut lsm_sink,
    ) -> lsm_status,
>;

/// A compaction filter of the program's own, for `compaction_filters` of lsm_options; keyspaces
/// choose it by its name. It is shown a value whenever a compaction rewrites it, and all of them by
/// lsm_compact() of a whole keyspace, but none that a snapshot sees. Threads of the database call
/// it, several at once: it may read the database, must not write to it, and not wait for background
/// work. Begin with LSM_COMPACTION_FILTER_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_compaction_filter {
    /// sizeof(lsm_compaction_filter).
    pub struct_size: u32,
    /// 1 to 64 letters, digits, `-`, `_` and `.`. Copied.
    pub name: *const c_char,
    /// Handed to the functions.
    pub context: *mut c_void,
    /// Says what becomes of a value.
    pub filter: lsm_filter_fn,
    /// Is called with the context, once, when the database is closed and nobody uses it any more,
    /// or when it could not be opened.
    pub destroy: lsm_destroy_fn,
}

impl Sized32 for lsm_compaction_filter {
    const NAME: &'static str = "lsm_compaction_filter";
}

/// A filter by way of C.
struct Own {
    name: String,
    context: Context,
    filter: lsm_compaction_filter,
}

// SAFETY: the header says that any thread calls the functions; the name's address is not used.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(destroy) = self.filter.destroy {
            // SAFETY: the program gave this function to be called with this context, and nobody
            // has the filter any more.
            in_callback(|| unsafe { destroy(self.context.0) });
        }
    }
}

impl CompactionFilter for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn filter(
        &self,
        key: &[u8],
        value: &[u8],
        context: &FilterContext<'_>,
    ) -> Result<FilterDecision> {
        let Some(filter) = self.filter.filter else {
            return checked(LSM_INVALID_ARGUMENT).map(|()| FilterDecision::Keep);
        };
        let about = lsm_filter_context {
            struct_size: size_of::<lsm_filter_context>() as u32,
            level: u32::from(context.level),
            is_last_level: u32::from(context.is_last_level),
            keyspace: lsm_slice::lend(context.keyspace.as_bytes()),
            expires_at_ms: match context.expiry {
                Expiry::At(millis) => millis,
                _ => 0,
            },
        };
        let (mut decision, mut replacement) = (LSM_FILTER_KEEP, Vec::new());
        let (key, value) = (lsm_slice::lend(key), lsm_slice::lend(value));
        let context = self.context.0;
        checked(with_sink(&mut replacement, |sink| {
            // SAFETY: the program gave this function to be called with this context; what is lent
            // lives until the call returns.
            unsafe { filter(context, key, value, &raw const about, &raw mut decision, sink) }
        })?)?;
        match decision {
            LSM_FILTER_KEEP => Ok(FilterDecision::Keep),
            LSM_FILTER_REMOVE => Ok(FilterDecision::Remove),
            LSM_FILTER_REPLACE => Ok(FilterDecision::Replace(replacement)),
            other => Err(invalid(format!("`decision` does not know {other}"))),
        }
    }
}

/// Registers filters that C gave.
pub(crate) fn register(
    border: &Border,
    mut builder: Builder,
    filters: *const lsm_compaction_filter,
    count: usize,
) -> Result<Builder> {
    // All of them first: whatever fails, each context that was understood is freed.
    let mut owned = Vec::new();
    let mut refused = None;
    for filter in border.array("compaction_filters", filters, count)? {
        let Some(filter) = border.options(std::ptr::from_ref(filter))? else { continue };
        let mut own = Own { name: String::new(), context: Context(filter.context), filter };
        match border.text("name", filter.name) {
            Ok(name) => own.name.push_str(name),
            Err(error) => refused = Some(error),
        }
        if filter.filter.is_none() {
            refused = Some(invalid("`filter` of a compaction filter is NULL"));
        }
        owned.push(own);
    }
    if let Some(error) = refused {
        return Err(error);
    }
    for own in owned {
        builder = builder.compaction_filter(own);
    }
    Ok(builder)
}
