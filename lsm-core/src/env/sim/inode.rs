//! A file and a directory as the medium and the page cache hold them.
//!
//! Each has a durable state, a live state that every reader sees, and between the two the changes
//! that no sync has covered yet, in the order in which they were made.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Content;

/// The unit in which a medium writes.
pub(super) const SECTOR: u64 = 512;

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
    Allocate(u64),
}

impl Change {
    pub(super) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(*offset, bytes),
            Self::SetLen(len) => content.set_len(*len),
            Self::Allocate(len) => content.set_len(content.len().max(*len)),
        }
    }

    /// The length of a file that had `len` bytes, after this change.
    pub(super) fn len_after(&self, len: u64) -> u64 {
        match self {
            Self::Write { bytes, .. } if bytes.is_empty() => len,
            Self::Write { offset, bytes } => len.max(*offset + bytes.len() as u64),
            Self::SetLen(new) => *new,
            Self::Allocate(new) => len.max(*new),
        }
    }
}

/// A change with its number in the order of all changes of the disk.
#[derive(Clone, Debug)]
pub(super) struct Pending<C> {
    pub(super) order: u64,
    pub(super) change: C,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) durable: Arc<Content>,
    pub(super) cache: Arc<Content>,
    pub(super) pending: Vec<Pending<Change>>,
    /// How far space is reserved, for mappings.
    pub(super) allocated: u64,
    /// The cache shows bytes that no later sync will make durable.
    pub(super) has_diverged: bool,
}

impl Inode {
    /// A file with nothing pending.
    pub(super) fn settled(content: Arc<Content>, allocated: u64) -> Self {
        let allocated = allocated.min(content.len());
        let durable = Arc::clone(&content);
        Self { durable, cache: content, pending: Vec::new(), allocated, has_diverged: false }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.has_diverged
    }

    pub(super) fn change(&mut self, order: u64, change: Change) {
        change.apply(Arc::make_mut(&mut self.cache));
        match &change {
            Change::Allocate(len) => self.allocated = self.allocated.max(*len),
            Change::SetLen(len) => self.allocated = self.allocated.min(*len),
            Change::Write { .. } => {}
        }
        self.pending.push(Pending { order, change });
    }

    /// What a medium holds that has received everything pending.
    pub(super) fn flushed(&self) -> Arc<Content> {
        if !self.has_diverged {
            return Arc::clone(&self.cache);
        }
        let mut content = Content::clone(&self.durable);
        self.pending.iter().for_each(|pending| pending.change.apply(&mut content));
        Arc::new(content)
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.flushed();
        self.pending.clear();
    }

    /// Makes the sectors of one part durable, as far as the durable length reaches; lengths stay
    /// pending.
    pub(super) fn sync_range(&mut self, from: u64, len: u64) {
        let to = from.saturating_add(len).div_ceil(SECTOR).saturating_mul(SECTOR);
        let (from, to) = (from / SECTOR * SECTOR, to.min(self.durable.len()));
        let durable = Arc::make_mut(&mut self.durable);
        let mut kept = Vec::new();
        for Pending { order, change } in std::mem::take(&mut self.pending) {
            let Change::Write { offset, bytes } = &change else {
                kept.push(Pending { order, change });
                continue;
            };
            for (part, at) in pieces(bytes, *offset, from, to) {
                if at >= from && at < to {
                    durable.write(at, part);
                } else {
                    let change = Change::Write { offset: at, bytes: part.into() };
                    kept.push(Pending { order, change });
                }
            }
        }
        self.pending = kept;
        if self.is_settled() {
            self.durable = Arc::clone(&self.cache);
        }
    }

    /// True if a power cut cannot leave fewer than `len` bytes.
    pub(super) fn has_durable_len(&self, len: u64) -> bool {
        let cut =
            |pending: &Pending<Change>| matches!(pending.change, Change::SetLen(cut) if cut < len);
        self.durable.len() >= len && !self.pending.iter().any(cut)
    }

