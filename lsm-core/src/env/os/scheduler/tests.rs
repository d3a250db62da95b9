//! Waiting, waking and jobs on real threads.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use super::*;
use crate::base::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::env::os::testing::eventually;

const SHORT: Duration = Duration::from_millis(20);

fn scheduler() -> OsScheduler {
    OsScheduler::default()
}

fn after(time: Duration) -> Option<Duration> {
    Some(OsClock.monotonic() + time)
}

/// A job made of a function, that tells when it is dropped.
struct Steps<F> {
    step: F,
    is_dropped: Arc<AtomicBool>,
}

impl<F: FnMut() -> Step + Send + 'static> Job for Steps<F> {
    fn step(&mut self) -> Step {
        (self.step)()
    }
}

impl<F> Drop for Steps<F> {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::SeqCst);
    }
}

fn spawn(wake: &Arc<Signal>, step: impl FnMut() -> Step + Send + 'static) -> Arc<AtomicBool> {
    let is_dropped = Arc::new(AtomicBool::new(false));
    let job = Steps { step, is_dropped: Arc::clone(&is_dropped) };
    scheduler().spawn("test-job", Arc::clone(wake), Box::new(job)).unwrap();
    is_dropped
}

#[test]
fn a_wait_ends_when_ready_or_late() {
    let signal = Signal::new();
    assert!(scheduler().wait(&signal, Some(Duration::ZERO), &mut || true), "ready comes first");
    let mut looks = 0;
    let start = OsClock.monotonic();
    assert!(!scheduler().wait(&signal, after(SHORT), &mut || {
        looks += 1;
        false
    }));
    assert!(OsClock.monotonic() - start >= SHORT);
    assert!((1..=3).contains(&looks), "no spinning: {looks}");
    assert!(!scheduler().wait(&signal, Some(Duration::ZERO), &mut || false));
}

#[test]
fn no_wake_up_is_lost() {
    const ROUNDS: u64 = 20_000;
    let turn = AtomicU64::new(0);
    let signal = Signal::new();
    std::thread::scope(|scope| {
        for me in 0..2 {
            let (turn, signal) = (&turn, &signal);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mine = 2 * round + me;
                    let mut ready = || turn.load(Ordering::SeqCst) == mine;
                    assert!(scheduler().wait(signal, after(Duration::from_secs(30)), &mut ready));
                    turn.store(mine + 1, Ordering::SeqCst);
                    signal.notify();
                }
            });
        }
    });
    assert_eq!(turn.load(Ordering::SeqCst), 2 * ROUNDS);
}

#[test]
fn a_notification_between_look_and_sleep_counts() {
    let signal = Signal::new();
    let mut looks = 0;
    assert!(scheduler().wait(&signal, after(Duration::from_secs(30)), &mut || {
        looks += 1;
        // As if another thread did it right after the look said no.
        signal.notify();
        looks == 3
    }));
}

#[test]
fn a_job_is_stepped_until_done_and_dropped() {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let is_dropped = spawn(&Signal::new(), move || match counted.fetch_add(1, Ordering::SeqCst) {
        0..99 => Step::Again,
        _ => Step::Done,
    });
    eventually(|| is_dropped.load(Ordering::SeqCst));
    assert_eq!(count.load(Ordering::SeqCst), 100);
}

#[test]
fn an_idle_job_sleeps_until_notified() {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let wake = Signal::new();
    let is_dropped = spawn(&wake, move || match counted.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Step::Idle(None),
        _ => Step::Done,
    });
    eventually(|| count.load(Ordering::SeqCst) == 1);
    std::thread::sleep(SHORT);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    wake.notify();
    eventually(|| count.load(Ordering::SeqCst) == 2);
    wake.notify();
    eventually(|| is_dropped.load(Ordering::SeqCst));
}

#[test]
fn an_idle_job_wakes_at_its_moment() {
    let start = OsClock.monotonic();
    let (times, steps) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
    let noted = Arc::clone(&times);
    let is_dropped = spawn(&Signal::new(), move || {
        noted.lock().push(OsClock.monotonic());
        match steps.fetch_add(1, Ordering::SeqCst) {
            0 => Step::Idle(Some(start + SHORT)),
            // A moment that is over means at once.
            1 => Step::Idle(Some(start)),
            _ => Step::Done,
        }
    });
    eventually(|| is_dropped.load(Ordering::SeqCst));
    let times = times.lock();
    assert_eq!(times.len(), 3);
    assert!(times[1] >= start + SHORT);
}

#[test]
fn a_notification_during_a_step_calls_for_another() {
    let wake = Signal::new();
    let own = Arc::clone(&wake);
    let mut is_second = false;
    let is_dropped = spawn(&wake, move || {
        if std::mem::replace(&mut is_second, true) {
            return Step::Done;
        }
        own.notify();
        Step::Idle(None)
    });
    eventually(|| is_dropped.load(Ordering::SeqCst));
}

#[test]
fn a_panic_ends_the_job_alone() {
    let is_dropped = spawn(&Signal::new(), || std::panic::resume_unwind(Box::new("in a step")));
    eventually(|| is_dropped.load(Ordering::SeqCst));
    struct Late(Arc<AtomicBool>);
    impl Job for Late {
        fn step(&mut self) -> Step {
            Step::Done
        }
    }
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
            std::panic::resume_unwind(Box::new("in a drop"));
        }
    }
    let is_dropped = Arc::new(AtomicBool::new(false));
    let job = Box::new(Late(Arc::clone(&is_dropped)));
    scheduler().spawn("test-late", Signal::new(), job).unwrap();
    eventually(|| is_dropped.load(Ordering::SeqCst));
}

#[test]
fn a_job_thread_has_a_name_and_takes_no_signals() {
    // SAFETY: all-zero is a valid set, which the first call fills and changes nothing by.
    let mask = || unsafe {
        let mut mask: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
        [libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGBUS, libc::SIGSEGV]
            .map(|signal| libc::sigismember(&raw const mask, signal) == 1)
    };
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let before = mask();
    let is_dropped = spawn(&Signal::new(), move || {
        let name = std::thread::current().name().map(String::from);
        *noted.lock() = Some((name, mask()));
        Step::Done
    });
    assert_eq!(mask(), before);
    eventually(|| is_dropped.load(Ordering::SeqCst));
    let expected = (Some(String::from("test-job")), [true, true, true, false, false]);
    assert_eq!(*seen.lock(), Some(expected));
}

#[test]
fn a_thread_that_cannot_start_is_an_error() {
    let is_dropped = Arc::new(AtomicBool::new(false));
    let job = Steps { step: || Step::Done, is_dropped: Arc::clone(&is_dropped) };
    let error = scheduler().spawn("a\0b", Signal::new(), Box::new(job)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(is_dropped.load(Ordering::SeqCst));
}

#[test]
fn the_real_world_is_whole() {
    let env = crate::env::os::world::real();
    assert!(env.clock.wall_millis() > 0);
    assert_eq!(env.host.process_id(), std::process::id());
    assert!(env.fs.open_dir(&std::env::temp_dir().canonicalize().unwrap()).is_ok());
    assert!(env.scheduler.wait(&Signal::new(), None, &mut || true));
}

#[test]
fn whoever_lingers_goes_on_when_others_are_ready_or_the_time_is_over() {
    let mut looks = 0;
    scheduler().linger(Duration::MAX, &mut || {
        looks += 1;
        looks == 3
    });
    assert_eq!(looks, 3);
    let begun = OsClock.monotonic();
    scheduler().linger(SHORT, &mut || false);
    assert!(OsClock.monotonic() - begun >= SHORT);
}
