//! What a scan passes over: entries that are too new, and runs of keys without a value.

use crate::base::error::Result;
use crate::cursor::skip::Skip;
use crate::read::dead::Way;
use crate::read::scan::{REACH_MAX, REACH_MIN, STEPS_MAX, Scan};
use crate::read::trace::{Met, Watch};
use crate::read::visible::Sight;

impl<C: Skip, W: Watch> Scan<C, W> {
    /// Going forward, steps over an entry that is too new, or seeks past all of its key.
    #[inline]
    pub(super) fn pass_too_new(&mut self, seeks: bool) -> Result<()> {
        self.watch.met(Met::TooNew);
        if !seeks {
            return self.cursor.next();
        }
        self.watch.skipped();
        self.run.forget();
        self.keep_left();
        self.key.clear();
        self.key.extend_from_slice(self.cursor.key());
        self.has_key = false;
        self.cursor.seek(&self.key, self.ceiling)
    }

    /// There is no pair behind the run of keys without a value.
    pub(super) fn run_out(&mut self, way: Way) {
        // The key is the last one of the run, if there is a run: what does not leave it there makes
        // the run forget itself.
        if way == Way::Forward {
            self.key.push(0);
        }
        self.run.end(&self.key, way);
        if way == Way::Forward {
            self.key.pop();
        }
    }

    /// The pair that is held is in front of the run of keys without a value.
    pub(super) fn end_run_behind(&mut self) {
        (self.covered, self.reach) = (0, REACH_MIN);
        self.key.push(0);
        self.run.end(&self.key, Way::Backward);
        self.key.pop();
    }

    /// After enough entries under a range tombstone, passes over what is as old and under it too.
    /// True if the cursor has moved.
    pub(super) fn skips(&mut self, sight: Sight, is_backward: bool) -> Result<bool> {
        let Sight::Covered(seqno) = sight else { return Ok(false) };
        self.covered += 1;
        if self.covered < STEPS_MAX {
            return Ok(false);
        }
        self.covered = 0;
        let Some(newest) = self.cursor.skippable(seqno) else { return Ok(false) };
        let has_moved = if is_backward {
            let from = self.visible.covered_from(newest, self.reach);
            from.map_or(Ok(false), |key| self.cursor.skip_back(key, newest))?
        } else {
            let to = self.visible.covered_to(newest, self.reach);
            to.map_or(Ok(false), |key| self.cursor.skip_to(key, newest))?
        };
        if has_moved {
            self.watch.skipped();
            self.reach = (self.reach * 2).min(REACH_MAX);
        }
        Ok(has_moved)
    }
}
