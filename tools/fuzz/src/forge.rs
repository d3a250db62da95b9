//! Checks made good again behind bytes that were changed: what a decoder refuses at its first look
//! says nothing of what it does with the rest.

use lsm_core::base::checksum::hash64;
use lsm_core::base::codec::HeaderWriter;
use lsm_core::key::seqno::SeqNo;
use lsm_core::record::frame::{FRAME_LEN, Frame, Payload, Place, padded_len};
use lsm_core::record::header::{FileHeader, FileKind, HEADER_LEN};
use lsm_core::table::handle::{HANDLE_LEN, Handle, TRAILER_LEN};

/// The id of every file that is made here.
pub const FILE_ID: u64 = 0x0123_4567_89ab_cdef;

/// Bytes whose last eight are the hash of those before.
pub fn seal(bytes: &mut [u8]) {
    if let Some((covered, check)) = bytes.split_last_chunk_mut::<8>() {
        *check = hash64(covered).to_le_bytes();
    }
}

/// Makes good the check of the file header that these bytes begin with.
pub fn seal_header(bytes: &mut [u8]) {
    if let Some(header) = bytes.get_mut(..HEADER_LEN) {
        seal(header);
    }
}

/// The header of a file.
#[must_use]
pub fn header(kind: FileKind, number: u64) -> FileHeader {
    FileHeader {
        kind,
        compatible: 0,
        file_id: FILE_ID,
        database_id: [7; 16],
        incarnation: 3,
        edit: 0,
        number,
        boot_id: None,
        clock_millis: 1,
        flags: 0,
    }
}

/// What is to stand in a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spoken<'a> {
    /// Its type, known or not.
    pub type_byte: u8,
    /// Its flags.
    pub flags: u8,
    /// Its sequence number.
    pub seqno: u64,
    /// How many entries it says that it has.
    pub count: u32,
    /// Its watermark, in bytes.
    pub durable: u64,
    /// What is in it.
    pub payload: &'a [u8],
}

/// A file of records, growing.
#[derive(Clone, Debug)]
pub struct Records {
    /// All of it.
    pub bytes: Vec<u8>,
    place: Place,
    /// The check that the next record chains to.
    pub check: u64,
}

impl Records {
    /// A file that has a header, and no record.
    #[must_use]
    pub fn new(header: &FileHeader) -> Self {
        let place = Place::of(header);
        Self { bytes: header.encode().to_vec(), place, check: header.check() }
    }

    /// Puts a record behind what is there.
    pub fn push(&mut self, spoken: &Spoken<'_>) {
        let seqno = SeqNo::new(spoken.seqno & SeqNo::MAX.get()).unwrap();
        let frame = Frame {
            chain: self.check as u32,
            seqno,
            type_byte: spoken.type_byte,
            durable: spoken.durable & !7 & ((1 << 35) - 1),
            count: spoken.count & 0xff_ffff,
            flags: spoken.flags,
        };
        let payload = Payload::new(spoken.payload);
        let offset = self.bytes.len() as u64;
        let (head, check) = frame.encode(&payload, self.place, offset).unwrap();
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(spoken.payload);
        self.bytes.resize((offset + padded_len(spoken.payload.len())) as usize, 0);
        self.check = check;
    }
}

/// A log or a manifest whose records, as far as their lengths lead from one to the next, are made
/// good: chain, padding and check.
pub fn reframe(bytes: &mut [u8], kind: FileKind, number: u64) {
    seal_header(bytes);
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
    };
    let place = Place::new(kind, number, word(bytes, 32));
    let mut chain = word(bytes, HEADER_LEN - 8);
    let mut offset = HEADER_LEN;
    while let Some(record) = bytes.get_mut(offset..) {
        let Some(head) = record.first_chunk::<FRAME_LEN>() else { return };
        let Some((frame, len, _)) = Frame::decode(head) else { return };
        let padded = padded_len(len) as usize;
        let Some(record) = record.get_mut(..padded) else { return };
        record[FRAME_LEN + len..].fill(0);
        let frame = Frame { chain: chain as u32, ..frame };
        let made = frame.encode(&Payload::new(&record[FRAME_LEN..][..len]), place, offset as u64);
        let Some((head, check)) = made else { return };
        record[..FRAME_LEN].copy_from_slice(&head);
        chain = check;
        offset += padded;
    }
}

/// The trailer of a block: `words` are the eight bytes before its check.
#[must_use]
pub fn trailer(file_id: u64, words: [u8; 8], offset: u64, payload: &[u8]) -> [u8; TRAILER_LEN] {
    let context = HeaderWriter::<40>::new()
        .u64(file_id)
        .put(&words)
        .u64(offset)
        .u64(payload.len() as u64)
        .u64(hash64(payload));
    let check = hash64(&context.finish());
    HeaderWriter::<TRAILER_LEN>::new().put(&words).u64(check).finish()
}

/// Makes good the check of the block at `handle` of a table.
pub fn seal_block(bytes: &mut [u8], handle: Handle) {
    let file_id = bytes.get(32..).and_then(<[u8]>::first_chunk).map(|id| u64::from_le_bytes(*id));
    let len = handle.len as usize;
    let block = usize::try_from(handle.offset).ok().and_then(|from| bytes.get_mut(from..));
    let block = block.and_then(|block| block.get_mut(..len + TRAILER_LEN));
    let (Some(file_id), Some(block)) = (file_id, block) else { return };
    let (payload, place) = block.split_at_mut(len);
    let words = *place.first_chunk().unwrap();
    place.copy_from_slice(&trailer(file_id, words, handle.offset, payload));
}

/// The footer of a table: its handles in order of top index, properties, parts and tombstones.
#[must_use]
pub fn footer(file_id: u64, bytes: u64, handles: [Handle; 4]) -> Vec<u8> {
    let mut footer = vec![0x89, b'L', b'S', b'M', b'T', 0x0d, 0x1a, 0x0a];
    footer.extend_from_slice(&128u64.to_le_bytes());
    footer.extend_from_slice(&[0; 16]);
    footer.extend_from_slice(&file_id.to_le_bytes());
    footer.extend_from_slice(&bytes.to_le_bytes());
    handles.iter().for_each(|handle| footer.extend_from_slice(&handle.encode()));
    debug_assert_eq!(footer.len(), 48 + 4 * HANDLE_LEN);
    footer.resize(128, 0);
    seal(&mut footer);
    footer
}
