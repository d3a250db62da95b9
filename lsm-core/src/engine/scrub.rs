//! The scrub: a job that reads everything there is, slowly and again and again, to find damage
//! while a copy of what is damaged may still exist.
//!
//! One round reads the ended segments of the log and then the tables by their numbers, those that
//! there were when it began, each with the large values that it refers to. Between two steps it
//! holds no table: one that goes meanwhile is passed over. What it finds it tells; it stops
//! nothing.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::checksum::FileCrc;
use crate::base::error::{Error, Result};
use crate::base::sync::Ordering;
use crate::engine::damage::is_damage;
use crate::engine::state::Engine;
use crate::engine::throttle::Throttle;
use crate::env::fs::{Access, read_full_at};
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;
use crate::key::trailer::NEWEST;
use crate::record::names;
use crate::stats::counters::Counter;
use crate::table::scrub::ScrubPlace;
use crate::version::current::Version;
use crate::version::edit::Seal;

/// About so many bytes are read in a step.
const STEP_BYTES: u64 = 64 << 10;
/// A round begins so long after the one before at the earliest: a small database is not read all
/// the time.
const ROUND_LEAST: Duration = Duration::from_secs(60);

/// The job.
pub struct Scrub {
    engine: Arc<Engine>,
    throttle: Throttle,
    round: Option<Round>,
    /// The next round does not begin before.
    next_at: Duration,
    _place: JobPlace,
}

/// What is left of a round.
struct Round {
    logs: VecDeque<(u64, Seal)>,
    log: Option<LogPlace>,
    /// The table that is read, or the one before the next.
    table: u64,
    place: Option<ScrubPlace>,
    /// The entry of it whose large value was read last.
    apart: Option<(Vec<u8>, u64)>,
    /// Tables from this number on were made since.
    bound: u64,
}

/// How far a segment of the log is read.
struct LogPlace {
    number: u64,
    seal: Seal,
    at: u64,
    crc: FileCrc,
}

impl Scrub {
    /// A job that has read nothing.
    #[must_use]
    pub fn new(engine: Arc<Engine>, place: JobPlace) -> Self {
        let throttle = Throttle::new(engine.options.get_scrub_bytes_per_second());
        let next_at = engine.env.clock.monotonic();
        Self { engine, throttle, round: None, next_at, _place: place }
    }

    fn begin(&mut self, now: Duration) -> Result<Round> {
        let catalog = self.engine.journal.catalog()?;
        let version = self.engine.view.load().version.clone();
        let logs = catalog.logs.iter();
        let logs: VecDeque<_> =
            logs.filter_map(|(&number, entry)| Some((number, entry.seal?))).collect();
        self.engine.damage.retain(|found| match found.table {
            Some(table) => version.file(table).is_some(),
            None => logs.iter().any(|(number, _)| names::log(*number) == found.file),
        });
        let bound = version.files().map(|file| file.meta.number + 1).max().unwrap_or(0);
        self.next_at = now.saturating_add(ROUND_LEAST);
        Ok(Round { logs, log: None, table: 0, place: None, apart: None, bound })
    }

    /// Reads the next piece; `None` at the end of the round.
    fn read(&self, round: &mut Round) -> Option<u64> {
        if round.log.is_none() {
            round.log = round.logs.pop_front().map(|(number, seal)| LogPlace {
                number,
                seal,
                at: 0,
                crc: FileCrc::new(),
            });
        }
        if let Some(log) = &mut round.log {
            return Some(match self.read_log(log) {
                Ok((bytes, false)) => bytes,
                Ok((bytes, true)) => {
                    round.log = None;
                    bytes
                }
                Err(error) => {
                    let number = log.number;
                    round.log = None;
                    // One that is not needed any more may be gone.
                    if self.is_log_needed(number) {
                        self.note(&error, None);
                    }
                    0
                }
            });
        }
        self.read_table(round)
    }

    fn is_log_needed(&self, number: u64) -> bool {
        let catalog = self.engine.journal.catalog();
        catalog.is_ok_and(|catalog| catalog.logs.contains_key(&number))
    }

