//! Writes: at once where nothing has to be waited for, else without the interpreter.

use std::time::{Duration, Instant};

use lsm_core::{Durability, Error, Expiry, SeqNo, WriteOptions};
use pyo3::prelude::*;

use crate::border::errors::{Failure, Outcome};
use crate::border::input::{Durable, Seconds};
use crate::border::wait::{deadline, detached, in_turns, is_late};
use crate::life::Life;

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

    /// The same of a value that expires.
    pub(crate) fn expiring(mut self, expiry: Expiry) -> Self {
        self.options = self.options.expiry(expiry);
        self
    }

    /// Writes `bytes` many, and waits until they are durable if they are to be. Signals are heard
    /// in both.
    pub(crate) fn write(
        &self,
        py: Python<'_>,
        life: &Life,
        bytes: usize,
        attempt: impl Fn(&WriteOptions) -> Result<SeqNo, Error> + Send + Sync,
    ) -> Outcome<SeqNo> {
        let until = deadline(self.timeout);
        let seqno = self.log(py, until, bytes, attempt)?;
        if self.is_durable {
            let synced = in_turns(py, until, |turn| life.db.wait_durable_for(seqno, Some(turn)));
            synced.map_err(Failure::and_maybe_committed)?;
        }
        Ok(seqno)
    }

    /// Writes what is to be durable as what is buffered. Most writes wait for nothing, and are done
    /// before other threads would have been let in.
    fn log(
        &self,
        py: Python<'_>,
        until: Option<Instant>,
        bytes: usize,
        attempt: impl Fn(&WriteOptions) -> Result<SeqNo, Error> + Send + Sync,
    ) -> Outcome<SeqNo> {
        let options = self.without_sync();
        if bytes <= QUICK_BYTES_MAX {
            match attempt(&options.timeout(Duration::ZERO)) {
                Err(error) if is_late(&error) && self.timeout != Some(Duration::ZERO) => {}
                done => return Ok(done?),
            }
        }
        if self.options.is_low_priority() {
            // It pays for itself alone, and whole: turns would never be enough for a large one.
            let options = self.timeout.map_or(options, |timeout| options.timeout(timeout));
            return detached(py, || attempt(&options));
        }
        in_turns(py, until, |turn| attempt(&options.timeout(turn)))
    }

    fn without_sync(&self) -> WriteOptions {
        match self.is_durable {
            true => self.options.durability(Durability::Buffered),
            false => self.options,
        }
    }

    /// Writes without waiting for anything, not even for the disk: what is to be durable is
    /// buffered, for whoever waits for its number.
    pub(crate) fn write_now(
        &self,
        attempt: impl FnOnce(&WriteOptions) -> Result<SeqNo, Error>,
    ) -> Outcome<SeqNo> {
        Ok(attempt(&self.without_sync().timeout(Duration::ZERO))?)
    }
}
