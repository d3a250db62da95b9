//! Writes: at once where nothing has to be waited for, else without the interpreter.

use std::time::Duration;

use lsm_core::{Durability, Error, SeqNo, WriteOptions};
use pyo3::prelude::*;

use crate::border::errors::Outcome;
use crate::border::input::{Durable, Seconds};
use crate::border::wait::{detached, in_turns, is_late};

/// What is larger is not copied while other threads of Python wait.
const QUICK_BYTES_MAX: usize = 64 << 10;

/// How a write is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) options: WriteOptions,
    pub(crate) is_durable: bool,
    timeout: Option<Duration>,
}

impl How {
    /// As the keywords of a call say; `usual` is what the database does otherwise.
    pub(crate) fn new(
        usual: Durability,
        durability: Option<Durable>,
        timeout: Option<Seconds>,
        low_priority: bool,
    ) -> Self {
        let mut options = WriteOptions::new().low_priority(low_priority);
        if let Some(Durable(chosen)) = durability {
            options = options.durability(chosen);
        }
        let is_durable = options.get_durability().unwrap_or(usual) == Durability::Durable;
        Self { options, is_durable, timeout: timeout.map(|timeout| timeout.0) }
    }

    /// Writes `bytes` many. Most writes wait for nothing, and are done before other threads would
    /// have been let in.
    pub(crate) fn write(
        &self,
        py: Python<'_>,
        bytes: usize,
        attempt: impl Fn(&WriteOptions) -> Result<SeqNo, Error> + Send + Sync,
    ) -> Outcome<SeqNo> {
        if !self.is_durable && bytes <= QUICK_BYTES_MAX {
            match attempt(&self.options.timeout(Duration::ZERO)) {
                Err(error) if is_late(&error) && self.timeout != Some(Duration::ZERO) => {}
                done => return Ok(done?),
            }
        }
        if !self.is_durable {
            return in_turns(py, self.timeout, |turn| attempt(&self.options.timeout(turn)));
        }
        let options = self.timeout.map_or(self.options, |timeout| self.options.timeout(timeout));
        detached(py, || attempt(&options))
    }

    /// Writes without waiting for anything, not even for the disk: what is to be durable is
    /// buffered, for whoever waits for its number.
    pub(crate) fn write_now(
        &self,
        attempt: impl FnOnce(&WriteOptions) -> Result<SeqNo, Error>,
    ) -> Outcome<SeqNo> {
        let mut options = self.options.timeout(Duration::ZERO);
        if self.is_durable {
            options = options.durability(Durability::Buffered);
        }
        Ok(attempt(&options)?)
    }
}
