//! What a table promises, a file per part of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod helpers;

mod damage;
mod edges;
mod model;
mod opening;
mod rank;
