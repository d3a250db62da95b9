//! Where the functions of a C library come from: linked with this program, or loaded at run time.
//!
//! A library that is loaded stays so: its threads may outlive whatever was opened with it.

#![allow(unsafe_code, reason = "it loads libraries")]

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::mem::{MaybeUninit, transmute_copy};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::slice;

use lsm_bench::store::Result;

/// An object of the library's, or NULL.
pub(crate) type Ptr = *mut c_void;

/// Where functions come from.
pub(crate) enum Origin {
    /// This program was linked with them.
    Linked,
    /// A library of the machine's.
    Loaded(Library),
}

impl Origin {
    /// Where that is, in words; one of the names has to be given.
    pub(crate) fn place(&self, name: &str) -> String {
        match self {
            Self::Linked => "linked with this program".to_owned(),
            Self::Loaded(library) => match library.file(name) {
                Ok(path) => path.display().to_string(),
                Err(failure) => failure.to_string(),
            },
        }
    }
}

/// How a library is found.
pub(crate) struct Search {
    /// The environment variable that names its file.
    pub(crate) variable: &'static str,
    /// The file to look for where the variable is not set and nothing is linked.
    pub(crate) usual: &'static str,
    /// This program was linked with it.
    pub(crate) is_linked: bool,
    /// What to do where it is not found.
    pub(crate) advice: &'static str,
    /// What the names of its functions begin with.
    pub(crate) prefix: &'static str,
}

impl Search {
    /// What is named comes first, then what is linked, then what the machine has.
    pub(crate) fn origin(&self) -> Result<Origin> {
        match std::env::var_os(self.variable) {
            Some(path) => self.load(&path),
            None if self.is_linked => Ok(Origin::Linked),
            None => self.load(OsStr::new(self.usual)),
        }
    }

    fn load(&self, path: &OsStr) -> Result<Origin> {
        let name = CString::new(path.as_bytes())?;
        // SAFETY: the path is a C string; what the library does when it is loaded is its own.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        let Some(handle) = NonNull::new(handle) else {
            return Err(format!("{} ({})", loader_words(), self.advice).into());
        };
        Ok(Origin::Loaded(Library { handle, prefix: self.prefix }))
    }
}

/// A library that is loaded.
pub(crate) struct Library {
    handle: NonNull<c_void>,
    prefix: &'static str,
}

// SAFETY: a handle of the loader may be used by any thread.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl Library {
    /// Where a name stands.
    fn symbol(&self, name: &str) -> Result<NonNull<c_void>> {
        let name = format!("{}{name}", self.prefix);
        let text = CString::new(name.as_str())?;
        // SAFETY: the library is loaded and stays so.
        let symbol = unsafe { libc::dlsym(self.handle.as_ptr(), text.as_ptr()) };
        NonNull::new(symbol).ok_or_else(|| format!("the library lacks {name}").into())
    }

    /// A function, by its name without the prefix.
    ///
    /// # Safety
    /// `F` is the type of a function pointer, as the library's header gives it this name.
    pub(crate) unsafe fn function<F: Copy>(&self, name: &str) -> Result<F> {
        const { assert!(size_of::<F>() == size_of::<Ptr>()) };
        let symbol = self.symbol(name)?.as_ptr();
        // SAFETY: a function pointer is as large as a pointer, and the caller vouches for its type.
        Ok(unsafe { transmute_copy(&symbol) })
    }

    /// The file that holds a name.
    pub(crate) fn file(&self, name: &str) -> Result<PathBuf> {
        let symbol = self.symbol(name)?;
        let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: the place is as large as what is written there.
        if unsafe { libc::dladdr(symbol.as_ptr(), found.as_mut_ptr()) } == 0 {
            return Err(loader_words().into());
        }
        // SAFETY: it was all zero, which is a value of it, and the loader has filled it.
        let found = unsafe { found.assume_init() };
        // SAFETY: the loader names the file in a C string that lives as long as the library.
        let path = unsafe { text(found.dli_fname) };
        Ok(std::fs::canonicalize(path)?)
    }
}

/// What the loader says went wrong last.
fn loader_words() -> String {
    // SAFETY: the text is copied before the loader is called again by this thread.
    unsafe { text(libc::dlerror()) }
}

/// A copy of a text of C; none for NULL.
///
/// # Safety
/// It is NULL or points at bytes that end with a zero.
pub(crate) unsafe fn text(words: *const c_char) -> String {
    if words.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(words) }.to_string_lossy().into_owned()
}

/// Bytes of C.
///
/// # Safety
/// `start` is NULL, or points at so many bytes, which stay as they are for as long as `'a`.
pub(crate) unsafe fn bytes<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller vouches for it.
    unsafe { slice::from_raw_parts(start, len) }
}

/// A length as C has it where it counts in `int`.
pub(crate) fn small(len: usize) -> Result<c_int> {
    Ok(c_int::try_from(len)?)
}

/// Makes a struct of functions, each a field with the name that it has in the library behind the
/// library's prefix. The types are those of the library's header. Where a feature links the
/// library, the same table declares them to the linker.
macro_rules! functions {
    (
        $(#[$meta:meta])* $name:ident, linked by $feature:literal as $prefix:literal:
        $($function:ident($($argument:ty),* $(,)?) $(-> $answer:ty)?;)*
    ) => {
        functions!(@table $(#[$meta])* $name: $($function($($argument),*) $(-> $answer)?;)*);

        impl $name {
            #[cfg(feature = $feature)]
            fn linked() -> lsm_bench::store::Result<Self> {
                // SAFETY: the table gives each name the type that the header gives it.
                unsafe extern "C" {
                    $(
                        #[link_name = concat!($prefix, stringify!($function))]
                        fn $function($(_: $argument),*) $(-> $answer)?;
                    )*
                }
                Ok(Self { $($function,)* })
            }

            #[cfg(not(feature = $feature))]
            fn linked() -> lsm_bench::store::Result<Self> {
                Err(concat!("this program was built without the feature ", $feature).into())
            }
        }
    };
    (
        $(#[$meta:meta])* $name:ident, never linked:
        $($function:ident($($argument:ty),* $(,)?) $(-> $answer:ty)?;)*
    ) => {
        functions!(@table $(#[$meta])* $name: $($function($($argument),*) $(-> $answer)?;)*);

        impl $name {
            fn linked() -> lsm_bench::store::Result<Self> {
                Err("this library is only loaded".into())
            }
        }
    };
    (
        @table $(#[$meta:meta])* $name:ident:
        $($function:ident($($argument:ty),*) $(-> $answer:ty)?;)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name {
            $(pub(crate) $function: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)*
        }

        impl $name {
            /// The functions, from wherever they come.
            pub(crate) fn of(
                origin: &$crate::library::Origin,
            ) -> lsm_bench::store::Result<Self> {
                let library = match origin {
                    $crate::library::Origin::Linked => return Self::linked(),
                    $crate::library::Origin::Loaded(library) => library,
                };
                // SAFETY: the table gives each name the type that the header gives it.
                Ok(Self { $($function: unsafe { library.function(stringify!($function))? },)* })
            }
        }
    };
}

pub(crate) use functions;
