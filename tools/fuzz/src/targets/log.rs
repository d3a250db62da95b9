//! The log: how segments continue each other, what of them survives, and the lock file beside it.

use lsm_core::journal::lockfile::{ReaderSlot, SLOT_LEN, read_writer, readers};
use lsm_core::key::seqno::SeqNo;
use lsm_core::record::header::{FileKind, HEADER_LEN};
use lsm_core::wal::chain::{Chain, Listed, Witness, check_chain};
use lsm_core::wal::seam::{SEAM_LEN, Seam};

use crate::forge::{self, FILE_ID, Records, Spoken};
use crate::input::Input;
use crate::place;
use crate::specimen::Specimen;
use crate::target::{DECODER, READER, Target};

/// The first record of a segment.
pub const SEAM: Target = Target {
    name: "seam",
    about: "how a segment continues the one before",
    run: |bytes| {
        let seam = Seam::decode(bytes);
        assert_eq!(seam.is_some(), bytes.len() == SEAM_LEN);
        assert!(seam.is_none_or(|seam| seam.encode() == bytes));
    },
    seeds: |_| vec![(0..SEAM_LEN as u8).collect(), vec![255; SEAM_LEN]],
    memory: DECODER,
};

/// Segments.
pub const LOG: Target = Target {
    name: "log",
    about: "segments of a log, whole and with bytes changed behind their checks",
    run: log,
    seeds: log_seeds,
    memory: READER,
};

/// The steps that make a log.
mod step {
    pub(super) const SEGMENT: u8 = 0;
    pub(super) const BATCH: u8 = 1;
    pub(super) const MARKER: u8 = 2;
    pub(super) const SEAL: u8 = 3;
    pub(super) const ODD_RECORD: u8 = 4;
    pub(super) const ODD_SEAM: u8 = 5;
    pub(super) const DAMAGE: u8 = 6;
    pub(super) const CUT: u8 = 7;
    pub(super) const COUNT: u8 = 8;
}

fn log_seeds(_: &Specimen) -> Vec<Vec<u8>> {
    let batch = [&[step::BATCH, 1, 0, 5, 0][..], b"batch"].concat();
    let begun = [&[step::SEGMENT], &batch[..], &batch, &[step::MARKER, 20]].concat();
    let two = [&begun[..], &begun, &[step::SEAL]].concat();
    let torn = [&two[..], &begun, &[step::CUT, 170, 0]].concat();
    let damaged = [&two[..], &begun, &[step::DAMAGE, 1, 200, 0, 255]].concat();
    let odd = [&begun[..], &[step::ODD_SEAM, 0, 0, 0, 1, 0, 9], &batch].concat();
    let strange = [&begun[..], &[step::ODD_RECORD, 9, 0, 4, 0, 1, 2, 3, 4]].concat();
    vec![begun, two, torn, damaged, odd, strange]
}

/// A log on its way.
#[derive(Default)]
struct Made {
    segments: Vec<Records>,
    sealed: Vec<Option<(u64, u64)>>,
    seqno: u64,
    /// Batches that must survive, if nothing odd was done.
    batches: u64,
    is_odd: bool,
}

impl Made {
    fn push(&mut self, spoken: &Spoken<'_>) {
        let (Some(segment), Some(None)) = (self.segments.last_mut(), self.sealed.last()) else {
            return;
        };
        segment.push(spoken);
    }

    /// Begins a segment that continues the last one.
    fn begin(&mut self, change: impl FnOnce(&mut Seam)) {
        let number = self.segments.len() as u64 + 1;
        let mut seam = Seam { clock_millis: 5, ..Seam::default() };
        if let Some(last) = self.segments.last() {
            let end = last.bytes.len() as u64;
            seam = Seam { number: number - 1, end, check: last.check, ..seam };
        }
        change(&mut seam);
        self.segments.push(Records::new(&forge::header(FileKind::Log, number)));
        self.sealed.push(None);
        self.push(&Spoken {
            type_byte: 2,
            seqno: self.seqno,
            payload: &seam.encode(),
            ..Spoken::default()
        });
    }

    fn take(&mut self, input: &mut Input<'_>) {
        match input.u8() % step::COUNT {
            step::SEGMENT => self.begin(|_| ()),
            step::BATCH => {
                let (count, payload) = (u32::from(input.u16()), input.piece());
                let is_taken = self.sealed.last() == Some(&None);
                self.push(&Spoken {
                    type_byte: 1,
                    seqno: self.seqno,
                    count,
                    payload,
                    ..Spoken::default()
                });
                self.is_odd |= count == 0;
                self.seqno += u64::from(count);
                self.batches += u64::from(is_taken);
            }
            step::MARKER => {
                let durable = u64::from(input.u8()) * 8;
                let end = self.segments.last().map_or(0, |it| it.bytes.len() as u64);
                let spoken = Spoken { type_byte: 3, seqno: self.seqno, ..Spoken::default() };
                self.push(&Spoken { durable: durable.min(end), payload: &[0; 8], ..spoken });
            }
            step::SEAL => {
                self.push(&Spoken {
                    type_byte: 4,
                    seqno: self.seqno,
                    payload: &[0; 8],
                    ..Spoken::default()
                });
                if let (Some(segment), Some(sealed)) =
                    (self.segments.last(), self.sealed.last_mut())
                {
                    *sealed = Some((segment.bytes.len() as u64, segment.check));
                }
            }
            odd => {
                self.is_odd = true;
                self.take_odd(odd, input);
            }
        }
    }

