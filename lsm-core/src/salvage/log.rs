//! The log, read as far as it can be: each record that verifies counts, wherever it stands.
//!
//! First every segment is walked and the places of its batches are noted, with what is damaged
//! between them. Then the batches are put in the order of their numbers, each once: a copy that an
//! interrupted recovery has left holds the same ones. Last they are read again and handed out.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::room::make_room_for_all;
use crate::base::sort::{sort_by, sort_by_key};
use crate::env::fs::{File, read_full_at};
use crate::key::seqno::SeqNo;
use crate::record::frame::{FRAME_LEN, Frame, Place, RecordType, verified_hash};
use crate::record::header::FileKind;
use crate::record::names;
use crate::record::reader::{Record, RecordReader};
use crate::salvage::findings::Findings;
use crate::salvage::inventory::{Inventory, Item};
use crate::salvage::known::Known;
use crate::salvage::report::LostLog;
use crate::wal::seam::Seam;
use crate::wal::segment::Segment;

/// A batch that verifies.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The number of its first entry.
    pub first: u64,
    /// How many it has.
    pub count: u32,
    /// In which segment it stands, and where.
    segment: usize,
    offset: u64,
}

/// What can be read of the log.
#[derive(Debug, Default)]
pub struct SalvagedLog {
    segments: Vec<Piece>,
    /// The batches, in the order of their numbers.
    pub batches: Vec<Batch>,
    /// The last edit of the manifest that any record has seen.
    pub edit: u64,
}

/// A segment.
#[derive(Debug, Default)]
struct Piece {
    name: String,
    is_there: bool,
    number: u64,
    file_id: u64,
    bytes: u64,
    seam: Option<Seam>,
    /// The number that the seam says comes first.
    first: Option<u64>,
    /// The number that comes behind the last record.
    next: u64,
    /// Where it ended, and which number came next, by the manifest.
    sealed: Option<(u64, u64)>,
    /// Where the last record that verifies ends.
    end: u64,
    has_any: bool,
    batches: Vec<Batch>,
    holes: Vec<Hole>,
}

/// Something that is damaged.
#[derive(Clone, Copy, Debug)]
struct Hole {
    offset: u64,
    bytes: u64,
    from: u64,
    to: Option<u64>,
}

impl SalvagedLog {
    /// Walks all segments.
    pub fn read(inventory: &Inventory, known: &Known, findings: &mut Findings) -> Result<Self> {
        let mut log = Self { segments: pieces(inventory, known), ..Self::default() };
        for (at, piece) in log.segments.iter_mut().enumerate() {
            findings.file(&piece.name, piece.bytes);
            if !piece.is_there {
                findings.damage_at(&piece.name, None, "a log segment that is needed is missing");
                findings.lose_file(&piece.name);
                continue;
            }
            let file = inventory.open(&piece.name)?;
            let walked = walk(piece, at, &file, &mut log.edit);
            if let Err(error) = walked {
                findings.damage(&piece.name, &error)?;
                piece.hole(error.offset().unwrap_or(piece.end), piece.bytes, None);
            }
        }
        log.drop_unbegun();
        log.hold_ends(known);
        log.put_in_order(findings);
        Ok(log)
    }

    /// Of several segments that continue the same one, the last one does; and one before the start
    /// of the chain was made and could not be used.
    fn drop_unbegun(&mut self) {
        let seams: Vec<(u64, Option<Seam>)> =
            self.segments.iter().map(|piece| (piece.number, piece.seam)).collect();
        let is_replaced = |piece: &Piece| {
            let Some(seam) = piece.seam.filter(|seam| seam.number > 0) else { return false };
            seams.iter().any(|(number, other)| {
                *number > piece.number && other.is_some_and(|other| other.number == seam.number)
            })
        };
        let mut at = 0;
        while let Some(piece) = self.segments.get_mut(at) {
            if is_replaced(piece) {
                piece.batches.clear();
                piece.holes.clear();
                piece.has_any = false;
            }
            at += 1;
        }
    }

    /// Holds each segment against the end that it is known to have had.
    fn hold_ends(&mut self, known: &Known) {
        let ends: Vec<Option<(u64, u64)>> =
            self.segments.iter().map(|it| self.end_of(it)).collect();
        let durable = known.catalog.log_durable;
        let firsts: Vec<Option<u64>> = self.segments.iter().map(|piece| piece.first).collect();
        let mut before = 0;
        for (at, (piece, end)) in self.segments.iter_mut().zip(ends).enumerate() {
            let behind = firsts.get(at + 1..).unwrap_or_default().iter().flatten().min().copied();
            if let Some((end, next)) = end {
                piece.batches.retain(|batch| batch.offset < end);
                piece.holes.retain(|hole| hole.offset < end);
                for hole in &mut piece.holes {
                    hole.to = hole.to.or(Some(next));
                }
                if piece.end < end && !piece.holes.iter().any(|hole| hole.reaches(piece.end)) {
                    piece.hole(piece.end, end, Some(next));
                }
                piece.next = next;
            } else if durable.number == piece.number && piece.end < durable.offset {
                piece.hole(piece.end, durable.offset, None);
            }
            for hole in &mut piece.holes {
                hole.from = hole.from.max(before);
                hole.to = hole.to.or(behind);
            }
            if !piece.is_there {
                piece.holes.push(Hole { offset: 0, bytes: 0, from: before, to: behind });
            }
            before = before.max(piece.next);
        }
    }

