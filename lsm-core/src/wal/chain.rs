//! Reading a log back: which records survived, and whether any that must be there is missing.
//!
//! 1. Read the header and the seam of every segment that the manifest lists. The last seam that
//!    names a segment says where that one ended, and which segment follows it.
//! 2. Walk the records from the last segment whose seam continues none of the others. A walk that
//!    reaches the end which the seam or the seal names goes on in the next segment.
//! 3. A walk that stops short, at a place H, is either a torn write or damage. It is damage if
//!    somebody knew the bytes at H to be durable: the manifest, a seal, a seam, or the watermark
//!    of any record that verifies further on, in this segment or a later one. It is damage too if
//!    the machine has not rebooted since and anything verifies further on, because a process that
//!    dies cannot tear what it had published.
//! 4. Otherwise H is where the log ends, and everything behind it goes, later segments too.
//!
//! Nothing is written, and a byte that cannot be read is an error and never an end.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Access, Directory, File};
use crate::env::host::BootId;
use crate::key::seqno::SeqNo;
use crate::record::frame::{Place, RecordType};
use crate::record::header::{FileHeader, FileKind};
use crate::record::names;
use crate::record::reader::{Record, RecordReader};
use crate::wal::seam::Seam;
use crate::wal::segment::Segment;
use crate::wal::tail::ChainEnd;

pub mod sound;

pub mod follow;

pub use self::sound::IsSound;
use self::sound::{Taken, Told};

/// What the manifest knows of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The number in its name.
    pub number: u64,
    /// The id in its header.
    pub file_id: u64,
    /// Where it ended, and with which check, if it is known to have ended there durably.
    pub sealed: Option<(u64, u64)>,
}

/// What a log is held against.
#[derive(Clone, Copy, Debug)]
pub struct Witness {
    /// The database that every segment must belong to.
    pub database_id: [u8; 16],
    /// The copy of it that they must belong to.
    pub incarnation: u64,
    /// The last edit of the manifest.
    pub edit: u64,
    /// Segment and byte up to which the manifest knows the log durable.
    pub durable: (u64, u64),
    /// Numbers before this were given.
    pub next_seqno: SeqNo,
    /// The running boot.
    pub boot_id: Option<BootId>,
}

/// What a reading of the log came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRead {
    /// Where the log ends.
    pub end: ChainEnd,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
    /// The largest wall clock that a seam names, in milliseconds.
    pub clock_millis: u64,
    /// Batches that were read.
    pub batches: u64,
    /// Bytes behind the end that hold something and were given up.
    pub dropped_bytes: u64,
    /// The last segment of the chain ended where it was sealed.
    pub is_sealed: bool,
    /// Some segment was begun: it has a seam or a seal.
    pub has_begun: bool,
}

/// A batch that survived.
#[derive(Clone, Copy, Debug)]
pub struct Replayed<'a> {
    /// The sequence number of its first entry.
    pub first: SeqNo,
    /// How many entries it holds.
    pub count: u32,
    /// The entries.
    pub payload: &'a [u8],
    /// `hash64` of them, as it was verified.
    pub hash: u64,
}

/// The live segments, opened and held against what is known of them.
pub struct Chain<'w> {
    segments: Vec<OpenSegment>,
    witness: &'w Witness,
}

impl<'w> Chain<'w> {
    /// Opens the listed segments and reads their seams.
    pub fn open(dir: &dyn Directory, listed: &[Listed], witness: &'w Witness) -> Result<Self> {
        let mut segments = Vec::with_capacity(listed.len().min(1 << 16));
        for entry in listed {
            segments.push(OpenSegment::open(dir, *entry, witness)?);
        }
        Ok(Self { segments, witness })
    }

    /// True if some segment was begun and not sealed: who wrote it was not there to the end.
    #[must_use]
    pub fn is_open_ended(&self) -> bool {
        self.segments.iter().any(|it| it.seam.is_some() && it.listed.sealed.is_none())
    }

    /// The largest wall clock that any seam names, in milliseconds.
    #[must_use]
    pub fn clock_millis(&self) -> u64 {
        let seams = self.segments.iter().filter_map(|it| it.seam);
        seams.map(|seam| seam.clock_millis).max().unwrap_or_default()
    }

