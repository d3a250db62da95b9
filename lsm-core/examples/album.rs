//! Pictures apart from their names: large values in files that are written once.
//!
//! `cargo run -p lsm-core --example album DIRECTORY`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use lsm_core::{Db, KeyspaceOptions, Result};

fn files(db: &Db) -> u64 {
    db.stats().blobs.files
}

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "album.lsm".into());
    let db = Db::open(path)?;
    // From 4096 bytes on if nothing is chosen.
    let from_one_kib = KeyspaceOptions::new().blob_threshold(1024);
    let pictures = db.keyspace_with("pictures", from_one_kib)?;
    for (name, bytes) in [("sea", 60_000), ("icon", 200), ("hills", 90_000)] {
        pictures.put(name, vec![b'#'; bytes])?;
    }
    // No picture is read for that.
    for name in pictures.iter().keys() {
        println!("{}", String::from_utf8_lossy(&name?));
    }
    println!("sea: {} bytes", pictures.get("sea")?.map_or(0, |picture| picture.len()));
    println!("files of large values: {}", files(&db));
    pictures.delete_range(..)?;
    pictures.compact(..)?;
    db.wait_idle()?;
    println!("files when all are deleted: {}", files(&db));
    db.close()
}
