//! All files and directories of one disk: what a crash works on.
//!
//! A copy shares everything with its original until one of the two changes, so that keeping one per
//! operation is cheap. Refusals are the operating system's error numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::content::{Content, fold};
use super::inode::{Change, Dir, DirChange, Inode, Names, Node};
use crate::base::checksum::hash64;

const ROOT: u64 = 0;

/// What became of a request: an answer, or the system's error number.
pub(super) type Answer<T> = Result<T, i32>;

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) files: BTreeMap<u64, Arc<Inode>>,
    pub(super) dirs: BTreeMap<u64, Arc<Dir>>,
    /// Counts the boots of the machine that the disk is in.
    pub(super) boot: u64,
    next_id: u64,
    next_order: u64,
}

impl State {
    pub(super) fn new() -> Self {
        let dirs = BTreeMap::from([(ROOT, Arc::default())]);
        Self { files: BTreeMap::new(), dirs, boot: 1, next_id: ROOT + 1, next_order: 0 }
    }

    /// What a path stands for; relative paths begin at the root.
    pub(super) fn node_at(&self, path: &Path) -> Answer<Node> {
        let mut node = Node::Dir(ROOT);
        for part in path.components() {
            let name = match part {
                Component::Normal(name) => name.to_str().ok_or(libc::ENOENT)?,
                Component::ParentDir => return Err(libc::EINVAL),
                _ => continue,
            };
            let Node::Dir(dir) = node else { return Err(libc::ENOTDIR) };
            node = self.lookup(dir, name)?;
        }
        Ok(node)
    }

    pub(super) fn dir_at(&self, path: &Path) -> Answer<u64> {
        match self.node_at(path)? {
            Node::Dir(dir) => Ok(dir),
            _ => Err(libc::ENOTDIR),
        }
    }

    pub(super) fn file_at(&self, path: &Path) -> Answer<u64> {
        match self.node_at(path)? {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(libc::EISDIR),
            Node::Other => Err(libc::ELOOP),
        }
    }

