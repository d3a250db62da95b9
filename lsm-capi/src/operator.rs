//! Section "merge operators": what operands of the program's own do.

use std::ffi::{c_char, c_void};
use std::ptr;

use lsm_core::{Builder, Error, ErrorKind, MergeOperator, Result};

use crate::border::call::quiet;
use crate::border::handle::Kind;
use crate::border::pointers::{Border, Sized32, invalid};
use crate::border::table::Table;
use crate::border::thread::in_callback;
use crate::bytes::lsm_slice;
use crate::callbacks::Context;
use crate::status::{
    LSM_INVALID_ARGUMENT, LSM_NOT_FOUND, LSM_OK, LSM_OUT_OF_MEMORY, lsm_status, name_of, status_of,
};

/// Where a callback puts its result, for the time of the call.
pub struct lsm_sink {
    _opaque: [u8; 0],
}

/// Appends to `result` what becomes of a value, or of none, with operands applied to it, the oldest
/// first; there is at least one. It has to depend on its arguments alone. LSM_OK, or what the read
/// that has asked answers: nothing is lost then.
pub type lsm_merge_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        key: lsm_slice,
        base_or_null: *const lsm_slice,
        operands: *const lsm_slice,
        operand_count: usize,
        result: *mut lsm_sink,
    ) -> lsm_status,
>;

/// Appends to `result` one operand that does what `older` and then `newer` do, to any value; or
/// answers LSM_NOT_FOUND if there is none.
pub type lsm_partial_fn = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        key: lsm_slice,
        older: lsm_slice,
        newer: lsm_slice,
        result: *mut lsm_sink,
    ) -> lsm_status,
>;

/// LSM_OK for bytes that make sense; anything else refuses the write with that status.
pub type lsm_check_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, bytes: lsm_slice) -> lsm_status>;

/// Frees a context that is not used any more.
pub type lsm_destroy_fn = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// A merge operator of the program's own, for `merge_operators` of lsm_options; keyspaces choose it
/// by its name. Any thread calls it, several at once. Begin with LSM_MERGE_OPERATOR_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_merge_operator {
    /// sizeof(lsm_merge_operator).
    pub struct_size: u32,
    /// 1 to 64 letters, digits, `-`, `_` and `.`, and none of the built-in names. Copied.
    pub name: *const c_char,
    /// Handed to the functions.
    pub context: *mut c_void,
    /// What operands do.
    pub merge: lsm_merge_fn,
    /// Makes one operand of two. Usual: there is none.
    pub partial: lsm_partial_fn,
    /// Looks at an operand that is about to be written. Usual: all make sense.
    pub check: lsm_check_fn,
    /// Looks at a value that is about to be put. Usual: all make sense.
    pub check_value: lsm_check_fn,
    /// Is called with the context, once, when the database is closed and nobody uses it any more,
    /// or when it could not be opened.
    pub destroy: lsm_destroy_fn,
}

impl Sized32 for lsm_merge_operator {
    const NAME: &'static str = "lsm_merge_operator";
}

/// Results that callbacks are writing.
static SINKS: Table<Vec<u8>> = Table::new(Kind::Sink);

/// Appends bytes to a callback's result. LSM_CLOSED once the callback has returned.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn lsm_sink_append(sink: *mut lsm_sink, bytes: lsm_slice) -> lsm_status {
    quiet(LSM_INVALID_ARGUMENT, |border| {
        let mut result = match SINKS.own(sink as usize) {
            Ok(result) => result,
            Err(error) => return Ok(status_of(error.kind())),
        };
        let bytes = border.value(bytes)?;
        if result.try_reserve(bytes.len()).is_err() {
            return Ok(LSM_OUT_OF_MEMORY);
        }
        result.extend_from_slice(bytes);
        Ok(LSM_OK)
    })
}

/// An operator by way of C.
struct Own {
    name: String,
    context: Context,
    operator: lsm_merge_operator,
}

// SAFETY: the header says that any thread calls the functions; the name's address is not used.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(destroy) = self.operator.destroy {
            // SAFETY: the program gave this function to be called with this context, and nobody
            // has the operator any more.
            in_callback(|| unsafe { destroy(self.context.0) });
        }
    }
}

