//! The public face: what a program that uses the crate sees.

pub mod bounds;
pub mod stats;
pub mod strategy;

pub mod keyspace_ref;

pub mod doctor;
pub mod explain;

pub mod batch;
pub mod cursor;
pub mod snapshot;

pub mod range;

pub mod read;

pub mod keyspace;

pub mod conditional;
pub mod db;
pub mod expiring;
pub mod merging;
