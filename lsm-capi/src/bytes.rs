//! Section "bytes": what goes in and what comes out.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use lsm_core::{Lent, Result, Slice};

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

/// What a value's pin leads to. Short bytes are copied here, which is cheaper than to keep a block.
struct Pin {
    long: Slice,
    short: [MaybeUninit<u8>; SHORT_MAX],
}

/// The longest bytes that are copied.
const SHORT_MAX: usize = 128;

static PINS: Table<Pin> = Table::new(Kind::Value);

impl Pin {
    const EMPTY: Self = Self { long: Slice::new(), short: [MaybeUninit::uninit(); SHORT_MAX] };

    fn copy(&mut self, bytes: &[u8]) -> *const u8 {
        for (to, from) in self.short.iter_mut().zip(bytes) {
            to.write(*from);
        }
        self.short.as_ptr().cast()
    }
}

impl lsm_value {
    pub(crate) const NONE: Self = Self { data: ptr::null(), size: 0, pin: ptr::null_mut() };

    /// What was found, for C to free.
    #[inline]
    pub(crate) fn of(found: Lent<'_>) -> Result<Self> {
        let size = found.bytes().len();
        if size > SHORT_MAX {
            return Self::keep(found.try_keep()?);
        }
        let (word, data) = PINS.insert_at(Pin::EMPTY, |pin| pin.copy(found.bytes()))?;
        Ok(Self { data: data.cast(), size, pin: word as *mut c_void })
    }

    /// Bytes for C to free.
    pub(crate) fn keep(long: Slice) -> Result<Self> {
        let size = long.len();
        let (word, data) = PINS.insert_at(Pin { long, ..Pin::EMPTY }, |pin| pin.long.as_ptr())?;
        Ok(Self { data: data.cast(), size, pin: word as *mut c_void })
    }

    #[inline]
    pub(crate) fn free(&mut self) {
        let Self { pin, .. } = std::mem::replace(self, Self::NONE);
        if !pin.is_null() {
            // What is no pin, or was given back before, keeps nothing.
            let _kept = PINS.remove(pin as usize);
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
