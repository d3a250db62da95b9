//! Engines side by side: each in a process of its own, round by round, and what came out.

pub(crate) mod asked;
pub(crate) mod figures;
pub(crate) mod order;
pub(crate) mod run;

pub(crate) mod table;

pub(crate) mod rounds;
