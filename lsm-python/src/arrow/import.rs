//! Columns that others hand in: which there are, where their rows lie, and what is wrong with them.
//!
//! Arrow's structs carry no lengths of buffers, so that offsets must be believed as far as they
//! are in order. Whatever else can be checked is.

#![allow(unsafe_code, reason = "what others hand in is pointers")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::slice::from_raw_parts;

use pyo3::exceptions::{PyOSError, PyTypeError};
use pyo3::prelude::*;

use crate::arrow::abi::{Array, Passed, Schema, Stream};
use crate::arrow::capsule::unpack;
use crate::arrow::lane::{Kind, Lane, Window, refuse};
use crate::border::calling::{call, find};
use crate::column::chunk::Size;

/// Where arrays come from.
pub(crate) enum Source {
    Stream(Stream),
    /// The only one, until it is taken.
    Array(Array),
}

impl Source {
    /// Opens an object that has Arrow's methods.
    pub(crate) fn open(object: &Bound<'_, PyAny>) -> PyResult<(Self, Schema)> {
        if let Some(stream) = find(object, "__arrow_c_stream__")? {
            let mut stream: Stream = unpack(&call(&stream, ())?)?;
            let schema = object.py().detach(|| schema_of(&mut stream))?;
            return Ok((Self::Stream(stream), schema));
        }
        if let Some(array) = find(object, "__arrow_c_array__")? {
            let pair = call(&array, ())?;
            let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            return Ok((Self::Array(unpack(&array)?), unpack(&schema)?));
        }
        let name = object.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "{name} has no columns that Arrow could read: a table of pyarrow, pandas, polars or \
             DuckDB has; NumPy arrays are for load_columns(), pairs for put_many()"
        )))
    }

    /// The next array, if there is one. Only without the interpreter: it may wait, also for others
    /// who need it.
    pub(crate) fn next(&mut self) -> PyResult<Option<Array>> {
        let array = match self {
            Self::Stream(stream) => filled(stream, stream.get_next)?,
            Self::Array(array) => std::mem::replace(array, Array::EMPTY),
        };
        Ok((!array.is_empty()).then_some(array))
    }
}

fn schema_of(stream: &mut Stream) -> PyResult<Schema> {
    let schema = filled(stream, stream.get_schema)?;
    if schema.is_empty() { Err(refuse("the Arrow stream has no schema")) } else { Ok(schema) }
}

/// What one of a stream's functions fills in.
fn filled<T: Passed>(
    stream: &mut Stream,
    fill: Option<unsafe extern "C" fn(*mut Stream, *mut T) -> c_int>,
) -> PyResult<T> {
    let Some(fill) = fill else { return Err(refuse("the Arrow stream lacks a function")) };
    let mut out = T::EMPTY;
    // SAFETY: the stream has not been given back, and is used by nobody else.
    let number = unsafe { fill(stream, &raw mut out) };
    if number == 0 { Ok(out) } else { Err(failure(stream, number)) }
}

/// What a stream says of its error.
fn failure(stream: &mut Stream, number: c_int) -> PyErr {
    // SAFETY: the stream has not been given back; its sentence stays until its next call.
    let said = unsafe {
        let said = stream.get_last_error.map(|last| last(stream));
        said.and_then(|said| text(said))
    };
    let said = said.unwrap_or_else(|| "it does not say why".to_owned());
    PyOSError::new_err((number, format!("the Arrow stream has failed: {said}")))
}

/// A string of C's.
///
/// # Safety
///
/// `pointer` is null or at a string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: as the caller promises.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

// -- which columns

/// A column of a table: which one, what it is called, and how its rows lie.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Column {
    /// The column `name` of a table.
    pub(crate) fn find(table: &Schema, name: &str) -> PyResult<Self> {
        let columns = columns(table)?;
        let mut named = columns.iter().enumerate().filter(|(_, column)| column.name == name);
        let Some((index, found)) = named.next() else {
            let names: Vec<_> = columns.iter().map(|column| &*column.name).collect();
            let names = names.join(", ");
            return Err(refuse(&format!("there is no column {name:?}: there is {names}")));
        };
        if named.next().is_some() {
            return Err(refuse(&format!("there are several columns {name:?}: rename one")));
        }
        let unfit = |what: &str| {
            let advice = "keys and values are binary or strings: cast it first";
            refuse(&format!("column {name:?} {what}; {advice}"))
        };
        if found.is_dictionary {
            return Err(unfit("is encoded by a dictionary"));
        }
        let kind = Kind::of(&found.format);
        let kind =
            kind.ok_or_else(|| unfit(&format!("has the Arrow format {:?}", found.format)))?;
        Ok(Self { index, name: name.to_owned(), kind })
    }
}

/// What a schema says of a column.
struct Described {
    name: String,
    format: String,
    is_dictionary: bool,
}

fn columns(table: &Schema) -> PyResult<Vec<Described>> {
    // SAFETY: what a schema points at is there until it is given back.
    unsafe {
        if text(table.format).as_deref() != Some("+s") {
            return Err(refuse("what Arrow hands in is not a table: it has no columns with names"));
        }
        let children = children(table.children, table.n_children)?;
        children.iter().map(|&child| described(child)).collect()
    }
}