    fn read_log(&self, log: &mut LogPlace) -> Result<(u64, bool)> {
        let directory = self.engine.journal.directory();
        let file = directory.open(&names::log(log.number), Access::Read)?;
        let len = log.seal.end.saturating_sub(log.at).min(STEP_BYTES) as usize;
        let mut bytes = vec![0; len];
        let read = read_full_at(file.as_ref(), &mut bytes, log.at)?;
        log.crc.update(bytes.get(..read).unwrap_or_default());
        log.at += read as u64;
        if read < len {
            return Err(Error::corruption(file.path(), log.at, "the log segment is cut short"));
        }
        if log.at < log.seal.end {
            return Ok((read as u64, false));
        }
        let crc = std::mem::replace(&mut log.crc, FileCrc::new()).finish();
        if crc != log.seal.crc {
            let why = "the log segment does not match its CRC in the manifest";
            return Err(Error::corruption(file.path(), 0, why));
        }
        Ok((read as u64, true))
    }

    fn read_table(&self, round: &mut Round) -> Option<u64> {
        let version = self.engine.view.load().version.clone();
        if version.file(round.table).is_none() {
            (round.place, round.apart) = (None, None);
        }
        if round.apart.is_some() {
            return Some(self.read_apart(&version, round));
        }
        if round.place.is_none() {
            let numbers = version.files().map(|file| file.meta.number);
            let next = numbers.filter(|it| *it > round.table && *it < round.bound).min()?;
            (round.table, round.place) = (next, Some(ScrubPlace::default()));
        }
        let (file, place) = version.file(round.table).zip(round.place.as_mut())?;
        let table = match file.table() {
            Ok(table) => table,
            Err(error) => {
                self.note(&error, Some(round.table));
                round.place = None;
                return Some(0);
            }
        };
        let scrubbed = table.scrub(place, STEP_BYTES);
        scrubbed.errors.iter().for_each(|error| self.note(error, Some(round.table)));
        if scrubbed.is_done {
            round.place = None;
            round.apart = (!file.meta.blobs.is_empty()).then(|| (Vec::new(), NEWEST));
        }
        Some(scrubbed.bytes)
    }

    /// Reads the next large values that the table refers to, and answers their bytes.
    fn read_apart(&self, version: &Version, round: &mut Round) -> u64 {
        let Some((from, file)) = round.apart.take().zip(version.file(round.table)) else {
            return 0;
        };
        let mut bytes = 0;
        let mut note = |error: &Error| self.note(error, Some(round.table));
        let scrubbed = file.table().and_then(|table| {
            let of = (table, version.slices_of(round.table));
            self.engine.scrub_apart(of, from, STEP_BYTES, (&mut bytes, &mut note))
        });
        match scrubbed {
            Ok(next) => round.apart = next,
            Err(error) => self.note(&error, Some(round.table)),
        }
        bytes
    }

    fn note(&self, error: &Error, table: Option<u64>) {
        if !is_damage(error) {
            return;
        }
        let path = error.path().map(Path::to_path_buf);
        let error = match (path, table) {
            (None, Some(table)) => error.clone().at_path(Path::new(&names::table(table))),
            _ => error.clone(),
        };
        self.engine.note_damage(&error, table);
    }
}

impl Job for Scrub {
    fn step(&mut self) -> Step {
        if self.engine.is_stopping.load(Ordering::Acquire) {
            return Step::Done;
        }
        let now = self.engine.env.clock.monotonic();
        if let Some(until) = self.throttle.until(now) {
            return Step::Idle(Some(until));
        }
        let mut round = match self.round.take() {
            Some(round) => round,
            None if now < self.next_at => return Step::Idle(Some(self.next_at)),
            None => match self.begin(now) {
                Ok(round) => round,
                // There is nothing to go by just now.
                Err(_) => {
                    self.next_at = now.saturating_add(ROUND_LEAST);
                    return Step::Idle(Some(self.next_at));
                }
            },
        };
        match self.read(&mut round) {
            Some(bytes) => {
                self.engine.counters.add(Counter::ScrubbedBytes, bytes);
                self.throttle.note(bytes, now);
                self.round = Some(round);
            }
            None => self.engine.counters.add(Counter::ScrubRounds, 1),
        }
        Step::Again
    }
}
