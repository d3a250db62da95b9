//! The lock and the claims, in one process and between several.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};

use super::*;
use crate::env::fs::Directory;
use crate::env::os::dir::OsDirectory;
use crate::env::os::fs;
use crate::env::os::testing::{Child, Gate, TempDir};

fn dir_with_lock_file(temp: &TempDir) -> OsDirectory {
    let dir = fs::open(temp.path()).unwrap();
    dir.create("LOCK").unwrap();
    dir
}

/// Locks the file as another program would: 0 if it got it, 1 if somebody has it, 2 on an error.
fn try_raw_lock(path: &CString) -> i32 {
    // SAFETY: the path ends in a zero byte, and the descriptor is the call's own.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_RDWR);
        match libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB) {
            0 => 0,
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EWOULDBLOCK) => 1,
            _ => 2,
        }
    }
}

#[test]
fn a_second_lock_in_this_process_is_refused() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = dir.lock("LOCK").unwrap();
    let error = dir.lock("LOCK").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains("by this process"), "{error}");
    assert_eq!(error.path(), Some(temp.join("LOCK").as_path()));
    // Another name, another way there, another directory: the same file.
    std::fs::hard_link(temp.join("LOCK"), temp.join("SAME")).unwrap();
    assert_eq!(dir.lock("SAME").unwrap_err().kind(), ErrorKind::Locked);
    // Closing other descriptors of the file changes nothing.
    drop(dir.open("LOCK", Access::ReadWrite).unwrap());
    assert_eq!(dir.lock("LOCK").unwrap_err().kind(), ErrorKind::Locked);
    drop(lock);
    let lock = dir.lock("LOCK").unwrap();
    lock.file().write_at(b"pid", 0).unwrap();
    assert_eq!(lock.file().len().unwrap(), 3);
    assert!(!lock.is_forked());
}

#[test]
fn a_missing_lock_file_is_not_found() {
    let temp = TempDir::new();
    assert!(fs::open(temp.path()).unwrap().lock("LOCK").unwrap_err().is_not_found());
}

#[test]
fn another_process_is_named() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let path = temp.c_path("LOCK");
    let (ready, done) = (Gate::new(), Gate::new());
    let child = Child::fork(|| {
        let code = try_raw_lock(&path);
        ready.open();
        done.pass();
        code
    });
    ready.pass();
    let error = dir.lock("LOCK").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    #[cfg(target_os = "linux")]
    assert!(error.to_string().contains(&format!("by process {}", child.pid)), "{error}");
    done.open();
    assert_eq!(child.wait(), 0);
    dir.lock("LOCK").unwrap();
}

#[test]
fn a_child_is_locked_out_and_its_exit_frees_nothing() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let path = temp.c_path("LOCK");
    let lock = dir.lock("LOCK").unwrap();
    let child = Child::fork(|| 10 * i32::from(lock.is_forked()) + try_raw_lock(&path));
    assert_eq!(child.wait(), 11);
    assert!(!lock.is_forked());
    assert_eq!(Child::fork(|| try_raw_lock(&path)).wait(), 1);
    assert_eq!(dir.lock("LOCK").unwrap_err().kind(), ErrorKind::Locked);
}

#[test]
fn a_child_does_not_hold_what_the_parent_drops() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = OsLock::take_for_test(&dir);
    let fd = lock.fd.get().unwrap().as_raw_fd();
    let done = Gate::new();
    let child = Child::fork(|| {
        done.pass();
        // The child's copy was closed before it began.
        // SAFETY: the call touches no memory and changes no descriptor.
        i32::from(unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0)
    });
    drop(lock);
    dir.lock("LOCK").unwrap();
    done.open();
    assert_eq!(child.wait(), 1);
}

#[test]
fn dropping_in_a_child_closes_no_recycled_descriptor() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let path = temp.c_path("LOCK");
    let lock = OsLock::take_for_test(&dir);
    let fd = lock.fd.get().unwrap().as_raw_fd();
    // SAFETY: the lock is dropped once here, in the child, which never drops the one it came from;
    // the descriptor that is made is the child's own.
    let child = Child::fork(|| unsafe {
        let recycled = libc::fcntl(0, libc::F_DUPFD, fd);
        drop(std::ptr::read(&raw const lock));
        if recycled == fd && libc::fcntl(fd, libc::F_GETFD) >= 0 { try_raw_lock(&path) } else { 9 }
    });
    assert_eq!(child.wait(), 1, "the number is still open, and the parent still has the lock");
}

#[test]
fn a_child_may_lock_anew_once_the_parent_is_done() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let path = temp.c_path("LOCK");
    let lock = dir.lock("LOCK").unwrap();
    let go = Gate::new();
    let child = Child::fork(|| {
        go.pass();
        try_raw_lock(&path)
    });
    drop(lock);
    go.open();
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_copy_of_the_descriptor_keeps_nothing_locked() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = OsLock::take_for_test(&dir);
    let copy = lock.fd.get().unwrap().try_clone_to_owned().unwrap();
    drop(lock);
    dir.lock("LOCK").unwrap();
    drop(copy);
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_made_past_the_handlers_owns_nothing_either() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = OsLock::take_for_test(&dir);
    // SAFETY: a child like that of fork, which makes one call and ends.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    if pid == 0 {
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(i32::from(lock.fd.get().is_none())) };
    }
    let mut status = 0;
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::waitpid(pid as libc::pid_t, &raw mut status, 0) };
    assert_eq!(libc::WEXITSTATUS(status), 1);
    assert!(lock.fd.get().is_some());
}

