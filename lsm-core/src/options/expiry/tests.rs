//! Tests of what an expiry means.

use super::*;

#[test]
fn an_expiry_says_what_becomes_of_a_value_written_now() {
    let of = |expiry: Expiry, usual| expiry.resolve(usual, || 1_000);
    assert_eq!(of(Expiry::Usual, 0), Life::Forever);
    assert_eq!(of(Expiry::Usual, 5), Life::Until(1_005));
    assert_eq!(of(Expiry::Never, 5), Life::Forever);
    assert_eq!(of(Duration::from_millis(7).into(), 5), Life::Until(1_007));
    assert_eq!(of(Expiry::At(1_001), 5), Life::Until(1_001));
}

#[test]
fn what_is_over_when_it_is_written_is_over() {
    let of = |expiry: Expiry| expiry.resolve(0, || 1_000);
    assert_eq!(of(Expiry::After(Duration::ZERO)), Life::Over);
    assert_eq!(of(Expiry::At(1_000)), Life::Over);
    assert_eq!(of(Expiry::At(0)), Life::Over);
}

#[test]
fn a_part_of_a_millisecond_is_one_more_and_eternity_is_never() {
    let of = |expiry: Expiry| expiry.resolve(0, || 1_000);
    assert_eq!(of(Expiry::After(Duration::from_nanos(1))), Life::Until(1_001));
    assert_eq!(of(Expiry::After(Duration::from_micros(1_001))), Life::Until(1_002));
    assert_eq!(of(Expiry::After(Duration::MAX)), Life::Forever);
    assert_eq!(of(Expiry::At(u64::MAX)), Life::Until(u64::MAX));
}

#[test]
fn what_is_stored_is_told() {
    assert_eq!(Expiry::from_stored(0), Expiry::Never);
    assert_eq!(Expiry::from_stored(9), Expiry::At(9));
}

#[test]
fn a_moment_is_told_in_milliseconds_since_1970() {
    let epoch = SystemTime::UNIX_EPOCH;
    assert_eq!(Expiry::from(epoch + Duration::from_micros(1_500_000)), Expiry::At(1_500));
    assert_eq!(Expiry::from(epoch + Duration::from_nanos(1)), Expiry::At(1));
    assert_eq!(Expiry::from(epoch - Duration::from_secs(1)), Expiry::At(0));
}