    /// Hands every surviving batch to `replay`, in commit order.
    pub fn read(&self, replay: &mut dyn FnMut(Replayed<'_>) -> Result<()>) -> Result<ChainRead> {
        self.read_sound(&mut |_| Ok(true), replay)
    }

    /// The same, where `is_sound` says of each batch whether what it refers to is there. One that
    /// is not sound, and that nobody knew to be durable, is where the log ends; of any other the
    /// batch survives, and what it refers to is damaged.
    pub fn read_sound(
        &self,
        is_sound: &mut IsSound<'_>,
        replay: &mut dyn FnMut(Replayed<'_>) -> Result<()>,
    ) -> Result<ChainRead> {
        let mut read = self.walk().run(&mut Told { is_sound, replay })?;
        read.next_seqno = read.next_seqno.max(self.witness.next_seqno);
        let has_begun = |it: &OpenSegment| it.seam.is_some() || it.listed.sealed.is_some();
        read.has_begun = self.segments.iter().any(has_begun);
        Ok(read)
    }

    fn walk(&self) -> Walk<'_> {
        let read = ChainRead::empty();
        Walk { segments: &self.segments, witness: self.witness, read, vouched: None }
    }
}

/// Holds the listed segments against each other, up to the end that the last one is said to have.
/// What stands behind it is not looked at: it may be written just now.
pub fn check_chain(dir: &dyn Directory, listed: &[Listed], witness: &Witness) -> Result<()> {
    let chain = Chain::open(dir, listed, witness)?;
    let mut walk = chain.walk();
    let mut at = walk.first();
    while let Some(segment) = chain.segments.get(at) {
        let next = walk.successor(at);
        let told = &mut Told { is_sound: &mut |_| Ok(true), replay: &mut |_| Ok(()) };
        if !walk.walk_segment(at, next.map(|next| next.1), told)? {
            return Err(walk.damaged(segment, "the log does not verify up to its end"));
        }
        let Some((next, _)) = next else { break };
        at = next;
    }
    Ok(())
}

/// A segment with its seam read.
struct OpenSegment {
    listed: Listed,
    header: FileHeader,
    file: Arc<dyn File>,
    seam: Option<Seam>,
}

impl OpenSegment {
    fn open(dir: &dyn Directory, listed: Listed, witness: &Witness) -> Result<Self> {
        let name = names::log(listed.number);
        let file = dir.open(&name, Access::Read).map_err(|error| {
            if error.is_not_found() {
                let path = dir.path().join(&name);
                return Error::corruption(
                    &path,
                    0,
                    "a log segment that is still needed is missing",
                );
            }
            error
        })?;
        let header = FileHeader::read(file.as_ref(), FileKind::Log)?;
        let wrong = |offset, why: &str| Err(Error::corruption(file.path(), offset, why));
        if header.file_id != listed.file_id || header.number != listed.number {
            return wrong(32, "this is another segment's file");
        }
        if header.database_id != witness.database_id {
            return wrong(40, "this segment belongs to another database");
        }
        if header.incarnation != witness.incarnation {
            return wrong(56, "this segment belongs to another copy of the database");
        }
        if header.edit > witness.edit {
            return wrong(64, "the manifest is older than this segment: a stale copy stands there");
        }
        let mut segment = Self { listed, header, file, seam: None };
        segment.seam = segment.read_seam(witness)?;
        Ok(segment)
    }

    fn read_seam(&self, witness: &Witness) -> Result<Option<Seam>> {
        let mut reader = self.reader()?;
        let Some(record) = reader.next_record()? else { return Ok(None) };
        let offset = Segment::start();
        if record.record_type != RecordType::Seam {
            return Err(self.corruption(offset, "the first record of the segment is not its seam"));
        }
        match Seam::decode(record.payload) {
            Some(seam) if seam.edit > witness.edit => {
                let why = "the manifest is older than this seam: a stale copy stands there";
                Err(self.corruption(offset, why))
            }
            Some(seam) => Ok(Some(seam)),
            None => Err(self.corruption(offset, "the seam makes no sense")),
        }
    }

    fn end_at(&self, end: u64, check: u64) -> ChainEnd {
        ChainEnd { number: self.listed.number, end, check, durable: end }
    }

    fn reader(&self) -> Result<RecordReader<'_>> {
        self.reader_from(Segment::start(), self.header.check())
    }

    fn reader_from(&self, offset: u64, check: u64) -> Result<RecordReader<'_>> {
        RecordReader::new(self.file.as_ref(), Place::of(&self.header), offset, check)
    }

    fn corruption(&self, offset: u64, why: &str) -> Error {
        Error::corruption(self.file.path(), offset, why)
    }

    fn ran_in(&self, boot: Option<BootId>) -> bool {
        self.header.boot_id.is_some() && self.header.boot_id == boot
    }
}

