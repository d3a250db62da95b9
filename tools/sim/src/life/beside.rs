//! A reader in another process, beside the writer, who acts between any two of its operations.

use std::sync::Arc;

use lsm_core::base::sync::Mutex;
use lsm_core::env::sim::rng::Rng;
use lsm_core::{Db, Durability, Snapshot};

use super::{Life, Lived};
use crate::acts::{Act, CLIENTS};
use crate::deed::{Deed, Write};
use crate::found::{Found, Pairs, forward, show};
use crate::line::Exit;
use crate::model::Change;
use crate::swarm::{Kept, NAMES};
use crate::world::{Done, Process, millis_of, perform};

/// A reader longer than this beside a writer would have to renew its lease.
const LEASE_MILLIS: u64 = 15_000;

/// The reader, and a snapshot with what it has shown of the default keyspace.
pub(super) struct Beside {
    process: Process,
    db: Db,
    snap: Option<(Snapshot, Pairs)>,
    since: u64,
}

impl Life {
    /// Lets go of the reader, as its death does.
    pub(super) fn let_go_beside(&mut self) {
        if let Some(Beside { process, db, snap, .. }) = self.beside.take() {
            process.kill((snap, db));
        }
    }

    fn wall(&self) -> u64 {
        use lsm_core::env::clock::Clock;
        self.process.world.clock.wall_millis()
    }

    /// Opens a reader, or has it look again, while the writer does something.
    pub(super) fn look_beside(&mut self, act: &Act) -> Lived {
        let [a, b, c, d] = act.args;
        let is_disturbed = self.is_troubled() || self.db()?.fault().is_some();
        // A reader goes by the machine's clock, and does not know what the writer's has seen.
        let is_set_back = self.wall() < millis_of(self.minute);
        if is_disturbed
            || is_set_back
            || self.disk.fault_strikes().iter().any(|(_, strikes)| *strikes == 0)
        {
            self.let_go_beside();
            return Ok(());
        }
        let is_old = |beside: &Beside| self.wall() > beside.since + LEASE_MILLIS;
        if self.beside.as_ref().is_some_and(is_old) || a % 5 == 0 {
            self.let_go_beside();
        }
        let begun = self.disk.op_count();
        let done = Arc::new(Mutex::new(Vec::new()));
        let looked = match self.beside.take() {
            None => self.open_beside(b, c ^ d << 16, &done),
            Some(beside) => self.refresh_beside(beside, (b, c ^ d << 16), &done),
        };
        let done: Vec<Done> = std::mem::take(&mut *done.lock());
        *self.tally.other.entry("deeds between operations of a reader").or_insert(0) +=
            done.len() as u64;
        let looked = looked.map_err(|why| format!("a reader beside: {why}"));
        self.take_in(done)?;
        let (beside, found) = looked?;
        self.tally.count("looks of a reader");
        self.beside = Some(beside);
        self.judge_beside(begun, &found)
    }

    fn judge_beside(&self, begun: u64, found: &Found) -> Lived {
        let at = (self.disk.op_count(), Exit::Beside(begun));
        if self.line.find(at, self.minute, found).is_some() {
            return Ok(());
        }
        let expected = self.line.describe(at, self.minute);
        Err(format!("a reader beside is shown {}; expected: {expected}", found.describe()))
    }

    /// Has the writer act before some operation of the reader.
    fn interrupt(
        &mut self,
        process: &Process,
        (b, seed): (u64, u64),
        done: &Arc<Mutex<Vec<Done>>>,
    ) {
        let Some(db) = self.db.clone() else { return };
        if b % 4 == 0 {
            return;
        }
        let deeds = self.interruption(seed);
        let (disk, done) = (self.disk.clone(), done.clone());
        process.interrupts.once(1 + b / 4 % [12, 60, 200][(seed % 3) as usize], move || {
            for deed in &deeds {
                let did = perform(&db, &disk, deed.clone());
                done.lock().push(did);
            }
        });
    }

