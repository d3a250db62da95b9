//! How the keys of a keyspace are ordered, as it is chosen and stored.

use std::fmt;
use std::str::FromStr;

use crate::base::error::{Error, ErrorKind, Result};

/// How keys are ordered. It is chosen when the keyspace is made, and stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparator {
    /// As bytes.
    #[default]
    Bytewise,
    /// As bytes, the last one first.
    Reverse,
    /// As a function of the program's own says, which it registers with `Builder::comparator` at
    /// each opening: by the sort keys that it makes of them, as bytes, and among equal ones as
    /// bytes. Without it the database opens, and this keyspace does not.
    User {
        /// Its name: 1 to 64 letters, digits, `-`, `_` and `.`, all of ASCII.
        name: String,
    },
}

impl Comparator {
    /// One of the program's own, by its name.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User { name: name.to_owned() }
    }
}

impl FromStr for Comparator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            None if text == "bytewise" => Ok(Self::Bytewise),
            None if text == "reverse" => Ok(Self::Reverse),
            Some(("user", name)) => Ok(Self::user(name)),
            _ => {
                let message = format!(
                    "`{text}` is no comparator: they are `bytewise`, `reverse` and `user:` with \
                     the name of one that was registered"
                );
                Err(Error::new(ErrorKind::InvalidArgument, message))
            }
        }
    }
}

impl fmt::Display for Comparator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytewise => f.write_str("bytewise"),
            Self::Reverse => f.write_str("reverse"),
            Self::User { name } => write!(f, "user:{name}"),
        }
    }
}
