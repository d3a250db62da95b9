//! What a table says of itself: counts, bounds, and the share of each keyspace.
//!
//! ```text
//! properties = property*           property = tag varint | length of body varint | body
//! parts      = count varint | part*
//! part       = smallest prefixed | largest prefixed | flags u8 | bytes | entries | deletes varints
//! ```
//!
//! A reader refuses a property with an odd tag that it does not know, and passes over an even one.
//! Numbers in bodies are varints.

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::blob::reference::BlobUse;
use crate::key::full::keyspace_of;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::table::contents::Contents;

/// Counts and bounds of a whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Entries, range tombstones not counted.
    pub entries: u64,
    /// Deletes of single keys among them, of both kinds.
    pub deletes: u64,
    /// Single deletes among the deletes.
    pub single_deletes: u64,
    /// Merge operands.
    pub merges: u64,
    /// When the first of them was written; 0 if there is none.
    pub merge_min_millis: u64,
    /// Those of them that give their value an end of its own.
    pub merge_ends: u64,
    /// Values that stand in blob files.
    pub blob_refs: u64,
    /// What each keyspace has in each file of large values, in order of both.
    pub blobs: Vec<BlobUse>,
    /// Puts that expire.
    pub expiring: u64,
    /// Range tombstones, those of one number that touch counted as one.
    pub range_deletes: u64,
    /// The smallest sequence number, range tombstones included.
    pub seqno_min: SeqNo,
    /// The largest one.
    pub seqno_max: SeqNo,
    /// The first moment at which an entry expires; 0 if none does.
    pub expiry_min_millis: u64,
    /// The moment at which the last expiring entry has expired; 0 if none does.
    pub expiry_last_millis: u64,
    /// Bytes of full keys.
    pub key_bytes: u64,
    /// Bytes of values.
    pub value_bytes: u64,
    /// Partitions of index and filter.
    pub partitions: u64,
    /// Data blocks.
    pub blocks: u64,
    /// Data blocks at least half of whose entries are deletes.
    pub dense_blocks: u64,
    /// Bytes of data blocks before they were packed.
    pub unpacked_bytes: u64,
    /// How much is what; older tables do not say it, nor do small ones.
    pub contents: Option<Contents>,
}

/// The tag of what the keyspaces of a table have in files of large values.
const BLOBS: u64 = 24;

impl Properties {
    /// The moment at which everything in the table has expired; 0 if something never does.
    #[must_use]
    pub fn expiry_max_millis(&self) -> u64 {
        let is_all = self.expiring == self.entries && self.range_deletes == 0;
        if is_all { self.expiry_last_millis } else { 0 }
    }

