//! Words of a command line: how they are spelled, what becomes of those that mean nothing, and what
//! is answered.

use std::ffi::OsString;
use std::io::{self, Write as _};

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

/// Writes a line for whoever started the program. It may be gone by now, which is no panic.
pub fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
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
