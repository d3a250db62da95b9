//! Workers of a certain speed for a tree that is only pretended, and what is seen meanwhile.

use super::fake::key;
use super::sim::Sim;
use crate::compaction::plan::PlanKind;
use crate::version::tree::Run;

/// With more runs in level 0 nobody writes.
const LEVEL_ZERO_MAX: usize = 20;

/// One who does plans.
#[derive(Clone, Copy, Debug, Default)]
struct Worker {
    /// So many bytes more can be merged by now.
    credit: u64,
    /// What it is at.
    ticket: Option<u64>,
}

/// Two workers, and what reads would have met.
#[derive(Debug)]
pub(crate) struct Crew {
    /// How many memtables' worth both merge while a memtable is filled.
    speed: u64,
    workers: [Worker; 2],
    /// In how many runs a key was to be looked for.
    depths: Vec<usize>,
    /// How much was stored for each byte seen.
    spaces: Vec<f64>,
}

impl Crew {
    pub(crate) fn new(speed: u64) -> Self {
        let workers = [Worker::default(); 2];
        Self { speed, workers, depths: Vec::new(), spaces: Vec::new() }
    }

    /// Goes on for as long as it takes to fill a memtable, and on until level 0 is short enough.
    pub(crate) fn work(&mut self, sim: &mut Sim) {
        loop {
            for worker in &mut self.workers {
                worker.credit += sim.context.memtable_bytes * self.speed / 2;
            }
            while self.workers.iter_mut().any(|worker| worker.advance(sim)) {}
            if sim.tree.level(0).len() <= LEVEL_ZERO_MAX {
                return;
            }
        }
    }

    /// Takes in what a lookup of this key would meet now.
    pub(crate) fn probe(&mut self, sim: &Sim, number: u32) {
        let key = key(number);
        let spans = |run: &&Run| run.slice_for(&key).is_some();
        self.depths.push(sim.tree.runs.iter().filter(spans).count());
        self.spaces.push(sim.space());
    }

    pub(crate) fn report(&self, name: &str, sim: &Sim) {
        let count = self.depths.len() as f64;
        println!(
            "{name:>24}: writes {:5.2}, looks into {:4.1} to {:2} runs, stores {:.2} to {:.2}, \
             {:.2} at rest; at most {:5.1} memtables at once",
            sim.amplification(),
            self.depths.iter().sum::<usize>() as f64 / count,
            self.depths.iter().max().unwrap(),
            self.spaces.iter().sum::<f64>() / count,
            sim.per_seen(sim.space_max),
            sim.space(),
            sim.job_max as f64 / sim.context.memtable_bytes as f64,
        );
    }
}

impl Worker {
    /// Begins a plan, or ends the one it is at; false if there is none, or more time is needed.
    fn advance(&mut self, sim: &mut Sim) -> bool {
        let Some(ticket) = self.ticket else {
            if sim.start() {
                self.ticket = sim.running.last().map(|(ticket, _)| *ticket);
            } else {
                // Time in which there was nothing to do is not saved up.
                self.credit = 0;
            }
            return self.ticket.is_some();
        };
        let at = sim.running.iter().position(|(other, _)| *other == ticket).unwrap();
        let (_, plan) = &sim.running[at];
        let cost = if plan.kind == PlanKind::Merge { plan.bytes() } else { 0 };
        if cost > self.credit {
            return false;
        }
        *self = Self { credit: self.credit - cost, ticket: None };
        sim.end_at(at);
        true
    }
}
