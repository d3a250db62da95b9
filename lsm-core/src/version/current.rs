//! The version: the trees of every keyspace at one moment.
//!
//! Readers share a version and never wait for one. A change makes a new version, which shares every
//! tree that it does not touch, and every slice and file of those that it does. A file that leaves
//! with a change lives on as long as an older version does, and is garbage when the last one goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::key::keyspace::KeyspaceId;
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::version::garbage::{Garbage, VersionPin};
use crate::version::pins::Pin;
use crate::version::tree::{OpenTable, Slice, SliceMeta, TableFile, TableMeta, Tree};

/// The trees, and the files that they stand on.
#[derive(Clone, Debug)]
pub struct Version {
    /// The trees that hold something.
    pub trees: BTreeMap<KeyspaceId, Arc<Tree>>,
    /// The number of the last edit that it takes in.
    pub edit: u64,
    files: BTreeMap<u64, Listed>,
    /// The files of large values, and how many bytes of each tables refer to.
    blobs: BTreeMap<u64, u64>,
    /// Those that were listed before and are not any more.
    gone_blobs: Vec<u64>,
    garbage: Arc<Garbage>,
    /// What is listed here is not unlinked before this is gone.
    pin: Arc<VersionPin>,
    shelf: Option<Arc<dyn OpenTable>>,
    /// Says that a reader beside a writer holds it.
    _pin: Option<Arc<Pin>>,
}

/// A file and its parts.
#[derive(Clone, Debug)]
struct Listed {
    file: Arc<TableFile>,
    slices: Vec<Arc<Slice>>,
}

impl Version {
    /// The trees that the catalog describes. Numbers of files that go for good are left in
    /// `garbage`.
    pub fn from_catalog(
        catalog: &Catalog,
        garbage: Arc<Garbage>,
        shelf: Option<Arc<dyn OpenTable>>,
    ) -> Result<Self> {
        let mut version = Self::empty(garbage, shelf);
        version.add_all(catalog, &BTreeMap::new())?;
        Ok(version)
    }

