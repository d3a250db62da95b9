//! The life of a database: opened, read without being written, verified, damaged, closed,
//! destroyed, and opened again by later versions.

mod compressions;
mod damage;
mod destroy;
mod every_byte;
mod golden;
mod handles;
pub mod read_only;
pub mod salvage;
mod verify;
