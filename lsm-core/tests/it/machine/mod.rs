//! Stories on the machine itself, with its file system, threads and processes. They need nothing
//! that is simulated, so they run in the build that ships, too.

pub mod kit;

mod cut;
mod engine_threads;
mod idle;
mod kill;
mod log_threads;
mod memory;
mod os_input;
mod queue;
mod readers;
mod thread_end;
