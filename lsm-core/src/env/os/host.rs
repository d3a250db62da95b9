//! The machine: which boot of it this is, and the kernel's random bits.

#![allow(clippy::disallowed_methods, reason = "the real world is asked here")]

#[cfg(test)]
mod tests;

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
