//! One store and the workloads that are run on it, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::crew::{Done, Site, run};
use crate::flags::Flags;
use crate::interrupt;
use crate::kernel::{Machine, Memory, Usage, allocated_bytes};
use crate::killed;
use crate::meter::no_latencies;
use crate::nothing;
use crate::place::Place;
use crate::result::{Latency, Outcome, SCHEMA, Settled, Work, date_of};
use crate::store::{Engine, Result, Setup, Store};
use crate::truth::Truth;
use crate::words::say;
use crate::workload::hand::wrong;
use crate::workload::table::{Count, Crew, Job, Start, Workload};

/// How often `open` opens.
const OPENINGS: u64 = 5;

/// A store, and what is known of it.
pub struct Bench<'a> {
    engine: &'a dyn Engine,
    flags: &'a Flags,
    truth: Arc<Truth>,
    place: Place,
    setup: Setup,
    store: Option<Box<dyn Store>>,
}

impl<'a> Bench<'a> {
    /// Nothing is open yet; `truth` gets to know what an earlier run has left.
    pub fn new(engine: &'a dyn Engine, flags: &'a Flags, truth: Arc<Truth>) -> Result<Self> {
        let place = match &flags.db {
            Some(base) => Place::at(base)?,
            None => Place::temporary()?,
        };
        truth.reset(flags.shape().value_bytes);
        let bench = Self { engine, flags, truth, place, setup: flags.setup(), store: None };
        if flags.use_existing_db {
            bench.remember()?;
        } else {
            bench.place.clear(&bench.place.store_dir())?;
        }
        Ok(bench)
    }

    fn remember(&self) -> Result<()> {
        let base = self.place.base().display();
        let Some(state) = self.place.read_state()? else {
            return Err(format!("{base} holds no store of a run that came to its end").into());
        };
        let (engine, key_bytes) = (self.engine.name(), self.flags.shape().key_bytes);
        if state.engine != engine || state.key_bytes != key_bytes {
            let (other, digits) = (&state.engine, state.key_bytes);
            let message = format!(
                "{base} holds a store of {other} with keys of {digits} digits, and asked for is \
                 {engine} with {key_bytes}"
            );
            return Err(message.into());
        }
        state.restore(&self.truth);
        Ok(())
    }

    /// Runs a workload. `None` if there is nothing to measure in it.
    pub fn run(&mut self, workload: &Workload) -> Result<Option<Outcome>> {
        self.prepare(workload)?;
        Memory::forget_peak();
        let done = match workload.job {
            Job::Crew(crew) => self.run_crew(workload.name, &crew)?,
            Job::Compact => self.compact()?,
            Job::Settle => self.time(1, |bench| bench.store()?.settle())?,
            Job::Open => self.open_again()?,
            Job::OpenAfterKill => self.open_killed()?,
            Job::Stats => {
                say(&self.store()?.report())?;
                return Ok(None);
            }
        };
        if interrupt::is_asked() {
            return Err("interrupted".into());
        }
        self.outcome(workload, done).map(Some)
    }

    /// Opens the store, as the workload needs it.
    fn prepare(&mut self, workload: &Workload) -> Result<()> {
        let mut setup = self.flags.setup();
        if let Job::Crew(crew) = workload.job {
            setup.is_synced |= crew.is_synced;
        }
        if let Start::Fresh(value_bytes) = workload.start {
            if !self.flags.use_existing_db {
                self.close();
                self.place.clear(&self.place.store_dir())?;
                self.truth.reset(value_bytes.unwrap_or(self.flags.shape().value_bytes));
            }
        }
        if workload.start == Start::Filled && self.truth.count() == 0 {
            let name = workload.name;
            return Err(
                format!("{name} needs a store with something in it: put a fill first").into()
            );
        }
        if setup.is_synced != self.setup.is_synced {
            self.close();
            self.setup = setup;
        }
        self.place.forget_state()?;
        if matches!(workload.job, Job::OpenAfterKill) {
            // Its memory is that of one store.
            self.close();
            return Ok(());
        }
        self.open()
    }

    fn open(&mut self) -> Result<()> {
        if self.store.is_none() {
            self.store = Some(self.engine.open(&self.place.store_dir(), &self.setup)?);
        }
        Ok(())
    }

    fn close(&mut self) {
        self.store = None;
    }

    fn store(&self) -> Result<&dyn Store> {
        self.store.as_deref().ok_or_else(|| "no store is open".into())
    }

    fn run_crew(&mut self, name: &str, crew: &Crew) -> Result<Done> {
        if let Count::Keys(_) = crew.count {
            self.truth.widen(crew.operations(self.flags));
        }
        let (store, truth, flags) = (self.store()?, self.truth.as_ref(), self.flags);
        run(&Site { name, store, truth, flags }, crew)
    }

