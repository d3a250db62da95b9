//! The guard before other handlers.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::fs;
use std::os::fd::AsRawFd;

use super::*;
use crate::env::os::testing::{Child, MAPPING, TempDir};

/// A page that faults when it is touched: mapped by the host, beyond the end of its file.
struct BadPage(*mut u8);

impl BadPage {
    fn new() -> Self {
        let temp = TempDir::new();
        let file = fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(temp.join("a"))
            .unwrap();
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let fd = file.as_raw_fd();
        // SAFETY: a new mapping at a place of the kernel's choice disturbs no other.
        let page =
            unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, libc::MAP_SHARED, fd, 0) };
        assert_ne!(page, libc::MAP_FAILED);
        Self(page.cast())
    }

    fn touch(&self) {
        // SAFETY: the page is mapped for writing; what happens beyond the file's end is the test.
        unsafe { self.0.write_volatile(1) };
    }
}

impl Drop for BadPage {
    fn drop(&mut self) {
        // SAFETY: the page is ours, and this is its last use.
        unsafe { libc::munmap(self.0.cast(), 4096) };
    }
}

static BAD_PAGE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn full_handler(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid `info`.
    let address = unsafe { (*info).si_addr() } as usize;
    let is_right = signal == libc::SIGBUS && address == BAD_PAGE.load(Ordering::SeqCst);
    // SAFETY: ends the child without running anything of the parent's.
    unsafe { libc::_exit(if is_right { 42 } else { 41 }) };
}

extern "C" fn plain_handler(signal: i32) {
    // SAFETY: ends the child without running anything of the parent's.
    unsafe { libc::_exit(if signal == libc::SIGBUS { 43 } else { 41 }) };
}

extern "C" fn returning_handler(_: i32) {}

/// In a child: sets a handler as a host would, and the guard before it.
fn set_under_guard(handler: usize, flags: i32) {
    // SAFETY: the limit is read from a value that lives through the call.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
    }
    set(handler, flags);
    assert!(hook().is_ok());
}

fn set(handler: usize, flags: i32) {
    // SAFETY: all-zero is a valid action; the handlers of these tests keep to what they may do.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()), 0);
    }
}

fn full() -> usize {
    full_handler as *const () as usize
}

fn plain() -> usize {
    plain_handler as *const () as usize
}

fn returning() -> usize {
    returning_handler as *const () as usize
}

#[test]
fn foreign_faults_go_to_the_previous_handler() {
    let page = BadPage::new();
    for (handler, flags, expected) in [
        (full(), libc::SA_SIGINFO, 42),
        (full(), libc::SA_SIGINFO | libc::SA_NODEFER, 42),
        (plain(), 0, 43),
        (returning(), libc::SA_RESETHAND, -libc::SIGBUS),
        (libc::SIG_DFL, 0, -libc::SIGBUS),
        (libc::SIG_IGN, 0, -libc::SIGBUS),
    ] {
        let child = Child::fork(|| {
            BAD_PAGE.store(page.0 as usize, Ordering::SeqCst);
            set_under_guard(handler, flags);
            page.touch();
            1
        });
        assert_eq!(child.wait(), expected, "handler {handler:#x}, flags {flags:#x}");
    }
}

#[test]
fn signals_that_were_sent_go_to_the_previous_handler() {
    for (handler, flags, expected) in [
        (plain(), 0, 43),
        (libc::SIG_IGN, 0, 7),
        (libc::SIG_DFL, 0, -libc::SIGBUS),
        (returning(), 0, 7),
    ] {
        let child = Child::fork(|| {
            set_under_guard(handler, flags);
            // SAFETY: a signal to this child is what is tested.
            unsafe { libc::raise(libc::SIGBUS) };
            7
        });
        assert_eq!(child.wait(), expected, "handler {handler:#x}");
    }
}

#[test]
fn a_watched_page_is_mended_and_its_neighbour_is_not() {
    let _alone = MAPPING.lock();
    let (page, other) = (BadPage::new(), BadPage::new());
    install().unwrap();
    let child = Child::fork(|| {
        set_under_guard(libc::SIG_DFL, 0);
        let Ok(watch) = Watch::new(page.0 as usize, 4096) else { return 1 };
        if watch.is_lost() {
            return 2;
        }
        sys::set_errno(77);
        page.touch();
        let errno = sys::errno();
        // SAFETY: the guard has put a page there that can be read.
        let stored = unsafe { page.0.read() };
        if errno != 77 || !watch.is_lost() || stored != 1 {
            return 3;
        }
        drop(watch);
        other.touch();
        4
    });
    assert_eq!(child.wait(), -libc::SIGBUS);
}

#[test]
fn a_child_guards_nothing_of_its_parent() {
    let _alone = MAPPING.lock();
    let page = BadPage::new();
    let watch = Watch::new(page.0 as usize, 4096).unwrap();
    let child = Child::fork(|| {
        set_under_guard(libc::SIG_DFL, 0);
        if !watch.is_forked() || !watch.is_lost() {
            return 1;
        }
        page.touch();
        2
    });
    assert_eq!(child.wait(), -libc::SIGBUS);
    assert!(!watch.is_lost());
}

#[test]
fn a_handler_set_over_the_guard_ends_its_use() {
    let _alone = MAPPING.lock();
    install().unwrap();
    let child = Child::fork(|| {
        set(plain(), 0);
        match Watch::new(4096, 4096) {
            Err(error) if error.kind() == ErrorKind::Unsupported => 5,
            _ => 6,
        }
    });
    assert_eq!(child.wait(), 5);
    drop(Watch::new(4096, 4096).unwrap());
}

#[test]
fn a_word_holds_whole_windows() {
    let slot = Slot::new();
    assert!(!slot.holds(0));
    slot.pages.store(TAKEN, Ordering::SeqCst);
    assert!(!slot.holds(0) && !slot.holds(1));
    slot.pages.store(word(5 * 4096, 3 * 4096, 4096).unwrap(), Ordering::SeqCst);
    let held: Vec<u64> = (0..12).filter(|&page| slot.holds(page)).collect();
    assert_eq!(held, [5, 6, 7]);
    assert_eq!(word(4096, 0, 4096), None);
    assert_eq!(word(0, 4096, 4096), None);
    assert_eq!(word(4097, 4096, 4096), None);
    assert_eq!(word(4096, 4095, 4096), None);
    assert_eq!(word(4096, 4096 << COUNT_BITS, 4096), None);
    assert_eq!(word(4096, 4096, 0), None);
    assert!(word((1 << 56) - 4096, 4096, 4096).is_some());
    assert_eq!(word(1 << 56, 4096, 4096), None);
}
