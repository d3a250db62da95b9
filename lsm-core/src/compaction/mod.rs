//! Merging tables in the background: what to do is decided apart from doing it.
//!
//! A `Strategy` looks at a tree and answers a `Plan`; it reads nothing and knows no clock. The
//! engine holds every plan against the tree and against the jobs that run, so a wrong strategy can
//! be slow but cannot lose or reorder data. A job then does what the plan says.

pub mod span;

pub mod place;

pub mod context;
pub mod filter;
pub mod plan;

pub mod busy;
pub mod check;
pub mod filters;
pub mod sieve;
pub mod split;

pub mod gather;

pub mod manual;

pub mod strategy;

pub mod adopt;
pub mod registry;
pub mod rest;

pub mod deletes;
pub mod expiry;
pub mod shape;

pub mod fifo;
pub mod level_zero;
pub mod tiered;

pub mod descent;

pub mod lazy;

pub mod leveled;

pub mod strategist;

pub mod apart;
pub mod choose;
pub mod source;

pub mod part;

pub mod parts;

pub mod job;

#[cfg(test)]
mod tests;
