//! The ground alone as what is opened, looked at and recovered in the stories.

use std::path::Path;
use std::time::Duration;

use lsm_core::base::error::Result;
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::{JournalOptions, OpenReport};
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::harness::disk::PATH;
use crate::harness::ground::reference::Recovered;
use crate::harness::ground::tables::read_tables;
use crate::harness::images::{Crash, Subject};

/// Small enough that a script of three letters sees everything happen.
pub fn options(mode: LogMode) -> JournalOptions {
    JournalOptions {
        log_mode: mode,
        segment_bytes_min: 4096,
        segment_bytes_max: 8192,
        sync_interval: Some(Duration::from_secs(1)),
        ..JournalOptions::default()
    }
}

/// Opens the database on a disk; answers what was replayed.
pub fn open(
    disk: &SimDisk,
    mode: LogMode,
    seed: u64,
) -> (SimWorld, Result<(Journal, OpenReport, Recovered)>) {
    let world = SimWorld::from_disk(disk.clone(), seed);
    let mut recovered = Recovered::default();
    let opened =
        Journal::open(&world.env(), Path::new(PATH), options(mode), &mut |catalog, batch| {
            if batch.first > catalog.flushed {
                recovered.batches.push((batch.first.get(), batch.count, batch.payload.to_vec()));
            }
            Ok(())
        });
    let opened = opened.and_then(|(journal, report)| match read_tables(&journal) {
        Ok(flushed) => {
            recovered.batches.splice(..0, flushed);
            recovered.keyspaces = journal.catalog()?.keyspaces.into_values().collect();
            Ok((journal, report, recovered))
        }
        Err(error) => {
            kill(&world, journal);
            Err(error)
        }
    });
    (world, opened)
}

/// Opens, and lets go of it as a crash would; answers what was recovered.
pub fn peek(disk: &SimDisk, mode: LogMode, seed: u64) -> Result<Recovered> {
    let (world, opened) = open(disk, mode, seed);
    opened.map(|(journal, _, recovered)| {
        kill(&world, journal);
        recovered
    })
}

/// The death of the process.
pub fn kill(world: &SimWorld, journal: Journal) {
    journal.abandon();
    world.scheduler.kill();
}

/// The ground alone, with the log written this way.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    pub mode: LogMode,
}

impl Ground {
    pub const WRITTEN: Self = Self { mode: LogMode::Write };
    pub const MAPPED: Self = Self { mode: LogMode::Mapped };
}

impl Subject for Ground {
    type Session = (SimWorld, Journal);
    type Found = Recovered;

    fn open(&self, disk: &SimDisk, seed: u64) -> Result<(Self::Session, Recovered), String> {
        let (world, opened) = open(disk, self.mode, seed);
        match opened {
            Ok((journal, _, recovered)) => Ok(((world, journal), recovered)),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    fn follow_up(
        &self,
        disk: &SimDisk,
        (_, journal): &Self::Session,
        recovered: &Recovered,
    ) -> Option<String> {
        let written = journal.append(b"after the crash", 1, Durability::Durable);
        let first = match written {
            Ok(last) => last.get(),
            Err(error) => return Some(format!("the recovered database takes no write: {error:?}")),
        };
        let mut expected = recovered.clone();
        expected.batches.push((first, 1, b"after the crash".to_vec()));
        for crash in [Crash::Power(CrashPolicy::SyncedOnly, 0), Crash::Kill] {
            match self.peek(&crash.image(&disk.moment()), 3001) {
                Ok(found) if found == expected => {}
                Ok(_) => return Some(format!("a durable write after recovery is lost in {crash}")),
                Err(error) => return Some(format!("after recovery, a write and {crash}: {error}")),
            }
        }
        None
    }

    fn kill(&self, (world, journal): Self::Session) {
        kill(&world, journal);
    }
}
