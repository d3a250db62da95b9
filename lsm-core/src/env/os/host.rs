//! The machine: which boot of it this is, and the kernel's random bits.

#![allow(clippy::disallowed_methods, reason = "the real world is asked here")]

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::OnceLock;

use crate::base::error::{Error, Result};
use crate::env::host::{BootId, Host};
use crate::env::os::process;

/// The machine that this process runs on.
#[derive(Debug, Default)]
pub struct OsHost {
    boot_id: OnceLock<Option<BootId>>,
}

impl Host for OsHost {
    fn boot_id(&self) -> Option<BootId> {
        *self.boot_id.get_or_init(read_boot_id)
    }

    fn process_id(&self) -> u32 {
        // Asked anew each time: a forked child is another process.
        std::process::id()
    }

    fn memory_bytes(&self) -> Option<u64> {
        let limits = [machine_memory(), group_memory()];
        limits.into_iter().flatten().min()
    }

    fn random(&self) -> Result<u64> {
        let mut bits = [0; 8];
        process::random(&mut bits).map_err(|error| Error::from_os("get random bits", error))?;
        Ok(u64::from_le_bytes(bits))
    }
}

#[cfg(target_os = "linux")]
fn read_boot_id() -> Option<BootId> {
    parse_boot_id(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
}

#[cfg(not(target_os = "linux"))]
fn read_boot_id() -> Option<BootId> {
    None
}

/// The memory of the machine.
fn machine_memory() -> Option<u64> {
    memory_of(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// The least limit of the control groups that this process is in, of either version.
fn group_memory() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let limit_in = |dir: &Path, name: &str| -> Option<u64> {
        std::fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
    };
    let limits = groups.lines().filter_map(group_of).flat_map(|(root, name, path)| {
        let root = Path::new(root);
        let dir = root.join(path.trim_start_matches('/'));
        let dirs: Vec<&Path> = dir.ancestors().take_while(|dir| dir.starts_with(root)).collect();
        // In a container, the path may be one of the host, and the root is what there is to see.
        dirs.into_iter().filter_map(|dir| limit_in(dir, name)).min()
    });
    limits.min()
}

/// Where a line of `/proc/self/cgroup` says that memory is limited: the root of the hierarchy, the
/// name of the file with the limit, and the group.
fn group_of(line: &str) -> Option<(&'static str, &'static str, &str)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    if controllers.is_empty() {
        return Some(("/sys/fs/cgroup", "memory.max", path));
    }
    let is_memory = controllers.split(',').any(|controller| controller == "memory");
    is_memory.then_some(("/sys/fs/cgroup/memory", "memory.limit_in_bytes", path))
}

/// What `/proc/meminfo` says in all, in bytes.
fn memory_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Thirty-two hexadecimal digits, with dashes anywhere.
#[cfg(any(target_os = "linux", test))]
fn parse_boot_id(text: &str) -> Option<BootId> {
    let mut id = 0u128;
    let mut digits = 0;
    for digit in text.trim().chars().filter(|&digit| digit != '-') {
        id = (id << 4) | u128::from(digit.to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then(|| id.to_be_bytes())
}
