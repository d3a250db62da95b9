//! Waiting: without the interpreter, so that other threads go on, and so that Ctrl-C is heard.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use lsm_core::{CallOptions, Error, ErrorKind, Progress};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::border::calling::call;
use crate::border::errors::Outcome;
use crate::border::input::Seconds;

/// So long nobody hears of a signal.
const UNHEARD: Duration = Duration::from_millis(50);

/// Lets other threads run while `call` may wait.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    call: impl FnOnce() -> Result<T, Error> + Send,
) -> Outcome<T> {
    Ok(py.detach(call)?)
}

/// Waits until then at most, in turns: `wait` gets the length of one, and answers
/// `TimedOut` if that was not enough. Between them signals are heard. What may have written
/// something by then must not say `TimedOut`: it would be done again.
pub(crate) fn in_turns<T: Send>(
    py: Python<'_>,
    until: Option<Instant>,
    mut wait: impl FnMut(Duration) -> Result<T, Error> + Send,
) -> Outcome<T> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(now()));
        let turn = left.map_or(UNHEARD, |left| left.min(UNHEARD));
        match py.detach(|| wait(turn)) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                py.check_signals()?;
                if until.is_some_and(|until| now() >= until) {
                    return Err(error.into());
                }
            }
            done => return Ok(done?),
        }
    }
}

/// When the time is over that a call may take; never, if it is more than there is.
pub(crate) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| now().checked_add(timeout))
}

#[allow(clippy::disallowed_methods, reason = "the caller's time, not that of a world")]
fn now() -> Instant {
    Instant::now()
}

/// It may be tried again with more time, and has done nothing yet.
pub(crate) fn is_late(error: &Error) -> bool {
    error.kind() == ErrorKind::TimedOut && !error.maybe_committed()
}

/// What a long call is given: whom it tells how far it is, and how long it may take.
pub(crate) struct Long {
    pub(crate) progress: Option<Py<PyAny>>,
    pub(crate) timeout: Option<Duration>,
}

impl Long {
    pub(crate) fn new(progress: Option<Py<PyAny>>, timeout: Option<Seconds>) -> Self {
        Self { progress, timeout: timeout.map(|timeout| timeout.0) }
    }

    /// Makes a long call of the engine. Signals are heard in it, and whoever is to be told is told;
    /// what either raises stops the call.
    pub(crate) fn call<T: Send>(
        self,
        py: Python<'_>,
        call: impl FnOnce(CallOptions<'_>) -> Result<T, Error> + Send,
    ) -> Outcome<T> {
        let told = self.progress.map(|progress| teller(py, progress)).transpose()?;
        let (timeout, mut raised) = (self.timeout, None);
        let done = py.detach(|| {
            let mut tell = |progress: Progress| match heard(told.as_ref(), progress) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    raised = Some(error);
                    ControlFlow::Break(())
                }
            };
            let options = CallOptions::new().progress(&mut tell);
            call(match timeout {
                Some(timeout) => options.timeout(timeout),
                None => options,
            })
        });
        match raised {
            Some(error) => Err(error.into()),
            None => Ok(done?),
        }
    }
}

/// A plain function of two numbers, of whatever shows progress.
pub(crate) fn teller(py: Python<'_>, progress: Py<PyAny>) -> PyResult<Py<PyAny>> {
    static TOLD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let told = TOLD.import(py, "lsmdb._progress", "told")?;
    call(told, (progress,)).map(Bound::unbind)
}

fn heard(told: Option<&Py<PyAny>>, progress: Progress) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        match told {
            Some(told) => call(told.bind(py), (progress.done, progress.total)).map(drop),
            None => Ok(()),
        }
    })
}
