//! Texts of the kernel are understood, and what this process does is counted.

use std::path::Path;

use super::{Memory, Usage, allocated_bytes, field, file_system, processor};
use crate::place::Place;

#[test]
fn fields_are_found_by_their_whole_name() {
    let text = "rchar: 1\nwchar: 22\nwrite_bytes: 4096\ncancelled_write_bytes: 5\nVmHWM:\t  9 kB\n";
    assert_eq!(field(text, "write_bytes:"), 4096);
    assert_eq!(field(text, "cancelled_write_bytes:"), 5);
    assert_eq!(field(text, "VmHWM:"), 9);
    assert_eq!(field(text, "read_bytes:"), 0);
}

#[test]
fn a_processor_has_a_name() {
    assert_eq!(processor("processor\t: 0\nmodel name\t: Some CPU\n"), "Some CPU");
    assert_eq!(processor(""), "unknown");
}

#[test]
fn the_deepest_mount_names_the_file_system() {
    let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/x xfs rw 0 0\n";
    assert_eq!(file_system(mounts, Path::new("/home")), "ext4");
    assert_eq!(file_system(mounts, Path::new("/tmp/y")), "tmpfs");
    assert_eq!(file_system(mounts, Path::new("/tmp/x/y")), "xfs");
    assert_eq!(file_system(mounts, Path::new("/tmpfile")), "ext4");
    assert_eq!(file_system("", Path::new("/")), "unknown");
}

#[test]
fn bytes_time_and_room_are_counted() {
    let place = Place::temporary().unwrap();
    let before = Usage::now();
    std::fs::create_dir_all(place.store_dir().join("deeper")).unwrap();
    std::fs::write(place.store_dir().join("deeper/file"), vec![7; 1 << 20]).unwrap();
    let used = Usage::now().since(&before);
    assert!(used.wchar >= 1 << 20, "{used:?}");
    assert!(used.processor_seconds() >= 0.0 && used.processor_seconds() < 60.0);
    assert!(allocated_bytes(place.base()).unwrap() >= 1 << 20);
}

#[test]
fn a_peak_is_at_least_what_there_is() {
    let held = vec![1_u8; 8 << 20];
    let memory = Memory::now();
    assert!(memory.peak_bytes >= memory.resident_bytes);
    assert!(memory.resident_bytes > held.len() as u64);
}
