//! Long lives of the ground: one database through many random letters and many crashes.

use std::time::Duration;

use crate::harness::ground::subject::Ground;
use crate::harness::lives::{Span, few, many};

const SPAN: Span = Span { name: "lives", lives: 6, letters_max: 12 };

#[test]
fn a_database_lives_through_many_crashes() {
    few::<Ground>(SPAN, 2_000, Duration::from_secs(20));
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_long_lives() {
    many::<Ground>(SPAN, 30);
}
