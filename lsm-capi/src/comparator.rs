//! Section "comparators": orders of keys that are the program's own.

use std::ffi::{c_char, c_void};

use lsm_core::{Builder, Result};

use crate::border::pointers::{Border, Sized32, invalid};
use crate::border::thread::in_callback;
use crate::bytes::lsm_slice;
use crate::callbacks::Context;
use crate::operator::{checked, lsm_destroy_fn, lsm_sink, with_sink};
use crate::status::{LSM_INVALID_ARGUMENT, lsm_status};

/// Appends to `result` the bytes by which a key is ordered; keys of which they are the same are
/// ordered as bytes. It must always make the same of the same key. LSM_OK, or what the call that
/// has asked answers.
pub type lsm_sort_key_fn = Option<
    unsafe extern "C" fn(context: *mut c_void, key: lsm_slice, result: *mut lsm_sink) -> lsm_status,
>;

/// An order of keys, for `comparators` of lsm_options; keyspaces choose it by its name. It is asked
/// in the threads that read and write, several at once, and never in the background. Begin with
/// LSM_COMPARATOR_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_comparator {
    /// sizeof(lsm_comparator).
    pub struct_size: u32,
    /// 1 to 64 letters, digits, `-`, `_` and `.`. Copied.
    pub name: *const c_char,
    /// Handed to the functions.
    pub context: *mut c_void,
    /// What keys are ordered by.
    pub sort_key: lsm_sort_key_fn,
    /// Is called with the context, once, when the database is closed and nobody uses it any more,
    /// or when it could not be opened.
    pub destroy: lsm_destroy_fn,
}

impl Sized32 for lsm_comparator {
    const NAME: &'static str = "lsm_comparator";
}

/// An order by way of C.
struct Own {
    context: Context,
    comparator: lsm_comparator,
}

// SAFETY: the header says that any thread calls the functions; the name's address is not used.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(destroy) = self.comparator.destroy {
            // SAFETY: the program gave this function to be called with this context, and nobody
            // has the comparator any more.
            in_callback(|| unsafe { destroy(self.context.0) });
        }
    }
}

impl Own {
    fn sort_key(&self, key: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Some(sort_key) = self.comparator.sort_key else { return checked(LSM_INVALID_ARGUMENT) };
        let (context, key) = (self.context.0, lsm_slice::lend(key));
        checked(with_sink(out, |sink| {
            // SAFETY: the program gave this function to be called with this context; what is lent
            // lives until the call returns.
            unsafe { sort_key(context, key, sink) }
        })?)
    }
}

/// Registers comparators that C gave.
pub(crate) fn register(
    border: &Border,
    mut builder: Builder,
    comparators: *const lsm_comparator,
    count: usize,
) -> Result<Builder> {
    // All of them first: whatever fails, each context that was understood is freed.
    let mut owned = Vec::new();
    let mut refused = None;
    for comparator in border.array("comparators", comparators, count)? {
        let Some(comparator) = border.options(std::ptr::from_ref(comparator))? else { continue };
        let own = Own { context: Context(comparator.context), comparator };
        match border.text("name", comparator.name) {
            Ok(name) => owned.push((name.to_owned(), own)),
            Err(error) => refused = Some(error),
        }
        if comparator.sort_key.is_none() {
            refused = Some(invalid("`sort_key` of a comparator is NULL"));
        }
    }
    if let Some(error) = refused {
        return Err(error);
    }
    for (name, own) in owned {
        builder = builder.comparator(&name, move |key, out| own.sort_key(key, out));
    }
    Ok(builder)
}
