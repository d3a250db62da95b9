//! The system's directories, by path. This is the only place that takes a path.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the real file system")]

#[cfg(test)]
mod tests;

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::{Directory, FileSystem};
use crate::env::os::dir::OsDirectory;
use crate::env::os::sys::{self, Mode};

/// The file system that this process sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFileSystem;

impl FileSystem for OsFileSystem {
    fn create_dir(&self, path: &Path) -> Result<()> {
        sys::retry(|| fs::DirBuilder::new().mode(0o700).create(path))
            .map_err(|error| Error::from_io("create the directory", path, error))
    }

    fn remove_dir(&self, path: &Path) -> Result<()> {
        sys::retry(|| fs::remove_dir(path))
            .map_err(|error| Error::from_io("remove the directory", path, error))
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        let mut options = fs::OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NONBLOCK);
        let dir = sys::retry(|| options.open(path));
        dir.and_then(|dir| sys::retry(|| dir.sync_all()))
            .map_err(|error| Error::from_io("sync the directory", path, error))
    }

    fn open_dir(&self, path: &Path) -> Result<Arc<dyn Directory>> {
        Ok(Arc::new(open(path)?))
    }
}

/// Opens a directory by its path.
pub(super) fn open(path: &Path) -> Result<OsDirectory> {
    // With a slash or `/.` behind it, a link would be followed: the components leave both out.
    let path: PathBuf = path.components().collect();
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match options.open(&path) {
        Ok(dir) => Ok(OsDirectory::new(dir, path)),
        Err(error) => {
            // What it is says more than the error, which for a link differs between systems.
            if let Ok(metadata) = fs::symlink_metadata(&path) {
                let mode = Mode(metadata.mode());
                if !mode.is_directory() {
                    let message = format!("this is {}, and should be a directory", mode.noun());
                    let error = Error::new(ErrorKind::Format, message).at_path(&path);
                    return Err(error.with_os_code(libc::ENOTDIR));
                }
            }
            Err(Error::from_io("open the directory", &path, error))
        }
    }
}
