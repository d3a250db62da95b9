//! The operating system: the real world behind the traits of `env`.
//!
//! Unix only. Linux has everything; elsewhere mapped windows, reservations and claims answer
//! `Unsupported`, and the layers above do without. Unsafe code stands in `sys`, `memory`,
//! `process`, `fork`, `guard` and `window`, and nowhere else.

#[cfg(target_os = "linux")]
mod medium;
mod sys;

pub mod memory;
mod process;
pub mod relax;

pub mod clock;
pub mod fork;
pub mod host;

#[cfg(target_os = "linux")]
mod guard;

#[cfg(target_os = "linux")]
pub mod window;

pub mod file;

pub mod lock;

pub mod dir;

pub mod fs;

pub mod scheduler;

pub mod world;

#[cfg(test)]
mod testing;
