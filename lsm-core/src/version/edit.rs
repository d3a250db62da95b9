//! Edits: the changes that a manifest is a list of.
//!
//! ```text
//! record payload = edit*       edit = tag varint | length varint | body
//! ```
//!
//! A reader that does not know an odd tag must refuse the manifest; an even one it may pass over.
//! Reserved: 44 to 63 for tables and their virtual bounds, 72 to 79 for blob files, 80 to 95 for
//! branches, 96 to 111 for encryption.
//!
//! Edits are applied one by one, so in a record that replaces tables the removals come first.

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::blob::file::BlobEnd;
use crate::blob::reference::BlobUse;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::tree::{SliceMeta, TableMeta};

/// One change of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Which database this is. Stands in the first record of every manifest.
    Identity {
        /// The same in every file.
        database_id: [u8; 16],
        /// Which copy.
        incarnation: u64,
    },
    /// No file has this number or a higher one.
    NextNumber(u64),
    /// No entry was ever given this sequence number or a higher one.
    NextSeqno(SeqNo),
    /// The largest wall clock seen, in milliseconds.
    Clock(u64),
    /// The log may be continued in this segment.
    LogAdded {
        /// The number in its name.
        number: u64,
        /// The id in its header.
        file_id: u64,
    },
    /// This segment ended in order and is durable.
    LogSealed {
        /// The number in its name.
        number: u64,
        /// How it ended.
        seal: Seal,
    },
    /// Segments below this number hold nothing that is still needed.
    LogStart(u64),
    /// The log is known durable up to here.
    LogDurable(LogPosition),
    /// A keyspace was made.
    KeyspaceCreated {
        /// Its number for ever.
        id: KeyspaceId,
        /// Its name.
        name: String,
    },
    /// A keyspace was dropped, with everything in it.
    KeyspaceDropped(KeyspaceId),
    /// No keyspace ever had this number or a higher one.
    NextKeyspace(u32),
    /// A table file belongs to the database.
    TableAdded {
        /// The file.
        meta: TableMeta,
        /// Its parts: at least one, and at most one for each keyspace.
        slices: Vec<SliceMeta>,
    },
    /// A part of a table stands elsewhere in its tree.
    SliceMoved {
        /// The number of the table.
        table: u64,
        /// The tree.
        keyspace: KeyspaceId,
        /// The level where it stands now.
        level: u8,
        /// The run of that level.
        run: u64,
    },
    /// A part of a table is not needed any more. A table without parts leaves with the last one.
    SliceRemoved {
        /// The number of the table.
        table: u64,
        /// The tree.
        keyspace: KeyspaceId,
    },
    /// What was chosen for a keyspace.
    KeyspaceOptions {
        /// The keyspace; the default one too.
        id: KeyspaceId,
        /// The text form of `options::keyspace::KeyspaceOptions`.
        text: String,
    },
    /// Every entry with this sequence number or a lower one is in tables, or gone: a replay of the
    /// log passes over it.
    Flushed(SeqNo),
    /// Large values may be written to this file.
    BlobAdded {
        /// The number in its name.
        number: u64,
        /// The id in its header.
        file_id: u64,
    },
    /// A file of large values gets no more of them, and is durable up to its end.
    BlobSealed(BlobEnd),
    /// No table refers to this file of large values any more, nor does anything in memory.
    BlobRemoved(u64),
    /// What a table has in files of large values. Told of a table in an edit of its own, and kept
    /// with what is known of it.
    TableBlobs {
        /// The number of the table.
        table: u64,
        /// What each keyspace has in each file.
        blobs: Vec<BlobUse>,
    },
}

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    /// The segment.
    pub number: u64,
    /// The byte in it.
    pub offset: u64,
}

/// How a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Its length.
    pub end: u64,
    /// The check of its last record.
    pub check: u64,
    /// CRC-32 of the file as a whole.
    pub crc: u32,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
}

