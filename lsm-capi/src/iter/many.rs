//! Several entries at once, copied so that all of them can be lent.

use lsm_core::{Cursor, Result};

use crate::bytes::lsm_slice;

/// What one call passed. Its memory is used again by the next one.
#[derive(Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    /// The lengths of each key and value.
    lengths: Vec<(usize, usize)>,
}

/// A call stops at so many bytes, however many entries it may pass.
const BYTES_MAX: usize = 1 << 20;

impl Entries {
    /// Passes up to `capacity` entries; answers how many they were.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor,
        capacity: usize,
        with_values: bool,
    ) -> Result<usize> {
        self.bytes.clear();
        self.lengths.clear();
        while self.lengths.len() < capacity && self.bytes.len() < BYTES_MAX {
            match cursor.next() {
                Ok(Some((key, value))) => {
                    let value = if with_values { value } else { &[] };
                    self.bytes.extend_from_slice(key);
                    self.bytes.extend_from_slice(value);
                    self.lengths.push((key.len(), value.len()));
                }
                Ok(None) => break,
                Err(failure) if self.lengths.is_empty() => return Err(failure),
                // The next call meets it again: a cursor stays where it was.
                Err(_) => break,
            }
        }
        Ok(self.lengths.len())
    }

    /// Lends what was passed, until the next call.
    pub(super) fn lend(&self, keys: &mut [lsm_slice], values: &mut [lsm_slice]) {
        let mut values = values.iter_mut();
        let mut rest = self.bytes.as_slice();
        for (to, &(key, value)) in keys.iter_mut().zip(&self.lengths) {
            let (key, behind) = rest.split_at_checked(key).unwrap_or_default();
            let (value, behind) = behind.split_at_checked(value).unwrap_or_default();
            *to = lsm_slice::lend(key);
            if let Some(to) = values.next() {
                *to = lsm_slice::lend(value);
            }
            rest = behind;
        }
    }
}
