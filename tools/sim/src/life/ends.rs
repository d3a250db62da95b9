//! Ends of processes: closed, killed, cut off from power, in the middle of anything; and what the
//! next one finds.

use std::sync::atomic::Ordering;

use lsm_core::env::sim::crash::{CrashPolicy, Moment};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::rng::Rng;
use lsm_core::{Db, ErrorKind};

use super::{Files, Life, Lived};
use crate::acts::{Act, CLIENTS};
use crate::deed::{Deed, Write};
use crate::found::{Found, Trouble, compare_all, show};
use crate::line::{Exit, Line};
use crate::model::Change;
use crate::swarm::{Kept, NAMES};
use crate::world::{PATH, Process, watch};

/// How often an opening is tried: the first may meet a fault.
const TRIES: u64 = 4;

impl Life {
    /// Takes along what the engine has told a process that is gone.
    fn count_work(&mut self) {
        self.signs += self.process.told.troubles.swap(0, Ordering::Relaxed);
        let work = self.process.told.work.swap(0, Ordering::Relaxed);
        *self.tally.other.entry("flushes and merges").or_insert(0) += work;
    }

    fn next_process(&mut self) -> Process {
        self.seed = self.seed.wrapping_add(0x0100_0000_01b3);
        Process::new(&self.disk, self.seed, self.minute)
    }

    fn open(&self, process: &Process) -> lsm_core::Result<Db> {
        process.open(&self.swarm.options, &self.swarm.default)
    }

    /// The first opening, which may be cut off.
    pub(super) fn make(&mut self) -> Lived {
        let mut rng = Rng::new(self.seed);
        let at = (0, Exit::Kept);
        if rng.chance(1, 6) {
            self.crash_opening(&mut rng)?;
        }
        self.open_and_judge(at)
    }

    /// Opens after whatever has closed the database.
    pub(super) fn open_again(&mut self) -> Lived {
        let time = self.disk.op_count();
        self.open_and_judge((time, Exit::Kept))
    }

    /// The death of the process.
    pub(super) fn die(&mut self) {
        self.let_go_beside();
        let held = std::mem::take(&mut self.held);
        let snaps = std::mem::take(&mut self.snaps);
        self.process.kill((held, snaps, self.db.take()));
    }

    /// Goes on with another disk.
    fn replace(&mut self, disk: SimDisk) {
        self.fold(self.disk.trace_hash());
        self.count_faults();
        watch(&disk);
        self.disk = disk;
        (self.calm, self.calm_tables) = (0, 0);
    }

    /// Opens, and finds out what is there: something that the last process may have left.
    fn open_and_judge(&mut self, (time, mut exit): (u64, Exit)) -> Lived {
        for left in (0..TRIES).rev() {
            self.count_work();
            self.process = self.next_process();
            let why = match self.open(&self.process) {
                Ok(db) => match show(&db) {
                    Ok(found) => return self.judge(db, &found, (time, exit)),
                    Err(Trouble::Wrong(why)) => return Err(why),
                    Err(Trouble::Failed(error)) => {
                        self.process.kill(db);
                        error
                    }
                },
                Err(error) => {
                    self.process.kill(());
                    error
                }
            };
            self.explain(&why).map_err(|it| format!("an opening fails: {it}"))?;
            if left == 0 {
                return Err(format!("{TRIES} openings fail, the last with {why:?}"));
            }
            self.tally.count("openings that failed by a fault");
            let cut = self.begin_anew();
            exit = if cut { Exit::Cut } else { exit };
        }
        Ok(())
    }

    /// The disk for the next process after this one is gone, without faults. What a failed sync has
    /// dropped is gone until the machine boots, which cuts off what is not durable.
    fn begin_anew(&mut self) -> bool {
        self.note_dropped();
        let is_cut = std::mem::take(&mut self.is_dropped);
        let disk = match is_cut {
            true => self.disk.crash(CrashPolicy::SyncedOnly, 0),
            false => self.disk.process_crash(),
        };
        self.replace(disk);
        is_cut
    }

    fn judge(&mut self, db: Db, found: &Found, at: (u64, Exit)) -> Lived {
        self.db = Some(db);
        let Some(state) = self.line.find(at, self.minute, found) else {
            let expected = self.line.describe(at, self.minute);
            return Err(format!("found after {at:?}: {}; expected: {expected}", found.describe()));
        };
        self.now = state.clone();
        self.line = Line::new(state);
        self.half_dropped.clear();
        self.tally.count("openings");
        self.check_options()
    }

    /// Keyspaces are kept as was chosen.
    fn check_options(&self) -> Lived {
        let db = self.db()?;
        for (name, space) in self.now.spaces() {
            let there =
                crate::deed::there(&db, name).map_err(|error| format!("{name}: {error:?}"))?;
            if there.options() != space.kept.options {
                return Err(format!("{name} is kept as {:?}", there.options()));
            }
        }
        Ok(())
    }

