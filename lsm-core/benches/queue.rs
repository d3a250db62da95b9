//! Queues and stacks: how many entries `first` and `last` step over where nearly all are deleted.
//!
//! Steps are counted, not timed; the processor time is that of the asking thread while it asks. An
//! argument other than `--bench` is how many keys there are, a second one how many keys are deleted
//! between two questions.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program for people, on the real machine, that may fail"
)]

use std::path::PathBuf;

use lsm_core::{Db, Options, Result};

struct Bench {
    path: PathBuf,
    keys: u64,
    gap: u64,
}

/// What was asked, and what it took.
#[derive(Default)]
struct Asked {
    times: u64,
    steps: u64,
    nanos: u64,
}

fn key(at: u64) -> [u8; 16] {
    let mut key = *b"a queue:\0\0\0\0\0\0\0\0";
    key[8..].copy_from_slice(&at.to_be_bytes());
    key
}

/// Processor time of this thread, in nanoseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn counter(db: &Db, name: &str) -> u64 {
    let json = db.stats().to_json();
    let at = json.find(&format!("\"{name}\":")).map(|at| at + name.len() + 3);
    let digits = at.map(|at| json[at..].trim_start().chars().take_while(char::is_ascii_digit));
    digits.and_then(|digits| digits.collect::<String>().parse().ok()).unwrap_or(0)
}

impl Asked {
    fn ask<T>(&mut self, db: &Db, question: impl FnOnce() -> T) -> T {
        let (steps, begun) = (counter(db, "scanned_entries"), cpu());
        let answer = question();
        self.nanos += cpu() - begun;
        self.steps += counter(db, "scanned_entries") - steps;
        self.times += 1;
        answer
    }

    fn print(&self, name: &str, db: &Db) {
        let of = |sum: u64| sum as f64 / self.times.max(1) as f64;
        let (steps, micros) = (of(self.steps), of(self.nanos) / 1e3);
        let user = counter(db, "user_bytes_written");
        let tables = counter(db, "flushed_bytes") + counter(db, "compaction_bytes_written");
        println!(
            "{name:<44} {:>6} asked {steps:>11.1} steps each {micros:>9.1} us each, tables {:.2}x",
            self.times,
            tables as f64 / user.max(1) as f64
        );
    }
}

impl Bench {
    fn open(&self, options: Options) -> Result<Db> {
        std::fs::remove_dir_all(&self.path).ok();
        Db::builder(&self.path).options(options).open()
    }

    fn large() -> Options {
        Options::new().memory_limit(2 << 30).memtable_bytes(512 << 20)
    }

    fn small() -> Options {
        Options::new().memory_limit(64 << 20).memtable_bytes(1 << 20)
    }

    fn fill(&self, db: &Db) -> Result<()> {
        (0..self.keys).try_for_each(|at| db.put(key(at), [7; 20]).map(drop))
    }

    /// Takes from the front, and asks for it now and then.
    fn consume(&self, db: &Db) -> Result<Asked> {
        let mut asked = Asked::default();
        for at in 0..self.keys - 1 {
            db.delete(key(at))?;
            if at % self.gap == 0 {
                let first = asked.ask(db, || db.first())?;
                assert_eq!(first.map(|pair| pair.0.to_vec()), Some(key(at + 1).to_vec()));
            }
        }
        Ok(asked)
    }

    fn in_memory(&self) -> Result<()> {
        let db = self.open(Self::large())?;
        self.fill(&db)?;
        self.consume(&db)?.print("a queue in memory", &db);
        db.close()
    }

    fn in_tables(&self, name: &str, options: Options) -> Result<()> {
        let db = self.open(options)?;
        self.fill(&db)?;
        self.consume(&db)?.print(name, &db);
        db.close()
    }

    /// All deletes in one table, all values in others beneath.
    fn in_two_tables(&self) -> Result<()> {
        let db = self.open(Self::large())?;
        self.fill(&db)?;
        db.flush()?;
        (0..self.keys - 1).try_for_each(|at| db.delete(key(at)).map(drop))?;
        let pinned = db.snapshot()?;
        db.flush()?;
        let mut asked = Asked::default();
        for _ in 0..self.keys / self.gap {
            assert!(asked.ask(&db, || db.first())?.is_some());
        }
        asked.print("c deletes in a table over one of values", &db);
        drop(pinned);
        db.close()?;
        let (db, mut asked) =
            (Db::builder(&self.path).options(Self::large()).open()?, Asked::default());
        for _ in 0..self.keys / self.gap {
            assert!(asked.ask(&db, || db.first())?.is_some());
        }
        asked.print("c the same after reopening", &db);
        db.close()
    }

