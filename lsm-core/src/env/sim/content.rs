//! The bytes of a file in pages that are shared until they are written.
//!
//! Pages that were never written are absent and read as zeros; every byte at or past the length is
//! zero in its page, so that growing a file shows nothing old. A copy costs one reference per page.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::checksum::hash64;

const PAGE: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    pages: BTreeMap<u64, Arc<[u8; PAGE]>>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills the buffer from `offset` on; what lies past the end reads as zeros. Answers how many
    /// bytes lie before the end.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let inside = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let answer = inside.min(buffer.len());
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let (page, start) = place_of(at);
            let (now, later) = rest.split_at_mut((PAGE - start).min(rest.len()));
            match self.pages.get(&page).and_then(|page| page.get(start..start + now.len())) {
                Some(bytes) => now.copy_from_slice(bytes),
                None => now.fill(0),
            }
            at += now.len() as u64;
            rest = later;
        }
        answer
    }

    /// Where the last page ends that was written.
    pub(super) fn written_len(&self) -> u64 {
        let last = self.pages.last_key_value();
        last.map_or(0, |(page, _)| self.len.min((page + 1) * PAGE as u64))
    }

    /// Stores the bytes, growing the file where they reach past its end.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (page, start) = place_of(at);
            let (now, later) = rest.split_at((PAGE - start).min(rest.len()));
            let page = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE]));
            if let Some(place) = Arc::make_mut(page).get_mut(start..start + now.len()) {
                place.copy_from_slice(now);
            }
            at += now.len() as u64;
            rest = later;
        }
        if !bytes.is_empty() {
            self.len = self.len.max(at);
        }
    }

    /// Cuts or grows; what is cut off is gone, what is gained is zero.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (page, start) = place_of(len);
            let kept = if start == 0 { page } else { page + 1 };
            self.pages.split_off(&kept);
            if let Some(last) = self.pages.get_mut(&page) {
                Arc::make_mut(last).iter_mut().skip(start).for_each(|byte| *byte = 0);
            }
        }
        self.len = len;
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut all = vec![0; usize::try_from(self.len).unwrap_or(0)];
        self.read(&mut all, 0);
        all
    }

    /// A hash of length and bytes; a page of zeros and an absent one are the same.
    pub(super) fn hash(&self) -> u64 {
        let mut all = self.len;
        for (index, page) in &self.pages {
            if page.iter().any(|byte| *byte != 0) {
                all = fold(fold(all, *index), hash64(page.as_slice()));
            }
        }
        all
    }
}

/// Mixes the next word into a running hash.
pub(super) fn fold(all: u64, next: u64) -> u64 {
    let mixed = (all.rotate_left(23) ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn place_of(offset: u64) -> (u64, usize) {
    (offset / PAGE as u64, (offset % PAGE as u64) as usize)
}
