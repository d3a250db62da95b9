//! The file system as its users see it, apart from crashes.

use std::path::{Path, PathBuf};

use super::super::crash::CrashPolicy;
use super::super::disk::SimDisk;
use super::super::op::OpKind;
use super::helpers::{disk_with_dir, durable_file, file_with};
use crate::base::error::ErrorKind;
use crate::env::fs::{Access, EntryKind, FileSystem, WINDOW_GRAIN, read_full_at, write_all_at};

#[test]
fn bytes_are_read_back_and_holes_are_zeros() {
    let (_disk, dir) = disk_with_dir();
    let file = dir.create("a").unwrap();
    let bytes: Vec<u8> = (0..10_000u32).map(|index| index as u8).collect();
    write_all_at(&*file, &bytes, 5000).unwrap();
    assert_eq!(file.len().unwrap(), 15_000);
    let mut found = vec![9; 20_000];
    assert_eq!(read_full_at(&*file, &mut found, 0).unwrap(), 15_000);
    assert!(found[..5000].iter().all(|byte| *byte == 0));
    assert_eq!(&found[5000..15_000], &bytes);
    assert_eq!(file.read_at(&mut found, 15_000).unwrap(), 0);
    file.set_len(6000).unwrap();
    file.allocate(8192).unwrap();
    file.allocate(1).unwrap();
    assert_eq!(file.len().unwrap(), 8192);
    let mut tail = vec![9; 4000];
    assert_eq!(file.read_at(&mut tail, 5990).unwrap(), 8192 - 5990);
    assert_eq!(&tail[..10], &bytes[990..1000]);
    assert!(tail[10..8192 - 5990].iter().all(|byte| *byte == 0));
    assert_eq!(file.write_at(&[1], u64::MAX).unwrap_err().os_code(), Some(libc::EFBIG));
}

#[test]
fn names_obey_the_rules_of_a_file_system() {
    let (disk, dir) = disk_with_dir();
    file_with(&dir, "b", b"b");
    let open = file_with(&dir, "a", b"a");
    disk.create_dir(Path::new("/db/sub")).unwrap();
    disk.plant_other("/db/link").unwrap();
    let kinds: Vec<_> = dir.list().unwrap().into_iter().map(|entry| entry.kind).collect();
    let (file, other) = (EntryKind::File, EntryKind::Other);
    assert_eq!(kinds, [file, file, other, EntryKind::Directory]);
    assert_eq!(dir.create("a").unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(disk.create_dir(Path::new("/db")).unwrap_err().kind(), ErrorKind::Exists);
    assert!(disk.create_dir(Path::new("/no/such")).unwrap_err().is_not_found());
    assert!(disk.open_dir(Path::new("/no")).unwrap_err().is_not_found());
    assert!(!disk.open_dir(Path::new("/db/a")).unwrap_err().is_not_found());
    assert!(dir.open("no", Access::Read).unwrap_err().is_not_found());
    assert!(dir.unlink("no").unwrap_err().is_not_found());
    assert!(dir.rename("no", "a").unwrap_err().is_not_found());
    for name in ["sub", "link"] {
        let error = dir.open(name, Access::Read).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format, "{error}");
    }
    for name in ["", ".", "..", "a/b", "/db/a"] {
        assert!(dir.create(name).is_err(), "{name}");
    }
    dir.rename("a", "b").unwrap();
    assert_eq!(disk.contents("/db/b").unwrap(), b"a");
    dir.rename("b", "b").unwrap();
    dir.unlink("b").unwrap();
    let mut byte = [0];
    assert_eq!((open.read_at(&mut byte, 0).unwrap(), byte), (1, *b"a"));
    assert_eq!(disk.paths(), ["/db", "/db/link", "/db/sub"].map(PathBuf::from));
}

#[test]
fn a_lock_is_held_once_and_not_by_the_dead() {
    let (disk, dir) = disk_with_dir();
    assert!(dir.lock("LOCK").unwrap_err().is_not_found());
    drop(dir.create("LOCK").unwrap());
    let lock = dir.lock("LOCK").unwrap();
    assert_eq!(dir.lock("LOCK").unwrap_err().kind(), ErrorKind::Locked);
    lock.file().write_at(b"pid", 0).unwrap();
    disk.claim("/db/LOCK", 64, 8).unwrap();
    assert!(lock.is_claimed(60, 5).unwrap() && !lock.is_claimed(72, 9).unwrap());
    disk.release_claims();
    assert!(!lock.is_claimed(64, 8).unwrap() && !lock.is_forked());
    disk.set_forked(true);
    assert!(lock.is_forked());
    let next = disk.process_crash();
    next.open_dir(Path::new("/db")).unwrap().lock("LOCK").unwrap();
    drop(lock);
    dir.lock("LOCK").unwrap();
}

#[test]
fn a_window_shares_its_bytes_with_the_file() {
    let (disk, dir) = disk_with_dir();
    let file = dir.create("log").unwrap();
    assert_eq!(file.map(0, WINDOW_GRAIN).unwrap_err().kind(), ErrorKind::InvalidArgument);
    file.set_len(WINDOW_GRAIN).unwrap();
    assert!(file.map(0, WINDOW_GRAIN).is_err(), "what is not allocated is not mapped");
    file.allocate(2 * WINDOW_GRAIN).unwrap();
    file.sync_all().unwrap();
    assert!(file.map(1, WINDOW_GRAIN).is_err());
    let window = file.map(WINDOW_GRAIN, WINDOW_GRAIN).unwrap();
    window.populate(WINDOW_GRAIN, WINDOW_GRAIN).unwrap();
    assert!(window.publish(WINDOW_GRAIN, b"HEADhead", b"body"));
    assert!(!window.publish(0, b"HEADhead", b"body"));
    assert!(!window.publish(WINDOW_GRAIN + 4, b"HEADhead", b"body"));
    assert!(!window.publish(2 * WINDOW_GRAIN - 8, b"HEADhead", b"body"));
    assert!(!window.publish(WINDOW_GRAIN, b"HEA", b""));
    let mut found = [0; 12];
    drop(window);
    file.read_at(&mut found, WINDOW_GRAIN).unwrap();
    assert_eq!(&found, b"HEADheadbody");
    disk.set_allows_mapped_log(false);
    assert_eq!(file.map(0, WINDOW_GRAIN).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!dir.medium().unwrap().allows_mapped_log);
}

