//! The pace rises with the load, and begins at nothing.

use super::*;

const LIMITS: Limits =
    Limits { memtables: 4, runs_over: 20, debt_bytes: 1 << 30, memory_bytes: 8 << 20 };

fn nanos(load: Load) -> u128 {
    pace(&load, &LIMITS).map_or(0, |pace| pace.per_kib.as_nanos())
}

#[test]
fn nobody_waits_while_the_background_keeps_up() {
    assert_eq!(pace(&Load::default(), &LIMITS), None);
    assert_eq!(
        nanos(Load { memtables: 2, runs_over: 12, debt_bytes: 600 << 20, memory_bytes: 4 << 20 }),
        0
    );
}

#[test]
fn the_pace_never_falls_while_the_load_rises_and_has_an_end() {
    let paces: Vec<_> = (0..2000)
        .map(|mib: u64| nanos(Load { debt_bytes: mib << 20, ..Load::default() }))
        .collect();
    assert!(paces.is_sorted());
    assert_eq!(paces.last(), Some(&u128::from(PER_KIB_MAX)));
}

#[test]
fn the_worst_of_the_causes_is_named() {
    let load = Load { memtables: 3, runs_over: 19, ..Load::default() };
    assert_eq!(pace(&load, &LIMITS).map(|pace| pace.cause), Some(Cause::Runs));
}
