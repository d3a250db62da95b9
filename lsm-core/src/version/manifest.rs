//! The manifest: a file of checked records, each a list of edits, that adds up to the catalog.
//!
//! A manifest is written by one process: the first change after opening, and the first after any
//! failure, begins a new file with a snapshot of the catalog and swaps the heads to it. So nothing
//! is ever appended behind bytes whose durability is in doubt. An edit is committed when the sync
//! behind it returns; the old file is unlinked only after both heads name the new one.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Directory, File, write_all_at};
use crate::env::host::Host;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::record::frame::{Frame, Payload, Place, RecordType, padded_len};
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::version::head::{FoundHeads, Head, write_heads};
use crate::version::replay::ManifestRead;
use crate::version::unlink::Unlink;

/// A manifest is begun anew when it is longer than this and than four snapshots.
const REWRITE_BYTES: u64 = 64 << 10;

/// The catalog and the file that keeps it.
#[derive(Debug)]
pub struct Manifest {
    dir: Arc<dyn Directory>,
    host: Arc<dyn Host>,
    catalog: Catalog,
    /// The last edit that is known durable: one that was only read back may still be lost.
    durable_edit: u64,
    generation: u64,
    has_begun: bool,
    open: Option<OpenManifest>,
    /// Names that a later commit makes superfluous.
    obsolete: Vec<String>,
    /// A commit has failed that may be found after a restart all the same.
    is_in_doubt: bool,
    /// Who takes superfluous files away; they go at once if nobody does.
    unlink: Option<Arc<dyn Unlink>>,
}

/// The manifest that this process writes.
#[derive(Debug)]
struct OpenManifest {
    file: Arc<dyn File>,
    header: FileHeader,
    snapshot_len: u64,
    end: End,
    is_vouched: bool,
}

/// Where a manifest ends.
#[derive(Clone, Copy, Debug)]
struct End {
    offset: u64,
    /// The check of the last record, or of the file header.
    check: u64,
}

/// A manifest that was read.
#[derive(Debug)]
pub struct RecoveredManifest {
    /// Ready for the next change.
    pub manifest: Manifest,
    /// The database was closed in order, and nothing is amiss.
    pub is_clean: bool,
    /// Bytes behind the last edit that were given up.
    pub dropped_bytes: u64,
}

impl Manifest {
    /// Makes the manifest and the heads of a new database, with these edits from the beginning.
    pub fn create(
        dir: Arc<dyn Directory>,
        host: Arc<dyn Host>,
        number_floor: u64,
        edits: &[Edit],
    ) -> Result<Self> {
        let mut database_id = [0; 16];
        for half in database_id.chunks_exact_mut(8) {
            half.copy_from_slice(&host.random()?.to_le_bytes());
        }
        let mut catalog = Catalog::new(database_id, host.random()?);
        catalog.next_number = catalog.next_number.max(number_floor);
        let mut manifest = Self {
            dir,
            host,
            catalog,
            durable_edit: 0,
            generation: 0,
            has_begun: false,
            open: None,
            obsolete: Vec::new(),
            is_in_doubt: false,
            unlink: None,
        };
        manifest.commit(edits)?;
        Ok(manifest)
    }

    /// Reads the manifest that the heads name. `number_floor` is above every number in use.
    pub fn recover(
        dir: Arc<dyn Directory>,
        host: Arc<dyn Host>,
        heads: &FoundHeads,
        number_floor: u64,
    ) -> Result<RecoveredManifest> {
        let Some(head) = &heads.current else {
            return Err(heads.damage.clone().unwrap_or_else(|| {
                Error::new(ErrorKind::Corruption, "both heads are missing").at_path(dir.path())
            }));
        };
        let read = ManifestRead::new(dir.as_ref(), head, host.boot_id())?;
        let mut catalog = read.catalog;
        if !planted(Bug::RecoveryReusesNumbers) {
            catalog.next_number = catalog.next_number.max(number_floor);
        }
        let is_clean = heads.agree && head.is_closed() && read.file_len == head.durable;
        Ok(RecoveredManifest {
            manifest: Self {
                dir,
                host,
                catalog,
                durable_edit: head.edit,
                generation: head.generation,
                has_begun: false,
                open: None,
                obsolete: vec![names::manifest(head.manifest_number())],
                is_in_doubt: false,
                unlink: None,
            },
            is_clean,
            dropped_bytes: read.dropped_bytes,
        })
    }

    /// Has somebody else take away what is superfluous.
    pub fn unlink_by(&mut self, unlink: Arc<dyn Unlink>) {
        self.unlink = Some(unlink);
    }

    /// One that is never written, of a reader who has followed a manifest up to here.
    #[must_use]
    pub fn followed(dir: Arc<dyn Directory>, host: Arc<dyn Host>, catalog: Catalog) -> Self {
        Self {
            dir,
            host,
            durable_edit: catalog.edit,
            catalog,
            generation: 0,
            has_begun: false,
            open: None,
            obsolete: Vec::new(),
            is_in_doubt: false,
            unlink: None,
        }
    }

