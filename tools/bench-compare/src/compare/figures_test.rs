//! The middle, and the ends.

use super::Spread;

#[test]
fn an_odd_number_has_a_middle() {
    let wanted = Spread { min: 1.0, median: 2.0, max: 9.0 };
    assert_eq!(Spread::of(vec![9.0, 1.0, 2.0]), Some(wanted));
}

#[test]
fn an_even_number_has_two() {
    let wanted = Spread { min: 1.0, median: 3.0, max: 9.0 };
    assert_eq!(Spread::of(vec![9.0, 1.0, 2.0, 4.0]), Some(wanted));
}

#[test]
fn one_is_everything_and_none_is_nothing() {
    assert_eq!(Spread::of(vec![5.0]), Some(Spread { min: 5.0, median: 5.0, max: 5.0 }));
    assert_eq!(Spread::of(Vec::new()), None);
}
