//! Long lives of the whole engine: one database through many random letters and many crashes.

use std::time::Duration;

use crate::harness::engine::subject::Setup;
use crate::harness::lives::{Span, few, many};

const SPAN: Span = Span { name: "engine's lives", lives: 5, letters_max: 14 };

#[test]
fn an_engine_lives_through_many_crashes() {
    few::<Setup>(SPAN, 5_000, Duration::from_secs(15));
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_long_lives_of_the_engine() {
    many::<Setup>(SPAN, 45);
}