    /// Where a segment ended, and which number came next there.
    fn end_of(&self, piece: &Piece) -> Option<(u64, u64)> {
        piece.sealed.or_else(|| {
            let later = self.segments.iter().rev().filter(|other| other.number > piece.number);
            let mut seams = later.filter_map(|other| Some((other.seam?, other.first?)));
            let follows = |(seam, _): &(Seam, u64)| seam.number == piece.number;
            seams.find(follows).map(|(seam, first)| (seam.end, first))
        })
    }

    /// Each batch once, and what no segment has.
    fn put_in_order(&mut self, findings: &mut Findings) {
        let mut batches: Vec<Batch> =
            self.segments.iter().flat_map(|piece| piece.batches.iter().copied()).collect();
        // Of two with one number, the later segment's was acknowledged.
        sort_by(&mut batches, |a, b| a.first.cmp(&b.first).then(b.segment.cmp(&a.segment)));
        batches.dedup_by_key(|batch| batch.first);
        self.batches = batches;
        for piece in &self.segments {
            for hole in &piece.holes {
                findings.damage_at(&piece.name, Some(hole.offset), "the log does not verify here");
                if let Some((from, to)) = self.missing(hole) {
                    findings.lost_log.push(LostLog {
                        file: piece.name.clone(),
                        offset: hole.offset,
                        bytes: hole.bytes,
                        from,
                        to,
                    });
                }
            }
        }
    }

    /// The numbers that are missing because of a hole, if any are.
    fn missing(&self, hole: &Hole) -> Option<(u64, Option<u64>)> {
        let mut from = hole.from;
        let first = self.batches.partition_point(|batch| batch.first < from);
        for batch in self.batches.get(first..).unwrap_or_default() {
            if batch.first > from {
                break;
            }
            from = batch.first + u64::from(batch.count);
        }
        match hole.to {
            Some(to) => (from < to).then_some((from, Some(to))),
            None => Some((from, None)),
        }
    }

    /// Hands out the payload of each batch from this number on.
    pub fn replay(
        &self,
        inventory: &Inventory,
        take: &mut dyn FnMut(&Batch, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut open: Option<(usize, Arc<dyn File>)> = None;
        let mut payload = Vec::new();
        for batch in &self.batches {
            let Some(piece) = self.segments.get(batch.segment) else { continue };
            let file = match open.take() {
                Some((at, file)) if at == batch.segment => file,
                _ => inventory.open(&piece.name)?,
            };
            read_batch(piece, batch, file.as_ref(), &mut payload)?;
            open = Some((batch.segment, file));
            take(batch, &payload)?;
        }
        Ok(())
    }

    /// How many bytes the segments have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|piece| piece.end).fold(0, u64::saturating_add)
    }
}

impl Hole {
    fn reaches(&self, offset: u64) -> bool {
        self.offset <= offset && self.offset + self.bytes >= offset
    }
}

impl Piece {
    fn hole(&mut self, from: u64, to: u64, next: Option<u64>) {
        let bytes = to.saturating_sub(from);
        self.holes.push(Hole { offset: from, bytes, from: self.next, to: next });
    }

    fn place(&self) -> Place {
        Place::new(FileKind::Log, self.number, self.file_id)
    }
}

/// The segments that count, by number.
fn pieces(inventory: &Inventory, known: &Known) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (&number, entry) in &known.catalog.logs {
        let name = names::log(number);
        let item = inventory
            .by_id(FileKind::Log, entry.file_id)
            .or_else(|| inventory.by_name(&name).filter(|item| item.header.is_none()));
        let sealed = entry.seal.map(|seal| (seal.end, seal.next_seqno.get()));
        let mut piece = piece_of(item, &name, (number, entry.file_id));
        piece.sealed = sealed;
        pieces.push(piece);
    }
    if !known.is_whole {
        for item in inventory.of(FileKind::Log) {
            let Some(header) = &item.header else { continue };
            let is_known = pieces.iter().any(|piece| piece.number == header.number);
            if !is_known && header.number >= known.catalog.log_start {
                pieces.push(piece_of(Some(item), &item.name, (header.number, header.file_id)));
            }
        }
        for item in inventory.headless(FileKind::Log) {
            let number = item.number().unwrap_or_default();
            let is_known = pieces.iter().any(|piece| piece.number == number);
            if !is_known && item.bytes > 0 {
                // Without its id no record of it verifies.
                let mut piece = piece_of(None, &item.name, (number, 0));
                piece.bytes = item.bytes;
                pieces.push(piece);
            }
        }
    }
    sort_by_key(&mut pieces, |piece| piece.number);
    pieces
}

