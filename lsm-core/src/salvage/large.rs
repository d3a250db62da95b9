//! Large values of a damaged database: references become values again, where those can be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::batch::Record;
use crate::blob::file::BlobEntry;
use crate::blob::reference::BlobRef;
use crate::blob::store::Blobs;
use crate::key::full::FullKey;
use crate::key::kind::Kind;
use crate::record::header::FileKind;
use crate::record::names;
use crate::salvage::findings::{Findings, KeySpan, Loss, behind, is_of_the_file};
use crate::salvage::inventory::{Inventory, Item};
use crate::salvage::known::Known;

/// The files of large values, whatever their names are now.
#[derive(Debug)]
pub struct LargeValues {
    blobs: Arc<Blobs>,
    /// Their names, by the numbers that references have.
    names: BTreeMap<u64, String>,
    /// Files of which it is not known what references call them.
    strays: Vec<u64>,
}

impl LargeValues {
    /// Looks for the files that the manifest lists, and for others that may be some of them.
    #[must_use]
    pub fn find(inventory: &Inventory, known: &Known, findings: &mut Findings) -> Self {
        let blobs = Blobs::new(inventory.dir.clone());
        blobs.configure(1, false);
        let mut large = Self { blobs, names: BTreeMap::new(), strays: Vec::new() };
        for (&number, entry) in &known.catalog.blobs {
            let by_id = inventory.by_id(FileKind::Blob, entry.file_id);
            let item = by_id.or_else(|| inventory.by_name(&names::blob(entry.place)));
            match item {
                Some(item) => large.add(number, entry.file_id, item, findings),
                None => {
                    let name = names::blob(entry.place);
                    let why = "a file of large values that is still needed is missing";
                    findings.damage_at(&name, None, why);
                    findings.lose_file(&name);
                }
            }
        }
        for item in inventory.of(FileKind::Blob) {
            let Some(header) = &item.header else { continue };
            let is_known = large.names.values().any(|name| *name == item.name);
            if !is_known && !known.is_whole {
                large.add(header.number, header.file_id, item, findings);
                large.strays.push(header.number);
            }
        }
        large
    }

    fn add(&mut self, number: u64, file_id: u64, item: &Item, findings: &mut Findings) {
        findings.file(&item.name, item.bytes);
        let place = item.number().unwrap_or(number);
        let entry = BlobEntry { file_id, place, bytes: Some(item.bytes) };
        self.blobs.list(number, &entry, item.bytes);
        self.names.insert(number, item.name.clone());
    }

    /// The value of a reference.
    fn fetch(&self, reference: &BlobRef) -> Result<Slice> {
        let found = self.blobs.read(reference);
        // A file that a recovery has copied has another number in its header. Checks go by its id:
        // no wrong file can take its place.
        let of = |&file: &u64| self.blobs.read(&BlobRef { file, ..*reference }).ok();
        found.or_else(|error| self.strays.iter().find_map(of).ok_or(error))
    }

    /// Hands the record to `take` with the value in place of a reference. If the value cannot be
    /// read, it is told as lost instead.
    pub fn resolve(
        &self,
        record: Record<'_>,
        findings: &mut Findings,
        take: impl FnOnce(Record<'_>, &mut Findings) -> Result<()>,
    ) -> Result<()> {
        if record.kind != Kind::BlobRef {
            return take(record, findings);
        }
        let Some(reference) = BlobRef::decode(record.value) else {
            self.lose(&record, None, "a reference to a large value makes no sense", findings);
            return Ok(());
        };
        match self.fetch(&reference) {
            Ok(value) => match reference.expiry_millis {
                None => take(Record { kind: Kind::Put, value: &value, ..record }, findings),
                Some(moment) => {
                    let mut stamped = Vec::with_capacity(8 + value.len());
                    stamped.extend_from_slice(&moment.to_le_bytes());
                    stamped.extend_from_slice(&value);
                    let kind = Kind::PutExpiring;
                    take(Record { kind, value: &stamped, ..record }, findings)
                }
            },
            Err(error) if is_of_the_file(&error) => {
                self.lose(&record, Some(&reference), error.message(), findings);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn lose(
        &self,
        record: &Record<'_>,
        reference: Option<&BlobRef>,
        why: &str,
        findings: &mut Findings,
    ) {
        let file = reference.map(|reference| reference.file).unwrap_or_default();
        let name = self.names.get(&file).cloned().unwrap_or_else(|| names::blob(file));
        findings.damage_at(&name, reference.map(|reference| reference.offset), why);
        let from = FullKey::new(record.keyspace, record.key).bytes().to_vec();
        let to = Some(behind(&from));
        let bytes = reference.map(|reference| u64::from(reference.len));
        let span = KeySpan { from, to };
        findings.lose(&name, Loss { span, entries: Some(1), bytes, older_may_show: true });
    }
}
