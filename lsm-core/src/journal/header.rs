//! The header of a new file.

use crate::base::error::Result;
use crate::env::world::Env;
use crate::record::header::{FileHeader, FileKind};
use crate::version::manifest::Manifest;

/// The header of a new file.
pub fn file_header(
    env: &Env,
    manifest: &Manifest,
    kind: FileKind,
    number: u64,
) -> Result<FileHeader> {
    let catalog = manifest.catalog();
    Ok(FileHeader {
        kind,
        compatible: 0,
        file_id: env.host.random()?,
        database_id: catalog.database_id,
        incarnation: catalog.incarnation,
        edit: manifest.durable_edit(),
        number,
        boot_id: env.host.boot_id(),
        clock_millis: catalog.clock_millis.max(env.clock.wall_millis()),
        flags: 0,
    })
}
