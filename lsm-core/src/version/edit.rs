//! Edits: the changes that a manifest is a list of.
//!
//! ```text
//! record payload = edit*       edit = tag varint | length varint | body
//! ```
//!
//! A reader that does not know an odd tag must refuse the manifest; an even one it may pass over.
//! Reserved: 32 to 63 for tables and their virtual bounds, 64 to 79 for blob files, 80 to 95 for
//! branches, 96 to 111 for encryption.

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;

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

impl Edit {
    /// Appends the edit to a record's payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let tag = self.encode_body(&mut body);
        put_varint(out, tag);
        put_prefixed(out, &body);
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
            NEXT_SEQNO => Self::NextSeqno(SeqNo::new(body.varint()?)?),
            LOG_ADDED => Self::LogAdded { number: body.varint()?, file_id: body.u64()? },
            LOG_SEALED => Self::LogSealed {
                number: body.varint()?,
                seal: Seal {
                    end: body.varint()?,
                    check: body.u64()?,
                    crc: body.u32()?,
                    next_seqno: SeqNo::new(body.varint()?)?,
                },
            },
            LOG_START => Self::LogStart(body.varint()?),
            LOG_DURABLE => {
                Self::LogDurable(LogPosition { number: body.varint()?, offset: body.varint()? })
            }
            KEYSPACE_CREATED => {
                let id = keyspace_id(body)?;
                let name = body.bytes(body.rest().len())?;
                Self::KeyspaceCreated { id, name: String::from_utf8(name.to_vec()).ok()? }
            }
            KEYSPACE_DROPPED => Self::KeyspaceDropped(keyspace_id(body)?),
            NEXT_KEYSPACE => Self::NextKeyspace(u32::try_from(body.varint()?).ok()?),
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
    tag == CLOCK || (tag % 2 == 1 && tag <= NEXT_KEYSPACE)
}

fn one(body: &mut Vec<u8>, value: u64, tag: u64) -> u64 {
    put_varint(body, value);
    tag
}

fn keyspace_id(body: &mut Decoder<'_>) -> Option<KeyspaceId> {
    u32::try_from(body.varint()?).ok().map(KeyspaceId::new)
}

#[cfg(test)]
mod tests;