const IDENTITY: u64 = 1;
const CLOCK: u64 = 2;
const NEXT_NUMBER: u64 = 3;
const NEXT_SEQNO: u64 = 5;
const LOG_ADDED: u64 = 7;
const LOG_SEALED: u64 = 9;
const LOG_START: u64 = 11;
const LOG_DURABLE: u64 = 13;
const KEYSPACE_CREATED: u64 = 15;
const KEYSPACE_DROPPED: u64 = 17;
const NEXT_KEYSPACE: u64 = 19;
const TABLE_ADDED: u64 = 33;
const SLICE_MOVED: u64 = 35;
const SLICE_REMOVED: u64 = 37;
const KEYSPACE_OPTIONS: u64 = 39;
const FLUSHED: u64 = 41;
/// As `TABLE_ADDED`, of a table that has merge operands: first what is known of those.
const TABLE_WITH_OPERANDS: u64 = 43;
const BLOB_ADDED: u64 = 65;
const BLOB_SEALED: u64 = 67;
const BLOB_REMOVED: u64 = 69;
const TABLE_BLOBS: u64 = 71;

/// The flag of a slice whose largest key is not in it.
const LARGEST_EXCLUDED: u8 = 1;

impl Edit {
    /// Appends the edit to a record's payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let tag = self.encode_body(&mut body);
        put_varint(out, tag);
        put_prefixed(out, &body);
        // What older versions do not know of a table stands behind it.
        if let Self::TableAdded { meta, .. } = self {
            if !meta.blobs.is_empty() {
                let (table, blobs) = (meta.number, meta.blobs.clone());
                Self::TableBlobs { table, blobs }.encode(out);
            }
        }
    }

    fn encode_body(&self, body: &mut Vec<u8>) -> u64 {
        match self {
            Self::Identity { database_id, incarnation } => {
                body.extend_from_slice(database_id);
                body.extend_from_slice(&incarnation.to_le_bytes());
                IDENTITY
            }
            Self::NextNumber(number) => one(body, *number, NEXT_NUMBER),
            Self::NextSeqno(seqno) => one(body, seqno.get(), NEXT_SEQNO),
            Self::Clock(millis) => one(body, *millis, CLOCK),
            Self::LogStart(number) => one(body, *number, LOG_START),
            Self::LogAdded { number, file_id } => {
                put_varint(body, *number);
                body.extend_from_slice(&file_id.to_le_bytes());
                LOG_ADDED
            }
            Self::LogSealed { number, seal } => {
                put_varint(body, *number);
                put_varint(body, seal.end);
                body.extend_from_slice(&seal.check.to_le_bytes());
                body.extend_from_slice(&seal.crc.to_le_bytes());
                put_varint(body, seal.next_seqno.get());
                LOG_SEALED
            }
            Self::LogDurable(position) => {
                put_varint(body, position.number);
                one(body, position.offset, LOG_DURABLE)
            }
            Self::KeyspaceCreated { id, name } => {
                put_varint(body, u64::from(id.get()));
                body.extend_from_slice(name.as_bytes());
                KEYSPACE_CREATED
            }
            Self::KeyspaceDropped(id) => one(body, u64::from(id.get()), KEYSPACE_DROPPED),
            Self::NextKeyspace(number) => one(body, u64::from(*number), NEXT_KEYSPACE),
            Self::KeyspaceOptions { id, text } => {
                put_varint(body, u64::from(id.get()));
                body.extend_from_slice(text.as_bytes());
                KEYSPACE_OPTIONS
            }
            Self::Flushed(seqno) => one(body, seqno.get(), FLUSHED),
            Self::BlobAdded { .. }
            | Self::BlobSealed(_)
            | Self::BlobRemoved(_)
            | Self::TableBlobs { .. } => self.encode_blob(body),
            Self::TableAdded { meta, slices } => {
                let has_operands = meta.merge_min_millis != 0;
                if has_operands {
                    put_varint(body, meta.merge_min_millis);
                    put_varint(body, meta.merge_ends);
                }
                put_table(body, meta);
                put_varint(body, slices.len() as u64);
                slices.iter().for_each(|slice| put_slice(body, slice));
                if has_operands { TABLE_WITH_OPERANDS } else { TABLE_ADDED }
            }
            Self::SliceMoved { table, keyspace, level, run } => {
                put_varint(body, *table);
                put_varint(body, u64::from(keyspace.get()));
                body.push(*level);
                one(body, *run, SLICE_MOVED)
            }
            Self::SliceRemoved { table, keyspace } => {
                put_varint(body, *table);
                one(body, u64::from(keyspace.get()), SLICE_REMOVED)
            }
        }
    }

    /// The body of an edit of large values; nothing of any other.
    fn encode_blob(&self, body: &mut Vec<u8>) -> u64 {
        match self {
            Self::BlobAdded { number, file_id } => {
                put_varint(body, *number);
                body.extend_from_slice(&file_id.to_le_bytes());
                BLOB_ADDED
            }
            Self::BlobSealed(end) => {
                put_varint(body, end.number);
                put_varint(body, end.place);
                one(body, end.bytes, BLOB_SEALED)
            }
            Self::BlobRemoved(number) => one(body, *number, BLOB_REMOVED),
            Self::TableBlobs { table, blobs } => {
                put_varint(body, *table);
                put_varint(body, blobs.len() as u64);
                for blob in blobs {
                    put_varint(body, u64::from(blob.keyspace.get()));
                    put_varint(body, blob.file);
                    put_varint(body, blob.values);
                    put_varint(body, blob.bytes);
                }
                TABLE_BLOBS
            }
            _ => 0,
        }
    }

    /// Reads the next edit of a payload: `Ok(None)` is one that may be passed over.
    pub fn decode(payload: &mut Decoder<'_>) -> Result<Option<Self>, BadEdit> {
        let tag = payload.varint().ok_or(BadEdit::Malformed)?;
        let body = payload.prefixed().ok_or(BadEdit::Malformed)?;
        let mut fields = Decoder::new(body);
        match Self::decode_body(tag, &mut fields) {
            Some(edit) if fields.is_empty() => Ok(Some(edit)),
            _ if is_known(tag) => Err(BadEdit::Malformed),
            _ if tag % 2 == 0 => Ok(None),
            _ => Err(BadEdit::Unknown(tag)),
        }
    }

    fn decode_body(tag: u64, body: &mut Decoder<'_>) -> Option<Self> {
        Some(match tag {
            IDENTITY => Self::Identity { database_id: body.array()?, incarnation: body.u64()? },
            CLOCK => Self::Clock(body.varint()?),
            NEXT_NUMBER => Self::NextNumber(body.varint()?),
            NEXT_SEQNO => Self::NextSeqno(seqno(body)?),
            LOG_ADDED => Self::LogAdded { number: body.varint()?, file_id: body.u64()? },
            LOG_SEALED => Self::LogSealed {
                number: body.varint()?,
                seal: Seal {
                    end: body.varint()?,
                    check: body.u64()?,
                    crc: body.u32()?,
                    next_seqno: seqno(body)?,
                },
            },
            LOG_START => Self::LogStart(body.varint()?),
            LOG_DURABLE => {
                Self::LogDurable(LogPosition { number: body.varint()?, offset: body.varint()? })
            }
            KEYSPACE_CREATED => Self::KeyspaceCreated { id: keyspace_id(body)?, name: text(body)? },
            KEYSPACE_DROPPED => Self::KeyspaceDropped(keyspace_id(body)?),
            NEXT_KEYSPACE => Self::NextKeyspace(u32::try_from(body.varint()?).ok()?),
            TABLE_ADDED | TABLE_WITH_OPERANDS => {
                let (merge_min_millis, merge_ends) = match tag {
                    TABLE_ADDED => (0, 0),
                    _ => (body.varint().filter(|millis| *millis != 0)?, body.varint()?),
                };
                let meta = TableMeta { merge_min_millis, merge_ends, ..table_meta(body)? };
                // The count is not trusted: slices are read until one is missing.
                let count = body.varint()?;
                let slices = (0..count).map(|_| slice_meta(body)).collect::<Option<_>>()?;
                Self::TableAdded { meta, slices }
            }
            SLICE_MOVED => Self::SliceMoved {
                table: body.varint()?,
                keyspace: keyspace_id(body)?,
                level: body.u8()?,
                run: body.varint()?,
            },
            SLICE_REMOVED => {
                Self::SliceRemoved { table: body.varint()?, keyspace: keyspace_id(body)? }
            }
            KEYSPACE_OPTIONS => Self::KeyspaceOptions { id: keyspace_id(body)?, text: text(body)? },
            FLUSHED => Self::Flushed(seqno(body)?),
            BLOB_ADDED => Self::BlobAdded { number: body.varint()?, file_id: body.u64()? },
            BLOB_SEALED => Self::BlobSealed(BlobEnd {
                number: body.varint()?,
                place: body.varint()?,
                bytes: body.varint()?,
            }),
            BLOB_REMOVED => Self::BlobRemoved(body.varint()?),
            TABLE_BLOBS => {
                let table = body.varint()?;
                let count = body.varint()?;
                let blobs = (0..count).map(|_| blob_use(body)).collect::<Option<_>>()?;
                Self::TableBlobs { table, blobs }
            }
            _ => return None,
        })
    }
}

