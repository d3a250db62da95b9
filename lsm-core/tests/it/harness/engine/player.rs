//! The player of the random model: does each act to a database and to the reference, and holds what
//! the one answers against what the other has.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lsm_core::api::batch::Batch;
use lsm_core::api::db::Db;
use lsm_core::api::keyspace::Keyspace;
use lsm_core::api::snapshot::Snapshot;
use lsm_core::base::error::{Error, ErrorKind, Result as Answer};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::database::Options;
use lsm_core::options::durability::Durability;
use lsm_core::options::keyspace::{Compression, KeyspaceOptions, Strategy};
use lsm_core::options::log_mode::LogMode;
use lsm_core::options::memory::MemtableKind;
use lsm_core::options::read::ReadOptions;
use lsm_core::options::write::WriteOptions;

use crate::harness::disk::{PATH, complaint};
use crate::harness::engine::acts::{Act, bound_of, key_of, value_of};
use crate::harness::engine::player_conditions::{Holds, Old, Today, require};
use crate::harness::engine::player_estimates::check_estimates;
use crate::harness::engine::player_reads::{
    Done, Held, READS, read, said, same, same_pairs, within,
};
use crate::harness::engine::reference::{Change, Contents, DEFAULT, Swept, swept};
use crate::harness::engine::subject::kill;
use crate::harness::engine::walker::{Newest, Walker};
use crate::machine::kit::Dice;

mod expiry;
mod merging;
mod sweeping;

use expiry::{some_ttl, ttl_of};
use merging::{Tail, operator_of};
use sweeping::{Broom, sweeping, sweeping_default};

/// Where the database of a play lies.
#[derive(Clone, Debug)]
pub enum Place {
    Simulated { disk: SimDisk, seed: u64 },
    Real(PathBuf),
}

pub struct Player {
    place: Place,
    world: Option<SimWorld>,
    db: Option<Db>,
    contents: Contents,
    snapshots: Vec<(Snapshot, Contents)>,
    held: Vec<Held>,
    walks: Vec<Walk>,
    dropped: Vec<Keyspace>,
    /// Something that only a flush keeps was written.
    has_volatile: bool,
    serial: u64,
    /// How the default keyspace is kept, if not as usual.
    default_keyspace: Option<KeyspaceOptions>,
    /// The minute that it is.
    now: u64,
    /// How often each letter was played.
    played: BTreeMap<char, u64>,
}

/// A cursor that is held open, over a keyspace as it is or as it was.
struct Walk {
    walker: Walker,
    name: String,
    id: u64,
    is_old: bool,
}

impl Walk {
    /// Goes on once the database is closed.
    fn finish(&mut self) -> Done {
        let newest = if self.is_old { Newest::Same } else { Newest::Closed };
        let mut dice = Dice(self.id);
        (0..9).try_for_each(|_| Ok(self.walker.step(&mut dice, &newest)?))
    }
}

const NAMES: [&str; 4] = [DEFAULT, "k1", "another keyspace", "\u{e9}"];

fn options_of(number: u64) -> Options {
    let of = |shift: u64, choices: u64| number / shift % choices;
    let memtable_bytes = [4096, 4096, 8192, 40_000, 1 << 20][of(1, 5) as usize];
    let kinds = [MemtableKind::Tree, MemtableKind::Tree, MemtableKind::SkipList];
    Options::new()
        .memory_limit((16 << 20) << of(5, 2))
        .memtable_bytes(memtable_bytes)
        .memtable(kinds[of(10, 3) as usize])
        .background_threads(1 + of(30, 3) as usize)
        .log_mode([LogMode::Write, LogMode::Mapped][of(90, 2) as usize])
        .log_segment_bytes_max([4096, 16_384, 1 << 20][of(180, 3) as usize])
        .log_bytes_max([0, 0, 16 << 10][of(4320, 3) as usize])
        .write_bytes_per_second([0, 0, 0, 1 << 22][of(12_960, 4) as usize])
        .open_files_max([0, 1, 3][of(8640, 3) as usize])
        .sync_interval([None, Some(Duration::from_secs(1))][of(540, 2) as usize])
        .durability([Durability::Buffered, Durability::Durable][usize::from(of(1080, 4) == 0)])
}

