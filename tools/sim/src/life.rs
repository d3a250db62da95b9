//! The life of one database: it does acts, and holds what comes of them against the model.

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::{Db, ErrorKind, Snapshot};

use crate::acts::{Act, Script};
use crate::deed::{Answer, Deed, Write};
use crate::found::{Pairs, Trouble, is_shown_by, may_show, show};
use crate::line::{Commit, Fate, Line};
use crate::model::{Change, State};
use crate::swarm::Swarm;
use crate::tally::Tally;
use crate::world::{Done, Process, complaint, new_disk, perform};

mod beside;
mod ends;
mod faults;
mod held;
mod mending;
mod reads;
mod writes;

use beside::Beside;
use held::Held;

/// What ends a life: something that must not be.
pub type Lived<T = ()> = Result<T, String>;

/// More commits in doubt than this are settled by another opening: every mixture of them is tried.
const DOUBTS_MAX: usize = 4;

/// The same of commits that no log has.
const LOOSE_MAX: usize = 16;

/// Files with what is in them.
type Files = Vec<(String, Vec<u8>)>;

/// A snapshot with what it must show.
struct Snap {
    snapshot: Snapshot,
    state: State,
    /// What was shown where a filter sweeps: what it had done by then is not in the model.
    swept: Vec<(&'static str, Pairs)>,
}

/// One database, through all its processes.
pub struct Life {
    swarm: Swarm,
    disk: SimDisk,
    seed: u64,
    process: Process,
    db: Option<Db>,
    /// What readers must see.
    now: State,
    line: Line,
    minute: u64,
    /// Makes every value another one.
    serial: u64,
    snaps: Vec<Snap>,
    held: Vec<Held>,
    beside: Option<Beside>,
    /// Keyspaces whose dropping failed and is in doubt.
    half_dropped: Vec<&'static str>,
    /// Strikes of faults that are mended.
    calm: u64,
    /// The same of those that fail the writing of tables.
    calm_tables: u64,
    /// Errors that were answered since.
    signs: u64,
    /// A failed sync has dropped what the page cache held, since the last power cut.
    is_dropped: bool,
    /// Heads and manifests as they were at an orderly end, and the last number at that time.
    older: Option<(Files, u64)>,
    trace: u64,
    tally: Tally,
}

impl Life {
    /// A database that is just being made.
    ///
    /// # Errors
    ///
    /// It could not be.
    pub fn begin(seed: u64) -> Lived<Self> {
        let swarm = Swarm::of(seed);
        let disk = new_disk();
        let state = State::new(&swarm.default);
        let mut life = Self {
            process: Process::new(&disk, seed, 0),
            disk,
            seed,
            db: None,
            now: state.clone(),
            line: Line::new(state),
            minute: 0,
            serial: 0,
            snaps: Vec::new(),
            held: Vec::new(),
            beside: None,
            half_dropped: Vec::new(),
            calm: 0,
            calm_tables: 0,
            signs: 0,
            is_dropped: false,
            older: None,
            trace: 0,
            tally: Tally::default(),
            swarm,
        };
        life.make()?;
        Ok(life)
    }

    /// Does everything that a script says, and then comes to a good end.
    ///
    /// # Errors
    ///
    /// Something that must not be, and where.
    pub fn live(mut self, script: &Script) -> Lived<(Tally, u64)> {
        for (at, act) in script.acts.iter().enumerate() {
            self.act(act).map_err(|why| format!("act {at}, {act}: {why}"))?;
        }
        self.end().map_err(|why| format!("at the end: {why}"))?;
        self.tally.seeds = 1;
        Ok((std::mem::take(&mut self.tally), self.trace))
    }

