//! Files of large values as the journal has them: made before they are written, and taken away when
//! nothing refers to them.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::blob::file::BlobEnd;
use crate::blob::record::Packed;
use crate::blob::reference::BlobRef;
use crate::blob::tail::Reserved;
use crate::env::fs::{Access, Directory, File, write_all_at};
use crate::journal::header::file_header;
use crate::journal::state::State;
use crate::record::header::{FileHeader, FileKind, HEADER_LEN};
use crate::record::names;
use crate::version::edit::Edit;
use crate::version::manifest::Manifest;

/// So many files may be full and not known to be durable before writers see to that themselves: an
/// opening after a crash copies them.
const UNSEALED_MAX: usize = 4;

/// A file of large values that was created and that nothing lists yet.
#[derive(Debug)]
pub struct NewBlob {
    /// The number in its name.
    pub number: u64,
    /// Its header, which stands in it.
    pub header: FileHeader,
    /// The file.
    pub file: Arc<dyn File>,
}

/// Writes a record, and answers the reference to it. What is answered beside it is kept until the
/// reference is in memory, or given up.
pub fn write_apart(state: &State, packed: Packed<'_>) -> Result<(BlobRef, Reserved)> {
    let reserved = reserve(state, packed.len())?;
    let reference = state.blobs.write(&reserved, packed)?;
    Ok((reference, reserved))
}

fn reserve(state: &State, len: u64) -> Result<Reserved> {
    if let Some(reserved) = state.blobs.reserve(len) {
        return Ok(reserved);
    }
    let _turn = state.blob_turn.take(state.env.scheduler.as_ref());
    loop {
        if let Some(reserved) = state.blobs.reserve(len) {
            return Ok(reserved);
        }
        begin_file(state)?;
    }
}

/// Goes on in a new file: its header, its name and its entry in the manifest are durable before the
/// first value goes in.
fn begin_file(state: &State) -> Result<()> {
    if state.blobs.unsealed().len() > UNSEALED_MAX {
        state.log.sync_blobs()?;
    }
    let new = new_blob(state)?;
    let (number, file_id) = (new.number, new.header.file_id);
    let name = names::blob(number);
    if let Err(error) = new.file.sync_data() {
        discard_blobs(state, &[number])?;
        return Err(error);
    }
    let mut manifest = state.take_manifest();
    if let Err(error) = state.commit(&mut manifest, &[Edit::BlobAdded { number, file_id }]) {
        // Whether it is listed is known once another commit has succeeded.
        state.new_names.end(number);
        manifest.forget_later(name);
        return Err(error);
    }
    // In the same turn: who takes up writing again after a fault copies every file that is listed,
    // and nothing is to be written to one that was copied.
    state.blobs.begin((number, file_id), new.file, HEADER_LEN as u64);
    drop(manifest);
    Ok(())
}

/// Creates a file under a number that was never used, and writes its header.
pub fn new_blob(state: &State) -> Result<NewBlob> {
    let (number, header) = {
        let mut manifest = state.take_manifest();
        let number = manifest.take_number()?;
        (number, file_header(&state.env, &manifest, FileKind::Blob, number)?)
    };
    state.new_names.begin(number);
    let name = names::blob(number);
    let created = state.dir.create(&name).and_then(|file| {
        let written = write_all_at(file.as_ref(), &header.encode(), 0);
        written.map(|()| file).inspect_err(|_| {
            // Nothing lists it, and the space may be what is missing.
            let _left_behind = state.dir.unlink(&name);
        })
    });
    let file = created.inspect_err(|_| state.new_names.end(number))?;
    Ok(NewBlob { number, header, file })
}

/// Takes away files that were made and that no edit came to list. If it is in doubt whether one
/// did, they go when that is settled.
pub fn discard_blobs(state: &State, numbers: &[u64]) -> Result<()> {
    let mut manifest = state.take_manifest();
    for &number in numbers {
        if manifest.catalog().blobs.contains_key(&number) {
            let message = "a file of large values that the database needs is to be unlinked";
            return Err(Error::new(ErrorKind::Internal, message));
        }
        state.new_names.end(number);
        let name = names::blob(number);
        if manifest.is_in_doubt() {
            manifest.forget_later(name);
        } else {
            unlink(state.dir.as_ref(), &name)?;
        }
    }
    Ok(())
}

/// Unlinks files that a durable edit has removed, and that nobody here reads any more, as soon as
/// no reader in another process needs them.
pub fn unlink_blobs(state: &State, numbers: &[u64]) -> Result<()> {
    let (is_listed, edit) = {
        let manifest = state.take_manifest();
        let blobs = &manifest.catalog().blobs;
        (numbers.iter().any(|number| blobs.contains_key(number)), manifest.catalog().edit)
    };
    if is_listed {
        let message = "a file of large values that the database needs is to be unlinked";
        return Err(Error::new(ErrorKind::Internal, message));
    }
    let places: Vec<u64> = numbers.iter().filter_map(|it| state.blobs.forget(*it)).collect();
    places.iter().try_for_each(|&place| state.retire(&names::blob(place), edit).map(drop))
}

fn unlink(dir: &dyn Directory, name: &str) -> Result<()> {
    match dir.unlink(name) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Holds a file that is to be listed against what is there.
pub fn check_new_blob(state: &State, manifest: &Manifest, end: &BlobEnd) -> Result<()> {
    let name = names::blob(end.place);
    let is_own = end.number < manifest.catalog().next_number && !manifest.will_forget(&name);
    if !is_own || state.dir.open(&name, Access::Read)?.len()? < end.bytes {
        let message = "a file of large values is to be listed that is not there as it should be";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}
