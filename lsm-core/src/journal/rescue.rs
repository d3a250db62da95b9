//! Files of large values after a crash, or after a failed sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::batch::read;
use crate::blob::file::{BlobEnd, BlobEntry};
use crate::blob::reference::BlobRef;
use crate::blob::store::{Blobs, InDoubt};
use crate::env::fs::{Access, Directory, File, read_full_at, write_all_at};
use crate::env::world::Env;
use crate::journal::header::file_header;
use crate::key::kind::Kind;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::version::manifest::Manifest;
use crate::version::unlink::Unlink;
use crate::wal::chain::Replayed;

/// So much is copied at a time.
const COPY_BYTES: usize = 256 << 10;

/// What becomes of the files that were written when a process died, or when a sync failed.
///
/// Of what is in them it is not known what the medium has, though it can be read: the page cache
/// may show bytes that a failed sync has left off the disk. So it is copied, like the log, before
/// anything is acknowledged, and references are believed where the copy verifies. Places and checks
/// stay: they go by the id of the file, and the copy has the same.
#[derive(Debug, Default)]
pub struct Rescue {
    files: BTreeMap<u64, Rescued>,
}

#[derive(Debug)]
struct Rescued {
    end: BlobEnd,
    /// The copy, if there is one, and the name that it takes the place of.
    copy: Option<(Arc<dyn File>, u64)>,
}

/// A copy of a file, as long as what could be read of it.
struct Copied {
    file: Arc<dyn File>,
    place: u64,
    bytes: u64,
}

impl Rescue {
    /// Copies what the manifest does not know to be durable; without `is_copied` it is only looked
    /// at. From here on `blobs` are those of the catalog, with the copies in place of what was
    /// copied.
    pub fn begin(
        env: &Env,
        dir: &Arc<dyn Directory>,
        manifest: &mut Manifest,
        blobs: &Blobs,
        is_copied: bool,
    ) -> Result<Self> {
        let listed: Vec<(u64, BlobEntry)> =
            manifest.catalog().blobs.iter().map(|(&number, &entry)| (number, entry)).collect();
        let mut rescue = Self::default();
        for (number, entry) in listed {
            if let Some(bytes) = entry.bytes {
                blobs.list(number, &entry, bytes);
                continue;
            }
            let copied = if is_copied { Some(copy(env, dir, manifest, &entry)) } else { None };
            let copied = copied.transpose().inspect_err(|_| rescue.discard(dir.as_ref()))?;
            let rescued = match copied {
                Some(Copied { file, place, bytes }) => {
                    let end = BlobEnd { number, place, bytes };
                    Rescued { end, copy: Some((file, entry.place)) }
                }
                None => {
                    let file = dir.open(&names::blob(entry.place), Access::Read)?;
                    let bytes = file.len()?;
                    Rescued { end: BlobEnd { number, place: entry.place, bytes }, copy: None }
                }
            };
            blobs.list(number, &BlobEntry { place: rescued.end.place, ..entry }, rescued.end.bytes);
            rescue.files.insert(number, rescued);
        }
        Ok(rescue)
    }

    /// True if the manifest knew every file to be durable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether all that a batch refers to is there, as far as it was in doubt. What is not replayed
    /// is not asked for.
    pub fn is_sound(&self, catalog: &Catalog, blobs: &Blobs, batch: &Replayed<'_>) -> Result<bool> {
        if self.files.is_empty() {
            return Ok(true);
        }
        let is_in_doubt = |file: u64| self.files.contains_key(&file);
        is_sound(catalog, blobs, batch, &is_in_doubt)
    }

    /// The error of a batch that is not sound.
    pub fn check(&self, catalog: &Catalog, blobs: &Blobs, batch: &Replayed<'_>) -> Result<()> {
        if self.is_sound(catalog, blobs, batch)? { Ok(()) } else { Err(lost()) }
    }

    /// Refuses copies in which something is missing that was written before they were made, whether
    /// a log has it or not.
    pub fn check_whole(&self, in_doubt: &InDoubt, copies: &Blobs) -> Result<()> {
        if self.files.is_empty() || copies.have(in_doubt)? { Ok(()) } else { Err(lost()) }
    }

