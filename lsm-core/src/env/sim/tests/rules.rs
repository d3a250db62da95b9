//! Planted misuse is found, and correct use is not accused.

use std::path::Path;

use super::super::op::{Op, OpKind};
use super::super::rules::{NoWriteAfterFailure, NoWriteInReadOnlyMode, SyncedBeforeRename, View};
use super::helpers::{disk_with_dir, durable_file, file_with};
use crate::base::error::Error;
use crate::env::fs::{Access, FileSystem, WINDOW_GRAIN};

#[test]
fn nothing_is_written_after_a_failed_write() {
    let (disk, dir) = disk_with_dir();
    disk.add_rule(NoWriteAfterFailure::default());
    let file = file_with(&dir, "a", b"1");
    disk.inject("write(a)#1:eintr".parse().unwrap());
    disk.inject("write(a)#2:eio".parse().unwrap());
    assert!(file.write_at(b"2", 1).is_err());
    assert!(file.write_at(b"2", 1).is_err());
    assert_eq!(disk.violations(), Vec::<String>::new());
    file.sync_data().unwrap();
    file_with(&dir, "b", b"another file").sync_data().unwrap();
    assert_eq!(disk.violations(), Vec::<String>::new());
    dir.rename("a", "c").unwrap();
    dir.open("c", Access::ReadWrite).unwrap().write_at(b"2", 1).unwrap();
    let found = disk.violations();
    assert!(found.len() == 1 && found[0].ends_with("a write after a failed write"), "{found:?}");
}

#[test]
fn nothing_is_written_or_synced_after_a_failed_sync() {
    let (disk, dir) = disk_with_dir();
    disk.add_rule(NoWriteAfterFailure::default());
    let file = dir.create("log").unwrap();
    file.allocate(WINDOW_GRAIN).unwrap();
    file.sync_all().unwrap();
    let window = file.map(0, WINDOW_GRAIN).unwrap();
    disk.inject("sync_window()#1:eio-keep".parse().unwrap());
    assert!(window.sync(0, 8).is_err());
    assert!(window.publish(0, b"HEAD", b""));
    file.sync_data().unwrap();
    let found = disk.violations();
    assert!(found[0].ends_with("/db/log @0+4: a write after a failed sync"), "{found:?}");
    assert!(found[1].ends_with("/db/log: a sync after a failed sync"), "{found:?}");
}

#[test]
fn a_lost_window_is_not_written_again() {
    let (disk, dir) = disk_with_dir();
    disk.add_rule(NoWriteAfterFailure::default());
    let file = dir.create("log").unwrap();
    file.allocate(WINDOW_GRAIN).unwrap();
    let window = file.map(0, WINDOW_GRAIN).unwrap();
    disk.inject("store()#1:window-lost".parse().unwrap());
    assert!(window.publish(0, b"HEADhead", b"body"));
    assert_eq!(disk.violations(), Vec::<String>::new());
    assert!(window.publish(16, b"HEADhead", b"body"));
    assert_eq!(disk.violations().len(), 1);
}

#[test]
fn a_reader_writes_nothing() {
    let (disk, dir) = disk_with_dir();
    durable_file(&dir, "a", b"1");
    disk.add_rule(NoWriteInReadOnlyMode);
    let file = dir.open("a", Access::Read).unwrap();
    file.read_at(&mut [0], 0).unwrap();
    dir.list().unwrap();
    assert_eq!(disk.violations(), Vec::<String>::new());
    // The disk itself tells of this one too.
    assert_eq!(file.write_at(b"2", 0).unwrap_err().os_code(), Some(libc::EBADF));
    assert_eq!(disk.violations().len(), 2);
    dir.open("a", Access::ReadWrite).unwrap();
    dir.lock("a").unwrap();
    dir.sync().unwrap();
    assert_eq!(disk.violations().len(), 5);
}

#[test]
fn what_takes_a_name_has_its_bytes_first() {
    let (disk, dir) = disk_with_dir();
    disk.add_rule(SyncedBeforeRename);
    let file = file_with(&dir, "head.tmp", b"1");
    dir.rename("head.tmp", "head").unwrap();
    assert_eq!(disk.violations().len(), 1);
    file.sync_data().unwrap();
    dir.rename("head", "other").unwrap();
    assert_eq!(disk.violations().len(), 1);
}

#[test]
fn a_closure_is_a_rule() {
    let (disk, dir) = disk_with_dir();
    let manifest = Path::new("/db/manifest");
    disk.add_rule(move |op: &Op, failure: Option<&Error>, disk: &View<'_>| {
        let is_early = op.kind == OpKind::Unlink
            && failure.is_none()
            && disk.exists(manifest)
            && !disk.is_durable(manifest);
        is_early.then(|| "unlinked before the manifest was durable".to_owned())
    });
    durable_file(&dir, "a", b"");
    durable_file(&dir, "b", b"");
    let file = file_with(&dir, "manifest", b"edit");
    file.sync_data().unwrap();
    dir.unlink("a").unwrap();
    assert_eq!(disk.violations().len(), 1);
    dir.sync().unwrap();
    dir.unlink("b").unwrap();
    assert_eq!(disk.violations().len(), 1);
    assert!(!disk.is_durable("/db/b"));
    disk.open_dir(Path::new("/db")).unwrap();
}
