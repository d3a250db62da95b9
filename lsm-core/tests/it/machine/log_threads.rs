//! Threads: eight of them append, rotate, sync and make keyspaces at once, and everything that was
//! acknowledged is there afterwards, once, in the order of each thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lsm_core::journal::handle::Journal;
use lsm_core::key::seqno::SeqNo;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::machine::kit::{Batch, Dice, MODES, TempDir, mode_name, open, options};

const THREADS: u64 = 8;
const BATCHES: u64 = 1500;

/// What one thread was told: the number of each of its logged batches, and its last sequence
/// number.
type Acknowledged = Vec<(u64, u32, u64)>;

fn payload(thread: u64, number: u64) -> Vec<u8> {
    let mut bytes = [thread.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.resize(16 + (number * 37 % 300) as usize, thread as u8);
    bytes
}

fn work(journal: &Journal, thread: u64) -> Acknowledged {
    let mut dice = Dice(thread);
    let mut told = Vec::new();
    let mut last_seen = SeqNo::ZERO;
    for number in 0..BATCHES {
        let count = 1 + dice.below(4) as u32;
        let durability = match dice.below(20) {
            0 => Durability::Durable,
            1..=3 => Durability::Volatile,
            _ => Durability::Buffered,
        };
        let last = journal.append(&payload(thread, number), count, durability).unwrap();
        assert!(last > last_seen, "the numbers of one thread only rise");
        last_seen = last;
        if durability == Durability::Durable {
            assert!(journal.durable_seqno() >= last);
        }
        if durability != Durability::Volatile {
            told.push((number, count, last.get()));
        }
        match dice.below(400) {
            0 => drop(journal.rotate().unwrap()),
            1 => journal.sync().unwrap(),
            2 => drop(journal.create_keyspace(&format!("{thread}-{number}"), "").unwrap()),
            3 => journal.sync_to(last, None).unwrap(),
            4 => assert!(journal.catalog().unwrap().edit > 0),
            _ => {}
        }
    }
    told
}

fn check(told: &[Acknowledged], batches: &[Batch]) {
    let mut found: Vec<Acknowledged> = vec![Vec::new(); told.len()];
    let mut next = 0;
    for batch in batches {
        assert!(batch.first >= next, "the log is in the order of its numbers");
        next = batch.first + u64::from(batch.count);
        let word = |at: usize| u64::from_le_bytes(batch.payload[at..at + 8].try_into().unwrap());
        let (thread, number) = (word(0), word(8));
        assert_eq!(batch.payload, payload(thread, number));
        found[thread as usize].push((number, batch.count, next - 1));
    }
    assert!(found == told, "each batch is there once, in the order of its thread");
}

fn story(mode: LogMode) {
    let dir = TempDir::new();
    let start = Instant::now();
    let (journal, report, _) = open(&dir.db(), options(mode)).unwrap();
    assert!(report.is_new);
    let told: Vec<Acknowledged> = std::thread::scope(|scope| {
        let journal = &journal;
        let threads: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || work(journal, thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(journal.is_mapped(), mode == LogMode::Mapped);
    let keyspaces = journal.catalog().unwrap().keyspaces;
    let segments = journal.catalog().unwrap().logs.len();
    journal.close().unwrap();

    let (journal, report, batches) = open(&dir.db(), options(mode)).unwrap();
    assert!(report.was_clean && report.dropped_bytes == 0, "{report:?}");
    assert_eq!(journal.catalog().unwrap().keyspaces, keyspaces);
    check(&told, &batches);
    journal.close().unwrap();
    println!(
        "{}: {THREADS} threads, {} logged batches in {segments} segments, {} keyspaces, {:.1} s",
        mode_name(mode),
        batches.len(),
        keyspaces.len(),
        start.elapsed().as_secs_f64()
    );
}

#[test]
fn eight_threads_share_one_log() {
    MODES.into_iter().for_each(story);
}

/// Segments end, are read, cut and sealed one after the other while somebody verifies the log.
#[test]
fn the_log_verifies_while_its_segments_are_sealed() {
    for mode in MODES {
        let dir = TempDir::new();
        let (journal, _, _) = open(&dir.db(), options(mode)).unwrap();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    journal.verify(&mut |_| Ok(())).unwrap();
                    std::thread::sleep(Duration::from_micros(500));
                }
            });
            for number in 0..600 {
                journal.append(&payload(1, number), 1, Durability::Buffered).unwrap();
                if number % 10 == 0 {
                    journal.rotate().unwrap();
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        journal.close().unwrap();
    }
}

#[test]
fn what_was_closed_can_be_opened_at_once() {
    let dir = TempDir::new();
    for round in 0..300 {
        let (journal, ..) = open(&dir.db(), options(MODES[round % 2])).unwrap();
        if round % 3 == 0 {
            journal.append(b"x", 1, Durability::Buffered).unwrap();
        }
        if round % 5 == 0 { drop(journal) } else { journal.close().unwrap() }
    }
}
