//! What the tests of this folder share: a directory that goes away, and a forked child.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use crate::base::sync::Ordering;
use crate::base::sync::fixed::{AtomicUsize, Mutex};

/// A directory of its own for one test, removed with all that is in it.
pub(super) struct TempDir(PathBuf);

impl TempDir {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let temp = std::env::temp_dir().canonicalize().unwrap();
        loop {
            let number = COUNT.fetch_add(1, Ordering::SeqCst);
            let path = temp.join(format!("lsm-os-test-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by an earlier process of this number that was killed.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn c_path(&self, name: &str) -> CString {
        CString::new(self.join(name).as_os_str().as_bytes()).unwrap()
    }

    pub(super) fn make_pipe(&self, name: &str) {
        // SAFETY: the path ends in a zero byte.
        assert_eq!(unsafe { libc::mkfifo(self.c_path(name).as_ptr(), 0o600) }, 0);
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A forked child. Killed, if it is still there, when dropped.
pub(super) struct Child {
    pub(super) pid: libc::pid_t,
    is_reaped: bool,
}

impl Child {
    /// Runs `body` in a child and exits with what it answers. It must neither allocate nor lock.
    pub(super) fn fork(body: impl FnOnce() -> i32) -> Self {
        // SAFETY: the child does only what a signal handler may do, and never returns from here.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let code = body();
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(code) };
        }
        Self { pid, is_reaped: false }
    }

    /// The exit code, or the number of the signal that ended it, negated.
    pub(super) fn wait(mut self) -> i32 {
        let mut status = 0;
        // SAFETY: the child is ours and has not been waited for.
        while unsafe { libc::waitpid(self.pid, &raw mut status, 0) } != self.pid {}
        self.is_reaped = true;
        if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_reaped {
            // SAFETY: the child is ours and has not been waited for.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
        }
    }
}

/// A way for parent and child to wait for each other.
pub(super) struct Gate([libc::c_int; 2]);

impl Gate {
    pub(super) fn new() -> Self {
        let mut ends = [0; 2];
        // SAFETY: there is room for two descriptors.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
        Self(ends)
    }

    pub(super) fn open(&self) {
        // SAFETY: one byte is read from a constant.
        unsafe { libc::write(self.0[1], b"x".as_ptr().cast(), 1) };
    }

    pub(super) fn pass(&self) {
        let mut byte = 0u8;
        // SAFETY: one byte is written to `byte`.
        while unsafe { libc::read(self.0[0], (&raw mut byte).cast(), 1) } != 1 {}
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        for end in self.0 {
            // SAFETY: it is open and not used again.
            unsafe { libc::close(end) };
        }
    }
}

/// Waits until `is_true`, or fails after ten seconds.
pub(super) fn eventually(is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(10), "this takes too long");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Held by every test that maps windows: one of them needs all the slots.
#[cfg(target_os = "linux")]
pub(super) static MAPPING: Mutex<()> = Mutex::new(());
