//! What all handles on one disk share, and the one way through which every operation goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::clock::SimClock;
use super::content::fold;
use super::crash::Moment;
use super::faults::{Effect, Faults, is_named};
use super::inode::Change;
use super::op::{Op, OpKind};
use super::rules::{Rule, View};
use super::state::{Answer, State};
use crate::base::checksum::hash64;
use crate::base::error::{Error, Result};
use crate::base::sync::Mutex;
use crate::env::fs::Access;

pub(super) type Handle = Arc<Mutex<Shared>>;

/// No offset or length of a file is above this.
const MAX_LEN: u64 = i64::MAX as u64;

pub(super) struct Shared {
    pub(super) state: State,
    pub(super) ops: u64,
    pub(super) trace_hash: u64,
    pub(super) trace: Option<Vec<Op>>,
    pub(super) history: Option<Vec<Moment>>,
    pub(super) faults: Faults,
    pub(super) rules: Vec<Box<dyn Rule>>,
    pub(super) violations: Vec<String>,
    pub(super) clock: Option<SimClock>,
    pub(super) capacity: Option<u64>,
    pub(super) is_read_only: bool,
    pub(super) is_network: bool,
    pub(super) forbids_maps: bool,
    pub(super) is_forked: bool,
    /// How many more syncs tell the truth; all of them if none.
    pub(super) honest_syncs: Option<u64>,
    pub(super) open: BTreeMap<u64, u64>,
    pub(super) locked: BTreeSet<u64>,
    /// Files with a shared lock, once for each.
    pub(super) shared: Vec<u64>,
    /// File, offset and length of what is claimed.
    pub(super) claims: Vec<(u64, u64, u64)>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disk of {} files after {} operations", self.state.files.len(), self.ops)
    }
}

/// Does one operation: numbers it, lets the faults have their say, acts, tells the rules, and keeps
/// the moment.
pub(super) fn run<T>(
    disk: &Mutex<Shared>,
    op: Op,
    act: impl FnOnce(&mut Shared, Option<Effect>) -> Result<T>,
) -> Result<T> {
    let mut shared = disk.lock();
    let (op, effect) = shared.begin(op);
    let answer = match effect {
        Some(Effect::Error(code)) => Err(refusal(code, &op)),
        other => act(&mut shared, other),
    };
    shared.end(op, answer.as_ref().err());
    answer
}

/// The error that the system answers to an operation.
pub(super) fn refusal(code: i32, op: &Op) -> Error {
    os_error(code, op.kind, &op.path)
}

