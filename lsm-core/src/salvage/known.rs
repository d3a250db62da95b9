//! What manifests still say of the database: as much as can be read of them.
//!
//! A manifest that was read up to an end that a head vouches for says everything: which tables
//! belong to the database, and how keyspaces are named and kept. Behind damage changes are taken in
//! one by one, as far as they make sense; then it says something of names and of tables that went,
//! and nothing of what belongs to the database.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::codec::Decoder;
use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::File;
use crate::key::keyspace::KeyspaceId;
use crate::record::frame::{Place, RecordType};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::record::reader::RecordReader;
use crate::salvage::findings::{Findings, is_of_the_file};
use crate::salvage::inventory::{Inventory, Item};
use crate::version::catalog::Catalog;
use crate::version::edit::{BadEdit, Edit};
use crate::version::head::Head;

/// What is known of the database as a whole.
#[derive(Debug, Default)]
pub struct Known {
    /// What the changes add up to.
    pub catalog: Catalog,
    /// Nothing is missing, as far as can be told.
    pub is_whole: bool,
    /// A head says where the manifest ends.
    pub is_vouched: bool,
    /// The file that this is from.
    pub manifest: Option<String>,
    /// Tables that once belonged to the database and no longer do.
    pub gone: BTreeSet<u64>,
    /// Keyspaces that were dropped.
    pub dropped: BTreeSet<KeyspaceId>,
}

impl Known {
    /// Reads what there is.
    pub fn read(inventory: &Inventory, findings: &mut Findings) -> Result<Self> {
        note_heads(inventory, findings);
        let head = inventory.head();
        if let Some(head) = head {
            let named = inventory.by_id(FileKind::Manifest, head.manifest_id).or_else(|| {
                // One whose header is damaged is known by its name.
                let name = names::manifest(head.manifest_number());
                inventory.by_name(&name).filter(|item| item.header.is_none())
            });
            match named {
                None => {
                    let name = names::manifest(head.manifest_number());
                    findings.damage_at(&name, None, "the manifest that the heads name is missing");
                    findings.lose_file(&name);
                }
                Some(item) => {
                    let known = Self::of(inventory, item, Some(head), findings)?;
                    if known.is_whole || known.catalog.edit > 0 {
                        return Ok(known);
                    }
                }
            }
        }
        let mut best = Self::default();
        for item in inventory.of(FileKind::Manifest) {
            let known = Self::of(inventory, item, None, findings)?;
            if (known.is_whole, known.catalog.edit) > (best.is_whole, best.catalog.edit) {
                best = known;
            }
        }
        // With a head that names another one, this is an older one or a copy.
        best.is_whole &= head.is_none();
        Ok(best)
    }

    fn of(
        inventory: &Inventory,
        item: &Item,
        head: Option<&Head>,
        findings: &mut Findings,
    ) -> Result<Self> {
        findings.file(&item.name, item.bytes);
        if let Some(damage) = &item.damage {
            findings.damage(&item.name, damage)?;
        }
        let mut known = Self { manifest: Some(item.name.clone()), ..Self::default() };
        let read = inventory.open(&item.name).and_then(|file| {
            let mut walk = Walk::new(&file, item.header.as_ref(), head)?;
            walk.run(&mut known)
        });
        match read {
            Ok(None) => {}
            Ok(Some(damage)) => {
                known.is_whole = false;
                findings.damage(&item.name, &damage)?;
            }
            Err(error) if error.kind() == ErrorKind::Format => return Err(error),
            Err(error) if is_of_the_file(&error) => {
                known.is_whole = false;
                findings.damage(&item.name, &error)?;
            }
            Err(error) => return Err(error),
        }
        known.is_vouched = head.is_some();
        Ok(known)
    }

    /// True if an entry of this keyspace counts.
    #[must_use]
    pub fn has_keyspace(&self, id: KeyspaceId) -> bool {
        if self.is_whole { self.catalog.has_keyspace(id) } else { !self.dropped.contains(&id) }
    }
}

fn note_heads(inventory: &Inventory, findings: &mut Findings) {
    for head in names::HEADS {
        let item = inventory.by_name(head.live);
        findings.file(head.live, item.map_or(0, |item| item.bytes));
        if inventory.heads.iter().any(|(name, _)| name == head.live) {
            continue;
        }
        match item.and_then(|item| item.damage.as_ref()) {
            Some(error) => findings.damage_at(head.live, error.offset(), error.message()),
            None if item.is_some() => {
                findings.damage_at(head.live, None, "no head of this database stands here");
            }
            None => findings.damage_at(head.live, None, "the head is missing"),
        }
        findings.lose_file(head.live);
    }
}