    /// The directory that a path lies in, and its name there.
    pub(super) fn parent_of<'a>(&self, path: &'a Path) -> Answer<(u64, &'a str)> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(libc::EEXIST)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        Ok((self.dir_at(parent)?, name))
    }

    pub(super) fn lookup(&self, dir: u64, name: &str) -> Answer<Node> {
        let names = &self.dirs.get(&dir).ok_or(libc::ENOENT)?.live;
        names.get(name).copied().ok_or(libc::ENOENT)
    }

    /// Makes an empty file.
    pub(super) fn create(&mut self, dir: u64, name: &str) -> Answer<u64> {
        self.link(dir, name, Node::File(self.next_id))?;
        let file = self.take_id();
        self.files.insert(file, Arc::default());
        Ok(file)
    }

    /// Makes an empty directory.
    pub(super) fn create_dir(&mut self, dir: u64, name: &str) -> Answer<()> {
        self.link(dir, name, Node::Dir(self.next_id))?;
        let made = self.take_id();
        self.dirs.insert(made, Arc::default());
        Ok(())
    }

    /// Gives a name to a node that is new.
    pub(super) fn link(&mut self, dir: u64, name: &str, node: Node) -> Answer<()> {
        match self.lookup(dir, name) {
            Err(libc::ENOENT) => {}
            Ok(_) => return Err(libc::EEXIST),
            Err(other) => return Err(other),
        }
        self.change_dir(dir, DirChange::Link { name: name.into(), node })
    }

    pub(super) fn unlink(&mut self, dir: u64, name: &str) -> Answer<()> {
        if matches!(self.lookup(dir, name)?, Node::Dir(_)) {
            return Err(libc::EISDIR);
        }
        self.change_dir(dir, DirChange::Unlink { name: name.into() })
    }

    /// Takes an empty directory away.
    pub(super) fn remove_dir(&mut self, dir: u64, name: &str) -> Answer<()> {
        let Node::Dir(id) = self.lookup(dir, name)? else { return Err(libc::ENOTDIR) };
        if self.dirs.get(&id).is_some_and(|dir| !dir.live.is_empty()) {
            return Err(libc::ENOTEMPTY);
        }
        self.change_dir(dir, DirChange::Unlink { name: name.into() })
    }

    pub(super) fn rename(&mut self, dir: u64, from: &str, to: &str) -> Answer<()> {
        let node = self.lookup(dir, from)?;
        let replaced = self.lookup(dir, to);
        if matches!(node, Node::Dir(_)) || matches!(replaced, Ok(Node::Dir(_))) {
            return Err(libc::EISDIR);
        }
        // Two names of one file, or one name twice: nothing is to be done.
        if replaced == Ok(node) {
            return Ok(());
        }
        self.change_dir(dir, DirChange::Rename { from: from.into(), to: to.into(), node })
    }

    pub(super) fn change(&mut self, file: u64, change: Change) {
        let order = self.take_order();
        self.with_file(file, |inode| inode.change(order, change));
    }

    pub(super) fn with_file(&mut self, file: u64, act: impl FnOnce(&mut Inode)) {
        if let Some(inode) = self.files.get_mut(&file) {
            act(Arc::make_mut(inode));
        }
    }

    pub(super) fn with_dir(&mut self, dir: u64, act: impl FnOnce(&mut Dir)) {
        if let Some(dir) = self.dirs.get_mut(&dir) {
            act(Arc::make_mut(dir));
        }
    }

    pub(super) fn cache_of(&self, file: u64) -> Option<&Content> {
        self.files.get(&file).map(|inode| &*inode.cache)
    }

    pub(super) fn len_of(&self, file: u64) -> u64 {
        self.cache_of(file).map_or(0, Content::len)
    }

    /// Drops what no name, on the medium or on its way there, and no descriptor leads to.
    pub(super) fn collect(&mut self, is_open: impl Fn(u64) -> bool) {
        let mut seen = BTreeSet::new();
        let mut dirs = vec![ROOT];
        while let Some(dir) = dirs.pop() {
            let Some(dir) = self.dirs.get(&dir) else { continue };
            let named = dir.durable.values().chain(dir.live.values()).copied();
            let pending = dir.pending.iter().filter_map(|pending| pending.change.node());
            for node in named.chain(pending) {
                match node {
                    Node::File(id) => drop(seen.insert(id)),
                    Node::Dir(id) if seen.insert(id) => dirs.push(id),
                    Node::Dir(_) | Node::Other => {}
                }
            }
        }
        self.files.retain(|id, _| seen.contains(id) || is_open(*id));
        self.dirs.retain(|id, _| *id == ROOT || seen.contains(id) || is_open(*id));
    }

    /// True if a power cut now would leave the path as readers see it, whatever the policy.
    pub(super) fn is_durable(&self, path: &Path) -> bool {
        let mut walked = PathBuf::new();
        for part in path.components() {
            if let Component::Normal(_) = part {
                let named = self.dir_at(&walked).ok().and_then(|dir| self.dirs.get(&dir));
                let name = Path::new(part.as_os_str()).to_str();
                if !named.zip(name).is_some_and(|(dir, name)| dir.is_durable(name)) {
                    return false;
                }
            }
            walked.push(part);
        }
        match self.node_at(path) {
            Ok(Node::File(file)) => self.is_synced(file),
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// True if the bytes of a file are on the medium as readers see them.
    pub(super) fn is_synced(&self, file: u64) -> bool {
        self.files.get(&file).is_none_or(|inode| inode.is_settled())
    }

    /// Bytes that files with a live name, or an open one, take up.
    pub(super) fn used_bytes(&self, is_open: impl Fn(u64) -> bool) -> u64 {
        let named = self.dirs.values().flat_map(|dir| dir.live.values());
        let named: BTreeSet<u64> = named
            .filter_map(|node| if let Node::File(id) = node { Some(*id) } else { None })
            .collect();
        let alive = self.files.iter().filter(|(id, _)| named.contains(id) || is_open(**id));
        alive.map(|(_, inode)| inode.cache.len()).sum()
    }

    /// A hash of the boot, and of all names and contents as readers see them; of the durable ones
    /// too where they differ.
    pub(super) fn image_hash(&self) -> u64 {
        let mut all = fold(self.boot, self.tree_hash(ROOT, &|dir| &dir.live, &|file| &file.cache));
        let is_settled = self.files.values().all(|file| file.is_settled())
            && self.dirs.values().all(|dir| dir.is_settled());
        if !is_settled {
            all = fold(all, self.tree_hash(ROOT, &|dir| &dir.durable, &|file| &file.durable));
        }
        all
    }

    fn tree_hash(
        &self,
        dir: u64,
        names: &dyn Fn(&Dir) -> &Names,
        bytes: &dyn Fn(&Inode) -> &Content,
    ) -> u64 {
        let Some(dir) = self.dirs.get(&dir) else { return 0 };
        names(dir).iter().fold(1, |all, (name, node)| {
            let (kind, inside) = match node {
                Node::File(id) => (2, self.files.get(id).map_or(0, |file| bytes(file).hash())),
                Node::Dir(id) => (3, self.tree_hash(*id, names, bytes)),
                Node::Other => (4, 0),
            };
            fold(fold(fold(all, hash64(name.as_bytes())), kind), inside)
        })
    }

    /// Every path that readers see, directories among them, in order.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        self.paths_below(ROOT, Path::new("/"), &mut found);
        found
    }

    fn paths_below(&self, dir: u64, path: &Path, found: &mut Vec<PathBuf>) {
        let names = self.dirs.get(&dir).map(|dir| Arc::clone(&dir.live)).unwrap_or_default();
        for (name, node) in &*names {
            let path = path.join(&**name);
            found.push(path.clone());
            if let Node::Dir(below) = node {
                self.paths_below(*below, &path, found);
            }
        }
    }

    fn change_dir(&mut self, dir: u64, change: DirChange) -> Answer<()> {
        let order = self.take_order();
        self.with_dir(dir, |dir| dir.change(order, change));
        Ok(())
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn take_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }
}
