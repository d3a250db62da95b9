//! The targets: a file for each layer of the engine that reads something.

pub mod primitive;

pub mod pack;

pub mod merging;

pub mod frames;

pub mod block;
pub mod table;

pub mod large;

pub mod log;
pub mod manifest;

pub mod directory;
pub mod script;

pub mod list;
