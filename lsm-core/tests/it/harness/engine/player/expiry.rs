//! Values that expire, in the random model.
//!
//! Time is told in minutes. In the simulated world it is always a little after a full hour, and
//! values expire in the middle of one: so the little that passes while an act is played changes
//! nothing. On a machine everything that expires does so long after the play, or at once.

use std::sync::Arc;
use std::time::Duration;

use lsm_core::Expiry;
use lsm_core::env::clock::Clock;
use lsm_core::options::keyspace::KeyspaceOptions;

use super::Player;
use crate::harness::engine::acts::{Act, key_of, value_of};
use crate::harness::engine::player_reads::{Done, said, same};
use crate::harness::engine::reference::{Change, Swept, swept};

const MINUTE: u64 = 60_000;
/// When the simulated world began, in milliseconds since 1970.
const START: u64 = 1_700_000_000_000;

/// How many minutes values of a keyspace with these options live, if they do not live for ever.
pub fn ttl_of(options: &KeyspaceOptions) -> Option<u64> {
    let minutes = options.get_ttl_millis() / MINUTE;
    (minutes > 0).then_some(minutes)
}

/// The time to live of a keyspace.
pub fn some_ttl(number: u64) -> Duration {
    let hours = [None, None, None, None, Some(0), Some(2), Some(30)][(number % 7) as usize];
    hours.map_or(Duration::ZERO, |hours: u64| Duration::from_secs(hours * 3600 + 1800))
}

impl Player {
    /// Sets the clock of a world that has just begun: as late as it was, or back.
    pub(super) fn set_clock(&self, is_set_back: bool) {
        if let Some(world) = self.world.as_ref().filter(|_| !is_set_back) {
            world.clock.set_wall_millis(START + self.now * MINUTE);
        }
    }

    /// Some hours pass.
    pub(super) fn pass_hours(&mut self, number: u64) -> Done {
        let Some(world) = &self.world else { return Ok(()) };
        self.now += 60 * (1 + number % 3);
        world.clock.set_wall_millis(START + self.now * MINUTE);
        self.contents.set_now(self.now);
        Ok(())
    }

    /// What passed while acts were played is less than the model can stand.
    pub(super) fn check_clock(&self) -> Done {
        let Some(world) = &self.world else { return Ok(()) };
        let ahead = world.clock.wall_millis().saturating_sub(START + self.now * MINUTE);
        same("a clock within the first minutes of an hour", ahead < 20 * MINUTE, true)
    }

    /// An expiry, and the minute of the reference that it means.
    pub(super) fn some_expiry(&self, number: u64) -> (Expiry, Option<u64>) {
        let minutes = 60 * (number / 8 % 4) + 30;
        let end = self.now + minutes;
        match (number % 8, &self.world) {
            (0, _) => (Expiry::Never, None),
            (1, _) => (Duration::ZERO.into(), Some(self.now)),
            (2, _) => (Expiry::At(START - number), Some(self.now)),
            (3..=5, Some(_)) => (Expiry::At(START + end * MINUTE), Some(end)),
            _ => (Duration::from_secs(minutes * 60).into(), Some(end)),
        }
    }

    /// Puts a value that expires, or changes when one does, and asks when that is.
    pub(super) fn expiring(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let id = self.contents.id(&name).unwrap();
        let (expiry, end) = self.some_expiry(c / 3);
        let options = self.durability(d).expiry(expiry);
        self.serial += 1;
        let key = key_of(b);
        let before = self.contents.pairs(id).get(&key).cloned();
        let change = |value| Change::PutUntil(name.clone(), key.clone(), value, end);
        if c % 3 == 0 {
            let is_touched = keyspace.touch_with(&key, &options).map_err(said)?;
            let goes = before.as_ref().is_some_and(|it| swept(it) == Swept::Goes);
            if is_touched.is_none() && goes && self.is_in_doubt(id, &key) {
                // The filter took it away while the write was held back.
                self.change(&[Change::Delete(name.clone(), key.clone())]);
                return self.check_expiry(a, b);
            }
            same("touched", is_touched.is_some(), before.is_some())?;
            if let Some(value) = before {
                // Another one, for it was written again.
                self.change(&[change(Arc::from(&value[..]))]);
            }
        } else {
            let value = value_of(b, self.serial);
            keyspace.put_with(&key, &value, &options).map_err(said)?;
            self.change(&[change(value)]);
        }
        self.settle()?;
        self.check_expiry(a, b)
    }

    /// Asks when a value expires.
    pub(super) fn check_expiry(&self, a: u64, b: u64) -> Done {
        let (name, keyspace) = self.keyspace(a)?;
        let id = self.contents.id(&name).unwrap();
        let key = key_of(b);
        let hour_of = |expiry| match expiry {
            Expiry::At(millis) if self.world.is_some() => Some((millis - START) / MINUTE / 60),
            Expiry::At(_) => Some(0),
            _ => None,
        };
        let found = keyspace.expiry(&key).map_err(said)?.map(hour_of);
        let is_there = self.contents.pairs(id).contains_key(&key);
        let hour = |end: u64| if self.world.is_some() { end / 60 } else { 0 };
        let expected = is_there.then(|| self.contents.end(id, &key).map(hour));
        same("the hour in which a value expires", found, expected)
    }
}
