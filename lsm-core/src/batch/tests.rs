//! What is pushed is read back, and no bytes make a reader panic.

use super::*;

fn put<'a>(key: &'a [u8], value: &'a [u8]) -> Record<'a> {
    Record { kind: Kind::Put, keyspace: KeyspaceId::new(300), key, value }
}

#[test]
fn records_come_back_in_order() {
    let mut records = Records::default();
    let all = [
        put(b"", b""),
        put(b"key", &[7; 300]),
        Record { kind: Kind::Delete, keyspace: KeyspaceId::DEFAULT, key: b"gone", value: b"" },
        Record { kind: Kind::RangeDelete, keyspace: KeyspaceId::DEFAULT, key: b"a", value: b"" },
    ];
    for record in all {
        records.push(record).unwrap();
    }
    assert_eq!(records.len(), 4);
    let back: Vec<_> = records.iter().map(Option::unwrap).collect();
    assert_eq!(back, all);
    records.clear();
    assert!(records.is_empty() && records.iter().next().is_none());
}

#[test]
fn sizes_are_held_to_their_limits() {
    let mut records = Records::default();
    records.push(put(&[1; KEY_BYTES_MAX], b"")).unwrap();
    let before = records.clone();
    let error = records.push(put(&[1; KEY_BYTES_MAX + 1], b"")).unwrap_err();
    assert_eq!((error.kind(), &records), (ErrorKind::TooLarge, &before));
}

#[test]
fn cut_and_flipped_bytes_end_the_reading() {
    let mut records = Records::default();
    for n in 0..20u8 {
        records.push(put(&[n; 5], &[n; 9])).unwrap();
    }
    let bytes = records.bytes();
    for cut in 0..bytes.len() {
        let read: Vec<_> = read(&bytes[..cut]).collect();
        assert!(read.iter().rev().skip(1).all(Option::is_some), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << bit;
            assert!(read(&flipped).count() <= flipped.len());
        }
    }
}
