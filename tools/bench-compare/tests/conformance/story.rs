//! What a store goes through, with a map beside it that says what has to be there.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use lsm_bench::store::{Engine, Result, Session, Setup, Store, Walk};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
type Pair = (Vec<u8>, Vec<u8>);

/// Small, so that tables are written and merged.
pub(crate) fn setup() -> Setup {
    Setup {
        cache_bytes: 1 << 20,
        memtable_bytes: 256 << 10,
        filter_bits: 10,
        is_packed: true,
        is_synced: false,
        background_threads: 2,
    }
}

/// Whether it can be opened at all.
pub(crate) fn is_there(engine: &dyn Engine) -> Result<()> {
    let dir = tempfile::tempdir()?;
    engine.open(dir.path(), &setup()).map(drop)
}

/// The whole story; a failure says what was wrong.
pub(crate) fn tell(engine: &dyn Engine) -> Result<()> {
    for is_packed in [true, false] {
        let dir = tempfile::tempdir()?;
        lives(engine, &dir.path().join("new"), &Setup { is_packed, ..setup() })?;
    }
    let dir = tempfile::tempdir()?;
    many_threads(engine, dir.path())?;
    let dir = tempfile::tempdir()?;
    synced(engine, dir.path())
}

/// A sequence of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// One of few keys, of different lengths, so that many are written again.
    fn key(&mut self) -> Vec<u8> {
        let number = self.below(1000);
        let tail = [0x7f_u8, 0x80, 0xff].repeat(usize::try_from(number % 5).unwrap_or(0));
        [format!("{:05}", number).into_bytes(), tail].concat()
    }

    /// Mostly short, some empty, some longer than a block.
    fn value(&mut self) -> Vec<u8> {
        let len = match self.below(100) {
            0..5 => 0,
            5..98 => self.below(300),
            _ => 5_000 + self.below(20_000),
        };
        (0..len).map(|_| self.below(8) as u8 * 31).collect()
    }
}

/// Writes at random, the same into the map.
fn write(session: &mut dyn Session, model: &mut Map, dice: &mut Dice, count: usize) -> Result<()> {
    for _ in 0..count {
        match dice.below(10) {
            0..6 => {
                let (key, value) = (dice.key(), dice.value());
                session.put(&key, &value)?;
                model.insert(key, value);
            }
            6..9 => {
                let key = dice.key();
                session.delete(&key)?;
                model.remove(&key);
            }
            _ => {
                let pairs: Vec<Pair> = (0..20).map(|_| (dice.key(), dice.value())).collect();
                let lent: Vec<_> =
                    pairs.iter().map(|(key, value)| (&key[..], &value[..])).collect();
                session.put_all(&lent)?;
                model.extend(pairs);
            }
        }
    }
    Ok(())
}

fn same<T: PartialEq>(found: &T, wanted: &T, what: &str) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is not what was written").into()) }
}

/// Everything that can be asked, against the map.
fn verify(session: &mut dyn Session, model: &Map, dice: &mut Dice) -> Result<()> {
    let mut value = b"before".to_vec();
    for number in 0..200 {
        let key = if number < 100 { dice.key() } else { [&dice.key()[..], b"-"].concat() };
        let found = session.get(&key, &mut value)?.then(|| value.clone());
        same(&found.as_ref(), &model.get(&key), "a value")?;
    }
    many(session, model, dice)?;
    let mut cursor = session.cursor()?;
    let mut whole: Vec<Pair> = model.clone().into_iter().collect();
    same(&walked(&mut *cursor, Walk::FromFirst, usize::MAX)?, &whole, "a walk")?;
    for _ in 0..50 {
        // Half of the places to begin at are keys, others lie between or behind them.
        let start = if dice.below(2) == 0 { dice.key() } else { [&dice.key()[..], &[0]].concat() };
        let count = dice.below(20) as usize + 1;
        let found = walked(&mut *cursor, Walk::From(&start), count)?;
        let ahead = model.range(start.clone()..).take(count);
        same(&found, &owned(ahead), "a walk from a key")?;
        let found = walked(&mut *cursor, Walk::DownFrom(&start), count)?;
        let back = model.range(..=start).rev().take(count);
        same(&found, &owned(back), "a walk down from a key")?;
    }
    same(&walked(&mut *cursor, Walk::From(b"~"), 1)?, &Vec::new(), "a walk from the end")?;
    same(&walked(&mut *cursor, Walk::DownFrom(b"!"), 1)?, &Vec::new(), "a walk from the start")?;
    let last = walked(&mut *cursor, Walk::DownFrom(b"~"), 1)?;
    same(&last, &owned(model.iter().rev().take(1)), "the last pair")?;
    whole.reverse();
    same(&walked(&mut *cursor, Walk::FromLast, usize::MAX)?, &whole, "a walk back")
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>) -> Vec<Pair> {
    pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn walked(
    cursor: &mut dyn lsm_bench::store::Cursor,
    walk: Walk<'_>,
    count: usize,
) -> Result<Vec<Pair>> {
    let mut found = Vec::new();
    cursor.walk(walk, &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        found.len() < count
    })?;
    Ok(found)
}

