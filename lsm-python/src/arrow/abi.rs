//! Arrow's C structs, by which columns pass between libraries without a copy.
//!
//! Each belongs to whoever holds it, and is given back by the function that it names in `release`.
//! One without that function is empty: it was given back, or moved elsewhere.

#![allow(unsafe_code, reason = "what a struct holds is given back by a C function")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;

/// What columns there are, and of which types.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) format: *const c_char,
    pub(crate) name: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) flags: i64,
    pub(crate) n_children: i64,
    pub(crate) children: *mut *mut Schema,
    pub(crate) dictionary: *mut Schema,
    pub(crate) release: Option<unsafe extern "C" fn(*mut Schema)>,
    pub(crate) private_data: *mut c_void,
}

/// What is in the columns: a chunk of rows.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) n_buffers: i64,
    pub(crate) n_children: i64,
    pub(crate) buffers: *mut *const c_void,
    pub(crate) children: *mut *mut Array,
    pub(crate) dictionary: *mut Array,
    pub(crate) release: Option<unsafe extern "C" fn(*mut Array)>,
    pub(crate) private_data: *mut c_void,
}

/// Chunk after chunk, all of one schema.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) get_schema: Option<unsafe extern "C" fn(*mut Stream, *mut Schema) -> c_int>,
    pub(crate) get_next: Option<unsafe extern "C" fn(*mut Stream, *mut Array) -> c_int>,
    pub(crate) get_last_error: Option<unsafe extern "C" fn(*mut Stream) -> *const c_char>,
    pub(crate) release: Option<unsafe extern "C" fn(*mut Stream)>,
    pub(crate) private_data: *mut c_void,
}

/// One of the three structs.
pub(crate) trait Passed: Send + Sized + 'static {
    /// What a capsule that holds one is called.
    const NAME: &'static CStr;

    /// One that holds nothing.
    const EMPTY: Self;

    fn is_empty(&self) -> bool;
}

impl Passed for Schema {
    const NAME: &'static CStr = c"arrow_schema";

    const EMPTY: Self = Self {
        format: null_mut(),
        name: null_mut(),
        metadata: null_mut(),
        flags: 0,
        n_children: 0,
        children: null_mut(),
        dictionary: null_mut(),
        release: None,
        private_data: null_mut(),
    };

    fn is_empty(&self) -> bool {
        self.release.is_none()
    }
}

impl Passed for Array {
    const NAME: &'static CStr = c"arrow_array";

    const EMPTY: Self = Self {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: null_mut(),
        children: null_mut(),
        dictionary: null_mut(),
        release: None,
        private_data: null_mut(),
    };

    fn is_empty(&self) -> bool {
        self.release.is_none()
    }
}

impl Passed for Stream {
    const NAME: &'static CStr = c"arrow_array_stream";

    const EMPTY: Self = Self {
        get_schema: None,
        get_next: None,
        get_last_error: None,
        release: None,
        private_data: null_mut(),
    };

    fn is_empty(&self) -> bool {
        self.release.is_none()
    }
}

/// Drop gives back. What comes from elsewhere may be given back on any thread, by one at a time:
/// the interface asks that of everyone.
macro_rules! given_back {
    ($struct:ident) => {
        impl Drop for $struct {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: whoever filled the struct named the function for just this, and it
                    // has not been called: it takes itself out of the struct.
                    unsafe { release(self) };
                }
            }
        }

        // SAFETY: the struct alone holds what it points at, and nothing in it knows its thread.
        unsafe impl Send for $struct {}
    };
}

given_back!(Schema);
given_back!(Array);
given_back!(Stream);

// SAFETY: what was handed over in an array does not change any more.
unsafe impl Sync for Array {}
