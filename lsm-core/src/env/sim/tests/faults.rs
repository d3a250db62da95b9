//! Every fault does what its name says, once or for as long as it is told to.

use std::path::Path;
use std::time::Duration;

use super::super::crash::CrashPolicy;
use super::super::faults::{Effect, Fault};
use super::super::op::OpKind;
use super::super::world::SimWorld;
use super::helpers::{disk_with_dir, durable_file, file_with};
use crate::base::error::ErrorKind;
use crate::env::clock::Clock;
use crate::env::fs::{Access, FileSystem, WINDOW_GRAIN, read_full_at, write_all_at};

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

#[test]
fn faults_are_read_as_they_are_printed() {
    let printed = [
        "sync_data(.log)#3:eio-drop",
        "sync_dir|sync_all()#1+:eio-keep",
        "write|store(log$)#2+:enospc",
        "*()#7:latency-5000us",
        "open(a)#1:emfile",
        "read(.sst$)#4:rot@12^64",
        "read()#1:flip@3^1",
        "write(a)#1:misdirect(b)+512",
        "write(a)#1:misdirect()+4096",
        "write()#1:lost-write",
        "write()#9:short-write",
        "read()#9:short-read",
        "store()#1:window-lost",
        "write()#5:full",
        "*()#5:read-only",
        "create()#1:errno-99",
    ];
    for text in printed {
        assert_eq!(fault(text).to_string(), text);
        assert_eq!(fault(&format!("fault={text}")), fault(text));
    }
    for text in ["", "write", "write()#x:eio", "wrote()#1:eio", "write()#1:sorry", "rot@1^999"] {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
    let built = Fault::new(&[OpKind::Write], "log$", Effect::Error(libc::EIO)).at(2).sticky();
    assert_eq!(built.to_string(), "write(log$)#2+:eio");
}

#[test]
fn an_error_strikes_the_nth_match_once_or_until_healed() {
    let (disk, dir) = disk_with_dir();
    disk.inject(fault("create(.log$)#2:eio"));
    disk.inject(fault("open(a)#1+:emfile"));
    dir.create("a.log").unwrap();
    dir.create("b").unwrap();
    let error = dir.create("b.log").unwrap_err();
    assert_eq!((error.kind(), error.os_code()), (ErrorKind::Io, Some(libc::EIO)));
    assert_eq!(error.path(), Some(Path::new("/db/b.log")));
    dir.create("b.log").unwrap();
    for _ in 0..3 {
        assert!(dir.open("a.log", Access::Read).unwrap_err().is_retryable());
        dir.open("b.log", Access::Read).unwrap();
    }
    disk.heal();
    dir.open("a.log", Access::Read).unwrap();
    let strikes: Vec<u64> = disk.fault_strikes().into_iter().map(|(_, count)| count).collect();
    assert_eq!(strikes, [1, 3]);
}

#[test]
fn space_is_counted_and_freed() {
    let (disk, dir) = disk_with_dir();
    disk.set_capacity(Some(1000));
    let first = file_with(&dir, "a", &[1; 600]);
    let second = dir.create("b").unwrap();
    assert_eq!(second.write_at(&[2; 500], 0).unwrap(), 400, "what fits is written");
    assert_eq!(second.write_at(&[2; 100], 400).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(second.write_at(&[3; 400], 0).unwrap(), 400, "overwriting needs no space");
    assert_eq!(second.allocate(401).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(second.set_len(401).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(dir.medium().unwrap().free_bytes, 0);
    second.set_len(100).unwrap();
    assert_eq!(dir.medium().unwrap().free_bytes, 300);
    dir.unlink("a").unwrap();
    assert_eq!(disk.used_bytes(), 700, "an open file keeps its space");
    drop(first);
    assert_eq!(disk.used_bytes(), 100);
    second.allocate(1000).unwrap();
    disk.heal();
    second.allocate(2000).unwrap();
    disk.inject(fault("write(b)#1:full"));
    assert_eq!(second.write_at(b"x", 2000).unwrap_err().kind(), ErrorKind::NoSpace);
}

#[test]
fn short_calls_do_half() {
    let (disk, dir) = disk_with_dir();
    disk.inject(fault("write()#1:short-write"));
    disk.inject(fault("read()#1:short-read"));
    let file = dir.create("a").unwrap();
    assert_eq!(file.write_at(b"123456", 0).unwrap(), 3);
    assert_eq!(disk.contents("/db/a").unwrap(), b"123");
    disk.inject(fault("write()#1+:short-write"));
    write_all_at(&*file, b"456789", 3).unwrap();
    let mut found = [0; 9];
    assert_eq!(file.read_at(&mut found, 0).unwrap(), 5);
    assert_eq!(read_full_at(&*file, &mut found, 0).unwrap(), 9);
    assert_eq!(&found, b"123456789");
}

#[test]
fn a_failed_sync_that_keeps_the_cache_is_never_made_good() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"old");
    write_all_at(&*file, b"new", 0).unwrap();
    disk.inject(fault("sync_data(a)#1:eio-keep"));
    assert_eq!(file.sync_data().unwrap_err().os_code(), Some(libc::EIO));
    file.sync_data().unwrap();
    assert_eq!(disk.contents("/db/a").unwrap(), b"new");
    assert!(!disk.is_durable("/db/a"));
    assert_eq!(disk.process_crash().contents("/db/a").unwrap(), b"new");
    // Not even the luckiest power cut brings it to the medium; a write made later goes there.
    write_all_at(&*file, b"er", 3).unwrap();
    file.sync_data().unwrap();
    for policy in CrashPolicy::ALL {
        assert_eq!(disk.crash(policy, 3).contents("/db/a").unwrap(), b"older", "{policy}");
    }
}

#[test]
fn a_failed_sync_that_drops_the_cache_shows_the_old_bytes() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"old");
    write_all_at(&*file, b"newer", 0).unwrap();
    disk.inject(fault("sync_all(a)#1:eio-drop"));
    assert!(file.sync_all().is_err());
    assert_eq!(disk.contents("/db/a").unwrap(), b"old");
    assert!(disk.is_durable("/db/a"));
}

