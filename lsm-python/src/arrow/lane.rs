//! The rows of one column that somebody else holds.

#![allow(unsafe_code, reason = "rows are read where they lie")]

use std::ffi::c_void;
use std::slice::from_raw_parts;

use pyo3::prelude::*;

use crate::border::errors::Failure;

/// What fits into a view itself.
const INLINE_MAX: usize = 12;
const VIEW_BYTES: usize = 16;

/// How rows lie in buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Behind each other, with offsets of 32 or 64 bits.
    Small,
    Large,
    /// Behind each other, each of so many bytes.
    Fixed(usize),
    /// Anywhere, with 16 bytes for each row that say where.
    Views,
}

impl Kind {
    /// Of a type, as Arrow writes it. `None` if it is neither binary nor a string.
    pub(crate) fn of(format: &str) -> Option<Self> {
        match format {
            "z" | "u" => Some(Self::Small),
            "Z" | "U" => Some(Self::Large),
            "vz" | "vu" => Some(Self::Views),
            _ => format.strip_prefix("w:")?.parse().ok().map(Self::Fixed),
        }
    }

    /// True if a column of this kind can have so many buffers.
    pub(crate) fn has_buffers(self, count: usize) -> bool {
        match self {
            Self::Small | Self::Large => count == 3,
            Self::Fixed(_) => count == 2,
            Self::Views => count >= 3,
        }
    }
}

/// Which rows of the buffers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) start: usize,
    pub(crate) rows: usize,
}

/// A column, at some of its rows.
pub(crate) struct Lane {
    kind: Kind,
    window: Window,
    /// Offsets or views.
    index: *const u8,
    data: *const u8,
    /// What views point into, with lengths.
    parts: Vec<(*const u8, usize)>,
}

// SAFETY: columns that were handed over never change.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    /// `None` if the buffers cannot hold the rows.
    ///
    /// # Safety
    ///
    /// The buffers are those of a column of this kind, have the window's rows, and outlive the
    /// lane.
    pub(crate) unsafe fn new(
        kind: &Kind,
        buffers: &[*const c_void],
        window: Window,
    ) -> Option<Self> {
        let at = |index: usize| buffers.get(index).map(|buffer| buffer.cast::<u8>());
        let (index, data) = match kind {
            Kind::Fixed(_) => (at(1)?, at(1)?),
            _ => (at(1)?, at(2)?),
        };
        if index.is_null() && window.rows > 0 && *kind != Kind::Fixed(0) {
            return None;
        }
        // SAFETY: as the caller promises.
        let parts = if *kind == Kind::Views { unsafe { parts(buffers) }? } else { Vec::new() };
        Some(Self { kind: *kind, window, index, data, parts })
    }

    /// The bytes of a row.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> PyResult<&[u8]> {
        let found = if row < self.window.rows { self.find(self.window.start + row) } else { None };
        found.ok_or_else(|| refuse(&format!("row {row} of a column lies outside of its buffers")))
    }

    #[inline]
    fn find(&self, at: usize) -> Option<&[u8]> {
        // SAFETY: the row is one of the window's, so there are offsets for it, or a view.
        let (start, len) = unsafe {
            match self.kind {
                Kind::Small => span::<i32>(self.index, at)?,
                Kind::Large => span::<i64>(self.index, at)?,
                Kind::Fixed(width) => (at.checked_mul(width)?, width),
                Kind::Views => return self.view(self.index.wrapping_add(at * VIEW_BYTES)),
            }
        };
        self.between(start, len)
    }

    /// Some bytes of the data.
    #[inline]
    fn between(&self, start: usize, len: usize) -> Option<&[u8]> {
        if len == 0 {
            return Some(&[]);
        }
        if self.data.is_null() || len > isize::MAX as usize {
            return None;
        }
        // SAFETY: offsets that are in order, and rows of one width, lie in the data.
        Some(unsafe { from_raw_parts(self.data.wrapping_add(start), len) })
    }

    /// What a view shows: itself, or a place in one of the parts.
    fn view(&self, view: *const u8) -> Option<&[u8]> {
        // SAFETY: the view is one of the window's, and has four numbers.
        let [len, _, part, start] = unsafe { read::<[i32; 4]>(view, 0) };
        let len = usize::try_from(len).ok()?;
        if len <= INLINE_MAX {
            // SAFETY: so few bytes stand in the view, behind their number.
            return Some(unsafe { from_raw_parts(view.wrapping_add(size_of::<i32>()), len) });
        }
        let (data, size) = *self.parts.get(usize::try_from(part).ok()?)?;
        let start = usize::try_from(start).ok()?;
        if start.checked_add(len)? > size {
            return None;
        }
        // SAFETY: the part has so many bytes, as was checked.
        Some(unsafe { from_raw_parts(data.wrapping_add(start), len) })
    }
}

/// The parts of a column of views: the last buffer says how long those between are.
///
/// # Safety
///
/// The buffers are those of such a column.
unsafe fn parts(buffers: &[*const c_void]) -> Option<Vec<(*const u8, usize)>> {
    let (lengths, parts) = buffers.get(2..)?.split_last()?;
    let is_short = lengths.is_null() && !parts.is_empty();
    let part = |(index, part): (usize, &*const c_void)| {
        // SAFETY: there is a length for each part.
        let len = usize::try_from(unsafe { read::<i64>(lengths.cast(), index) }).ok()?;
        (len == 0 || !part.is_null()).then_some((part.cast(), len))
    };
    if is_short { None } else { parts.iter().enumerate().map(part).collect() }
}

/// Where a row starts, and how long it is, if its offsets are in order.
///
/// # Safety
///
/// There are offsets for row `at`.
#[inline]
unsafe fn span<T: Copy>(offsets: *const u8, at: usize) -> Option<(usize, usize)>
where
    usize: TryFrom<T>,
{
    // SAFETY: as the caller promises.
    let (start, end) = unsafe { (read::<T>(offsets, at), read::<T>(offsets, at + 1)) };
    let start = usize::try_from(start).ok()?;
    Some((start, usize::try_from(end).ok()?.checked_sub(start)?))
}

/// A number of a row of numbers, wherever that begins.
///
/// # Safety
///
/// There are so many numbers at `first`.
#[inline]
unsafe fn read<T: Copy>(first: *const u8, index: usize) -> T {
    // SAFETY: as the caller promises.
    unsafe { first.cast::<T>().wrapping_add(index).read_unaligned() }
}

/// What was handed in cannot be taken.
#[cold]
pub(crate) fn refuse(message: &str) -> PyErr {
    Failure::refuse(message).into()
}