fn keyspace_options_of(number: u64) -> KeyspaceOptions {
    let of = |shift: u64, choices: u64| number / shift % choices;
    let strategy = match of(1, 5) {
        _ if of(160, 3) == 0 => Strategy::Lazy { runs_max: [2, 4, 8][of(480, 3) as usize] },
        0 => Strategy::Tiered { runs_max: 2 },
        1 => Strategy::Tiered { runs_max: 4 },
        2 => Strategy::Leveled { ratio: 2 },
        3 => Strategy::Fifo { bytes_max: 1 << 40, age_max_millis: 0 },
        _ => Strategy::Leveled { ratio: 10 },
    };
    KeyspaceOptions::new()
        .strategy(strategy)
        .compression([Compression::None, Compression::Lz4][of(5, 2) as usize])
        .block_bytes([512, 1024, 4096, 65_536][of(10, 4) as usize])
        .filter_bits_per_key([0, 1, 10, 32][of(40, 4) as usize])
        .ttl(some_ttl(of(1440, 7)))
        .blob_threshold([64, 0, 1000, 4096][of(10_080, 4) as usize])
}

/// The same, of a keyspace that may take operands.
fn merging_options_of(number: u64) -> KeyspaceOptions {
    let options = keyspace_options_of(number);
    match operator_of(number) {
        Some(operator) => options.merge_operator(operator),
        None => options,
    }
}

/// How a read is made; `None` for the usual way.
fn read_options_of(number: u64) -> Option<ReadOptions> {
    let options = ReadOptions::new();
    match number / 7 % 8 {
        0 => Some(options.fill_cache(false)),
        1 => Some(options.cached_only(true)),
        2 => Some(options.verify(true)),
        _ => None,
    }
}

/// What leaves the disk alone may be refused, and nothing else.
fn or_busy(options: ReadOptions, done: Done) -> Done {
    let is_busy = |why: &String| options.is_cached_only() && why.contains("Busy");
    if done.as_ref().is_err_and(is_busy) { Ok(()) } else { done }
}

impl Player {
    pub fn new(place: Place, seed: u64) -> Result<Self, String> {
        if let Place::Simulated { disk, .. } = &place {
            disk.record_trace(true);
        }
        let default_keyspace = sweeping_default(&place, seed);
        let mut player = Self {
            place,
            default_keyspace,
            world: None,
            db: None,
            contents: Contents::new(),
            snapshots: Vec::new(),
            held: Vec::new(),
            walks: Vec::new(),
            dropped: Vec::new(),
            has_volatile: false,
            serial: 0,
            now: 0,
            played: BTreeMap::new(),
        };
        if player.default_keyspace.is_some() {
            player.contents.set_swept(DEFAULT);
        }
        player.open(Dice(seed).below(1 << 16), false)?;
        Ok(player)
    }

