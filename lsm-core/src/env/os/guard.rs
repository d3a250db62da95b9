//! The chained SIGBUS guard: a store into a window whose file was cut does not kill the process.
//!
//! A page of a mapped file that the file no longer has, or that its medium cannot give, answers a
//! store with SIGBUS. The guard's handler acts only if the address lies in a window of ours: it
//! puts an empty page in place, so that the store goes nowhere, and marks the window as lost. All
//! else goes to the handler that was there before, as if the guard were not. A host thread that
//! blocks SIGBUS has no guard: there the system kills without asking any handler.
//!
//! Invariants: a slot is one atomic word, so the handler sees a window whole or not at all. The
//! word is set after the window is mapped and cleared before it is unmapped, and a window is in
//! use while it is stored to: an address that is found in a slot is mapped, and ours. A child
//! inherits no windows (`MADV_DONTFORK`), so a fork handler clears the table there. Everything
//! that runs in the handler may run in a signal handler: atomics and system calls.

#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use std::io;
use std::mem::MaybeUninit;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::base::sync::fixed::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize};
use crate::env::os::fork::Birth;
use crate::env::os::{process, sys};

/// How many windows one process can have.
const SLOTS: usize = 256;

/// A slot's word: the number of the window's first page above, how many pages below.
const COUNT_BITS: u32 = 20;
const FREE: u64 = 0;
/// No pages, so no address lies in it.
const TAKEN: u64 = 1 << COUNT_BITS;

struct Slot {
    pages: AtomicU64,
    is_lost: AtomicBool,
}

impl Slot {
    const fn new() -> Self {
        Self { pages: AtomicU64::new(FREE), is_lost: AtomicBool::new(false) }
    }

    fn holds(&self, page: u64) -> bool {
        let word = self.pages.load(Ordering::SeqCst);
        let first = word >> COUNT_BITS;
        let count = word & (TAKEN - 1);
        page.checked_sub(first).is_some_and(|index| index < count)
    }
}

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// The size of a page, known before the handler is installed.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// The action that was there before, known before the handler is installed.
static PREVIOUS: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static PREVIOUS_FLAGS: AtomicI32 = AtomicI32::new(0);

/// How far the installation has come.
static STATE: AtomicUsize = AtomicUsize::new(NOT_INSTALLED);
const NOT_INSTALLED: usize = 0;
const INSTALLING: usize = 1;
const INSTALLED: usize = 2;

/// A window that the guard looks after, until dropped.
pub(super) struct Watch {
    slot: &'static Slot,
    birth: Birth,
}

impl Watch {
    /// Looks after `len` bytes from `start`, which are mapped, page by whole page, and stay so for
    /// as long as this lives. `Unsupported` where that cannot be had.
    pub(super) fn new(start: usize, len: usize) -> Result<Self> {
        let birth = Birth::here()?;
        install()?;
        let word = word(start, len, PAGE.load(Ordering::SeqCst))
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "a window of this size or place"))?;
        let is_mine = |slot: &&Slot| {
            slot.pages.compare_exchange(FREE, TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        let slot = TABLE.iter().find(is_mine).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("this process has {SLOTS} windows already"))
        })?;
        slot.is_lost.store(false, Ordering::SeqCst);
        slot.pages.store(word, Ordering::SeqCst);
        Ok(Self { slot, birth })
    }

    /// True in a forked child, where the window is not mapped.
    #[inline]
    pub(super) fn is_forked(&self) -> bool {
        self.birth.is_forked()
    }

    /// True in every other process; costs a system call.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.birth.is_elsewhere()
    }

    /// True once a page was lost; in a forked child they all are.
    #[inline]
    pub(super) fn is_lost(&self) -> bool {
        self.is_forked() || self.slot.is_lost.load(Ordering::SeqCst)
    }

    /// Counts the window as lost.
    pub(super) fn mark_lost(&self) {
        if !self.is_forked() {
            self.slot.is_lost.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // In a child the slot was cleared and may be another window's.
        if !self.is_elsewhere() {
            self.slot.pages.store(FREE, Ordering::SeqCst);
        }
    }
}

fn word(start: usize, len: usize, page: usize) -> Option<u64> {
    if page == 0 || len == 0 || start % page != 0 || len % page != 0 {
        return None;
    }
    let first = u64::try_from(start / page).ok()?;
    let count = u64::try_from(len / page).ok().filter(|&count| count < TAKEN)?;
    (first != 0 && first < 1 << (u64::BITS - COUNT_BITS)).then_some((first << COUNT_BITS) | count)
}

