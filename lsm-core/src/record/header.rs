//! The first 128 bytes of every file of ours.
//!
//! ```text
//!   0  magic        8   89 4c 53 4d 0d 0a 1a 0a
//!   8  format      u16  1; a higher one is refused by name
//!  10  kind        u16  what the file is
//!  12  length      u32  128: where the contents begin
//!  16  compatible  u64  feature bits that a reader may pass over
//!  24  required    u64  feature bits that a reader must know
//!  32  file id     u64  random: the salt of every check in the file
//!  40  database     16  random: the same in every file of a database
//!  56  incarnation u64  changed by checkpoint, restore and clone
//!  64  edit        u64  the last manifest edit that was durable when the file was made
//!  72  number      u64  the number in its name; 0 if there is none
//!  80  boot id      16  the boot of the machine that wrote it; zeros if unknown
//!  96  clock       u64  the largest wall clock seen, in milliseconds
//! 104  flags       u64  by kind
//! 112  reserved    u64  zero
//! 120  check       u64  hash64 of bytes 0 to 120
//! ```
//!
//! This layout, and the place and kind of its check, stay for every format to come, so that any
//! version can say of any other that it is newer.

use std::path::Path;

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{File, read_full_at};
use crate::env::host::BootId;

/// Bytes of a header.
pub const HEADER_LEN: usize = 128;

/// What every file of ours begins with.
pub const MAGIC: [u8; 8] = [0x89, b'L', b'S', b'M', 0x0d, 0x0a, 0x1a, 0x0a];
const FORMAT: u16 = 1;
const CHECKED: usize = HEADER_LEN - 8;
/// Flags of any kind of file; a new one comes with a bit in `required`.
const FLAGS_KNOWN: u64 = 1;

/// What a file is. The values stand in files: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum FileKind {
    /// A segment of the write-ahead log.
    Log = 1,
    /// A list of edits.
    Manifest = 2,
    /// A pointer to the current manifest.
    Head = 3,
    /// The lock file.
    Lock = 4,
    /// A table.
    Table = 5,
    /// Large values.
    Blob = 6,
}

/// What every file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// What it is.
    pub kind: FileKind,
    /// Feature bits that a reader may pass over: none of them is known here, and all are kept, for
    /// the header's check covers them, and the first record chains to that.
    pub compatible: u64,
    /// Its own random id.
    pub file_id: u64,
    /// The database it belongs to.
    pub database_id: [u8; 16],
    /// Which copy of that database.
    pub incarnation: u64,
    /// The last manifest edit that was durable when the file was made.
    pub edit: u64,
    /// The number in its name.
    pub number: u64,
    /// The boot that wrote it.
    pub boot_id: Option<BootId>,
    /// The largest wall clock seen, in milliseconds.
    pub clock_millis: u64,
    /// By kind.
    pub flags: u64,
}

impl FileHeader {
    /// The header as it stands in the file.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = HeaderWriter::<HEADER_LEN>::new()
            .put(&MAGIC)
            .put(&FORMAT.to_le_bytes())
            .put(&(self.kind as u16).to_le_bytes())
            .u32(HEADER_LEN as u32)
            .u64(self.compatible)
            .u64(0)
            .u64(self.file_id)
            .put(&self.database_id)
            .u64(self.incarnation)
            .u64(self.edit)
            .u64(self.number)
            .put(&self.boot_id.unwrap_or_default())
            .u64(self.clock_millis)
            .u64(self.flags)
            .finish();
        if let Some((covered, check)) = bytes.split_at_mut_checked(CHECKED) {
            check.copy_from_slice(&hash64(covered).to_le_bytes());
        }
        bytes
    }

    /// The header's own check, which the first record behind it chains to.
    #[must_use]
    pub fn check(&self) -> u64 {
        let bytes = self.encode();
        bytes.last_chunk().map_or(0, |check| u64::from_le_bytes(*check))
    }

    /// Reads and verifies the header of `file`, which ought to be of `kind`.
    pub fn read(file: &dyn File, kind: FileKind) -> Result<Self> {
        let mut bytes = [0; HEADER_LEN];
        let len = read_full_at(file, &mut bytes, 0)?;
        Self::decode(bytes.get(..len).unwrap_or_default(), kind, file.path())
    }

    /// The header that these bytes hold.
    pub fn decode(bytes: &[u8], kind: FileKind, path: &Path) -> Result<Self> {
        let damaged = |why: &str| Error::corruption(path, 0, format!("the file header {why}"));
        let (covered, check) =
            bytes.split_at_checked(CHECKED).ok_or_else(|| damaged("is cut short"))?;
        if covered.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(damaged("is not one of ours"));
        }
        if check.get(..8) != Some(&hash64(covered).to_le_bytes()) {
            return Err(damaged("does not match its check"));
        }
        let mut fields = Decoder::new(covered.get(MAGIC.len()..).unwrap_or_default());
        let compatible = check_format(&mut fields, kind, path)?;
        let header = Self::decode_fields(&mut fields, kind);
        header
            .map(|header| Self { compatible, ..header })
            .ok_or_else(|| damaged("has impossible fields"))
    }

    fn decode_fields(fields: &mut Decoder<'_>, kind: FileKind) -> Option<Self> {
        let header = Self {
            kind,
            compatible: 0,
            file_id: fields.u64()?,
            database_id: fields.array()?,
            incarnation: fields.u64()?,
            edit: fields.u64()?,
            number: fields.u64()?,
            boot_id: fields.array().map(|id: BootId| (id != [0; 16]).then_some(id))?,
            clock_millis: fields.u64()?,
            flags: fields.u64()?,
        };
        (fields.u64()? == 0 && header.flags & !FLAGS_KNOWN == 0).then_some(header)
    }
}

/// Reads format, kind, length and feature bits, and refuses by name what is not known here. Answers
/// the bits that a reader may pass over.
fn check_format(fields: &mut Decoder<'_>, kind: FileKind, path: &Path) -> Result<u64> {
    let refuse = |message: String| Err(Error::new(ErrorKind::Format, message).at_path(path));
    let word = |fields: &mut Decoder<'_>| fields.array().map(u16::from_le_bytes).unwrap_or(0);
    let format = word(fields);
    if format != FORMAT {
        return refuse(format!(
            "the file has format {format}, and this library reads format {FORMAT}"
        ));
    }
    let found = word(fields);
    if found != kind as u16 {
        return Err(Error::corruption(path, 10, format!("a file of kind {found} stands here")));
    }
    let length = fields.u32().unwrap_or(0);
    let compatible = fields.u64().unwrap_or(0);
    let required = fields.u64().unwrap_or(0);
    if required != 0 || length != HEADER_LEN as u32 {
        return refuse(format!(
            "the file needs features {required:#x}, which this library does not know"
        ));
    }
    Ok(compatible)
}

#[cfg(test)]
mod tests;
