//! Ctrl-C: the first one ends what runs, so that directories are removed; the second one ends the
//! process.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// True once somebody has asked for the end.
#[must_use]
pub fn is_asked() -> bool {
    IS_ASKED.load(Ordering::Relaxed)
}

extern "C" fn note(_: libc::c_int) {
    IS_ASKED.store(true, Ordering::Relaxed);
}

/// Listens from now on.
#[allow(unsafe_code, reason = "a handler of a signal is set through the system's own call")]
pub fn listen() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: all fields are numbers or absent pointers, for which zeros are a value.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESETHAND | libc::SA_RESTART;
        // SAFETY: the action lives through the call, and its handler stores to an atomic, which is
        // allowed at any moment.
        unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    }
}
