//! Going backward: the newest entry of a key, where the cursor is or held in the scan.

use crate::base::error::Result;
use crate::blob::reference::STAMP_LEN;
use crate::cursor::skip::Skip;
use crate::key::trailer::NEWEST;
use crate::read::scan::{REACH_MIN, STEPS_MAX, Scan};
use crate::read::trace::{Met, Watch};
use crate::read::visible::Sight;

/// Longer values are not copied.
pub(super) const COPY_MAX: usize = 16_384;

impl<C: Skip, W: Watch> Scan<C, W> {
    /// True if the pair is where the cursor is, and no other entry of its key comes before. False
    /// where that is not known, or where there is more to be done than to stand there.
    #[inline]
    pub(super) fn is_at_newest(&mut self) -> Result<bool> {
        if !self.cursor.is_newest() || self.run.is_on() {
            return Ok(false);
        }
        let cursor = &self.cursor;
        let trailer = cursor.trailer();
        let sight = self.visible.judge(cursor.key(), trailer, || cursor.value())?;
        if sight == Sight::Value {
            self.trailer = trailer;
            (self.covered, self.reach) = (0, REACH_MIN);
        }
        Ok(sight == Sight::Value)
    }

    /// Holds the newest entry that may be seen of the cursor's key, and moves before all of those.
    pub(super) fn hold_newest(&mut self) -> Result<()> {
        self.keep_left();
        self.key.clear();
        self.key.extend_from_slice(self.cursor.key());
        self.hold();
        self.cursor.prev()?;
        let mut steps = 0;
        while self.is_at_newer() {
            steps += 1;
            self.run.step();
            self.watch.met(Met::Older);
            if steps == STEPS_MAX {
                self.watch.skipped();
                self.cursor.seek(&self.key, self.ceiling)?;
                self.hold();
                return self.cursor.seek_before(&self.key, NEWEST);
            }
            self.hold();
            self.cursor.prev()?;
        }
        Ok(())
    }

    /// True if the cursor is at an entry of the key that is held, and the reader may see it.
    #[inline]
    fn is_at_newer(&self) -> bool {
        self.cursor.is_valid()
            && self.cursor.trailer() <= self.ceiling
            && self.cursor.key() == self.key.as_slice()
    }

    /// Copies what is needed of the cursor's entry, but for its key.
    #[inline]
    fn hold(&mut self) {
        self.trailer = self.cursor.trailer();
        self.value.clear();
        let value = self.cursor.value();
        self.is_left_out = !self.is_keys_only && value.len() > COPY_MAX;
        let needed = if self.is_keys_only || self.is_left_out { STAMP_LEN } else { value.len() };
        self.value.extend_from_slice(value.get(..needed).unwrap_or(value));
    }
}
