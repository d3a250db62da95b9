//! Stories that every kind of memtable has to live through.

mod helpers;

mod memtables;
mod order;
mod threads;
