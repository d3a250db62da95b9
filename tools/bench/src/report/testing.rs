//! Results that were never measured.

use std::collections::BTreeMap;

use clap::Parser;

use crate::flags::Flags;
use crate::kernel::{Machine, Memory, Usage};
use crate::result::{Latency, Outcome, SCHEMA, Settled, Work};

/// A run of `fillrandom` with so many operations in a second, and these flags.
pub(crate) fn outcome(engine: &str, operations: u64, flags: &str) -> Outcome {
    let words =
        ["lsm-bench", "--benchmarks=fillrandom"].into_iter().chain(flags.split_whitespace());
    let usage = Usage { write_bytes: 300, user_seconds: 1.5, ..Usage::default() };
    let bytes = 100;
    Outcome {
        schema: SCHEMA,
        date: "2026-11-22T02:33:31Z".to_owned(),
        engine: engine.to_owned(),
        engine_version: "1.2".to_owned(),
        configuration: BTreeMap::from([("cache".to_owned(), "<8>".to_owned())]),
        machine: Machine { processor: "Some & Other".to_owned(), ..Machine::default() },
        settings: Flags::try_parse_from(words).unwrap(),
        workload: "fillrandom".to_owned(),
        work: Work { threads: 1, operations, seconds: 1.0, bytes, written: bytes, found: 0 },
        latency: Some(Latency {
            p50: 2.0,
            p99: 30.0,
            curve: vec![(0.0, 1.0), (50.0, 2.0), (99.0, 30.0), (100.0, 500.0)],
            ..Latency::default()
        }),
        beside: None,
        usage,
        settled: Some(Settled { seconds: 1.0, usage: Usage { write_bytes: 450, ..usage } }),
        memory: Memory { peak_bytes: 99_000_000, resident_bytes: 1 },
        space_bytes: 91,
        live_bytes: 100,
    }
}
