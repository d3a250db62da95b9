//! Pairs that are made of merge operands.

use crate::base::error::Result;
use crate::base::slice::Slice;
use crate::cache::purpose::Use;
use crate::cursor::skip::Skip;
use crate::key::full::{head_of, user_key};
use crate::key::kind::Kind;
use crate::key::trailer::{NEWEST, seqno_of, trailer_of};
use crate::read::dead::Way;
use crate::read::merge::{Below, collect, fold};
use crate::read::scan::{Place, REACH_MIN, Scan};
use crate::read::trace::{Met, Watch};
use crate::read::visible::{EXPIRY_LEN, Sight};

impl<C: Skip, W: Watch> Scan<C, W> {
    /// From the newest operand of a key that may be seen, where the cursor is, to the pair that
    /// its operands come to; false if that has expired, and the scan has to go on. Values that are
    /// not wanted are not made.
    #[cold]
    pub(super) fn fold(&mut self, way: Way) -> Result<bool> {
        if way == Way::Forward {
            self.keep_left();
            self.decide();
        }
        (self.has_key, self.head) = (true, head_of(&self.key));
        let newest = self.cursor.trailer();
        self.chain.clear();
        self.collect()?;
        let end = self.chain.end();
        if self.visible.is_over(end) {
            self.watch.met(Met::Dead(newest, Sight::Nothing));
            self.pass_over(newest, way)?;
            return Ok(false);
        }
        self.watch.met(Met::Pair);
        self.value.clear();
        if self.is_keys_only {
            self.value.resize(EXPIRY_LEN, 0);
        } else {
            fold(&self.chain, self.merger.as_deref(), user_key(&self.key), &mut self.value)?;
        }
        let kind = if end == 0 { Kind::Put } else { Kind::PutExpiring };
        if end != 0 {
            self.value.splice(..0, end.to_le_bytes());
        }
        self.trailer = trailer_of(seqno_of(newest), kind);
        match way {
            Way::Forward => {
                (self.covered, self.reach) = (0, REACH_MIN);
                self.run.end(&self.key, way);
            }
            Way::Backward => self.end_run_behind(),
        }
        self.place = Place::Folded;
        Ok(true)
    }

    /// Takes in the operands and what is below them, and leaves the cursor behind what counts.
    fn collect(&mut self) -> Result<()> {
        let mut steps = 0u32;
        while self.cursor.is_valid() && self.cursor.key() == self.key.as_slice() {
            if steps > 0 {
                self.run.step();
                self.watch.met(Met::Older);
            }
            steps = steps.saturating_add(1);
            let cover = self.visible.covering(&self.key);
            let (trailer, value) = (self.cursor.trailer(), self.cursor.value());
            let fetch = |reference: &[u8]| match &self.blobs {
                _ if self.is_keys_only => Ok(Slice::default()),
                Some(blobs) => blobs.fetch(reference),
                None => Use::Resident.check_disk().map(|()| Slice::default()),
            };
            if collect(&mut self.chain, cover, (trailer, value), fetch)? == Below::End {
                return Ok(());
            }
            self.cursor.next()?;
        }
        self.chain.set_absent();
        Ok(())
    }

    /// The key has no value: on to the next one.
    fn pass_over(&mut self, newest: u64, way: Way) -> Result<()> {
        let target = self.run.pass(&self.key, newest, way);
        if target.is_some() {
            self.watch.leapt();
        }
        match (target, way) {
            (Some(target), Way::Forward) => self.cursor.seek(target, self.ceiling),
            // What is left of the key is passed over.
            (None, Way::Forward) => Ok(()),
            (Some(target), Way::Backward) => self.cursor.seek_before(target, NEWEST),
            (None, Way::Backward) => self.cursor.seek_before(&self.key, NEWEST),
        }
    }
}