    /// Another process settles what is in doubt.
    pub(super) fn settle(&mut self) -> Lived {
        let time = self.disk.op_count();
        self.die();
        let exit = if self.begin_anew() { Exit::Cut } else { Exit::Kept };
        self.tally.count("settled by another opening");
        self.open_and_judge((time, exit))
    }

    pub(super) fn close_and_open(&mut self) -> Lived {
        let at = self.close_down()?;
        self.open_and_judge(at)
    }

    /// Closes, and answers when that was and how it left the disk.
    fn close_down(&mut self) -> Lived<(u64, Exit)> {
        self.close()?;
        let time = self.disk.op_count();
        let is_cut = self.is_dropped && self.begin_anew();
        Ok((time, if is_cut { Exit::Cut } else { Exit::Kept }))
    }

    /// Closes in order, if there is no fault.
    fn close(&mut self) -> Lived {
        self.let_go_beside();
        self.held.clear();
        self.snaps.clear();
        let last = self.line.last();
        let Some(db) = self.db.take() else { return Ok(()) };
        match db.close() {
            Ok(()) => {
                let time = self.disk.op_count();
                self.line.note_flushed(time, last);
                *self.tally.crashes.entry("closed".to_owned()).or_insert(0) += 1;
            }
            Err(error) => self.explain(&error)?,
        }
        self.process.kill(());
        self.note_dropped();
        Ok(())
    }

    /// A crash in the middle of something, perhaps another in the recovery, perhaps a fault there.
    pub(super) fn crash(&mut self, act: &Act) -> Lived {
        let [a, b, c, d] = act.args;
        let mut rng = Rng::new(c ^ d << 16 ^ self.serial << 32);
        self.disk.record_history(true);
        self.something(a, &mut rng)?;
        let moments = self.disk.history();
        self.disk.record_history(false);
        self.note_dropped();
        let moment = some_moment(&moments, &mut rng).unwrap_or_else(|| self.disk.moment());
        let time = moment.op_number;
        self.die();
        let mut exit = self.crash_at(&moment, b);
        if rng.chance(1, 4) && self.crash_opening(&mut rng)? {
            exit = Exit::Cut;
        }
        if rng.chance(1, 5) {
            let fault = self.some_fault(rng.draw() % 999, rng.below(99), rng.below(99));
            self.disk.inject(fault);
        }
        self.open_and_judge((time, exit))
    }

    /// The disk after a crash at this moment.
    fn crash_at(&mut self, moment: &Moment, number: u64) -> Exit {
        let ways = CrashPolicy::ALL.len() as u64 + 2;
        let way = if self.is_dropped { 0 } else { number % ways };
        self.is_dropped = false;
        let policy = CrashPolicy::ALL.get(way as usize).copied();
        let (name, disk, exit) = match policy {
            Some(policy) => {
                let disk = SimDisk::crashed(moment, policy, number);
                (policy.to_string(), disk, Exit::Cut)
            }
            None => ("Kill".to_owned(), SimDisk::killed(moment), Exit::Kept),
        };
        *self.tally.crashes.entry(name).or_insert(0) += 1;
        self.replace(disk);
        exit
    }

    /// A crash in the middle of an opening; true if the power went.
    fn crash_opening(&mut self, rng: &mut Rng) -> Lived<bool> {
        self.disk.record_history(true);
        let process = self.next_process();
        let opened = self.open(&process);
        if let Err(error) = &opened {
            return Err(format!("an opening that nothing disturbs fails: {error:?}"));
        }
        let moments = self.disk.history();
        self.disk.record_history(false);
        process.kill(opened);
        self.tally.count("crashes in an opening");
        let Some(moment) = some_moment(&moments, rng) else { return Ok(false) };
        Ok(self.crash_at(&moment, rng.below(64)) == Exit::Cut)
    }

    /// Something to be in the middle of.
    fn something(&mut self, number: u64, rng: &mut Rng) -> Lived {
        let space = self.name(rng.below(64));
        let others = rng.draw() % 9;
        let mut write = Write { timeout: None, ..self.blank(number / 13) };
        match number % 13 {
            0 => return self.do_among(Deed::Flush, others),
            1 => return self.do_among(Deed::Compact(space), others),
            2 => return self.do_among(Deed::Sync, others),
            3 => self.idle(2),
            4 => return self.close(),
            5 => {
                let name = NAMES[1 + rng.below(3) as usize];
                if self.now.space(name).is_some() || self.half_dropped.contains(&name) {
                    return Ok(());
                }
                write.changes.push(Change::Make(name, Box::new(Kept::of(rng.below(1 << 20)))));
            }
            6 if space != NAMES[0] => write.changes.push(Change::Drop(space)),
            7 => self.process.world.scheduler.run_until_idle(),
            8 => return self.rest(others),
            verb => {
                let client = rng.below(CLIENTS);
                for _ in 0..1 + rng.below(6) * u64::from(verb == 9) {
                    let letter = if verb == 10 { 'L' } else { 'p' };
                    let numbers = (rng.below(1 << 16), rng.below(1 << 16));
                    let change = self.change(letter, space, client, numbers);
                    write.changes.push(change);
                }
            }
        }
        if write.changes.is_empty() { Ok(()) } else { self.do_among(Deed::Write(write), others) }
    }