/// # Safety
///
/// `schema` is null or at a schema.
unsafe fn described(schema: *mut Schema) -> PyResult<Described> {
    // SAFETY: as the caller promises.
    let Some(schema) = (unsafe { schema.as_ref() }) else { return Err(malformed("a schema")) };
    // SAFETY: what a schema points at is there until it is given back.
    let (name, format) = unsafe { (text(schema.name), text(schema.format)) };
    let format = format.ok_or_else(|| malformed("a schema"))?;
    let is_dictionary = !schema.dictionary.is_null();
    Ok(Described { name: name.unwrap_or_default(), format, is_dictionary })
}

/// The pointers at the structs below another.
///
/// # Safety
///
/// Unless it is null, `first` is at as many pointers as `count` says.
unsafe fn children<'a, T>(first: *mut *mut T, count: i64) -> PyResult<&'a [*mut T]> {
    match usize::try_from(count) {
        Ok(0) => Ok(&[]),
        // SAFETY: as the caller promises.
        Ok(count) if !first.is_null() => Ok(unsafe { from_raw_parts(first, count) }),
        _ => Err(malformed("a list of columns")),
    }
}

/// The offsets that a schema for keys and values wishes for.
pub(crate) fn wished(schema: &Schema) -> Size {
    let is_large = |column: &Described| matches!(&*column.format, "Z" | "U");
    match columns(schema) {
        Ok(columns) if !columns.is_empty() && columns.iter().all(is_large) => Size::Large,
        _ => Size::Small,
    }
}

// -- the rows

/// The pairs of an array.
pub(crate) struct Pairs {
    keys: Lane,
    values: Lane,
    rows: usize,
    /// What the lanes lie in.
    _array: Array,
}

impl Pairs {
    pub(crate) fn new(array: Array, key: &Column, value: &Column) -> PyResult<Self> {
        let whole = window(&array)?;
        // SAFETY: what an array points at is there until it is given back, which is when the pairs
        // are dropped.
        let (keys, values) = unsafe {
            if has_nulls(&array, &whole)?.is_some() {
                return Err(refuse("the table has rows that are null as a whole"));
            }
            let children = children(array.children, array.n_children)?;
            (lane(children, key, &whole)?, lane(children, value, &whole)?)
        };
        Ok(Self { keys, values, rows: whole.rows, _array: array })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The pair of a row.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> PyResult<(&[u8], &[u8])> {
        Ok((self.keys.get(row)?, self.values.get(row)?))
    }
}

/// Which rows of its buffers an array has.
fn window(array: &Array) -> PyResult<Window> {
    let size = |number| usize::try_from(number).map_err(|_| malformed("an array"));
    let (start, rows) = (size(array.offset)?, size(array.length)?);
    // Up to here, no sum of what follows is out of reach.
    if start.max(rows) > usize::MAX >> 8 {
        return Err(malformed("an array"));
    }
    Ok(Window { start, rows })
}

/// The rows of a column that a table of `whole` has.
///
/// # Safety
///
/// Each of `children` is null or at an array that outlives the lane.
unsafe fn lane(children: &[*mut Array], column: &Column, whole: &Window) -> PyResult<Lane> {
    let wrong = || malformed(&format!("column {:?}", column.name));
    let child = children.get(column.index).copied().ok_or_else(wrong)?;
    // SAFETY: as the caller promises.
    let child = unsafe { child.as_ref() }.ok_or_else(wrong)?;
    let own = window(child)?;
    if own.rows < whole.start + whole.rows || !child.dictionary.is_null() {
        return Err(wrong());
    }
    let window = Window { start: own.start + whole.start, rows: whole.rows };
    // SAFETY: what an array points at is there as long as the array.
    unsafe {
        if let Some(row) = has_nulls(child, &window)? {
            let (name, row) = (&column.name, row - window.start);
            return Err(refuse(&format!("column {name:?} has a null in row {row}")));
        }
        let buffers = pointers(child, &column.kind).ok_or_else(wrong)?;
        Lane::new(&column.kind, buffers, window).ok_or_else(wrong)
    }
}

/// The first row of the window that is null.
///
/// # Safety
///
/// `array` has as many buffers as it says.
unsafe fn has_nulls(array: &Array, window: &Window) -> PyResult<Option<usize>> {
    if array.null_count == 0 || array.n_buffers < 1 || array.buffers.is_null() {
        return Ok(None);
    }
    // SAFETY: there is one buffer at least, as the caller promises.
    let bits = unsafe { *array.buffers }.cast::<u8>();
    if bits.is_null() {
        let is_said = array.null_count > 0;
        return if is_said { Err(malformed("an array with nulls")) } else { Ok(None) };
    }
    // SAFETY: the buffer has a bit for each row up to the end of the window.
    let is_null = |row: &usize| unsafe { *bits.add(row / 8) } >> (row % 8) & 1 == 0;
    Ok((window.start..window.start + window.rows).find(is_null))
}

/// The buffers of a column, if there are as many as such a column has.
///
/// # Safety
///
/// `array` has as many buffers as it says.
unsafe fn pointers<'a>(array: &'a Array, kind: &Kind) -> Option<&'a [*const c_void]> {
    let count = usize::try_from(array.n_buffers).ok()?;
    if array.buffers.is_null() || !kind.has_buffers(count) {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { from_raw_parts(array.buffers, count) })
}

fn malformed(what: &str) -> PyErr {
    refuse(&format!("what Arrow hands in is malformed: {what} contradicts itself"))
}
