//! The museum of bugs: every planted bug is found by the lanes that docs/testing.md names, within
//! seconds.

mod lanes;
mod processor;
mod table;

mod candidates;

mod found;
