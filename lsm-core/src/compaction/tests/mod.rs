//! Strategies driven over a tree that is only pretended, with real contents.

pub(crate) mod fake;

mod sim;

mod crew;

mod costs;
mod hostile;
mod stories;