    /// Does one act.
    pub fn act(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        *self.played.entry(act.verb).or_insert(0) += 1;
        match act.verb {
            'p' | 'd' | 'r' | 'b' => self.write(act),
            'B' if c % 4 == 0 => self.raise(act),
            'B' => self.write_if(act),
            '!' => self.refused(a, b),
            'g' | 'G' | 'i' | 'x' | 'c' | 'n' => self.read_newest(act),
            'T' => self.pass_hours(a),
            'X' => self.expiring(act),
            'M' => self.merge(act),
            'S' => self.read_old(a, &Act { verb: READS[(b % 6) as usize], args: [c, d, a, b] }),
            'h' => self.hold(a, b, c),
            'H' => self.advance(a, b),
            'j' => self.start_walk(act),
            'J' => self.walk(a, b),
            's' => self.snap(),
            'u' => {
                let count = self.snapshots.len();
                if count > 0 {
                    self.snapshots.remove(a as usize % count);
                }
                Ok(())
            }
            'k' => self.make(a, b),
            'q' => self.drop_keyspace(a),
            'f' => self.flush(),
            'm' => self.compact(act),
            'y' => self.db()?.sync().map_err(said),
            'w' => self.wait_durable(a, b),
            'e' => self.idle(a),
            't' if a % 3 == 0 => self.db()?.pause_background().map_err(said),
            't' => self.db()?.resume_background().map_err(said),
            'v' => self.db()?.verify().map_err(|error| format!("verify: {}", said(error))),
            'a' => self.estimate(a, b, c),
            'o' => self.reopen(a, true),
            'z' => self.reopen(a, false),
            other => Err(format!("no act is called {other:?}")),
        }?;
        self.settle()?;
        self.check_clock()?;
        match &self.world {
            Some(world) => complaint(&world.disk).map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    fn db(&self) -> Result<&Db, String> {
        self.db.as_ref().ok_or_else(|| "there is no open database".to_owned())
    }

    /// A keyspace that is there.
    fn keyspace(&self, number: u64) -> Result<(String, Keyspace), String> {
        let name = NAMES[(number % 4) as usize];
        if name == DEFAULT || self.contents.id(name).is_none() {
            return Ok((DEFAULT.to_owned(), self.db()?.default_keyspace().clone()));
        }
        Ok((name.to_owned(), self.db()?.keyspace(name).map_err(said)?))
    }

    fn open(&mut self, number: u64, is_clock_back: bool) -> Done {
        let mut builder = match &mut self.place {
            Place::Simulated { disk, seed } => {
                *seed += 1;
                let world = SimWorld::from_disk(disk.clone(), *seed);
                let builder = Db::builder(PATH).env(world.env());
                self.world = Some(world);
                self.set_clock(is_clock_back);
                builder
            }
            Place::Real(path) => Db::builder(path),
        };
        builder = builder.options(options_of(number)).merge_operator(Tail).compaction_filter(Broom);
        if let Some(options) = &self.default_keyspace {
            builder = builder.default_keyspace(options.clone());
        }
        self.db = Some(builder.open().map_err(|error| format!("open: {}", said(error)))?);
        self.settle()?;
        self.whole()
    }

    /// How often each letter was played; `+` and `-` for the tables that were made and unlinked.
    pub fn report(&mut self) -> BTreeMap<char, u64> {
        if let Some(world) = &self.world {
            let trace = world.disk.trace();
            for (kind, name) in [(OpKind::Create, '+'), (OpKind::Unlink, '-')] {
                let is_it =
                    |op: &&Op| op.kind == kind && op.path.to_string_lossy().ends_with(".sst");
                self.played.insert(name, trace.iter().filter(is_it).count() as u64);
            }
        }
        std::mem::take(&mut self.played)
    }

    /// The whole database, from front to back.
    pub fn whole(&self) -> Done {
        let mut names: Vec<String> = self.db()?.keyspace_names();
        names.push(DEFAULT.to_owned());
        names.sort();
        same("names", names, self.contents.names().cloned().collect())?;
        for name in NAMES {
            let Some(id) = self.contents.id(name) else { continue };
            let keyspace = match name {
                DEFAULT => self.db()?.default_keyspace().clone(),
                name => self.db()?.keyspace(name).map_err(said)?,
            };
            let pairs = self.contents.pairs(id);
            let found = keyspace.iter().collect::<Answer<Vec<_>>>().map_err(said)?;
            same_pairs(name, &found, pairs.iter())?;
            let found = keyspace.iter().rev().collect::<Answer<Vec<_>>>().map_err(said)?;
            same_pairs(name, &found, pairs.iter().rev())?;
        }
        Ok(())
    }

    fn reopen(&mut self, number: u64, is_orderly: bool) -> Done {
        let is_set_back = is_orderly && number % 3 == 0;
        if is_set_back {
            // With whatever is written the time at an orderly end is written down, too.
            self.wait_durable(number, number / 3)?;
        }
        self.snapshots.clear();
        let mut held = std::mem::take(&mut self.held);
        let mut walks = std::mem::take(&mut self.walks);
        let closed_ones = std::mem::take(&mut self.dropped);
        let db = self.db.take().ok_or("there is no open database")?;
        match &self.world {
            // What was never logged does not outlive the process.
            Some(world) if !is_orderly && !self.has_volatile => {
                kill(world, (db, closed_ones, held, walks));
            }
            _ if is_orderly && number % 5 == 0 => {
                drop((closed_ones, db));
                walks.iter_mut().try_for_each(Walk::finish)?;
            }
            _ => {
                let handle = db.clone();
                db.close().map_err(|error| format!("close: {}", said(error)))?;
                // An iterator is no handle: it goes on with what it has.
                held.iter_mut().try_for_each(Held::finish)?;
                walks.iter_mut().try_for_each(Walk::finish)?;
                let late = handle.get("a").map(drop).map_err(|error| error.kind());
                same("a get after the close", late, Err(ErrorKind::Closed))?;
                let late = handle.put("a", "b").map(drop).map_err(|error| error.kind());
                same("a put after the close", late, Err(ErrorKind::Closed))?;
            }
        }
        self.has_volatile = false;
        self.open(number, is_set_back)
    }

    fn change(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.contents.apply(change));
    }

    fn durability(&mut self, number: u64) -> WriteOptions {
        let options = WriteOptions::new();
        match number % 16 {
            0 => options.durability(Durability::Durable),
            1 => {
                self.has_volatile = true;
                options.durability(Durability::Volatile)
            }
            2..=6 => options.durability(Durability::Buffered),
            _ => options,
        }
    }

    fn write(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let options = self.durability(d);
        self.serial += 1;
        let before = self.db()?.snapshot().map_err(said)?.seqno();
        let (answer, changes) = match act.verb {
            'p' => {
                let (key, value) = (key_of(b), value_of(c, self.serial));
                (keyspace.put_with(&key, &value, &options), vec![Change::Put(name, key, value)])
            }
            'd' => {
                let key = key_of(b);
                (keyspace.delete_with(&key, &options), vec![Change::Delete(name, key)])
            }
            'r' => {
                let (lower, upper) = (bound_of(b), bound_of(c));
                let answer = keyspace.delete_range_with((lower.clone(), upper.clone()), &options);
                (answer, vec![Change::DeleteRange(name, lower, upper)])
            }
            _ => self.batch(a ^ b << 16 ^ c << 32, &options)?,
        };
        let last = answer.map_err(said)?;
        let is_risen = last >= before && last.get() - before.get() <= changes.len() as u64;
        self.change(&changes);
        same("a number that rises by one for each change", is_risen, true)
    }

    fn batch(
        &self,
        seed: u64,
        options: &WriteOptions,
    ) -> Result<(Answer<lsm_core::key::seqno::SeqNo>, Vec<Change>), String> {
        let mut dice = Dice(seed);
        let mut batch = Batch::new();
        let mut changes = Vec::new();
        let count = if dice.below(10) == 0 { 100 } else { dice.below(8) };
        for _ in 0..count {
            let (name, keyspace) = self.keyspace(dice.below(4))?;
            let key = key_of(dice.below(1 << 16));
            match dice.below(10) {
                0 => {
                    let value = value_of(dice.below(1 << 16), self.serial);
                    let (expiry, end) = self.some_expiry(dice.below(1 << 16));
                    batch.put_expiring(&keyspace, &key, &value, expiry);
                    changes.push(Change::PutUntil(name, key, value, end));
                }
                1..=5 => {
                    let value = value_of(dice.below(1 << 16), self.serial);
                    batch.put(&keyspace, &key, &value);
                    changes.push(Change::Put(name, key, value));
                }
                6..=8 => {
                    batch.delete(&keyspace, &key);
                    changes.push(Change::Delete(name, key));
                }
                _ => {
                    let (lower, upper) = (bound_of(dice.below(1 << 16)), bound_of(dice.below(999)));
                    batch.delete_range(&keyspace, (lower.clone(), upper.clone()));
                    changes.push(Change::DeleteRange(name, lower, upper));
                }
            }
        }
        Ok((self.db()?.write_with(&batch, options), changes))
    }

    /// A batch that is written if something is so.
    fn write_if(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let mut dice = Dice(b ^ c << 16);
        let (name, keyspace) = self.keyspace(a)?;
        let options = self.durability(d);
        self.serial += 1;
        let (key, value) = (key_of(b), value_of(c, self.serial));
        let mut batch = Batch::new();
        batch.put(&keyspace, &key, &value);
        let mut holds = Holds::Yes;
        for _ in 0..1 + dice.below(3) {
            let (name, keyspace) = self.keyspace(dice.below(4))?;
            let id = self.contents.id(&name).unwrap();
            let old = self.snapshots.get(dice.below(6) as usize);
            let may_have_expired = |key: &[u8]| {
                let mut snapshots = self.snapshots.iter();
                snapshots.any(|(_, old)| old.end(id, key).is_some_and(|end| end <= self.now))
            };
            let old = old.map(|(snapshot, old)| Old {
                snapshot,
                pairs: old.pairs(id),
                may_have_expired: &may_have_expired,
            });
            let is_in_doubt = |key: &[u8]| self.is_in_doubt(id, key);
            let now = Today {
                keyspace: &keyspace,
                pairs: self.contents.pairs(id),
                is_swept: self.contents.is_swept(id),
                is_in_doubt: &is_in_doubt,
            };
            holds = holds.max(require(&mut batch, now, old, &mut dice));
        }
        match self.db()?.write_with(&batch, &options) {
            Ok(_) if holds < Holds::No => self.change(&[Change::Put(name, key, value)]),
            Err(error) if error.kind() == ErrorKind::Conflict && holds > Holds::Yes => {}
            other => return Err(format!("conditions hold: {holds:?}, and the write: {other:?}")),
        }
        Ok(())
    }

    /// What is read and written in one step.
    fn raise(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let options = self.durability(d);
        self.serial += 1;
        let (key, value) = (key_of(b), value_of(c, self.serial));
        let id = self.contents.id(&name).unwrap();
        let before = self.contents.pairs(id).get(&key).cloned();
        let after_sweep =
            before.as_ref().filter(|_| self.is_in_doubt(id, &key)).map(|it| swept(it));
        if c % 8 == 0 {
            let answer = keyspace.insert_if_absent_with(&key, &value, &options).map_err(said)?;
            // The filter may have taken it away while the write was held back.
            let was_absent = match after_sweep {
                Some(Swept::Goes) => answer.is_some(),
                _ => before.is_none(),
            };
            same("inserted if absent", answer.is_some(), was_absent)?;
            if was_absent {
                self.change(&[Change::Put(name, key, value)]);
            }
            return Ok(());
        }
        let after = (c % 3 > 0).then(|| value.clone());
        let found = keyspace.fetch_update_with(&key, |_| after.clone(), &options).map_err(said)?;
        let is_swept = match (&after_sweep, &found) {
            (Some(Swept::Goes), None) => true,
            (Some(Swept::Becomes(other)), Some(found)) => other[..] == found[..],
            _ => false,
        };
        if !is_swept {
            same("the value before", found.as_deref(), before.as_deref())?;
        }
        self.change(&[match after {
            Some(value) => Change::Put(name, key, value),
            None => Change::Delete(name, key),
        }]);
        Ok(())
    }

    /// What cannot be written, and a batch around it, changes nothing.
    fn refused(&mut self, a: u64, b: u64) -> Done {
        let (_, keyspace) = self.keyspace(a)?;
        let long = vec![b'x'; 65_536 + b as usize % 3];
        let kind = |answer: Answer<_>| answer.map(drop).map_err(|error: Error| error.kind());
        let mut batch = Batch::new();
        batch.put(&keyspace, key_of(b), b"never").put(&keyspace, &long, b"never");
        let answers = [
            kind(keyspace.put(&long, b"never")),
            kind(keyspace.delete(&long)),
            kind(self.db()?.write(&batch)),
        ];
        let expected =
            [Err(ErrorKind::TooLarge), Err(ErrorKind::TooLarge), Err(ErrorKind::TooLarge)];
        same("a key that is too long", answers, expected)?;
        match self.dropped.last() {
            Some(dropped) => {
                let answers = [kind(dropped.put("a", "b")), kind(dropped.delete("a"))];
                same("writes to what was dropped", answers, [Err(ErrorKind::Closed); 2])?;
                let read = dropped.get("a").map(drop).map_err(|error| error.kind());
                same("a read of what was dropped", read, Err(ErrorKind::Closed))
            }
            None => Ok(()),
        }
    }

    fn read_newest(&self, act: &Act) -> Done {
        let (name, keyspace) = self.keyspace(act.args[0])?;
        let id = self.contents.id(&name).unwrap();
        let pairs = self.contents.pairs(id);
        match read_options_of(act.args[3]) {
            None => read(&keyspace, pairs, act),
            Some(options) => or_busy(options, read(&keyspace.with(options), pairs, act)),
        }
    }

    fn read_old(&self, number: u64, act: &Act) -> Done {
        let count = self.snapshots.len().max(1);
        let Some((snapshot, old)) = self.snapshots.get(number as usize % count) else {
            return Ok(());
        };
        let (name, keyspace) = self.keyspace(act.args[0])?;
        // The keyspace of today, which may not have been there then.
        let id = self.contents.id(&name).unwrap();
        let (keyspace, pairs) = (keyspace.at(snapshot), old.pairs(id));
        let seen = match read_options_of(act.args[3]) {
            None => read(&keyspace, pairs, act),
            Some(options) => or_busy(options, read(&keyspace.with(options), pairs, act)),
        };
        seen.map_err(|why| format!("snapshot {:?}: {why}", snapshot.seqno()))
    }

    fn snap(&mut self) -> Done {
        let snapshot = self.db()?.snapshot().map_err(said)?;
        if self.snapshots.len() >= 6 {
            self.snapshots.remove(self.serial as usize % 6);
        }
        self.snapshots.push((snapshot, self.contents.clone()));
        Ok(())
    }

    fn hold(&mut self, a: u64, b: u64, c: u64) -> Done {
        let (name, keyspace) = self.keyspace(a)?;
        let (lower, upper) = (bound_of(b), bound_of(c));
        let pairs = self.contents.pairs(self.contents.id(&name).unwrap());
        let left = within(pairs, &lower, &upper);
        if self.held.len() >= 4 {
            self.held.remove(0);
        }
        self.held.push(Held { range: keyspace.range((lower, upper)), left });
        Ok(())
    }

    fn advance(&mut self, a: u64, b: u64) -> Done {
        let count = self.held.len().max(1);
        let Some(held) = self.held.get_mut(a as usize % count) else { return Ok(()) };
        (0..1 + b % 9).try_for_each(|step| held.step(b >> step & 1 == 1))
    }

    fn start_walk(&mut self, act: &Act) -> Done {
        let [a, b, c, d] = act.args;
        let (name, keyspace) = self.keyspace(a)?;
        let (id, bounds) = (self.contents.id(&name).unwrap(), (bound_of(b), bound_of(c)));
        let old = self.snapshots.get(d as usize % 12);
        let (range, pairs) = match old {
            Some((snapshot, old)) => (keyspace.at(snapshot).range(bounds.clone()), old.pairs(id)),
            None => {
                let options = ReadOptions::new().fill_cache(d % 5 > 0).verify(d % 7 == 0);
                (keyspace.with(options).range(bounds.clone()), self.contents.pairs(id))
            }
        };
        let is_keys_only = d / 12 % 4 == 0;
        let cursor = if is_keys_only { range.keys().cursor() } else { range.cursor() };
        let walker = Walker::new(cursor, bounds, is_keys_only, pairs);
        let walk = Walk { walker, name, id, is_old: old.is_some() };
        if self.walks.len() >= 4 {
            self.walks.remove(0);
        }
        self.walks.push(walk);
        Ok(())
    }

    fn walk(&mut self, a: u64, b: u64) -> Done {
        let count = self.walks.len().max(1);
        let Some(walk) = self.walks.get_mut(a as usize % count) else { return Ok(()) };
        let newest = match self.contents.id(&walk.name) {
            _ if walk.is_old => Newest::Same,
            Some(id) if id == walk.id => Newest::Pairs(self.contents.pairs(id)),
            _ => Newest::Closed,
        };
        let mut dice = Dice(b);
        (0..1 + b % 15).try_for_each(|_| Ok(walk.walker.step(&mut dice, &newest)?))
    }

    fn make(&mut self, a: u64, b: u64) -> Done {
        let name = NAMES[1 + (a % 3) as usize];
        if self.contents.id(name).is_some() {
            let keyspace = self.db()?.keyspace(name).map_err(said)?;
            let again = self.db()?.keyspace_with(name, keyspace.options()).map(drop);
            return again.map_err(said);
        }
        // On a machine tables are merged at any time, so that nothing would ever be known.
        let sweeping = self.world.as_ref().and_then(|_| sweeping(b, &keyspace_options_of(b)));
        let is_swept = sweeping.is_some();
        let chosen = sweeping.unwrap_or_else(|| merging_options_of(b));
        let keyspace = self.db()?.keyspace_with(name, chosen.clone()).map_err(said)?;
        same("options", keyspace.options(), chosen.clone())?;
        let ttl = ttl_of(&chosen);
        self.change(&[Change::Make(name.to_owned())]);
        ttl.into_iter().for_each(|minutes| self.contents.set_ttl(name, minutes));
        match operator_of(b) {
            _ if is_swept => self.contents.set_swept(name),
            Some(operator) => self.contents.set_operator(name, operator),
            None => {}
        }
        Ok(())
    }

    fn drop_keyspace(&mut self, a: u64) -> Done {
        let name = NAMES[1 + (a % 3) as usize];
        let is_there = self.contents.id(name).is_some();
        if is_there {
            self.dropped.push(self.db()?.keyspace(name).map_err(said)?);
        }
        let was_there = self.db()?.drop_keyspace(name).map_err(said)?;
        self.change(&[Change::Drop(name.to_owned())]);
        same("a keyspace that is dropped", was_there, is_there)
    }

    fn flush(&mut self) -> Done {
        self.db()?.flush().map_err(said)?;
        self.has_volatile = false;
        Ok(())
    }

    fn wait_durable(&mut self, a: u64, b: u64) -> Done {
        let (name, keyspace) = self.keyspace(a)?;
        let (key, value) = (key_of(b), value_of(99, self.serial));
        let options = WriteOptions::new().durability(Durability::Buffered);
        let seqno = keyspace.put_with(&key, &value, &options).map_err(said)?;
        self.change(&[Change::Put(name, key, value)]);
        self.db()?.wait_durable(seqno).map_err(said)?;
        same("a durable number", self.db()?.durable_seqno() >= seqno, true)
    }

    fn idle(&mut self, a: u64) -> Done {
        match &self.world {
            Some(world) => {
                world.clock.advance(Duration::from_millis(a % 3000));
                world.scheduler.run_until_idle();
            }
            None => std::thread::sleep(Duration::from_millis(a % 4)),
        }
        self.db()?.fault().map_or(Ok(()), |fault| Err(said(fault)))
    }

    fn estimate(&self, a: u64, b: u64, c: u64) -> Done {
        let (name, keyspace) = self.keyspace(a)?;
        let pairs = self.contents.id(&name).map(|id| self.contents.pairs(id));
        let (lower, upper) = (bound_of(b), bound_of(c));
        let range = (lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice));
        check_estimates(&keyspace, pairs.ok_or("no keyspace")?, range, 1 + (a % 9) as usize)?;
        // On a machine a merge may end between the two questions: then they are asked again.
        let mut questions = if self.world.is_some() { 1 } else { 20 };
        loop {
            let part = keyspace.approximate_bytes((bound_of(b), bound_of(c))).map_err(said)?;
            let whole = keyspace.approximate_bytes(..).map_err(said)?;
            questions -= 1;
            if part <= whole || questions == 0 {
                same("a part that is no larger than the whole", part <= whole, true)?;
                break;
            }
        }
        // Deletes are taken off it, also those of what was not there: no bound can be held.
        keyspace.approximate_len().map(drop).map_err(said)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let held = (std::mem::take(&mut self.held), std::mem::take(&mut self.walks));
        let handles = (self.db.take(), held, self.dropped.split_off(0));
        match &self.world {
            Some(world) => kill(world, (handles, std::mem::take(&mut self.snapshots))),
            None => drop(handles),
        }
    }
}
