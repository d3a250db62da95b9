//! The ground as the stories see it: log, manifest and the list of tables, without what is in them.

pub mod reference;
pub mod tables;

pub mod subject;

pub mod script;
pub mod specimen;
