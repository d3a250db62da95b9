//! Specimens: small databases with something of everything, to be damaged.

use std::collections::BTreeMap;
use std::time::Duration;

use lsm_core::base::error::{Error, ErrorKind, Result};
use lsm_core::env::sim::crash::Moment;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::harness::disk::{Files, PATH, files_of};
use crate::harness::ground::reference::Recovered;
use crate::harness::ground::subject::{kill, open};
use crate::harness::ground::tables::{Batch, Versions};
use crate::harness::images::caught;

pub struct Specimen {
    pub mode: LogMode,
    pub moment: Moment,
    pub files: Files,
    /// What it holds, and the sequence number that comes next.
    pub truth: (Recovered, u64),
    /// The same files at earlier moments.
    pub older: Vec<Files>,
    /// The byte of each log segment up to which a watermark vouches for it.
    pub vouched: BTreeMap<String, u64>,
    /// So many batches are vouched for.
    pub vouched_batches: usize,
}

/// What an opening made of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Refused,
    /// The first so many batches.
    Shorter(usize),
}

/// Opens, appends to learn which number comes next, and dies.
pub fn look(disk: &SimDisk, mode: LogMode) -> Result<(Recovered, u64)> {
    let (world, opened) = open(disk, mode, 5001);
    let (journal, _, recovered) = opened?;
    let next = journal.append(b"next", 1, Durability::Volatile);
    kill(&world, journal);
    Ok((recovered, next?.get()))
}

fn append(journal: &Journal, size: usize, durability: Durability) -> Batch {
    let payload: Vec<u8> = (0..size).map(|at| (size * 31 + at * 7) as u8 | 1).collect();
    let count = size as u32 % 3 + 1;
    let last = journal.append(&payload, count, durability).unwrap();
    (last.get() - u64::from(count - 1), count, payload)
}

fn idle(world: &SimWorld) {
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(1));
        world.scheduler.run_until_idle();
    }
}

/// The first life of every specimen: several segments, sizes and keyspaces, closed in order.
fn first_life(disk: &SimDisk, mode: LogMode, seed: u64, older: &mut Vec<Files>) {
    let journal = open(disk, mode, seed).1.unwrap().0;
    let first = append(&journal, 0, Durability::Buffered);
    let second = append(&journal, 40, Durability::Durable);
    older.push(files_of(disk));
    Versions::of(&journal).flush(&journal, &[first, second]).unwrap();
    journal.create_keyspace("first", "block_bytes=512").unwrap();
    append(&journal, 1, Durability::Volatile);
    append(&journal, 7, Durability::Buffered);
    journal.rotate().unwrap();
    append(&journal, 8, Durability::Buffered);
    append(&journal, 9, Durability::Durable);
    older.push(files_of(disk));
    journal.create_keyspace("second keyspace", "").unwrap();
    journal.rotate().unwrap();
    append(&journal, 600, Durability::Buffered);
    journal.close().unwrap();
    older.push(files_of(disk));
}

/// The second life, up to its end.
fn second_life(disk: &SimDisk, mode: LogMode, older: &mut Vec<Files>) -> (SimWorld, Journal) {
    let (world, opened) = open(disk, mode, 77);
    let journal = opened.unwrap().0;
    append(&journal, 3, Durability::Buffered);
    append(&journal, 100, Durability::Durable);
    older.push(files_of(disk));
    journal.create_keyspace("third", "").unwrap();
    journal.rotate().unwrap();
    append(&journal, 17, Durability::Buffered);
    append(&journal, 0, Durability::Buffered);
    older.push(files_of(disk));
    (world, journal)
}

impl Specimen {
    /// Batches of an unclean specimen that the manifest has not heard of.
    pub const BATCHES_SINCE_LAST_EDIT: usize = 4;

