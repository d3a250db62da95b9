//! Kill: a process that appends is killed with SIGKILL again and again, while it writes, rotates
//! and opens. Every batch that it acknowledged is there afterwards, as an exact prefix.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use lsm_core::journal::handle::Journal;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::machine::kit::{
    Dice, MODES, TempDir, again, mode_name, mode_of, open, options, role, tell,
};

/// Batch number `index`, which is all that its bytes depend on.
fn payload(index: u64) -> Vec<u8> {
    let mut bytes = index.to_le_bytes().to_vec();
    bytes.resize(8 + (index * 131 % 700) as usize, (index % 251) as u8);
    bytes
}

fn count_of(index: u64) -> u32 {
    1 + (index % 3) as u32
}

#[test]
#[ignore = "the other process of this story, which starts it"]
fn child() {
    let Some(role) = role() else { return };
    let (path, mode) = (Path::new(&role[0]), mode_of(&role[1]));
    let mut dice = Dice(role[2].parse().unwrap());
    tell("begin");
    loop {
        let (journal, _, batches) = open(path, options(mode)).unwrap();
        let mut index = batches.len() as u64;
        while dice.below(2000) > 0 {
            step(&journal, &mut dice, &mut index);
        }
        if dice.below(2) == 0 {
            journal.close().unwrap();
        }
    }
}

fn step(journal: &Journal, dice: &mut Dice, index: &mut u64) {
    let durability = match dice.below(40) {
        0 => Durability::Durable,
        1 | 2 => Durability::Volatile,
        _ => Durability::Buffered,
    };
    if durability == Durability::Volatile {
        journal.append(b"gone", 1, durability).unwrap();
        return;
    }
    let last = journal.append(&payload(*index), count_of(*index), durability).unwrap();
    tell(&format!("batch {index} {}", last.get()));
    *index += 1;
    match dice.below(300) {
        0 | 1 => drop(journal.rotate().unwrap()),
        2 => journal.sync().unwrap(),
        3 => {
            let name = format!("keyspace {index} of {}", last.get());
            journal.create_keyspace(&name, "").unwrap();
            tell(&name);
        }
        _ => {}
    }
}

/// What the killed processes acknowledged.
#[derive(Default)]
struct Told {
    /// Index and last sequence number.
    batches: Vec<(u64, u64)>,
    keyspaces: BTreeSet<String>,
    kills: u64,
    kills_in_open: u64,
    /// Kills since what is there was looked at last.
    unseen: u64,
}

impl Told {
    fn hear(&mut self, line: &str) -> bool {
        let Some(line) = line.strip_prefix('@') else { return false };
        if line.starts_with("keyspace") {
            self.keyspaces.insert(line.to_owned());
        } else if let Some(rest) = line.strip_prefix("batch ") {
            let (index, last) = rest.split_once(' ').unwrap();
            let told = (index.parse().unwrap(), last.parse().unwrap());
            let before = self.batches.last().copied();
            assert!(before.is_none_or(|(index, last)| index < told.0 && last < told.1));
            self.batches.push(told);
        }
        true
    }

    /// Starts a process and kills it after a while.
    fn kill_one(&mut self, path: &Path, mode: LogMode, dice: &mut Dice) {
        let seed = dice.below(u64::MAX).to_string();
        let role = [path.to_str().unwrap(), mode_name(mode), &seed];
        let mut child = again(module_path!(), &role).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next().expect("the process begins").unwrap() != "@begin" {}
        let delay = match dice.below(3) {
            0 => dice.below(3_000),
            _ => dice.below(150_000),
        };
        let before = self.batches.len();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                for line in lines {
                    self.hear(&line.unwrap());
                }
            });
            std::thread::sleep(Duration::from_micros(delay));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            let signal = std::os::unix::process::ExitStatusExt::signal(&status);
            assert_eq!(signal, Some(9), "the process failed before it was killed");
            reader.join().unwrap();
        });
        self.kills += 1;
        self.unseen += 1;
        self.kills_in_open += u64::from(self.batches.len() == before);
    }

    /// Opens the database and looks whether everything acknowledged is there.
    fn check(&mut self, path: &Path, mode: LogMode) {
        let (journal, report, batches) = open(path, options(mode)).unwrap();
        assert!(report.unknown.is_empty() && report.notes.is_empty(), "{report:?}");
        let mut last_of = Vec::new();
        for (index, batch) in (0..).zip(&batches) {
            assert_eq!(batch.payload, payload(index), "batch {index} is not what was written");
            assert_eq!(batch.count, count_of(index));
            last_of.push(batch.first + u64::from(batch.count) - 1);
        }
        for &(index, last) in &self.batches {
            assert_eq!(last_of.get(index as usize), Some(&last), "batch {index} was acknowledged");
        }
        let acknowledged = self.batches.last().map_or(0, |(index, _)| index + 1);
        assert!(batches.len() as u64 <= acknowledged + self.unseen, "one in flight for each kill");
        let keyspaces: BTreeSet<String> =
            journal.catalog().unwrap().keyspaces.into_values().collect();
        assert!(keyspaces.is_superset(&self.keyspaces));
        assert!(keyspaces.len() as u64 <= self.keyspaces.len() as u64 + self.kills);
        journal.close().unwrap();
        // One that got through without an answer counts from now on.
        self.batches = (0..).zip(last_of).collect();
        self.unseen = 0;
    }
}

/// Kills until the time is over or enough were killed.
fn story(mode: LogMode, limit: Duration, kills: u64, seed: u64) {
    let start = Instant::now();
    let mut dice = Dice(seed);
    let (mut databases, mut killed, mut in_open, mut batches) = (0, 0, 0, 0);
    while killed < kills && start.elapsed() < limit {
        let dir = TempDir::new();
        let mut told = Told::default();
        for _ in 0..6.min(kills - killed) {
            told.kill_one(&dir.db(), mode, &mut dice);
            if dice.below(3) > 0 {
                told.check(&dir.db(), mode);
            }
        }
        told.check(&dir.db(), mode);
        databases += 1;
        killed += told.kills;
        in_open += told.kills_in_open;
        batches += told.batches.len();
    }
    println!(
        "{}: {killed} kills ({in_open} before the first acknowledgement) of {databases} \
         databases, {batches} batches, all there, {:.1} s (seed {seed})",
        mode_name(mode),
        start.elapsed().as_secs_f64()
    );
    assert!(killed > 0 && batches > 0);
}

#[test]
fn every_acknowledged_batch_survives_kill_nine() {
    for mode in MODES {
        story(mode, Duration::from_secs(6), 12, 1);
    }
}

#[test]
#[ignore = "about a minute: make prove runs it"]
fn prove_kill_nine() {
    for mode in MODES {
        story(mode, Duration::from_secs(28), u64::MAX, 2);
    }
}