    fn one_in_the_middle(&self) -> Result<()> {
        let db = self.open(Self::large())?;
        self.fill(&db)?;
        let middle = self.keys / 2;
        let others = (0..self.keys).filter(|at| *at != middle);
        others.clone().try_for_each(|at| db.delete(key(at)).map(drop))?;
        let mut asked = Asked::default();
        for _ in 0..self.keys / self.gap {
            let found = asked.ask(&db, || db.iter().keys().collect::<Result<Vec<_>>>())?;
            assert_eq!(found.len(), 1);
            assert!(asked.ask(&db, || db.last())?.is_some());
        }
        asked.print("d one alive in the middle, seen whole", &db);
        db.close()
    }

    fn stack(&self) -> Result<()> {
        let (db, mut asked) = (self.open(Self::large())?, Asked::default());
        self.fill(&db)?;
        for at in (1..self.keys).rev() {
            db.delete(key(at))?;
            if at % self.gap == 0 {
                let last = asked.ask(&db, || db.last())?;
                assert_eq!(last.map(|pair| pair.0.to_vec()), Some(key(at - 1).to_vec()));
            }
        }
        asked.print("e a stack in memory", &db);
        db.close()
    }

    /// Somebody else still sees everything.
    fn beside_a_snapshot(&self) -> Result<()> {
        let db = self.open(Self::small())?;
        self.fill(&db)?;
        let old = db.snapshot()?;
        self.consume(&db)?.print("f a queue in tables beside a snapshot", &db);
        let mut asked = Asked::default();
        for _ in 0..100 {
            let first = asked.ask(&db, || db.at(&old).first())?;
            assert_eq!(first.map(|pair| pair.0.to_vec()), Some(key(0).to_vec()));
        }
        asked.print("f the snapshot itself", &db);
        drop(old);
        db.close()
    }

    /// Always a hundred waiting: one comes, one goes.
    fn short(&self, name: &str, options: Options) -> Result<()> {
        let (db, mut asked) = (self.open(options)?, Asked::default());
        for at in 0..self.keys {
            db.put(key(at), [7; 20])?;
            if at >= 100 {
                db.delete(key(at - 100))?;
            }
            if at % self.gap == self.gap - 1 && at > 100 {
                let first = asked.ask(&db, || db.first())?;
                assert_eq!(first.map(|pair| pair.0.to_vec()), Some(key(at - 99).to_vec()));
            }
        }
        asked.print(name, &db);
        db.close()
    }

    /// What a put costs where nothing is known to be dead, and where something is: rounds of both
    /// alternate, in two databases.
    fn put_beside(&self) -> Result<()> {
        let other = Self { path: self.path.with_extension("other"), ..*self };
        let (plain, known) = (self.open(Self::large())?, other.open(Self::large())?);
        for db in [&plain, &known] {
            self.fill(db)?;
            (0..self.keys - 1).try_for_each(|at| db.delete(key(at)).map(drop))?;
        }
        (0..4).try_for_each(|_| known.first().map(drop))?;
        let mut spent = [0_u64; 2];
        let mut at = self.keys;
        for _ in 0..50 {
            for (db, spent) in [&plain, &known].into_iter().zip(&mut spent) {
                let begun = cpu();
                (at..at + 5000).try_for_each(|at| db.put(key(at), [7; 20]).map(drop))?;
                *spent += cpu() - begun;
            }
            at += 5000;
        }
        // The system counts whole ticks: only the sum of all rounds says something.
        let [alone, beside] = spent.map(|nanos| nanos / (50 * 5000));
        println!("a put: {alone} ns, beside a known stretch {beside} ns");
        plain.close()?;
        known.close()?;
        std::fs::remove_dir_all(&other.path).ok();
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let path = std::env::temp_dir().join(format!("lsm-bench-queue-{}", std::process::id()));
    let keys = numbers.next().unwrap_or(1_000_000);
    let bench = Bench { path, keys, gap: numbers.next().unwrap_or(1000) };
    bench.in_memory()?;
    bench.in_tables("b a queue in small tables", Bench::small())?;
    bench.in_tables("b a queue with default options", Options::new())?;
    bench.in_two_tables()?;
    bench.one_in_the_middle()?;
    bench.stack()?;
    bench.beside_a_snapshot()?;
    bench.short("g a hundred waiting, in memory", Bench::large())?;
    bench.short("g a hundred waiting, in small tables", Bench::small())?;
    bench.put_beside()?;
    std::fs::remove_dir_all(&bench.path).ok();
    Ok(())
}
