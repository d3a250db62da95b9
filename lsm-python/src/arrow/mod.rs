//! Columns in Arrow's C structs: what is handed out, and what others hand in.

pub(crate) mod abi;

pub(crate) mod capsule;

pub(crate) mod interpreter;

pub(crate) mod lane;

pub(crate) mod export;
pub(crate) mod import;
