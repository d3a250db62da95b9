//! Cut: another process truncates the live log. The host survives, the write that notices and all
//! later ones get an error, nothing durable is promised any more, and everything else goes on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::key::seqno::SeqNo;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::machine::kit::{MODES, TempDir, open, options};

fn quiet(mode: LogMode) -> JournalOptions {
    JournalOptions {
        sync_interval: None,
        segment_bytes_min: 256 << 10,
        segment_bytes_max: 64 << 20,
        ..options(mode)
    }
}

fn active_log(dir: &Path, journal: &Journal) -> PathBuf {
    dir.join(format!("{:06}.wal", journal.log_number().unwrap()))
}

fn cut(path: &Path, len: u64) {
    let status = Command::new("truncate").arg(format!("--size={len}")).arg(path).status();
    assert!(status.expect("coreutils are here").success());
}

/// A database with some durable batches; answers the number that is durable.
fn begin(dir: &Path, mode: LogMode) -> (Journal, SeqNo) {
    begin_with(dir, quiet(mode))
}

fn begin_with(dir: &Path, options: JournalOptions) -> (Journal, SeqNo) {
    let (journal, _, _) = open(dir, options).unwrap();
    for _ in 0..50 {
        journal.append(&[7; 100], 1, Durability::Buffered).unwrap();
    }
    let durable = journal.append(&[8; 100], 1, Durability::Durable).unwrap();
    // The manifest, too, learns how much is durable.
    journal.create_keyspace("a", "").unwrap();
    (journal, durable)
}

/// What must hold once a write has been refused.
fn check_refusing(journal: &Journal, durable: SeqNo) {
    let cause = journal.fault().expect("the fault is kept");
    assert_eq!(cause.kind(), ErrorKind::Io, "{cause:?}");
    assert!(cause.path().is_some(), "the fault names the file: {cause:?}");
    for durability in [Durability::Buffered, Durability::Durable, Durability::Volatile] {
        let error = journal.append(&[9; 100], 1, durability).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
    }
    assert_eq!(journal.sync().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(journal.durable_seqno(), durable);
    assert!(!journal.catalog().unwrap().logs.is_empty());
}

/// Closes with a time limit, so that a hang is a failure.
fn close(journal: Journal) -> Result<()> {
    let (done, answer) = mpsc::channel();
    let thread = std::thread::spawn(move || done.send(journal.close()));
    let result = answer.recv_timeout(Duration::from_secs(10)).expect("closing does not hang");
    thread.join().unwrap().unwrap();
    result
}

/// The next opening says what happened to the log, and changes nothing.
fn check_reopening(dir: &Path, mode: LogMode) {
    let error = open(dir, quiet(mode)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption, "{error:?}");
    assert!(error.path().is_some_and(|path| path.starts_with(dir)), "{error:?}");
}

#[test]
fn a_mapped_log_cut_to_nothing_refuses_the_next_write() {
    let dir = TempDir::new();
    let (journal, durable) = begin(&dir.db(), LogMode::Mapped);
    assert!(journal.is_mapped());
    cut(&active_log(&dir.db(), &journal), 0);
    let error = journal.append(&[9; 100], 1, Durability::Buffered).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert!(error.maybe_committed() && error.path().is_some());
    check_refusing(&journal, durable);
    assert_eq!(close(journal).unwrap_err().kind(), ErrorKind::ReadOnly);
    check_reopening(&dir.db(), LogMode::Mapped);
}

#[test]
fn a_log_cut_at_any_place_makes_nothing_durable_any_more() {
    for mode in MODES {
        // To nothing, inside the header, between records, in the page of the tail, far behind it.
        for len in [0, 64, 128, 4096, 5000, 8192, 100_000] {
            let dir = TempDir::new();
            let (journal, durable) = begin(&dir.db(), mode);
            cut(&active_log(&dir.db(), &journal), len);
            let error = journal.append(&[9; 100], 1, Durability::Durable).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{mode:?} {len}: {error:?}");
            assert!(error.maybe_committed(), "{mode:?} {len}: {error:?}");
            check_refusing(&journal, durable);
            assert_eq!(close(journal).unwrap_err().kind(), ErrorKind::ReadOnly);
        }
    }
}

#[test]
fn a_log_cut_between_the_stores_and_the_sync_makes_them_not_durable() {
    for mode in MODES {
        let dir = TempDir::new();
        let (journal, durable) = begin(&dir.db(), mode);
        let mut last = durable;
        for _ in 0..200 {
            last = journal.append(&[9; 100], 1, Durability::Buffered).unwrap();
        }
        assert!(last > durable);
        cut(&active_log(&dir.db(), &journal), 4096);
        let error = journal.sync_to(last, None).unwrap_err();
        assert!(error.maybe_committed(), "{mode:?}: {error:?}");
        check_refusing(&journal, durable);
        assert_eq!(close(journal).unwrap_err().kind(), ErrorKind::ReadOnly);
        check_reopening(&dir.db(), mode);
    }
}

#[test]
fn a_log_cut_behind_the_back_of_a_quiet_database_is_noticed_by_closing() {
    for mode in MODES {
        let dir = TempDir::new();
        let (journal, _) = begin(&dir.db(), mode);
        cut(&active_log(&dir.db(), &journal), 4096);
        let error = close(journal).unwrap_err();
        assert!(error.path().is_some(), "{mode:?}: {error:?}");
        check_reopening(&dir.db(), mode);
    }
}

#[test]
fn writers_and_syncers_at_work_survive_the_cut() {
    for mode in MODES {
        let dir = TempDir::new();
        // One segment that nobody fills before it is cut.
        let large = JournalOptions { segment_bytes_min: 64 << 20, ..quiet(mode) };
        let (journal, durable) = begin_with(&dir.db(), large);
        let path = active_log(&dir.db(), &journal);
        std::thread::scope(|scope| {
            let journal = &journal;
            let until_refused = |durability| {
                move || {
                    let mut refused = 0;
                    for _ in 0..200_000 {
                        refused += u32::from(journal.append(&[3; 40], 1, durability).is_err());
                        if refused == 5 {
                            break;
                        }
                    }
                    refused
                }
            };
            let threads = [Durability::Buffered, Durability::Durable, Durability::Durable]
                .map(|durability| scope.spawn(until_refused(durability)));
            std::thread::sleep(Duration::from_millis(5));
            cut(&path, 0);
            for thread in threads {
                assert_eq!(thread.join().unwrap(), 5);
            }
        });
        assert!(journal.fault().is_some() && journal.durable_seqno() >= durable);
        close(journal).unwrap_err();
    }
}
