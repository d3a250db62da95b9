//! Records of large values, to bytes and back.

use super::*;

fn large<'a>(value: &'a [u8], codec: Codec) -> Large<'a> {
    Large { keyspace: KeyspaceId::new(3), key: b"key", value, codec }
}

fn written(large: &Large<'_>, file_id: u64, offset: u64) -> (u64, Vec<u8>) {
    let mut packed = Packed::new(large);
    let len = packed.len();
    let (check, parts) = packed.place(file_id, offset);
    let bytes = parts.concat();
    assert_eq!(bytes.len() as u64, len);
    (check, bytes)
}

#[test]
fn values_of_any_length_and_packing_are_read_as_they_were_written() {
    let random: Vec<u8> = (0..300_000_u64).map(|at| hash64(&at.to_le_bytes()) as u8).collect();
    for value in [&[][..], b"v", &[7; 5_000], &random[..4_096], &random] {
        for codec in [Codec::None, Codec::Lz4] {
            let (check, bytes) = written(&large(value, codec), 9, 128);
            let head = verify(&bytes, 9, 128).expect("it verifies");
            assert_eq!((head.check, head.raw as usize), (check, value.len()));
            assert_eq!((head.keyspace, head.key), (KeyspaceId::new(3), 3));
            assert_eq!(unpack(&bytes, &head).unwrap().as_deref(), Some(value));
        }
    }
}

#[test]
fn a_value_is_packed_only_where_that_saves_something() {
    let (_, bytes) = written(&large(&[7; 5_000], Codec::Lz4), 9, 128);
    assert!(bytes.len() < 200, "{}", bytes.len());
    let random: Vec<u8> = (0..5_000_u64).map(|at| hash64(&at.to_le_bytes()) as u8).collect();
    let (_, bytes) = written(&large(&random, Codec::Lz4), 9, 128);
    assert_eq!(bytes.len(), HEAD_LEN + 3 + 5_000);
}

#[test]
fn a_record_verifies_nowhere_else_and_after_no_change() {
    let (_, bytes) = written(&large(b"a value", Codec::None), 9, 128);
    assert!(verify(&bytes, 9, 128).is_some());
    assert!(verify(&bytes, 8, 128).is_none());
    assert!(verify(&bytes, 9, 136).is_none());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(verify(&changed, 9, 128).is_none(), "byte {at}");
        assert!(verify(&bytes[..at], 9, 128).is_none(), "cut at {at}");
    }
}

#[test]
fn a_record_can_be_moved_as_it_is() {
    let (_, bytes) = written(&large(&[7; 5_000], Codec::Lz4), 9, 128);
    let mut again = Packed::again(bytes).expect("it has a head");
    let (_, parts) = again.place(10, 4_000);
    let bytes = parts.concat();
    let head = verify(&bytes, 10, 4_000).expect("it verifies in its new place");
    assert_eq!(unpack(&bytes, &head).unwrap(), Some(vec![7; 5_000]));
}

#[test]
fn a_length_that_nobody_writes_is_refused_whatever_the_check_says() {
    let forged = |codec: Codec, raw: usize| {
        let (_, mut bytes) = written(&large(b"a value", Codec::None), 9, 128);
        bytes[12..16].copy_from_slice(&(raw as u32).to_le_bytes());
        bytes[22] = codec as u8;
        let (front, stored) = (bytes[8..HEAD_LEN + 3].to_vec(), &bytes[HEAD_LEN + 3..]);
        let check = check_of((9, 128), &front, stored);
        bytes[..8].copy_from_slice(&check.to_le_bytes());
        bytes
    };
    assert!(verify(&forged(Codec::None, 7), 9, 128).is_some());
    assert!(verify(&forged(Codec::Lz4, 7 * 255 + 64), 9, 128).is_some());
    assert!(verify(&forged(Codec::Zstd, 7 * 32_768), 9, 128).is_some());
    for raw in [0, 6, 8, u32::MAX as usize] {
        assert!(verify(&forged(Codec::None, raw), 9, 128).is_none(), "{raw}");
    }
    for raw in [7 * 255 + 65, PACKED_MAX, PACKED_MAX + 1, u32::MAX as usize] {
        assert!(verify(&forged(Codec::Lz4, raw), 9, 128).is_none(), "{raw}");
    }
    for raw in [7 * 32_768 + 1, PACKED_MAX + 1, u32::MAX as usize] {
        assert!(verify(&forged(Codec::Zstd, raw), 9, 128).is_none(), "{raw}");
    }
}