/// Why an edit could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEdit {
    /// Its bytes make no sense.
    Malformed,
    /// A newer version wrote it, and it must be understood.
    Unknown(u64),
}

fn is_known(tag: u64) -> bool {
    let is_odd = tag % 2 == 1;
    let is_of_tables = (TABLE_ADDED..=TABLE_WITH_OPERANDS).contains(&tag);
    let is_of_blobs = (BLOB_ADDED..=TABLE_BLOBS).contains(&tag);
    tag == CLOCK || (is_odd && (tag <= NEXT_KEYSPACE || is_of_tables || is_of_blobs))
}

fn one(body: &mut Vec<u8>, value: u64, tag: u64) -> u64 {
    put_varint(body, value);
    tag
}

fn blob_use(body: &mut Decoder<'_>) -> Option<BlobUse> {
    Some(BlobUse {
        keyspace: keyspace_id(body)?,
        file: body.varint()?,
        values: body.varint()?,
        bytes: body.varint()?,
    })
}

fn keyspace_id(body: &mut Decoder<'_>) -> Option<KeyspaceId> {
    u32::try_from(body.varint()?).ok().map(KeyspaceId::new)
}

fn seqno(body: &mut Decoder<'_>) -> Option<SeqNo> {
    SeqNo::new(body.varint()?)
}

