//! Many seeds, on several threads, for so long or so many; the first failure ends it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::base::planted::Bug;
use lsm_core::base::sync::Mutex;

use crate::acts::Script;
use crate::seed::{Planted, live_seed};
use crate::shrink::shrink;
use crate::tally::Tally;

/// How many seeds, and how.
#[derive(Clone, Copy, Debug)]
pub struct Hunt {
    /// The first seed.
    pub first: u64,
    /// At most so many.
    pub count: u64,
    /// No longer than this.
    pub budget: Duration,
    /// On so many threads.
    pub threads: u64,
    /// With this bug planted.
    pub bug: Option<Bug>,
    /// A failure is shortened for this long.
    pub shrinking: Duration,
}

/// A failure, shortened.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What replays it.
    pub script: Script,
    /// What must not be.
    pub why: String,
}

/// What came of a hunt.
#[derive(Debug, Default)]
pub struct Caught {
    /// What was done.
    pub tally: Tally,
    /// The first failure.
    pub failure: Option<Failure>,
    /// How long it took.
    pub took: Duration,
}

impl Hunt {
    /// Lives seed after seed. `told` hears of the counts about every ten seconds.
    pub fn run(self, told: &(dyn Fn(&Tally, Duration) + Sync)) -> Caught {
        let begun = Instant::now();
        let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let all = Mutex::new((Caught::default(), Duration::ZERO));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    let _planted = Planted::new(self.bug);
                    while !is_over.load(Ordering::Relaxed) && begun.elapsed() < self.budget {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.count {
                            return;
                        }
                        let lived = live_seed(self.first.wrapping_add(number));
                        self.take_in(number, lived, (&all, &is_over));
                        let mut all = all.lock();
                        if begun.elapsed() > all.1 + Duration::from_secs(10) {
                            all.1 = begun.elapsed();
                            told(&all.0.tally, all.1);
                        }
                    }
                });
            }
        });
        let (mut caught, _) = std::mem::take(&mut *all.lock());
        caught.took = begun.elapsed();
        caught
    }

    fn take_in(
        &self,
        number: u64,
        lived: Result<Tally, String>,
        (all, is_over): (&Mutex<(Caught, Duration)>, &AtomicBool),
    ) {
        match lived {
            Ok(tally) => all.lock().0.tally.add(&tally),
            Err(why) if !is_over.swap(true, Ordering::Relaxed) => {
                let script = Script::write(self.first.wrapping_add(number));
                let (script, why) = shrink(script, why, self.shrinking);
                all.lock().0.failure = Some(Failure { script, why });
            }
            Err(_) => {}
        }
    }
}
