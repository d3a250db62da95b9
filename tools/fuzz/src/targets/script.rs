//! Calls of the public API with any arguments, beside a plain map.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Batch, Comparator, Db, Durability, ErrorKind, Keyspace, KeyspaceOptions, Options, Result,
    Slice, Snapshot, WriteOptions,
};

use crate::input::Input;
use crate::place::PATH;
use crate::specimen::{Pairs, Specimen, kill, options};
use crate::target::{DATABASE, Target};

mod model;
mod strange;

use model::{Bounds, Model};

/// Scripts of the API.
pub const SCRIPT: Target = Target {
    name: "script",
    about: "calls of the public API with any arguments, beside a plain map",
    run: script,
    seeds,
    memory: DATABASE,
};

const KEY_MAX: usize = 65_535;

/// The calls.
mod call {
    pub(super) const PUT: u8 = 0;
    pub(super) const DELETE: u8 = 1;
    pub(super) const DELETE_RANGE: u8 = 2;
    pub(super) const GET: u8 = 3;
    pub(super) const SCAN: u8 = 4;
    pub(super) const BATCH: u8 = 5;
    pub(super) const SNAPSHOT: u8 = 6;
    pub(super) const FLUSH: u8 = 7;
    pub(super) const COMPACT: u8 = 8;
    pub(super) const REOPEN: u8 = 9;
    pub(super) const KILL: u8 = 10;
    pub(super) const KEYSPACE: u8 = 11;
    pub(super) const DROP: u8 = 12;
    pub(super) const MERGE: u8 = 13;
    pub(super) const CURSOR: u8 = 14;
    pub(super) const NONSENSE: u8 = 15;
    pub(super) const CONDITION: u8 = 16;
    pub(super) const COUNT: u8 = 17;
}

fn seeds(_: &Specimen) -> Vec<Vec<u8>> {
    let put = |key: u8, len: u8| vec![call::PUT, 0, 1, key, len, 0, key, 0];
    let several =
        |count: u8, len: u8| (0..count).flat_map(|key| put(key, len)).collect::<Vec<u8>>();
    let range = [0, 1, 3, 0, 1, 9];
    let scan = [&[call::SCAN, 0][..], &range, &[call::SCAN, 1], &range].concat();
    let tables = [&several(10, 40)[..], &[call::FLUSH, 0], &several(4, 90), &scan].concat();
    let ends =
        [&tables[..], &[call::DELETE_RANGE, 0], &range, &[call::COMPACT, 0], &range].concat();
    let lives =
        [&ends[..], &[call::REOPEN], &scan, &several(3, 200), &[call::KILL], &scan].concat();
    let keyspaces =
        (0..5u8).flat_map(|it| [call::KEYSPACE, it, it, call::PUT, it, 1, 7, 9, 0, 7, 0]);
    let keyspaces: Vec<u8> = keyspaces.chain([call::DROP, 1, call::REOPEN]).collect();
    let merges =
        [call::MERGE, 1, 1, 5, 2, 0, b'a', b'b', call::FLUSH, 1, call::MERGE, 1, 1, 5, 0, 0];
    let merges = [&keyspaces[..], &merges, &scan].concat();
    let snapshot =
        [&tables[..], &[call::SNAPSHOT, 0], &several(9, 5), &[call::SNAPSHOT, 1]].concat();
    let nonsense = (0..12u8).flat_map(|it| [call::NONSENSE, it, 3, 0, b'a', b'=', b';']).collect();
    let huge = [call::PUT, 0, 255, 1, 255, 255, 7, 1, call::GET, 0, 255, 1, call::GET, 0, 254, 1];
    let batch = [call::BATCH, 4, 0, 0, 1, 1, 9, 0, 1, 0, 1, 1, 1, 1, 2, 2, 0, 1, 0, 1, 9, 3];
    let others = [call::CURSOR, 0, 1, 3, 0, 1, 1, 0, call::CONDITION, 0, 1, 3, 0, 2, 0, 1, 0];
    let others = [&several(6, 20)[..], &others, &batch].concat();
    vec![tables, ends, lives, keyspaces, merges, snapshot, nonsense, huge.to_vec(), others]
}

