//! Names in a directory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;
use crate::env::os::fs;
use crate::env::os::testing::TempDir;

fn names(dir: &OsDirectory) -> Vec<String> {
    dir.list().unwrap().into_iter().map(|entry| entry.name.into_string().unwrap()).collect()
}

#[test]
fn names_come_and_go() {
    let temp = TempDir::new();
    let dir = fs::open(temp.path()).unwrap();
    assert!(names(&dir).is_empty());
    let file = dir.create("a").unwrap();
    assert_eq!(file.path(), temp.join("a"));
    assert_eq!(dir.create("a").unwrap_err().kind(), ErrorKind::Exists);
    file.write_at(b"first", 0).unwrap();
    dir.create("b").unwrap().write_at(b"second", 0).unwrap();
    dir.sync().unwrap();

    dir.rename("a", "b").unwrap();
    assert_eq!(names(&dir), ["b"]);
    assert_eq!(dir.open("b", Access::Read).unwrap().len().unwrap(), 5);
    assert!(dir.open("a", Access::Read).unwrap_err().is_not_found());
    assert!(dir.rename("a", "c").unwrap_err().is_not_found());

    dir.unlink("b").unwrap();
    assert!(dir.unlink("b").unwrap_err().is_not_found());
    assert_eq!(file.len().unwrap(), 5, "an open file lives on");
    dir.sync().unwrap();
}

#[test]
fn only_plain_names_are_taken() {
    let temp = TempDir::new();
    let dir = fs::open(temp.path()).unwrap();
    for name in ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b"] {
        assert_eq!(dir.create(name).unwrap_err().kind(), ErrorKind::InvalidArgument, "{name:?}");
        let opened = dir.open(name, Access::Read);
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::InvalidArgument, "{name:?}");
        assert_eq!(dir.unlink(name).unwrap_err().kind(), ErrorKind::InvalidArgument, "{name:?}");
        assert_eq!(dir.lock(name).unwrap_err().kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
}

#[test]
fn lists_kinds_in_order() {
    let temp = TempDir::new();
    let dir = fs::open(temp.path()).unwrap();
    dir.create("m").unwrap();
    std::fs::create_dir(temp.join("z")).unwrap();
    symlink("m", temp.join("b")).unwrap();
    temp.make_pipe("c");
    let _socket = UnixListener::bind(temp.join("d")).unwrap();
    let found: Vec<_> =
        dir.list().unwrap().into_iter().map(|e| (e.name.into_string().unwrap(), e.kind)).collect();
    let expected = [
        ("b", EntryKind::Other),
        ("c", EntryKind::Other),
        ("d", EntryKind::Other),
        ("m", EntryKind::File),
        ("z", EntryKind::Directory),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (String::from(name), kind)));
    assert_eq!(dir.list().unwrap().len(), 5, "a list starts from the front each time");
}

#[test]
fn stays_the_same_directory_when_its_path_changes() {
    let temp = TempDir::new();
    std::fs::create_dir(temp.join("db")).unwrap();
    let dir = fs::open(&temp.join("db")).unwrap();
    std::fs::rename(temp.join("db"), temp.join("moved")).unwrap();
    std::fs::create_dir(temp.join("db")).unwrap();
    dir.create("a").unwrap();
    assert!(temp.join("moved/a").exists());
    assert!(!temp.join("db/a").exists());
}

#[test]
fn the_medium_is_known() {
    let temp = TempDir::new();
    let medium = fs::open(temp.path()).unwrap().medium().unwrap();
    assert!(medium.free_bytes > 0);
    assert!(!medium.is_read_only);
    #[cfg(target_os = "linux")]
    {
        assert_eq!(traits_of(0xef53), (false, true));
        assert_eq!(traits_of(0x0102_1994), (false, true));
        assert_eq!(traits_of(0x5846_5342), (false, true));
        assert_eq!(traits_of(0x6969), (true, false));
        assert_eq!(traits_of(0xff53_4d42), (true, false));
        assert_eq!(traits_of(0x9123_683e), (false, false), "btrfs");
        let proc = fs::open(Path::new("/proc")).unwrap().medium().unwrap();
        assert!(!proc.allows_mapped_log);
    }
}
