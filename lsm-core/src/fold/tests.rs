//! Random histories of a key, folded: every live reader sees the same, and operands become fewer.

use super::*;
use crate::cursor::testing::{Rng, no};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::key::full::FullKey;
use crate::key::seqno::SeqNo;
use crate::merge::builtin::built_in;
use crate::merge::operand::{NEVER, STAMP_LEN, Stamp};
use crate::survive::Rules;

const HERE: KeyspaceId = KeyspaceId::new(3);

/// What a key has: its value and when that expires, or 0.
type State = Option<(Vec<u8>, u64)>;

/// Everything written to one key, the newest first.
#[derive(Clone, Debug, Default)]
struct History {
    entries: Vec<Entry>,
    tombstones: Vec<u64>,
}

fn moment(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

impl History {
    /// Each write done when it was made.
    fn read(&self, reader: u64) -> State {
        let mut state: State = None;
        let mut swept = 0;
        for (trailer, value) in self.entries.iter().rev().filter(|(it, _)| it >> 8 <= reader) {
            let seqno = trailer >> 8;
            let sweeps = self.tombstones.iter().filter(|it| **it <= reader && **it > swept);
            if sweeps.clone().any(|it| *it < seqno) {
                state = None;
            }
            swept = seqno;
            state = match Kind::from_byte(*trailer as u8).unwrap() {
                Kind::Put => Some((value.clone(), 0)),
                Kind::PutExpiring => Some((value[8..].to_vec(), moment(value))),
                Kind::Merge => {
                    let (millis, end) = (moment(value), moment(&value[8..]));
                    let is_there = |(_, end): &(Vec<u8>, u64)| *end == 0 || *end > millis;
                    let (mut all, before) = state.filter(is_there).unwrap_or_default();
                    all.extend_from_slice(&value[STAMP_LEN..]);
                    let end = match end {
                        0 => before,
                        NEVER => 0,
                        end => end,
                    };
                    Some((all, end))
                }
                _ => None,
            };
        }
        let is_swept = self.tombstones.iter().any(|it| *it <= reader && *it > swept);
        state.filter(|_| !is_swept)
    }

    fn and(&self, older: &Self) -> Self {
        Self {
            entries: [&self.entries[..], &older.entries[..]].concat(),
            tombstones: [&self.tombstones[..], &older.tombstones[..]].concat(),
        }
    }
}

fn history(rng: &mut Rng, from: u64, to: u64) -> History {
    let mut history = History::default();
    for seqno in from..to {
        let millis = 10 * seqno + rng.below(30);
        let end = [0, 0, NEVER, millis + 1 + rng.below(60)][rng.below(4) as usize];
        let (kind, value) = match rng.below(12) {
            0 => {
                history.tombstones.push(seqno);
                continue;
            }
            1 => (Kind::Delete, Vec::new()),
            2 => (Kind::Put, vec![b'A' + seqno as u8 % 26]),
            3 => {
                let end = (millis + rng.below(90)).to_le_bytes().to_vec();
                (Kind::PutExpiring, [end, vec![b'A' + seqno as u8 % 26]].concat())
            }
            _ => {
                let stamp = Stamp { millis, end }.bytes().to_vec();
                (Kind::Merge, [stamp, vec![b'a' + seqno as u8 % 26]].concat())
            }
        };
        history.entries.push((seqno << 8 | kind as u64, value));
    }
    history.entries.reverse();
    history
}

fn key() -> Vec<u8> {
    FullKey::new(HERE, b"k").bytes().to_vec()
}

fn rewrite(history: &History, rules: &Rules, rule: Option<Rule>) -> History {
    let (start, mut end) = (key(), key());
    end.push(0);
    let tombstone = |seqno: &u64| Tombstone {
        start: start.clone(),
        end: end.clone(),
        seqno: SeqNo::new(*seqno).unwrap(),
    };
    let tombstones = Fragments::build(history.tombstones.iter().map(tombstone).collect());
    let mut survive = Survive::new(rules.clone(), Arc::new(tombstones));
    let mut folder = Folder::new(Arc::new(rule.map(|rule| (HERE, rule)).into_iter().collect()), 0);
    let mut out = History::default();
    for (trailer, value) in &history.entries {
        let verdict = survive.judge(&start, *trailer);
        if folder.wants(*trailer) {
            folder.take((&start, *trailer, value), verdict, &mut survive).unwrap();
        } else if verdict != Verdict::Drop {
            let number = if verdict == Verdict::KeepAsZero { trailer & 0xff } else { *trailer };
            out.entries.push((number, value.clone()));
        }
        out.entries.extend(folder.take_ready());
    }
    if folder.is_on() {
        folder.finish(&mut survive).unwrap();
        out.entries.extend(folder.take_ready());
    }
    let kept = survive.tombstones().iter().map(|it| it.seqno.get()).collect();
    out.tombstones = kept;
    out
}

fn appending(may_expire: bool) -> Rule {
    let merger = Some(Arc::new(Merger::new("append", built_in("append"))));
    Rule { merger, may_expire, is_write_once: false, blobs: None }
}

#[test]
fn every_reader_sees_what_it_saw() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..30_000 {
        let mut rng = Rng(seed);
        let is_bottom = rng.below(2) == 0;
        let older = if is_bottom { History::default() } else { history(&mut rng, 1, 9) };
        let newer = history(&mut rng, 9, 24);
        let mut snapshots: Vec<u64> = (0..rng.below(4)).map(|_| 1 + rng.below(26)).collect();
        snapshots.sort_unstable();
        snapshots.dedup();
        let live = snapshots.iter().map(|it| no(*it)).collect();
        let rules = Rules { snapshots: live, is_bottom };
        let folded = rewrite(&newer, &rules, Some(appending(true)));
        let order = folded.entries.windows(2).all(|pair| pair[0].0 >> 8 > pair[1].0 >> 8);
        assert!(order, "seed {seed}: {folded:?}");
        for reader in snapshots.into_iter().chain([u64::MAX]) {
            let (was, is) = (newer.and(&older).read(reader), folded.and(&older).read(reader));
            assert_eq!(is, was, "seed {seed}, reader {reader}: {newer:?} on {older:?}: {folded:?}");
        }
        let is_operand = |entry: &&Entry| entry.0 & 0xff == Kind::Merge as u64;
        before += newer.entries.iter().filter(is_operand).count();
        after += folded.entries.iter().filter(is_operand).count();
    }
    assert!(after * 3 < before, "{before} became {after}");
}

