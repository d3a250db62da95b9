//! Jobs run in the order of the seed, and time passes only when nothing can run.

use std::sync::Arc;
use std::time::Duration;

use super::super::world::SimWorld;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::env::clock::Clock;
use crate::env::host::Host;
use crate::env::schedule::{Job, Scheduler, Signal, Step};

struct Closure<F>(F);

impl<F: FnMut() -> Step + Send + 'static> Job for Closure<F> {
    fn step(&mut self) -> Step {
        (self.0)()
    }
}

fn spawn(
    world: &SimWorld,
    name: &'static str,
    wake: &Arc<Signal>,
    step: impl FnMut() -> Step + Send + 'static,
) {
    world.scheduler.spawn(name, Arc::clone(wake), Box::new(Closure(step))).unwrap();
}

fn order_of_steps(seed: u64) -> (Vec<&'static str>, u64) {
    let world = SimWorld::new(seed);
    let (signal, order) = (Signal::new(), Arc::new(Mutex::new(Vec::new())));
    for name in ["a", "b", "c"] {
        let (order, mut left) = (Arc::clone(&order), 5);
        spawn(&world, name, &signal, move || {
            order.lock().push(name);
            left -= 1;
            if left == 0 { Step::Done } else { Step::Again }
        });
    }
    assert!(world.scheduler.wait(&signal, None, &mut || order.lock().len() == 15));
    assert_eq!((world.scheduler.job_count(), world.scheduler.steps()), (0, 15));
    let order = order.lock().clone();
    (order, world.scheduler.trace_hash())
}

#[test]
fn a_seed_gives_one_order_and_another_seed_another() {
    assert_eq!(order_of_steps(1), order_of_steps(1));
    assert_ne!(order_of_steps(1).0, order_of_steps(2).0);
    assert_ne!(order_of_steps(1).1, order_of_steps(2).1);
}

#[test]
fn an_idle_job_runs_when_it_is_notified_even_during_its_step() {
    let world = SimWorld::new(1);
    let (signal, count) = (Signal::new(), Arc::new(AtomicU64::new(0)));
    let (inner, steps) = (Arc::clone(&signal), Arc::clone(&count));
    spawn(&world, "job", &signal, move || {
        if steps.fetch_add(1, Ordering::SeqCst) == 0 {
            inner.notify();
        }
        Step::Idle(None)
    });
    world.scheduler.run_until_idle();
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(!world.scheduler.run_one());
    signal.notify();
    world.scheduler.run_until_idle();
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[test]
fn time_jumps_to_the_next_deadline() {
    let world = SimWorld::new(1);
    let (signal, clock) = (Signal::new(), world.clock.clone());
    let mut next = Duration::ZERO;
    spawn(&world, "ticker", &signal, move || {
        assert!(clock.monotonic() >= next);
        next = clock.monotonic() + Duration::from_secs(1);
        Step::Idle(Some(next))
    });
    let wall = world.clock.wall_millis();
    let deadline = Duration::from_millis(2500);
    assert!(!world.scheduler.wait(&signal, Some(deadline), &mut || false));
    assert_eq!(world.clock.monotonic(), deadline);
    assert_eq!(world.scheduler.steps(), 3);
    assert_eq!(world.clock.wall_millis(), wall + 2500);
    world.clock.set_wall_millis(5);
    assert_eq!((world.clock.wall_millis(), world.clock.monotonic()), (5, deadline));
}

#[test]
#[should_panic(expected = "deadlock: the client waits without a deadline and 1 jobs are there, \
                           \"sleeper\" idle until None")]
fn a_wait_for_nothing_names_the_jobs() {
    let world = SimWorld::new(1);
    let signal = Signal::new();
    spawn(&world, "sleeper", &signal, || Step::Idle(None));
    world.scheduler.wait(&signal, None, &mut || false);
}

#[test]
#[should_panic(expected = "the job \"rude\" waits inside its step")]
fn a_job_must_not_wait() {
    let world = SimWorld::new(1);
    let (signal, scheduler) = (Signal::new(), Arc::clone(&world.scheduler));
    let inner = Arc::clone(&signal);
    spawn(&world, "rude", &signal, move || {
        scheduler.wait(&inner, Some(Duration::from_secs(1)), &mut || true);
        Step::Done
    });
    world.scheduler.run_until_idle();
}

#[test]
fn a_kill_drops_jobs_without_a_step() {
    let world = SimWorld::new(1);
    let (signal, held) = (Signal::new(), Arc::new(()));
    let inside = Arc::clone(&held);
    spawn(&world, "job", &signal, move || {
        let _inside = &inside;
        unreachable!("a dead job is stepped")
    });
    world.scheduler.kill();
    assert_eq!((Arc::strong_count(&held), world.scheduler.job_count()), (1, 0));
    // Nothing that outlives the process hangs.
    assert!(!world.scheduler.wait(&signal, None, &mut || false));
    spawn(&world, "late", &signal, || Step::Done);
    assert_eq!(world.scheduler.job_count(), 0);
}

#[test]
fn a_machine_is_known_by_its_boot() {
    let world = SimWorld::new(1);
    let first = world.host.boot_id();
    assert_eq!(SimWorld::from_disk(world.disk.process_crash(), 2).host.boot_id(), first);
    world.host.reboot();
    let second = world.host.boot_id();
    assert_ne!(first, second);
    let policy = super::super::crash::CrashPolicy::SyncedOnly;
    assert_eq!(SimWorld::from_disk(world.disk.crash(policy, 0), 2).host.boot_id(), second);
    world.host.forget_boot();
    assert_eq!(world.host.boot_id(), None);
    assert_eq!(world.host.random().unwrap(), SimWorld::new(1).host.random().unwrap());
    let env = world.env();
    assert_eq!(env.host.process_id(), 4242);
}
