//! The simulated disk: a file system that remembers what it was promised.
//!
//! It keeps the contract of `env::fs` to the letter and no better: what was not synced is lost,
//! kept or mixed as the crash policy says. With its history on, it keeps the moment after every
//! operation that changes or syncs something, and each moment can be turned into the disk that a
//! crash would have left. Paths begin at the root, which exists and is durable.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clock::SimClock;
use super::crash::{self, CrashPolicy, Moment};
use super::faults::Fault;
use super::files::SimDirectory;
use super::inode::{Change, Node};
use super::op::{Op, OpKind};
use super::rules::Rule;
use super::shared::{Handle, Shared, os_error, refusal, run};
use super::state::{Answer, State};
use crate::base::error::Result;
use crate::base::sync::Mutex;
use crate::env::fs::{Directory, FileSystem};

/// A handle on one disk. Cheap to clone; all clones are the same disk.
#[derive(Clone)]
pub struct SimDisk(Handle);

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().fmt(f)
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl FileSystem for SimDisk {
    fn create_dir(&self, path: &Path) -> Result<()> {
        let op = Op::new(OpKind::CreateDir, &path.into());
        run(&self.0, op.clone(), |shared, _| {
            let state = &mut shared.state;
            let parent = state.parent_of(path);
            let made = parent.and_then(|(parent, name)| state.create_dir(parent, name));
            made.map_err(|code| refusal(code, &op))
        })
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        let op = Op::new(OpKind::Unlink, &path.into());
        run(&self.0, op.clone(), |shared, _| {
            let state = &mut shared.state;
            let parent = state.parent_of(path);
            let removed = parent.and_then(|(parent, name)| state.remove_dir(parent, name));
            removed.map_err(|code| refusal(code, &op))
        })
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        self.open_dir(path)?.sync()
    }

    fn open_dir(&self, path: &Path) -> Result<Arc<dyn Directory>> {
        let op = Op::new(OpKind::OpenDir, &path.into());
        run(&self.0, op.clone(), |shared, _| {
            let id = shared.state.dir_at(path).map_err(|code| refusal(code, &op))?;
            shared.opened(id);
            let (disk, path) = (Arc::clone(&self.0), Arc::clone(&op.path));
            Ok(Arc::new(SimDirectory { disk, id, path }) as Arc<dyn Directory>)
        })
    }
}

/// Crashes.
impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::with_state(State::new())
    }

    fn with_state(state: State) -> Self {
        Self(Arc::new(Mutex::new(Shared::new(state))))
    }

    /// From now on keeps the moment after every operation that changes or syncs something; what was
    /// kept before is dropped.
    pub fn record_history(&self, on: bool) {
        self.0.lock().history = on.then(Vec::new);
    }

    /// The moments kept so far.
    #[must_use]
    pub fn history(&self) -> Vec<Moment> {
        self.0.lock().history.clone().unwrap_or_default()
    }

    /// The present moment.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let shared = self.0.lock();
        Moment { op_number: shared.ops, state: shared.state.clone() }
    }

    /// The disk that a power cut at `moment` could have left: everything on it is durable, and the
    /// machine has booted again.
    #[must_use]
    pub fn crashed(moment: &Moment, policy: CrashPolicy, seed: u64) -> Self {
        Self::with_state(crash::crash(&moment.state, policy, seed))
    }

    /// The disk after only the process died at `moment`: same boot, all bytes and names seen, and
    /// those not synced still not durable, so that a power cut may follow.
    #[must_use]
    pub fn killed(moment: &Moment) -> Self {
        let mut state = moment.state.clone();
        state.collect(|_| false);
        Self::with_state(state)
    }

    /// The disk that a power cut right now could leave.
    #[must_use]
    pub fn crash(&self, policy: CrashPolicy, seed: u64) -> Self {
        Self::crashed(&self.moment(), policy, seed)
    }

    /// The disk as the next process finds it if this one dies now.
    #[must_use]
    pub fn process_crash(&self) -> Self {
        Self::killed(&self.moment())
    }

    /// From the `k`-th sync from now on (the next one is the first), syncs answer that they worked
    /// and make nothing durable.
    pub fn lie_from_sync(&self, k: u64) {
        self.0.lock().honest_syncs = Some(k.saturating_sub(1));
    }

    /// Counts the boots of the machine that the disk is in; a power cut adds one.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.0.lock().state.boot
    }

    /// A stable hash of boot, names and contents, to know an image by that was seen before.
    #[must_use]
    pub fn image_hash(&self) -> u64 {
        self.0.lock().state.image_hash()
    }
}

/// Faults.
impl SimDisk {
    /// Arms a fault. Its count of matches begins now.
    pub fn inject(&self, fault: Fault) {
        self.0.lock().faults.add(fault);
    }

    /// Ends all faults, read-only mode and the limit of space.
    pub fn heal(&self) {
        let mut shared = self.0.lock();
        shared.faults.heal();
        shared.is_read_only = false;
        shared.capacity = None;
    }

    /// Every fault that was armed, with how often it struck.
    #[must_use]
    pub fn fault_strikes(&self) -> Vec<(Fault, u64)> {
        self.0.lock().faults.strikes()
    }