#[test]
fn at_the_bottom_nothing_is_left_of_operands_that_nobody_tells_apart() {
    let rules = Rules { snapshots: Vec::new(), is_bottom: true };
    for seed in 0..500 {
        let newer = history(&mut Rng(seed), 1, 20);
        let folded = rewrite(&newer, &rules, Some(appending(true)));
        let all: Vec<u64> = folded.entries.iter().map(|entry| entry.0).collect();
        assert!(all.len() <= 1 && all.iter().all(|it| it >> 8 == 0), "seed {seed}: {folded:?}");
    }
}

struct Failing;

impl crate::merge::operator::MergeOperator for Failing {
    fn name(&self) -> &str {
        "failing"
    }

    fn merge(&self, _: &[u8], _: Option<&[u8]>, _: &[&[u8]], _: &mut Vec<u8>) -> Result<()> {
        panic!("it is planned")
    }

    fn partial(&self, _: &[u8], _: &[u8], _: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.push(1);
        Err(crate::base::error::Error::new(crate::base::error::ErrorKind::Aborted, "planned"))
    }
}

/// An operator that fails, and one that is not there, leave everything as it is.
#[test]
fn what_cannot_be_folded_stays() {
    let failing = Arc::new(Merger::new("failing", Some(Arc::new(Failing))));
    let failing =
        Rule { merger: Some(failing), may_expire: false, is_write_once: true, blobs: None };
    for rule in [Some(failing), None] {
        for seed in 0..2_000 {
            let mut rng = Rng(seed);
            let newer = history(&mut rng, 9, 24);
            let is_bottom = rng.below(2) == 0;
            let rules = Rules { snapshots: vec![no(15)], is_bottom };
            let kept = rewrite(&newer, &rules, rule.clone());
            for reader in [15, u64::MAX] {
                assert_eq!(kept.read(reader), newer.read(reader), "seed {seed}");
            }
        }
    }
}

