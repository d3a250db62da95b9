//! What every file begins with, and what logs and manifests are made of.

use std::path::Path;

use lsm_core::batch::{self, Records};
use lsm_core::key::kind::Kind;
use lsm_core::record::frame::{FRAME_LEN, Frame, Payload, Place, padded_len, verified_hash};
use lsm_core::record::header::{FileHeader, FileKind, HEADER_LEN};
use lsm_core::record::reader::RecordReader;

use crate::forge::{self, FILE_ID, Spoken};
use crate::input::{Input, in_pieces};
use crate::place;
use crate::specimen::Specimen;
use crate::target::{DECODER, READER, Target};
use crate::targets::primitive::heads;

const KINDS: [FileKind; 6] = [
    FileKind::Log,
    FileKind::Manifest,
    FileKind::Head,
    FileKind::Lock,
    FileKind::Table,
    FileKind::Blob,
];

/// The header of a file.
pub const FILE_HEADER: Target = Target {
    name: "file-header",
    about: "the header of a file, as it is and with its check made good",
    run: file_header,
    seeds: |specimen| {
        let mut newer = forge::header(FileKind::Table, 9).encode();
        newer[16] = 1;
        let heads = heads(specimen, HEADER_LEN).into_iter();
        heads.take(12).chain([newer.to_vec()]).collect()
    },
    memory: DECODER,
};

fn file_header(bytes: &[u8]) {
    let mut made_good = bytes.to_vec();
    forge::seal_header(&mut made_good);
    for bytes in [bytes, &made_good] {
        for kind in KINDS {
            let Ok(header) = FileHeader::decode(bytes, kind, Path::new("f")) else { continue };
            let again = header.encode();
            assert!(bytes[..HEADER_LEN] == again, "a header is not written as it was read");
            let check = bytes[HEADER_LEN - 8..].first_chunk().map(|it| u64::from_le_bytes(*it));
            assert_eq!(Some(header.check()), check);
        }
    }
}

/// The head of a record.
pub const FRAME: Target = Target {
    name: "frame",
    about: "one record of a log or a manifest",
    run: frame,
    seeds: |specimen| {
        let logs = specimen.ending(".wal").into_iter().chain(specimen.ending(".manifest"));
        logs.map(|file| file[HEADER_LEN..].iter().copied().take(200).collect()).collect()
    },
    memory: DECODER,
};

fn frame(bytes: &[u8]) {
    let Some((head, payload)) = bytes.split_first_chunk::<FRAME_LEN>() else { return };
    let Some((frame, len, _)) = Frame::decode(head) else { return };
    let place = Place::new(FileKind::Log, 4, FILE_ID);
    let payload = &payload[..len.min(payload.len())];
    let Some((made, check)) = frame.encode(&Payload::new(payload), place, 128) else { return };
    let (again, again_len, again_check) = Frame::decode(&made).unwrap();
    assert_eq!((again, again_len, again_check), (frame, payload.len(), check));
    assert!(verified_hash(&made, payload, place, 128, check).is_some());
    assert!(verified_hash(&made, payload, place, 136, check).is_none(), "at another place, too");
    if payload.len() == len {
        assert_eq!(made[..24], head[..24], "a record is not written as it was read");
    }
}

/// A file of records.
pub const RECORDS: Target = Target {
    name: "records",
    about: "a file of records, whole and with bytes changed behind their checks",
    run: records,
    seeds: record_seeds,
    memory: READER,
};

fn record_seeds(specimen: &Specimen) -> Vec<Vec<u8>> {
    let files = [(".wal", FileKind::Log), (".manifest", FileKind::Manifest)];
    let mut seeds = Vec::new();
    for (ending, kind) in files {
        for bytes in specimen.ending(ending) {
            let header = FileHeader::decode(bytes, kind, Path::new("f")).unwrap();
            let file = place::file("000001.wal", bytes);
            let (place, check) = (Place::of(&header), header.check());
            let mut reader = RecordReader::new(&*file, place, HEADER_LEN as u64, check).unwrap();
            let mut pieces = vec![Vec::new()];
            while let Ok(Some(record)) = reader.next_record() {
                let numbers = [record.seqno.get(), u64::from(record.count), record.durable / 8];
                let head = [record.record_type as u8, 0, numbers[0] as u8, numbers[1] as u8];
                pieces.push([&head[..], &record.payload[..record.payload.len().min(60)]].concat());
            }
            pieces.truncate(12);
            seeds.push(in_pieces(pieces.iter().map(Vec::as_slice)));
        }
    }
    seeds.truncate(8);
    seeds
}

