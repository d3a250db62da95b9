//! Keys are numbers and keep their order; a value is recognised, and no other bytes are.

use super::{Shape, mix, number_of};

const SHAPE: Shape = Shape { key_bytes: 16, value_bytes: 100 };

fn key(shape: Shape, number: u64) -> Vec<u8> {
    let mut key = Vec::new();
    shape.key(number, &mut key);
    key
}

fn value(shape: Shape, number: u64) -> Vec<u8> {
    let mut value = Vec::new();
    shape.value(number, &mut value);
    value
}

#[test]
fn a_key_is_its_number_in_digits() {
    assert_eq!(key(SHAPE, 0), b"0000000000000000");
    assert_eq!(key(SHAPE, 1_234_567_890), b"0000001234567890");
    assert_eq!(key(Shape { key_bytes: 3, ..SHAPE }, 42), b"042");
    assert_eq!(key(Shape { key_bytes: 20, ..SHAPE }, 7), b"00000000000000000007");
}

#[test]
fn a_key_tells_its_number() {
    for key_bytes in [10, 16, 17, 40] {
        for number in [0, 1, 9, 10, 99_999_999, 100_000_000, 4_294_967_295] {
            assert_eq!(number_of(&key(Shape { key_bytes, ..SHAPE }, number)), Some(number));
        }
    }
    assert_eq!(number_of(b"123"), Some(123));
}

#[test]
fn other_bytes_are_no_key() {
    assert_eq!(number_of(b""), None);
    assert_eq!(number_of(b"1000000000000000000"), None);
    for at in 0..16 {
        for wrong in [b'/', b':', b'.', b' ', b'p', 0, 255] {
            let mut key = key(SHAPE, 5);
            key[at] = wrong;
            assert_eq!(number_of(&key), None, "{wrong} at {at}");
        }
    }
}

#[test]
fn a_missing_key_stands_between_two_that_are_there() {
    let mut missing = Vec::new();
    SHAPE.missing_key(19, &mut missing);
    assert!(key(SHAPE, 19) < missing && missing < key(SHAPE, 20));
    assert_eq!(number_of(&missing), None);
}

#[test]
fn there_are_as_many_numbers_as_digits_have_room_for() {
    assert_eq!(Shape { key_bytes: 3, ..SHAPE }.numbers(), 1000);
    assert_eq!(SHAPE.numbers(), super::NUMBERS_MAX);
}

#[test]
fn a_value_is_recognised_byte_for_byte() {
    for value_bytes in [1, 2, 7, 16, 100, 127, 128, 129, 1000, 100_000] {
        let shape = Shape { value_bytes, ..SHAPE };
        let mut bytes = value(shape, 77);
        assert_eq!(bytes.len(), value_bytes);
        assert!(shape.is_value(77, &bytes));
        for at in [0, value_bytes / 2, value_bytes - 1] {
            bytes[at] ^= 1;
            assert!(!shape.is_value(77, &bytes), "byte {at} of {value_bytes}");
            bytes[at] ^= 1;
        }
        assert!(!shape.is_value(77, &bytes[1..]));
        bytes.push(b' ');
        assert!(!shape.is_value(77, &bytes));
    }
    assert!(!SHAPE.is_value(78, &value(SHAPE, 77)));
}

#[test]
fn half_of_a_value_is_spaces_at_every_scale() {
    let bytes = value(Shape { value_bytes: 100_000, ..SHAPE }, 3);
    for part in bytes.chunks_exact(4096) {
        let spaces = part.iter().filter(|byte| **byte == b' ').count();
        assert!((2000..2200).contains(&spaces), "{spaces}");
    }
}

#[test]
fn what_is_appended_is_what_would_be_made() {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for number in 5..8 {
        SHAPE.push_key(number, &mut keys);
        SHAPE.push_value(number, &mut values);
    }
    assert_eq!(keys[16..32], key(SHAPE, 6));
    assert_eq!(values[100..200], value(SHAPE, 6));
}

#[test]
fn mixing_loses_nothing() {
    let mut mixed: Vec<u64> = (0..10_000).map(mix).collect();
    mixed.sort_unstable();
    mixed.dedup();
    assert_eq!(mixed.len(), 10_000);
}
