//! Section "Filter policy": how lookups are kept from tables that do not hold the key.
//!
//! The engine has a filter of its own, and a policy of LevelDB's chooses its size. A policy of the
//! program's own cannot take its place; what the program relies on all the same is that a key is
//! not found where its policy says that it is not there, so it is asked about each key that is.

#![allow(unsafe_code, reason = "exported names are unsafe attributes")]

use std::ffi::c_int;
use std::sync::Arc;

use lsm_core::base::sync::{AtomicBool, Ordering};

use crate::boundary::{Lent, Made, State, untold};
use crate::comparator::{Destructor, Name};
use crate::failure::Result;

/// Makes the filter of some keys, with `malloc`.
pub type CreateFilter =
    Option<extern "C" fn(State, Lent<'_, Lent<'_>>, Lent<'_, usize>, c_int, &mut usize) -> Made>;
/// Answers 0 if a key is not among those of a filter.
pub type KeyMayMatch = Option<extern "C" fn(State, Lent<'_>, usize, Lent<'_>, usize) -> u8>;

/// How a database is filtered.
#[derive(Debug)]
pub enum Policy {
    /// By so many bits for each key.
    Bloom(u32),
    /// As a program says.
    Own(Own),
}

/// A policy of a program's own. Once it is destroyed its callbacks are never called again.
#[derive(Debug)]
pub struct Own {
    state: State,
    create_filter: CreateFilter,
    key_may_match: KeyMayMatch,
    destructor: Destructor,
    is_destroyed: AtomicBool,
}

impl Policy {
    /// The bits for each key; `None` leaves them to the engine.
    #[must_use]
    pub fn bits_per_key(&self) -> Option<u32> {
        match self {
            Self::Bloom(bits) => Some(*bits),
            Self::Own(_) => None,
        }
    }

    /// False if a key that was found is not to be found.
    pub fn admits(&self, key: &[u8]) -> Result<bool> {
        match self {
            Self::Own(own) if !own.is_destroyed.load(Ordering::Acquire) => own.admits(key),
            _ => Ok(true),
        }
    }
}

impl Own {
    fn admits(&self, key: &[u8]) -> Result<bool> {
        let (Some(create), Some(matches)) = (self.create_filter, self.key_may_match) else {
            return Ok(true);
        };
        let (keys, lens) = ([Lent::new(key)], [key.len()]);
        let mut len = 0;
        let filter = create(self.state, Lent::new(&keys), Lent::new(&lens), 1, &mut len);
        let filter = filter.bytes(len)?;
        Ok(matches(self.state, Lent::new(key), key.len(), Lent::new(filter), filter.len()) != 0)
    }

    fn destroy(&self) {
        self.is_destroyed.store(true, Ordering::Release);
        if let Some(destructor) = self.destructor {
            destructor(self.state);
        }
    }
}

/// A policy as C holds it.
#[derive(Debug)]
pub struct leveldb_filterpolicy_t(pub Arc<Policy>);

/// Makes a policy of callbacks. Its name is not asked for: no file holds its filters.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_filterpolicy_create(
    state: State,
    destructor: Destructor,
    create_filter: CreateFilter,
    key_may_match: KeyMayMatch,
    _name: Name,
) -> Box<leveldb_filterpolicy_t> {
    let is_destroyed = AtomicBool::new(false);
    let own = Own { state, create_filter, key_may_match, destructor, is_destroyed };
    Box::new(leveldb_filterpolicy_t(Arc::new(Policy::Own(own))))
}

/// Runs its destructor and frees it.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_filterpolicy_destroy(policy: Option<Box<leveldb_filterpolicy_t>>) {
    untold((), || match policy.as_ref().map(|policy| &*policy.0) {
        Some(Policy::Own(own)) => own.destroy(),
        Some(Policy::Bloom(_)) | None => {}
    });
}

/// The bits that the engine can spend on a key.
const BITS: std::ops::RangeInclusive<c_int> = 1..=32;

/// Makes the policy of the engine's own filter, with so many bits for each key.
#[unsafe(no_mangle)]
pub extern "C" fn leveldb_filterpolicy_create_bloom(
    bits_per_key: c_int,
) -> Box<leveldb_filterpolicy_t> {
    let bits = bits_per_key.clamp(*BITS.start(), *BITS.end()).unsigned_abs();
    Box::new(leveldb_filterpolicy_t(Arc::new(Policy::Bloom(bits))))
}
