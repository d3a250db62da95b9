//! What the database consists of: edits, the catalog that they add up to, the manifest that keeps
//! them, and the trees that readers see.

pub mod garbage;
pub mod handles;
pub mod pins;
pub mod unlink;

pub mod tree;

pub mod edit;

pub mod catalog;
pub mod head;
pub mod unnamed;

pub mod replay;

pub mod current;
pub mod follow;
pub mod manifest;
pub mod shelf;
