//! Random histories, read entry by entry before and after: every live reader sees the same.

use super::*;
use crate::cursor::testing::{Entry, Rng, no, sort};
use crate::cursor::tombstone::Tombstone;
use crate::key::trailer::trailer_of;

const KINDS: [Kind; 6] =
    [Kind::Put, Kind::Put, Kind::Delete, Kind::SingleDelete, Kind::PutExpiring, Kind::Merge];

/// What a reader finds in a key: entries up to the first that is no merge, newest first.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Found { kind: u8, value: Vec<u8>, merged: Vec<Vec<u8>> },
}

#[derive(Clone, Default)]
struct State {
    entries: Vec<Entry>,
    tombstones: Vec<Tombstone>,
}

impl State {
    fn read(&self, key: &[u8], reader: u64) -> Seen {
        let covers = |t: &&Tombstone| t.start.as_slice() <= key && key < t.end.as_slice();
        let seen = |t: &&Tombstone| t.seqno.get() <= reader;
        let covered =
            self.tombstones.iter().filter(covers).filter(seen).map(|t| t.seqno.get()).max();
        let mut merged = Vec::new();
        for entry in self.entries.iter().filter(|e| e.key == key && e.trailer >> 8 <= reader) {
            if entry.trailer >> 8 < covered.unwrap_or(0) {
                break;
            }
            let (kind, value) = ((entry.trailer & 0xff) as u8, entry.value.clone());
            match Kind::from_byte(kind) {
                Some(Kind::Merge) => merged.push(value),
                Some(Kind::Delete | Kind::SingleDelete) => break,
                _ => return Seen::Found { kind, value, merged },
            }
        }
        if merged.is_empty() {
            Seen::Nothing
        } else {
            Seen::Found { kind: 255, value: Vec::new(), merged }
        }
    }

    fn and(&self, older: &Self) -> Self {
        let mut entries = [self.entries.clone(), older.entries.clone()].concat();
        sort(&mut entries);
        Self { entries, tombstones: [self.tombstones.clone(), older.tombstones.clone()].concat() }
    }
}

fn key(number: u64) -> Vec<u8> {
    vec![0, 0, 0, 0, number as u8]
}

/// A history of writes with the numbers `from..to`, over six keys.
fn history(rng: &mut Rng, from: u64, to: u64) -> State {
    let mut state = State::default();
    for seqno in from..to {
        let first = rng.below(6);
        if rng.below(5) == 0 {
            let end = key(first + 1 + rng.below(6));
            state.tombstones.push(Tombstone { start: key(first), end, seqno: no(seqno) });
        } else {
            let kind = KINDS[rng.below(KINDS.len() as u64) as usize];
            // Some of a kind that this version does not know.
            let kind = if rng.below(20) == 0 { 0x55 } else { kind as u8 };
            let value = seqno.to_le_bytes().to_vec();
            let trailer = seqno << 8 | u64::from(kind);
            state.entries.push(Entry { key: key(first), trailer, value });
        }
    }
    sort(&mut state.entries);
    state
}

fn rewrite(state: &State, rules: &Rules) -> State {
    let mut survive =
        Survive::new(rules.clone(), Arc::new(Fragments::build(state.tombstones.clone())));
    let mut entries = Vec::new();
    for entry in &state.entries {
        let mut entry = entry.clone();
        match survive.judge(&entry.key, entry.trailer) {
            Verdict::Keep => entries.push(entry),
            Verdict::KeepAsZero => {
                entry.trailer &= 0xff;
                entries.push(entry);
            }
            Verdict::Drop => {}
        }
    }
    State { entries, tombstones: survive.tombstones().iter().collect() }
}

fn snapshots(rng: &mut Rng, to: u64) -> Vec<SeqNo> {
    let mut all: Vec<SeqNo> = (0..rng.below(4)).map(|_| no(rng.below(to))).collect();
    all.sort_unstable();
    if rng.below(2) == 0 {
        all.dedup();
    }
    all
}

#[test]
fn every_live_reader_sees_the_same_before_and_after() {
    let (mut dropped, mut zeroed) = (0, 0);
    for seed in 0..20_000 {
        let mut rng = Rng(seed);
        // Older data stays where it is, newer data too; in between is what is rewritten.
        let is_bottom = rng.below(2) == 0;
        let older = if is_bottom { State::default() } else { history(&mut rng, 1, 8) };
        let middle = history(&mut rng, 8, 30);
        let newer = history(&mut rng, 30, 33);
        let rules = Rules { snapshots: snapshots(&mut rng, 34), is_bottom };
        let after = rewrite(&middle, &rules);
        let mut sorted = after.entries.clone();
        sort(&mut sorted);
        assert_eq!(sorted, after.entries, "seed {seed}: out of order");
        dropped += middle.entries.len() - after.entries.len();
        zeroed += after.entries.iter().filter(|e| e.trailer >> 8 == 0).count();
        assert!(after.tombstones.len() <= middle.tombstones.len(), "seed {seed}");

        let whole = newer.and(&middle).and(&older);
        let again = newer.and(&after).and(&older);
        let readers = rules.snapshots.iter().map(|s| s.get()).chain([40]);
        for reader in readers {
            for number in 0..13 {
                let (key, context) = (key(number), format!("seed {seed} {number}@{reader}"));
                assert_eq!(again.read(&key, reader), whole.read(&key, reader), "{context}");
            }
        }
        // Nothing more goes in a second rewrite.
        let twice = rewrite(&after, &rules);
        assert_eq!(twice.entries, after.entries, "seed {seed}");
    }
    assert!(dropped > 100_000 && zeroed > 5_000, "{dropped} dropped, {zeroed} became 0");
}