#[test]
fn the_registry_refuses_what_a_file_system_would_grant() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let (other, id) =
        open_private(dir_fd(&dir).as_fd(), c"LOCK", dir.path(), Access::ReadWrite).unwrap();
    other.mark(id);
    let error = dir.lock("LOCK").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains("by this process"), "{error}");
    drop(other);
    dir.lock("LOCK").unwrap();
}

#[test]
fn many_threads_and_forks_leave_one_holder() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let path = temp.c_path("LOCK");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    match dir.lock("LOCK") {
                        Ok(lock) => {
                            assert_eq!(dir.lock("LOCK").unwrap_err().kind(), ErrorKind::Locked);
                            drop(lock);
                        }
                        Err(error) => assert!(error.is_retryable(), "{error}"),
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..50 {
                assert_eq!(Child::fork(|| 0).wait(), 0);
            }
        });
    });
    assert_eq!(Child::fork(|| try_raw_lock(&path)).wait(), 0);
    dir.lock("LOCK").unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn claims_exclude_each_other_and_are_seen() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = dir.lock("LOCK").unwrap();
    assert!(!lock.is_claimed(0, 4096).unwrap());
    let claim = dir.claim_slot("LOCK", 64, 64).unwrap();
    assert_eq!(claim.path(), temp.join("LOCK"));
    assert!(!claim.is_forked());
    let error = dir.claim_slot("LOCK", 100, 1).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Busy, Some(100)));
    assert!(lock.is_claimed(64, 64).unwrap());
    assert!(lock.is_claimed(0, 65).unwrap());
    assert!(!lock.is_claimed(0, 64).unwrap());
    assert!(!lock.is_claimed(128, 64).unwrap());
    let other = dir.claim_slot("LOCK", 128, 64).unwrap();
    // Neither the lock nor a plain open and close of the file disturbs a claim.
    drop(dir.open("LOCK", Access::ReadWrite).unwrap());
    assert!(lock.is_claimed(64, 1).unwrap());
    drop(claim);
    assert!(!lock.is_claimed(64, 64).unwrap());
    assert!(lock.is_claimed(64, 65).unwrap());
    drop(other);
    for result in [lock.is_claimed(0, 0).map(drop), dir.claim_slot("LOCK", 0, 0).map(drop)] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert!(lock.is_claimed(u64::MAX, 2).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_has_no_part_in_a_claim() {
    let temp = TempDir::new();
    let dir = dir_with_lock_file(&temp);
    let lock = dir.lock("LOCK").unwrap();
    let claim = dir.claim_slot("LOCK", 0, 64).unwrap();
    let done = Gate::new();
    let child = Child::fork(|| {
        done.pass();
        // The child still has the memory of it, whatever the parent did since.
        i32::from(claim.is_forked())
    });
    assert!(lock.is_claimed(0, 64).unwrap());
    drop(claim);
    assert!(!lock.is_claimed(0, 64).unwrap(), "the child lives, and the claim is over");
    dir.claim_slot("LOCK", 0, 64).unwrap();
    done.open();
    assert_eq!(child.wait(), 1);
}

#[test]
fn the_table_of_locks_is_understood() {
    let id = FileId { device: libc::makedev(8, 2) as u64, inode: 131_073 };
    let line = |text: &str| holder_in(text, id);
    assert_eq!(line("1: FLOCK  ADVISORY  WRITE 4711 08:02:131073 0 EOF\n"), Some(4711));
    assert_eq!(line("1: POSIX  ADVISORY  WRITE 4711 08:02:131073 0 EOF\n"), None);
    assert_eq!(line("1: -> FLOCK  ADVISORY  WRITE 4711 08:02:131073 0 EOF\n"), None);
    assert_eq!(line("1: FLOCK  ADVISORY  WRITE 4711 08:02:131074 0 EOF\n"), None);
    assert_eq!(line("1: FLOCK  ADVISORY  WRITE 4711 08:03:131073 0 EOF\n"), None);
    assert_eq!(line("1: FLOCK  ADVISORY  WRITE 0 08:02:131073 0 EOF\n"), None);
    assert_eq!(line("1: FLOCK  ADVISORY  WRITE -1 08:02:131073 0 EOF\n"), None);
    assert_eq!(line("nonsense\n\n1: FLOCK\n2: FLOCK ADVISORY WRITE x 08:02:131073\n"), None);
    let two = "1: FLOCK  ADVISORY  WRITE 1 00:01:5 0 EOF\n\
               2: FLOCK  ADVISORY  WRITE 22 08:02:131073 0 EOF\n";
    assert_eq!(line(two), Some(22));
}

fn dir_fd(dir: &OsDirectory) -> std::fs::File {
    std::fs::File::open(dir.path()).unwrap()
}

impl OsLock {
    fn take_for_test(dir: &OsDirectory) -> Self {
        Self::take(dir_fd(dir).as_fd(), c"LOCK", &dir.path().join("LOCK"), Access::ReadWrite)
            .unwrap()
    }
}
