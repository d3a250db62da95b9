//! What a lookup asks, and what it finds.

use crate::base::checksum::hash64;
use crate::base::copy::slice_of;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::blob::reference::{BlobRef, stamp_of};
use crate::blob::store::Blobs;
use crate::cache::purpose::Use;
use crate::env::clock::Now;
use crate::key::seqno::SeqNo;
use crate::merge::merger::Merger;
use crate::read::access::Access;
use crate::read::trace::Trace;
use crate::read::visible::{expiry_of, is_apart, is_plain, user_value};
use crate::stats::looked::Probe;
use crate::table::reader::Table;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The full key.
    pub key: &'a [u8],
    /// Its hash.
    pub hash: u64,
    /// What the reader may see.
    pub seqno: SeqNo,
    /// Asked only when something found may have expired.
    pub now: Now<'a>,
    /// What merge operands are folded by; none if there are none.
    pub merger: Option<&'a Merger>,
    /// Where large values are read; without it, they are not.
    pub blobs: Option<&'a Blobs>,
    /// The disk may not be asked, and so they are refused.
    pub leaves_disk: bool,
}

impl<'a> Question<'a> {
    /// Asks for `key` at `seqno`.
    #[inline]
    #[must_use]
    pub fn new(key: &'a [u8], seqno: SeqNo, now: Now<'a>) -> Self {
        let hash = hash64(key);
        Self { key, hash, seqno, now, merger: None, blobs: None, leaves_disk: false }
    }

    /// The same in a keyspace that may have this merge operator.
    #[inline]
    #[must_use]
    pub fn merging(self, merger: Option<&'a Merger>) -> Self {
        Self { merger, ..self }
    }

    /// The same, where large values are wanted too.
    #[inline]
    #[must_use]
    pub fn fetching(self, blobs: &'a Blobs) -> Self {
        Self { blobs: Some(blobs), ..self }
    }

    /// The same for who reads so.
    #[inline]
    #[must_use]
    pub fn by<A: Access>(self, access: A) -> Self {
        Self { leaves_disk: !A::IS_USUAL && access.options().is_cached_only(), ..self }
    }
}

/// A value where it was found.
#[derive(Debug)]
pub struct Found<'a> {
    place: Place<'a>,
    expiry_millis: u64,
}

#[derive(Debug)]
enum Place<'a> {
    /// In a memtable; lent until the call returns.
    Lent(&'a [u8]),
    /// In a block, which the slice keeps.
    Kept(Slice),
}

impl<'a> Found<'a> {
    /// A value in a memtable.
    #[inline]
    pub(super) fn lent(
        question: &Question<'_>,
        (trailer, value): (u64, &'a [u8]),
        trace: &mut impl Trace,
    ) -> Result<Self> {
        if is_plain(trailer) {
            return Ok(Self { place: Place::Lent(value), expiry_millis: 0 });
        }
        Self::lent_with_end(question, (trailer, value), trace)
    }

    #[inline(never)]
    fn lent_with_end(
        question: &Question<'_>,
        (trailer, value): (u64, &'a [u8]),
        trace: &mut impl Trace,
    ) -> Result<Self> {
        if is_apart(trailer) {
            return Self::apart(question, value, trace);
        }
        let place = Place::Lent(user_value(trailer, value));
        Ok(Self { place, expiry_millis: expiry_of(trailer, value) })
    }

    /// A value that a reference stands for.
    #[cold]
    fn apart(question: &Question<'_>, reference: &[u8], trace: &mut impl Trace) -> Result<Self> {
        let expiry_millis = stamp_of(reference).unwrap_or_default();
        let value = fetch(question, reference, trace)?;
        let place = value.map_or(Place::Lent(&[]), Place::Kept);
        Ok(Self { place, expiry_millis })
    }

    /// A value that was made for this answer.
    pub fn made(value: Slice, expiry_millis: u64) -> Self {
        Self { place: Place::Kept(value), expiry_millis }
    }

    /// A value in a block.
    #[inline]
    pub(super) fn kept(
        question: &Question<'_>,
        (trailer, value): (u64, Slice),
        trace: &mut impl Trace,
    ) -> Result<Self> {
        if is_plain(trailer) {
            return Ok(Self { place: Place::Kept(value), expiry_millis: 0 });
        }
        Self::kept_with_end(question, (trailer, value), trace)
    }

    #[inline(never)]
    fn kept_with_end(
        question: &Question<'_>,
        (trailer, value): (u64, Slice),
        trace: &mut impl Trace,
    ) -> Result<Self> {
        if is_apart(trailer) {
            return Self::apart(question, &value, trace);
        }
        let expiry_millis = expiry_of(trailer, &value);
        let from = value.len() - user_value(trailer, &value).len();
        let value = if from == 0 { value } else { value.slice(from..) };
        Ok(Self { place: Place::Kept(value), expiry_millis })
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.place {
            Place::Lent(bytes) => bytes,
            Place::Kept(slice) => slice,
        }
    }

    /// When the value expires, in milliseconds since 1970; 0 if it never does.
    #[must_use]
    pub fn expiry_millis(&self) -> u64 {
        self.expiry_millis
    }

    /// The bytes, if they stay where they are only until the call returns.
    #[must_use]
    pub fn as_lent(&self) -> Option<&'a [u8]> {
        match self.place {
            Place::Lent(bytes) => Some(bytes),
            Place::Kept(_) => None,
        }
    }

    /// The value by itself: copied if it was lent.
    #[must_use]
    pub fn into_slice(self) -> Slice {
        match self.place {
            Place::Lent(bytes) => Slice::copy_from(bytes),
            Place::Kept(slice) => slice,
        }
    }

    /// The same, or `OutOfMemory`.
    pub fn try_into_slice(self) -> Result<Slice> {
        match self.place {
            Place::Lent(bytes) => slice_of(bytes),
            Place::Kept(slice) => Ok(slice),
        }
    }
}

/// Reads the value that a reference stands for; `None` if it is not wanted.
pub(super) fn fetch(
    question: &Question<'_>,
    reference: &[u8],
    trace: &mut impl Trace,
) -> Result<Option<Slice>> {
    let Some(blobs) = question.blobs else { return Ok(None) };
    if question.leaves_disk {
        Use::Resident.check_disk()?;
    }
    let reference = BlobRef::decode(reference).ok_or_else(|| {
        Error::new(ErrorKind::Corruption, "a reference to a large value makes no sense")
    })?;
    trace.apart(&reference);
    blobs.read(&reference).map(Some)
}

/// The newest range tombstone of a table over the key.
#[inline]
pub fn cover_in(
    table: &Table,
    question: &Question<'_>,
    how: Use,
    probe: &mut impl Probe,
) -> Result<SeqNo> {
    if !table.has_tombstones() {
        return Ok(SeqNo::ZERO);
    }
    Ok(table.tombstones_told(how, probe)?.covering(question.key, question.seqno))
}