/// One reading of a manifest.
struct Walk<'a> {
    file: &'a Arc<dyn File>,
    reader: RecordReader<'a>,
    head: Option<&'a Head>,
    damage: Option<Error>,
    /// The head's own place was met.
    is_met: bool,
    has_any: bool,
}

impl<'a> Walk<'a> {
    fn new(
        file: &'a Arc<dyn File>,
        header: Option<&FileHeader>,
        head: Option<&'a Head>,
    ) -> Result<Self> {
        let (place, check) = match (header, head) {
            (Some(header), _) => (Place::of(header), header.check()),
            (None, Some(head)) => {
                let number = head.manifest_number();
                (Place::new(FileKind::Manifest, number, head.manifest_id), 0)
            }
            (None, None) => {
                let why = "the header of the manifest cannot be read";
                return Err(Error::corruption(file.path(), 0, why));
            }
        };
        let mut reader = RecordReader::new(file.as_ref(), place, HEADER_LEN as u64, check)?;
        if header.is_none() {
            // What the first record follows cannot be told.
            let _looked_at_again = reader.skip_damage()?;
        }
        Ok(Self { file, reader, head, damage: None, is_met: false, has_any: false })
    }

    /// Takes in what there is; answers the first damage.
    fn run(&mut self, known: &mut Known) -> Result<Option<Error>> {
        if self.reader.offset() > HEADER_LEN as u64 {
            self.note(HEADER_LEN as u64, "the first edits of the manifest do not verify");
        }
        loop {
            let offset = self.reader.offset();
            self.meet(offset, known);
            let is_strict = self.damage.is_none();
            let Some(record) = self.reader.next_record()? else {
                if !self.reader.skip_damage()? {
                    break;
                }
                self.note(offset, "an edit of the manifest does not verify");
                continue;
            };
            let wrong = match record.record_type {
                RecordType::Marker => None,
                RecordType::Edit => {
                    let edit = record.seqno.get();
                    let is_next = !self.has_any || edit == known.catalog.edit + 1;
                    let wrong = take_in(record.payload, known, self.file.as_ref(), offset)?;
                    known.catalog.edit = known.catalog.edit.max(edit);
                    self.has_any = true;
                    let gap = (!is_next).then_some("the numbers of the edits have a gap");
                    wrong.or(gap)
                }
                _ => Some("a record of the log stands in the manifest"),
            };
            if let Some(why) = wrong.filter(|_| is_strict) {
                self.note(offset, why);
            }
        }
        if self.head.is_some_and(|_| !self.is_met) || !self.has_any {
            self.note(self.reader.offset(), "edits of the manifest that were durable are missing");
        }
        known.is_whole = self.damage.is_none();
        Ok(self.damage.take())
    }

    /// Holds what was read up to here against the head.
    fn meet(&mut self, offset: u64, known: &Known) {
        let Some(head) = self.head.filter(|head| head.durable == offset) else { return };
        self.is_met = true;
        if (known.catalog.edit, self.reader.check()) != (head.edit, head.check) {
            self.note(offset, "the heads name another edit than the one that ends here");
        }
    }

    fn note(&mut self, offset: u64, why: &str) {
        let path = self.file.path();
        self.damage.get_or_insert_with(|| Error::corruption(path, offset, why));
    }
}

/// Takes in the changes of a record, each as far as it makes sense; answers what does not.
fn take_in(
    payload: &[u8],
    known: &mut Known,
    file: &dyn File,
    offset: u64,
) -> Result<Option<&'static str>> {
    let mut wrong = None;
    let mut payload = Decoder::new(payload);
    while !payload.is_empty() {
        match Edit::decode(&mut payload) {
            Ok(Some(change)) => wrong = wrong.or(apply(&change, known).err()),
            Ok(None) => {}
            Err(BadEdit::Malformed) => return Ok(Some("an edit makes no sense")),
            Err(BadEdit::Unknown(tag)) => {
                let message = format!("an edit of kind {tag} needs a newer version");
                let error = Error::new(ErrorKind::Format, message);
                return Err(error.at_path(file.path()).at_offset(offset));
            }
        }
    }
    Ok(wrong)
}

fn apply(change: &Edit, known: &mut Known) -> Result<(), &'static str> {
    match change {
        Edit::KeyspaceDropped(id) => {
            known.dropped.insert(*id);
            let holders: Vec<u64> = known.catalog.tables.keys().copied().collect();
            known.catalog.apply(change)?;
            let is_gone = |number: &u64| !known.catalog.tables.contains_key(number);
            known.gone.extend(holders.into_iter().filter(is_gone));
            Ok(())
        }
        Edit::SliceRemoved { table, .. } => {
            known.catalog.apply(change)?;
            if !known.catalog.tables.contains_key(table) {
                known.gone.insert(*table);
            }
            Ok(())
        }
        _ => known.catalog.apply(change),
    }
}
