//! What every class stands on: calls of Python, errors, forks, arguments, waiting.

pub(crate) mod calling;

pub(crate) mod errors;

pub(crate) mod expiry;
pub(crate) mod fork;

pub(crate) mod input;

pub(crate) mod lock;

pub(crate) mod target;

pub(crate) mod wait;

pub(crate) mod write;