    /// Appends the properties as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(20);
        for (tag, numbers) in self.lines() {
            body.clear();
            numbers.iter().for_each(|number| put_varint(&mut body, *number));
            put_varint(out, tag);
            put_prefixed(out, &body);
        }
    }

    /// Every property with its tag.
    fn lines(&self) -> Vec<(u64, Vec<u64>)> {
        let mut lines = vec![
            (1, vec![self.entries]),
            (3, vec![self.deletes]),
            (5, vec![self.range_deletes]),
            (7, vec![self.seqno_min.get(), self.seqno_max.get()]),
            (9, vec![self.expiring, self.expiry_min_millis, self.expiry_last_millis]),
            (2, vec![self.single_deletes]),
            (4, vec![self.merges]),
            (6, vec![self.blob_refs]),
            (8, vec![self.key_bytes]),
            (10, vec![self.value_bytes]),
            (12, vec![self.partitions]),
            (14, vec![self.blocks]),
            (16, vec![self.dense_blocks]),
            (18, vec![self.unpacked_bytes]),
        ];
        // What most tables do not have most tables do not say.
        lines.extend((self.merges > 0).then(|| (26, vec![self.merge_min_millis, self.merge_ends])));
        if !self.blobs.is_empty() {
            let numbers = |blob: &BlobUse| {
                [u64::from(blob.keyspace.get()), blob.file, blob.values, blob.bytes]
            };
            lines.push((BLOBS, self.blobs.iter().flat_map(numbers).collect()));
        }
        lines.extend(self.contents.iter().flat_map(Contents::lines));
        lines
    }

    /// Reads properties; `None` if they are malformed or hold what this version must know and does
    /// not.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let mut properties = Self::default();
        while !decoder.is_empty() {
            let tag = decoder.varint()?;
            let mut body = Decoder::new(decoder.prefixed()?);
            if properties.set(tag, &mut body)? && !body.is_empty() {
                return None;
            }
        }
        Some(properties)
    }

    /// Takes one property; answers false for one that may be passed over.
    fn set(&mut self, tag: u64, body: &mut Decoder<'_>) -> Option<bool> {
        match tag {
            1 => self.entries = body.varint()?,
            2 => self.single_deletes = body.varint()?,
            3 => self.deletes = body.varint()?,
            4 => self.merges = body.varint()?,
            5 => self.range_deletes = body.varint()?,
            6 => self.blob_refs = body.varint()?,
            7 => {
                self.seqno_min = SeqNo::new(body.varint()?)?;
                self.seqno_max = SeqNo::new(body.varint()?)?;
            }
            8 => self.key_bytes = body.varint()?,
            9 => {
                self.expiring = body.varint()?;
                self.expiry_min_millis = body.varint()?;
                self.expiry_last_millis = body.varint()?;
            }
            26 => {
                self.merge_min_millis = body.varint()?;
                self.merge_ends = body.varint()?;
            }
            10 => self.value_bytes = body.varint()?,
            12 => self.partitions = body.varint()?,
            14 => self.blocks = body.varint()?,
            16 => self.dense_blocks = body.varint()?,
            18 => self.unpacked_bytes = body.varint()?,
            BLOBS => {
                while !body.is_empty() {
                    let keyspace = KeyspaceId::new(u32::try_from(body.varint()?).ok()?);
                    let (file, values) = (body.varint()?, body.varint()?);
                    self.blobs.push(BlobUse { keyspace, file, values, bytes: body.varint()? });
                }
            }
            20 => self.contents.get_or_insert_default().set_groups(body)?,
            22 => self.contents.get_or_insert_default().set_shares(body)?,
            _ if tag % 2 == 0 => return Some(false),
            _ => return None,
        }
        Some(true)
    }
}

/// What one keyspace has in a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// The smallest full key, spans of range tombstones included.
    pub smallest: Vec<u8>,
    /// The largest full key, or where the last range tombstone ends.
    pub largest: Vec<u8>,
    /// `largest` itself is not in the table: it is only the end of a range tombstone.
    pub is_largest_excluded: bool,
    /// About how many bytes of the file it takes.
    pub bytes: u64,
    /// How many entries.
    pub entries: u64,
    /// How many deletes of single keys.
    pub deletes: u64,
}

/// Appends parts as bytes.
pub fn encode_parts(parts: &[Part], out: &mut Vec<u8>) {
    put_varint(out, parts.len() as u64);
    for part in parts {
        put_prefixed(out, &part.smallest);
        put_prefixed(out, &part.largest);
        out.push(u8::from(part.is_largest_excluded));
        for number in [part.bytes, part.entries, part.deletes] {
            put_varint(out, number);
        }
    }
}

/// Reads parts; `None` if they are malformed.
#[must_use]
pub fn decode_parts(bytes: &[u8]) -> Option<Vec<Part>> {
    let mut decoder = Decoder::new(bytes);
    let count = decoder.varint()?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let smallest = decoder.prefixed()?.to_vec();
        let largest = decoder.prefixed()?.to_vec();
        let flags = decoder.u8()?;
        if flags > 1 {
            return None;
        }
        parts.push(Part {
            keyspace: keyspace_of(&smallest),
            smallest,
            largest,
            is_largest_excluded: flags == 1,
            bytes: decoder.varint()?,
            entries: decoder.varint()?,
            deletes: decoder.varint()?,
        });
    }
    decoder.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests;
