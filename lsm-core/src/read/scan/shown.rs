//! What a scan shows of the value that it is at, besides its bytes.

use crate::base::slice::Slice;
use crate::blob::reference::BlobRef;
use crate::cursor::skip::Skip;
use crate::read::scan::{Place, Scan};
use crate::read::trace::Watch;
use crate::read::visible::{expiry_of, is_apart, user_value};

impl<C: Skip, W: Watch> Scan<C, W> {
    /// True if the value stands apart, and is wanted: `value` is a reference to it.
    #[inline]
    #[must_use]
    pub fn is_apart(&self) -> bool {
        !self.is_keys_only && is_apart(self.trailer())
    }

    /// Bytes of the user's value, wherever it is.
    #[must_use]
    pub fn value_len(&self) -> u64 {
        let value = self.value();
        let apart = if self.is_apart() { BlobRef::decode(value) } else { None };
        apart.map_or(value.len() as u64, |reference| u64::from(reference.raw))
    }

    /// When the value expires, in milliseconds since 1970; 0 if it never does.
    #[must_use]
    pub fn expiry_millis(&self) -> u64 {
        match self.place {
            Place::Nowhere => 0,
            Place::AtCursor | Place::AtNewest => expiry_of(self.trailer, self.cursor.value()),
            Place::Held | Place::Folded => expiry_of(self.trailer, &self.value),
        }
    }

    /// The same by itself, kept where it lies if that is a block, else copied.
    #[must_use]
    pub fn pin_value(&self) -> Slice {
        let is_here = matches!(self.place, Place::AtCursor | Place::AtNewest);
        if self.is_keys_only || !is_here {
            return Slice::copy_from(self.value());
        }
        let value = self.cursor.pin_value();
        let expiry = value.len() - user_value(self.trailer, &value).len();
        if expiry == 0 { value } else { value.slice(expiry..) }
    }
}
