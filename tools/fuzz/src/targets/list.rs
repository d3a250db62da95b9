//! All targets.

use crate::target::Target;
use crate::targets::{
    block, directory, frames, large, log, manifest, merging, pack, primitive, script, table,
};

/// Every target, the quickest first.
pub const ALL: [Target; 31] = [
    primitive::VARINTS,
    primitive::NAMES,
    primitive::ORDER,
    primitive::OPTIONS,
    primitive::KEYSPACE_OPTIONS,
    primitive::FILTER,
    pack::LZ4,
    pack::ZSTD,
    merging::OPERANDS,
    frames::FILE_HEADER,
    frames::FRAME,
    frames::BATCH,
    frames::RECORDS,
    block::BLOCK,
    block::TOP,
    block::FOOTER,
    block::PROPERTIES,
    block::PARTS,
    block::TOMBSTONES,
    table::SEALED_BLOCK,
    table::TABLE,
    large::REFERENCE,
    large::LARGE_VALUE,
    large::LARGE_FILE,
    log::SEAM,
    log::LOG,
    log::LOCKFILE,
    manifest::EDIT,
    manifest::CATALOG,
    manifest::HEAD,
    manifest::MANIFEST,
];

/// Those that take a whole database.
pub const DATABASES: [Target; 2] = [directory::DIRECTORY, script::SCRIPT];

/// All of both.
pub fn all() -> impl Iterator<Item = Target> {
    ALL.into_iter().chain(DATABASES)
}

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    all().find(|target| target.name == name)
}
