//! Reads of the newest, and of snapshots.

use lsm_core::{Db, Snapshot};

use super::{Life, Lived, Snap};
use crate::acts::{Act, CLIENTS, key_of};
use crate::deed::{Deed, there};
use crate::found::{Pairs, compare, forward};
use crate::model::State;

impl Life {
    /// A get or a scan, of any client's keys.
    pub(super) fn read(&mut self, act: &Act) -> Lived {
        let [a, b, c, _] = act.args;
        let (space, client) = (self.name(a), c % CLIENTS);
        let deed = match act.verb {
            'g' => Deed::Get(space, key_of(client, b)),
            _ if c / 3 % 2 == 0 => return self.read_whole(space),
            _ => Deed::Scan(space, b'a' + client as u8),
        };
        let done = crate::world::perform(&self.db()?, &self.disk, deed);
        self.take_in(vec![done])
    }

    pub(super) fn check_scan(&self, space: &str, start: u8, found: &Pairs) -> Lived {
        let is_swept = self.now.space(space).is_some_and(|space| space.kept.is_swept);
        let own = self.now.pairs(space).filter(|(key, _)| key.first() == Some(&start));
        compare(found, own, is_swept).map_err(|why| format!("{space}: {why}"))
    }

    /// All pairs of a keyspace, backward, and how many they are.
    fn read_whole(&mut self, name: &'static str) -> Lived {
        let db = self.db()?;
        let read = there(&db, name).and_then(|space| {
            let pair =
                |(key, value): (lsm_core::Slice, lsm_core::Slice)| (key.to_vec(), value.to_vec());
            let backward = space.iter().rev().map(|it| it.map(pair));
            let mut pairs = backward.collect::<lsm_core::Result<Pairs>>()?;
            pairs.reverse();
            Ok((pairs, space.count(..)?))
        });
        match read {
            Ok((pairs, count)) => {
                self.count_done();
                if count != pairs.len() as u64 {
                    return Err(format!(
                        "{name}: {count} keys are counted, {} scanned",
                        pairs.len()
                    ));
                }
                let is_swept = self.now.space(name).is_some_and(|space| space.kept.is_swept);
                compare(&pairs, self.now.pairs(name), is_swept)
                    .map_err(|why| format!("{name}, backward: {why}"))
            }
            Err(error) => self.explain(&error),
        }
    }

    pub(super) fn take_snapshot(&mut self) -> Lived {
        let db = self.db()?;
        let snapshot = match db.snapshot() {
            Ok(snapshot) => snapshot,
            Err(error) => return self.explain(&error),
        };
        let swept = match self.see_swept(&snapshot)? {
            Ok(swept) => swept,
            Err(error) => return self.explain(&error),
        };
        if self.snaps.len() >= 4 {
            self.snaps.remove(0);
        }
        self.snaps.push(Snap { snapshot, state: self.now.clone(), swept });
        self.count_done();
        Ok(())
    }

    /// What a snapshot shows where a filter sweeps.
    fn see_swept(
        &self,
        snapshot: &Snapshot,
    ) -> Lived<lsm_core::Result<Vec<(&'static str, Pairs)>>> {
        let (db, mut swept) = (self.db()?, Vec::new());
        for (name, _) in self.now.spaces().filter(|(_, space)| space.kept.is_swept) {
            match there(&db, name).and_then(|it| forward(&it.at(snapshot))) {
                Ok(pairs) => {
                    compare(&pairs, self.now.pairs(name), true)
                        .map_err(|why| format!("{name}, just taken: {why}"))?;
                    swept.push((name, pairs));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(swept))
    }

    /// Reads a keyspace as it was.
    pub(super) fn read_snapshot(&mut self, a: u64, b: u64) -> Lived {
        let name = self.name(b);
        let Some(snap) = self.snaps.get(a as usize % self.snaps.len().max(1)) else {
            return Ok(());
        };
        let found = there(&self.db()?, name).and_then(|space| forward(&space.at(&snap.snapshot)));
        match found {
            Ok(found) => {
                let checked = snap.check(name, &found, &self.now);
                self.count_done();
                checked
            }
            Err(error) => self.explain(&error),
        }
    }

    pub(super) fn verify(&mut self) -> Lived {
        match self.db()?.verify() {
            Ok(()) => {
                self.count_done();
                Ok(())
            }
            Err(error) => self.explain(&error),
        }
    }

    /// Nothing is known of what it should say, but that it says something and changes nothing.
    pub(super) fn ask(&mut self) -> Lived {
        let db = self.db()?;
        let stats = db.stats();
        if stats.fault.is_some() != db.fault().is_some() {
            return Err("the statistics and the database disagree about a fault".to_owned());
        }
        match db.doctor() {
            Ok(_) => Ok(()),
            Err(error) => self.explain(&error),
        }
    }

    pub(super) fn pause(&mut self, number: u64) -> Lived {
        let db = self.db()?;
        let asked = if number % 2 == 0 { db.pause_background() } else { db.resume_background() };
        asked.or_else(|error| self.explain(&error))
    }

    pub(super) fn pass_hours(&mut self, hours: u64) {
        self.minute += 60 * hours;
        self.let_go_beside();
        self.process.world.clock.set_wall_millis(crate::world::millis_of(self.minute));
        self.now.set_minute(self.minute);
        // The database knows of no time that it was not asked at.
        let _asked = self.db.as_ref().map(Db::snapshot);
    }

    /// The machine's clock goes back; the database's stands still.
    pub(super) fn set_clock_back(&mut self, hours: u64) {
        self.let_go_beside();
        let minute = self.minute.saturating_sub(60 * hours);
        self.process.world.clock.set_wall_millis(crate::world::millis_of(minute));
    }
}

impl Snap {
    /// Whether it shows what it has to, of the keyspace that has this name now.
    fn check(&self, name: &str, found: &Pairs, now: &State) -> Lived {
        let seqno = self.snapshot.seqno();
        let wrong = |why: String| format!("snapshot {seqno:?} of {name}: {why}");
        let born = |state: &State| state.space(name).map(|space| space.born);
        if born(&self.state) != born(now) {
            let is_empty = found.is_empty();
            let why = "a keyspace that was not there shows something";
            return if is_empty { Ok(()) } else { Err(wrong(why.to_owned())) };
        }
        match self.swept.iter().find(|(swept, _)| *swept == name) {
            Some((_, pairs)) if pairs == found => Ok(()),
            Some(_) => Err(wrong("a filter has changed what it shows".to_owned())),
            None => compare(found, self.state.pairs(name), false).map_err(wrong),
        }
    }
}
