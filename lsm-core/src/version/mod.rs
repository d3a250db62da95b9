//! What the database consists of: edits, the catalog that they add up to, and the manifest that
//! keeps them.

pub mod edit;
pub mod tree;

pub mod catalog;
pub mod head;

pub mod manifest;
