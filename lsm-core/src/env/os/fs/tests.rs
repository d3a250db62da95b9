//! Directories by path.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::env::os::testing::TempDir;

fn refusal(path: &Path) -> (ErrorKind, String) {
    let error = OsFileSystem.open_dir(path).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn creates_private_directories_once() {
    let temp = TempDir::new();
    let path = temp.join("db");
    OsFileSystem.create_dir(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(OsFileSystem.create_dir(&path).unwrap_err().kind(), ErrorKind::Exists);
    assert!(OsFileSystem.create_dir(&temp.join("a/b")).unwrap_err().is_not_found());
    assert_eq!(OsFileSystem.open_dir(&path).unwrap().path(), path);
}

#[test]
fn a_missing_directory_is_not_found() {
    let temp = TempDir::new();
    assert!(OsFileSystem.open_dir(&temp.join("none")).unwrap_err().is_not_found());
    assert!(OsFileSystem.open_dir(Path::new("")).unwrap_err().is_not_found());
}

#[test]
fn what_is_no_directory_is_named() {
    let temp = TempDir::new();
    fs::create_dir(temp.join("db")).unwrap();
    fs::write(temp.join("file"), "x").unwrap();
    symlink("db", temp.join("link")).unwrap();
    symlink("nowhere", temp.join("dangling")).unwrap();
    temp.make_pipe("pipe");
    for (name, noun) in [
        ("file", "a regular file"),
        ("link", "a symbolic link"),
        ("link/", "a symbolic link"),
        ("link/.", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("pipe", "a pipe"),
    ] {
        let (kind, message) = refusal(&temp.join(name));
        assert_eq!(kind, ErrorKind::Format, "{name}: {message}");
        assert!(message.contains(noun), "{name}: {message}");
    }
    // A link on the way there is the caller's business.
    fs::create_dir(temp.join("db/inner")).unwrap();
    assert!(OsFileSystem.open_dir(&temp.join("link/inner/")).is_ok());
}