/// Many keys at once: some are missing, some come twice.
fn many(session: &mut dyn Session, model: &Map, dice: &mut Dice) -> Result<()> {
    for count in [0, 1, 7, 100] {
        let mut keys: Vec<Vec<u8>> = (0..count).map(|_| dice.key()).collect();
        keys.extend(keys.first().cloned());
        let lent: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let mut found: Vec<Option<Vec<u8>>> = vec![None; keys.len()];
        session.get_all(&lent, &mut |place, value| found[place] = Some(value.to_vec()))?;
        let wanted: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
        same(&found, &wanted, "one of many values")?;
    }
    Ok(())
}

/// Writing and reading through everything that happens to a store.
fn lives(engine: &dyn Engine, dir: &Path, setup: &Setup) -> Result<()> {
    let (mut model, mut dice) = (Map::new(), Dice(0x9e37_79b9_7f4a_7c15));
    for round in 0..3 {
        let store = engine.open(dir, setup)?;
        let mut session = store.session()?;
        verify(&mut *session, &model, &mut dice)?;
        write(&mut *session, &mut model, &mut dice, 1500)?;
        verify(&mut *session, &model, &mut dice)?;
        verify(&mut *store.session()?, &model, &mut dice)?;
        store.settle()?;
        verify(&mut *session, &model, &mut dice)?;
        drop(session);
        if round > 0 {
            store.compact()?;
            verify(&mut *store.session()?, &model, &mut dice)?;
        }
        write(&mut *store.session()?, &mut model, &mut dice, 100)?;
    }
    verify(&mut *engine.open(dir, setup)?.session()?, &model, &mut dice)
}

const THREADS: u64 = 4;

/// Each thread writes keys of its own, and reads what it wrote while others write.
fn many_threads(engine: &dyn Engine, dir: &Path) -> Result<()> {
    let store = engine.open(dir, &setup())?;
    let mut model = Map::new();
    thread::scope(|scope| {
        let work = |thread| {
            scope.spawn({
                let store = &*store;
                move || alone(store, thread)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(work).collect();
        for thread in threads {
            model.extend(thread.join().map_err(|_| "a thread panicked")??);
        }
        Ok::<(), lsm_bench::store::Failure>(())
    })?;
    let found = walked(&mut *store.session()?.cursor()?, Walk::FromFirst, usize::MAX)?;
    same(&found, &model.into_iter().collect(), "what threads wrote")
}

fn alone(store: &dyn Store, thread: u64) -> Result<Map> {
    let (mut session, mut model) = (store.session()?, Map::new());
    let (mut dice, mut value) = (Dice(thread + 1), Vec::new());
    for _ in 0..300 {
        let key = [&[b'a' + thread as u8], &dice.key()[..]].concat();
        let written = dice.value();
        session.put(&key, &written)?;
        let found = session.get(&key, &mut value)?.then_some(&value);
        same(&found, &Some(&written), "a thread's own value")?;
        model.insert(key, written);
    }
    Ok(model)
}

/// Writes that reach the disk.
fn synced(engine: &dyn Engine, dir: &Path) -> Result<()> {
    let setup = Setup { is_synced: true, ..setup() };
    let (mut model, mut dice) = (Map::new(), Dice(7));
    write(&mut *engine.open(dir, &setup)?.session()?, &mut model, &mut dice, 30)?;
    verify(&mut *engine.open(dir, &setup)?.session()?, &model, &mut dice)
}