    /// Makes the copies durable, and answers the edits that list them.
    pub fn finish(&self, dir: &dyn Directory) -> Result<Vec<Edit>> {
        let copies = self.files.values().filter_map(|rescued| rescued.copy.as_ref());
        let mut is_any = false;
        for (file, _) in copies {
            file.sync_data()?;
            is_any = true;
        }
        if is_any {
            dir.sync()?;
        }
        Ok(self.files.values().map(|rescued| Edit::BlobSealed(rescued.end)).collect())
    }

    /// Takes in that the edits are durable, the last of which is `edit`.
    pub fn install(&self, retired: &dyn Unlink, edit: u64, blobs: &Blobs) {
        for (&number, rescued) in &self.files {
            if let Some((file, before)) = &rescued.copy {
                blobs.move_to(number, rescued.end.place, Arc::clone(file));
                // A name that stays is cleared away by the next opening.
                let _left_behind = retired.unlink(&names::blob(*before), edit);
            }
            blobs.note_sealed(number);
        }
    }

    /// Gives the copies up.
    pub fn discard(&self, dir: &dyn Directory) {
        for rescued in self.files.values().filter(|rescued| rescued.copy.is_some()) {
            let _left_behind = dir.unlink(&names::blob(rescued.end.place));
        }
    }

    /// The same, when it is in doubt whether they are listed.
    pub fn forget_later(&self, manifest: &mut Manifest) {
        for rescued in self.files.values().filter(|rescued| rescued.copy.is_some()) {
            manifest.forget_later(names::blob(rescued.end.place));
        }
    }
}

fn lost() -> Error {
    let message = "a large value that was written before the fault cannot be read any more";
    Error::new(ErrorKind::Corruption, message)
}

/// Whether all that a batch refers to is there, as far as it is in doubt.
pub fn is_sound(
    catalog: &Catalog,
    blobs: &Blobs,
    batch: &Replayed<'_>,
    is_in_doubt: &dyn Fn(u64) -> bool,
) -> Result<bool> {
    let mut seqno = Some(batch.first);
    for record in read(batch.payload).flatten() {
        let own = seqno;
        seqno = seqno.and_then(|seqno| seqno.after(1));
        let is_needed = own.is_some_and(|own| own > catalog.flushed);
        if record.kind != Kind::BlobRef || !is_needed {
            continue;
        }
        let Some(reference) = BlobRef::decode(record.value) else { continue };
        let is_listed = catalog.blobs.contains_key(&reference.file);
        if !is_listed && catalog.has_keyspace(record.keyspace) {
            return Ok(false);
        }
        if !is_in_doubt(reference.file) || planted(Bug::BlobNotVerified) {
            continue;
        }
        match blobs.record(&reference) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Corruption => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Copies a file as far as it goes; `None` if some of it cannot be read, then it stays where it is.
fn copy(
    env: &Env,
    dir: &Arc<dyn Directory>,
    manifest: &mut Manifest,
    entry: &BlobEntry,
) -> Result<Copied> {
    let from = dir.open(&names::blob(entry.place), Access::Read)?;
    let place = manifest.take_number()?;
    let header =
        FileHeader { file_id: entry.file_id, ..file_header(env, manifest, FileKind::Blob, place)? };
    let name = names::blob(place);
    let to = dir.create(&name)?;
    let copied = write_all_at(to.as_ref(), &header.encode(), 0)
        .and_then(|()| copy_rest(from.as_ref(), to.as_ref()));
    let copied = copied.inspect_err(|_| drop(dir.unlink(&name)));
    Ok(Copied { file: to, place, bytes: copied? })
}

/// Answers how long the copy is. What cannot be read refuses the opening: where it lies it may
/// never become durable, if a sync of it has failed before.
fn copy_rest(from: &dyn File, to: &dyn File) -> Result<u64> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = HEADER_LEN as u64;
    loop {
        let read = read_full_at(from, &mut buffer, at)?;
        let part = buffer.get(..read).unwrap_or_default();
        if part.is_empty() {
            return Ok(at);
        }
        write_all_at(to, part, at)?;
        at += read as u64;
    }
}
