//! Names: ours come back, and what only looks like ours is not taken.

#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;

use crate::record::names::{FileName, HEADS, LOCK, NUMBER_MAX, log, manifest, table};

fn parse(name: &str) -> Option<FileName> {
    FileName::parse(OsStr::new(name))
}

#[test]
fn ours_come_back() {
    for number in [0, 1, 999_999, 1_000_000, NUMBER_MAX] {
        assert_eq!(parse(&log(number)), Some(FileName::Log(number)));
        assert_eq!(parse(&manifest(number)), Some(FileName::Manifest(number)));
        assert_eq!(parse(&table(number)), Some(FileName::Table(number)));
    }
    assert_eq!(parse(LOCK), Some(FileName::Lock));
    assert!(HEADS.iter().all(|head| parse(head.live) == Some(FileName::Head)));
    assert!(HEADS.iter().all(|head| parse(head.scratch) == Some(FileName::Scratch)));
}

#[test]
fn what_only_looks_like_ours_is_foreign() {
    let foreign = [
        "1.wal",
        "0000001.wal",
        "+00001.wal",
        "000001.WAL",
        "000001.wal~",
        "000001.wal.bak",
        ".wal",
        "18446744073709551616.wal",
        "281474976710655.wal",
        "a.head.bak",
        "c.head",
        "",
        "db.lock2",
        "000001.sst ",
        "1.sst",
    ];
    assert!(foreign.iter().all(|name| parse(name).is_none()));
}
