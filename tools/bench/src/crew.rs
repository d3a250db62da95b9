//! Threads that do a workload: they begin together, somebody watches how far they are, and what
//! they did is added up.

use std::io::{IsTerminal, Write as _, stderr};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::flags::Flags;
use crate::interrupt;
use crate::kernel::Usage;
use crate::meter::{Account, Board, Goal, Latencies, Meter, Tally};
use crate::result::{Beside, Latency, Work, thousands};
use crate::store::{Result, Store};
use crate::truth::Truth;
use crate::workload::hand::Hand;
use crate::workload::table::Crew;
use crate::workload::writes::overwrite;

/// So often an interruption is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// What threads work on.
pub struct Site<'a> {
    /// The workload's name, for whoever watches.
    pub name: &'a str,
    /// The store.
    pub store: &'a dyn Store,
    /// What is in it.
    pub truth: &'a Truth,
    /// What was asked for.
    pub flags: &'a Flags,
}

/// What they did together.
#[derive(Default)]
pub struct Done {
    /// What, and for how long.
    pub work: Work,
    /// How long each operation took.
    pub latency: Option<Latency>,
    /// What the thread beside did.
    pub beside: Option<Beside>,
    /// What the process used when they began.
    pub before: Usage,
    /// What it used meanwhile.
    pub usage: Usage,
    /// What the store takes on the disk, and the bytes of its pairs, if it is gone by now.
    pub room: Option<(u64, u64)>,
}

/// Runs a workload with as many threads as the flags say.
pub fn run(site: &Site<'_>, crew: &Crew) -> Result<Done> {
    let threads = site.flags.threads;
    let all = threads + u64::from(crew.has_writer);
    let gate = Gate::new(all as usize + 1);
    let [readers, writer] = [Board::default(), Board::default()];
    let (told, ends) = channel();
    thread::scope(|scope| {
        for number in 0..all {
            let is_beside = number == threads;
            let board = if is_beside { &writer } else { &readers };
            let mut role = Role { crew: *crew, number, board, gate: &gate };
            if is_beside {
                role.crew.work = overwrite;
            }
            let told = told.clone();
            scope.spawn(move || {
                // Whoever listens does so until all have ended.
                let _heard = told.send((is_beside, role.play(site)));
            });
        }
        drop(told);
        gate.ready.wait();
        // What was done to warm up does not count.
        readers.done.store(0, Ordering::Relaxed);
        let before = Usage::now();
        gate.go.wait();
        let mut watch = Watch { site, crew, boards: [&readers, &writer], begun: Instant::now() };
        let (accounts, beside) = watch.until_the_end(&ends, all)?;
        let usage = Usage::now().since(&before);
        let mut done = Done { before, usage, ..add_up(accounts, threads) };
        done.work.written += beside.as_ref().map_or(0, |account| account.tally.written);
        done.beside = beside.as_ref().map(beside_of);
        Ok(done)
    })
}

/// Where threads wait for each other: until all have opened a session, and until the clock runs.
struct Gate {
    ready: Barrier,
    go: Barrier,
    is_broken: AtomicBool,
}

impl Gate {
    fn new(threads: usize) -> Self {
        let [ready, go] = [Barrier::new(threads), Barrier::new(threads)];
        Self { ready, go, is_broken: AtomicBool::new(false) }
    }
}

/// A thread's turn at the gate. It is taken in any case, be it that the thread cannot begin or that
/// its store panics: the others would wait for ever.
struct Turn<'a> {
    gate: &'a Gate,
    is_able: bool,
}

impl Turn<'_> {
    /// Waits for all others; true if all of them can begin.
    fn begin(mut self) -> bool {
        self.is_able = true;
        let gate = self.gate;
        drop(self);
        !gate.is_broken.load(Ordering::Acquire)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_able {
            self.gate.is_broken.store(true, Ordering::Release);
        }
        self.gate.ready.wait();
        self.gate.go.wait();
    }
}

/// One thread's part.
struct Role<'a> {
    crew: Crew,
    number: u64,
    board: &'a Board,
    gate: &'a Gate,
}

impl Role<'_> {
    fn play(&self, site: &Site<'_>) -> Result<Account> {
        let turn = Turn { gate: self.gate, is_able: false };
        let mut hand = self.prepare(site)?;
        if !turn.begin() {
            return Ok(Meter::new(self.board, Goal::default()).finish());
        }
        hand.meter = Meter::new(self.board, self.goal(site.flags));
        (self.crew.work)(&mut hand)?;
        Ok(hand.meter.finish())
    }

    /// Opens a session, and does what is not measured.
    fn prepare<'a>(&'a self, site: &'a Site<'_>) -> Result<Hand<'a>> {
        let session = site.store.session()?;
        let operations = if self.crew.is_writing { 0 } else { site.flags.warmup };
        let warmup = Goal { operations, ..Goal::default() };
        let meter = Meter::new(self.board, warmup);
        let mut hand = Hand::new(session, meter, site.truth, site.flags, self.number);
        hand.is_alone = !self.crew.is_writing || self.is_only(site.flags);
        if operations > 0 {
            (self.crew.work)(&mut hand)?;
        }
        Ok(hand)
    }

    fn is_only(&self, flags: &Flags) -> bool {
        flags.threads == 1 && !self.crew.has_writer
    }

    fn is_beside(&self, flags: &Flags) -> bool {
        self.number >= flags.threads
    }

    fn goal(&self, flags: &Flags) -> Goal {
        let goal = self.crew.goal(flags);
        if !self.is_beside(flags) {
            return goal;
        }
        // It goes on until the others are through.
        let rate = flags.benchmark_write_rate_limit;
        let interval = (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate));
        Goal { operations: u64::MAX, duration: None, interval, ..goal }
    }
}

