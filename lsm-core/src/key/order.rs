//! The order of a keyspace's keys.
//!
//! Everything below the public face knows one order, that of bytes. A keyspace with another one
//! stores its keys in a form whose bytes order as its keys are meant to: each key is turned into it
//! where it comes in, and back where it is shown. So no callback ever runs in the background, and
//! an order that contradicts itself misplaces keys at worst, and damages nothing.
//!
//! ```text
//! reverse: each byte of the key, inverted, and 00 behind each ff of these | ff ff
//! sorted:  the sort key, ff behind each 00 | 00 00 | the key
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use crate::base::contain::contained;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;

mod reverse;
mod sorted;

/// Appends to its second argument the sort key of its first.
pub type SortKey = dyn Fn(&[u8], &mut Vec<u8>) -> Result<()> + Send + Sync;

/// The order of a keyspace.
#[derive(Clone)]
pub enum Order {
    /// That of the bytes.
    Bytewise,
    /// The same from its end.
    Reverse,
    /// That of the sort keys which a function of the program's makes, then that of the bytes.
    Sorted(Arc<Sorted>),
    /// As `Sorted`, but the function is not there: keys can be shown, and not be looked for.
    Missing(String),
}

/// An order of the program's own.
pub struct Sorted {
    name: String,
    sort_key: Box<SortKey>,
}

impl Order {
    /// True if keys are stored as they are.
    #[inline]
    #[must_use]
    pub fn is_bytewise(&self) -> bool {
        matches!(self, Self::Bytewise)
    }

    /// Refuses an order whose function is not there.
    fn check(&self) -> Result<()> {
        match self {
            Self::Missing(name) => Err(missing(name)),
            Self::Bytewise | Self::Reverse | Self::Sorted(_) => Ok(()),
        }
    }

    /// A key as it is stored.
    pub fn stored<'k>(&self, key: &'k [u8]) -> Result<Cow<'k, [u8]>> {
        match self {
            Self::Bytewise => Ok(Cow::Borrowed(key)),
            Self::Reverse => Ok(Cow::Owned(reverse::stored(key))),
            Self::Sorted(own) => own.stored(key).map(Cow::Owned),
            Self::Missing(name) => Err(missing(name)),
        }
    }

    /// The key that is stored so. Bytes that no key is stored as come out as some key or other.
    #[must_use]
    pub fn shown<'s>(&self, stored: &'s [u8]) -> Cow<'s, [u8]> {
        match self {
            Self::Bytewise => Cow::Borrowed(stored),
            Self::Reverse => Cow::Owned(reverse::shown(stored)),
            Self::Sorted(_) | Self::Missing(_) => Cow::Borrowed(sorted::shown(stored)),
        }
    }

    /// A bound of a range as it is stored.
    pub fn stored_bound(&self, bound: Bound<Slice>) -> Result<Bound<Slice>> {
        let stored = |key: Slice| match self {
            Self::Bytewise => Ok(key),
            _ => self.stored(&key).map(|key| Slice::copy_from(&key)),
        };
        Ok(match bound {
            Bound::Included(key) => Bound::Included(stored(key)?),
            Bound::Excluded(key) => Bound::Excluded(stored(key)?),
            Bound::Unbounded => Bound::Unbounded,
        })
    }

    /// What the stored forms of all keys begin with that begin with `prefix`, and of no others.
    pub fn stored_prefix<'k>(&self, prefix: &'k [u8]) -> Result<Cow<'k, [u8]>> {
        match self {
            Self::Bytewise => Ok(Cow::Borrowed(prefix)),
            Self::Reverse => Ok(Cow::Owned(reverse::stored_prefix(prefix))),
            // All keys have no prefix.
            _ if prefix.is_empty() => Ok(Cow::Borrowed(prefix)),
            Self::Sorted(_) | Self::Missing(_) => {
                let message = "keys with a common prefix are not together in the order of this \
                               keyspace: read a range of it";
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
    }
}

fn missing(name: &str) -> Error {
    let message = format!(
        "the order `{name}` of the keyspace is not there: register a comparator of that name \
         when the database is opened"
    );
    Error::new(ErrorKind::InvalidArgument, message)
}

impl Sorted {
    fn stored(&self, key: &[u8]) -> Result<Vec<u8>> {
        let mut sort_key = Vec::new();
        match contained(|| (self.sort_key)(key, &mut sort_key)) {
            Some(made) => made?,
            None => {
                let message = format!("the comparator `{}` panicked", self.name);
                return Err(Error::new(ErrorKind::Aborted, message));
            }
        }
        Ok(sorted::stored(&sort_key, key))
    }
}

impl fmt::Debug for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sorted").field(&self.name).finish()
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytewise => f.write_str("Bytewise"),
            Self::Reverse => f.write_str("Reverse"),
            Self::Sorted(own) => own.fmt(f),
            Self::Missing(name) => f.debug_tuple("Missing").field(name).finish(),
        }
    }
}

/// Orders of the program's own, by the names that options of keyspaces choose them by.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    by_name: BTreeMap<String, Arc<Sorted>>,
    /// The first name that could not be taken.
    refused: Option<Error>,
    /// Others may be missing.
    is_excusing: bool,
}

impl Orders {
    /// Adds one.
    pub fn add(&mut self, name: &str, sort_key: Box<SortKey>) {
        let own = Arc::new(Sorted { name: name.to_owned(), sort_key });
        if self.by_name.insert(name.to_owned(), own).is_some() {
            self.refuse(format!("two comparators have the name `{name}`"));
        }
    }

    /// Takes in that one could not be added.
    pub fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(Error::new(ErrorKind::InvalidArgument, why));
    }

    /// Lets keyspaces be opened whose orders are missing, by somebody who has stored keys.
    pub fn excuse_missing(&mut self) {
        self.is_excusing = true;
    }

    /// Refuses an order whose function is not there, unless that is excused.
    pub fn admit(&self, order: &Order) -> Result<()> {
        if self.is_excusing { Ok(()) } else { order.check() }
    }

    /// Refuses names that could not be taken.
    pub fn check(&self) -> Result<()> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// The one of this name, which may be missing.
    #[must_use]
    pub fn get(&self, name: &str) -> Order {
        match self.by_name.get(name) {
            Some(own) => Order::Sorted(own.clone()),
            None => Order::Missing(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
