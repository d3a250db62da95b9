//! The calls on the process and the machine that the standard library lacks, in safe wrappers.
//!
//! Clock, random bits, signal masks and fork handlers. No call here blocks, but for the random
//! bits in the first seconds of a machine's life.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use crate::env::os::sys;

/// Time since some moment before this process, the same for every process of this boot.
pub(super) fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` has room for the answer. The call cannot fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// Fills `out` with random bits of the kernel.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn random(out: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        // SAFETY: `rest` is ours to write, as long as it says.
        let filled = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(filled) {
            Ok(filled) => done += filled,
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// Fills `out`, at most 256 bytes, with random bits of the kernel.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn random(out: &mut [u8]) -> io::Result<()> {
    sys::retry(|| {
        // SAFETY: `out` is ours to write, as long as it says.
        sys::check(unsafe { libc::getentropy(out.as_mut_ptr().cast(), out.len()) })
    })?;
    Ok(())
}

/// The size of a page of memory.
#[cfg(target_os = "linux")]
pub(super) fn page_size() -> usize {
    // SAFETY: the call has no conditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// Has three functions called around every fork: before it, and after it in parent and child.
///
/// They run in whatever state the fork finds the process in: each may touch atomics and make
/// calls that a signal handler may make, and nothing else.
pub(super) fn at_fork(
    before: Option<unsafe extern "C" fn()>,
    in_parent: Option<unsafe extern "C" fn()>,
    in_child: Option<unsafe extern "C" fn()>,
) -> io::Result<()> {
    // SAFETY: the functions live as long as the program.
    match unsafe { libc::pthread_atfork(before, in_parent, in_child) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// The signals that a thread brings upon itself. Blocking one of them would turn a fault that has
/// a handler, the window guard's among them, into the death of the process.
const FAULTS: [libc::c_int; 7] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTRAP,
];

/// Keeps signals off this thread, and off threads that it starts, until dropped.
pub(super) struct SignalsBlocked {
    before: Option<libc::sigset_t>,
}

impl SignalsBlocked {
    /// Blocks all signals but those of faults.
    pub(super) fn new() -> Self {
        let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: both sets have room; the first is filled before it is changed and read, and the
        // second is taken as filled only if the call says so.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            for fault in FAULTS {
                libc::sigdelset(all.as_mut_ptr(), fault);
            }
            let code = libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr());
            Self { before: (code == 0).then(|| before.assume_init()) }
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: the set was filled by the call that this one undoes.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, std::ptr::null_mut()) };
        }
    }
}