    /// What a failed sync leaves: the pending changes will never reach the medium. Readers see them
    /// still, or see what is durable.
    pub(super) fn forget(&mut self, drop_cache: bool) {
        if drop_cache {
            self.cache = Arc::clone(&self.durable);
            self.allocated = self.allocated.min(self.cache.len());
            self.has_diverged = false;
        } else if !self.pending.is_empty() {
            self.has_diverged = true;
        }
        self.pending.clear();
    }
}

/// Cuts bytes at the borders of the part between `from` and `to`.
fn pieces(bytes: &[u8], offset: u64, from: u64, to: u64) -> Vec<(&[u8], u64)> {
    let len = bytes.len() as u64;
    let before = from.saturating_sub(offset).min(len);
    let until = to.saturating_sub(offset).clamp(before, len);
    let cut = [(0, before), (before, until), (until, len)];
    cut.into_iter()
        .filter_map(|(start, end)| {
            let part = bytes.get(start as usize..end as usize)?;
            (!part.is_empty()).then_some((part, offset + start))
        })
        .collect()
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(u64),
    Dir(u64),
    Other,
}

pub(super) type Names = BTreeMap<Arc<str>, Node>;

#[derive(Clone, Debug)]
pub(super) enum DirChange {
    Link { name: Arc<str>, node: Node },
    Unlink { name: Arc<str> },
    Rename { from: Arc<str>, to: Arc<str>, node: Node },
}

impl DirChange {
    pub(super) fn apply(&self, names: &mut Names) {
        match self {
            Self::Link { name, node } => drop(names.insert(Arc::clone(name), *node)),
            Self::Unlink { name } => drop(names.remove(name)),
            Self::Rename { from, to, node } => {
                names.remove(from);
                names.insert(Arc::clone(to), *node);
            }
        }
    }

    /// The names that it changes.
    pub(super) fn names(&self) -> [Option<&Arc<str>>; 2] {
        match self {
            Self::Link { name, .. } | Self::Unlink { name } => [Some(name), None],
            Self::Rename { from, to, .. } => [Some(from), Some(to)],
        }
    }

    pub(super) fn node(&self) -> Option<Node> {
        match self {
            Self::Link { node, .. } | Self::Rename { node, .. } => Some(*node),
            Self::Unlink { .. } => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Dir {
    pub(super) durable: Arc<Names>,
    pub(super) live: Arc<Names>,
    pub(super) pending: Vec<Pending<DirChange>>,
    pub(super) has_diverged: bool,
}

impl Dir {
    pub(super) fn settled(names: Arc<Names>) -> Self {
        let durable = Arc::clone(&names);
        Self { durable, live: names, pending: Vec::new(), has_diverged: false }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.has_diverged
    }

    pub(super) fn change(&mut self, order: u64, change: DirChange) {
        change.apply(Arc::make_mut(&mut self.live));
        self.pending.push(Pending { order, change });
    }

    pub(super) fn flushed(&self) -> Arc<Names> {
        if !self.has_diverged {
            return Arc::clone(&self.live);
        }
        let mut names = Names::clone(&self.durable);
        self.pending.iter().for_each(|pending| pending.change.apply(&mut names));
        Arc::new(names)
    }

    pub(super) fn sync(&mut self) {
        self.durable = self.flushed();
        self.pending.clear();
    }

    /// What a failed sync leaves: names that are seen and never become durable.
    pub(super) fn forget(&mut self) {
        self.has_diverged |= !self.pending.is_empty();
        self.pending.clear();
    }

    /// True if the name is on the medium as readers see it.
    pub(super) fn is_durable(&self, name: &str) -> bool {
        let is_pending = self.pending.iter().any(|pending| {
            pending.change.names().into_iter().flatten().any(|changed| &**changed == name)
        });
        !is_pending && self.durable.get(name) == self.live.get(name)
    }
}
