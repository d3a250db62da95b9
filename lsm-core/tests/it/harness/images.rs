//! Crash images: what a disk may hold after a crash, what recovery makes of it, and what a second
//! crash in the middle of that recovery leaves.
//!
//! Recovery is a function of the image, so an image that was seen before is not recovered again;
//! only the promises are held against the outcome anew, since they depend on the script.

use std::collections::HashMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lsm_core::env::sim::crash::{CrashPolicy, Moment};
use lsm_core::env::sim::disk::SimDisk;

use crate::harness::disk::{complaint, watch};

/// How a machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies; the page cache lives on.
    Kill,
    /// The power goes.
    Power(CrashPolicy, u64),
}

impl Crash {
    /// Every way, the random ones under this many seeds.
    pub fn all(seeds: u64) -> Vec<Self> {
        let mut all = vec![Self::Kill];
        for policy in CrashPolicy::ALL {
            let seeds = if policy.is_random() { seeds } else { 1 };
            all.extend((0..seeds).map(|seed| Self::Power(policy, seed)));
        }
        all
    }

    pub fn image(self, moment: &Moment) -> SimDisk {
        let disk = match self {
            Self::Kill => SimDisk::killed(moment),
            Self::Power(policy, seed) => {
                SimDisk::crashed(moment, policy, seed ^ moment.op_number << 8)
            }
        };
        watch(&disk);
        disk
    }

    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((policy, seed)) => Self::Power(policy.parse().unwrap(), seed.parse().unwrap()),
            None => Self::Kill,
        }
    }
}

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kill => f.write_str("Kill"),
            Self::Power(policy, seed) => write!(f, "{policy}:{seed}"),
        }
    }
}

/// What is recovered: the ground alone, or the whole engine.
pub trait Subject {
    /// An open database.
    type Session;
    /// What it holds.
    type Found: Clone + Debug + PartialEq;

    /// Opens the database on a disk and looks at everything in it.
    fn open(&self, disk: &SimDisk, seed: u64) -> Result<(Self::Session, Self::Found), String>;

    /// A recovered database must take writes and keep them; what contradicts that.
    fn follow_up(
        &self,
        disk: &SimDisk,
        session: &Self::Session,
        found: &Self::Found,
    ) -> Option<String>;

    /// Lets go of it as the death of the process does.
    fn kill(&self, session: Self::Session);

    /// Opens, and lets go of it as a crash would; answers what was recovered.
    fn peek(&self, disk: &SimDisk, seed: u64) -> Result<Self::Found, String> {
        self.open(disk, seed).map(|(session, found)| {
            self.kill(session);
            found
        })
    }
}

/// What was recovered, or the error that there was instead.
pub type Recovery<F> = Result<Arc<F>, String>;

/// What recovery makes of an image.
#[derive(Clone, Debug)]
pub struct Outcome<F> {
    pub recovered: Recovery<F>,
    /// Each different thing that a crash during recovery led to, with the crash that did.
    pub nested: Vec<(Recovery<F>, String)>,
    /// A promise that the outcome itself breaks.
    pub violation: Option<String>,
}

/// The recoveries done so far.
pub struct Recoveries<S: Subject> {
    pub subject: S,
    /// Seeds of the random policies in the second crash; 0 leaves it out.
    pub nested_seeds: u64,
    pub images: u64,
    pub nested_images: u64,
    pub distinct: u64,
    outcomes: HashMap<u64, Arc<Outcome<S::Found>>>,
    peeks: HashMap<u64, Recovery<S::Found>>,
}

impl<S: Subject> Recoveries<S> {
    pub fn new(subject: S, nested_seeds: u64) -> Self {
        Self {
            subject,
            nested_seeds,
            images: 0,
            nested_images: 0,
            distinct: 0,
            outcomes: HashMap::new(),
            peeks: HashMap::new(),
        }
    }

    /// What recovery makes of this image.
    pub fn outcome(&mut self, image: &SimDisk) -> Arc<Outcome<S::Found>> {
        self.images += 1;
        let hash = image.image_hash();
        if let Some(known) = self.outcomes.get(&hash) {
            return known.clone();
        }
        self.distinct += 1;
        let outcome = Arc::new(self.recover(image));
        self.outcomes.insert(hash, outcome.clone());
        outcome
    }

    fn recover(&mut self, image: &SimDisk) -> Outcome<S::Found> {
        let (subject, before) = (&self.subject, image.moment());
        let run = caught(|| {
            image.record_history(true);
            let opened = subject.open(image, 1001);
            let moments = image.history();
            image.record_history(false);
            match opened {
                Ok((session, recovered)) => {
                    let violation = subject.follow_up(image, &session, &recovered);
                    subject.kill(session);
                    (Ok(Arc::new(recovered)), violation, moments)
                }
                Err(error) => (Err(error), None, moments),
            }
        });
        let (recovered, mut violation, mut moments) = match run {
            Ok(run) => run,
            Err(panic) => (Err(panic), None, Vec::new()),
        };
        if let Some(complaint) = complaint(image) {
            violation.get_or_insert(format!("the disk's rules were broken: {complaint}"));
        }
        moments.insert(0, before);
        let nested = self.crash_again(&moments, &recovered, &mut violation);
        Outcome { recovered, nested, violation }
    }

    /// Crashes at every operation of a recovery, in every way.
    fn crash_again(
        &mut self,
        moments: &[Moment],
        recovered: &Recovery<S::Found>,
        violation: &mut Option<String>,
    ) -> Vec<(Recovery<S::Found>, String)> {
        let mut nested: Vec<(Recovery<S::Found>, String)> = Vec::new();
        if self.nested_seeds == 0 {
            return nested;
        }
        let first = moments.first().map_or(0, |moment| moment.op_number);
        for (index, moment) in moments.iter().enumerate() {
            for crash in Crash::all(self.nested_seeds) {
                let found = self.peek(&crash.image(moment));
                let label = format!("then@{} {crash}", moment.op_number - first);
                let is_last = index + 1 == moments.len();
                if is_last && recovered.is_ok() && found != *recovered {
                    let what = "what an opening has shown is gone after the next crash";
                    violation.get_or_insert(format!("{label}: {what}: {found:?}"));
                }
                if !nested.iter().any(|(known, _)| *known == found) {
                    nested.push((found, label));
                }
            }
        }
        nested
    }

    fn peek(&mut self, image: &SimDisk) -> Recovery<S::Found> {
        self.nested_images += 1;
        let hash = image.image_hash();
        if let Some(known) = self.peeks.get(&hash) {
            return known.clone();
        }
        self.distinct += 1;
        let subject = &self.subject;
        let found = caught(|| subject.peek(image, 2001)).and_then(|found| found.map(Arc::new));
        self.peeks.insert(hash, found.clone());
        found
    }
}

/// Runs, and makes an error of a panic.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        format!("panicked: {text}")
    })
}
