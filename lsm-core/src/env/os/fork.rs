//! What a forked child must not keep: descriptors that hold locks, and the belief to own them.
//!
//! A child inherits every descriptor, and with it the open description that a lock belongs to: the
//! lock would outlive the process that took it. So the descriptors of locks stand in a fixed table
//! of atomics, and the handler that runs in every new child closes them there. Objects made before
//! the fork find out by comparing generations, and in the child they touch nothing: by then the
//! number of their descriptor may be somebody else's.
//!
//! Invariants: a slot holds a descriptor only while it is open in this process, so the handler
//! never closes a recycled number. No fork lies between the opening of a descriptor and its entry
//! in the table, or the descriptor is not used: `PrivateFd::open` looks, and opens another. The
//! handlers touch atomics and call `close`, nothing else.

#![allow(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "waiting for a fork to end is below any scheduler")]

#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::Ordering;
use crate::base::sync::fixed::{AtomicBool, AtomicI32, AtomicU64};
use crate::env::os::process;
use crate::env::os::sys::FileId;

/// How many locks and claims one process can hold.
const SLOTS: usize = 1024;

/// In `Slot::fd`: nobody has the slot.
const FREE: i32 = -1;
/// In `Slot::fd`: somebody has the slot, and no descriptor in it yet.
const TAKEN: i32 = -2;

/// How often and how long to wait for a fork that is under way in another thread.
const PATIENCE: u32 = 500;
const PAUSE: Duration = Duration::from_millis(1);

struct Slot {
    fd: AtomicI32,
    /// The file that is locked through it; no file has inode 0.
    device: AtomicU64,
    inode: AtomicU64,
}

impl Slot {
    const fn new() -> Self {
        Self { fd: AtomicI32::new(FREE), device: AtomicU64::new(0), inode: AtomicU64::new(0) }
    }

    fn take() -> Result<&'static Self> {
        let is_mine = |slot: &&Slot| {
            slot.fd.compare_exchange(FREE, TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        TABLE.iter().find(is_mine).ok_or_else(|| {
            Error::new(ErrorKind::TooLarge, format!("this process holds {SLOTS} locks already"))
        })
    }
}

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// How many forks lie between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Forks of this process that have begun, and that are over. Equal while none is under way.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);

extern "C" fn before_fork() {
    BEGUN.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn after_fork_in_parent() {
    ENDED.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    for slot in &TABLE {
        slot.inode.store(0, Ordering::SeqCst);
        let fd = slot.fd.swap(FREE, Ordering::SeqCst);
        if fd >= 0 {
            // SAFETY: the table holds only descriptors that were open when the process forked, and
            // this runs before anything else in the child. Their owners are of an earlier
            // generation, and neither use nor close them from now on.
            unsafe { libc::close(fd) };
        }
    }
    // Forks that other threads were in have not been copied.
    ENDED.store(BEGUN.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// Sees to it that the handlers above run. Two threads may both register them: they can run twice.
fn watch() -> Result<()> {
    static IS_WATCHING: AtomicBool = AtomicBool::new(false);
    if !IS_WATCHING.load(Ordering::SeqCst) {
        process::at_fork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child))
            .map_err(|error| Error::from_os("watch for forks", error))?;
        IS_WATCHING.store(true, Ordering::SeqCst);
    }
    Ok(())
}

/// How many forks lie between the first process and this one, as far as they were watched, which
/// begins with the first opening of a database. It changes before anything else runs in the child.
#[inline]
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// The process that something was made in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth {
    generation: u64,
    process: u32,
}

impl Birth {
    /// This process.
    pub(super) fn here() -> Result<Self> {
        watch()?;
        let generation = GENERATION.load(Ordering::SeqCst);
        Ok(Self { generation, process: std::process::id() })
    }

    /// True in a forked child. Costs one load.
    #[inline]
    pub(super) fn is_forked(&self) -> bool {
        GENERATION.load(Ordering::Relaxed) != self.generation
    }

    /// True in every other process, even in one that was made past the handlers by a bare system
    /// call. Costs a system call.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_forked() || std::process::id() != self.process
    }
}

/// A descriptor that exists in this process only: closed in every forked child.
#[derive(Debug)]
pub(super) struct PrivateFd {
    /// Given up, and not closed, when this is dropped in a child.
    fd: Option<OwnedFd>,
    slot: SlotRef,
    birth: Birth,
}

#[derive(Clone, Copy)]
struct SlotRef(&'static Slot);

impl std::fmt::Debug for SlotRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slot({})", self.0.fd.load(Ordering::Relaxed))
    }
}

impl PrivateFd {
    /// Keeps what `open` opens. It is called again if a fork came in between, because the child
    /// then has a copy that nobody closes.
    pub(super) fn open(mut open: impl FnMut() -> Result<OwnedFd>) -> Result<Self> {
        let birth = Birth::here()?;
        let mut this = Self { fd: None, slot: SlotRef(Slot::take()?), birth };
        for _ in 0..PATIENCE {
            let begun = BEGUN.load(Ordering::SeqCst);
            if ENDED.load(Ordering::SeqCst) == begun {
                let fd = open()?;
                this.slot.0.fd.store(fd.as_raw_fd(), Ordering::SeqCst);
                if BEGUN.load(Ordering::SeqCst) == begun {
                    this.fd = Some(fd);
                    return Ok(this);
                }
                this.slot.0.fd.store(TAKEN, Ordering::SeqCst);
            }
            std::thread::sleep(PAUSE);
        }
        Err(Error::new(ErrorKind::Busy, "this process keeps forking"))
    }

    /// The descriptor; `None` in every other process.
    pub(super) fn get(&self) -> Option<BorrowedFd<'_>> {
        let fd = self.fd.as_ref()?;
        (!self.birth.is_elsewhere()).then(|| fd.as_fd())
    }

    /// True in a forked child.
    pub(super) fn is_forked(&self) -> bool {
        self.birth.is_forked()
    }

    /// Records that the file is locked through this descriptor.
    pub(super) fn mark(&self, id: FileId) {
        self.slot.0.device.store(id.device, Ordering::SeqCst);
        self.slot.0.inode.store(id.inode, Ordering::SeqCst);
    }

    /// Takes back `mark`. Only for the process that made it.
    pub(super) fn unmark(&self) {
        self.slot.0.inode.store(0, Ordering::SeqCst);
    }
}

impl Drop for PrivateFd {
    fn drop(&mut self) {
        let fd = self.fd.take();
        if self.birth.is_elsewhere() {
            // The handler closed it, and the number may be in use again.
            let _ = fd.map(IntoRawFd::into_raw_fd);
            return;
        }
        // The number leaves the table before it is closed, else a fork in between would have the
        // child close whatever has it next.
        self.unmark();
        self.slot.0.fd.store(TAKEN, Ordering::SeqCst);
        drop(fd);
        self.slot.0.fd.store(FREE, Ordering::SeqCst);
    }
}

/// True if this process has marked the file.
pub(super) fn is_marked(id: FileId) -> bool {
    TABLE.iter().any(|slot| {
        slot.inode.load(Ordering::SeqCst) == id.inode
            && slot.device.load(Ordering::SeqCst) == id.device
    })
}
