//! Inputs that are kept in files: `corpus/TARGET/NAME`, where a name is the hash of what is in it.

use std::fs;
use std::path::{Path, PathBuf};

use lsm_core::base::checksum::hash64;

use crate::specimen::Specimen;
use crate::target::Target;

/// Where the corpora are.
#[must_use]
pub fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The inputs of a target with their files, in order of their names.
#[must_use]
pub fn read(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| Some((path.clone(), fs::read(path).ok()?))).collect()
}

/// Writes an input to its file; true if it was not there.
pub fn keep(target: &Target, input: &[u8]) -> std::io::Result<bool> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{:016x}", hash64(input)));
    if path.exists() {
        return Ok(false);
    }
    fs::write(path, input)?;
    Ok(true)
}

/// Writes the inputs that a target begins with; answers how many were not there.
pub fn seed(target: &Target) -> std::io::Result<usize> {
    let seeds = (target.seeds)(Specimen::get());
    let mut new = 0;
    for seed in seeds {
        new += usize::from(keep(target, &seed)?);
    }
    Ok(new)
}