    fn act(&mut self, act: &Act) -> Lived {
        let [a, b, c, d] = act.args;
        *self.tally.acts.entry(act.verb).or_insert(0) += 1;
        if self.db.is_none() {
            self.open_again()?;
        }
        match act.verb {
            'p' | 'd' | 'r' | 'b' | 'c' | 'm' | 'L' => self.write(act)?,
            'g' | 's' => self.read(act)?,
            'n' => self.take_snapshot()?,
            'N' => self.read_snapshot(a, b)?,
            'u' if !self.snaps.is_empty() => drop(self.snaps.remove(a as usize % self.snaps.len())),
            'h' => self.hold(a, b)?,
            'H' => self.move_held(a, b, c)?,
            'k' | 'q' => self.change_keyspaces(act)?,
            'f' => self.do_among(Deed::Flush, b)?,
            'C' => self.do_among(Deed::Compact(self.name(a)), b)?,
            'y' => self.do_among(Deed::Sync, b)?,
            'w' => self.rest(b)?,
            'i' => self.pass_millis(a % 3000),
            'j' => self.step(1 + a % 40),
            'P' => self.pause(a)?,
            'v' => self.verify()?,
            'S' => self.ask()?,
            'T' => self.pass_hours(1 + a % 4),
            'B' => self.set_clock_back(1 + a % 9),
            'R' => self.look_beside(act)?,
            '!' => self.arm_fault(a, b, c),
            'M' => self.mend()?,
            'x' => self.crash(act)?,
            'o' => self.close_and_open()?,
            'e' => self.damage_copy([b, c, d])?,
            _ => {}
        }
        self.look_after()
    }

    /// What is looked at after every act.
    fn look_after(&mut self) -> Lived {
        if let Some(why) = complaint(&self.disk) {
            return Err(format!("the disk's rules were broken: {why}"));
        }
        if let Some(db) = &self.db {
            let durable = db.durable_seqno().get();
            self.line.note_durable(self.disk.op_count(), durable);
        }
        self.fold(self.disk.trace_hash());
        self.fold(self.process.world.scheduler.trace_hash());
        self.fold(self.now.print());
        let is_much = self.line.doubts() > DOUBTS_MAX || self.line.loose() > LOOSE_MAX;
        if is_much || self.line.len() > 300 { self.settle() } else { Ok(()) }
    }

