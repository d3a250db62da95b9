//! What a power cut leaves of a disk: six ways, each a pure function of a moment and a seed.
//!
//! All of them keep what was synced, and leave a disk with nothing pending. They differ in what
//! they do with the rest:
//!
//! * A name follows its history: for each name some prefix of what was done to it has happened. A
//!   rename counts for both of its names, so it has happened to both or to neither.
//! * A sector of 512 bytes holds what some prefix of the writes to it left, or, where those writes
//!   were changing it, anything; a byte that no pending write touches keeps.
//! * The length of a file is one that it had since its last sync, whatever became of its bytes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::content::Content;
use super::inode::{Change, Dir, DirChange, Inode, Names, Pending};
use super::reorder;
use super::rng::Rng;
use super::state::State;

/// What becomes of all that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashPolicy {
    /// It is gone.
    SyncedOnly,
    /// It is all there.
    Everything,
    /// It is there up to one moment, the last write perhaps torn.
    OrderedPrefix,
    /// Sectors, lengths and names are each there or not; sectors may be torn.
    ReorderSectors,
    /// Lengths and names are there; the bytes are old, zeros or garbage.
    SizeFirst,
    /// Names are there; bytes and lengths are old.
    MetaFirst,
}

impl CrashPolicy {
    /// Every policy.
    pub const ALL: [CrashPolicy; 6] = [
        CrashPolicy::SyncedOnly,
        CrashPolicy::Everything,
        CrashPolicy::OrderedPrefix,
        CrashPolicy::ReorderSectors,
        CrashPolicy::SizeFirst,
        CrashPolicy::MetaFirst,
    ];

    /// True if different seeds may leave different disks.
    #[must_use]
    pub fn is_random(self) -> bool {
        matches!(self, Self::OrderedPrefix | Self::ReorderSectors | Self::SizeFirst)
    }
}

impl fmt::Display for CrashPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for CrashPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|policy| policy.to_string() == text);
        found.ok_or_else(|| format!("no crash policy is called {text:?}"))
    }
}

/// The disk as it was right after one operation.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The number of that operation; what `op_count` answered at that time.
    pub op_number: u64,
    pub(super) state: State,
}

/// The disk that a power cut at this state leaves.
pub(super) fn crash(state: &State, policy: CrashPolicy, seed: u64) -> State {
    let mut rng = Rng::new(seed ^ (policy as u64).wrapping_mul(0xd6e8_feb8_6659_fd93));
    match policy {
        CrashPolicy::SyncedOnly => {
            settle(state, |file| Arc::clone(&file.durable), |dir| Arc::clone(&dir.durable))
        }
        CrashPolicy::Everything => settle(state, Inode::flushed, Dir::flushed),
        CrashPolicy::MetaFirst => settle(state, |file| Arc::clone(&file.durable), Dir::flushed),
        CrashPolicy::SizeFirst => {
            settle(state, |file| reorder::size_first(file, &mut rng), Dir::flushed)
        }
        CrashPolicy::OrderedPrefix => prefix(state, &mut rng),
        CrashPolicy::ReorderSectors => {
            let mut names = Rng::new(rng.draw());
            settle(
                state,
                |file| reorder::sectors(file, state, &mut rng),
                |dir| some_names(dir, &mut names),
            )
        }
    }
}

/// A copy in which every file and directory with something pending is what the two functions say,
/// and the machine has booted again.
fn settle(
    state: &State,
    mut file_after: impl FnMut(&Inode) -> Arc<Content>,
    mut dir_after: impl FnMut(&Dir) -> Arc<Names>,
) -> State {
    let mut after = state.clone();
    for file in after.files.values_mut().filter(|file| !file.is_settled()) {
        *file = Arc::new(Inode::settled(file_after(file), file.allocated));
    }
    for dir in after.dirs.values_mut().filter(|dir| !dir.is_settled()) {
        *dir = Arc::new(Dir::settled(dir_after(dir)));
    }
    after.boot += 1;
    after.collect(|_| false);
    after
}

/// Everything up to some operation, which itself may be torn.
fn prefix(state: &State, rng: &mut Rng) -> State {
    let files = state.files.values().flat_map(|file| &file.pending).map(|pending| pending.order);
    let dirs = state.dirs.values().flat_map(|dir| &dir.pending).map(|pending| pending.order);
    let mut orders: Vec<u64> = files.chain(dirs).collect();
    orders.sort_unstable();
    let cut = rng.below(orders.len() as u64 + 1) as usize;
    let cut = orders.get(cut).copied().unwrap_or(u64::MAX);
    settle(
        state,
        |file| {
            let mut content = Content::clone(&file.durable);
            for pending in file.pending.iter().filter(|pending| pending.order <= cut) {
                if pending.order == cut {
                    tear(pending, &mut content, rng);
                } else {
                    pending.change.apply(&mut content);
                }
            }
            Arc::new(content)
        },
        |dir| {
            let mut names = Names::clone(&dir.durable);
            let before = dir.pending.iter().filter(|pending| pending.order < cut);
            before.for_each(|pending| pending.change.apply(&mut names));
            Arc::new(names)
        },
    )
}

/// The first part of a write, up to a sector's border or to any byte.
fn tear(pending: &Pending<Change>, content: &mut Content, rng: &mut Rng) {
    if let Change::Write { offset, bytes } = &pending.change {
        let end = offset + rng.below(bytes.len() as u64 + 1);
        let end = if rng.chance(1, 2) { end / 512 * 512 } else { end };
        let kept = bytes.get(..end.saturating_sub(*offset) as usize).unwrap_or(bytes);
        content.write(*offset, kept);
    }
}

/// The names after a random choice of the pending changes. Whoever is chosen finds everything that
/// was done earlier to its names chosen too.
fn some_names(dir: &Dir, rng: &mut Rng) -> Arc<Names> {
    let mut names = Names::clone(&dir.durable);
    let mut left_out: Vec<&Arc<str>> = Vec::new();
    let odds = 1 + rng.below(7);
    for Pending { change, .. } in &dir.pending {
        let touched = || change.names().into_iter().flatten();
        let is_free = touched().all(|name| !left_out.contains(&name));
        if is_free && rng.chance(odds, 8) {
            DirChange::apply(change, &mut names);
        } else {
            left_out.extend(touched());
        }
    }
    Arc::new(names)
}
