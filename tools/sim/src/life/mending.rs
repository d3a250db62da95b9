//! Mending: once the last fault is over the engine has to become healthy, show what the model has,
//! and come to rest.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lsm_core::Durability;
use lsm_core::env::sim::faults::Effect;

use super::{Life, Lived};
use crate::deed::{Deed, Write};
use crate::found::{Trouble, compare_all, show};
use crate::model::Change;
use crate::world::perform;

impl Life {
    /// Ends all faults. From here on nothing may fail.
    pub(super) fn mend(&mut self) -> Lived {
        self.let_go_beside();
        self.disk.heal();
        self.check_surfaced()?;
        self.note_dropped();
        let strikes = self.disk.fault_strikes();
        let is_read_wrong = |effect: &Effect| {
            matches!(effect, Effect::ReadFlip { .. } | Effect::Error(libc::ENOENT))
        };
        let is_wrong = strikes.iter().any(|(fault, n)| *n > 0 && is_read_wrong(&fault.effect));
        if self.db.is_none() || is_wrong && self.is_troubled() {
            // Tables that were found damaged, and are not, are left alone until then.
            self.settle()?;
        }
        self.resume()?;
        self.go_on()?;
        for name in std::mem::take(&mut self.half_dropped) {
            let write = Write { changes: vec![Change::Drop(name)], timeout: None, ..self.blank(1) };
            self.must("a keyspace that is half dropped", Deed::Write(write), 1)?;
        }
        // What was asked for in vain may have left something to be tidied up by the next try.
        let write = self.change('p', "default", 0, (5, 9));
        let write = Write {
            changes: vec![write],
            durability: Durability::Durable,
            timeout: None,
            ..self.blank(1)
        };
        self.must("a durable write", Deed::Write(write), 2)?;
        self.must("a flush", Deed::Flush, 2)?;
        self.calm = self.strikes();
        self.must("coming to rest", Deed::WaitIdle, 1)?;
        self.check_whole()?;
        self.check_rest()?;
        (self.signs, self.calm_tables) = (0, self.table_strikes());
        self.process.told.troubles.store(0, Ordering::Relaxed);
        self.tally.count("mended");
        Ok(())
    }

    /// Takes up writing again. What cannot be read any more may refuse that.
    fn resume(&mut self) -> Lived {
        let db = self.db()?;
        if db.fault().is_none() {
            return Ok(());
        }
        match db.resume() {
            Ok(()) if db.fault().is_some() => Err("a resume works, and the fault stays".to_owned()),
            Ok(()) => {
                self.tally.count("resumed");
                Ok(())
            }
            Err(_) if self.is_dropped => self.settle(),
            Err(error) => Err(format!("the cause is gone, and a resume fails: {error:?}")),
        }
    }

    /// Has the background go on, however often it was paused.
    pub(super) fn go_on(&mut self) -> Lived {
        let db = self.db()?;
        (0..4).try_for_each(|_| db.resume_background()).or_else(|error| self.explain(&error))
    }

    /// Does a deed that has to work with so many tries.
    fn must(&mut self, what: &str, deed: Deed, tries: u64) -> Lived {
        for left in (0..tries).rev() {
            let done = perform(&self.db()?, &self.disk, deed.clone());
            let error = done.answer.error().cloned();
            if let (Some(error), 0) = (&error, left) {
                return Err(format!("all is mended, and {what} fails: {error:?}"));
            }
            if error.is_some() && !self.is_troubled() {
                return Err(format!("{what} fails without a fault: {error:?}"));
            }
            self.take_in(vec![done])?;
            if error.is_none() {
                break;
            }
            self.tally.count("worked at the second try");
            self.resume()?;
        }
        Ok(())
    }

    /// Everything is as the model has it.
    pub(super) fn check_whole(&mut self) -> Lived {
        match show(&self.db()?) {
            Ok(found) => compare_all(&found, &self.now),
            Err(Trouble::Failed(error)) => Err(format!("all is mended, and {error:?}")),
            Err(Trouble::Wrong(why)) => Err(why),
        }
    }

    /// Nothing is done any more where nothing is left to do.
    fn check_rest(&mut self) -> Lived {
        (0..6).for_each(|_| self.pass_millis(2000));
        let before = self.disk.op_count();
        (0..2).for_each(|_| self.pass_millis(2000));
        match self.disk.op_count() - before {
            0 => Ok(()),
            n => Err(format!("{n} operations on the disk in four seconds of rest")),
        }
    }

    /// Waits until the background rests, having it go on first.
    pub(super) fn rest(&mut self, chance: u64) -> Lived {
        self.go_on()?;
        self.do_among(Deed::WaitIdle, chance)
    }

    /// Lets time pass in a database that is in the middle of something.
    pub(super) fn idle(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.process.world.clock.advance(Duration::from_secs(1));
            self.process.world.scheduler.run_until_idle();
        }
    }
}
