//! A page of HTML from lines of JSON: tables of ratios, plots, and everything about how it was
//! measured, in one file that needs nothing else.

pub mod markup;
pub mod sheet;

pub mod bars;
pub mod curves;
pub mod figures;

pub mod page;

pub mod command;

#[cfg(test)]
pub(crate) mod testing;
