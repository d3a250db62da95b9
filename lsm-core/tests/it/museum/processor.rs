//! The time that a thread has had a processor: what else the machine does costs it nothing.

#![allow(unsafe_code, reason = "the clock of a thread is asked here")]

use std::time::Duration;

/// How long the processors have worked for this thread.
fn of_this_thread() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer. The call cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Does it, and answers how much of this thread's time it took.
pub fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begun = of_this_thread();
    let answer = act();
    (answer, of_this_thread().saturating_sub(begun))
}
