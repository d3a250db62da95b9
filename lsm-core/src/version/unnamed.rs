//! Manifests that no head names: left over, or proof that the heads were lost.

use crate::base::error::{ErrorKind, Result};
use crate::env::fs::{Access, Directory};
use crate::record::frame::Place;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::record::reader::RecordReader;

/// What a manifest is that no head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// Left over from making a database that was never finished: it holds nothing.
    Unfinished,
    /// It held changes that were committed once.
    Used,
    /// Its header does not verify.
    Unreadable,
}

/// Looks at a manifest that no head names.
pub fn inspect_unnamed(dir: &dyn Directory, number: u64) -> Result<Unnamed> {
    let file = dir.open(&names::manifest(number), Access::Read)?;
    if file.len()? == 0 {
        return Ok(Unnamed::Unfinished);
    }
    let header = match FileHeader::read(file.as_ref(), FileKind::Manifest) {
        Ok(header) => header,
        Err(error) if error.kind() == ErrorKind::Corruption => return Ok(Unnamed::Unreadable),
        Err(error) => return Err(error),
    };
    let place = Place::of(&header);
    let mut reader = RecordReader::new(file.as_ref(), place, HEADER_LEN as u64, header.check())?;
    let has_first = reader.next_record()?.is_some();
    let is_used = header.edit > 0 || (has_first && reader.next_record()?.is_some());
    Ok(if is_used { Unnamed::Used } else { Unnamed::Unfinished })
}