    /// Times a call that does so many operations.
    fn time(
        &mut self,
        operations: u64,
        call: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Done> {
        let (before, begun) = (Usage::now(), Instant::now());
        call(self)?;
        let seconds = begun.elapsed().as_secs_f64();
        let work = Work { threads: 1, operations, seconds, ..Work::default() };
        Ok(Done { work, before, usage: Usage::now().since(&before), ..Done::default() })
    }

    fn compact(&mut self) -> Result<Done> {
        let (pairs, shape) = (self.truth.count(), self.truth.shape());
        let mut done = self.time(pairs, |bench| bench.store()?.compact())?;
        done.work.bytes = pairs * shape.pair_bytes();
        Ok(done)
    }

    fn open_again(&mut self) -> Result<Done> {
        let mut latencies = no_latencies().ok_or("latencies cannot be kept")?;
        let (before, mut sum) = (Usage::now(), 0);
        for _ in 0..OPENINGS {
            self.close();
            let begun = Instant::now();
            self.open()?;
            read_one(self.store()?, &self.truth)?;
            let nanos = begun.elapsed().as_nanos() as u64;
            latencies.saturating_record(nanos);
            sum += nanos;
        }
        let seconds = sum as f64 / 1e9;
        let work = Work { threads: 1, operations: OPENINGS, seconds, ..Work::default() };
        let (usage, latency) = (Usage::now().since(&before), Latency::of(&latencies));
        Ok(Done { work, latency, before, usage, ..Done::default() })
    }

    /// Opens what another process has left, in a directory of its own.
    fn open_killed(&mut self) -> Result<Done> {
        let dir = self.place.killed_dir();
        self.place.clear(&dir)?;
        let truth = killed::leave_behind(self.engine, self.flags, &dir)?;
        let is_nothing = self.engine.name() == nothing::NAME;
        let own = nothing::Nothing(truth.clone());
        let engine = if is_nothing { &own } else { self.engine };
        let setup = self.flags.setup();
        let mut store = None;
        let mut done = self.time(1, |_| {
            let opened = engine.open(&dir, &setup)?;
            read_one(opened.as_ref(), &truth)?;
            store = Some(opened);
            Ok(())
        })?;
        if let Some(store) = &store {
            killed::check(store.as_ref(), &truth)?;
        }
        let live = truth.count() * truth.shape().pair_bytes();
        done.room = Some((allocated_bytes(&dir).unwrap_or(0), live));
        drop(store);
        self.place.clear(&dir)?;
        Ok(done)
    }

    fn outcome(&mut self, workload: &Workload, done: Done) -> Result<Outcome> {
        let memory = Memory::now();
        let settled = self.settle(workload, &done)?;
        let (dir, shape) = (self.place.store_dir(), self.truth.shape());
        let live = self.truth.count() * shape.pair_bytes();
        let (space_bytes, live_bytes) =
            done.room.unwrap_or_else(|| (allocated_bytes(&dir).unwrap_or(0), live));
        let settings = Flags { value_size: shape.value_bytes as u64, ..self.flags.clone() };
        Ok(Outcome {
            schema: SCHEMA,
            date: date_of(SystemTime::now()),
            engine: self.engine.name().to_owned(),
            engine_version: self.engine.version(),
            configuration: BTreeMap::from_iter(self.engine.configuration(&self.setup)),
            machine: Machine::here(self.place.base()),
            settings,
            workload: workload.name.to_owned(),
            work: done.work,
            latency: done.latency,
            beside: done.beside,
            usage: done.usage,
            settled,
            memory,
            space_bytes,
            live_bytes,
        })
    }

    /// Lets the background catch up with a workload that wrote.
    fn settle(&self, workload: &Workload, done: &Done) -> Result<Option<Settled>> {
        let is_writing = matches!(workload.job, Job::Crew(crew) if crew.is_writing);
        if !is_writing || !self.flags.settle {
            return Ok(None);
        }
        let begun = Instant::now();
        self.store()?.settle()?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Some(Settled { seconds, usage: Usage::now().since(&done.before) }))
    }

    /// Closes the store, and remembers what is in it.
    pub fn finish(mut self) -> Result<()> {
        self.close();
        self.place.write_state(self.engine.name(), &self.truth)
    }
}

/// An opening is over when a key is answered.
fn read_one(store: &dyn Store, truth: &Truth) -> Result<()> {
    let (first, shape) = (truth.at_or_after(0), truth.shape());
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let number = first.unwrap_or(0);
    shape.key(number, &mut key);
    let is_found = store.session()?.get(&key, &mut value)?;
    match first {
        Some(number) if !is_found => Err(wrong(number, "is there, and was not found")),
        Some(number) if !shape.is_value(number, &value) => Err(wrong(number, "has another value")),
        None if is_found => Err(wrong(number, "is not there, but found")),
        _ => Ok(()),
    }
}