    /// Closes, and damages a copy: it is refused, or shows the same, but nothing else.
    pub(super) fn damage_copy(&mut self, [b, c, d]: [u64; 3]) -> Lived {
        if self.is_troubled() || self.db()?.fault().is_some() {
            return Ok(());
        }
        self.disk.heal();
        let last = self.line.last();
        let at = self.close_down()?;
        let copy = self.disk.process_crash();
        let what = match b % 5 {
            0 => self.put_back_older(&copy, last),
            _ => damage(&copy, b, c, d),
        };
        self.older = Some((facts_of(&self.disk), last));
        self.open_and_judge(at)?;
        let Some(what) = what else { return Ok(()) };
        self.tally.count("damaged copies");
        let process = Process::new(&copy, self.seed, self.minute);
        let opened = self.open(&process);
        let shown = opened.as_ref().ok().map(show);
        process.kill(opened.as_ref().ok().cloned());
        match (opened, shown) {
            (Err(error), _) if error.kind() == ErrorKind::Internal => {
                Err(format!("{what}: a bug shows: {error:?}"))
            }
            (_, Some(Ok(found))) => {
                compare_all(&found, &self.now).map_err(|why| format!("{what}, silently: {why}"))
            }
            (_, Some(Err(Trouble::Wrong(why)))) => Err(format!("{what}: {why}")),
            _ => {
                self.tally.count("damage that was told");
                Ok(())
            }
        }
    }

    /// Puts back heads and manifests of an earlier orderly end, if something was logged since.
    fn put_back_older(&self, copy: &SimDisk, last: u64) -> Option<String> {
        let (older, then) = self.older.as_ref().filter(|(_, then)| *then < last)?;
        for (path, _) in facts_of(copy) {
            copy.remove(&path).ok()?;
        }
        older.iter().try_for_each(|(path, bytes)| copy.plant(path, bytes)).ok()?;
        Some(format!("heads and manifest of {then}, when {last} had been written"))
    }

    /// A good end: all is mended, closed, opened and verified, and salvage finds the same.
    pub(super) fn end(&mut self) -> Lived {
        if self.db.is_none() {
            self.open_again()?;
        }
        self.mend()?;
        self.close_and_open()?;
        self.check_whole()?;
        self.db()?.verify().map_err(|error| format!("verify: {error:?}"))?;
        self.die();
        self.count_faults();
        self.count_work();
        self.fold(self.disk.trace_hash());
        if self.serial % 4 == 0 { self.salvage() } else { Ok(()) }
    }

    fn salvage(&mut self) -> Lived {
        let process = self.next_process();
        let to = "/data/salvaged";
        let report = process.salvage(&self.swarm.options, &self.swarm.default, to);
        let report = report.map_err(|error| format!("salvage: {error:?}"))?;
        if !report.is_complete {
            return Err(format!("a whole database is not salvaged whole: {report:?}"));
        }
        let opened = process.open_at(to, &self.swarm.options, &self.swarm.default);
        let db = opened.map_err(|error| format!("salvaged, and then: {error:?}"))?;
        let shown = show(&db).map_err(|trouble| format!("salvaged, and then: {trouble}"));
        process.kill(db);
        self.tally.count("salvaged");
        compare_all(&shown?, &self.now).map_err(|why| format!("salvaged: {why}"))
    }
}

fn some_moment(moments: &[Moment], rng: &mut Rng) -> Option<Moment> {
    moments.get(rng.below(moments.len() as u64) as usize).cloned()
}

/// Files of the database, without its lock.
fn files_of(disk: &SimDisk) -> Vec<String> {
    let paths = disk.paths().into_iter().map(|path| path.display().to_string());
    paths
        .filter(|path| path.starts_with(PATH) && path.contains('.') && !path.ends_with(".lock"))
        .collect()
}

/// Heads and manifests.
fn facts_of(disk: &SimDisk) -> Files {
    let is_fact = |path: &String| path.ends_with(".head") || path.ends_with(".manifest");
    let files = files_of(disk).into_iter().filter(is_fact);
    files.filter_map(|path| disk.contents(&path).ok().map(|bytes| (path, bytes))).collect()
}

/// Changes something of a file: one bit, the end, or all of it. Answers what.
fn damage(disk: &SimDisk, b: u64, c: u64, d: u64) -> Option<String> {
    let files = files_of(disk);
    let path = files.get((b / 5) as usize % files.len().max(1))?;
    let bytes = disk.contents(path).ok()?;
    let at = (c << 8 | d & 0xff) % (bytes.len() as u64).max(1);
    match d / 256 % 6 {
        0 => {
            disk.plant(path, &bytes[..at as usize]).ok()?;
            Some(format!("{path} is cut at {at} of {}", bytes.len()))
        }
        1 => {
            disk.remove(path).ok()?;
            Some(format!("{path} is missing"))
        }
        _ => {
            disk.rot(path, at, 1 << (d % 8)).ok()?;
            Some(format!("{path} is changed at {at} of {}", bytes.len()))
        }
    }
}
