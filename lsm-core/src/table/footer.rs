//! The last 128 bytes of a table: where to begin, and what a reader must know.
//!
//! ```text
//!   0  magic       8   89 4c 53 4d 54 0d 1a 0a
//!   8  length     u32  128
//!  12  reserved   u32  zero
//!  16  compatible u64  feature bits that a reader may pass over
//!  24  required   u64  feature bits that a reader must know
//!  32  file id    u64  that of the header
//!  40  bytes      u64  of the whole file
//!  48  top index       handle
//!  60  properties      handle
//!  72  parts           handle
//!  84  tombstones      handle
//!  96  reserved    24  zero
//! 120  check      u64  hash64 of bytes 0 to 120
//! ```

use std::path::Path;

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::error::{Error, ErrorKind, Result};
use crate::table::handle::Handle;

/// Bytes of a footer.
pub const FOOTER_LEN: usize = 128;

const MAGIC: [u8; 8] = [0x89, b'L', b'S', b'M', b'T', 0x0d, 0x1a, 0x0a];
const CHECKED: usize = FOOTER_LEN - 8;
/// Required features that this version knows: none yet.
const REQUIRED_KNOWN: u64 = 0;

/// What stands at the end of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// The file's id, as in its header.
    pub file_id: u64,
    /// The length of the file.
    pub bytes: u64,
    /// The partitions; none if the table has no entries.
    pub top: Handle,
    /// Counts and bounds.
    pub properties: Handle,
    /// What each keyspace has in the file.
    pub parts: Handle,
    /// The range tombstones; none if there are none.
    pub tombstones: Handle,
}

impl Footer {
    /// The footer as it stands in the file.
    #[must_use]
    pub fn encode(&self) -> [u8; FOOTER_LEN] {
        let mut bytes = HeaderWriter::<FOOTER_LEN>::new()
            .put(&MAGIC)
            .u32(FOOTER_LEN as u32)
            .u32(0)
            .u64(0)
            .u64(REQUIRED_KNOWN)
            .u64(self.file_id)
            .u64(self.bytes)
            .put(&self.top.encode())
            .put(&self.properties.encode())
            .put(&self.parts.encode())
            .put(&self.tombstones.encode())
            .finish();
        if let Some((covered, check)) = bytes.split_at_mut_checked(CHECKED) {
            check.copy_from_slice(&hash64(covered).to_le_bytes());
        }
        bytes
    }

    /// The footer that these last bytes of a file hold. `offset` is where they stand.
    pub fn decode(bytes: &[u8], offset: u64, path: &Path) -> Result<Self> {
        let damaged = |why: &str| Error::corruption(path, offset, format!("the footer {why}"));
        let (covered, check) = match bytes.split_at_checked(CHECKED) {
            Some((covered, check)) if check.len() == 8 => (covered, check),
            _ => return Err(damaged("is cut short")),
        };
        if covered.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(damaged("is not that of a table"));
        }
        if check != hash64(covered).to_le_bytes() {
            return Err(damaged("does not match its check"));
        }
        let mut fields = Decoder::new(covered.get(MAGIC.len()..).unwrap_or_default());
        let (footer, required) =
            Self::decode_fields(&mut fields).ok_or_else(|| damaged("has impossible fields"))?;
        if required & !REQUIRED_KNOWN != 0 {
            let message =
                format!("the table needs features {required:#x}, which this library does not know");
            return Err(Error::new(ErrorKind::Format, message).at_path(path).at_offset(offset));
        }
        if footer.bytes != offset + FOOTER_LEN as u64 {
            return Err(damaged("is that of a file of another length"));
        }
        Ok(footer)
    }

    /// The fields, and the features that a reader must know.
    fn decode_fields(fields: &mut Decoder<'_>) -> Option<(Self, u64)> {
        let (length, reserved) = (fields.u32()?, fields.u32()?);
        let (_compatible, required) = (fields.u64()?, fields.u64()?);
        let footer = Self {
            file_id: fields.u64()?,
            bytes: fields.u64()?,
            top: Handle::decode(fields)?,
            properties: Handle::decode(fields)?,
            parts: Handle::decode(fields)?,
            tombstones: Handle::decode(fields)?,
        };
        let is_clean = length == FOOTER_LEN as u32 && reserved == 0;
        (is_clean && fields.rest().iter().all(|byte| *byte == 0)).then_some((footer, required))
    }
}

#[cfg(test)]
mod tests;