    /// Takes in how far a reader has followed.
    pub fn follow(&mut self, catalog: &Catalog) {
        self.durable_edit = catalog.edit;
        self.catalog = catalog.clone();
    }

    /// What the database consists of, as far as it is committed.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A number for a new file, never given before.
    pub fn take_number(&mut self) -> Result<u64> {
        let number = self.catalog.next_number;
        if number > names::NUMBER_MAX {
            return Err(Error::new(ErrorKind::TooLarge, "the numbers for files have run out"));
        }
        self.catalog.next_number = number + 1;
        Ok(number)
    }

    /// Gives the number of a keyspace to no other, though what was to make it has failed.
    pub fn burn_keyspace(&mut self, id: KeyspaceId) {
        let next = id.get().saturating_add(1);
        self.catalog.next_keyspace = self.catalog.next_keyspace.max(next);
    }

    /// Unlinks a file of this name once a new manifest, which does not list it, is current.
    pub fn forget_later(&mut self, name: String) {
        self.obsolete.push(name);
    }

    /// True if a file of this name goes with the next manifest that is begun.
    #[must_use]
    pub fn will_forget(&self, name: &str) -> bool {
        self.obsolete.iter().any(|forgotten| forgotten == name)
    }

    /// True if it cannot be told whether the last commit, which failed, is there. The next one that
    /// succeeds settles it.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    /// Makes the edits durable as one. After an error that says `maybe_committed` they may be found
    /// after a restart all the same, unless a later commit succeeds.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<()> {
        let mut next = self.catalog.clone();
        next.edit = next.edit.saturating_add(1);
        for edit in edits {
            next.apply(edit).map_err(|why| Error::new(ErrorKind::Internal, why))?;
        }
        let is_long = |open: &OpenManifest| {
            open.end.offset > REWRITE_BYTES && open.end.offset > 4 * open.snapshot_len
        };
        let done = match self.open.take() {
            Some(open) if !is_long(&open) => self.append_edits(open, &next, edits),
            long => {
                self.obsolete.extend(long.map(|open| names::manifest(open.header.number)));
                self.begin(&mut next)
            }
        };
        done.inspect_err(|error| self.is_in_doubt |= error.maybe_committed())?;
        self.is_in_doubt = false;
        self.durable_edit = next.edit;
        self.catalog = next;
        Ok(())
    }

    /// The last edit that is known durable: what new files may say of the manifest.
    #[must_use]
    pub fn durable_edit(&self) -> u64 {
        self.durable_edit
    }

    /// Writes down that the last edit is durable, so that damage to it can be told from a torn
    /// write. Does nothing if that is known already.
    pub fn vouch(&mut self) -> Result<()> {
        match self.open.take() {
            Some(open) if !open.is_vouched => {
                let edit = self.catalog.edit;
                self.append_record(open, RecordType::Marker, edit, &[]).map(|open| {
                    self.open = Some(OpenManifest { is_vouched: true, ..open });
                })
            }
            open => {
                self.open = open;
                Ok(())
            }
        }
    }

    /// True if this process writes the manifest with this number.
    #[must_use]
    pub fn is_current(&self, number: u64) -> bool {
        self.open.as_ref().is_some_and(|open| open.header.number == number)
    }

    /// True once this process has begun a manifest, and the heads no longer say that the database
    /// was closed in order.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.has_begun
    }

    /// Says in both heads where the manifest ends, and that it ends there in order.
    pub fn close(&mut self) -> Result<()> {
        if self.open.is_none() {
            self.commit(&[])?;
        }
        match self.open.take() {
            Some(open) => self.swap_heads(&open, true),
            None => Ok(()),
        }
    }

    fn append_edits(&mut self, open: OpenManifest, next: &Catalog, edits: &[Edit]) -> Result<()> {
        let mut payload = Vec::new();
        for edit in edits {
            edit.encode(&mut payload);
        }
        let open = self.append_record(open, RecordType::Edit, next.edit, &payload)?;
        self.open = Some(OpenManifest { is_vouched: false, ..open });
        Ok(())
    }

    /// Appends and syncs. The file is handed back only if both succeeded: after a failure nothing
    /// is written to it again.
    fn append_record(
        &mut self,
        open: OpenManifest,
        record_type: RecordType,
        edit: u64,
        payload: &[u8],
    ) -> Result<OpenManifest> {
        let (bytes, check) = match record(&open.header, open.end, record_type, edit, payload) {
            Ok(record) => record,
            Err(error) => {
                self.open = Some(open);
                return Err(error);
            }
        };
        let written = write_all_at(open.file.as_ref(), &bytes, open.end.offset)
            .and_then(|()| sync(open.file.as_ref()));
        if let Err(error) = written {
            self.obsolete.push(names::manifest(open.header.number));
            if planted(Bug::ManifestAppendAfterFailure) {
                self.open = Some(open);
            }
            return Err(error.and_maybe_committed());
        }
        let end = End { offset: open.end.offset + bytes.len() as u64, check };
        Ok(OpenManifest { end, ..open })
    }

    /// Begins a new manifest that holds `next`, and swaps the heads to it.
    fn begin(&mut self, next: &mut Catalog) -> Result<()> {
        self.has_begun = true;
        let number = self.take_number()?;
        next.next_number = next.next_number.max(self.catalog.next_number);
        let header = FileHeader {
            kind: FileKind::Manifest,
            compatible: 0,
            file_id: self.host.random()?,
            database_id: next.database_id,
            incarnation: next.incarnation,
            edit: self.durable_edit,
            number,
            boot_id: self.host.boot_id(),
            clock_millis: next.clock_millis,
            flags: 0,
        };
        let mut payload = Vec::new();
        for edit in next.snapshot() {
            edit.encode(&mut payload);
        }
        let mut bytes = header.encode().to_vec();
        let start = End { offset: HEADER_LEN as u64, check: header.check() };
        let (first, check) = record(&header, start, RecordType::Edit, next.edit, &payload)?;
        bytes.extend_from_slice(&first);

        let file = self.write_file(number, &bytes)?;
        self.obsolete.push(names::manifest(number));
        let snapshot_len = bytes.len() as u64;
        let end = End { offset: snapshot_len, check };
        let open = OpenManifest { file, header, snapshot_len, end, is_vouched: true };
        if planted(Bug::ManifestUnlinkedBeforeHeads) {
            self.unlink_obsolete(number, next.edit);
        }
        self.swap_heads_to(&open, next, false).map_err(Error::and_maybe_committed)?;
        // A reader may have seen an edit of this number that failed, and that another one replaces.
        let edit = next.edit.saturating_add(u64::from(self.is_in_doubt));
        self.unlink_obsolete(number, edit);
        self.open = Some(open);
        Ok(())
    }

    /// Creates a manifest and makes its bytes durable. One that could not be is taken away again:
    /// nothing names it, and the space may be what is missing.
    fn write_file(&self, number: u64, bytes: &[u8]) -> Result<Arc<dyn File>> {
        let name = names::manifest(number);
        let file = self.dir.create(&name)?;
        let written = write_all_at(file.as_ref(), bytes, 0).and_then(|()| sync(file.as_ref()));
        written.inspect_err(|_| drop(self.dir.unlink(&name)))?;
        Ok(file)
    }

    fn swap_heads(&mut self, open: &OpenManifest, is_closed: bool) -> Result<()> {
        let catalog = self.catalog.clone();
        self.swap_heads_to(open, &catalog, is_closed)
    }

    fn swap_heads_to(
        &mut self,
        open: &OpenManifest,
        catalog: &Catalog,
        is_closed: bool,
    ) -> Result<()> {
        self.generation = self.generation.saturating_add(1);
        let header = FileHeader { kind: FileKind::Head, ..open.header.clone() };
        let mut head = Head {
            header,
            generation: self.generation,
            manifest_id: open.header.file_id,
            durable: open.end.offset,
            edit: catalog.edit,
            check: open.end.check,
        };
        head.set_closed(is_closed);
        write_heads(self.dir.as_ref(), &head, [self.host.random()?, self.host.random()?])
    }

    /// Unlinks what is superfluous. A name that is gone already is fine; any other failure leaves a
    /// file behind that the next opening clears away.
    fn unlink_obsolete(&mut self, current: u64, edit: u64) {
        let current = names::manifest(current);
        for name in std::mem::take(&mut self.obsolete) {
            let _left_behind = match &self.unlink {
                _ if name == current => continue,
                Some(unlink) => unlink.unlink(&name, edit).map(drop),
                None => self.dir.unlink(&name),
            };
        }
    }
}

fn sync(file: &dyn File) -> Result<()> {
    if planted(Bug::ManifestSyncSkipped) { Ok(()) } else { file.sync_data() }
}

/// The record that comes behind `end`, and its check. Whatever is before it in the file is durable.
fn record(
    header: &FileHeader,
    end: End,
    record_type: RecordType,
    edit: u64,
    payload: &[u8],
) -> Result<(Vec<u8>, u64)> {
    let too_large = || Error::new(ErrorKind::TooLarge, "the edits do not fit one record");
    let seqno = SeqNo::new(edit).ok_or_else(too_large)?;
    let durable = if end.offset > HEADER_LEN as u64 { end.offset } else { 0 };
    let payload = Payload::new(payload);
    let frame = Frame::new(record_type, seqno, 0, end.check, durable);
    let place = Place::of(header);
    let (head, check) = frame.encode(&payload, place, end.offset).ok_or_else(too_large)?;
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(payload.bytes());
    bytes.resize(padded_len(payload.bytes().len()) as usize, 0);
    Ok((bytes, check))
}
