//! The durable ground, shown on this machine: write, kill, recover, damage, refuse.
//!
//! Run it with `make demo`. It works in a directory of its own that it removes, and fails if
//! anything is not as promised.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program that a person watches, on the real machine"
)]

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::env::os::world::real;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::{JournalOptions, OpenReport};
use lsm_core::options::durability::Durability;

type Outcome<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// So many batches are acknowledged before the writer is killed.
const KILL_AFTER: usize = 20_000;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, path] = arguments.as_slice() {
        if role == "writer" {
            return write_until_killed(Path::new(path));
        }
    }
    let dir = TempDir::new()?;
    let db = dir.0.join("db");
    first_steps(&db)?;
    kill_and_recover(&db)?;
    damage(&db)?;
    println!("\nEverything was as promised.");
    Ok(())
}

/// Opens the database; answers the batches that its log handed back too.
fn open(path: &Path) -> Result<(Journal, OpenReport, Vec<Vec<u8>>)> {
    let mut batches = Vec::new();
    let (journal, report) =
        Journal::open(&real(), path, JournalOptions::default(), &mut |_, batch| {
            batches.push(batch.payload.to_vec());
            Ok(())
        })?;
    Ok((journal, report, batches))
}

fn ensure(holds: bool, promise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(format!("this was not as promised: {promise}").into()) }
}

fn first_steps(db: &Path) -> Outcome {
    println!("1. A new database, and one batch of each durability");
    let (journal, report, _) = open(db)?;
    ensure(report.is_new, "the database is new")?;
    let way = if journal.is_mapped() { "through a mapping of its file" } else { "by pwrite" };
    println!("   records reach the log {way}");
    for (durability, word) in [
        (Durability::Buffered, "survives the death of this process, and power loss a second later"),
        (Durability::Volatile, "survives nothing yet, and is not in the log"),
        (Durability::Durable, "survives power loss now"),
    ] {
        let seqno = journal.append(b"a batch", 1, durability)?;
        let durable = journal.durable_seqno();
        println!(
            "   {durability:<8?} got sequence number {}, durable up to {}: {word}",
            seqno.get(),
            durable.get()
        );
        let is_durable = durability == Durability::Durable;
        ensure(!is_durable || durable >= seqno, "a Durable batch is durable")?;
    }
    let id = journal.create_keyspace("users", "")?;
    println!("   keyspace \"users\" is number {}", id.get());
    journal.close()?;
    let (journal, report, batches) = open(db)?;
    ensure(report.was_clean, "the database was closed in order")?;
    ensure(batches.len() == 2, "the two logged batches are there")?;
    ensure(journal.catalog()?.keyspaces.len() == 1, "the keyspace is there")?;
    println!("   closed and opened again: {} batches and the keyspace are there", batches.len());
    journal.close()?;
    Ok(())
}

fn payload(index: usize) -> Vec<u8> {
    format!("batch {index} {}", "x".repeat(index % 100)).into_bytes()
}

/// The other process: appends, and says so after each batch, until it is killed.
fn write_until_killed(db: &Path) -> Outcome {
    let (journal, _, batches) = open(db)?;
    let mut out = std::io::stdout().lock();
    for index in batches.len().. {
        let durability = if index % 1000 == 0 { Durability::Durable } else { Durability::Buffered };
        journal.append(&payload(index), 1, durability)?;
        writeln!(out, "{index}")?;
    }
    Ok(())
}

fn kill_and_recover(db: &Path) -> Outcome {
    println!("\n2. Another process writes, and is killed with SIGKILL in the middle of it");
    let program = std::env::current_exe()?;
    let child = Command::new(program).arg("writer").arg(db).stdout(Stdio::piped()).spawn()?;
    let mut child = Killed(child);
    let pipe = child.0.stdout.take().ok_or("the child has no pipe")?;
    let mut told: Vec<usize> = Vec::new();
    for line in BufReader::new(pipe).lines() {
        // What was in the pipe when it died was acknowledged as well.
        told.extend(line?.parse::<usize>().ok());
        if told.len() == KILL_AFTER {
            child.0.kill()?;
        }
    }
    let last = *told.last().ok_or("the other process wrote nothing")?;
    ensure(told.len() >= KILL_AFTER, "the other process wrote until it was killed")?;
    println!("   killed after it had acknowledged {} batches", told.len());
    child.0.wait()?;

    let (journal, report, batches) = open(db)?;
    ensure(!report.was_clean, "the database was not closed in order")?;
    ensure(batches.len() > last, "every acknowledged batch is there")?;
    ensure(batches.len() <= last + 2, "nothing is there that was never written")?;
    let is_same = |(index, batch): (usize, &Vec<u8>)| index < 2 || *batch == payload(index);
    ensure(batches.iter().enumerate().all(is_same), "every batch is what was written")?;
    println!(
        "   reopened: {} batches, and all that were acknowledged are among them",
        batches.len()
    );
    journal.close()?;
    Ok(())
}

fn damage(db: &Path) -> Outcome {
    println!("\n3. One byte of a closed log is flipped");
    let path = largest_log(db)?;
    let mut bytes = fs::read(&path)?;
    let at = bytes.len() / 2;
    *bytes.get_mut(at).ok_or("the log is empty")? ^= 1;
    fs::write(&path, &bytes)?;
    println!("   flipped the lowest bit of byte {at}");
    let Err(error) = open(db) else { return Err("damage went unnoticed".into()) };
    println!("   opening answers {:?}: {error}", error.kind());
    ensure(error.kind() == ErrorKind::Corruption, "the error is typed")?;
    ensure(error.path() == Some(path.as_path()), "the error names the file")?;
    ensure(error.offset().is_some_and(|found| found <= at as u64), "the error names the place")?;

    *bytes.get_mut(at).ok_or("the log is empty")? ^= 1;
    fs::write(&path, &bytes)?;
    let (journal, _, batches) = open(db)?;
    println!("   flipped back, it opens again with all {} batches", batches.len());
    journal.close()?;
    Ok(())
}

fn largest_log(db: &Path) -> Outcome<PathBuf> {
    let entries = fs::read_dir(db)?.collect::<std::result::Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let logs = paths.filter(|path| path.extension().is_some_and(|kind| kind == "wal"));
    let size = |path: &PathBuf| fs::metadata(path).map(|data| data.len()).unwrap_or(0);
    Ok(logs.max_by_key(size).ok_or("there is no log")?)
}

/// A process that does not outlive this one.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _dead_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

/// A directory that goes away with this value.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Outcome<Self> {
        let temp = std::env::temp_dir().canonicalize()?;
        let path = temp.join(format!("lsm-ground-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}
