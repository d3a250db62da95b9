//! The directory that stores are made in, and what is remembered there about one.
//!
//! A store stands in `store/` below it. Beside it `lsm-bench.state` says what a run has left, so
//! that the next one can read it and knows what must be there. The file is also the sign that the
//! directory is the harness's own: nothing is ever deleted in one that has other things in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::store::{Failure, Result};
use crate::truth::Truth;

const STATE: &str = "lsm-bench.state";
const STORE: &str = "store";
const KILLED: &str = "killed";
/// What a state ends with, if all of it was written.
const END: &str = "end\n";

/// A directory for stores.
#[derive(Debug)]
pub struct Place {
    base: PathBuf,
    is_temporary: bool,
}

/// What a run has left behind in a store.
#[derive(Debug, PartialEq)]
pub struct State {
    /// The kind of store.
    pub engine: String,
    /// Digits of a key.
    pub key_bytes: usize,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Numbers that are chosen among are below this.
    pub extent: u64,
    /// The numbers that are there, as the first and the last of each run of them.
    pub runs: Vec<(u64, u64)>,
}

impl Place {
    /// A new directory for temporary files, which goes when this does.
    pub fn temporary() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("lsm-bench-{}-{count}", std::process::id());
            let base = std::env::temp_dir().join(name);
            match fs::create_dir(&base) {
                Ok(()) => return Ok(Self { base, is_temporary: true }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at(&base, &error)),
            }
        }
    }

    /// A directory of the user's, which stays; it is made if there is none. One that holds
    /// anything else is refused.
    pub fn at(base: &Path) -> Result<Self> {
        fs::create_dir_all(base).map_err(|error| at(base, &error))?;
        let state = base.join(STATE);
        for entry in fs::read_dir(base).map_err(|error| at(base, &error))? {
            let name = entry.map_err(|error| at(base, &error))?.file_name();
            let is_ours = [STATE, STORE, KILLED].iter().any(|known| name == *known);
            if !is_ours || !state.is_file() {
                return Err(format!(
                    "{} holds {}, which is not of this program: --db wants a directory of its own",
                    base.display(),
                    name.to_string_lossy()
                )
                .into());
            }
        }
        if !state.is_file() {
            fs::write(&state, "").map_err(|error| at(&state, &error))?;
        }
        Ok(Self { base: base.to_path_buf(), is_temporary: false })
    }

    /// The directory itself.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Where the store stands.
    #[must_use]
    pub fn store_dir(&self) -> PathBuf {
        self.base.join(STORE)
    }

    /// Where a process fills a store that is killed.
    #[must_use]
    pub fn killed_dir(&self) -> PathBuf {
        self.base.join(KILLED)
    }

    /// Deletes a store.
    pub fn clear(&self, dir: &Path) -> Result<()> {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(dir, &error)),
            _ => Ok(()),
        }
    }

    /// What the last run has left behind; `None` if there is nothing, or it did not end well.
    pub fn read_state(&self) -> Result<Option<State>> {
        let path = self.base.join(STATE);
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        Ok(State::parse(&text))
    }

    /// Remembers what the store holds.
    pub fn write_state(&self, engine: &str, truth: &Truth) -> Result<()> {
        self.write(&State::of(engine, truth).to_text())
    }

    /// From now on nobody knows what the store holds.
    pub fn forget_state(&self) -> Result<()> {
        self.write("")
    }

    fn write(&self, text: &str) -> Result<()> {
        if self.is_temporary {
            return Ok(());
        }
        let path = self.base.join(STATE);
        fs::write(&path, text).map_err(|error| at(&path, &error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_temporary {
            let _left_behind = fs::remove_dir_all(&self.base);
        }
    }
}

impl State {
    /// What is there now.
    #[must_use]
    pub fn of(engine: &str, truth: &Truth) -> Self {
        let shape = truth.shape();
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut next = truth.at_or_after(0);
        while let Some(number) = next {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => runs.push((number, number)),
            }
            next = truth.at_or_after(number + 1);
        }
        Self {
            engine: engine.to_owned(),
            key_bytes: shape.key_bytes,
            value_bytes: shape.value_bytes,
            extent: truth.extent(),
            runs,
        }
    }

    /// Lets `truth` know.
    pub fn restore(&self, truth: &Truth) {
        truth.reset(self.value_bytes);
        for (first, last) in &self.runs {
            (*first..=*last).for_each(|number| truth.add(number));
        }
        truth.widen(self.extent);
    }

    /// A line for the kind of store, a line of sizes, a line for each run of numbers.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { engine, key_bytes, value_bytes, extent, runs } = self;
        let mut text = format!("{engine}\n{key_bytes} {value_bytes} {extent}\n");
        for (first, last) in runs {
            text += &format!("{first} {last}\n");
        }
        text + END
    }

    /// Reads that text; `None` if it is another one, or its end is missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix(END)?.lines();
        let engine = lines.next()?.to_owned();
        let sizes = numbers(lines.next()?)?;
        let [key_bytes, value_bytes, extent] = sizes.try_into().ok()?;
        let run =
            |line| <[u64; 2]>::try_from(numbers(line)?).ok().map(|[first, last]| (first, last));
        let runs = lines.map(run).collect::<Option<_>>()?;
        let (key_bytes, value_bytes) = (key_bytes as usize, value_bytes as usize);
        Some(Self { engine, key_bytes, value_bytes, extent, runs })
    }
}

fn numbers(line: &str) -> Option<Vec<u64>> {
    line.split(' ').map(|word| word.parse().ok()).collect()
}

fn at(path: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

#[cfg(test)]
mod tests;
