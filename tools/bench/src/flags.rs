//! What is asked for on the command line, with the names that users of `db_bench` know.

use std::path::PathBuf;

use clap::{Command, CommandFactory, Parser};
use serde::{Deserialize, Serialize};

use crate::generator::Shape;
use crate::nothing::NAME;
use crate::store::Setup;

/// Measures a key-value store.
#[derive(Clone, Debug, Parser, Serialize, Deserialize)]
#[command(name = "lsm-bench", version, args_override_self = true, rename_all = "snake_case")]
pub struct Flags {
    /// What is run, one after the other, on the same store: a list with commas
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAMES")]
    #[serde(skip)]
    pub benchmarks: Vec<String>,

    /// The stores that are measured, one after the other: a list with commas. `nothing` is the
    /// harness with no store behind it
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    #[serde(skip)]
    pub engine: Vec<String>,

    /// Keys that a fill writes, and operations of everything that writes, for each thread
    #[arg(long, default_value = "1000000", value_parser = count, value_name = "COUNT")]
    pub num: u64,

    /// Operations of what reads, for each thread; as many as --num if it is left out
    #[arg(long, value_parser = count, value_name = "COUNT")]
    pub reads: Option<u64>,

    /// Ends a workload after so many seconds; a fill ends with its keys all the same, everything
    /// else goes on for so long. 0 for no limit
    #[arg(long, default_value = "0", value_parser = seconds, value_name = "SECONDS")]
    pub duration: f64,

    /// Threads that do the work
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub threads: u64,

    /// Bytes of a value
    #[arg(long, default_value = "100", value_parser = bytes, value_name = "BYTES")]
    pub value_size: u64,

    /// Digits of a key
    #[arg(long, default_value = "16", value_parser = bytes, value_name = "BYTES")]
    pub key_size: u64,

    /// Records of a batch, and keys that are looked up at once
    #[arg(long, default_value = "100", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub batch_size: u64,

    /// Pairs that are read behind a seek
    #[arg(long, default_value = "10", value_parser = count, value_name = "COUNT")]
    pub seek_nexts: u64,

    /// Memory for blocks
    #[arg(long, default_value = "256MiB", value_parser = bytes, value_name = "BYTES")]
    pub cache_size: u64,

    /// The size of a memtable
    #[arg(long, default_value = "64MiB", value_parser = bytes, value_name = "BYTES")]
    pub write_buffer_size: u64,

    /// Bits of a filter for each key; 0 for no filter
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u32).range(0..=32))]
    pub bloom_bits: u32,

    /// How blocks are packed: none or lz4
    #[arg(long, default_value = "lz4", value_parser = ["none", "lz4"])]
    pub compression_type: String,

    /// Threads for background work
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub max_background_jobs: u64,

    /// Each write reaches the disk before the next one begins
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1)]
    #[arg(value_parser = yes, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub sync: bool,

    /// Operations a second of all threads together, at moments that do not move; 0 for as many as
    /// there can be
    #[arg(long, default_value = "0", value_parser = rate, value_name = "RATE")]
    pub rate: f64,

    /// Writes a second of the writer in readwhilewriting; 0 for as many as there can be
    #[arg(long, default_value = "0", value_parser = rate, value_name = "RATE")]
    pub benchmark_write_rate_limit: f64,

    /// So many operations of each thread come first and are not measured, in what only reads
    #[arg(long, default_value = "0", value_parser = count_or_none, value_name = "COUNT")]
    pub warmup: u64,

    /// Keeps how long each operation took, which costs a look at the clock for each
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1)]
    #[arg(value_parser = yes, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub histogram: bool,

    /// Waits after everything that writes until the background has nothing left to do, and counts
    /// what that writes
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1)]
    #[arg(value_parser = yes, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub settle: bool,

    /// Megabytes of pairs that a process writes before it is killed, in openafterkill
    #[arg(long, default_value = "48", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub log_mb: u64,

    /// The orders and choices of keys follow from it
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    pub seed: u64,

    /// A directory for the store, which stays; a temporary one if it is left out
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    pub db: Option<PathBuf>,

    /// Begins with the store that an earlier run left in --db, for fills too
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1)]
    #[arg(value_parser = yes, value_name = "BOOL", action = clap::ArgAction::Set)]
    pub use_existing_db: bool,

    /// Appends a line of JSON for each workload to this file
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub json: Option<PathBuf>,

    /// Seconds between two looks at how far a workload is, on the standard error; 0 for none. 1 if
    /// that is a terminal, otherwise 0
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    #[serde(skip)]
    pub stats_interval_seconds: Option<f64>,
}