/// Installs the handler once, and refuses if somebody has put another one over it since: then a
/// lost page might kill the process after all.
fn install() -> Result<()> {
    let failed = |error| Error::from_os("guard mapped files against SIGBUS", error);
    loop {
        let (seen, next) = (NOT_INSTALLED, INSTALLING);
        match STATE.compare_exchange(seen, next, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => {
                let result =
                    process::at_fork(None, None, Some(after_fork_in_child)).and_then(|()| hook());
                let state = if result.is_ok() { INSTALLED } else { NOT_INSTALLED };
                STATE.store(state, Ordering::SeqCst);
                return result.map_err(failed);
            }
            // Another thread is in the middle of a handful of system calls.
            Err(INSTALLING) => std::thread::yield_now(),
            Err(_) => break,
        }
    }
    if is_ours(&current_action().map_err(failed)?) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Unsupported, "the host has set a SIGBUS handler of its own"))
    }
}

extern "C" fn after_fork_in_child() {
    for slot in &TABLE {
        slot.pages.store(FREE, Ordering::SeqCst);
    }
    // The thread that was installing does not exist here. `hook` sees how far it came.
    let (seen, next) = (INSTALLING, NOT_INSTALLED);
    let _ = STATE.compare_exchange(seen, next, Ordering::SeqCst, Ordering::SeqCst);
}

fn handler() -> usize {
    on_bus_error as *const () as usize
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == handler()
}

fn current_action() -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::zeroed();
    // SAFETY: a null action changes nothing; `action` has room for the answer.
    sys::check(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: the call succeeded and filled it; all-zero is a valid value anyway.
    Ok(unsafe { action.assume_init() })
}

fn remember(action: &libc::sigaction) {
    PREVIOUS_FLAGS.store(action.sa_flags, Ordering::SeqCst);
    PREVIOUS.store(action.sa_sigaction, Ordering::SeqCst);
}

/// Puts the guard before the handler that is there now.
fn hook() -> io::Result<()> {
    PAGE.store(process::page_size(), Ordering::SeqCst);
    let mut action = current_action()?;
    if is_ours(&action) {
        return Ok(());
    }
    remember(&action);
    action.sa_sigaction = handler();
    // The mask stays, and so does what else the previous handler may count on when it is called.
    action.sa_flags &= libc::SA_NODEFER | libc::SA_RESTART;
    action.sa_flags |= libc::SA_SIGINFO | libc::SA_ONSTACK;
    let mut replaced = MaybeUninit::zeroed();
    // SAFETY: the handler keeps to what a signal handler may do; `replaced` has room.
    sys::check(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, replaced.as_mut_ptr()) })?;
    // SAFETY: the call succeeded and filled it; all-zero is a valid value anyway.
    let replaced = unsafe { replaced.assume_init() };
    if !is_ours(&replaced) {
        // Another thread may have set one since it was asked for.
        remember(&replaced);
    }
    Ok(())
}

extern "C" fn on_bus_error(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid `info`. The field is read as an address
    // only where it is one: in another signal the same bytes are the sender's ids, and a number is
    // all that is made of them.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // Positive codes come from the kernel; signals that were sent have others, and no address.
    let is_fault = code > 0;
    if !(is_fault && mend(address)) {
        chain(signal, info, context, is_fault);
    }
}

/// If the address lies in a window: loses that window and puts an empty page under the address.
fn mend(address: usize) -> bool {
    let page = PAGE.load(Ordering::SeqCst);
    let Some(index) = address.checked_div(page) else { return false };
    let Some(slot) = TABLE.iter().find(|slot| slot.holds(index as u64)) else { return false };
    slot.is_lost.store(true, Ordering::SeqCst);
    let errno = sys::errno();
    // SAFETY: the page lies in a window, which is mapped for as long as its slot says so and is
    // accessed through raw pointers only. Replacing one page of it frees nothing that is in use.
    let mapped = unsafe {
        libc::mmap(
            (index * page) as *mut libc::c_void,
            page,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    sys::set_errno(errno);
    mapped != libc::MAP_FAILED
}

/// Does what the system would have done without the guard.
fn chain(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
    is_fault: bool,
) {
    type Plain = extern "C" fn(libc::c_int);
    type Full = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
    let previous = PREVIOUS.load(Ordering::SeqCst);
    let flags = PREVIOUS_FLAGS.load(Ordering::SeqCst);
    match previous {
        libc::SIG_IGN if !is_fault => {}
        // A fault cannot be ignored: the system kills for it all the same.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: restores the default action. The access that faulted then runs again and
            // ends the process; a signal that was sent is sent again, and does so too.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if !is_fault {
                    libc::raise(signal);
                }
            }
        }
        _ => {
            if flags & libc::SA_RESETHAND != 0 {
                PREVIOUS.store(libc::SIG_DFL, Ordering::SeqCst);
            }
            let previous = previous as *const ();
            if flags & libc::SA_SIGINFO != 0 {
                // SAFETY: the host set this address as a handler of three arguments.
                let previous = unsafe { std::mem::transmute::<*const (), Full>(previous) };
                previous(signal, info, context);
            } else {
                // SAFETY: the host set this address as a handler of one argument.
                let previous = unsafe { std::mem::transmute::<*const (), Plain>(previous) };
                previous(signal);
            }
        }
    }
}
