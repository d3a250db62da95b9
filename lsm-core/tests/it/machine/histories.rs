//! Histories: threads write batches, conditional ones too, take snapshots, look and scan, while
//! memtables are flushed and tables merged. Everything they did and saw is written down, and held
//! against the numbers that commits and snapshots had: snapshot isolation, exactly.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::{
    Batch, Db, ErrorKind, Keyspace, KeyspaceOptions, LogMode, MemtableKind, Options, Read,
};

use crate::machine::history::{Event, History, Key, Span, Value};
use crate::machine::kit::{Dice, MODES, TempDir, mode_name};

/// Keys; the upper half is in the second keyspace.
const KEYS: Key = 16;
const HALF: Key = KEYS / 2;
/// Events of one thread, at most.
const EVENTS_MAX: usize = 40_000;

struct Stage<'a> {
    keyspaces: [&'a Keyspace; 2],
    db: &'a Db,
    clock: AtomicU64,
    is_over: AtomicBool,
}

/// One thread: what it did, and what it will do.
struct Player<'a> {
    stage: &'a Stage<'a>,
    number: u64,
    dice: Dice,
    written: u64,
    events: Vec<(Span, Event)>,
}

impl Stage<'_> {
    /// What one thread did and saw.
    fn play(&self, number: u64, seed: u64) -> Vec<(Span, Event)> {
        let dice = Dice(seed << 8 | number);
        let mut player = Player { stage: self, number, dice, written: 0, events: Vec::new() };
        while player.goes_on() {
            match number {
                0..4 => player.write(),
                4..8 => player.read(),
                _ => player.tidy_up(),
            }
        }
        player.events
    }
}

fn name(key: Key) -> [u8; 3] {
    [b'k', b'0' + key % HALF, b'.']
}

impl<'a> Player<'a> {
    fn tick(&self) -> u64 {
        self.stage.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn goes_on(&self) -> bool {
        self.events.len() < EVENTS_MAX && !self.stage.is_over.load(Ordering::Relaxed)
    }

    fn note(&mut self, begun: u64, event: Event) {
        let ended = self.tick();
        self.events.push((Span { begun, ended }, event));
    }

    fn place(&self, key: Key) -> &'a Keyspace {
        self.stage.keyspaces[usize::from(key >= HALF)]
    }

