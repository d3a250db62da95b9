//! What a program that uses the crate may plug in.

pub mod event;

pub mod words;

pub mod listener;
