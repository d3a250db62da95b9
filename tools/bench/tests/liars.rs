//! Stores that lie, and one that stands still: the harness must notice.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that may fail"
)]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use clap::Parser;
use lsm_bench::bench::Bench;
use lsm_bench::flags::Flags;
use lsm_bench::result::Outcome;
use lsm_bench::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};
use lsm_bench::truth::Truth;
use lsm_bench::workload::table::{ALL, find};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    None,
    /// A value has another byte.
    Value,
    /// A key is not found.
    Loses,
    /// A key that was never put is found.
    Invents,
    /// A pair in the middle of a walk is left out.
    Skips,
    /// A walk ends before its end.
    Stops,
    /// A walk hands a pair over twice.
    Repeats,
    /// A deleted key is still there.
    Keeps,
    /// The tenth put takes long.
    Stalls,
    /// Only the first thread gets a session.
    Refuses,
}

/// The key that is lied about.
const KEY: &[u8] = b"0000000000000050";

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

struct Liar(Lie);

#[derive(Default)]
struct Inside {
    pairs: Pairs,
    puts: u64,
    sessions: u64,
}

struct Shelf {
    lie: Lie,
    inside: Mutex<Inside>,
}

impl Engine for Liar {
    fn name(&self) -> &str {
        "liar"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn configuration(&self, _: &Setup) -> Vec<(String, String)> {
        Vec::new()
    }

    fn open(&self, _: &Path, _: &Setup) -> Result<Box<dyn Store>> {
        Ok(Box::new(Shelf { lie: self.0, inside: Mutex::default() }))
    }
}

impl Store for Shelf {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        let mut inside = self.inside.lock().unwrap();
        inside.sessions += 1;
        if self.lie == Lie::Refuses && inside.sessions > 1 {
            return Err("no more sessions".into());
        }
        Ok(Box::new(Way(self)))
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

struct Way<'a>(&'a Shelf);

impl Way<'_> {
    fn look(&self, key: &[u8]) -> Option<Vec<u8>> {
        let inside = self.0.inside.lock().unwrap();
        let mut value = inside.pairs.get(key).cloned();
        match self.0.lie {
            Lie::Value if key == KEY => value.iter_mut().for_each(|value| value[99] ^= 1),
            Lie::Loses if key == KEY => value = None,
            Lie::Invents if key.starts_with(KEY) && key != KEY => value = Some(Vec::new()),
            _ => {}
        }
        value
    }
}

impl Session for Way<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut inside = self.0.inside.lock().unwrap();
        inside.puts += 1;
        if self.0.lie == Lie::Stalls && inside.puts == 10 {
            sleep(Duration::from_millis(200));
        }
        inside.pairs.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        if self.0.lie != Lie::Keeps || key != KEY {
            self.0.inside.lock().unwrap().pairs.remove(key);
        }
        Ok(())
    }

    fn put_all(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        pairs.iter().try_for_each(|(key, value)| self.put(key, value))
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let found = self.look(key);
        let is_found = found.is_some();
        found.into_iter().for_each(|found| *value = found);
        Ok(is_found)
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        for (at, key) in keys.iter().enumerate() {
            self.look(key).iter().for_each(|value| each(at, value));
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        let pairs = self.0.inside.lock().unwrap().pairs.clone();
        Ok(Box::new(Steps { lie: self.0.lie, pairs }))
    }
}

struct Steps {
    lie: Lie,
    pairs: Pairs,
}