/// What stands below the flags when somebody asks for help.
const NOTES: &str = "\
A flag is --name=value or --name value, with underscores or dashes; the last one counts. Numbers of
operations are for each thread, as in db_bench. Every answer of a store is checked; the run ends
with status 1 if one is wrong. tools/bench/README.md says how to read the figures.

`lsm-bench report A.jsonl [B.jsonl ...] -o report.html` makes a page of what --json has written.";

impl Flags {
    /// The flags with their help, and in it this table of workloads and these names of engines.
    #[must_use]
    pub fn with_help(workloads: &str, engines: &str) -> Command {
        let engines = format!("Engines (--engine): {engines}, {NAME}\n");
        let workloads = format!("Workloads (--benchmarks):\n{workloads}");
        Self::command().after_help(format!("{workloads}\n{engines}\n{NOTES}"))
    }

    /// Operations of what reads.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.unwrap_or(self.num)
    }

    /// How long keys and values are.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape { key_bytes: self.key_size as usize, value_bytes: self.value_size as usize }
    }

    /// What stores are given.
    #[must_use]
    pub fn setup(&self) -> Setup {
        Setup {
            cache_bytes: self.cache_size as usize,
            memtable_bytes: self.write_buffer_size as usize,
            filter_bits: self.bloom_bits,
            is_packed: self.compression_type != "none",
            is_synced: self.sync,
            background_threads: self.max_background_jobs as usize,
        }
    }

    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), String> {
        let (num, numbers) = (self.num, self.shape().numbers());
        if num > numbers {
            let digits = self.key_size;
            return Err(format!(
                "there are {numbers} keys of {digits} digits that can be told apart here, and \
                 --num is {num}"
            ));
        }
        if self.key_size > 65_535 || self.value_size > 1 << 30 {
            return Err("a key has at most 65535 bytes, a value 1 GiB".to_owned());
        }
        if self.value_size * self.batch_size > 1 << 32 {
            return Err("a batch of --batch_size values of --value_size is too large".to_owned());
        }
        if self.use_existing_db && self.db.is_none() {
            return Err("--use_existing_db needs the directory of the store: --db=DIR".to_owned());
        }
        Ok(())
    }
}

fn yes(word: &str) -> Result<bool, String> {
    match word {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("it is true or false, 1 or 0".to_owned()),
    }
}

/// A number with a unit behind it.
fn scaled(word: &str, units: &[(&str, u64)]) -> Option<u64> {
    let known = units.iter().find_map(|(unit, scale)| Some((word.strip_suffix(unit)?, *scale)));
    let (digits, scale) = known.unwrap_or((word, 1));
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

fn count(word: &str) -> Result<u64, String> {
    let number = count_or_none(word).ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a number from 1 on, with k or M behind it or not".to_owned())
}

fn count_or_none(word: &str) -> Result<u64, String> {
    let units = [("k", 1_000), ("K", 1_000), ("m", 1_000_000), ("M", 1_000_000)];
    scaled(word, &units).ok_or_else(|| "a number, with k or M behind it or not".to_owned())
}

fn bytes(word: &str) -> Result<u64, String> {
    let (kib, mib, gib) = (1 << 10, 1 << 20, 1 << 30);
    let units = [("KiB", kib), ("MiB", mib), ("GiB", gib), ("K", kib), ("M", mib), ("G", gib)];
    let number = scaled(word, &units).filter(|number| *number > 0 && *number <= 1 << 40);
    number.ok_or_else(|| "bytes from 1 on, with KiB, MiB or GiB behind it or not".to_owned())
}

fn seconds(word: &str) -> Result<f64, String> {
    let number = word.parse().ok().filter(|number| (0.0..=1e6).contains(number));
    number.ok_or_else(|| "seconds from 0 to a million".to_owned())
}

fn rate(word: &str) -> Result<f64, String> {
    let number = word.parse().ok().filter(|number| *number == 0.0 || (1e-3..=1e9).contains(number));
    number.ok_or_else(|| "operations a second, from a thousandth to 1e9; 0 for no limit".to_owned())
}

#[cfg(test)]
mod tests;