    fn of(disk: &SimDisk, mode: LogMode, older: Vec<Files>) -> Self {
        let moment = disk.moment();
        let truth = look(&SimDisk::killed(&moment), mode).unwrap();
        let (vouched, vouched_batches) = (BTreeMap::new(), truth.0.batches.len());
        Self { mode, files: files_of(disk), moment, truth, older, vouched, vouched_batches }
    }

    /// A database that was closed in order.
    pub fn closed(mode: LogMode, seed: u64) -> Self {
        let (disk, mut older) = (SimDisk::new(), Vec::new());
        first_life(&disk, mode, seed, &mut older);
        let (_, journal) = second_life(&disk, mode, &mut older);
        journal.create_keyspace("last", "").unwrap();
        older.push(files_of(&disk));
        journal.close().unwrap();
        Self::of(&disk, mode, older)
    }

    /// One whose process died some writes after an idle time, and then, perhaps, the machine.
    pub fn unclean(mode: LogMode, is_power_cut: bool) -> Self {
        let (disk, mut older) = (SimDisk::new(), Vec::new());
        first_life(&disk, mode, 1, &mut older);
        let (world, journal) = second_life(&disk, mode, &mut older);
        idle(&world);
        let at_idle = files_of(&disk);
        let vouched_batches = look(&disk.process_crash(), mode).unwrap().0.batches.len();
        append(&journal, 21, Durability::Buffered);
        append(&journal, 5, Durability::Buffered);
        kill(&world, journal);
        let everything = lsm_core::env::sim::crash::CrashPolicy::Everything;
        let disk = if is_power_cut { disk.crash(everything, 1) } else { disk.process_crash() };
        let end_of = |bytes: &Vec<u8>| {
            let last = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0);
            (last as u64 + 1).next_multiple_of(8)
        };
        let vouched = at_idle.iter().map(|(path, bytes)| (path.clone(), end_of(bytes))).collect();
        Self { vouched, vouched_batches, ..Self::of(&disk, mode, older) }
    }

    /// A disk of its own with the specimen on it.
    pub fn copy(&self) -> SimDisk {
        SimDisk::killed(&self.moment)
    }

    /// Opens the damaged copy and holds what comes of it against the promise. `has_place` asks for
    /// the byte in the error.
    pub fn judge(&self, damaged: &SimDisk, has_place: bool) -> Result<Verdict, String> {
        let before = files_of(damaged);
        let error = match caught(|| look(damaged, self.mode))? {
            Ok(found) if found == self.truth => return Ok(Verdict::Same),
            Ok((found, _)) => return self.judge_shorter(&found),
            Err(error) => error,
        };
        self.check_error(&error, &before, has_place)?;
        let after = files_of(damaged);
        for (path, bytes) in &after {
            if before.get(path).is_none_or(|old| old != bytes) && !path.ends_with("/db.lock") {
                return Err(format!("{path} was changed by an opening that failed: {error:?}"));
            }
        }
        match before.keys().find(|path| !after.contains_key(*path)) {
            Some(path) => Err(format!("{path} was removed by an opening that failed: {error:?}")),
            None => Ok(Verdict::Refused),
        }
    }

    fn judge_shorter(&self, found: &Recovered) -> Result<Verdict, String> {
        let (truth, count) = (&self.truth.0, found.batches.len());
        if truth.batches.starts_with(&found.batches) && truth.keyspaces == found.keyspaces {
            return Ok(Verdict::Shorter(count));
        }
        Err(format!("wrong data: {count} batches, keyspaces {:?}", found.keyspaces))
    }

    fn check_error(&self, error: &Error, before: &Files, has_place: bool) -> Result<(), String> {
        let is_typed = matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Format);
        let path = error.path().and_then(|path| path.to_str()).unwrap_or_default();
        let is_known = path == PATH || self.files.contains_key(path) || before.contains_key(path);
        let names_missing = error.to_string().contains("missing");
        if !is_typed || !(is_known || names_missing) || (has_place && error.offset().is_none()) {
            return Err(format!("an error that does not say what and where: {error:?}"));
        }
        Ok(())
    }
}