/// What a program does that keeps its promise: no key is put again before it was deleted.
fn written_once(rng: &mut Rng, from: u64, to: u64, mut is_there: bool) -> (History, bool) {
    let mut history = History::default();
    for seqno in from..to {
        let (kind, value) = match (rng.below(8), is_there) {
            (0, _) => {
                history.tombstones.push(seqno);
                is_there = false;
                continue;
            }
            (1 | 2, _) => (Kind::Delete, Vec::new()),
            (3, false) => (Kind::SingleDelete, Vec::new()),
            (_, true) => (Kind::SingleDelete, Vec::new()),
            (_, false) => (Kind::Put, vec![seqno as u8]),
        };
        is_there = kind == Kind::Put;
        history.entries.push((seqno << 8 | kind as u64, value));
    }
    history.entries.reverse();
    (history, is_there)
}

#[test]
fn a_single_delete_goes_with_its_put_and_every_reader_sees_what_it_saw() {
    let rule = Rule { merger: None, may_expire: false, is_write_once: true, blobs: None };
    let (mut singles, mut kept) = (0, 0);
    for seed in 0..30_000 {
        let mut rng = Rng(seed);
        let is_bottom = rng.below(4) == 0;
        let below = if is_bottom { 1 } else { 1 + rng.below(9) };
        let (older, is_there) = written_once(&mut rng, 1, below, false);
        let (newer, _) = written_once(&mut rng, below, 20, is_there);
        let mut snapshots: Vec<u64> = (0..rng.below(3)).map(|_| 1 + rng.below(22)).collect();
        snapshots.sort_unstable();
        snapshots.dedup();
        let live = snapshots.iter().map(|it| no(*it)).collect();
        let rules = Rules { snapshots: live, is_bottom };
        let folded = rewrite(&newer, &rules, Some(rule.clone()));
        for reader in snapshots.into_iter().chain([u64::MAX]) {
            let (was, is) = (newer.and(&older).read(reader), folded.and(&older).read(reader));
            assert_eq!(is, was, "seed {seed}, reader {reader}: {newer:?} on {older:?}: {folded:?}");
        }
        let is_single = |entry: &&Entry| entry.0 & 0xff == Kind::SingleDelete as u64;
        singles += newer.entries.iter().filter(is_single).count();
        kept += folded.entries.iter().filter(is_single).count();
    }
    assert!(kept * 6 < singles, "{singles} became {kept}");
}

#[test]
fn elsewhere_a_single_delete_is_a_delete() {
    for seed in 0..2_000 {
        let mut rng = Rng(seed);
        let (older, _) = written_once(&mut rng, 1, 6, false);
        let put =
            History { entries: vec![(7 << 8 | Kind::Put as u64, vec![7])], tombstones: vec![] };
        let single = (8 << 8 | Kind::SingleDelete as u64, Vec::new());
        let newer = History { entries: vec![single.clone()], tombstones: vec![] }.and(&put);
        let rules = Rules { snapshots: Vec::new(), is_bottom: false };
        let folded = rewrite(&newer, &rules, None);
        assert_eq!(folded.entries, [single]);
        assert_eq!(folded.and(&older).read(u64::MAX), None);
    }
}
