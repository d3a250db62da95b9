//! Counts what goes into a table: its properties and the part of each keyspace.
//!
//! The builder counts while it writes, and `verify` counts again while it reads.

use crate::base::planted::{Bug, planted};
use crate::blob::reference::{BlobRef, BlobUse};
use crate::cursor::tombstone::{Fragments, Span};
use crate::key::full::keyspace_of;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::trailer::{kind_of, seqno_of};
use crate::merge::operand::{KEEPS, NEVER};
use crate::table::contents::{Contents, ENTRY_BYTES, GROUP, Share, UNTOLD};
use crate::table::properties::{Part, Properties};

/// The part of a file that holds entries.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Where the last partition ends.
    pub bytes: u64,
    /// How many there are.
    pub partitions: u64,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    properties: Properties,
    /// The parts that have ended; while counting, `bytes` are those of keys and values.
    parts: Vec<Part>,
    /// The part that the last entry belongs to.
    part: Part,
    last_key: Vec<u8>,
    last_trailer: u64,
    /// Entries and deletes that stand in finished blocks.
    in_blocks: (u64, u64),
    contents: Contents,
    /// What the keyspace at hand has.
    share: Share,
    /// Entries that stand in finished groups of blocks.
    in_groups: u64,
}

impl Tally {
    /// The last entry's key; empty if there is none yet.
    #[must_use]
    pub fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The last entry's trailer.
    #[must_use]
    pub fn last_trailer(&self) -> u64 {
        self.last_trailer
    }

    /// Entries so far.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.properties.entries
    }

    /// Counts an entry, which comes after all before it. `None` if it is one that has to say
    /// when it expires or was written, and does not; then nothing was counted.
    pub fn add(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> Option<()> {
        let is_delete = self.count_kind(keyspace_of(key), trailer, value)?;
        let counts = &mut self.properties;
        let seqno = seqno_of(trailer);
        let is_first = counts.entries == 0;
        counts.seqno_min = if is_first { seqno } else { counts.seqno_min.min(seqno) };
        counts.seqno_max = counts.seqno_max.max(seqno);
        counts.entries += 1;
        counts.deletes += u64::from(is_delete);
        counts.key_bytes += key.len() as u64;
        counts.value_bytes += value.len() as u64;
        if is_first || self.part.keyspace != keyspace_of(key) {
            self.end_part();
            let (keyspace, smallest) = (keyspace_of(key), key.to_vec());
            self.part = Part { keyspace, smallest, ..Part::default() };
        }
        self.part.entries += 1;
        self.part.deletes += u64::from(is_delete);
        self.part.bytes += (key.len() + value.len()) as u64 + ENTRY_BYTES;
        let is_newest = is_first || self.last_key != key;
        self.share.add(key, trailer, value, is_newest);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.last_trailer = trailer;
        Some(())
    }

    /// Counts the kind of an entry; answers whether it is a delete.
    fn count_kind(&mut self, keyspace: KeyspaceId, trailer: u64, value: &[u8]) -> Option<bool> {
        let counts = &mut self.properties;
        match kind_of(trailer) {
            Some(Kind::Put | Kind::RangeDelete) | None => return Some(false),
            Some(Kind::Delete) => return Some(true),
            Some(Kind::SingleDelete) => {
                counts.single_deletes += 1;
                return Some(true);
            }
            Some(Kind::Merge) => {
                // Zero stands for "none".
                let millis = u64::from_le_bytes(*value.first_chunk()?).max(1);
                let is_first = counts.merges == 0;
                let earliest = if is_first { millis } else { counts.merge_min_millis.min(millis) };
                let end = u64::from_le_bytes(*value.get(8..)?.first_chunk()?);
                counts.merges += 1;
                counts.merge_ends += u64::from(!matches!(end, KEEPS | NEVER));
                counts.merge_min_millis = earliest;
            }
            Some(Kind::BlobRef) => {
                let reference = BlobRef::decode(value)?;
                counts.blob_refs += 1;
                count_blob(&mut counts.blobs, keyspace, &reference);
                if let Some(moment) = reference.expiry_millis {
                    self.count_expiring(moment);
                }
            }
            Some(Kind::PutExpiring) => {
                self.count_expiring(u64::from_le_bytes(*value.first_chunk()?));
            }
        }
        Some(false)
    }

    fn count_expiring(&mut self, moment: u64) {
        let counts = &mut self.properties;
        // Zero stands for "never", so the first millisecond of all counts as the second.
        let expiry = moment.max(1);
        let is_first = counts.expiring == 0;
        let earliest = if is_first { expiry } else { counts.expiry_min_millis.min(expiry) };
        counts.expiring += 1;
        counts.expiry_min_millis = earliest;
        counts.expiry_last_millis = counts.expiry_last_millis.max(expiry);
    }

    fn end_part(&mut self) {
        if self.part.entries > 0 {
            self.part.largest.clone_from(&self.last_key);
            let share = Share { keyspace: self.part.keyspace, ..std::mem::take(&mut self.share) };
            self.contents.shares.push(share);
            self.parts.push(std::mem::take(&mut self.part));
        }
    }

    /// Ends a data block, which had so many bytes before it was packed.
    pub fn end_block(&mut self, unpacked_bytes: usize) {
        let counts = &mut self.properties;
        let (entries, deletes) = self.in_blocks;
        let is_dense = (counts.deletes - deletes) * 2 >= counts.entries - entries;
        counts.dense_blocks += u64::from(is_dense);
        counts.blocks += 1;
        counts.unpacked_bytes += unpacked_bytes as u64;
        self.in_blocks = (counts.entries, counts.deletes);
        if counts.blocks % GROUP == 0 {
            self.end_group();
        }
    }

    fn end_group(&mut self) {
        let entries = self.properties.entries;
        let group = u32::try_from(entries - self.in_groups).unwrap_or(u32::MAX);
        self.contents.groups.push(group);
        self.in_groups = entries;
    }

    /// How much is what, without range tombstones.
    #[must_use]
    pub fn into_contents(mut self) -> Contents {
        self.end_part();
        if self.in_groups < self.properties.entries {
            self.end_group();
        }
        self.contents
    }

    /// The sums, with the range tombstones. Each keyspace gets its share of the body.
    #[must_use]
    pub fn finish(mut self, tombstones: &Fragments, body: Body) -> (Properties, Vec<Part>) {
        self.end_part();
        let mut counts = self.properties.clone();
        counts.partitions = body.partitions;
        let mut parts = std::mem::take(&mut self.parts);
        let mut contents = self.into_contents();
        for span in tombstones.spans() {
            let is_first = counts.entries == 0 && counts.range_deletes == 0;
            counts.seqno_min = if is_first { span.seqno } else { counts.seqno_min.min(span.seqno) };
            counts.seqno_max = counts.seqno_max.max(span.seqno);
            counts.range_deletes += 1;
            widen(&mut parts, &span);
            contents.change_share(span.start, |share| share.bytes += tombstone_bytes(&span));
        }
        // What is small is soon counted.
        counts.contents = Some(contents).filter(|_| counts.blocks > UNTOLD);
        let raw: u128 = parts.iter().map(|part| u128::from(part.bytes)).sum();
        for part in &mut parts {
            let share = u128::from(part.bytes) * u128::from(body.bytes) / raw.max(1);
            part.bytes = u64::try_from(share).unwrap_or(u64::MAX);
        }
        (counts, parts)
    }
}