/// The rest of the body as text.
fn text(body: &mut Decoder<'_>) -> Option<String> {
    let bytes = body.bytes(body.rest().len())?;
    String::from_utf8(bytes.to_vec()).ok()
}

fn put_table(body: &mut Vec<u8>, meta: &TableMeta) {
    put_varint(body, meta.number);
    body.extend_from_slice(&meta.file_id.to_le_bytes());
    put_varint(body, meta.bytes);
    body.extend_from_slice(&meta.crc.to_le_bytes());
    for value in [
        meta.entries,
        meta.deletes,
        meta.range_deletes,
        meta.seqno_min.get(),
        meta.seqno_max.get(),
        meta.created_millis,
        meta.expiry_min_millis,
        meta.expiry_max_millis,
    ] {
        put_varint(body, value);
    }
}

fn table_meta(body: &mut Decoder<'_>) -> Option<TableMeta> {
    Some(TableMeta {
        number: body.varint()?,
        file_id: body.u64()?,
        bytes: body.varint()?,
        crc: body.u32()?,
        entries: body.varint()?,
        deletes: body.varint()?,
        range_deletes: body.varint()?,
        seqno_min: seqno(body)?,
        seqno_max: seqno(body)?,
        created_millis: body.varint()?,
        expiry_min_millis: body.varint()?,
        expiry_max_millis: body.varint()?,
        merge_min_millis: 0,
        merge_ends: 0,
        blobs: Vec::new(),
    })
}

fn put_slice(body: &mut Vec<u8>, slice: &SliceMeta) {
    put_varint(body, u64::from(slice.keyspace.get()));
    body.push(slice.level);
    put_varint(body, slice.run);
    body.push(if slice.is_largest_excluded { LARGEST_EXCLUDED } else { 0 });
    put_prefixed(body, &slice.smallest);
    put_prefixed(body, &slice.largest);
    put_varint(body, slice.bytes);
    put_varint(body, slice.entries);
    put_varint(body, slice.deletes);
}

fn slice_meta(body: &mut Decoder<'_>) -> Option<SliceMeta> {
    let keyspace = keyspace_id(body)?;
    let level = body.u8()?;
    let run = body.varint()?;
    let is_largest_excluded = match body.u8()? {
        0 => false,
        LARGEST_EXCLUDED => true,
        _ => return None,
    };
    Some(SliceMeta {
        keyspace,
        level,
        run,
        smallest: body.prefixed()?.to_vec(),
        largest: body.prefixed()?.to_vec(),
        is_largest_excluded,
        bytes: body.varint()?,
        entries: body.varint()?,
        deletes: body.varint()?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
