//! Section "bytes": what goes in and what comes out.

use std::ffi::{c_char, c_void};
use std::ptr;

use lsm_core::{Result, Slice};

use crate::border::call::quiet;
use crate::border::handle::Kind;
use crate::border::table::Table;

/// Bytes that somebody else keeps. `data` NULL with `size` 0 means "absent" where something may be
/// absent, and no bytes elsewhere. See lsm_bytes() and lsm_str().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_slice {
    /// Where they begin.
    pub data: *const c_char,
    /// How many they are.
    pub size: usize,
}

/// Bytes that this library keeps where they are until lsm_value_free(): nothing was copied. Not
/// changed by anybody, and valid even after the database is closed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lsm_value {
    /// Where they begin; NULL if there is no value.
    pub data: *const c_char,
    /// How many they are.
    pub size: usize,
    /// What keeps them.
    pub pin: *mut c_void,
}

impl lsm_slice {
    /// Bytes that are lent to C.
    pub(crate) fn lend(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), size: bytes.len() }
    }

    pub(crate) const ABSENT: Self = Self { data: ptr::null(), size: 0 };
}

static VALUES: Table<Slice> = Table::new(Kind::Value);

impl lsm_value {
    pub(crate) const NONE: Self = Self { data: ptr::null(), size: 0, pin: ptr::null_mut() };

    /// A value that C is to free.
    pub(crate) fn keep(slice: Slice) -> Result<Self> {
        let size = slice.len();
        let (word, data) = VALUES.insert_at(slice, |slice| slice.as_ptr())?;
        Ok(Self { data: data.cast(), size, pin: word as *mut c_void })
    }

    #[inline]
    pub(crate) fn free(&mut self) {
        let Self { pin, .. } = std::mem::replace(self, Self::NONE);
        if !pin.is_null() {
            // What is no pin, or was given back before, keeps nothing.
            let _kept = VALUES.take(pin as usize);
        }
    }
}

/// Lets go of a value, and makes it as LSM_VALUE_INIT does. Accepts NULL, and a value that is so
/// already.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_value_free(value: *mut lsm_value) {
    quiet((), |border| {
        let values = border.array_out("value", value, usize::from(!value.is_null()))?;
        values.iter_mut().for_each(lsm_value::free);
        Ok(())
    });
}

/// Lets go of `count` values.
#[unsafe(no_mangle)]
pub extern "C" fn lsm_values_free(values: *mut lsm_value, count: usize) {
    quiet((), |border| {
        border.array_out("values", values, count)?.iter_mut().for_each(lsm_value::free);
        Ok(())
    });
}