/// Counts a reference to the file that it names. Files are kept in order of their numbers, those of
/// one keyspace after those of another.
fn count_blob(blobs: &mut Vec<BlobUse>, keyspace: KeyspaceId, reference: &BlobRef) {
    if planted(Bug::BlobReferenceNotCounted) && !blobs.is_empty() {
        return;
    }
    let place = (keyspace, reference.file);
    let at = blobs.partition_point(|blob| (blob.keyspace, blob.file) < place);
    if blobs.get(at).is_none_or(|blob| (blob.keyspace, blob.file) != place) {
        blobs.insert(at, BlobUse { keyspace, file: reference.file, ..BlobUse::default() });
    }
    if let Some(blob) = blobs.get_mut(at) {
        blob.values += 1;
        blob.bytes = blob.bytes.saturating_add(u64::from(reference.len));
    }
}

/// Takes a range tombstone into the part of its keyspace, which is made if there is none yet.
fn widen(parts: &mut Vec<Part>, span: &Span<'_>) {
    let keyspace = keyspace_of(span.start);
    let at = parts.partition_point(|part| part.keyspace < keyspace);
    if parts.get(at).is_none_or(|part| part.keyspace != keyspace) {
        let smallest = span.start.to_vec();
        parts.insert(at, Part { keyspace, smallest, ..Part::default() });
    }
    let Some(part) = parts.get_mut(at) else { return };
    if span.start < part.smallest.as_slice() {
        part.smallest = span.start.to_vec();
    }
    if span.end > part.largest.as_slice() {
        part.largest = span.end.to_vec();
        part.is_largest_excluded = true;
    }
    part.bytes += tombstone_bytes(span);
}

/// Bytes that a range tombstone counts for.
#[must_use]
pub fn tombstone_bytes(span: &Span<'_>) -> u64 {
    (span.start.len() + span.end.len()) as u64 + ENTRY_BYTES
}
