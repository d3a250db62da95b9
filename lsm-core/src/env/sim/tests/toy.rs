//! A log of sixty lines, right and with each of its syncs left out: what the disk is there to tell
//! apart.

use std::path::Path;
use std::sync::Arc;

use super::super::crash::CrashPolicy;
use super::super::disk::SimDisk;
use crate::base::checksum::hash64;
use crate::base::codec::Decoder;
use crate::env::fs::{Directory, FileSystem, WINDOW_GRAIN, write_all_at};

/// What the toy forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    ParentNotSynced,
    NameNotSynced,
    LengthNotSynced,
    RecordNotSynced,
    HeadNotSynced,
}

const RECORDS: u64 = 6;
const RECORD: u64 = 256;

/// Writes records into one file, maps another for the rest, and says after which operation each
/// was acknowledged.
fn run(bug: Bug) -> (SimDisk, Vec<u64>) {
    let disk = SimDisk::new();
    disk.record_history(true);
    let mut acknowledged = Vec::new();
    disk.create_dir(Path::new("/toy")).unwrap();
    if bug != Bug::ParentNotSynced {
        disk.open_dir(Path::new("/")).unwrap().sync().unwrap();
    }
    let dir = disk.open_dir(Path::new("/toy")).unwrap();
    let log = dir.create("written").unwrap();
    let mapped = dir.create("mapped").unwrap();
    mapped.allocate(WINDOW_GRAIN).unwrap();
    if bug != Bug::LengthNotSynced {
        mapped.sync_all().unwrap();
    }
    if bug != Bug::NameNotSynced {
        dir.sync().unwrap();
    }
    let window = mapped.map(0, WINDOW_GRAIN).unwrap();
    for number in 0..RECORDS {
        let record = record(number);
        let at = number * RECORD;
        if number < RECORDS / 2 {
            write_all_at(&*log, &record, at).unwrap();
            if bug != Bug::RecordNotSynced {
                log.sync_data().unwrap();
            }
        } else {
            assert!(window.publish(at, &record[..16], &record[16..]));
            let skipped = if bug == Bug::HeadNotSynced { 512 } else { 0 };
            window.sync(at + skipped, RECORD).unwrap();
        }
        acknowledged.push(disk.op_count());
    }
    (disk, acknowledged)
}

fn record(number: u64) -> Vec<u8> {
    let mut record = vec![number as u8 + 1; RECORD as usize];
    record[8..16].copy_from_slice(&number.to_le_bytes());
    let check = hash64(&record[8..]);
    record[..8].copy_from_slice(&check.to_le_bytes());
    record
}

/// True if the toy finds this record.
fn finds(dir: &Arc<dyn Directory>, number: u64) -> bool {
    let name = if number < RECORDS / 2 { "written" } else { "mapped" };
    let Ok(file) = dir.open(name, crate::env::fs::Access::Read) else { return false };
    let mut bytes = vec![0; RECORD as usize];
    file.read_at(&mut bytes, number * RECORD).unwrap();
    let mut decoder = Decoder::new(&bytes);
    decoder.u64() == Some(hash64(&bytes[8..])) && decoder.u64() == Some(number)
}

/// How many images lack a record that was acknowledged, and how many there are.
fn losses(bug: Bug) -> (u64, u64) {
    let (disk, acknowledged) = run(bug);
    let (mut lost, mut images) = (0, 0);
    for moment in disk.history() {
        for policy in CrashPolicy::ALL {
            for seed in 0..20 {
                let image = SimDisk::crashed(&moment, policy, seed);
                let dir = image.open_dir(Path::new("/toy")).ok();
                let is_there = |number| dir.as_ref().is_some_and(|dir| finds(dir, number));
                let acknowledged = (0..RECORDS).zip(&acknowledged);
                let mut owed = acknowledged.filter(|(_, op)| **op <= moment.op_number);
                lost += u64::from(!owed.all(|(number, _)| is_there(number)));
                images += 1;
            }
        }
    }
    (lost, images)
}

#[test]
fn a_correct_log_loses_nothing() {
    let (lost, images) = losses(Bug::None);
    assert_eq!(lost, 0);
    assert!(images >= 3000, "{images}");
    assert_eq!(run(Bug::None).0.violations(), Vec::<String>::new());
}

#[test]
fn a_log_without_one_of_its_syncs_loses_records() {
    let bugs = [
        Bug::ParentNotSynced,
        Bug::NameNotSynced,
        Bug::LengthNotSynced,
        Bug::RecordNotSynced,
        Bug::HeadNotSynced,
    ];
    for bug in bugs {
        let (lost, images) = losses(bug);
        assert!(lost * 50 > images, "{bug:?}: {lost} of {images}");
    }
    assert!(!run(Bug::LengthNotSynced).0.violations().is_empty());
}