    fn fold(&mut self, number: u64) {
        self.trace = (self.trace.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn db(&self) -> Lived<Db> {
        self.db.clone().ok_or_else(|| "there is no open database".to_owned())
    }

    /// A keyspace that is there.
    fn name(&self, number: u64) -> &'static str {
        let all: Vec<&'static str> = self.now.spaces().map(|(name, _)| name).collect();
        all[number as usize % all.len()]
    }

    /// Has the background take so many steps, in an order that the seed chooses.
    fn step(&mut self, steps: u64) {
        for _ in 0..steps {
            self.process.world.scheduler.run_one();
        }
    }

    fn pass_millis(&mut self, millis: u64) {
        self.process.world.clock.advance(std::time::Duration::from_millis(millis));
        self.process.world.scheduler.run_until_idle();
    }

    /// Does one deed, while others do some, and takes in what came of them.
    fn do_among(&mut self, deed: Deed, chance: u64) -> Lived {
        let others = self.others(&deed, chance);
        let count = others.len() as u64;
        let db = self.db()?;
        if count > 0 {
            let place = (db.clone(), self.disk.clone());
            self.process.meanwhile.arm(place, self.seed ^ chance, others);
        }
        let last = Some(self.line.last());
        let own = Done { last, ..perform(&db, &self.disk, deed) };
        let mut done = self.process.meanwhile.disarm();
        *self.tally.other.entry("deeds of others meanwhile").or_insert(0) += done.len() as u64;
        done.push(own);
        self.take_in(done)
    }

    /// Takes in what was done, and finds out which of what is in doubt can be seen.
    fn take_in(&mut self, done: Vec<Done>) -> Lived {
        let mut doubtful = Vec::new();
        for done in done {
            let label = format!("{:?}", done.deed);
            let taken = self.take_in_one(done).map_err(|why| format!("{label:.300}: {why}"))?;
            doubtful.extend(taken);
        }
        if doubtful.is_empty() { Ok(()) } else { self.see(&doubtful) }
    }

    /// One of them; answers it if it is in doubt.
    fn take_in_one(&mut self, done: Done) -> Lived<Option<Write>> {
        if let Some(error) = done.answer.error() {
            let has_timeout = matches!(&done.deed, Deed::Write(write) if write.timeout.is_some());
            let is_late = has_timeout && error.kind() == ErrorKind::TimedOut;
            if error.kind() != ErrorKind::Conflict && !is_late {
                self.explain(error)?;
            }
        }
        match (done.deed, done.answer) {
            (Deed::Write(write), Answer::Written(answer)) => {
                self.take_in_write(write, done.times, answer)
            }
            (Deed::Get(space, key), Answer::Value(Ok(found))) => {
                self.count_done();
                self.check_get(space, &key, found.as_deref())?;
                Ok(None)
            }
            (Deed::Scan(space, start), Answer::Pairs(Ok(found))) => {
                self.count_done();
                self.check_scan(space, start, &found)?;
                Ok(None)
            }
            (deed, Answer::Done(Ok(()))) => {
                self.count_done();
                let last = done.last.unwrap_or_else(|| self.line.last());
                self.take_in_chore(&deed, done.times.1, last);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn take_in_chore(&mut self, deed: &Deed, answered: u64, last: u64) {
        match deed {
            Deed::Flush | Deed::Compact(_) => self.line.note_flushed(answered, last),
            Deed::Sync => self.line.note_durable(answered, last),
            _ => {}
        }
    }

    fn take_in_write(
        &mut self,
        write: Write,
        (issued, answered): (u64, u64),
        answer: lsm_core::Result<u64>,
    ) -> Lived<Option<Write>> {
        let holds = self.holds(&write);
        let fate = match &answer {
            Ok(_) if !holds => return Err("a batch was written against its conditions".to_owned()),
            Ok(_) => Fate::There(answered),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                *self.tally.calls.entry("conflicts").or_insert(0) += 1;
                let is_right = !holds || write.conditions.is_empty();
                return if is_right && !write.conditions.is_empty() {
                    Ok(None)
                } else {
                    Err(format!("{error:?}, though all conditions hold"))
                };
            }
            Err(error) if error.maybe_committed() => Fate::Doubtful(answered),
            Err(_) => return Ok(None),
        };
        // A range without keys is written nowhere, and vouches for nothing.
        let is_empty = |it: &Change| matches!(it, Change::DeleteRange(_, from, to) if from >= to);
        if write.changes.iter().all(is_empty) {
            return Ok(None);
        }
        let is_manifest = matches!(write.changes[..], [Change::Make(..) | Change::Drop(_)]);
        let seqno = answer.as_ref().map_or_else(|_| self.line.last(), |seqno| *seqno);
        self.line.add(Commit {
            changes: write.changes.clone(),
            minute: write.minute,
            is_logged: write.durability != lsm_core::Durability::Volatile || is_manifest,
            is_sure: is_manifest,
            seqno,
            issued,
            fate,
        });
        if matches!(fate, Fate::Doubtful(_)) {
            if let [Change::Drop(name)] = write.changes[..] {
                self.half_dropped.push(name);
            }
            return Ok(Some(write));
        }
        self.count_done();
        if write.durability == lsm_core::Durability::Durable && !is_manifest {
            self.line.note_durable(answered, seqno);
        }
        if is_manifest {
            self.half_dropped.retain(|name| *name != write.changes[0].space());
        }
        write.changes.iter().for_each(|change| self.now.apply(change, write.minute));
        Ok(None)
    }

    /// Finds out which of what is in doubt readers see. If they cannot see anything at all, another
    /// opening tells.
    fn see(&mut self, doubtful: &[Write]) -> Lived {
        let found = match show(&self.db()?) {
            Ok(found) => found,
            Err(Trouble::Failed(error)) => {
                self.explain(&error)?;
                return self.settle();
            }
            Err(Trouble::Wrong(why)) => return Err(why),
        };
        for choice in 0..1u64 << doubtful.len().min(8) {
            let mut state = self.now.clone();
            let chosen = doubtful.iter().zip(0..).filter(|(_, at)| choice >> at & 1 == 1);
            for (write, _) in chosen {
                write.changes.iter().for_each(|change| state.apply(change, write.minute));
            }
            if is_shown_by(&found, &state) {
                self.now = state;
                return Ok(());
            }
        }
        let expected = self.now.describe();
        Err(format!("{doubtful:?} in doubt: {} is shown, not {expected}", found.describe()))
    }

    fn count_done(&mut self) {
        *self.tally.calls.entry("done").or_insert(0) += 1;
    }

    fn check_get(&self, space: &str, key: &[u8], found: Option<&[u8]>) -> Lived {
        let is_swept = self.now.space(space).is_some_and(|space| space.kept.is_swept);
        let entry = self.now.get(space, key);
        if may_show(entry, is_swept, found) {
            return Ok(());
        }
        let (found, own) =
            (found.map(<[u8]>::escape_ascii), entry.map(|it| it.value.escape_ascii()));
        let text = |it: Option<String>| it.map_or("nothing".to_owned(), |it| format!("{it:.60}"));
        let (found, own) = (found.map(|it| it.to_string()), own.map(|it| it.to_string()));
        Err(format!("{space}/{} has {}, not {}", key.escape_ascii(), text(found), text(own)))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.die();
    }
}
