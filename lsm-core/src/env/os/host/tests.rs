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

#[test]
fn the_memory_of_this_machine_is_known() {
    let bytes = OsHost::default().memory_bytes();
    assert!(bytes.is_none_or(|bytes| bytes >= 16 << 20), "{bytes:?}");
    assert_eq!(memory_of("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
    assert_eq!(memory_of("MemTotal: much"), None);
    assert_eq!(memory_of("MemTotal: 99999999999999999999 kB"), None);
}

#[test]
fn a_group_says_where_its_limit_is() {
    assert_eq!(group_of("0::/a/b"), Some(("/sys/fs/cgroup", "memory.max", "/a/b")));
    let old = Some(("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "/x"));
    assert_eq!(group_of("4:cpu,memory:/x"), old);
    assert_eq!(group_of("3:cpu:/x"), None);
    assert_eq!(group_of("nonsense"), None);
}
