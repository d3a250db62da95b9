//! Stories on the machine itself, with its file system, threads and processes. They need nothing
//! that is simulated, so they run in the build that ships, too.

pub mod history;
pub mod kit;

mod cut;
mod engine_threads;
mod histories;
mod idle;
mod kill;
mod killed;
mod log_threads;
mod memory;
mod os_input;
mod queue;
mod readers;
mod scarce;
mod thread_end;
