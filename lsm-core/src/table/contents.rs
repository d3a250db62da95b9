//! How much of a table is what: entries by where they stand, and the newest of each key by what it
//! is.
//!
//! ```text
//! property 20 = blocks of a group varint | entries of each group varint*
//! property 22 = share*
//! share       = keyspace | bytes | keys | puts | bytes of puts | expiring | bytes of those
//!               | the longest entry: varints
//! ```
//!
//! A table of few blocks does not have them: it is counted when somebody asks.

use crate::base::codec::Decoder;
use crate::blob::reference::{BlobRef, stamp_of};
use crate::key::full::keyspace_of;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::key::trailer::kind_of;

/// Data blocks that are counted together.
pub const GROUP: u64 = 8;
/// A table of no more data blocks does not say what is in it.
pub const UNTOLD: u64 = 64;
/// Bytes that an entry counts for besides key and value.
pub const ENTRY_BYTES: u64 = 8;
/// Bytes before the user's value in an expiring one, and before a merge operand.
const EXPIRY_LEN: u64 = 8;
const STAMP_LEN: u64 = 16;

/// What is in a table, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Entries of each `GROUP` data blocks, in order.
    pub groups: Vec<u32>,
    /// What each keyspace has, in the order of keyspaces.
    pub shares: Vec<Share>,
}

/// What one keyspace has in a table. Only the newest entry of a key is a put or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// Bytes of all entries, and of range tombstones.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
    /// Keys that have a value which never expires.
    pub puts: u64,
    /// Bytes of those entries.
    pub put_bytes: u64,
    /// Keys that have a value which expires, or merge operands.
    pub expiring: u64,
    /// Bytes of those entries.
    pub expiring_bytes: u64,
    /// Bytes of the longest entry.
    pub entry_max: u64,
}

/// Bytes that an entry counts for. When it expires is not counted; a value counts wherever it is.
#[must_use]
pub fn entry_bytes(key: &[u8], trailer: u64, value: &[u8]) -> u64 {
    let len = value.len() as u64;
    let value = match kind_of(trailer) {
        Some(Kind::PutExpiring) => len.saturating_sub(EXPIRY_LEN),
        Some(Kind::Merge) => len.saturating_sub(STAMP_LEN),
        Some(Kind::BlobRef) => BlobRef::decode(value).map_or(len, |it| u64::from(it.raw)),
        _ => len,
    };
    key.len() as u64 + value + ENTRY_BYTES
}

impl Share {
    /// Counts an entry, the newest of its key or an older one.
    pub fn add(&mut self, key: &[u8], trailer: u64, value: &[u8], is_newest: bool) {
        let bytes = entry_bytes(key, trailer, value);
        self.bytes += bytes;
        self.entry_max = self.entry_max.max(bytes);
        if !is_newest {
            return;
        }
        self.keys += 1;
        match kind_of(trailer) {
            Some(Kind::Delete | Kind::SingleDelete) => {}
            // What operands come to may have expired as well.
            Some(Kind::PutExpiring | Kind::Merge) => {
                self.expiring += 1;
                self.expiring_bytes += bytes;
            }
            Some(Kind::BlobRef) if stamp_of(value).is_some_and(|moment| moment > 0) => {
                self.expiring += 1;
                self.expiring_bytes += bytes;
            }
            _ => {
                self.puts += 1;
                self.put_bytes += bytes;
            }
        }
    }

    fn numbers(&self) -> [u64; 8] {
        let Self { keyspace, bytes, keys, puts, put_bytes, expiring, .. } = *self;
        let keyspace = u64::from(keyspace.get());
        [keyspace, bytes, keys, puts, put_bytes, expiring, self.expiring_bytes, self.entry_max]
    }

    fn decode(body: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            keyspace: KeyspaceId::new(u32::try_from(body.varint()?).ok()?),
            bytes: body.varint()?,
            keys: body.varint()?,
            puts: body.varint()?,
            put_bytes: body.varint()?,
            expiring: body.varint()?,
            expiring_bytes: body.varint()?,
            entry_max: body.varint()?,
        })
    }
}

impl Contents {
    /// What the keyspace has; nothing if there is none of it.
    #[must_use]
    pub fn share(&self, keyspace: KeyspaceId) -> Share {
        let found = self.shares.iter().find(|share| share.keyspace == keyspace);
        found.copied().unwrap_or(Share { keyspace, ..Share::default() })
    }

    /// Changes the share that a key belongs to, which is made if there is none yet.
    pub fn change_share(&mut self, key: &[u8], change: impl FnOnce(&mut Share)) {
        let keyspace = keyspace_of(key);
        let at = self.shares.partition_point(|share| share.keyspace < keyspace);
        if self.shares.get(at).is_none_or(|share| share.keyspace != keyspace) {
            self.shares.insert(at, Share { keyspace, ..Share::default() });
        }
        if let Some(share) = self.shares.get_mut(at) {
            change(share);
        }
    }

    /// The two properties, as numbers.
    #[must_use]
    pub fn lines(&self) -> [(u64, Vec<u64>); 2] {
        let groups = std::iter::once(GROUP).chain(self.groups.iter().map(|it| u64::from(*it)));
        let shares = self.shares.iter().flat_map(Share::numbers);
        [(20, groups.collect()), (22, shares.collect())]
    }

    /// Takes the first property; `None` if it is malformed. Groups of another size are left out.
    pub fn set_groups(&mut self, body: &mut Decoder<'_>) -> Option<()> {
        let is_known = body.varint()? == GROUP;
        while !body.is_empty() {
            let entries = u32::try_from(body.varint()?).ok()?;
            if is_known {
                self.groups.push(entries);
            }
        }
        Some(())
    }

    /// Takes the second one.
    pub fn set_shares(&mut self, body: &mut Decoder<'_>) -> Option<()> {
        while !body.is_empty() {
            self.shares.push(Share::decode(body)?);
        }
        Some(())
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.groups.capacity() * size_of::<u32>() + self.shares.capacity() * size_of::<Share>()
    }
}
