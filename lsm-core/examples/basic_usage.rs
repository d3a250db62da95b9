//! The daily verbs: open, put, get, delete, batch, range, snapshot.
//!
//! `cargo run --release --example basic_usage [directory]`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for people")]

use lsm_core::{Db, Durability, Result, WriteOptions};

fn main() -> Result<()> {
    let chosen = std::env::args().nth(1);
    let own = std::env::temp_dir().join(format!("lsm-basic-usage-{}", std::process::id()));
    let db = Db::open(chosen.as_ref().map_or(own.as_path(), |path| path.as_ref()))?;

    // One key. What is put is there at once, for every reader.
    db.put("apple", "red")?;
    db.put("banana", "yellow")?;
    println!("apple is {:?}", db.get("apple")?);
    db.delete("apple")?;
    println!("apple is there: {}", db.contains_key("apple")?);

    // A write that survives power loss once it is acknowledged.
    db.put_with("cherry", "dark", &WriteOptions::new().durability(Durability::Durable))?;

    // A batch over two keyspaces: all of it or nothing.
    let users = db.keyspace("users")?;
    let mut batch = db.batch();
    batch.put(&users, "7", "Ada").put(&users, "8", "Grace").put(&db, "users", "2");
    db.write(&batch)?;

    // A snapshot keeps the moment; the newest goes on.
    let before = db.snapshot()?;
    users.delete_range("7"..="8")?;
    println!("users now: {}, before: {}", users.count(..)?, users.at(&before).count(..)?);

    // Ranges, forwards and backwards.
    for pair in db.range("b".."d") {
        let (key, value) = pair?;
        println!("{key:?} = {value:?}");
    }
    println!("the last fruit: {:?}", db.last()?);

    db.close()?;
    if chosen.is_none() {
        std::fs::remove_dir_all(&own).ok();
    }
    Ok(())
}
