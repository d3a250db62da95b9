//! Running a model: every order of its threads, up to a number of preemptions, or for some time.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use loom::thread::{JoinHandle, spawn};

/// What can be made weaker in all of a model.
#[allow(missing_docs, reason = "each name says what orders nothing any more")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    Acquire,
    Release,
    AcquireFences,
    ReleaseFences,
    /// Sequentially consistent accesses only acquire and release.
    SeqCst,
    /// Accesses that read and write.
    Counts,
}

std::thread_local! {
    static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
}

/// The mistake that is made now.
#[must_use]
pub fn planted() -> Option<Mistake> {
    PLANTED.get()
}

/// How far a model is followed.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// So many times a thread is stopped where it could go on.
    pub preemptions: usize,
    /// Longer than this, and the rest is left out.
    pub seconds: u64,
}

/// Fails if the model does in any order. Says how many orders were tried.
pub fn holds(name: &str, bound: Bound, body: fn()) {
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    let begun = std::time::Instant::now();
    builder(bound).check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        body();
    });
    let tried = tried.load(Ordering::Relaxed);
    let elapsed = begun.elapsed();
    let is_whole = elapsed < Duration::from_secs(bound.seconds);
    let end = if is_whole { "all there are" } else { "not all" };
    println!("{name}: {tried} orders in {elapsed:.1?}, {end} with {bound:?}");
    assert!(tried > 1, "{name}: one order is no model");
}

/// Fails if the model does not fail in any order with the mistake planted.
pub fn finds(name: &str, bound: Bound, mistake: Option<Mistake>, body: fn()) {
    PLANTED.set(mistake);
    let tried = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tried);
    let run = || {
        builder(bound).check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            body();
        });
    };
    let found = catch_unwind(AssertUnwindSafe(run)).is_err();
    PLANTED.set(None);
    let tried = tried.load(Ordering::Relaxed);
    assert!(found, "{name}: {mistake:?} was not found in {tried} orders");
    println!("{name}: {mistake:?} found in order {tried}");
}

fn builder(bound: Bound) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(bound.preemptions);
    builder.max_duration = Some(Duration::from_secs(bound.seconds));
    builder.max_branches = 20_000;
    builder.checkpoint_interval = 100;
    builder
}