fn piece_of(item: Option<&Item>, name: &str, (number, file_id): (u64, u64)) -> Piece {
    Piece {
        name: item.map_or(name, |item| &item.name).to_owned(),
        is_there: item.is_some(),
        number,
        file_id,
        bytes: item.map_or(0, |item| item.bytes),
        end: Segment::start(),
        ..Piece::default()
    }
}

/// Walks one segment, over what is damaged too.
fn walk(piece: &mut Piece, at: usize, file: &Arc<dyn File>, edit: &mut u64) -> Result<()> {
    let place = piece.place();
    let mut reader = RecordReader::new(file.as_ref(), place, Segment::start(), 0)?;
    // What the first record follows stands in the header, which may be damaged.
    if !reader.skip_damage()? {
        let is_written = holds_something(file.as_ref(), Segment::start())?;
        if is_written {
            piece.hole(Segment::start(), file.len()?, None);
        }
        return Ok(());
    }
    let begin = reader.offset();
    if begin > Segment::start() {
        piece.hole(Segment::start(), begin, None);
    }
    loop {
        let offset = reader.offset();
        if let Some(record) = reader.next_record()? {
            piece.take(&record, offset, at, edit);
            piece.end = reader.offset();
            continue;
        }
        if !reader.skip_damage()? {
            break;
        }
        piece.hole(offset, reader.offset(), None);
    }
    if holds_something(file.as_ref(), piece.end)? {
        let len = file.len()?;
        piece.hole(piece.end, len, None);
    }
    Ok(())
}

impl Piece {
    fn take(&mut self, record: &Record<'_>, offset: u64, at: usize, edit: &mut u64) {
        let number = record.seqno.get();
        for hole in self.holes.iter_mut().filter(|hole| hole.to.is_none()) {
            hole.to = Some(number);
        }
        self.has_any = true;
        self.next = self.next.max(number);
        match record.record_type {
            RecordType::Seam => {
                self.seam = Seam::decode(record.payload);
                self.first = Some(number);
                *edit = (*edit).max(self.seam.map_or(0, |seam| seam.edit));
            }
            RecordType::Marker | RecordType::Seal => {
                let seen = <[u8; 8]>::try_from(record.payload).map_or(0, u64::from_le_bytes);
                *edit = (*edit).max(seen);
            }
            RecordType::Batch => {
                let count = record.count;
                self.batches.push(Batch { first: number, count, segment: at, offset });
                self.next = self.next.max(number.saturating_add(u64::from(count)));
                self.first = self.first.or(Some(number));
            }
            RecordType::Edit => {}
        }
    }
}

/// True if any byte from here on is not zero.
fn holds_something(file: &dyn File, mut offset: u64) -> Result<bool> {
    let end = file.written_len()?;
    let mut bytes = vec![0; 64 << 10];
    while offset < end {
        let read = read_full_at(file, &mut bytes, offset)?;
        if read == 0 {
            break;
        }
        if bytes.get(..read).unwrap_or_default().iter().any(|byte| *byte != 0) {
            return Ok(true);
        }
        offset += read as u64;
    }
    Ok(false)
}

fn read_batch(piece: &Piece, batch: &Batch, file: &dyn File, payload: &mut Vec<u8>) -> Result<()> {
    let changed = || Error::corruption(file.path(), batch.offset, "a record has changed meanwhile");
    let mut header = [0; FRAME_LEN];
    read_full_at(file, &mut header, batch.offset)?;
    let (frame, len, check) = Frame::decode(&header).ok_or_else(changed)?;
    if batch.offset.saturating_add(len as u64) > piece.bytes {
        return Err(changed());
    }
    payload.clear();
    let no_room = |error: Error| error.at_path(file.path());
    make_room_for_all(payload, len, "a batch").map_err(no_room)?;
    payload.resize(len, 0);
    let read = read_full_at(file, payload, batch.offset + FRAME_LEN as u64)?;
    let is_same = read == len && Some(frame.seqno) == SeqNo::new(batch.first);
    let hash = verified_hash(&header, payload, piece.place(), batch.offset, check);
    if is_same && hash.is_some() { Ok(()) } else { Err(changed()) }
}
