//! What lies in a damaged directory: every file by what it says of itself, and where it says
//! nothing by its name.
//!
//! Files may have been exchanged or copied, and those of other databases may lie among them. A file
//! is known by the random id in its header; its name counts only where that cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Directory, EntryKind, File, read_full_at};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names::{FileName, HEADS, UNFINISHED};
use crate::salvage::findings::is_of_the_file;
use crate::version::head::Head;

/// One file.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What the name stands for.
    pub named: Option<FileName>,
    /// Its length.
    pub bytes: u64,
    /// What it says of itself.
    pub header: Option<FileHeader>,
    /// Why it says nothing.
    pub damage: Option<Error>,
}

/// All files.
#[derive(Debug)]
pub struct Inventory {
    /// The directory.
    pub dir: Arc<dyn Directory>,
    /// The files, by name.
    pub items: Vec<Item>,
    /// Names that are no files, or no text.
    pub others: Vec<String>,
    /// The heads that verify, by name.
    pub heads: Vec<(String, Head)>,
    /// The database that this is.
    pub database: [u8; 16],
}

impl Inventory {
    /// Looks at every file. A directory that holds nothing of ours is refused.
    pub fn read(dir: Arc<dyn Directory>) -> Result<Self> {
        let (mut items, mut others) = (Vec::new(), Vec::new());
        for entry in dir.list()? {
            match entry.name.to_str().filter(|_| entry.kind == EntryKind::File) {
                Some(name) => items.push(Item::read(dir.as_ref(), name)?),
                None => others.push(entry.name.to_string_lossy().into_owned()),
            }
        }
        let mut heads = Vec::new();
        for item in items.iter().filter(|item| item.is(FileKind::Head)) {
            if item.named != Some(FileName::Scratch) {
                heads.extend(
                    Head::read(dir.as_ref(), &item.name).ok().map(|it| (item.name.clone(), it)),
                );
            }
        }
        let is_ours = |item: &Item| item.header.is_some() || item.is_numbered();
        if !items.iter().any(is_ours) {
            let error = Error::new(ErrorKind::InvalidArgument, "there is no database here");
            return Err(error.at_path(dir.path()).and_not_found());
        }
        let database = database_of(&items, &heads);
        heads.retain(|(_, head)| head.header.database_id == database);
        Ok(Self { dir, items, others, heads, database })
    }

    /// The head that counts.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.heads.iter().map(|(_, head)| head).max_by_key(|head| head.generation)
    }

    /// Opens a file to be read.
    pub fn open(&self, name: &str) -> Result<Arc<dyn File>> {
        self.dir.open(name, Access::Read)
    }

    /// The file of this kind with this id, whatever its name is now.
    #[must_use]
    pub fn by_id(&self, kind: FileKind, id: u64) -> Option<&Item> {
        self.of(kind).find(|item| item.header.as_ref().is_some_and(|it| it.file_id == id))
    }

    /// The file of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    /// The files of this kind that are the database's, each once: of copies of one file, the one
    /// with the right name.
    pub fn of(&self, kind: FileKind) -> impl Iterator<Item = &Item> {
        let mine = self.items.iter().filter(move |item| item.is(kind) && self.is_mine(item));
        let mut best: BTreeMap<u64, &Item> = BTreeMap::new();
        for item in mine {
            let Some(header) = &item.header else { continue };
            let known = best.entry(header.file_id).or_insert(item);
            if item.number() == Some(header.number) {
                *known = item;
            }
        }
        best.into_values()
    }

    /// True for a file of this database.
    #[must_use]
    pub fn is_mine(&self, item: &Item) -> bool {
        item.header.as_ref().is_some_and(|header| header.database_id == self.database)
    }

    /// Files under names of this kind whose headers cannot be read.
    pub fn headless(&self, kind: FileKind) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.header.is_none() && item.stands_for(kind))
    }
}

impl Item {
    fn read(dir: &dyn Directory, name: &str) -> Result<Self> {
        let named = FileName::parse(name.as_ref());
        let mut item = Self { name: name.to_owned(), named, bytes: 0, header: None, damage: None };
        if let Err(error) = item.look(dir) {
            if !is_of_the_file(&error) {
                return Err(error);
            }
            item.damage = Some(error);
        }
        Ok(item)
    }

    fn look(&mut self, dir: &dyn Directory) -> Result<()> {
        let file = dir.open(&self.name, Access::Read)?;
        self.bytes = file.len()?;
        let mut bytes = [0; HEADER_LEN];
        let len = read_full_at(file.as_ref(), &mut bytes, 0)?;
        let kind = kind_in(&bytes).or_else(|| self.kind_in_name());
        let Some(kind) = kind else { return Ok(()) };
        self.header =
            Some(FileHeader::decode(bytes.get(..len).unwrap_or_default(), kind, file.path())?);
        Ok(())
    }

    fn kind_in_name(&self) -> Option<FileKind> {
        match self.named? {
            FileName::Lock | FileName::Unfinished => None,
            FileName::Head | FileName::Scratch => Some(FileKind::Head),
            FileName::Log(_) => Some(FileKind::Log),
            FileName::Manifest(_) => Some(FileKind::Manifest),
            FileName::Table(_) => Some(FileKind::Table),
            FileName::Blob(_) => Some(FileKind::Blob),
        }
    }

    /// True if it says that it is a file of this kind.
    #[must_use]
    pub fn is(&self, kind: FileKind) -> bool {
        self.header.as_ref().is_some_and(|header| header.kind == kind)
    }

    /// True if its name says that it is a file of this kind.
    #[must_use]
    pub fn stands_for(&self, kind: FileKind) -> bool {
        self.kind_in_name() == Some(kind)
    }

    /// The number in its name.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.named.and_then(FileName::number)
    }

    fn is_numbered(&self) -> bool {
        self.number().is_some()
    }

    /// True for the mark of another salvage.
    #[must_use]
    pub fn is_mark(&self) -> bool {
        self.name == UNFINISHED
    }
}

/// The kind that a header names, whether it verifies or not.
fn kind_in(bytes: &[u8; HEADER_LEN]) -> Option<FileKind> {
    let kinds = [
        FileKind::Log,
        FileKind::Manifest,
        FileKind::Head,
        FileKind::Lock,
        FileKind::Table,
        FileKind::Blob,
    ];
    let word = bytes.get(10..12)?;
    kinds.into_iter().find(|kind| word == (*kind as u16).to_le_bytes())
}

/// The database that the heads name under their own names; else the one with the most files.
fn database_of(items: &[Item], heads: &[(String, Head)]) -> [u8; 16] {
    let is_live = |name: &str| HEADS.iter().any(|head| head.live == name);
    let live: Vec<[u8; 16]> = heads
        .iter()
        .filter(|(name, _)| is_live(name))
        .map(|(_, head)| head.header.database_id)
        .collect();
    let mut counts: BTreeMap<[u8; 16], u64> = BTreeMap::new();
    for header in items.iter().filter(|item| item.is_numbered()).filter_map(|it| it.header.as_ref())
    {
        *counts.entry(header.database_id).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(_, count)| **count).map(|(id, _)| *id);
    let has = |id: &[u8; 16]| counts.contains_key(id);
    match live.as_slice() {
        [one, rest @ ..]
            if rest.iter().all(|other| other == one) && (most.is_none() || has(one)) =>
        {
            *one
        }
        _ => most.or(live.first().copied()).unwrap_or_default(),
    }
}