/// What a callback puts into a sink, and answers.
pub(crate) fn with_sink(
    out: &mut Vec<u8>,
    callback: impl FnOnce(*mut lsm_sink) -> lsm_status,
) -> Result<lsm_status> {
    let word = SINKS.insert(Vec::new())?;
    let status = in_callback(|| callback(word as *mut lsm_sink));
    if let Ok(mut result) = SINKS.own(word) {
        *out = std::mem::take(&mut *result);
    }
    SINKS.remove(word)?;
    Ok(status)
}

/// The error for a status that a callback has answered.
pub(crate) fn checked(status: lsm_status) -> Result<()> {
    const KINDS: [ErrorKind; 17] = [
        ErrorKind::InvalidArgument,
        ErrorKind::Unsupported,
        ErrorKind::Io,
        ErrorKind::NoSpace,
        ErrorKind::Corruption,
        ErrorKind::Locked,
        ErrorKind::Conflict,
        ErrorKind::TimedOut,
        ErrorKind::Closed,
        ErrorKind::ReadOnly,
        ErrorKind::Format,
        ErrorKind::TooLarge,
        ErrorKind::Aborted,
        ErrorKind::OutOfMemory,
        ErrorKind::Busy,
        ErrorKind::Exists,
        ErrorKind::Forked,
    ];
    if status == LSM_OK {
        return Ok(());
    }
    let kind = KINDS.into_iter().find(|kind| status_of(*kind) == status);
    let message = format!("its callback answered {}", name_of(status).to_string_lossy());
    Err(Error::new(kind.unwrap_or(ErrorKind::Aborted), message))
}

impl MergeOperator for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn merge(
        &self,
        key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(merge) = self.operator.merge else { return checked(LSM_INVALID_ARGUMENT) };
        let base = base.map(lsm_slice::lend);
        let base_or_null = base.as_ref().map_or(ptr::null(), ptr::from_ref);
        let all: Vec<lsm_slice> = operands.iter().map(|it| lsm_slice::lend(it)).collect();
        let (context, key) = (self.context.0, lsm_slice::lend(key));
        checked(with_sink(out, |sink| {
            // SAFETY: the program gave this function to be called with this context; what is lent
            // lives until the call returns.
            unsafe { merge(context, key, base_or_null, all.as_ptr(), all.len(), sink) }
        })?)
    }

    fn partial(&self, key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let Some(partial) = self.operator.partial else { return Ok(false) };
        let [key, older, newer] = [key, older, newer].map(lsm_slice::lend);
        let context = self.context.0;
        // SAFETY: as in `merge`.
        let ask = |sink| unsafe { partial(context, key, older, newer, sink) };
        match with_sink(out, ask)? {
            LSM_NOT_FOUND => Ok(false),
            status => checked(status).map(|()| true),
        }
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        self.look(self.operator.check, operand)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        self.look(self.operator.check_value, value)
    }
}

impl Own {
    fn look(&self, check: lsm_check_fn, bytes: &[u8]) -> Result<()> {
        let Some(check) = check else { return Ok(()) };
        let (context, bytes) = (self.context.0, lsm_slice::lend(bytes));
        // SAFETY: as in `merge`.
        checked(in_callback(|| unsafe { check(context, bytes) }))
    }
}

/// Registers operators that C gave.
pub(crate) fn register(
    border: &Border,
    mut builder: Builder,
    operators: *const lsm_merge_operator,
    count: usize,
) -> Result<Builder> {
    // All of them first: whatever fails, each context that was understood is freed.
    let mut owned = Vec::new();
    let mut refused = None;
    for operator in border.array("merge_operators", operators, count)? {
        let Some(operator) = border.options(ptr::from_ref(operator))? else { continue };
        let name = border.text("name", operator.name).map(str::to_owned);
        let own = |name| Own { name, context: Context(operator.context), operator };
        match name {
            Ok(name) => owned.push(own(name)),
            Err(error) => {
                drop(own(String::new()));
                refused = Some(error);
            }
        }
        if operator.merge.is_none() {
            refused = Some(invalid("`merge` of a merge operator is NULL"));
        }
    }
    if let Some(error) = refused {
        return Err(error);
    }
    for own in owned {
        builder = builder.merge_operator(own);
    }
    Ok(builder)
}
