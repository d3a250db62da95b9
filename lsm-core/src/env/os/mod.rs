//! The operating system: the real world behind the traits of `env`.

#[allow(dead_code, reason = "files and directories come next")]
mod sys;

#[allow(dead_code, reason = "windows come next")]
mod process;

pub mod clock;
pub mod host;

#[cfg(test)]
#[allow(dead_code, reason = "files and directories come next")]
mod testing;