    /// What moves files, and what must not be seen apart.
    fn interruption(&mut self, seed: u64) -> Vec<Deed> {
        let mut rng = Rng::new(seed);
        let mut deeds = Vec::new();
        let mut names: Vec<&'static str> = self.now.spaces().map(|(name, _)| name).collect();
        for _ in 0..1 + rng.below(6) {
            let space = names[rng.below(names.len() as u64) as usize];
            let mut write = Write { timeout: None, ..self.blank(1 + rng.below(11)) };
            deeds.push(match rng.below(12) {
                0 | 1 => Deed::Flush,
                2 | 3 => Deed::Compact(space),
                4 => {
                    let name = NAMES[1 + rng.below(3) as usize];
                    write.durability = Durability::Durable;
                    let is_there = names.contains(&name);
                    if is_there || self.half_dropped.contains(&name) {
                        names.retain(|other| *other != name);
                        if !is_there {
                            continue;
                        }
                        write.changes.push(Change::Drop(name));
                    } else {
                        names.push(name);
                        write.changes.push(Change::Make(name, Box::new(Kept::of(rng.below(9999)))));
                    }
                    Deed::Write(write)
                }
                _ => {
                    let numbers = (rng.below(1 << 16), rng.below(1 << 16));
                    let client = rng.below(CLIENTS);
                    let change = self.change('p', space, client, numbers);
                    write.changes.push(change);
                    Deed::Write(write)
                }
            });
        }
        deeds
    }

    fn open_beside(
        &mut self,
        b: u64,
        seed: u64,
        done: &Arc<Mutex<Vec<Done>>>,
    ) -> Lived<(Beside, Found)> {
        let process = Process::new(&self.disk, self.seed ^ seed, self.minute);
        process.world.clock.set_wall_millis(self.wall());
        process.world.host.set_process_id(4243);
        self.interrupt(&process, (b, seed), done);
        let options = self.swarm.options.clone().read_only(true);
        let opened = process.open(&options, &self.swarm.default);
        let db = opened.map_err(|error| format!("an opening: {error:?}"))?;
        // The disk goes by the clock of whoever came last.
        self.disk.attach_clock(self.process.world.clock.clone());
        let found = show(&db).map_err(|trouble| trouble.to_string());
        process.interrupts.end();
        let snap = db.snapshot().ok().and_then(|snap| {
            let pairs = forward(&db.default_keyspace().at(&snap)).ok()?;
            Some((snap, pairs))
        });
        let beside = Beside { process, db, snap, since: self.wall() };
        match found {
            Ok(found) => Ok((beside, found)),
            Err(why) => {
                beside.process.kill((beside.snap, beside.db));
                Err(why)
            }
        }
    }

    fn refresh_beside(
        &mut self,
        beside: Beside,
        (b, seed): (u64, u64),
        done: &Arc<Mutex<Vec<Done>>>,
    ) -> Lived<(Beside, Found)> {
        let Beside { process, db, snap, since } = beside;
        process.world.clock.set_wall_millis(self.wall());
        self.interrupt(&process, (b, seed), done);
        let refreshed = db.refresh().map_err(|error| format!("a refresh: {error:?}"));
        let found = refreshed.and_then(|_| show(&db).map_err(|trouble| trouble.to_string()));
        process.interrupts.end();
        let kept = snap.as_ref().map_or(Ok(()), |(snap, pairs)| {
            let again = forward(&db.default_keyspace().at(snap));
            match again {
                Ok(again) if again == *pairs => Ok(()),
                Ok(_) => Err("its snapshot shows something else than before".to_owned()),
                Err(error) => Err(format!("its snapshot: {error:?}")),
            }
        });
        let beside = Beside { process, db, snap, since };
        match found.and_then(|found| kept.map(|()| found)) {
            Ok(found) => Ok((beside, found)),
            Err(why) => {
                beside.process.kill((beside.snap, beside.db));
                Err(why)
            }
        }
    }
}
