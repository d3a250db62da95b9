//! Pairs as Arrow has columns: a struct of `key` and `value`, binary and never null, in memory that
//! is lent to whoever takes the structs.

#![allow(unsafe_code, reason = "C calls what stands here, and gives back what was made here")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null;
use std::sync::Arc;

use lsm_core::{Error, ErrorKind};

use crate::arrow::abi::{Array, Passed, Schema, Stream};
use crate::arrow::interpreter::{Owner, Refused, released};
use crate::border::fork::Kept;
use crate::column::chunk::{Chunk, Column, Offsets, Size};
use crate::column::scan::{Limits, Scan};

/// Structs below another one. They are given back with it, unless somebody has moved them out.
struct Children<T>(Vec<*mut T>);

impl<T> Children<T> {
    fn new(children: impl IntoIterator<Item = T>) -> Self {
        Self(children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect())
    }
}

impl<T> Drop for Children<T> {
    fn drop(&mut self) {
        for &child in &self.0 {
            // SAFETY: each was a box, and is made one again here only.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

// -- schemas

/// What the chunks of a range look like.
pub(crate) fn schema(size: Size) -> Schema {
    let format = match size {
        Size::Small => c"z",
        Size::Large => c"Z",
    };
    let columns = [c"key", c"value"].map(|name| schema_of(format, name, Children::new([])));
    schema_of(c"+s", c"", Children::new(columns))
}

fn schema_of(format: &'static CStr, name: &'static CStr, children: Children<Schema>) -> Schema {
    let mut children = Box::new(children);
    Schema {
        format: format.as_ptr(),
        name: name.as_ptr(),
        n_children: children.0.len() as i64,
        children: children.0.as_mut_ptr(),
        release: Some(release_schema),
        private_data: Box::into_raw(children).cast(),
        ..Schema::EMPTY
    }
}

/// # Safety
///
/// `schema` was made by `schema_of`, and has not been given back.
unsafe extern "C" fn release_schema(schema: *mut Schema) {
    // SAFETY: as the caller promises; the box was made for the schema alone.
    unsafe {
        drop(Box::from_raw((*schema).private_data.cast::<Children<Schema>>()));
        (*schema).release = None;
    }
}

// -- arrays

/// What an array points at.
struct Held {
    _chunk: Arc<Chunk>,
    buffers: [*const c_void; 3],
    children: Children<Array>,
}

/// A chunk, which is kept until the array and both of its columns are given back.
pub(crate) fn array(chunk: &Arc<Chunk>) -> Array {
    let columns = [&chunk.keys, &chunk.values].map(|column| {
        let buffers = [null(), starts(column), column.data.as_ptr().cast()];
        array_of(chunk, 3, buffers, Children::new([]))
    });
    array_of(chunk, 1, [null(); 3], Children::new(columns))
}

fn starts(column: &Column) -> *const c_void {
    match &column.offsets {
        Offsets::Small(ends) => ends.as_ptr().cast(),
        Offsets::Large(ends) => ends.as_ptr().cast(),
    }
}

/// The first buffer says where nulls are: there are none.
fn array_of(
    chunk: &Arc<Chunk>,
    n_buffers: i64,
    buffers: [*const c_void; 3],
    children: Children<Array>,
) -> Array {
    let mut held = Box::new(Held { _chunk: chunk.clone(), buffers, children });
    Array {
        length: chunk.rows() as i64,
        n_buffers,
        n_children: held.children.0.len() as i64,
        buffers: held.buffers.as_mut_ptr(),
        children: held.children.0.as_mut_ptr(),
        release: Some(release_array),
        private_data: Box::into_raw(held).cast(),
        ..Array::EMPTY
    }
}

/// # Safety
///
/// `array` was made by `array_of`, and has not been given back.
unsafe extern "C" fn release_array(array: *mut Array) {
    // SAFETY: as the caller promises; the box was made for the array alone.
    unsafe {
        drop(Box::from_raw((*array).private_data.cast::<Held>()));
        (*array).release = None;
    }
}

// -- streams

const INTERRUPTED: c_int = 4;
const FAILED_IO: c_int = 5;
const NO_MEMORY: c_int = 12;
const INVALID: c_int = 22;

/// What a stream is made of.
struct Flow {
    scan: Kept<Scan>,
    size: Size,
    limits: Limits,
    /// What went wrong last, to be read by whoever was told the number.
    said: CString,
    _owner: Owner,
}

/// What C is told when there is no chunk: a number, and a sentence.
type Told = (c_int, String);

/// What is left of a scan, chunk after chunk. `owner` is kept until the stream is given back.
pub(crate) fn stream(scan: Scan, size: Size, limits: Limits, owner: Owner) -> Stream {
    let (scan, said) = (Kept::new(scan), CString::default());
    let flow = Box::new(Flow { scan, size, limits, said, _owner: owner });
    Stream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release_stream),
        private_data: Box::into_raw(flow).cast(),
    }
}

impl Flow {
    /// The next chunk; one that is empty at the end.
    fn next(&mut self) -> Result<Array, Told> {
        let scan = self.scan.get_mut().map_err(told)?;
        let chunk = released(|| scan.chunk(self.size, self.limits));
        match chunk.map_err(refused)?.map_err(told)? {
            Some(chunk) => Ok(array(&Arc::new(chunk))),
            None => Ok(Array::EMPTY),
        }
    }
}

fn told(error: Error) -> Told {
    let number = match error.kind() {
        ErrorKind::OutOfMemory => NO_MEMORY,
        ErrorKind::Closed | ErrorKind::Forked | ErrorKind::InvalidArgument => INVALID,
        _ => error.os_code().unwrap_or(FAILED_IO),
    };
    (number, error.to_string())
}

fn refused(why: Refused) -> Told {
    let (number, sentence) = match why {
        Refused::Ended => (INVALID, "the interpreter has ended"),
        Refused::Interrupted => (INTERRUPTED, "a signal has interrupted the scan"),
        Refused::Panicked => (FAILED_IO, "the scan has met a bug in lsm"),
    };
    (number, sentence.to_owned())
}

/// # Safety
///
/// `stream` was made by `stream` and is not used by anybody else meanwhile.
unsafe extern "C" fn get_schema(stream: *mut Stream, out: *mut Schema) -> c_int {
    // SAFETY: as the caller promises; what `out` points at is to be filled in.
    unsafe { out.write(schema((*(*stream).private_data.cast::<Flow>()).size)) };
    0
}

/// # Safety
///
/// As for `get_schema`.
unsafe extern "C" fn get_next(stream: *mut Stream, out: *mut Array) -> c_int {
    // SAFETY: as the caller promises.
    let flow = unsafe { &mut *(*stream).private_data.cast::<Flow>() };
    match flow.next() {
        Ok(array) => {
            // SAFETY: what `out` points at is to be filled in.
            unsafe { out.write(array) };
            0
        }
        Err((number, sentence)) => {
            flow.said = CString::new(sentence).unwrap_or_default();
            number
        }
    }
}

/// # Safety
///
/// As for `get_schema`.
unsafe extern "C" fn get_last_error(stream: *mut Stream) -> *const c_char {
    // SAFETY: as the caller promises; the sentence stays until the next call.
    let said = unsafe { &(*(*stream).private_data.cast::<Flow>()).said };
    if said.is_empty() { null() } else { said.as_ptr() }
}

/// # Safety
///
/// As for `get_schema`, and it has not been given back.
unsafe extern "C" fn release_stream(stream: *mut Stream) {
    // SAFETY: as the caller promises; the box was made for the stream alone.
    unsafe {
        drop(Box::from_raw((*stream).private_data.cast::<Flow>()));
        (*stream).release = None;
    }
}
