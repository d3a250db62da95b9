//! What LevelDB says of its tables, understood.

use super::{LEVEL_ONE_BYTES, is_merging, table_bytes};

fn listing(levels: &[(usize, &[u64])]) -> String {
    let mut text = String::new();
    for (level, sizes) in levels {
        text += &format!("--- level {level} ---\n");
        for (number, size) in sizes.iter().enumerate() {
            text += &format!(" {number}:{size}['a:[' @ 1 : 1 .. 'z' @ 9 : 1]\n");
        }
    }
    text
}

#[test]
fn sizes_are_found() {
    assert_eq!(table_bytes(" 17:2119324['a:[' @ 1 : 1 .. 'z' @ 9 : 1]"), 2_119_324);
}

#[test]
fn full_levels_are_merged() {
    let full = LEVEL_ONE_BYTES;
    assert!(is_merging(&listing(&[(0, &[1, 1, 1, 1])])));
    assert!(is_merging(&listing(&[(0, &[]), (1, &[full - 1, 1])])));
    assert!(is_merging(&listing(&[(1, &[]), (2, &[full * 10])])));
}

#[test]
fn others_are_left() {
    let full = LEVEL_ONE_BYTES;
    assert!(!is_merging(&listing(&[])));
    assert!(!is_merging(&listing(&[(0, &[full, full, full]), (1, &[full - 1])])));
    assert!(!is_merging(&listing(&[(2, &[full, full]), (6, &[u64::MAX])])));
}
