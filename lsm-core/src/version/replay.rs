//! Reading a manifest: its edits add up to the catalog, and its end is held against what is known.

use std::sync::Arc;

use crate::base::codec::Decoder;
use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Directory, File};
use crate::env::host::BootId;
use crate::record::frame::{Place, RecordType};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::record::reader::RecordReader;
use crate::version::catalog::Catalog;
use crate::version::edit::{BadEdit, Edit};
use crate::version::head::Head;

/// Opens the manifest that a head names, and holds it against that.
pub fn open_named(dir: &dyn Directory, head: &Head) -> Result<(Arc<dyn File>, FileHeader)> {
    let name = names::manifest(head.manifest_number());
    let file = dir.open(&name, Access::Read).map_err(|error| {
        if error.is_not_found() {
            let path = dir.path().join(&name);
            return Error::corruption(&path, 0, "the manifest that the heads name is missing");
        }
        error
    })?;
    let header = FileHeader::read(file.as_ref(), FileKind::Manifest)?;
    if header.file_id != head.manifest_id
        || header.number != head.manifest_number()
        || header.database_id != head.header.database_id
        || header.incarnation != head.header.incarnation
    {
        return Err(Error::corruption(file.path(), 32, "this is another manifest's file"));
    }
    Ok((file, header))
}

/// One reading of a manifest.
pub struct ManifestRead {
    /// What it adds up to.
    pub catalog: Catalog,
    /// Its length.
    pub file_len: u64,
    /// Bytes behind the last edit that were given up.
    pub dropped_bytes: u64,
}

impl ManifestRead {
    /// Reads the manifest that the head names, which nobody writes.
    pub fn new(dir: &dyn Directory, head: &Head, boot: Option<BootId>) -> Result<Self> {
        let (file, header) = open_named(dir, head)?;
        let check = header.check();
        let place = Place::of(&header);
        let mut reader = RecordReader::new(file.as_ref(), place, HEADER_LEN as u64, check)?;
        let mut catalog = Catalog::default();
        replay(&mut reader, file.as_ref(), head, &mut catalog)?;
        let end = reader.offset();
        let file_len = reader.file_len();
        let evidence = reader.evidence_after(end)?;
        let same_boot = header.boot_id.is_some() && header.boot_id == boot;
        if end < head.durable.max(evidence.durable)
            || evidence.undecided
            || (same_boot && evidence.any_record)
        {
            let message = "an edit of the manifest that was durable does not verify";
            return Err(Error::corruption(file.path(), end, message));
        }
        Ok(Self { catalog, file_len, dropped_bytes: file_len - end })
    }
}

/// Adds the edits from where the reader stands to the catalog, up to the first record that does not
/// verify.
pub fn replay(
    reader: &mut RecordReader<'_>,
    file: &dyn File,
    head: &Head,
    catalog: &mut Catalog,
) -> Result<()> {
    let mut is_first = reader.offset() == HEADER_LEN as u64;
    loop {
        let offset = reader.offset();
        let wrong = |why: &str| Err(Error::corruption(file.path(), offset, why));
        if offset == head.durable && (catalog.edit, reader.check()) != (head.edit, head.check) {
            return wrong("the heads name another edit than the one that ends here");
        }
        let Some(record) = reader.next_record()? else { break };
        match record.record_type {
            RecordType::Marker if !is_first => continue,
            RecordType::Edit => {}
            _ => return wrong("a record of the log stands in the manifest"),
        }
        let edit = record.seqno.get();
        if !is_first && edit != catalog.edit + 1 {
            return wrong("the numbers of the edits have a gap");
        }
        let mut payload = Decoder::new(record.payload);
        while !payload.is_empty() {
            match Edit::decode(&mut payload) {
                Ok(Some(change)) => {
                    if let Err(why) = catalog.apply(&change) {
                        return wrong(why);
                    }
                }
                Ok(None) => {}
                Err(BadEdit::Malformed) => return wrong("an edit makes no sense"),
                Err(BadEdit::Unknown(tag)) => {
                    let message = format!("an edit of kind {tag} needs a newer version");
                    let error = Error::new(ErrorKind::Format, message);
                    return Err(error.at_path(file.path()).at_offset(offset));
                }
            }
        }
        catalog.edit = edit;
        is_first = false;
    }
    Ok(())
}