fn judge(rules: Rules, tombstones: Vec<Tombstone>, entries: &[(u64, Kind)]) -> Vec<Verdict> {
    let mut survive = Survive::new(rules, Arc::new(Fragments::build(tombstones)));
    entries
        .iter()
        .map(|(seqno, kind)| survive.judge(&key(1), trailer_of(no(*seqno), *kind)))
        .collect()
}

fn rules(snapshots: &[u64], is_bottom: bool) -> Rules {
    Rules { snapshots: snapshots.iter().map(|n| no(*n)).collect(), is_bottom }
}

#[test]
fn what_nobody_sees_goes() {
    use Kind::{Delete, Merge, Put};
    use Verdict::{Drop, Keep, KeepAsZero};
    let over = |seqno| vec![Tombstone { start: key(0), end: key(9), seqno: no(seqno) }];
    let puts = [(9, Put), (5, Put), (3, Put)];
    assert_eq!(judge(rules(&[], false), vec![], &puts), [Keep, Drop, Drop]);
    assert_eq!(judge(rules(&[], true), vec![], &puts), [KeepAsZero, Drop, Drop]);
    // A snapshot sees what was written at its own number.
    assert_eq!(judge(rules(&[5], false), vec![], &puts), [Keep, Keep, Drop]);
    assert_eq!(judge(rules(&[4], false), vec![], &puts), [Keep, Drop, Keep]);
    assert_eq!(judge(rules(&[9], true), vec![], &puts), [KeepAsZero, Drop, Drop]);
    assert_eq!(judge(rules(&[8], true), vec![], &puts), [Keep, KeepAsZero, Drop]);
    let deleted = [(9, Delete), (5, Put)];
    assert_eq!(judge(rules(&[], false), vec![], &deleted), [Keep, Drop]);
    assert_eq!(judge(rules(&[], true), vec![], &deleted), [Drop, Drop]);
    assert_eq!(judge(rules(&[8], true), vec![], &deleted), [Keep, KeepAsZero]);
    assert_eq!(judge(rules(&[], false), over(10), &puts), [Drop, Drop, Drop]);
    assert_eq!(judge(rules(&[9], false), over(10), &puts), [Keep, Drop, Drop]);
    assert_eq!(judge(rules(&[], false), over(9), &puts), [Keep, Drop, Drop]);
    // Under a tombstone that stays, nothing becomes 0.
    assert_eq!(judge(rules(&[9], true), over(10), &puts), [Keep, Drop, Drop]);
    let merges = [(9, Merge), (7, Merge), (5, Put), (3, Merge), (2, Put)];
    assert_eq!(judge(rules(&[], true), vec![], &merges), [Keep, Keep, KeepAsZero, Drop, Drop]);
}

#[test]
fn range_tombstones_stay_until_they_delete_nothing() {
    let at = |start, end, seqno| Tombstone { start: key(start), end: key(end), seqno: no(seqno) };
    let kept = |rules: Rules, all: &[Tombstone]| -> Vec<Tombstone> {
        rules.tombstones(&Fragments::build(all.to_vec())).iter().collect()
    };
    let one = [at(1, 5, 7)];
    assert_eq!(kept(rules(&[], false), &one), one);
    assert_eq!(kept(rules(&[], true), &one), []);
    assert_eq!(kept(rules(&[7], true), &one), []);
    assert_eq!(kept(rules(&[6], true), &one), one);
    // One over the other, and no snapshot between them.
    let two = [at(1, 5, 9), at(2, 4, 7)];
    assert_eq!(kept(rules(&[], false), &two), [at(1, 5, 9)]);
    assert_eq!(kept(rules(&[8], false), &two), two);
    assert_eq!(kept(rules(&[6], false), &two), [at(1, 5, 9)]);
    // Cutting would make two of the lower one: it is left as it is.
    let split = [at(1, 5, 7), at(2, 4, 9)];
    assert_eq!(kept(rules(&[], false), &split), split);
    // Everything older than, again and again, comes down to the last.
    let prefixes: Vec<Tombstone> = (1..200).map(|n| at(0, n, n)).collect();
    assert_eq!(kept(rules(&[], false), &prefixes), [at(0, 199, 199)]);
}

#[test]
fn the_key_of_no_bytes_is_a_key() {
    let mut survive = Survive::new(rules(&[], false), Fragments::empty());
    assert_eq!(survive.judge(&[], trailer_of(no(2), Kind::Put)), Verdict::Keep);
    assert_eq!(survive.judge(&[], trailer_of(no(1), Kind::Put)), Verdict::Drop);
}
