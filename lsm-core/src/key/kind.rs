//! What an entry does to its key. The values stand in files: they never change.

/// The kind of an entry, in eight bits.
///
/// Reserved besides: `0x10..=0x1f` for two-phase commit, `0x20..=0x2f` for range keys, `0xff` for
/// seeking, which sorts before every entry of the same key and number and is never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The key has no value.
    Delete = 0,
    /// The key has this value.
    Put = 1,
    /// The value is combined with the older ones by the keyspace's merge operator.
    Merge = 2,
    /// As `Delete`, in keyspaces that write each key once.
    SingleDelete = 3,
    /// Every key from this one up to another has no value.
    RangeDelete = 4,
    /// The value stands in a blob file, at the place given here.
    BlobRef = 5,
    /// The key has this value until a moment.
    PutExpiring = 6,
}

impl Kind {
    /// The kind that this byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Delete,
            1 => Self::Put,
            2 => Self::Merge,
            3 => Self::SingleDelete,
            4 => Self::RangeDelete,
            5 => Self::BlobRef,
            6 => Self::PutExpiring,
            _ => return None,
        })
    }
}