pub(super) fn os_error(code: i32, kind: OpKind, path: &Path) -> Error {
    Error::from_io(kind.name(), path, io::Error::from_raw_os_error(code))
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            ops: 0,
            trace_hash: 0,
            trace: None,
            history: None,
            faults: Faults::default(),
            rules: Vec::new(),
            violations: Vec::new(),
            clock: None,
            capacity: None,
            is_read_only: false,
            is_network: false,
            forbids_maps: false,
            is_forked: false,
            honest_syncs: None,
            open: BTreeMap::new(),
            locked: BTreeSet::new(),
            shared: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// True if any of these bytes are claimed.
    pub(super) fn is_claimed(&self, id: u64, offset: u64, len: u64) -> bool {
        let end = offset.saturating_add(len);
        let mut claims = self.claims.iter().filter(|(file, ..)| *file == id);
        claims.any(|(_, from, len)| *from < end && offset < from.saturating_add(*len))
    }

    fn begin(&mut self, mut op: Op) -> (Op, Option<Effect>) {
        self.ops += 1;
        op.number = self.ops;
        let path = hash64(op.path.as_os_str().as_encoded_bytes());
        let words = [op.kind as u64, path, op.offset, op.len, op.digest];
        self.trace_hash = words.into_iter().fold(self.trace_hash, fold);
        let mut verdict = None;
        for effect in self.faults.strike(&op) {
            match effect {
                Effect::Latency(time) => self.let_pass(time),
                Effect::BitRot { offset, mask } => self.rot(&op, offset, mask),
                Effect::ReadOnly => self.is_read_only = true,
                Effect::Full => self.capacity = Some(self.used_bytes()),
                other => verdict = verdict.or(Some(other)),
            }
        }
        if self.is_read_only && writes_medium(&op) {
            verdict = Some(Effect::Error(libc::EROFS));
        }
        (op, verdict)
    }

    fn end(&mut self, op: Op, failure: Option<&Error>) {
        let view = View(&self.state);
        for rule in &mut self.rules {
            if let Some(wrong) = rule.observe(&op, failure, &view) {
                self.violations.push(format!("{op}: {wrong}"));
            }
        }
        if let Some(history) = self.history.as_mut().filter(|_| op.kind.is_crash_point()) {
            history.push(Moment { op_number: op.number, state: self.state.clone() });
        }
        if let Some(trace) = &mut self.trace {
            trace.push(op);
        }
    }

    fn let_pass(&self, time: std::time::Duration) {
        if let Some(clock) = &self.clock {
            clock.advance(time);
        }
    }

    fn rot(&mut self, op: &Op, offset: u64, mask: u8) {
        if let Some(file) = op.file.or_else(|| self.state.file_at(&op.path).ok()) {
            self.flip(file, offset, mask);
        }
    }

    /// Changes bits of a byte on the medium and in the cache.
    pub(super) fn flip(&mut self, file: u64, offset: u64, mask: u8) {
        self.state.with_file(file, |inode| {
            for content in [&mut inode.durable, &mut inode.cache] {
                let mut byte = [0];
                if content.read(&mut byte, offset) == 1 {
                    Arc::make_mut(content).write(offset, &byte.map(|bits| bits ^ mask));
                }
            }
        });
    }

    /// Says what a test must hear of whatever rules it has set.
    pub(super) fn complain(&mut self, op: &str, path: &Path) {
        self.violations.push(format!("#{} {op} {}", self.ops, path.display()));
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.state.used_bytes(|id| self.open.contains_key(&id))
    }

    pub(super) fn free_bytes(&self) -> u64 {
        match self.capacity {
            Some(capacity) => capacity.saturating_sub(self.used_bytes()),
            None => 1 << 40,
        }
    }

    /// How many of `len` bytes at `offset` there is room for; an error if for none.
    pub(super) fn room_for(&self, file: u64, offset: u64, len: u64) -> Answer<u64> {
        let end = offset.checked_add(len).filter(|end| *end <= MAX_LEN).ok_or(libc::EFBIG)?;
        let has = self.state.len_of(file);
        if self.capacity.is_none() || end <= has {
            return Ok(len);
        }
        let fits = (has + self.free_bytes()).min(end).saturating_sub(offset);
        if fits == 0 && len > 0 { Err(libc::ENOSPC) } else { Ok(fits) }
    }

    /// Makes a file `len` bytes long, or refuses.
    pub(super) fn resize(&mut self, file: u64, len: u64, change: Change) -> Answer<()> {
        let gained = len.saturating_sub(self.state.len_of(file));
        if len > MAX_LEN {
            return Err(libc::EFBIG);
        }
        if gained > 0 && gained > self.free_bytes() {
            return Err(libc::ENOSPC);
        }
        self.state.change(file, change);
        Ok(())
    }

    /// True if this sync, the next one in the life of the disk, does what it says.
    pub(super) fn is_honest(&mut self) -> bool {
        match &mut self.honest_syncs {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Another file than this one whose name fits.
    pub(super) fn other_file(&self, pattern: &str, file: u64) -> Option<u64> {
        let paths = self.state.paths().into_iter().filter(|path| is_named(path, pattern));
        paths.filter_map(|path| self.state.file_at(&path).ok()).find(|found| *found != file)
    }

    pub(super) fn opened(&mut self, id: u64) {
        *self.open.entry(id).or_insert(0) += 1;
    }

    pub(super) fn closed(&mut self, id: u64) {
        if let Some(count) = self.open.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&id);
            }
        }
    }

    /// Forgets files that nothing leads to any more.
    pub(super) fn collect(&mut self) {
        let open = &self.open;
        self.state.collect(|id| open.contains_key(&id));
    }
}

/// True if a medium that cannot be written refuses this.
fn writes_medium(op: &Op) -> bool {
    let is_opened_to_write = op.kind == OpKind::Open && op.access == Some(Access::ReadWrite);
    let is_change = op.kind.is_change() && op.kind != OpKind::Store;
    is_change || is_opened_to_write || op.kind == OpKind::Lock
}