#[test]
fn a_window_whose_file_is_cut_is_lost() {
    let (disk, dir) = disk_with_dir();
    let file = dir.create("log").unwrap();
    file.allocate(WINDOW_GRAIN).unwrap();
    let window = file.map(0, WINDOW_GRAIN).unwrap();
    file.set_len(100).unwrap();
    assert!(window.publish(8, b"HEADhead", b"body") && !window.is_lost());
    assert!(window.publish(96, b"HEADhead", b"body") && window.is_lost());
    assert!(window.publish(8, b"headHEAD", b"body") && window.is_lost());
    assert_eq!(&disk.contents("/db/log").unwrap()[8..20], b"HEADheadbody");
}

#[test]
fn misuse_of_windows_is_told() {
    let (disk, dir) = disk_with_dir();
    let file = dir.create("log").unwrap();
    file.allocate(2 * WINDOW_GRAIN).unwrap();
    let window = file.map(0, 2 * WINDOW_GRAIN).unwrap();
    window.sync(0, 16).unwrap();
    assert!(disk.violations()[0].contains("length is not durable"), "{:?}", disk.violations());
    window.release(0, WINDOW_GRAIN);
    assert!(window.publish(WINDOW_GRAIN, b"HEAD", b""));
    assert_eq!(disk.violations().len(), 1);
    assert!(window.publish(0, b"HEAD", b""));
    assert!(disk.violations()[1].contains("released"), "{:?}", disk.violations());
}

#[test]
fn open_handles_are_counted() {
    let (disk, dir) = disk_with_dir();
    assert_eq!((disk.open_files(), disk.open_handles()), (0, 1));
    let first = dir.create("a").unwrap();
    let second = dir.open("a", Access::Read).unwrap();
    first.allocate(WINDOW_GRAIN).unwrap();
    let window = first.map(0, WINDOW_GRAIN).unwrap();
    let lock = dir.lock("a").unwrap();
    assert_eq!((disk.open_files(), disk.open_handles()), (4, 5));
    drop((first, second, window, lock));
    assert_eq!((disk.open_files(), disk.open_handles()), (0, 1));
}

#[test]
fn operations_are_numbered_and_told() {
    let (disk, dir) = disk_with_dir();
    let before = disk.op_count();
    disk.record_trace(true);
    disk.record_history(true);
    let file = file_with(&dir, "a", b"bytes");
    file.read_at(&mut [0; 3], 1).unwrap();
    file.sync_data().unwrap();
    dir.rename("a", "b").unwrap();
    dir.list().unwrap();
    let trace = disk.trace();
    let told: Vec<String> = trace.iter().map(ToString::to_string).collect();
    let numbered = |index: u64, text: &str| format!("#{} {text}", before + index);
    assert_eq!(
        told,
        [
            numbered(1, "create /db/a"),
            numbered(2, "write /db/a @0+5"),
            numbered(3, "read /db/a @1+3"),
            numbered(4, "sync_data /db/a"),
            numbered(5, "rename /db/a -> /db/b"),
            numbered(6, "list /db"),
        ]
    );
    let moments: Vec<u64> = disk.history().iter().map(|moment| moment.op_number).collect();
    assert_eq!(moments, [1, 2, 4, 5].map(|index| before + index));
    assert_eq!(disk.op_count(), before + 6);
    let first = SimDisk::crashed(&disk.history()[0], CrashPolicy::Everything, 0);
    assert_eq!(first.contents("/db/a").unwrap(), b"");
    for kind in OpKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(*kind));
    }
}

#[test]
fn hashes_know_images_and_runs() {
    let run = |bytes: &[u8]| {
        let (disk, dir) = disk_with_dir();
        durable_file(&dir, "a", bytes);
        disk
    };
    assert_eq!(run(b"one").trace_hash(), run(b"one").trace_hash());
    assert_ne!(run(b"one").trace_hash(), run(b"two").trace_hash());
    assert_eq!(run(b"one").image_hash(), run(b"one").image_hash());
    assert_ne!(run(b"one").image_hash(), run(b"two").image_hash());
    let disk = run(b"one");
    let hash = disk.image_hash();
    disk.plant("/db/a", b"two").unwrap();
    assert_eq!(disk.image_hash(), run(b"two").image_hash());
    disk.plant("/db/a", b"one").unwrap();
    disk.plant("/db/new/deep", b"").unwrap();
    assert_ne!(disk.image_hash(), hash);
    disk.remove("/db/new/deep").unwrap();
    assert!(disk.is_durable("/db/new") && !disk.is_durable("/db/new/deep"));
    // A hole and zeros that were written are the same bytes.
    let (holed, written) = (run(&[0; 5000]), run(b""));
    let dir = written.open_dir(Path::new("/db")).unwrap();
    dir.open("a", Access::ReadWrite).unwrap().set_len(5000).unwrap();
    dir.open("a", Access::ReadWrite).unwrap().sync_all().unwrap();
    assert_eq!(holed.image_hash(), written.image_hash());
}