    fn take_odd(&mut self, step: u8, input: &mut Input<'_>) {
        match step {
            step::ODD_RECORD => {
                let (type_byte, flags) = (input.u8(), input.u8() / 128);
                let payload = input.piece();
                let durable = u64::from(flags) * 1000;
                self.push(&Spoken { type_byte, flags, seqno: 1, count: 3, durable, payload });
            }
            step::ODD_SEAM => {
                let (number, end) = (u64::from(input.u8()), u64::from(input.u16()));
                let (durable, edit) = (u64::from(input.u16()), u64::from(input.u8()));
                self.begin(|seam| *seam = Seam { number, end, durable, edit, ..*seam });
            }
            _ => {
                let count = self.segments.len();
                let Some(segment) = self.segments.get_mut(input.below(count)) else { return };
                let len = segment.bytes.len();
                if step == step::CUT {
                    segment.bytes.truncate(input.below(len));
                } else if let Some(byte) = segment.bytes.get_mut(input.below(len)) {
                    *byte ^= input.u8();
                }
            }
        }
    }
}

fn log(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut made = Made { seqno: 1, ..Made::default() };
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        made.take(&mut input);
    }
    let names: Vec<String> =
        (1..=made.segments.len()).map(|it| lsm_core::record::names::log(it as u64)).collect();
    let files = names.iter().zip(&made.segments);
    let files: Vec<(&str, &[u8])> =
        files.map(|(name, segment)| (name.as_str(), segment.bytes.as_slice())).collect();
    let dir = place::directory(&[&files[..], &[("db.lock", b"")]].concat());
    let numbered = (1..).zip(&made.sealed);
    let listed =
        numbered.map(|(number, sealed)| Listed { number, file_id: FILE_ID, sealed: *sealed });
    let listed: Vec<Listed> = listed.collect();
    let witness = Witness {
        database_id: [7; 16],
        incarnation: 3,
        edit: 3,
        durable: (0, 0),
        next_seqno: SeqNo::new(1).unwrap(),
        boot_id: None,
    };
    let mut batches = 0;
    let chain = Chain::open(&*dir, &listed, &witness);
    let read = chain.and_then(|chain| {
        chain.read(&mut |_| {
            batches += 1;
            Ok(())
        })
    });
    let _any = check_chain(&*dir, &listed, &witness);
    if !made.is_odd && !made.segments.is_empty() {
        let read = read.expect("a whole log is not read");
        assert_eq!((read.batches, batches), (made.batches, made.batches));
    }
}

/// The lock file.
pub const LOCKFILE: Target = Target {
    name: "lockfile",
    about: "the lock file: its writer and the slots of its readers",
    run: lockfile,
    seeds: |specimen| {
        let slot =
            ReaderSlot { process_id: 7, epoch: 1, edit: 2, seqno: 3, lease_millis: 4, nonce: 5 };
        let file = &specimen.killed["db.lock"];
        let short = [&file[..HEADER_LEN + 64], &slot.encode(0)].concat();
        vec![short, slot.encode(3).to_vec()]
    },
    memory: READER,
};

/// An input is the header, the writer and one slot, of which each is also tried with a good check.
fn lockfile(bytes: &[u8]) {
    if let Some(slot) = bytes.last_chunk::<SLOT_LEN>() {
        let mut made_good = [&3u64.to_le_bytes()[..], slot].concat();
        forge::seal(&mut made_good);
        let made_good = *made_good.last_chunk().unwrap();
        for slot in [slot, &made_good] {
            if let Some(reader) = ReaderSlot::decode(slot, 3) {
                let again = ReaderSlot::decode(&reader.encode(3), 3);
                assert_eq!(again, Some(reader));
                assert_eq!(ReaderSlot::decode(slot, 4), None, "a slot verifies elsewhere");
            }
        }
    }
    let mut file = bytes.to_vec();
    forge::seal_header(&mut file);
    if let Some(writer) = file.get_mut(HEADER_LEN..HEADER_LEN + 64) {
        forge::seal(writer);
    }
    let mut far = file.clone();
    far.resize(4096, 0);
    far.extend_from_slice(bytes);
    for bytes in [bytes, &file, &far] {
        let dir = place::directory(&[("db.lock", bytes)]);
        let _any = (read_writer(&*dir), readers(&*dir));
    }
}
