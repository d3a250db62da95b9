//! The two heads: equal small files that name the current manifest.
//!
//! ```text
//!   0  file header  128  kind head, number of the manifest, flag 1: closed in order
//! 128  generation   u64  the higher one is current
//! 136  file id      u64  of the manifest
//! 144  durable      u64  bytes of the manifest known durable
//! 152  edit         u64  the last edit among them
//! 160  check        u64  of the record that ends there
//! 168  reserved     u64  zero
//! 176  check        u64  hash64 of bytes 0 to 176
//! ```
//!
//! A head is written whole under its scratch name, synced, and renamed into place, so a head that
//! does not verify was damaged and never torn. There are two because one may be damaged; they are
//! written together and differ only between two renames.

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, Directory, read_full_at, write_all_at};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names::HEADS;

const HEAD_LEN: usize = HEADER_LEN + 56;
const CHECKED: usize = HEAD_LEN - 8;
const CLOSED: u64 = 1;

/// What the heads say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The file header; its number is that of the manifest.
    pub header: FileHeader,
    /// The higher one is current.
    pub generation: u64,
    /// The id of the manifest.
    pub manifest_id: u64,
    /// Bytes of the manifest known durable.
    pub durable: u64,
    /// The last edit among them.
    pub edit: u64,
    /// The check of the record that ends there.
    pub check: u64,
}

/// What was found in place of the heads.
#[derive(Debug, Default)]
pub struct FoundHeads {
    /// The current head, if any verified.
    pub current: Option<Head>,
    /// Both are there, both verify, and both say the same.
    pub agree: bool,
    /// Why one could not be used.
    pub damage: Option<Error>,
    /// How many have a file.
    pub present: usize,
}

impl Head {
    /// The number of the manifest that it names.
    #[must_use]
    pub fn manifest_number(&self) -> u64 {
        self.header.number
    }

    /// True if the database was closed in order and not written since.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.header.flags & CLOSED != 0
    }

    /// Marks the head of a database that is closed in order.
    pub fn set_closed(&mut self, closed: bool) {
        self.header.flags = if closed { CLOSED } else { 0 };
    }

    fn encode(&self) -> [u8; HEAD_LEN] {
        let mut bytes = HeaderWriter::<HEAD_LEN>::new()
            .put(&self.header.encode())
            .u64(self.generation)
            .u64(self.manifest_id)
            .u64(self.durable)
            .u64(self.edit)
            .u64(self.check)
            .finish();
        if let Some((covered, check)) = bytes.split_at_mut_checked(CHECKED) {
            check.copy_from_slice(&hash64(covered).to_le_bytes());
        }
        bytes
    }

    /// Reads the head in this file, and verifies it.
    pub fn read(dir: &dyn Directory, name: &str) -> Result<Self> {
        let file = dir.open(name, Access::Read)?;
        let mut bytes = [0; HEAD_LEN + 1];
        let len = read_full_at(file.as_ref(), &mut bytes, 0)?;
        let bytes = bytes.get(..len).unwrap_or_default();
        let header = FileHeader::decode(bytes, FileKind::Head, file.path())?;
        let damaged = || {
            Error::corruption(file.path(), HEADER_LEN as u64, "the head does not match its check")
        };
        let (covered, check) = bytes.split_at_checked(CHECKED).ok_or_else(damaged)?;
        if check != hash64(covered).to_le_bytes() {
            return Err(damaged());
        }
        let mut fields = Decoder::new(covered.get(HEADER_LEN..).unwrap_or_default());
        let head = || {
            Some(Self {
                header,
                generation: fields.u64()?,
                manifest_id: fields.u64()?,
                durable: fields.u64()?,
                edit: fields.u64()?,
                check: fields.u64()?,
            })
        };
        head().ok_or_else(damaged)
    }
}

/// Reads both heads. Only what is wrong with the directory itself is an error here.
pub fn read_heads(dir: &dyn Directory) -> Result<FoundHeads> {
    let mut found = FoundHeads::default();
    let mut heads = Vec::new();
    for names in HEADS {
        match Head::read(dir, names.live) {
            Ok(head) => heads.push(head),
            Err(error) if error.is_not_found() => continue,
            Err(error) if error.kind() == ErrorKind::Corruption => found.damage = Some(error),
            Err(error) => return Err(error),
        }
        found.present += 1;
    }
    found.agree = matches!(heads.as_slice(), [a, b] if a.says_the_same_as(b));
    found.current = heads.into_iter().max_by_key(|head| head.generation);
    Ok(found)
}

impl Head {
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.generation == other.generation
            && self.manifest_id == other.manifest_id
            && self.manifest_number() == other.manifest_number()
            && self.durable == other.durable
            && self.is_closed() == other.is_closed()
    }
}

/// Writes both heads, each with a file id of its own. What the head names must be durable but for
/// its name, which becomes durable here before any head points to it.
pub fn write_heads(dir: &dyn Directory, head: &Head, file_ids: [u64; 2]) -> Result<()> {
    for (names, file_id) in HEADS.iter().zip(file_ids) {
        let header = FileHeader { file_id, ..head.header.clone() };
        write_scratch(dir, names.scratch, &Head { header, ..head.clone() })?;
    }
    if !planted(Bug::ManifestDirNotSynced) {
        dir.sync()?;
    }
    for names in HEADS {
        dir.rename(names.scratch, names.live)?;
    }
    if !planted(Bug::HeadDirNotSynced) {
        dir.sync()?;
    }
    Ok(())
}

fn write_scratch(dir: &dyn Directory, name: &str, head: &Head) -> Result<()> {
    match dir.unlink(name) {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let file = dir.create(name)?;
    write_all_at(file.as_ref(), &head.encode(), 0)?;
    if planted(Bug::HeadSyncSkipped) {
        return Ok(());
    }
    file.sync_data()
}
