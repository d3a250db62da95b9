//! What sources show together: exactly where they are alone, between bounds where they meet.

use super::*;

fn source(span: (&str, &str), age: usize, live: u64, dead: u64) -> Source {
    Source {
        first: span.0.as_bytes().to_vec(),
        last: span.1.as_bytes().to_vec(),
        age,
        keys_max: live + dead,
        live: Estimate::exact(live),
        dead: Estimate::exact(dead),
        bytes: Estimate::exact(live * 10),
        entry_max: 10,
    }
}

#[test]
fn one_source_is_known_exactly() {
    let alive = reckon(vec![source(("a", "c"), 0, 7, 2)]);
    assert_eq!((alive.keys, alive.bytes), (Estimate::exact(7), Estimate::exact(70)));
    assert_eq!(reckon(Vec::new()), Alive::default());
}

#[test]
fn sources_that_do_not_meet_hide_nothing_of_each_other() {
    let sources = vec![source(("d", "f"), 1, 5, 1), source(("a", "c"), 0, 7, 2)];
    assert_eq!(reckon(sources).keys, Estimate::exact(12));
}

#[test]
fn newer_ones_hide_as_many_keys_as_they_have() {
    let sources = vec![source(("a", "z"), 1, 100, 0), source(("m", "n"), 0, 7, 3)];
    let alive = reckon(sources);
    // All ten may stand in the older one too: three of them deleted.
    assert_eq!((alive.keys.at_least, alive.keys.at_most), (97, 107));
    assert_eq!((alive.bytes.at_least, alive.bytes.at_most), (970, 1070));
}

#[test]
fn numbers_are_scaled_without_overflow() {
    assert_eq!(scaled(u64::MAX, 1, 2), u64::MAX / 2);
    assert_eq!(scaled(u64::MAX, u64::MAX, 1), u64::MAX);
    assert_eq!(scaled(5, 1, 0), 5);
}
