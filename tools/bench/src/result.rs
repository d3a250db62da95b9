//! What came out: one object of JSON for each workload and run, and a line for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::flags::Flags;
use crate::kernel::{Machine, Memory, Usage};
use crate::meter::Latencies;

/// Which fields there are: a number that grows when one changes its meaning.
pub const SCHEMA: u32 = 1;
/// Points of a latency curve: as many nines as somebody can want.
const CURVE: [f64; 14] =
    [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 99.999, 100.0];

/// One workload, once, on one store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Which fields there are.
    pub schema: u32,
    /// When it ended, in UTC.
    pub date: String,
    /// The kind of store.
    pub engine: String,
    /// The version of its library.
    pub engine_version: String,
    /// How it was set.
    pub configuration: BTreeMap<String, String>,
    /// The machine.
    pub machine: Machine,
    /// Everything that was asked for and changes what is measured.
    pub settings: Flags,
    /// What was run.
    pub workload: String,
    /// What it did.
    pub work: Work,
    /// How long its operations took; `None` if nobody looked.
    pub latency: Option<Latency>,
    /// The same of the thread that wrote beside, and what it did.
    pub beside: Option<Beside>,
    /// What the process used meanwhile.
    pub usage: Usage,
    /// Until the background had nothing left to do; `None` if nobody waited.
    pub settled: Option<Settled>,
    /// Memory at the end.
    pub memory: Memory,
    /// What the store takes on the disk at the end, after the background is through.
    pub space_bytes: u64,
    /// Bytes of the pairs that are in it.
    pub live_bytes: u64,
}

/// What a workload did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Threads that did it.
    pub threads: u64,
    /// Operations of all threads.
    pub operations: u64,
    /// From the first one's begin to the last one's end.
    pub seconds: f64,
    /// Bytes of keys and values that were written or read.
    pub bytes: u64,
    /// Of those, bytes that were written.
    pub written: u64,
    /// Of keys that were looked for, those that were there.
    pub found: u64,
}

/// Latencies in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were kept: calls, not records of a batch.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Half took at most this long.
    pub p50: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// 99.99 %.
    pub p9999: f64,
    /// The longest.
    pub max: f64,
    /// Percentiles, and how long those took at most.
    pub curve: Vec<(f64, f64)>,
}

/// What a writer did beside readers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Its operations.
    pub operations: u64,
    /// For each second.
    pub per_second: f64,
    /// How long they took.
    pub latency: Option<Latency>,
}

/// The time behind a workload, in which the background catches up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// How long it took.
    pub seconds: f64,
    /// What the process used from the begin of the workload until then.
    pub usage: Usage,
}

impl Work {
    /// Operations a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.operations as f64 / self.seconds.max(1e-9)
    }

    /// How long an operation takes the thread that does it, in microseconds.
    #[must_use]
    pub fn micros(&self) -> f64 {
        self.seconds * 1e6 * self.threads as f64 / self.operations.max(1) as f64
    }
}

impl Latency {
    /// Of what was kept; `None` if that is nothing.
    #[must_use]
    pub fn of(latencies: &Latencies) -> Option<Self> {
        if latencies.is_empty() {
            return None;
        }
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let at = |percentile: f64| micros(latencies.value_at_quantile(percentile / 100.0));
        Some(Self {
            count: latencies.len(),
            mean: latencies.mean() / 1e3,
            p50: at(50.0),
            p99: at(99.0),
            p999: at(99.9),
            p9999: at(99.99),
            max: micros(latencies.max()),
            curve: CURVE.map(|percentile| (percentile, at(percentile))).to_vec(),
        })
    }
}

impl Outcome {
    /// Seconds of the processor for each operation, in microseconds: all threads of the process,
    /// the store's own too.
    #[must_use]
    pub fn processor_micros(&self) -> f64 {
        self.usage.processor_seconds() * 1e6 / self.work.operations.max(1) as f64
    }

    /// Bytes written for each byte that was asked for, while the workload ran.
    #[must_use]
    pub fn write_amplification(&self) -> Option<f64> {
        self.amplification(&self.usage)
    }

    /// The same until the background was through.
    #[must_use]
    pub fn settled_write_amplification(&self) -> Option<f64> {
        self.amplification(&self.settled?.usage)
    }

    /// Operations a second, if the time counts that the background needs afterwards.
    #[must_use]
    pub fn settled_per_second(&self) -> Option<f64> {
        let seconds = self.work.seconds + self.settled?.seconds;
        Some(self.work.operations as f64 / seconds.max(1e-9))
    }

    /// Microseconds of the processor for each operation until the background is through.
    #[must_use]
    pub fn settled_processor_micros(&self) -> Option<f64> {
        let seconds = self.settled?.usage.processor_seconds();
        Some(seconds * 1e6 / self.work.operations.max(1) as f64)
    }

    fn amplification(&self, usage: &Usage) -> Option<f64> {
        let written = self.work.written;
        (written > 0).then(|| usage.write_bytes as f64 / written as f64)
    }

    /// Room on the disk for each byte of the pairs that are there.
    #[must_use]
    pub fn space_amplification(&self) -> Option<f64> {
        (self.live_bytes > 0).then(|| self.space_bytes as f64 / self.live_bytes as f64)
    }

    /// A line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let Work { bytes, seconds, .. } = self.work;
        let mut line = format!(
            "{:<16} : {} micros/op {} ops/s; {:.1} MB/s",
            self.workload,
            short(self.work.micros()),
            thousands(self.work.per_second()),
            bytes as f64 / 1e6 / seconds.max(1e-9),
        );
        if let Some(latency) = &self.latency {
            let Latency { p50, p99, p999, max, .. } = *latency;
            let [p50, p99, p999, max] = [p50, p99, p999, max].map(short);
            line += &format!("; p50 {p50} p99 {p99} p99.9 {p999} max {max} us");
        }
        line += &format!("; cpu {} us/op", short(self.processor_micros()));
        if let Some(during) = self.write_amplification() {
            line += &format!("; write-amp {during:.2}");
            if let Some(settled) = self.settled_write_amplification() {
                line += &format!(" (settled {settled:.2})");
            }
        }
        if let Some(space) = self.space_amplification() {
            line += &format!("; space {space:.2}");
        }
        line += &format!("; peak {:.0} MB", self.memory.peak_bytes as f64 / 1e6);
        if let Some(beside) = &self.beside {
            let _written = write!(line, "; beside {} writes/s", thousands(beside.per_second));
        }
        line
    }
}

/// Three digits, or all that stand before the point.
#[must_use]
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 || value == 0.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Large numbers in thousands or millions.
#[must_use]
pub fn thousands(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", short(value / 1e6)),
        value if value >= 1e3 => format!("{} k", short(value / 1e3)),
        value => short(value),
    }
}

/// A moment in UTC, as 2026-11-22T02:33:31Z.
#[must_use]
pub fn date_of(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = calendar(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The year, month and day so many days behind the first one of 1970.
fn calendar(days: u64) -> (u64, usize, u64) {
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests;