    fn some_keys(&mut self, most: u64) -> Vec<Key> {
        let count = 1 + self.dice.below(most);
        let mut keys: Vec<Key> =
            (0..count).map(|_| self.dice.below(u64::from(KEYS)) as Key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A number that nobody else writes, with some bytes that fill memtables.
    fn value(&mut self) -> (u64, Vec<u8>) {
        self.written += 1;
        let value = self.number << 40 | self.written;
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.resize(8 + self.dice.below(300) as usize, 7);
        (value, bytes)
    }

    /// A batch over some keys; with a condition it is sure that they are as a snapshot shows them.
    fn write(&mut self) {
        let keys = self.some_keys(5);
        let snapshot = (self.dice.below(2) == 0).then(|| self.stage.db.snapshot().unwrap());
        if snapshot.is_some() && self.dice.below(2) == 0 {
            std::thread::yield_now();
        }
        let mut batch = Batch::new();
        let mut writes = Vec::new();
        for &key in &keys {
            if let Some(snapshot) = &snapshot {
                batch.require_unchanged(self.place(key), name(key), snapshot);
            }
            if self.dice.below(8) == 0 {
                batch.delete(self.place(key), name(key));
                writes.push((key, None));
            } else {
                let (value, bytes) = self.value();
                batch.put(self.place(key), name(key), bytes);
                writes.push((key, Some(value)));
            }
        }
        if self.dice.below(30) == 0 {
            self.clear_half(&mut batch, &mut writes);
        }
        let (begun, count) = (self.tick(), batch.len() as u64);
        let sure_of = snapshot.as_ref().map(|snapshot| (snapshot.seqno().get(), keys));
        match (self.stage.db.write(&batch), sure_of) {
            (Ok(last), sure_of) => {
                let (first, last) = (last.get() + 1 - count, last.get());
                self.note(begun, Event::Commit { first, last, writes, sure_of });
            }
            (Err(error), Some((since, keys))) if error.kind() == ErrorKind::Conflict => {
                self.note(begun, Event::Refused { since, keys });
            }
            (Err(error), _) => panic!("{error:?}"),
        }
    }

    /// Deletes all keys of one keyspace, behind what the batch does before.
    fn clear_half(&mut self, batch: &mut Batch, writes: &mut Vec<(Key, Value)>) {
        let from = HALF * self.dice.below(2) as Key;
        batch.delete_range(self.place(from), "k".."l");
        writes.retain(|(key, _)| !(from..from + HALF).contains(key));
        writes.extend((from..from + HALF).map(|key| (key, None)));
    }

    fn read(&mut self) {
        match self.dice.below(4) {
            0 => self.view(),
            1 => self.scan(),
            2 => self.get_many(),
            _ => self.get(),
        }
    }

    fn view(&mut self) {
        let begun = self.tick();
        let snapshot = self.stage.db.snapshot().unwrap();
        let ended = self.tick();
        if self.dice.below(3) == 0 {
            std::thread::sleep(Duration::from_micros(self.dice.below(3000)));
        }
        let mut seen = Vec::new();
        for half in 0..2 {
            let of = self.stage.keyspaces[usize::from(half)].at(&snapshot);
            match self.dice.below(2) {
                0 => seen.extend(all(&of, half, false)),
                _ => {
                    let key_of = |key| (half * HALF + key, value_of(of.get(name(key)).unwrap()));
                    seen.extend((0..HALF).map(key_of));
                }
            }
        }
        let event = Event::View { seqno: snapshot.seqno().get(), seen };
        self.events.push((Span { begun, ended }, event));
    }

    /// One iterator is one moment of one keyspace.
    fn scan(&mut self) {
        let (half, is_back) = (self.dice.below(2) as Key, self.dice.below(2) == 0);
        let begun = self.tick();
        let seen = all(self.stage.keyspaces[usize::from(half)], half, is_back);
        self.note(begun, Event::Look { seen });
    }

    /// All of them are of one moment.
    fn get_many(&mut self) {
        let half = self.dice.below(2) as Key;
        let names: Vec<_> = (0..HALF).map(name).collect();
        let begun = self.tick();
        let found = self.stage.keyspaces[usize::from(half)].get_many(&names).unwrap();
        let seen = (half * HALF..).zip(found).map(|(key, found)| (key, value_of(found))).collect();
        self.note(begun, Event::Look { seen });
    }

    fn get(&mut self) {
        let key = self.dice.below(u64::from(KEYS)) as Key;
        let begun = self.tick();
        let found = self.place(key).get(name(key)).unwrap();
        self.note(begun, Event::Look { seen: vec![(key, value_of(found))] });
    }

    fn tidy_up(&mut self) {
        match self.dice.below(3) {
            0 => self.stage.db.flush().unwrap(),
            1 => self.stage.db.compact(..).unwrap(),
            _ => self.stage.keyspaces[1].compact("k3".."k6").unwrap(),
        }
        std::thread::sleep(Duration::from_millis(self.dice.below(8)));
    }
}

fn value_of(found: Option<impl AsRef<[u8]>>) -> Value {
    found.map(|bytes| u64::from_le_bytes(bytes.as_ref()[..8].try_into().unwrap()))
}

/// What a scan shows of the keys of one half, those that it passes over included.
fn all(of: &impl Read, half: Key, is_back: bool) -> Vec<(Key, Value)> {
    let mut seen: Vec<(Key, Value)> = (half * HALF..(half + 1) * HALF).map(|k| (k, None)).collect();
    let pairs: Result<Vec<_>, _> =
        if is_back { of.prefix("k").rev().collect() } else { of.prefix("k").collect() };
    for (name, value) in pairs.unwrap() {
        seen[usize::from(name[1] - b'0')].1 = value_of(Some(value));
    }
    seen
}

fn story(mode: LogMode, memtable: MemtableKind, budget: Duration, seed: u64) {
    let dir = TempDir::new();
    let options = Options::new().memory_limit(16 << 20).memtable_bytes(64 << 10);
    let options = options.memtable(memtable).log_mode(mode);
    let db = Db::builder(dir.db()).options(options).open().unwrap();
    let apart = KeyspaceOptions::new().blob_threshold(200);
    let second = db.keyspace_with("second", apart).unwrap();
    let stage = Stage {
        keyspaces: [db.default_keyspace(), &second],
        db: &db,
        clock: AtomicU64::new(1),
        is_over: AtomicBool::new(false),
    };
    let begun = Instant::now();
    let mut events = Vec::new();
    std::thread::scope(|scope| {
        let play = |number| {
            scope.spawn({
                let stage = &stage;
                move || stage.play(number, seed)
            })
        };
        let players: Vec<_> = (0..9).map(play).collect();
        while begun.elapsed() < budget && players.iter().all(|player| !player.is_finished()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        stage.is_over.store(true, Ordering::Relaxed);
        players.into_iter().for_each(|player| events.extend(player.join().unwrap()));
    });
    let count = |is_it: fn(&Event) -> bool| events.iter().filter(|(_, e)| is_it(e)).count();
    let commits = count(|event| matches!(event, Event::Commit { .. }));
    let sure = count(|event| matches!(event, Event::Commit { sure_of: Some(_), .. }));
    let refused = count(|event| matches!(event, Event::Refused { .. }));
    let views = count(|event| matches!(event, Event::View { .. }));
    let looks = count(|event| matches!(event, Event::Look { .. }));
    println!(
        "{}, {memtable:?}, seed {seed}: {commits} commits, {sure} of them on a condition and \
         {refused} refused, {views} snapshots, {looks} looks: one order explains them all",
        mode_name(mode)
    );
    assert!(sure > 0 && refused > 0 && commits > sure && views > 0 && looks > 0);
    History::new(events).check().unwrap();
    db.verify().unwrap();
}

#[test]
fn histories_of_threads_are_those_of_one_order() {
    story(LogMode::Write, MemtableKind::Tree, Duration::from_millis(1500), 1);
    story(LogMode::Mapped, MemtableKind::SkipList, Duration::from_millis(1500), 2);
}

#[test]
#[ignore = "half a minute: make prove"]
fn prove_histories_of_threads_are_those_of_one_order() {
    for seed in 10..18 {
        for mode in MODES {
            let kind = if seed % 2 == 0 { MemtableKind::Tree } else { MemtableKind::SkipList };
            story(mode, kind, Duration::from_secs(2), seed);
        }
    }
}
