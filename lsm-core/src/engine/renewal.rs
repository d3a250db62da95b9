//! The job of a reader: it renews the lease, lets go of files as soon as nobody here reads them,
//! and looks what the writer has done, as often as it is asked to.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Error;
use crate::base::sync::Ordering;
use crate::engine::state::Engine;
use crate::env::schedule::{Job, Step};
use crate::extend::event::Event;
use crate::journal::follow::Patience;
use crate::journal::jobs::JobPlace;
use crate::stats::counters::Counter;

/// A lease is renewed when so much of it is over.
const LEASE_PART: u32 = 3;
/// When to look again if somebody else has the turn.
const SOON: Duration = Duration::from_millis(5);

/// The job.
pub struct Renewal {
    engine: Arc<Engine>,
    renew_at: Duration,
    refresh_at: Option<Duration>,
    /// The oldest edit that the slot was said to need.
    said: Option<u64>,
    /// What was told last: the same trouble is told once.
    failure: Option<String>,
    _place: JobPlace,
}

impl Renewal {
    /// A job that begins at once.
    #[must_use]
    pub fn new(engine: Arc<Engine>, place: JobPlace) -> Self {
        let now = engine.env.clock.monotonic();
        let every = engine.options.get_refresh_every();
        let refresh_at = every.map(|every| now.saturating_add(every));
        Self { engine, renew_at: now, refresh_at, said: None, failure: None, _place: place }
    }

    fn note(&mut self, failure: Option<Error>) {
        let text = failure.as_ref().map(Error::to_string);
        if let (Some(error), true) = (failure, self.failure != text) {
            self.engine.counters.add(Counter::BackgroundFailures, 1);
            self.engine.plugins.listeners.tell(|| Event::WorkFailed { error: error.clone() });
        }
        self.failure = text;
    }
}

impl Job for Renewal {
    fn step(&mut self) -> Step {
        let engine = self.engine.clone();
        let Some(reader) = engine.reader.as_ref() else { return Step::Done };
        if engine.is_stopping.load(Ordering::Acquire) {
            return Step::Done;
        }
        let now = engine.env.clock.monotonic();
        let Some(mut reading) = reader.turn.try_take() else {
            return Step::Idle(Some(now.saturating_add(SOON)));
        };
        if let Some(at) = self.refresh_at.filter(|at| *at <= now) {
            let done = engine.refresh_in_turn(reader, &mut reading, Patience::None);
            self.note(done.err());
            let every = engine.options.get_refresh_every().unwrap_or(SOON);
            // From the time that was meant, but not to make up for what was missed.
            let next = at.saturating_add(every);
            self.refresh_at = Some(if next > now { next } else { now.saturating_add(every) });
        }
        let oldest = reader.pins.oldest();
        if self.renew_at <= now || self.said != oldest {
            let done = engine.renew(reader, &reading);
            if done.is_err() || self.refresh_at.is_none() {
                self.note(done.err());
            }
            self.said = oldest;
            self.renew_at = now.saturating_add(engine.options.get_reader_lease() / LEASE_PART);
        }
        drop(reading);
        let next = self.refresh_at.map_or(self.renew_at, |at| at.min(self.renew_at));
        Step::Idle(Some(next))
    }
}