struct Walk<'s> {
    segments: &'s [OpenSegment],
    witness: &'s Witness,
    read: ChainRead,
    /// The largest position that is known to be durable, once somebody has asked.
    vouched: Option<(u64, u64)>,
}

impl<'s> Walk<'s> {
    fn run(mut self, told: &mut Told<'_, '_>) -> Result<ChainRead> {
        let mut at = self.first();
        while at < self.segments.len() {
            let next = self.successor(at);
            let ended = self.walk_segment(at, next.map(|next| next.1), told)?;
            match (ended, next) {
                (true, Some((next, _))) => at = next,
                (true, None) => return self.finish(at, false),
                (false, _) => return self.finish(at, true),
            }
        }
        Ok(self.read)
    }

    /// The segment that the chain begins with: the last one that continues none of the others. One
    /// before it was made and could not be used.
    fn first(&self) -> usize {
        if planted(Bug::LogUnbegunSegmentRead) {
            return 0;
        }
        let is_listed = |seam: &Seam| self.segments.iter().any(|s| s.listed.number == seam.number);
        let begins = |segment: &OpenSegment| segment.seam.is_some_and(|seam| !is_listed(&seam));
        self.segments.iter().rposition(begins).unwrap_or(0)
    }

    /// The segment that continues this one, and where it says that this one ended. Of several that
    /// claim to, the last one does: the others could not be begun.
    fn successor(&self, at: usize) -> Option<(usize, &'s Seam)> {
        let number = self.segments.get(at)?.listed.number;
        let later = self.segments.iter().enumerate().skip(at + 1).rev();
        for (index, segment) in later {
            if let Some(seam) = &segment.seam {
                if seam.number == number {
                    return Some((index, seam));
                }
            }
        }
        None
    }

    /// Replays one segment. True if it was read up to the end that it is known to have, or if no
    /// end is known and nothing stands behind the last record.
    fn walk_segment(
        &mut self,
        at: usize,
        seam: Option<&Seam>,
        told: &mut Told<'_, '_>,
    ) -> Result<bool> {
        let Some(segment) = self.segments.get(at) else { return Ok(false) };
        let known_end = segment.listed.sealed.or(seam.map(|seam| (seam.end, seam.check)));
        let bound = known_end.map_or(u64::MAX, |(end, _)| end);
        let mut reader = segment.reader()?;
        let mut is_sealed = false;
        while reader.offset() < bound && !is_sealed {
            let (offset, check) = (reader.offset(), reader.check());
            self.read.end = segment.end_at(offset, check);
            let Some(record) = reader.next_record()? else { break };
            match self.take_record(at, offset, &record, told)? {
                Taken::Next => {}
                Taken::Seal => is_sealed = true,
                Taken::Torn => {
                    self.read.is_sealed = false;
                    return Ok(false);
                }
            }
        }
        self.read.end = segment.end_at(reader.offset(), reader.check());
        self.read.is_sealed = segment.listed.sealed.is_some();
        if let Some(own) = segment.seam {
            self.read.clock_millis = self.read.clock_millis.max(own.clock_millis);
        }
        Ok(match known_end {
            Some(known) => known == (reader.offset(), reader.check()),
            None => is_sealed,
        } || (planted(Bug::LogSeamUnchecked) && seam.is_some()))
    }

    /// Takes in one record.
    fn take_record(
        &mut self,
        at: usize,
        offset: u64,
        record: &Record<'_>,
        told: &mut Told<'_, '_>,
    ) -> Result<Taken> {
        let Some(segment) = self.segments.get(at) else { return Ok(Taken::Torn) };
        match record.record_type {
            RecordType::Seam if offset == Segment::start() => {
                self.read.next_seqno = self.read.next_seqno.max(record.seqno);
                Ok(Taken::Next)
            }
            RecordType::Marker | RecordType::Seal => {
                self.read.next_seqno = self.read.next_seqno.max(record.seqno);
                self.check_edit(segment, offset, record.payload)?;
                let is_seal = record.record_type == RecordType::Seal;
                Ok(if is_seal { Taken::Seal } else { Taken::Next })
            }
            RecordType::Batch => {
                if record.seqno < self.read.next_seqno {
                    let why = "the sequence numbers of the log run backwards";
                    return Err(segment.corruption(offset, why));
                }
                let &Record { seqno: first, count, payload, hash, .. } = record;
                let batch = Replayed { first, count, payload, hash };
                if !(told.is_sound)(&batch)? && !self.is_vouched(at, offset)? {
                    return Ok(Taken::Torn);
                }
                let next = record.seqno.after(u64::from(record.count));
                self.read.next_seqno = next.ok_or_else(|| {
                    segment.corruption(offset, "the sequence numbers of the log run out")
                })?;
                self.read.batches += 1;
                (told.replay)(batch)?;
                Ok(Taken::Next)
            }
            RecordType::Seam | RecordType::Edit => {
                Err(segment.corruption(offset, "a record stands where it cannot"))
            }
        }
    }

