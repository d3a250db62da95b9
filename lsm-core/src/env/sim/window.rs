//! A part of a file mapped for appending.

use std::path::Path;
use std::sync::Arc;

use super::faults::Effect;
use super::inode::Change;
use super::op::{Op, OpKind};
use super::shared::{Handle, Shared, refusal, run};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::env::fs::{Access, WINDOW_GRAIN, Window};

#[derive(Debug)]
pub(super) struct SimWindow {
    disk: Handle,
    file: u64,
    path: Arc<Path>,
    offset: u64,
    len: u64,
    is_lost: AtomicBool,
    /// The end of the pages that were let go of, counted from the first.
    released: AtomicU64,
}

impl SimWindow {
    /// Maps what `op` says of the file.
    pub(super) fn open(disk: &Handle, shared: &mut Shared, op: &Op, file: u64) -> Result<Self> {
        let (offset, len) = (op.offset, op.len);
        if shared.forbids_maps {
            return Err(refusal(libc::EOPNOTSUPP, op));
        }
        let allocated = shared.state.files.get(&file).map_or(0, |inode| inode.allocated);
        let is_aligned = offset % WINDOW_GRAIN == 0 && len % WINDOW_GRAIN == 0 && len > 0;
        if !is_aligned || offset.checked_add(len).is_none_or(|end| end > allocated) {
            let message = "a window must be aligned, not empty, and allocated";
            let error = Error::new(ErrorKind::InvalidArgument, message);
            return Err(error.at_path(&op.path).at_offset(offset));
        }
        shared.opened(file);
        let (disk, path) = (Arc::clone(disk), Arc::clone(&op.path));
        let (is_lost, released) = (AtomicBool::new(false), AtomicU64::new(0));
        Ok(Self { disk, file, path, offset, len, is_lost, released })
    }

    fn op(&self, kind: OpKind, at: u64, len: u64) -> Op {
        Op::new(kind, &self.path).on(self.file, Access::ReadWrite).at(at, len)
    }

    fn holds(&self, at: u64, len: u64) -> bool {
        let end = at.checked_add(len);
        at >= self.offset && end.is_some_and(|end| end <= self.offset + self.len)
    }

    fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
    }

    /// One store of the processor, as far as a crash can tell. One that goes nowhere is told to the
    /// rules as a failure; the caller learns of it from `is_lost`.
    fn store(&self, at: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let op = self.op(OpKind::Store, at, 0).with_bytes(at, bytes);
        let stored = run(&self.disk, op.clone(), |shared, effect| {
            let is_cut = shared.state.len_of(self.file) < at + bytes.len() as u64;
            if at < self.released.load(Ordering::SeqCst) {
                shared.complain("a store to pages that were released", &self.path);
            }
            if self.is_lost() || is_cut || effect == Some(Effect::WindowLost) {
                return Err(refusal(libc::EFAULT, &op));
            }
            if effect != Some(Effect::LostWrite) {
                let change = Change::Write { offset: at, bytes: bytes.into() };
                shared.state.change(self.file, change);
            }
            Ok(())
        });
        if stored.is_err() {
            self.lose();
        }
    }
}

impl Window for SimWindow {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn publish(&self, at: u64, head: &[u8], body: &[u8]) -> bool {
        let len = (head.len() + body.len()) as u64;
        let Some((word, rest)) = head.split_at_checked(4) else { return false };
        if at % 8 != 0 || !self.holds(at, len) {
            return false;
        }
        // After a loss the other parts are not tried: only the caller can break the rule that
        // nothing is written after a failure.
        for (at, bytes) in [(at + head.len() as u64, body), (at + 4, rest), (at, word)] {
            self.store(at, bytes);
            if self.is_lost() {
                break;
            }
        }
        true
    }

    fn populate(&self, at: u64, len: u64) -> Result<()> {
        let op = self.op(OpKind::Populate, at, len);
        run(&self.disk, op.clone(), |shared, effect| {
            let is_cut = shared.state.len_of(self.file) < at.saturating_add(len);
            if is_cut || effect == Some(Effect::WindowLost) {
                self.lose();
            }
            if self.is_lost() || !self.holds(at, len) {
                return Err(refusal(libc::EFAULT, &op));
            }
            Ok(())
        })
    }

    fn sync(&self, at: u64, len: u64) -> Result<()> {
        let op = self.op(OpKind::SyncWindow, at, len);
        run(&self.disk, op.clone(), |shared, effect| {
            if !self.holds(at, len) {
                return Err(refusal(libc::ENOMEM, &op));
            }
            if let Some(Effect::SyncFails { drops_cache }) = effect {
                shared.state.with_file(self.file, |file| file.forget(drops_cache));
                return Err(refusal(libc::EIO, &op));
            }
            if effect == Some(Effect::WindowLost) {
                self.lose();
            }
            let file = shared.state.files.get(&self.file);
            let has_len = file.is_none_or(|file| {
                file.has_diverged || file.has_durable_len(at.saturating_add(len))
            });
            if !has_len && shared.honest_syncs.is_none() {
                shared.complain("a window is synced whose length is not durable", &self.path);
            }
            // A lost window has other pages under it: syncing those works, and says nothing.
            if shared.is_honest() && !self.is_lost() {
                shared.state.with_file(self.file, |file| file.sync_range(at, len));
            }
            Ok(())
        })
    }

    fn release(&self, at: u64, len: u64) {
        let is_paged = at % WINDOW_GRAIN == 0 && len % WINDOW_GRAIN == 0;
        if !is_paged || !self.holds(at, len) {
            self.disk.lock().complain("pages are released that are no pages", &self.path);
        }
        self.released.fetch_max(at.saturating_add(len), Ordering::SeqCst);
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }
}

impl Drop for SimWindow {
    fn drop(&mut self) {
        self.disk.lock().closed(self.file);
    }
}