    /// How many bytes all files together may have; no limit if none is given.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// How many bytes all files together have.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.0.lock().used_bytes()
    }

    /// Refuses every change with EROFS.
    pub fn set_read_only(&self, on: bool) {
        self.0.lock().is_read_only = on;
    }

    /// Says that the disk is reached over a network.
    pub fn set_network(&self, on: bool) {
        self.0.lock().is_network = on;
    }

    /// Allows mappings, or refuses them.
    pub fn set_allows_mapped_log(&self, on: bool) {
        self.0.lock().forbids_maps = !on;
    }

    /// Makes every lock say that it was inherited through `fork`.
    pub fn set_forked(&self, on: bool) {
        self.0.lock().is_forked = on;
    }

    /// Lets another process claim bytes of a file.
    pub fn claim(&self, path: &str, offset: u64, len: u64) -> Result<()> {
        self.edit(path, |shared, file| shared.claims.push((file, offset, len)))
    }

    /// Ends all claims.
    pub fn release_claims(&self) {
        self.0.lock().claims.clear();
    }

    /// The clock that slow operations advance.
    pub fn attach_clock(&self, clock: SimClock) {
        self.0.lock().clock = Some(clock);
    }
}

/// Looking at the disk, and changing it behind the back of whoever uses it. Nothing of this is an
/// operation, and what it changes is durable at once.
impl SimDisk {
    /// Every path, directories among them, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.0.lock().state.paths()
    }

    /// The bytes of a file as readers see them.
    pub fn contents(&self, path: &str) -> Result<Vec<u8>> {
        self.edit(path, |shared, file| {
            shared.state.cache_of(file).map(|content| content.bytes()).unwrap_or_default()
        })
    }

    /// True if a power cut now would leave the path, bytes and names, as readers see it.
    #[must_use]
    pub fn is_durable(&self, path: &str) -> bool {
        self.0.lock().state.is_durable(Path::new(path))
    }

    /// Gives a file these bytes; makes it, and the directories above it, if there is none.
    pub fn plant(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.plant_node(path, |state, dir, name| state.create(dir, name).map(drop))?;
        self.edit(path, |shared, file| {
            shared.state.change(file, Change::SetLen(0));
            shared.state.change(file, Change::Write { offset: 0, bytes: bytes.into() });
            shared.state.with_file(file, |inode| inode.sync());
        })
    }

    /// Makes a name that is neither file nor directory.
    pub fn plant_other(&self, path: &str) -> Result<()> {
        self.plant_node(path, |state, dir, name| state.link(dir, name, Node::Other))
    }

    /// Takes a name away: that of an empty directory, or of anything else.
    pub fn remove(&self, path: &str) -> Result<()> {
        let mut shared = self.0.lock();
        let state = &mut shared.state;
        let removed = state.parent_of(Path::new(path)).and_then(|(dir, name)| {
            match state.unlink(dir, name) {
                Err(libc::EISDIR) => state.remove_dir(dir, name)?,
                unlinked => unlinked?,
            }
            state.with_dir(dir, |dir| dir.sync());
            Ok(())
        });
        removed.map_err(|code| os_error(code, OpKind::Unlink, Path::new(path)))
    }

    /// Changes bits of one byte of a file for ever.
    pub fn rot(&self, path: &str, offset: u64, mask: u8) -> Result<()> {
        self.edit(path, |shared, file| shared.flip(file, offset, mask))
    }

    /// Makes what is missing of a path with `make`, which is given the last directory and the name.
    fn plant_node(
        &self,
        path: &str,
        make: impl FnOnce(&mut State, u64, &str) -> Answer<()>,
    ) -> Result<()> {
        let mut shared = self.0.lock();
        let state = &mut shared.state;
        let path = Path::new(path);
        let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
        parents.reverse();
        let planted = parents.into_iter().try_for_each(|parent| {
            if state.node_at(parent).is_ok() {
                return Ok(());
            }
            let (dir, name) = state.parent_of(parent)?;
            state.create_dir(dir, name)?;
            state.with_dir(dir, |dir| dir.sync());
            Ok(())
        });
        let planted = planted.and_then(|()| state.parent_of(path)).and_then(|(dir, name)| {
            if state.lookup(dir, name).is_err() {
                make(state, dir, name)?;
                state.with_dir(dir, |dir| dir.sync());
            }
            Ok(())
        });
        planted.map_err(|code| os_error(code, OpKind::Create, path))
    }

    fn edit<T>(&self, path: &str, act: impl FnOnce(&mut Shared, u64) -> T) -> Result<T> {
        let mut shared = self.0.lock();
        match shared.state.file_at(Path::new(path)) {
            Ok(file) => Ok(act(&mut shared, file)),
            Err(code) => Err(os_error(code, OpKind::Open, Path::new(path))),
        }
    }
}

/// What was asked of the disk, and whether it was right to.
impl SimDisk {
    /// How many operations there were.
    #[must_use]
    pub fn op_count(&self) -> u64 {
        self.0.lock().ops
    }

    /// A hash over every operation and every byte written: equal runs have equal ones.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.0.lock().trace_hash
    }

    /// From now on keeps every operation; what was kept before is dropped.
    pub fn record_trace(&self, on: bool) {
        self.0.lock().trace = on.then(Vec::new);
    }

    /// The operations kept so far.
    #[must_use]
    pub fn trace(&self) -> Vec<Op> {
        self.0.lock().trace.clone().unwrap_or_default()
    }

    /// Holds every operation from now on against a rule. The rule is called with the disk locked
    /// and asks what it must know of the `View`.
    pub fn add_rule(&self, rule: impl Rule + 'static) {
        self.0.lock().rules.push(Box::new(rule));
    }

    /// What was found wrong, each with the operation that it was found at.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.0.lock().violations.clone()
    }

    /// How many descriptors and windows of files are open.
    #[must_use]
    pub fn open_files(&self) -> u64 {
        let shared = self.0.lock();
        let files = shared.open.iter().filter(|(id, _)| shared.state.files.contains_key(id));
        files.map(|(_, count)| count).sum()
    }

    /// The same with the descriptors of directories.
    #[must_use]
    pub fn open_handles(&self) -> u64 {
        self.0.lock().open.values().sum()
    }
}
