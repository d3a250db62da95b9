//! Boot id and random bits.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the real world"
)]

use super::*;

#[test]
fn boot_ids_are_thirty_two_digits() {
    let text = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n";
    let id = parse_boot_id(text).unwrap();
    assert_eq!(id[..4], [0x0f, 0x1e, 0x2d, 0x3c]);
    assert_eq!(id[15], 0xf0);
    for bad in ["", "0f1e", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f", &"0".repeat(33), &"g".repeat(32)]
    {
        assert_eq!(parse_boot_id(bad), None, "{bad}");
    }
}

#[test]
fn the_machine_answers() {
    let host = OsHost::default();
    assert_eq!(host.boot_id(), OsHost::default().boot_id());
    #[cfg(target_os = "linux")]
    assert!(host.boot_id().is_some_and(|id| id != [0; 16]));
    assert_eq!(host.process_id(), std::process::id());
    let bits: Vec<u64> = (0..4).map(|_| host.random().unwrap()).collect();
    assert!(bits.windows(2).all(|pair| pair[0] != pair[1]), "{bits:?}");
}

#[test]
fn clocks_run() {
    use crate::env::clock::Clock;
    use crate::env::os::clock::OsClock;
    let first = OsClock.monotonic();
    assert!(OsClock.monotonic() >= first);
    // September 2020 has passed.
    assert!(OsClock.wall_millis() > 1_600_000_000_000);
}