impl Cursor for Steps {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let both = |from: Bound<&[u8]>, to: Bound<&[u8]>| {
            self.pairs.range::<[u8], _>((from, to)).collect::<Vec<_>>()
        };
        let (from, to) = (Bound::Unbounded, Bound::Unbounded);
        let mut pairs = match walk {
            Walk::FromFirst | Walk::FromLast => both(from, to),
            Walk::From(key) => both(Bound::Included(key), to),
            Walk::DownFrom(key) => both(from, Bound::Included(key)),
        };
        if matches!(walk, Walk::FromLast | Walk::DownFrom(_)) {
            pairs.reverse();
        }
        for (key, value) in pairs {
            let is_it = key.as_slice() == KEY;
            let mut value = value.clone();
            match self.lie {
                Lie::Skips if is_it => continue,
                Lie::Stops if is_it => return Ok(()),
                Lie::Value if is_it => value[99] ^= 1,
                Lie::Repeats if is_it && !each(key, &value) => return Ok(()),
                _ => {}
            }
            if !each(key, &value) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Runs the workloads one after the other; answers the last one's outcome.
fn run(lie: Lie, names: &[&str], more: &[&str]) -> Result<Outcome, String> {
    let words = ["lsm-bench", "--benchmarks=none", "--num=100", "--reads=2000"];
    let flags = Flags::parse_from(words.iter().chain(more));
    let engine = Liar(lie);
    let truth = Arc::new(Truth::new(flags.shape()));
    let mut bench = Bench::new(&engine, &flags, truth).map_err(|error| error.to_string())?;
    let mut last = None;
    for name in names {
        last = bench.run(find(name).unwrap()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(last.unwrap())
}

/// Each of these workloads finds the lie in a store that was filled, and says so.
fn finds(lie: Lie, names: &[&str]) {
    for name in names {
        let answer = run(lie, &["fillrandom", name], &[]);
        let error = answer.err().unwrap_or_else(|| panic!("{name} believes {lie:?}"));
        assert!(error.starts_with(&format!("{name}: WRONG ANSWER")), "{lie:?}: {error}");
    }
}

#[test]
fn a_store_that_is_right_is_believed() {
    let names = ALL.iter().map(|workload| workload.name);
    let reads = names.filter(|name| name.contains("read") || name.contains("seek"));
    for name in reads.chain(["ycsba", "ycsbb", "ycsbc", "ycsbd", "ycsbe", "ycsbf", "compact"]) {
        let outcome = run(Lie::None, &["fillbatch", name], &["--batch_size=7"]);
        assert!(outcome.unwrap().work.operations >= 100, "{name}");
    }
    assert!(run(Lie::None, &["queue"], &["--num=1200"]).is_ok());
    assert!(run(Lie::None, &["fillseq", "deleterandom", "readrandom", "readseq"], &[]).is_ok());
}

#[test]
fn another_value_is_found() {
    let lookups = ["readrandom", "multireadrandom", "readwhilewriting", "ycsbc"];
    finds(Lie::Value, &lookups);
    finds(Lie::Value, &["readseq", "readreverse", "seekrandom", "seekrandomnew", "ycsbe"]);
}

#[test]
fn a_lost_key_is_found() {
    finds(Lie::Loses, &["readrandom", "multireadrandom", "readwhilewriting", "ycsbc", "ycsbf"]);
}

#[test]
fn a_key_that_nobody_has_put_is_found() {
    finds(Lie::Invents, &["readmissing"]);
}

#[test]
fn walks_that_leave_out_or_repeat_are_found() {
    for lie in [Lie::Skips, Lie::Stops, Lie::Repeats] {
        finds(lie, &["readseq", "readreverse", "seekrandom", "seekrandomnew", "ycsbe"]);
    }
}

#[test]
fn a_key_that_stays_in_a_queue_is_found() {
    let error = run(Lie::Keeps, &["queue"], &["--num=1200"]).err().unwrap();
    assert!(error.starts_with("queue: WRONG ANSWER"), "{error}");
}

#[test]
fn a_thread_that_cannot_begin_holds_nobody_up() {
    let error = run(Lie::Refuses, &["fillseq"], &["--threads=3"]).err().unwrap();
    assert_eq!(error, "fillseq: no more sessions");
    assert!(run(Lie::None, &["fillseq"], &["--threads=3"]).is_ok());
}

#[test]
fn a_stall_shows_in_what_was_due_meanwhile() {
    let outcome = run(Lie::Stalls, &["fillseq"], &["--num=300", "--rate=1000"]).unwrap();
    let latency = outcome.latency.unwrap();
    assert!(latency.p50 > 40_000.0 && latency.max >= 200_000.0, "{latency:?}");
    let outcome = run(Lie::Stalls, &["fillseq"], &["--num=300"]).unwrap();
    let latency = outcome.latency.unwrap();
    assert!(latency.p50 < 40_000.0 && latency.max >= 200_000.0, "{latency:?}");
}
