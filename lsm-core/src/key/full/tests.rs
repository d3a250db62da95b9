//! Full keys of every length, on both sides of the inline room.

use super::*;

#[test]
fn a_full_key_gives_back_its_parts() {
    for len in [0, 1, 7, 8, 55, 56, 57, 100, 65_535] {
        let user = vec![7u8; len];
        let key = FullKey::new(KeyspaceId::new(0x0102_0304), &user);
        assert_eq!(keyspace_of(key.bytes()).get(), 0x0102_0304);
        assert_eq!(user_key(key.bytes()), user);
    }
}

#[test]
fn every_key_of_a_keyspace_lies_between_its_bounds() {
    let id = KeyspaceId::new(255);
    let last = FullKey::new(id, &[0xff; 300]);
    assert!(FullKey::first_of(id).bytes() <= last.bytes());
    assert!(last.bytes() < FullKey::end_of(id).bytes());
}

#[test]
fn heads_order_as_keys_do() {
    let keys: [&[u8]; 6] = [b"", b"a", b"a\0", b"aaaaaaaa", b"aaaaaaaab", b"b"];
    for pair in keys.windows(2) {
        let [a, b] = pair else { unreachable!() };
        let heads = [a, b].map(|key| head_of(FullKey::new(KeyspaceId::DEFAULT, key).bytes()));
        assert!(heads[0] <= heads[1], "{a:?} {b:?}");
    }
}

#[test]
fn words_from_any_byte_on_are_those_of_the_rest() {
    let bytes: Vec<u8> = (1..=20).collect();
    for len in 0..=bytes.len() {
        for from in 0..=len + 1 {
            let mut word = [0; 8];
            let rest = bytes[..len].get(from..).unwrap_or_default();
            let count = rest.len().min(8);
            word[..count].copy_from_slice(&rest[..count]);
            assert_eq!(big_endian_from(&bytes[..len], from), u64::from_be_bytes(word));
        }
    }
}
