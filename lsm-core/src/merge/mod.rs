//! Merge operators: values that are made of what was there and of what is added to it.

pub mod operator;

pub mod builtin;

pub mod merger;
pub mod operand;

pub mod chain;
pub mod registry;