/// A database that is played with, and what it must hold.
struct Player<'a> {
    input: Input<'a>,
    disk: SimDisk,
    world: SimWorld,
    db: Option<Db>,
    options: Options,
    model: BTreeMap<String, Model>,
    snapshots: Vec<(Snapshot, BTreeMap<String, Model>)>,
    lives: u64,
}

const NAMES: [&str; 5] = ["default", "one", "two", "backward", "apart"];

fn script(bytes: &[u8]) {
    let mut player = Player::new(bytes);
    for _ in 0..96 {
        if player.input.is_empty() {
            break;
        }
        player.act();
        player.world.clock.advance(Duration::from_millis(7));
    }
    player.compare();
    player.snapshots.clear();
    player.db.take().unwrap().close().expect("a database is not closed");
}

impl<'a> Player<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let disk = SimDisk::new();
        let world = SimWorld::from_disk(disk.clone(), 1);
        let (input, options) = (Input::new(bytes), options());
        let model = [("default".to_owned(), Model::default())].into();
        let (snapshots, lives) = (Vec::new(), 0);
        let mut player = Self { input, disk, world, db: None, options, model, snapshots, lives };
        player.open();
        player
    }

    /// Opens the database in a new world around its disk.
    fn open(&mut self) {
        self.lives += 1;
        let millis = lsm_core::env::clock::Clock::wall_millis(&self.world.clock);
        self.world = SimWorld::from_disk(self.disk.clone(), self.lives);
        self.world.clock.set_wall_millis(millis);
        let builder = Db::builder(Path::new(PATH)).options(self.options.clone());
        self.db = Some(builder.env(self.world.env()).open().expect("it is not opened again"));
    }

    fn db(&self) -> &Db {
        self.db.as_ref().unwrap()
    }

    /// A key of a few, of any bytes, or one of a length at the limit.
    fn key(&mut self) -> Vec<u8> {
        match self.input.u8() {
            len @ 0..=15 => self.input.bytes(usize::from(len)).to_vec(),
            254 => vec![self.input.u8(); KEY_MAX],
            255 => vec![self.input.u8(); KEY_MAX + 1],
            short => vec![b'k', short % 16],
        }
    }

    /// A value of any length, of one byte or of many.
    fn value(&mut self) -> Vec<u8> {
        let (len, with) = (usize::from(self.input.u16()), self.input.u8());
        // Few are long.
        let len = if with % 8 == 7 { len } else { len % 300 };
        let step = self.input.u8();
        (0..len).map(|at| with.wrapping_add((at as u8).wrapping_mul(step))).collect()
    }

    /// One of the keyspaces that there are.
    fn keyspace(&mut self) -> Keyspace {
        let name = NAMES[self.input.below_of_byte(NAMES.len())];
        let name = if self.model.contains_key(name) { name } else { "default" };
        self.db().keyspace(name).expect("a keyspace is not there")
    }

    fn range(&mut self) -> Bounds {
        let how = self.input.u8();
        let (from, to) = (self.key(), self.key());
        let of = |how: u8, key| match how % 3 {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        };
        (of(how, from), of(how / 3, to))
    }

    fn act(&mut self) {
        match self.input.u8() % call::COUNT {
            call::PUT => self.put(),
            call::DELETE => self.delete(),
            call::DELETE_RANGE => self.delete_range(),
            call::GET => self.get(),
            call::SCAN => self.scan(),
            call::BATCH => self.batch(),
            call::SNAPSHOT => self.snapshot(),
            call::FLUSH => self.keyspace().flush().expect("a flush fails"),
            call::COMPACT => {
                let (keyspace, range) = (self.keyspace(), self.range());
                keyspace.compact(range).expect("a compaction fails");
                self.world.scheduler.run_until_idle();
            }
            call::REOPEN => {
                self.snapshots.clear();
                self.db.take().unwrap().close().expect("a database is not closed");
                self.open();
            }
            call::KILL => {
                self.db().sync().expect("a sync fails");
                let handles = (self.db.take(), std::mem::take(&mut self.snapshots));
                kill(&self.world, handles);
                self.disk = self.disk.process_crash();
                self.open();
                self.compare();
            }
            call::KEYSPACE => self.make_keyspace(),
            call::DROP => {
                let name = NAMES[self.input.below_of_byte(NAMES.len())];
                let dropped = self.db().drop_keyspace(name);
                if name != "default" {
                    let was_there = self.model.remove(name).is_some();
                    assert_eq!(dropped.expect("a keyspace is not dropped"), was_there);
                }
            }
            call::MERGE => self.merge(),
            call::CURSOR => self.cursor(),
            call::CONDITION => self.condition(),
            _ => self.nonsense(),
        }
    }

    /// True if the call was taken, which it must be just where the key is not too long.
    fn is_taken<T>(keys: &[&[u8]], is_reverse: bool, answer: Result<T>) -> bool {
        // A reversed key is longer where it is stored.
        let stored = |key: &[u8]| match is_reverse {
            true => key.len() + 2 + key.iter().filter(|byte| **byte == 0).count(),
            false => key.len(),
        };
        let fits = keys.iter().all(|key| stored(key) <= KEY_MAX);
        match answer {
            Ok(_) => assert!(fits, "a key that is too long is taken"),
            Err(error) => {
                assert!(!fits, "{error}");
                assert!(matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::InvalidArgument));
            }
        }
        fits
    }

    fn model(&mut self, keyspace: &Keyspace) -> &mut Model {
        self.model.get_mut(keyspace.name()).unwrap()
    }

    fn put(&mut self) {
        let (keyspace, key, value) = (self.keyspace(), self.key(), self.value());
        let durability = [Durability::Buffered, Durability::Durable][key.len() % 2];
        let options = WriteOptions::new().durability(durability);
        let answer = keyspace.put_with(&key, &value, &options);
        let model = self.model(&keyspace);
        if Self::is_taken(&[&key], model.is_reverse, answer) {
            model.pairs.insert(key, value);
        }
    }

    fn delete(&mut self) {
        let (keyspace, key) = (self.keyspace(), self.key());
        let answer = keyspace.delete(&key);
        let model = self.model(&keyspace);
        if Self::is_taken(&[&key], model.is_reverse, answer) {
            model.pairs.remove(&key);
        }
    }

    fn delete_range(&mut self) {
        let (keyspace, range) = (self.keyspace(), self.range());
        let answer = keyspace.delete_range(range.clone());
        let model = self.model(&keyspace);
        match answer {
            Ok(_) => {
                let gone: Vec<Vec<u8>> = model.within(&range).map(|(key, _)| key.clone()).collect();
                gone.iter().for_each(|key| drop(model.pairs.remove(key)));
            }
            Err(error) => {
                let is_long = |bound: &Bound<Vec<u8>>| match bound {
                    Bound::Included(key) | Bound::Excluded(key) => key.len() > KEY_MAX / 2,
                    Bound::Unbounded => false,
                };
                assert!(is_long(&range.0) || is_long(&range.1), "{error}");
            }
        }
    }

    fn get(&mut self) {
        let (keyspace, key) = (self.keyspace(), self.key());
        let found = keyspace.get(&key);
        let expected = self.model(&keyspace).pairs.get(&key).cloned();
        match found {
            Ok(found) => assert_eq!(found.as_deref(), expected.as_deref(), "{key:?}"),
            Err(error) => assert!(key.len() > KEY_MAX / 2, "{error}"),
        }
    }

    fn scan(&mut self) {
        let (keyspace, range) = (self.keyspace(), self.range());
        let backward = range.0 == Bound::Unbounded;
        let pairs = keyspace.range(range.clone());
        let found: Result<Vec<(Slice, Slice)>> =
            if backward { pairs.rev().collect() } else { pairs.collect() };
        let counted = keyspace.count(range.clone());
        let model = self.model(&keyspace);
        let mut expected: Vec<_> = model.within(&range).collect();
        if backward != model.is_reverse {
            expected.reverse();
        }
        let Ok(found) = found else { return Self::excuse(&range) };
        let same = found.iter().map(|(key, value)| (&**key, &**value));
        assert!(
            same.eq(expected.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))),
            "{}: {range:?} shows something else",
            keyspace.name()
        );
        assert_eq!(counted.expect("a count fails"), expected.len() as u64);
        let _any = (keyspace.approximate_count(range.clone()), keyspace.split_points(range, 3));
    }

    /// A range may be refused only for keys that are too long.
    fn excuse(range: &Bounds) {
        let is_long = |bound: &Bound<Vec<u8>>| match bound {
            Bound::Included(key) | Bound::Excluded(key) => key.len() > KEY_MAX / 2,
            Bound::Unbounded => false,
        };
        assert!(is_long(&range.0) || is_long(&range.1), "{range:?} is refused");
    }

    fn batch(&mut self) {
        let mut batch = Batch::new();
        let mut after = self.model.clone();
        let mut fits = true;
        for _ in 0..self.input.u8() % 8 {
            let what = self.input.u8();
            let (keyspace, key) = (self.keyspace(), self.key());
            let model = after.get_mut(keyspace.name()).unwrap();
            fits &= key.len() <= KEY_MAX / 2;
            if what % 3 == 0 {
                let value = self.value();
                batch.put(&keyspace, &key, &value);
                model.pairs.insert(key, value);
            } else if what % 3 == 1 {
                batch.delete(&keyspace, &key);
                model.pairs.remove(&key);
            } else {
                batch.delete_range(&keyspace, key.as_slice()..);
                let range = (Bound::Included(key), Bound::Unbounded);
                let gone: Vec<Vec<u8>> = model.within(&range).map(|(key, _)| key.clone()).collect();
                gone.iter().for_each(|key| drop(model.pairs.remove(key)));
            }
        }
        match self.db().write(&batch) {
            Ok(_) => self.model = after,
            Err(error) => assert!(!fits, "{error}"),
        }
        self.compare();
    }

    fn snapshot(&mut self) {
        if self.input.u8() % 2 == 0 || self.snapshots.is_empty() {
            let taken = self.db().snapshot().expect("no snapshot is given");
            self.snapshots.push((taken, self.model.clone()));
        } else {
            let (snapshot, models) = self.snapshots.remove(0);
            for (name, model) in models {
                // One that was dropped meanwhile is gone for snapshots of it, too.
                let Some(now) = self.model.get(&name) else { continue };
                if now.is_reverse != model.is_reverse {
                    continue;
                }
                let Ok(keyspace) = self.db().keyspace(&name) else { continue };
                let pairs = keyspace.at(&snapshot).iter().collect::<Result<Vec<(Slice, Slice)>>>();
                let Ok(pairs) = pairs else { continue };
                let is_new = pairs.is_empty() && !model.pairs.is_empty() && name != "default";
                let found: Pairs =
                    pairs.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
                assert!(is_new || found == model.pairs, "{name}: a snapshot has changed");
            }
        }
    }

    fn make_keyspace(&mut self) {
        let name = NAMES[self.input.below_of_byte(NAMES.len())];
        let how = self.input.u8();
        let is_reverse = name == "backward";
        let mut options = KeyspaceOptions::new().block_bytes(512 << (how % 3));
        let merges = name == "one";
        if is_reverse {
            options = options.comparator(Comparator::Reverse);
        }
        if merges {
            options = options.merge_operator("append");
        }
        if name == "apart" {
            options = options.blob_threshold(64);
        }
        if name != "default" && !self.model.contains_key(name) {
            self.db().keyspace_with(name, options).expect("a keyspace is not made");
            let model = Model { is_reverse, merges, pairs: Pairs::new() };
            self.model.insert(name.to_owned(), model);
        }
    }

    fn merge(&mut self) {
        let (keyspace, key, operand) = (self.keyspace(), self.key(), self.value());
        let answer = keyspace.merge(&key, &operand);
        let model = self.model(&keyspace);
        if !model.merges {
            assert!(answer.is_err(), "a keyspace without an operator merges");
        } else if Self::is_taken(&[&key], false, answer) {
            model.pairs.entry(key).or_default().extend(operand);
        }
    }

    /// Holds everything against the model.
    fn compare(&self) {
        for (name, model) in &self.model {
            let keyspace = self.db().keyspace(name).expect("a keyspace is not there");
            let found =
                keyspace.iter().collect::<Result<Vec<(Slice, Slice)>>>().expect("a scan fails");
            let mut expected: Vec<_> = model.pairs.iter().collect();
            if model.is_reverse {
                expected.reverse();
            }
            let same = found.iter().map(|(key, value)| (&**key, &**value));
            assert!(
                same.eq(expected.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))),
                "{name} shows something else than was written"
            );
        }
    }
}