    fn empty(garbage: Arc<Garbage>, shelf: Option<Arc<dyn OpenTable>>) -> Self {
        let (trees, files, blobs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (gone_blobs, pin) = (Vec::new(), garbage.pin_version());
        Self { trees, edit: 0, files, blobs, gone_blobs, garbage, pin, shelf, _pin: None }
    }

    /// The trees that a later catalog describes, which somebody else has changed. What is open of
    /// files that stay is open still.
    pub fn following(&self, catalog: &Catalog, pin: Arc<Pin>) -> Result<Self> {
        let mut version = Self::empty(self.garbage.clone(), self.shelf.clone());
        version._pin = Some(pin);
        version.add_all(catalog, &self.files)?;
        let gone = self.blobs.keys().filter(|number| !version.blobs.contains_key(number));
        version.gone_blobs = gone.copied().collect();
        Ok(version)
    }

    /// The same, held.
    #[must_use]
    pub fn pinned(self, pin: Arc<Pin>) -> Self {
        Self { _pin: Some(pin), ..self }
    }

    fn add_all(&mut self, catalog: &Catalog, before: &BTreeMap<u64, Listed>) -> Result<()> {
        self.blobs = catalog.blobs.keys().map(|&number| (number, 0)).collect();
        for (number, entry) in &catalog.tables {
            // What it has in files of large values gets less with its slices, which tell of that.
            let blobs = || entry.meta.blobs.clone();
            let is_same =
                |meta: &TableMeta| TableMeta { blobs: blobs(), ..meta.clone() } == entry.meta;
            let known = before.get(number).filter(|known| is_same(&known.file.meta));
            let file = match known {
                Some(known) => known.file.clone(),
                None => self.file_of(&entry.meta),
            };
            self.add(file, &entry.slices).map_err(contradiction)?;
        }
        self.edit = catalog.edit;
        Ok(())
    }

    /// The tree of a keyspace; `None` if it holds nothing.
    #[inline]
    #[must_use]
    pub fn tree(&self, keyspace: KeyspaceId) -> Option<&Arc<Tree>> {
        self.trees.get(&keyspace)
    }

    /// The file with this number.
    #[must_use]
    pub fn file(&self, number: u64) -> Option<&Arc<TableFile>> {
        self.files.get(&number).map(|listed| &listed.file)
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &Arc<TableFile>> {
        self.files.values().map(|listed| &listed.file)
    }

    /// The version after these edits, the last of which has the number `edit`. Nothing is changed,
    /// and no file is obsolete yet: see `retire`.
    pub fn apply(&self, edits: &[Edit], edit: u64) -> Result<Self> {
        let (pin, gone_blobs) = (self.garbage.pin_version(), Vec::new());
        let mut next = Self { pin, gone_blobs, ..self.clone() };
        edits.iter().try_for_each(|edit| next.take_in(edit)).map_err(contradiction)?;
        next.edit = edit;
        Ok(next)
    }

    /// Takes in that `next` has taken the place of this version, and that the edits between them
    /// are durable: files that are not in it become garbage when nobody reads them any more.
    pub fn retire(&self, next: &Self) {
        let gone = self.files.iter().filter(|(number, _)| !next.files.contains_key(number));
        gone.for_each(|(_, listed)| listed.file.note_obsolete());
        next.retire_blobs();
    }

    /// The same for files of large values alone, which this version is the first not to list.
    pub fn retire_blobs(&self) {
        if !self.gone_blobs.is_empty() {
            self.garbage.push_blobs(self.gone_blobs.iter().copied(), &self.pin);
        }
    }

    /// The slices of a table.
    #[must_use]
    pub fn slices_of(&self, table: u64) -> &[Arc<Slice>] {
        self.files.get(&table).map(|listed| listed.slices.as_slice()).unwrap_or_default()
    }

    /// The files of large values, and how many bytes of each tables refer to.
    #[must_use]
    pub fn blobs(&self) -> &BTreeMap<u64, u64> {
        &self.blobs
    }

    fn take_in(&mut self, edit: &Edit) -> Result<(), &'static str> {
        match edit {
            Edit::TableAdded { meta, slices } => self.add(self.file_of(meta), slices),
            Edit::SliceMoved { table, keyspace, level, run } => {
                let old = self.take_out(*table, *keyspace)?;
                let meta = SliceMeta { level: *level, run: *run, ..old.meta.clone() };
                self.put_in(Slice { meta, file: old.file.clone() })
            }
            Edit::SliceRemoved { table, keyspace } => {
                let slice = self.take_out(*table, *keyspace)?;
                self.forget_blobs(&slice);
                self.drop_if_unused(*table);
                Ok(())
            }
            Edit::KeyspaceDropped(keyspace) => {
                self.drop_keyspace(*keyspace);
                Ok(())
            }
            Edit::BlobAdded { number, .. } => {
                self.blobs.insert(*number, 0);
                Ok(())
            }
            Edit::BlobRemoved(number) => {
                self.blobs.remove(number);
                self.gone_blobs.push(*number);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn file_of(&self, meta: &TableMeta) -> Arc<TableFile> {
        TableFile::listed(meta.clone(), self.garbage.clone(), self.shelf.clone())
    }

    fn add(&mut self, file: Arc<TableFile>, slices: &[SliceMeta]) -> Result<(), &'static str> {
        let listed = Listed { file: file.clone(), slices: Vec::with_capacity(slices.len()) };
        if self.files.insert(file.meta.number, listed).is_some() {
            return Err("the number of a table is used again");
        }
        for meta in slices {
            let slice = Slice { meta: meta.clone(), file: file.clone() };
            for blob in slice.blobs() {
                let bytes = self.blobs.entry(blob.file).or_default();
                *bytes = bytes.saturating_add(blob.bytes);
            }
            self.put_in(slice)?;
        }
        Ok(())
    }

    /// A slice refers to no large values any more.
    fn forget_blobs(&mut self, slice: &Slice) {
        for blob in slice.blobs() {
            if let Some(bytes) = self.blobs.get_mut(&blob.file) {
                *bytes = bytes.saturating_sub(blob.bytes);
            }
        }
    }

    fn put_in(&mut self, slice: Slice) -> Result<(), &'static str> {
        let slice = Arc::new(slice);
        let listed = self.files.get_mut(&slice.file.meta.number).ok_or(UNKNOWN_TABLE)?;
        listed.slices.push(slice.clone());
        let tree = self.trees.entry(slice.meta.keyspace).or_default();
        Arc::make_mut(tree).insert(slice)
    }

    fn take_out(&mut self, table: u64, keyspace: KeyspaceId) -> Result<Arc<Slice>, &'static str> {
        let listed = self.files.get_mut(&table).ok_or(UNKNOWN_TABLE)?;
        let at = listed.slices.iter().position(|slice| slice.meta.keyspace == keyspace);
        let slice = listed.slices.swap_remove(at.ok_or(UNKNOWN_SLICE)?);
        let tree = self.trees.get_mut(&keyspace).ok_or(UNKNOWN_SLICE)?;
        let tree = Arc::make_mut(tree);
        if !tree.remove(&slice.meta, table) {
            return Err(UNKNOWN_SLICE);
        }
        if tree.is_empty() {
            self.trees.remove(&keyspace);
        }
        Ok(slice)
    }

    fn drop_if_unused(&mut self, table: u64) {
        if self.files.get(&table).is_some_and(|listed| listed.slices.is_empty()) {
            self.files.remove(&table);
        }
    }

    fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        let Some(tree) = self.trees.remove(&keyspace) else { return };
        for slice in tree.slices() {
            let number = slice.file.meta.number;
            if let Some(listed) = self.files.get_mut(&number) {
                listed.slices.retain(|slice| slice.meta.keyspace != keyspace);
            }
            self.forget_blobs(slice);
            self.drop_if_unused(number);
        }
    }

    /// Holds every tree against what its readers rely on.
    pub fn check(&self) -> Result<(), String> {
        let mut in_trees = 0;
        for (&keyspace, tree) in &self.trees {
            if tree.is_empty() {
                return Err(format!("the tree of {keyspace:?} is empty and kept"));
            }
            tree.check(keyspace)?;
            in_trees += tree.slices().count();
            let is_listed = |slice: &Arc<Slice>| {
                let listed = self.files.get(&slice.file.meta.number);
                listed.is_some_and(|listed| listed.slices.iter().any(|it| Arc::ptr_eq(it, slice)))
            };
            if !tree.slices().all(is_listed) {
                return Err(format!("a slice of {keyspace:?} has no file"));
            }
        }
        let listed: usize = self.files.values().map(|listed| listed.slices.len()).sum();
        let is_unused = self.files.values().any(|listed| listed.slices.is_empty());
        if listed != in_trees || is_unused {
            return Err("a file is kept that no tree needs".to_owned());
        }
        Ok(())
    }
}

const UNKNOWN_TABLE: &str = "a table is named that is not there";
const UNKNOWN_SLICE: &str = "a part of a table is named that is not there";

/// The catalog has taken these edits before: a version that cannot has a bug.
fn contradiction(why: &'static str) -> Error {
    Error::new(ErrorKind::Internal, why)
}

#[cfg(test)]
mod tests;
