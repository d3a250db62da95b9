//! What the kernel counts: bytes, time of the processor, memory, room on the disk.
//!
//! `write_bytes` grows when a page in memory becomes one that has to be written, be it by a call or
//! through a mapping: a page that is written twice before it goes to the disk counts once. A file
//! that is deleted before that counts all the same, and once more as `cancelled_write_bytes`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Allocated room is counted in such units, whatever the file system's own are.
const BLOCK_BYTES: u64 = 512;

/// What this process has used since it began, or in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of pages that have to be written to a disk.
    pub write_bytes: u64,
    /// Of those, what was deleted before it was written.
    pub cancelled_write_bytes: u64,
    /// Bytes handed to calls that write.
    pub wchar: u64,
    /// Bytes that came from a disk.
    pub read_bytes: u64,
    /// Seconds of the processor in the program, all threads together.
    pub user_seconds: f64,
    /// Seconds of the processor in the kernel.
    pub system_seconds: f64,
}

impl Usage {
    /// Until now.
    #[must_use]
    pub fn now() -> Self {
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let (user, system) = processor_time();
        Self {
            write_bytes: field(&io, "write_bytes:"),
            cancelled_write_bytes: field(&io, "cancelled_write_bytes:"),
            wchar: field(&io, "wchar:"),
            read_bytes: field(&io, "read_bytes:"),
            user_seconds: user.as_secs_f64(),
            system_seconds: system.as_secs_f64(),
        }
    }

    /// From an earlier moment until this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let less = |now: u64, then: u64| now.saturating_sub(then);
        Self {
            write_bytes: less(self.write_bytes, earlier.write_bytes),
            cancelled_write_bytes: less(self.cancelled_write_bytes, earlier.cancelled_write_bytes),
            wchar: less(self.wchar, earlier.wchar),
            read_bytes: less(self.read_bytes, earlier.read_bytes),
            user_seconds: self.user_seconds - earlier.user_seconds,
            system_seconds: self.system_seconds - earlier.system_seconds,
        }
    }

    /// Seconds of the processor.
    #[must_use]
    pub fn processor_seconds(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}

/// The number behind a word at the start of a line; 0 if there is none.
fn field(text: &str, word: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Of all threads, those that have ended too: in the program and in the kernel.
#[allow(unsafe_code, reason = "the only way to ask for it")]
fn processor_time() -> (Duration, Duration) {
    // SAFETY: all fields are numbers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` has room for the answer, and lives through the call.
    if unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0 {
        return Default::default();
    }
    let duration =
        |time: libc::timeval| Duration::new(time.tv_sec.unsigned_abs(), 1000 * time.tv_usec as u32);
    (duration(usage.ru_utime), duration(usage.ru_stime))
}

/// Memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// At most, since the process began or since `forget_peak`.
    pub peak_bytes: u64,
    /// Now.
    pub resident_bytes: u64,
}

impl Memory {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let (peak, resident) = (field(&status, "VmHWM:"), field(&status, "VmRSS:"));
        Self { peak_bytes: peak << 10, resident_bytes: resident << 10 }
    }

    /// Lets the peak begin anew, where the kernel lets a process do so.
    pub fn forget_peak() {
        let _kept = fs::write("/proc/self/clear_refs", "5");
    }
}

/// What the files below a directory take on the disk, in bytes.
pub fn allocated_bytes(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // What is deleted meanwhile takes no room.
        let Ok(meta) = entry.metadata() else { continue };
        sum += meta.blocks() * BLOCK_BYTES;
        if meta.is_dir() {
            sum += allocated_bytes(&entry.path())?;
        }
    }
    Ok(sum)
}

/// The machine that something was measured on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor, as the kernel names it.
    pub processor: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// Its memory.
    pub memory_bytes: u64,
    /// The version of the kernel.
    pub kernel: String,
    /// The file system that the store stands on.
    pub file_system: String,
}

impl Machine {
    /// This one, with a store in this directory.
    #[must_use]
    pub fn here(dir: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let absolute = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        Self {
            processor: processor(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal:") << 10,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: file_system(&read("/proc/self/mounts"), &absolute),
        }
    }
}

fn processor(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
    name.unwrap_or("unknown").to_owned()
}

/// The kind of the mount that a path lies in: the last one with the longest place above it.
fn file_system(mounts: &str, path: &Path) -> String {
    let mut best = (0, "unknown");
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (words.next(), words.next()) else { continue };
        if path.starts_with(place) && place.len() >= best.0 {
            best = (place.len(), kind);
        }
    }
    best.1.to_owned()
}

#[cfg(test)]
mod tests;