/// An input is a piece of damages, each an offset and what is changed there; then the records, each
/// its type, flags, number, count, and its payload.
fn records(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut damages = Input::new(input.piece());
    let header = forge::header(FileKind::Log, 4);
    let mut file = forge::Records::new(&header);
    let mut understood = Some(0);
    for piece in input.pieces().take(64) {
        let mut piece = Input::new(piece);
        let (type_byte, flags) = (piece.u8() % 8, piece.u8() / 224);
        let (seqno, count) = (u64::from(piece.u8()), u32::from(piece.u8()));
        let is_known = (1..=5).contains(&type_byte) && flags == 0;
        understood = understood.filter(|_| is_known).map(|count| count + 1);
        let payload = piece.rest();
        file.push(&Spoken { type_byte, flags, seqno, count, durable: 0, payload });
    }
    let mut bytes = file.bytes;
    let is_whole = damages.is_empty();
    while !damages.is_empty() {
        let (at, mask) = (damages.below(bytes.len()), damages.u8());
        bytes[at] ^= mask;
    }
    let place = Place::of(&header);
    let file = place::file("000004.wal", &bytes);
    let mut reader = RecordReader::new(&*file, place, HEADER_LEN as u64, header.check()).unwrap();
    let mut read = 0;
    let mut failed = false;
    loop {
        let before = reader.offset();
        match reader.next_record() {
            Ok(Some(record)) => {
                assert!(record.durable <= before);
                let len = record.payload.len();
                assert_eq!(reader.offset(), before + padded_len(len));
                read += 1;
            }
            Ok(None) => break,
            Err(_) => {
                failed = true;
                break;
            }
        }
    }
    if let (true, Some(count)) = (is_whole, understood) {
        assert_eq!((read, failed), (count, false), "a whole record is not read");
    }
    let _any = reader.is_blank();
    let _any = (reader.evidence_after(HEADER_LEN as u64), reader.evidence_after(reader.offset()));
    for _ in 0..=bytes.len() / 8 {
        if !matches!(reader.skip_damage(), Ok(true)) || !matches!(reader.next_record(), Ok(Some(_)))
        {
            return;
        }
    }
    panic!("there is no end of records behind damage");
}

/// The records of a batch.
pub const BATCH: Target = Target {
    name: "batch",
    about: "the contents of a batch",
    run: |bytes| {
        let mut records = Records::default();
        let mut rest = batch::read(bytes);
        while let Some(record) = rest.next() {
            let Some(record) = record else {
                assert!(rest.next().is_none(), "something behind what makes no sense");
                return;
            };
            records.push(record).unwrap();
        }
        assert!(records.bytes() == bytes, "a batch is not written as it was read");
        let stamped = records.stamped(77, Vec::new());
        for (before, after) in records.iter().zip(stamped.iter()) {
            let (before, after) = (before.unwrap(), after.unwrap());
            assert_eq!((before.kind, before.key), (after.kind, after.key));
            assert!(before.value == after.value || before.kind == Kind::Merge);
        }
    },
    seeds: batch_seeds,
    memory: DECODER,
};

fn batch_seeds(specimen: &Specimen) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for bytes in specimen.ending(".wal") {
        let header = FileHeader::decode(bytes, FileKind::Log, Path::new("f")).unwrap();
        let file = place::file("000001.wal", bytes);
        let (place, check) = (Place::of(&header), header.check());
        let mut reader = RecordReader::new(&*file, place, HEADER_LEN as u64, check).unwrap();
        while let Ok(Some(record)) = reader.next_record() {
            if record.record_type as u8 == 1 {
                seeds.push(record.payload.to_vec());
            }
        }
    }
    // One of each kind is enough.
    seeds.sort_by_key(|seed| (seed.first().copied(), seed.len()));
    seeds.dedup_by_key(|seed| seed.first().copied());
    let mut all = Records::default();
    for seed in &seeds {
        batch::read(seed).flatten().for_each(|record| all.push(record).unwrap());
    }
    seeds.push(all.into_bytes());
    seeds
}
