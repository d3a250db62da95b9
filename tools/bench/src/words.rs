//! Words of a command line: how they are spelled, and what becomes of those that mean nothing.

use std::ffi::OsString;

use clap::{Command, FromArgMatches};

use crate::store::Failure;

/// How a run ends that does not end well.
#[derive(Debug)]
pub enum End {
    /// What was asked for is not there, or makes no sense.
    Misused(String),
    /// It was tried, and went wrong.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for End {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

/// Reads words as flags; `None` if somebody asked for help, and got it.
pub fn parse<T: FromArgMatches>(command: Command, words: &[OsString]) -> Result<Option<T>, End> {
    let name = OsString::from(command.get_name());
    let words = std::iter::once(name).chain(words.iter().map(normal));
    match command.try_get_matches_from(words).and_then(|found| T::from_arg_matches(&found)) {
        Ok(flags) => Ok(Some(flags)),
        Err(error) if error.use_stderr() => Err(End::Misused(error.to_string())),
        Err(help) => {
            let _nobody_reads = help.print();
            Ok(None)
        }
    }
}

/// A flag as the parser wants it: underscores in its name, whatever its value holds.
#[must_use]
pub fn normal(word: &OsString) -> OsString {
    let Some(flag) = word.to_str().and_then(|word| word.strip_prefix("--")) else {
        return word.clone();
    };
    let (name, value) = flag.split_at(flag.find('=').unwrap_or(flag.len()));
    format!("--{}{value}", name.replace('-', "_")).into()
}
