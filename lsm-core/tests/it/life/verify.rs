//! Verify: every byte of every file is held against something, damage is told with file and byte,
//! and whoever waits can stop it.

use std::ops::ControlFlow;
use std::path::Path;

use lsm_core::api::db::Db;
use lsm_core::base::error::{Error, ErrorKind};
use lsm_core::options::progress::{CallOptions, Progress};

use crate::harness::disk::files_of;
use crate::harness::engine::rich::{fill, open_at, options, reading, rich};
use crate::machine::kit::TempDir;

fn verify(db: &Db) -> Error {
    db.verify().expect_err("the damage is there")
}

fn is_told(error: &Error, path: &str) {
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error:?}");
    assert_eq!(error.path(), Some(Path::new(path)), "{error:?}");
    assert!(error.offset().is_some(), "{error:?}");
}

#[test]
fn damage_to_any_file_is_found_while_the_database_is_open() {
    let (disk, _) = rich(false);
    let (_world, opened) = open_at(&disk, reading(), 41);
    let db = opened.unwrap();
    db.verify().unwrap();
    let mut met = Vec::new();
    for (path, bytes) in files_of(&disk) {
        if path.ends_with("db.lock") || bytes.is_empty() {
            continue;
        }
        // The header, and something in the middle. Behind its end a log holds nothing.
        let places = if path.ends_with(".wal") { vec![70, 140] } else { vec![70, bytes.len() / 2] };
        for at in places {
            disk.rot(&path, at as u64, 0x40).unwrap();
            is_told(&verify(&db), &path);
            disk.rot(&path, at as u64, 0x40).unwrap();
            db.verify().unwrap();
        }
        met.push(path.rsplit('.').next().unwrap().to_owned());
    }
    met.dedup();
    for end in ["sst", "wal", "manifest", "head"] {
        assert!(met.iter().any(|it| it == end), "no file of kind {end}: {met:?}");
    }
}

#[test]
fn it_tells_how_far_it_is_and_stops_when_told_to() {
    let (disk, _) = rich(true);
    let (_world, opened) = open_at(&disk, options(), 42);
    let db = opened.unwrap();
    let mut all = Vec::new();
    let mut told = |progress: Progress| {
        all.push(progress);
        ControlFlow::Continue(())
    };
    db.verify_with(CallOptions::new().progress(&mut told)).unwrap();
    assert!(all.len() > 2 && all.is_sorted_by(|a, b| a.done <= b.done), "{all:?}");
    assert_eq!(all.last().map(|it| it.done == it.total && it.total > 0), Some(true), "{all:?}");
    for stop in 0..all.len() {
        let mut calls = 0;
        let mut told = |_| {
            calls += 1;
            if calls > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let error = db.verify_with(CallOptions::new().progress(&mut told)).unwrap_err();
        assert_eq!((error.kind(), calls), (ErrorKind::Aborted, stop + 1));
    }
    let mut told = |_| ControlFlow::Break(());
    let counted = db.iter().count_keys_with(CallOptions::new().progress(&mut told));
    assert_eq!(counted.unwrap_err().kind(), ErrorKind::Aborted);
    db.put("goes", "on").unwrap();
}

/// Writers, flushes and merges go on while everything is verified: nothing is found that is not
/// there.
#[test]
fn it_finds_nothing_in_a_database_that_is_being_written() {
    let dir = TempDir::new();
    let db = Db::builder(dir.db()).options(options().memtable_bytes(8 << 10)).open().unwrap();
    fill(&db).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..4000u32 {
                db.put(format!("key {:05}", round * 7 % 3000), vec![1; 50]).unwrap();
                if round % 900 == 0 {
                    db.flush().unwrap();
                }
            }
        });
        let mut rounds = 0;
        while !writer.is_finished() || rounds < 3 {
            db.verify().unwrap();
            rounds += 1;
        }
    });
    db.close().unwrap();
}
