//! Directories, files and locks of the simulated disk.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::faults::Effect;
use super::inode::{Change, Node};
use super::op::{Op, OpKind};
use super::shared::{Handle, Shared, os_error, refusal, run};
use super::window::SimWindow;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicBool, Ordering};
use crate::env::fs::{Access, Claim, Directory, Entry, EntryKind, File, Lock, Medium, Window};

#[derive(Debug)]
pub(super) struct SimDirectory {
    pub(super) disk: Handle,
    pub(super) id: u64,
    pub(super) path: Arc<Path>,
}

impl SimDirectory {
    /// An operation on a name in here, which must be a plain one.
    fn op(&self, kind: OpKind, name: &str) -> Result<Op> {
        let path: Arc<Path> = self.path.join(name).into();
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(os_error(libc::EINVAL, kind, &path));
        }
        Ok(Op::new(kind, &path))
    }

    fn handle(&self, shared: &mut Shared, file: u64, path: &Arc<Path>, access: Access) -> SimFile {
        shared.opened(file);
        SimFile { disk: Arc::clone(&self.disk), id: file, path: Arc::clone(path), access }
    }

    fn held(
        &self,
        shared: &mut Shared,
        id: u64,
        path: &Arc<Path>,
        access: Access,
    ) -> Box<dyn Lock> {
        let file: Arc<dyn File> = Arc::new(self.handle(shared, id, path, access));
        let is_over = AtomicBool::new(false);
        Box::new(SimLock { disk: Arc::clone(&self.disk), id, file, access, is_over })
    }

    fn regular(shared: &Shared, dir: u64, name: &str, op: &Op) -> Result<u64> {
        match shared.state.lookup(dir, name).map_err(|code| refusal(code, op))? {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(not_a_file("a directory", &op.path)),
            Node::Other => Err(not_a_file("a special file", &op.path)),
        }
    }
}

fn not_a_file(what: &str, path: &Path) -> Error {
    Error::new(ErrorKind::Format, format!("not a regular file but {what}")).at_path(path)
}