    /// Holds the manifest against the edit that a marker or a seal has seen.
    fn check_edit(&self, segment: &OpenSegment, offset: u64, payload: &[u8]) -> Result<()> {
        let why = match <[u8; 8]>::try_from(payload).map(u64::from_le_bytes) {
            Ok(edit) if edit <= self.witness.edit || planted(Bug::StaleManifestAccepted) => {
                return Ok(());
            }
            Ok(_) => "the manifest is older than this record: a stale copy stands there",
            Err(_) => "the number of an edit makes no sense",
        };
        Err(segment.corruption(offset, why))
    }

    /// Decides what the end of the walk means, which may be short of the end that the segment is
    /// known to have had.
    fn finish(mut self, at: usize, is_short: bool) -> Result<ChainRead> {
        let Some(segment) = self.segments.get(at) else { return Ok(self.read) };
        let end = self.read.end.end;
        if is_short && segment.listed.sealed.is_some() {
            return Err(self.damaged(segment, "the segment was sealed, and does not verify here"));
        }
        let vouched = self.vouched_position(at)?;
        let is_damage = vouched.durable > (segment.listed.number, end) || vouched.undecided;
        if segment.ran_in(self.witness.boot_id) && vouched.any_record {
            let why = "a record does not verify, and the machine that published it still runs";
            return Err(self.damaged(segment, why));
        }
        if (is_damage && !planted(Bug::RotTakenForTorn))
            || (planted(Bug::TornTakenForRot) && segment.file.len()? > end)
        {
            return Err(self.damaged(segment, "a record that was durable does not verify"));
        }
        self.read.dropped_bytes = vouched.bytes_behind;
        Ok(self.read)
    }

    fn damaged(&self, segment: &OpenSegment, why: &str) -> Error {
        segment.corruption(self.read.end.end, why)
    }

    /// The largest position that anybody knows to be durable, and what stands behind the end.
    fn vouched_position(&self, at: usize) -> Result<Vouched> {
        let mut vouched = Vouched { durable: self.witness.durable, ..Vouched::default() };
        for (index, segment) in self.segments.iter().enumerate().skip(at) {
            let from = if index == at { self.read.end.end } else { Segment::start() };
            let mut reader = segment.reader()?;
            let evidence = reader.evidence_after(from)?;
            vouched.any_record |= evidence.any_record;
            vouched.undecided |= evidence.undecided;
            let number = segment.listed.number;
            if evidence.durable > 0 {
                vouched.durable = vouched.durable.max((number, evidence.durable));
            }
            if let Some(seam) = segment.seam.filter(|seam| index > at && seam.durable > 0) {
                vouched.durable = vouched.durable.max((seam.number, seam.durable));
            }
            if segment.listed.sealed.is_some() && index > at {
                vouched.durable = vouched.durable.max((number, u64::MAX));
            }
            if evidence.any_record {
                vouched.bytes_behind += reader.file_len().saturating_sub(from);
            }
        }
        Ok(vouched)
    }
}

#[derive(Default)]
struct Vouched {
    durable: (u64, u64),
    any_record: bool,
    undecided: bool,
    bytes_behind: u64,
}

impl ChainRead {
    fn empty() -> Self {
        Self {
            end: ChainEnd::default(),
            next_seqno: SeqNo::ZERO,
            clock_millis: 0,
            batches: 0,
            dropped_bytes: 0,
            is_sealed: true,
            has_begun: false,
        }
    }
}

/// True if a segment that the manifest does not list holds nothing that was ever acknowledged.
pub fn is_unused(file: &dyn File, header: &FileHeader) -> Result<bool> {
    let mut reader = RecordReader::new(file, Place::of(header), Segment::start(), header.check())?;
    let evidence = reader.evidence_after(Segment::start())?;
    if evidence.undecided {
        let message = "an unlisted log segment cannot be told from a used one";
        return Err(Error::new(ErrorKind::Corruption, message).at_path(file.path()));
    }
    Ok(!evidence.any_record)
}
