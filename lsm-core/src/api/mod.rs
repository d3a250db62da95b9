//! The public face: what a program that uses the crate sees.

pub mod bounds;
pub mod keyspace_ref;
pub mod stats;
pub mod strategy;

pub mod batch;
pub mod range;
pub mod snapshot;

pub mod keyspace;

pub mod db;