/// Whoever watches the threads.
struct Watch<'a> {
    site: &'a Site<'a>,
    crew: &'a Crew,
    /// Those who work, and the one beside.
    boards: [&'a Board; 2],
    begun: Instant,
}

type End = (bool, Result<Account>);

impl Watch<'_> {
    /// Waits for all threads; ends those that have to.
    fn until_the_end(
        &mut self,
        ends: &Receiver<End>,
        all: u64,
    ) -> Result<(Vec<Account>, Option<Account>)> {
        let (mut accounts, mut beside, mut failure) = (Vec::new(), None, None);
        let mut left = all;
        while left > 0 {
            let (is_beside, end) = self.next_end(ends)?;
            left -= 1;
            match end {
                Ok(account) if is_beside => beside = Some(account),
                Ok(account) => accounts.push(account),
                Err(error) => {
                    self.stop(&self.boards);
                    failure.get_or_insert(error);
                }
            }
            if left == u64::from(self.crew.has_writer) {
                self.stop(&self.boards);
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None if interrupt::is_asked() => Err("interrupted".into()),
            None => Ok((accounts, beside)),
        }
    }

    fn next_end(&mut self, ends: &Receiver<End>) -> Result<End> {
        let interval = interval(self.site.flags);
        let mut shown = Instant::now();
        loop {
            match ends.recv_timeout(LOOK) {
                Ok(end) => return Ok(end),
                Err(RecvTimeoutError::Disconnected) => return Err("a thread has died".into()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupt::is_asked() {
                self.stop(&self.boards);
            }
            if interval.is_some_and(|interval| shown.elapsed() >= interval) {
                self.show();
                shown = Instant::now();
            }
        }
    }

    fn stop(&self, boards: &[&Board]) {
        boards.iter().for_each(|board| board.is_over.store(true, Ordering::Relaxed));
    }

    /// A line on the standard error: over the last one, if it is a terminal.
    fn show(&self) {
        let [readers, _] = self.boards;
        let done = readers.done.load(Ordering::Relaxed);
        let seconds = self.begun.elapsed().as_secs_f64();
        let goal = self.crew.goal(self.site.flags);
        let all = goal.operations.saturating_mul(self.site.flags.threads) as f64;
        let of_time = goal.duration.map_or(0.0, |duration| seconds / duration.as_secs_f64());
        let percent = 100.0 * (done as f64 / all).max(of_time);
        let end = if stderr().is_terminal() { "   \r" } else { "\n" };
        let rate = thousands(done as f64 / seconds);
        let name = self.site.name;
        let line = format!("{name}: {percent:.0} %, {rate} ops/s, {seconds:.0} s{end}");
        let _nobody_looks = stderr().write_all(line.as_bytes());
    }
}

/// How often somebody wants to see how far it is.
fn interval(flags: &Flags) -> Option<Duration> {
    let usual = if stderr().is_terminal() { 1.0 } else { 0.0 };
    let seconds = flags.stats_interval_seconds.unwrap_or(usual);
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
}

fn beside_of(account: &Account) -> Beside {
    let seconds = account.ended.duration_since(account.begun).as_secs_f64();
    let operations = account.tally.operations;
    let latency = account.latencies.as_ref().and_then(Latency::of);
    Beside { operations, per_second: operations as f64 / seconds.max(1e-9), latency }
}

/// What all threads did: from the first one's begin to the last one's end.
fn add_up(accounts: Vec<Account>, threads: u64) -> Done {
    let begun = accounts.iter().map(|account| account.begun).min();
    let ended = accounts.iter().map(|account| account.ended).max();
    let span = begun.zip(ended).map(|(begun, ended)| ended.duration_since(begun));
    let mut sum = Tally::default();
    let mut latencies: Option<Latencies> = None;
    for account in accounts {
        sum.operations += account.tally.operations;
        sum.bytes += account.tally.bytes;
        sum.written += account.tally.written;
        sum.found += account.tally.found;
        match (&mut latencies, account.latencies) {
            (Some(all), Some(own)) => all.add(own).unwrap_or(()),
            (none, own) => *none = own,
        }
    }
    let Tally { operations, bytes, written, found } = sum;
    let seconds = span.unwrap_or_default().as_secs_f64();
    let work = Work { threads, operations, seconds, bytes, written, found };
    Done { work, latency: latencies.as_ref().and_then(Latency::of), ..Done::default() }
}
