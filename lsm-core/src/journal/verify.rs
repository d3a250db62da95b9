//! Holds the ground against itself: both heads, the manifest that they name, the log up to its end,
//! and the CRC of every sealed segment.
//!
//! It is done in the manifest's turn, so that nothing is listed, sealed or unlinked meanwhile. What
//! is appended meanwhile lies behind the end, and is not looked at. A reader holds what it finds
//! now against itself, since the writer has gone on.

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Access, Directory};
use crate::journal::follow::{Follow, Follower, Patience};
use crate::journal::recovery::{bounded, listed_of, witness_of};
use crate::journal::state::{State, crc_of};
use crate::key::seqno::SeqNo;
use crate::record::names;
use crate::version::catalog::Catalog;
use crate::version::edit::Seal;
use crate::version::head::{FoundHeads, read_heads};
use crate::version::manifest::Manifest;
use crate::wal::chain::follow::Taken;
use crate::wal::chain::{Replayed, check_chain};

/// So many bytes of sealed log segments `verify` will read.
pub fn sealed_bytes(catalog: &Catalog) -> u64 {
    let seals = catalog.logs.values().filter_map(|entry| entry.seal);
    seals.fold(0u64, |sum, seal| sum.saturating_add(seal.end))
}

/// Checks heads, manifest and log. `told` hears how many bytes of sealed segments were read.
pub fn verify(state: &State, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
    if state.is_read_only {
        return verify_followed(state, told);
    }
    let manifest = state.take_manifest();
    check_heads_and_manifest(state, &manifest)?;
    let catalog = manifest.catalog();
    let end = state.log.end();
    let listed = bounded(listed_of(catalog), &end);
    let witness = witness_of(catalog, state.env.host.as_ref());
    check_chain(state.dir.as_ref(), &listed, &witness)?;
    for (&number, entry) in &catalog.logs {
        if let Some(seal) = entry.seal {
            check_sealed(state, number, &seal)?;
            told(seal.end)?;
        }
    }
    Ok(())
}

/// The same beside a writer.
fn verify_followed(state: &State, told: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
    let dir = &state.dir;
    let mut follower = Follower::new(&state.env, dir.clone(), None);
    follower.refresh(&mut Nobody, Patience::Waits)?;
    // Whether they agree is seen between two changes only.
    check_heads(&read_heads(dir.as_ref())?, dir.as_ref())?;
    let Some(catalog) = follower.catalog() else { return Ok(()) };
    for (&number, entry) in &catalog.logs {
        let Some(seal) = entry.seal else { continue };
        match check_sealed(state, number, &seal) {
            // It was retired in between, and nothing keeps it for a reader without a slot.
            Err(error) if error.is_not_found() => {}
            checked => checked?,
        }
        told(seal.end)?;
    }
    Ok(())
}

/// Takes nothing in.
struct Nobody;

impl Follow for Nobody {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn forget_up_to(&mut self, _: SeqNo) -> Result<bool> {
        Ok(true)
    }

    fn take_in(&mut self, _: &Catalog, _: &Replayed<'_>) -> Result<Taken> {
        Ok(Taken::Yes)
    }
}

/// Refuses a head that is damaged, or missing.
fn check_heads(heads: &FoundHeads, dir: &dyn Directory) -> Result<()> {
    if let Some(damage) = &heads.damage {
        return Err(damage.clone());
    }
    if heads.present < 2 {
        return Err(Error::new(ErrorKind::Corruption, "a head is missing").at_path(dir.path()));
    }
    Ok(())
}

fn check_heads_and_manifest(state: &State, manifest: &Manifest) -> Result<()> {
    let heads = read_heads(state.dir.as_ref())?;
    check_heads(&heads, state.dir.as_ref())?;
    let wrong =
        |message: &str| Err(Error::new(ErrorKind::Corruption, message).at_path(state.dir.path()));
    // What a failed commit has left is settled by the next one.
    if manifest.is_in_doubt() {
        return Ok(());
    }
    if !heads.agree {
        return wrong("the heads contradict each other");
    }
    let read = Manifest::recover(state.dir.clone(), state.env.host.clone(), &heads, 0)?.manifest;
    let (found, known) = (read.catalog(), manifest.catalog());
    let is_same = found.blobs == known.blobs
        && (found.edit, &found.tables, &found.logs, &found.keyspaces, &found.options)
            == (known.edit, &known.tables, &known.logs, &known.keyspaces, &known.options);
    if is_same { Ok(()) } else { wrong("the manifest is not what was committed to it") }
}

fn check_sealed(state: &State, number: u64, seal: &Seal) -> Result<()> {
    let file = state.dir.open(&names::log(number), Access::Read)?;
    if file.len()? < seal.end || crc_of(file.as_ref(), seal.end)? != seal.crc {
        let message = "the log segment does not match its CRC in the manifest";
        return Err(Error::corruption(file.path(), 0, message));
    }
    Ok(())
}
