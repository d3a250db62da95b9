//! Large values: what refers to them, and how they stand in their files.

use std::sync::Arc;

use lsm_core::base::checksum::hash64;
use lsm_core::base::codec::HeaderWriter;
use lsm_core::base::compress::Codec;
use lsm_core::base::sync::AtomicBool;
use lsm_core::blob::file::{BlobEntry, BlobFile};
use lsm_core::blob::record::{HEAD_LEN, Head, Large, Packed, unpack, verify};
use lsm_core::blob::reference::{BlobRef, stamp_of};
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::record::header::{FileKind, HEADER_LEN};

use crate::forge::{self, FILE_ID};
use crate::input::Input;
use crate::place;
use crate::specimen::Specimen;
use crate::target::{DECODER, Memory, READER, Target};

/// References.
pub const REFERENCE: Target = Target {
    name: "reference",
    about: "what stands for a large value",
    run: |bytes| {
        let stamp = stamp_of(bytes);
        let Some(reference) = BlobRef::decode(bytes) else { return };
        let mut again = Vec::new();
        reference.encode(&mut again);
        assert!(again == bytes, "a reference is not written as it was read");
        assert_eq!(stamp, Some(reference.expiry_millis.unwrap_or(0)));
        assert!(reference.end() >= reference.offset);
    },
    seeds: |_| {
        let usual =
            BlobRef { expiry_millis: None, file: 7, offset: 128, len: 500, raw: 460, check: 9 };
        let far = BlobRef { expiry_millis: Some(1 << 41), file: 1 << 40, offset: 1 << 35, ..usual };
        let encoded = |reference: BlobRef| {
            let mut bytes = Vec::new();
            reference.encode(&mut bytes);
            bytes
        };
        [usual, far].map(encoded).to_vec()
    },
    memory: DECODER,
};

/// Makes good the check of a record that stands at `offset`, as far as its head makes sense.
fn seal(record: &mut [u8], offset: u64) {
    let Some(head) = Head::read(record) else { return };
    let front = record.get(8..HEAD_LEN + head.key).map(hash64);
    let stored = record.get(head.value()).map(hash64);
    let (Some(front), Some(stored)) = (front, stored) else { return };
    let kind = FileKind::Blob as u64;
    let words = [FILE_ID, kind, offset, front, stored];
    let covered = words.into_iter().fold(HeaderWriter::<40>::new(), HeaderWriter::u64).finish();
    record[..8].copy_from_slice(&hash64(&covered).to_le_bytes());
}

fn records(_: &Specimen) -> Vec<Vec<u8>> {
    let values: [&[u8]; 3] = [b"a value", &[7; 400], b""];
    let mut seeds = Vec::new();
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
        for value in values {
            let keyspace = KeyspaceId::new(3);
            let mut packed = Packed::new(&Large { keyspace, key: b"key", value, codec });
            seeds.push(packed.place(FILE_ID, HEADER_LEN as u64).1.concat());
        }
    }
    seeds
}

/// One record.
pub const LARGE_VALUE: Target = Target {
    name: "large-value",
    about: "a large value as it is stored, with its check made good",
    run: |bytes| {
        let _any = verify(bytes, FILE_ID, HEADER_LEN as u64);
        let mut record = bytes.to_vec();
        seal(&mut record, HEADER_LEN as u64);
        let Some(head) = verify(&record, FILE_ID, HEADER_LEN as u64) else { return };
        assert_eq!(head.record_len(), record.len() as u64);
        assert!(verify(&record, FILE_ID, 136).is_none(), "a record verifies elsewhere");
        let value = unpack(&record, &head).unwrap();
        let mut moved = Packed::again(record.clone()).unwrap();
        assert_eq!(moved.len(), record.len() as u64);
        let (_, parts) = moved.place(FILE_ID, 4096);
        let moved = parts.concat();
        assert!(moved[8..] == record[8..]);
        let there = verify(&moved, FILE_ID, 4096).unwrap();
        assert_eq!(unpack(&moved, &there).unwrap(), value);
        if let Some(value) = value {
            assert_eq!(value.len() as u32, head.raw);
        }
    },
    seeds: records,
    // A word of zstd stands for a block of 128 KiB, and each is unpacked twice.
    memory: Memory { always: 64 << 10, each: 100_000 },
};

/// A file of them.
pub const LARGE_FILE: Target = Target {
    name: "large-file",
    about: "a file of large values, read by references",
    run: large_file,
    seeds: |specimen| {
        let with_reference = |record: Vec<u8>| {
            let mut seed = (HEADER_LEN as u16).to_le_bytes().to_vec();
            seed.extend_from_slice(&(record.len() as u32).to_le_bytes());
            seed.extend_from_slice(&record[12..16]);
            seed.extend_from_slice(&[0, 0]);
            seed.extend(record);
            seed
        };
        records(specimen).into_iter().map(with_reference).collect()
    },
    memory: Memory { always: READER.always, each: 100_000 },
};

/// An input is the offset, length and raw length of a reference, whether its check is another than
/// the record's, and what stands behind the header of the file.
fn large_file(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (offset, len, raw) = (u64::from(input.u16()), input.u32(), input.u32());
    let wrong = u64::from(input.u16());
    let mut file = forge::header(FileKind::Blob, 5).encode().to_vec();
    let mut record = input.rest().to_vec();
    seal(&mut record, HEADER_LEN as u64);
    let check = record.first_chunk().map_or(0, |check| u64::from_le_bytes(*check)) ^ wrong;
    file.extend_from_slice(&record);
    let entry = BlobEntry { file_id: FILE_ID, place: 5, bytes: Some(file.len() as u64) };
    let dir = place::directory(&[("000005.blob", &file)]);
    let stays_open = Arc::new(AtomicBool::new(true));
    let blob = BlobFile::listed(&dir, 5, &entry, file.len() as u64, &stays_open);
    let reference = BlobRef { expiry_millis: None, file: 5, offset, len, raw, check };
    let (record, value) = (blob.record(&reference), blob.value(&reference));
    assert!(record.is_ok() || value.is_err(), "a value is read whose record is refused");
    if let Ok(value) = value {
        assert_eq!((value.len(), wrong), (raw as usize, 0));
    }
}