impl Directory for SimDirectory {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self, name: &str) -> Result<Arc<dyn File>> {
        let mut op = self.op(OpKind::Create, name)?;
        op.access = Some(Access::ReadWrite);
        run(&self.disk, op.clone(), |shared, _| {
            let made = shared.state.create(self.id, name);
            let file = made.map_err(|code| refusal(code, &op))?;
            Ok(Arc::new(self.handle(shared, file, &op.path, Access::ReadWrite)) as Arc<dyn File>)
        })
    }

    fn open(&self, name: &str, access: Access) -> Result<Arc<dyn File>> {
        let mut op = self.op(OpKind::Open, name)?;
        op.access = Some(access);
        run(&self.disk, op.clone(), |shared, _| {
            let file = Self::regular(shared, self.id, name, &op)?;
            Ok(Arc::new(self.handle(shared, file, &op.path, access)) as Arc<dyn File>)
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut op = self.op(OpKind::Rename, from)?;
        op.target = Some(self.op(OpKind::Rename, to)?.path);
        run(&self.disk, op.clone(), |shared, _| {
            shared.state.rename(self.id, from, to).map_err(|code| refusal(code, &op))
        })
    }

    fn unlink(&self, name: &str) -> Result<()> {
        let op = self.op(OpKind::Unlink, name)?;
        run(&self.disk, op.clone(), |shared, _| {
            shared.state.unlink(self.id, name).map_err(|code| refusal(code, &op))
        })
    }

    fn list(&self) -> Result<Vec<Entry>> {
        run(&self.disk, Op::new(OpKind::List, &self.path), |shared, _| {
            let names = shared.state.dirs.get(&self.id).map(|dir| Arc::clone(&dir.live));
            let entry = |(name, node): (&Arc<str>, &Node)| Entry {
                name: OsString::from(&**name),
                kind: match node {
                    Node::File(_) => EntryKind::File,
                    Node::Dir(_) => EntryKind::Directory,
                    Node::Other => EntryKind::Other,
                },
            };
            Ok(names.unwrap_or_default().iter().map(entry).collect())
        })
    }

    fn sync(&self) -> Result<()> {
        let op = Op::new(OpKind::SyncDir, &self.path);
        run(&self.disk, op.clone(), |shared, effect| {
            if let Some(Effect::SyncFails { .. }) = effect {
                shared.state.with_dir(self.id, |dir| dir.forget());
                return Err(refusal(libc::EIO, &op));
            }
            if shared.is_honest() {
                shared.state.with_dir(self.id, |dir| dir.sync());
                shared.collect();
            }
            Ok(())
        })
    }

    fn medium(&self) -> Result<Medium> {
        let shared = self.disk.lock();
        Ok(Medium {
            free_bytes: shared.free_bytes(),
            is_read_only: shared.is_read_only,
            is_network: shared.is_network,
            allows_mapped_log: !shared.forbids_maps,
        })
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        let op = self.op(OpKind::Lock, name)?;
        run(&self.disk, op.clone(), |shared, _| {
            let id = Self::regular(shared, self.id, name, &op)?;
            if shared.shared.contains(&id) || !shared.locked.insert(id) {
                return Err(locked(&op));
            }
            Ok(self.held(shared, id, &op.path, Access::ReadWrite))
        })
    }

    fn share(&self, name: &str) -> Result<Box<dyn Lock>> {
        let mut op = self.op(OpKind::Open, name)?;
        op.access = Some(Access::Read);
        run(&self.disk, op.clone(), |shared, _| {
            let id = Self::regular(shared, self.id, name, &op)?;
            if shared.locked.contains(&id) {
                return Err(locked(&op));
            }
            shared.shared.push(id);
            Ok(self.held(shared, id, &op.path, Access::Read))
        })
    }

    fn claim(&self, name: &str, offset: u64, len: u64) -> Result<Box<dyn Claim>> {
        let op = self.op(OpKind::Lock, name)?;
        run(&self.disk, op.clone(), |shared, _| {
            let id = Self::regular(shared, self.id, name, &op)?;
            if shared.is_claimed(id, offset, len) {
                let message = "the slot is claimed by another reader";
                return Err(Error::new(ErrorKind::Busy, message).at_path(&op.path));
            }
            let claim = (id, offset, len);
            shared.claims.push(claim);
            let is_over = AtomicBool::new(false);
            let claim = SimClaim { disk: Arc::clone(&self.disk), claim, is_over };
            Ok(Box::new(claim) as Box<dyn Claim>)
        })
    }

    fn is_claimed(&self, name: &str, offset: u64, len: u64) -> Result<bool> {
        let mut op = self.op(OpKind::Open, name)?;
        op.access = Some(Access::Read);
        run(&self.disk, op.clone(), |shared, _| {
            let id = Self::regular(shared, self.id, name, &op)?;
            Ok(shared.is_claimed(id, offset, len))
        })
    }
}

fn locked(op: &Op) -> Error {
    let message = "another process, or another open in this one, has the lock";
    Error::new(ErrorKind::Locked, message).at_path(&op.path)
}

impl Drop for SimDirectory {
    fn drop(&mut self) {
        self.disk.lock().closed(self.id);
    }
}

#[derive(Debug)]
struct SimFile {
    disk: Handle,
    id: u64,
    path: Arc<Path>,
    access: Access,
}

impl SimFile {
    fn op(&self, kind: OpKind) -> Op {
        Op::new(kind, &self.path).on(self.id, self.access)
    }

    /// Refuses what the descriptor does not allow, and tells: no correct program tries it.
    fn check_writable(&self, shared: &mut Shared, op: &Op) -> Result<()> {
        if self.access == Access::ReadWrite {
            return Ok(());
        }
        shared.complain("a write through a descriptor for reading", &self.path);
        Err(refusal(libc::EBADF, op))
    }

    fn sync(&self, kind: OpKind) -> Result<()> {
        let op = self.op(kind);
        run(&self.disk, op.clone(), |shared, effect| {
            if let Some(Effect::SyncFails { drops_cache }) = effect {
                shared.state.with_file(self.id, |file| file.forget(drops_cache));
                return Err(refusal(libc::EIO, &op));
            }
            if shared.is_honest() && !shared.state.is_synced(self.id) {
                shared.state.with_file(self.id, |file| file.sync());
            }
            Ok(())
        })
    }

    fn resize(&self, kind: OpKind, len: u64, change: Change) -> Result<()> {
        let op = self.op(kind).at(len, 0);
        run(&self.disk, op.clone(), |shared, _| {
            self.check_writable(shared, &op)?;
            shared.resize(self.id, len, change).map_err(|code| refusal(code, &op))
        })
    }
}

impl File for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        Ok(self.disk.lock().state.len_of(self.id))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let op = self.op(OpKind::Read).at(offset, buffer.len() as u64);
        run(&self.disk, op, |shared, effect| {
            let Some(content) = shared.state.cache_of(self.id) else { return Ok(0) };
            let mut read = content.read(buffer, offset);
            match effect {
                Some(Effect::ShortRead) => read = read.div_ceil(2),
                Some(Effect::ReadFlip { offset, mask }) if read > 0 => {
                    let place = (offset % read as u64) as usize;
                    buffer.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= mask);
                }
                _ => {}
            }
            Ok(read)
        })
    }

    fn written_len(&self) -> Result<u64> {
        let shared = self.disk.lock();
        Ok(shared.state.cache_of(self.id).map_or(0, |content| content.written_len()))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let op = self.op(OpKind::Write).with_bytes(offset, bytes);
        run(&self.disk, op.clone(), |shared, effect| {
            self.check_writable(shared, &op)?;
            let (mut file, mut offset, mut bytes) = (self.id, offset, bytes);
            let answer = bytes.len();
            match effect {
                Some(Effect::LostWrite) => return Ok(answer),
                Some(Effect::ShortWrite) => bytes = half(bytes),
                Some(Effect::Misdirected { file: pattern, shift }) => {
                    let other = shared.other_file(&pattern, file);
                    file = if pattern.is_empty() { file } else { other.unwrap_or(file) };
                    offset = offset.saturating_add(shift);
                    let room = shared.room_for(file, offset, answer as u64);
                    if room == Ok(answer as u64) {
                        shared.state.change(file, Change::Write { offset, bytes: bytes.into() });
                    }
                    return Ok(answer);
                }
                _ => {}
            }
            let room = shared.room_for(file, offset, bytes.len() as u64);
            let room = room.map_err(|code| refusal(code, &op))?;
            let bytes = bytes.get(..room as usize).unwrap_or(bytes);
            if !bytes.is_empty() {
                shared.state.change(file, Change::Write { offset, bytes: bytes.into() });
            }
            Ok(bytes.len())
        })
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.resize(OpKind::Allocate, len, Change::Allocate(len))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.resize(OpKind::SetLen, len, Change::SetLen(len))
    }

    fn sync_data(&self) -> Result<()> {
        self.sync(OpKind::SyncData)
    }

    fn sync_all(&self) -> Result<()> {
        self.sync(OpKind::SyncAll)
    }

    fn map(&self, offset: u64, len: u64) -> Result<Box<dyn Window>> {
        let op = self.op(OpKind::Map).at(offset, len);
        run(&self.disk, op.clone(), |shared, _| {
            self.check_writable(shared, &op)?;
            SimWindow::open(&self.disk, shared, &op, self.id)
                .map(|window| Box::new(window) as Box<dyn Window>)
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.disk.lock().closed(self.id);
    }
}

/// The first half, at least one byte.
fn half(bytes: &[u8]) -> &[u8] {
    let half = (bytes.len() / 2).max(1);
    bytes.get(..half).unwrap_or(bytes)
}

#[derive(Debug)]
struct SimLock {
    disk: Handle,
    id: u64,
    file: Arc<dyn File>,
    access: Access,
    is_over: AtomicBool,
}

impl Lock for SimLock {
    fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    fn is_forked(&self) -> bool {
        self.disk.lock().is_forked
    }

    fn is_claimed(&self, offset: u64, len: u64) -> Result<bool> {
        Ok(self.disk.lock().is_claimed(self.id, offset, len))
    }

    fn release(&self) {
        if self.is_over.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut shared = self.disk.lock();
        if self.access == Access::ReadWrite {
            shared.locked.remove(&self.id);
        } else if let Some(at) = shared.shared.iter().position(|id| *id == self.id) {
            shared.shared.swap_remove(at);
        }
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.release();
    }
}

#[derive(Debug)]
struct SimClaim {
    disk: Handle,
    claim: (u64, u64, u64),
    is_over: AtomicBool,
}

impl Claim for SimClaim {
    fn is_forked(&self) -> bool {
        self.disk.lock().is_forked
    }

    fn release(&self) {
        if self.is_over.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut shared = self.disk.lock();
        if let Some(at) = shared.claims.iter().position(|claim| *claim == self.claim) {
            shared.claims.swap_remove(at);
        }
    }
}

impl Drop for SimClaim {
    fn drop(&mut self) {
        self.release();
    }
}
