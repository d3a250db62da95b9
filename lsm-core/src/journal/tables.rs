//! Table files as the journal has them: their numbers, the checks before one is listed, and how
//! those that nobody needs go away.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, File};
use crate::journal::blobs::check_new_blob;
use crate::journal::header::file_header;
use crate::journal::state::State;
use crate::key::seqno::SeqNo;
use crate::options::keyspace::KeyspaceOptions;
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::Edit;
use crate::version::manifest::Manifest;
use crate::version::tree::TableMeta;

/// A table file that was created and that nothing lists yet.
#[derive(Debug)]
pub struct NewTable {
    /// The number in its name.
    pub number: u64,
    /// What its first bytes are to be; whoever fills the file writes them.
    pub header: FileHeader,
    /// The file, which is empty.
    pub file: Arc<dyn File>,
}

impl NewTable {
    /// Makes the contents durable, which comes before the edit that lists the file. The name
    /// becomes durable with that edit.
    pub fn sync(&self) -> Result<()> {
        if planted(Bug::TableSyncSkipped) {
            return Ok(());
        }
        self.file.sync_data()
    }
}

/// Creates a table file under a number that was never used.
pub fn new_table(state: &State) -> Result<NewTable> {
    let (number, header) = {
        let mut manifest = state.take_manifest();
        let number = manifest.take_number()?;
        (number, file_header(&state.env, &manifest, FileKind::Table, number)?)
    };
    state.new_names.begin(number);
    let created = state.dir.create(&names::table(number));
    let file = created.inspect_err(|_| state.new_names.end(number))?;
    Ok(NewTable { number, header, file })
}

/// Takes away table files that were made and that no edit came to list. If it is in doubt whether
/// one did, they go when that is settled.
pub fn discard_tables(state: &State, numbers: &[u64]) -> Result<()> {
    let mut manifest = state.take_manifest();
    check_unlisted(manifest.catalog(), numbers)?;
    for &number in numbers {
        state.new_names.end(number);
        let name = names::table(number);
        if manifest.is_in_doubt() {
            manifest.forget_later(name);
        } else {
            unlink(state, &name)?;
        }
    }
    Ok(())
}

/// Unlinks tables that a durable edit has removed, and that nobody here reads any more. Answers
/// those that are gone: others wait until no reader in another process needs them.
pub fn unlink_tables(state: &State, numbers: &[u64]) -> Result<Vec<u64>> {
    let edit = {
        let manifest = state.take_manifest();
        check_unlisted(manifest.catalog(), numbers)?;
        manifest.catalog().edit
    };
    let mut gone = Vec::with_capacity(numbers.len());
    for &number in numbers {
        if state.retire(&names::table(number), edit)? {
            gone.push(number);
        }
    }
    Ok(gone)
}

fn unlink(state: &State, name: &str) -> Result<()> {
    match state.dir.unlink(name) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

fn check_unlisted(catalog: &Catalog, numbers: &[u64]) -> Result<()> {
    if numbers.iter().any(|number| catalog.tables.contains_key(number)) {
        let message = "a table that the database needs is to be unlinked";
        return Err(Error::new(ErrorKind::Internal, message));
    }
    Ok(())
}

/// Refuses edits that a caller of the journal cannot mean. Everything else in the catalog follows
/// from what the journal does itself.
pub fn check_edits(state: &State, manifest: &Manifest, edits: &[Edit]) -> Result<()> {
    edits.iter().try_for_each(|edit| match edit {
        Edit::LogStart(start) if !state.log.has_left(*start) => {
            refuse("a log segment that may still be written cannot be retired")
        }
        Edit::TableAdded { meta, .. } => check_new_table(state, manifest, meta),
        Edit::Flushed(seqno) => check_given(state, *seqno),
        Edit::LogStart(_)
        | Edit::SliceMoved { .. }
        | Edit::SliceRemoved { .. }
        | Edit::BlobAdded { .. }
        | Edit::BlobRemoved(_)
        | Edit::KeyspaceDropped(_) => Ok(()),
        Edit::BlobSealed(end) => check_new_blob(state, manifest, end),
        Edit::KeyspaceOptions { text, .. } => check_options(text),
        _ => refuse("this edit is the journal's own to make"),
    })
}

/// Refuses what is not the text of options.
pub fn check_options(text: &str) -> Result<()> {
    KeyspaceOptions::parse(text).map(drop)
}

/// Holds a table that is to be listed against the file that is there.
fn check_new_table(state: &State, manifest: &Manifest, meta: &TableMeta) -> Result<()> {
    check_given(state, meta.seqno_max)?;
    let name = names::table(meta.number);
    if meta.number >= manifest.catalog().next_number || manifest.will_forget(&name) {
        return refuse("a table is to be listed whose number is not its own");
    }
    if state.dir.open(&name, Access::Read)?.len()? != meta.bytes {
        return refuse("a table is to be listed with a length that it does not have");
    }
    Ok(())
}

fn check_given(state: &State, seqno: SeqNo) -> Result<()> {
    if seqno >= state.log.next_seqno() && seqno > SeqNo::ZERO {
        return refuse("a table is to be listed with sequence numbers that were never given");
    }
    Ok(())
}

fn refuse(message: &str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidArgument, message))
}
