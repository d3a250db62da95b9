//! Blocks: some hundred sorted entries in one image, column by column.

pub mod shape;
pub mod tags;

pub mod builder;
pub mod view;

pub mod buffer;
pub mod point;