#[test]
fn a_failed_sync_of_a_directory_is_never_made_good() {
    let (disk, dir) = disk_with_dir();
    file_with(&dir, "a", b"").sync_all().unwrap();
    disk.inject(fault("sync_dir(db)#1:eio-keep"));
    assert!(dir.sync().is_err());
    dir.sync().unwrap();
    assert!(!disk.is_durable("/db/a"));
    assert!(disk.contents("/db/a").is_ok());
    assert!(disk.crash(CrashPolicy::Everything, 0).contents("/db/a").is_err());
}

#[test]
fn a_failed_sync_of_a_window_loses_what_was_pending() {
    let (disk, dir) = disk_with_dir();
    let file = dir.create("log").unwrap();
    file.allocate(WINDOW_GRAIN).unwrap();
    file.sync_all().unwrap();
    dir.sync().unwrap();
    let window = file.map(0, WINDOW_GRAIN).unwrap();
    assert!(window.publish(0, b"HEAD", b"body"));
    disk.inject(fault("sync_window()#1:eio-keep"));
    assert!(window.sync(0, 8).is_err() && !window.is_lost());
    window.sync(0, 8).unwrap();
    assert_eq!(&disk.contents("/db/log").unwrap()[..8], b"HEADbody");
    let image = disk.crash(CrashPolicy::Everything, 0);
    assert_eq!(&image.contents("/db/log").unwrap()[..8], &[0; 8]);
}

#[test]
fn a_medium_can_refuse_every_change() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"bytes");
    disk.set_read_only(true);
    let refused = [
        dir.create("b").err(),
        dir.open("a", Access::ReadWrite).err(),
        dir.unlink("a").err(),
        dir.rename("a", "b").err(),
        dir.lock("a").err(),
        file.write_at(b"x", 0).err(),
        file.set_len(1).err(),
        file.allocate(9).err(),
        disk.create_dir(Path::new("/x")).err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().kind(), ErrorKind::ReadOnly);
    }
    assert!(dir.medium().unwrap().is_read_only);
    assert_eq!(dir.open("a", Access::Read).unwrap().read_at(&mut [0; 9], 0).unwrap(), 5);
    disk.heal();
    disk.inject(fault("write()#2:read-only"));
    file.write_at(b"x", 0).unwrap();
    assert_eq!(file.write_at(b"x", 0).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(dir.create("b").unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn slow_calls_let_time_pass() {
    let world = SimWorld::new(1);
    world.disk.inject(fault("create_dir(db)#1:latency-5000us"));
    world.env().fs.create_dir(Path::new("/db")).unwrap();
    assert_eq!(world.clock.monotonic(), Duration::from_millis(5));
}

#[test]
fn rot_stays_and_a_flip_does_not() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"abc");
    disk.inject(fault("read(a)#1:flip@4^1"));
    let mut found = [0; 3];
    file.read_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"acc");
    file.read_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"abc");
    disk.inject(fault("open(a)#1:rot@2^1"));
    dir.open("a", Access::Read).unwrap().read_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"abb");
    assert_eq!(disk.crash(CrashPolicy::SyncedOnly, 0).contents("/db/a").unwrap(), b"abb");
    disk.rot("/db/a", 0, 2).unwrap();
    disk.rot("/db/a", 99, 2).unwrap();
    assert_eq!(disk.contents("/db/a").unwrap(), b"cbb");
}

#[test]
fn writes_are_lost_or_land_elsewhere() {
    let (disk, dir) = disk_with_dir();
    let file = durable_file(&dir, "a", b"aaaaaa");
    durable_file(&dir, "b", b"bbbbbb");
    disk.inject(fault("write(a)#1:lost-write"));
    disk.inject(fault("write(a)#2:misdirect()+2"));
    disk.inject(fault("write(a)#3:misdirect(b)+1"));
    for byte in [b"x", b"y", b"z"] {
        assert_eq!(file.write_at(byte, 0).unwrap(), 1);
    }
    assert_eq!(disk.contents("/db/a").unwrap(), b"aayaaa");
    assert_eq!(disk.contents("/db/b").unwrap(), b"bzbbbb");
}

#[test]
fn a_window_can_lose_its_file() {
    for when in ["store()#2:window-lost", "sync_window()#1:window-lost", "store()#2:eio"] {
        let (disk, dir) = disk_with_dir();
        let file = dir.create("log").unwrap();
        file.allocate(WINDOW_GRAIN).unwrap();
        file.sync_all().unwrap();
        let window = file.map(0, WINDOW_GRAIN).unwrap();
        disk.inject(fault(when));
        assert!(window.publish(0, b"HEADhead", b"body"));
        window.sync(0, 12).unwrap();
        assert!(window.is_lost(), "{when}");
        assert!(!disk.is_durable("/db/log"));
        assert_ne!(&disk.crash(CrashPolicy::SyncedOnly, 0).paths(), &disk.paths());
        assert!(window.populate(0, WINDOW_GRAIN).is_err());
    }
}
