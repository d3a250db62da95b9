//! Against a reader that looks through every entry for every key.

use std::ops::RangeBounds;
use std::sync::Arc;

use super::*;
use crate::base::error::ErrorKind;
use crate::base::sync::{AtomicU64, Ordering};
use crate::cursor::contract::Cursor;
use crate::cursor::merge::Merge;
use crate::cursor::skip::Source;
use crate::cursor::testing::{Entry, Rng, VecCursor, no};
use crate::cursor::tombstone::Tombstone;
use crate::key::full::FullKey;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;

type Pair = (Vec<u8>, Vec<u8>);
type Sources = Merge<Source<VecCursor>>;

const NOW: u64 = 1000;
const HERE: KeyspaceId = KeyspaceId::new(1);

fn full(keyspace: KeyspaceId, user: &[u8]) -> Vec<u8> {
    FullKey::new(keyspace, user).bytes().to_vec()
}

#[derive(Clone, Default)]
struct History {
    sources: Vec<Vec<Entry>>,
    tombstones: Vec<Tombstone>,
}

/// How a random history looks.
#[derive(Clone, Copy)]
struct Shape {
    sources: u64,
    keys: u64,
    writes: u64,
    /// One write in so many is a range tombstone.
    ranges: u64,
    long: bool,
}

fn user_key(number: u64) -> Vec<u8> {
    match number {
        0 => Vec::new(),
        n if n % 3 == 0 => format!("longprefix{n:03}").into_bytes(),
        n => vec![n as u8; 1 + n as usize % 2],
    }
}

fn any_key(rng: &mut Rng, shape: Shape) -> Vec<u8> {
    user_key(rng.below(shape.keys))
}

fn value_of(rng: &mut Rng, shape: Shape, seqno: u64) -> Vec<u8> {
    let len = match rng.below(30) {
        0 if shape.long => 2 * super::newest::COPY_MAX,
        1 => 0,
        _ => 9,
    };
    (0..len).map(|n| (seqno as usize + n) as u8).collect()
}

fn history(rng: &mut Rng, shape: Shape) -> History {
    let mut history =
        History { sources: vec![Vec::new(); shape.sources as usize], ..History::default() };
    for seqno in 1..=shape.writes {
        // Two thirds of all is in the keyspace that is looked at.
        let keyspace = KeyspaceId::new([0, 1, 1, 1, 1, 2][rng.below(6) as usize]);
        let user = any_key(rng, shape);
        if rng.below(shape.ranges) == 0 {
            let end = any_key(rng, shape);
            let end = match rng.below(8) {
                0 => FullKey::end_of(keyspace).bytes().to_vec(),
                _ => full(keyspace, user.as_slice().max(&end)),
            };
            let start = full(keyspace, user.min(any_key(rng, shape)).as_slice());
            history.tombstones.push(Tombstone { start, end, seqno: no(seqno) });
            continue;
        }
        let value = value_of(rng, shape, seqno);
        let (kind, value) = match rng.below(8) {
            0 => (Kind::Delete, Vec::new()),
            1 => (Kind::SingleDelete, Vec::new()),
            2 => {
                let expiry: u64 = [NOW - 1, NOW, NOW + 1, u64::MAX][rng.below(4) as usize];
                (Kind::PutExpiring, [&expiry.to_le_bytes(), &value[..]].concat())
            }
            _ => (Kind::Put, value),
        };
        let trailer = seqno << 8 | kind as u64;
        // Half of all runs are as an engine has them, newer sources in front.
        let source = match rng.0 & 1 << 40 {
            0 => rng.below(shape.sources),
            _ => shape.sources - 1 - (seqno - 1) * shape.sources / shape.writes,
        };
        let entry = Entry { key: full(keyspace, &user), trailer, value };
        history.sources[source as usize].push(entry);
    }
    history
}

impl History {
    fn pairs(&self, reader: u64, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> Vec<Pair> {
        let all: Vec<&Entry> = self.sources.iter().flatten().collect();
        let mut keys: Vec<&[u8]> = all.iter().map(|e| &e.key[..]).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut pairs = Vec::new();
        for key in keys.into_iter().filter(|key| key[..4] == HERE.get().to_be_bytes()) {
            if !<(Bound<&[u8]>, Bound<&[u8]>) as RangeBounds<[u8]>>::contains(&bounds, &key[4..]) {
                continue;
            }
            let seen = all.iter().filter(|e| e.key == key && e.trailer >> 8 <= reader);
            let Some(newest) = seen.max_by_key(|e| e.trailer) else { continue };
            let is_covered = self.tombstones.iter().any(|t| {
                let seqno = t.seqno.get();
                let is_over = t.start.as_slice() <= key && key < t.end.as_slice();
                is_over && seqno <= reader && seqno > newest.trailer >> 8
            });
            let value = match Kind::from_byte(newest.trailer as u8).unwrap() {
                Kind::Put => &newest.value[..],
                Kind::PutExpiring => {
                    let (expiry, value) = newest.value.split_at(8);
                    if u64::from_le_bytes(expiry.try_into().unwrap()) <= NOW {
                        continue;
                    }
                    value
                }
                _ => continue,
            };
            if !is_covered {
                pairs.push((key[4..].to_vec(), value.to_vec()));
            }
        }
        pairs
    }

    fn cursor(&self) -> Sources {
        let newest = |part: &[Entry]| part.iter().map(|e| e.trailer >> 8).max().unwrap_or(0);
        let source =
            |part: &Vec<Entry>| Source::new(VecCursor::new(part.clone()), no(newest(part)));
        Merge::new(self.sources.iter().map(source).collect())
    }

    fn reader(&self, seqno: u64) -> Reader {
        Reader {
            keyspace: HERE,
            as_of: AsOf { seqno: no(seqno), millis: NOW, sifted: 0 },
            tombstones: Arc::new(Fragments::build(self.tombstones.clone())),
            is_keys_only: false,
            merger: None,
            blobs: None,
        }
    }
}

fn check(scan: &Scan<Sources>, pairs: &[Pair], at: Option<usize>, has_values: bool, seed: u64) {
    assert_eq!(scan.is_valid(), at.is_some(), "seed {seed} at {at:?}");
    let Some((key, value)) = at.map(|at| &pairs[at]) else { return };
    assert_eq!(scan.key(), key, "seed {seed} at {at:?}");
    assert!(!has_values || scan.value() == value, "seed {seed} at {at:?} of {key:?}");
}

fn walk(scan: &mut Scan<Sources>, pairs: &[Pair], shape: Shape, rng: &mut Rng) -> Option<usize> {
    let key = any_key(rng, shape);
    match rng.below(4) {
        0 => {
            scan.seek(&key).unwrap();
            Some(pairs.partition_point(|(k, _)| *k < key))
        }
        1 => {
            scan.seek_for_prev(&key).unwrap();
            pairs.partition_point(|(k, _)| *k <= key).checked_sub(1)
        }
        2 => {
            scan.seek_first().unwrap();
            Some(0)
        }
        _ => {
            scan.seek_last().unwrap();
            pairs.len().checked_sub(1)
        }
    }
}

fn any_bound<'a>(rng: &mut Rng, key: &'a [u8]) -> Bound<&'a [u8]> {
    match rng.below(4) {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

fn run(seed: u64, shape: Shape) -> usize {
    let mut rng = Rng(seed);
    let history = history(&mut rng, shape);
    let seqno = if rng.below(2) == 0 { shape.writes } else { rng.below(shape.writes + 2) };
    let (low, high) = (any_key(&mut rng, shape), any_key(&mut rng, shape));
    let bounds = (any_bound(&mut rng, &low), any_bound(&mut rng, &high));
    let pairs = history.pairs(seqno, bounds);
    let mut reader = history.reader(seqno);
    let has_values = rng.below(4) > 0;
    reader.is_keys_only = !has_values;
    let mut scan = Scan::new(history.cursor(), reader, bounds.0, bounds.1);
    // Forward through all of it, then backward.
    scan.seek_first().unwrap();
    for at in 0..pairs.len() {
        check(&scan, &pairs, Some(at), has_values, seed);
        scan.next().unwrap();
    }
    check(&scan, &pairs, None, has_values, seed);
    scan.seek_last().unwrap();
    for at in (0..pairs.len()).rev() {
        check(&scan, &pairs, Some(at), has_values, seed);
        scan.prev().unwrap();
    }
    check(&scan, &pairs, None, has_values, seed);
    let mut at: Option<usize> = None;
    for _ in 0..100 {
        at = match rng.below(8) {
            0 => walk(&mut scan, &pairs, shape, &mut rng),
            1..5 => {
                scan.next().unwrap();
                at.map(|at| at + 1)
            }
            _ => {
                scan.prev().unwrap();
                at.and_then(|at| at.checked_sub(1))
            }
        };
        at = at.filter(|at| *at < pairs.len());
        check(&scan, &pairs, at, has_values, seed);
    }
    pairs.len()
}

#[test]
fn every_walk_meets_what_a_reader_sees() {
    let shapes = [
        Shape { sources: 4, keys: 40, writes: 120, ranges: 30, long: true },
        Shape { sources: 1, keys: 10, writes: 60, ranges: 10, long: false },
        Shape { sources: 3, keys: 5, writes: 500, ranges: 200, long: true },
        Shape { sources: 6, keys: 150, writes: 500, ranges: 40, long: false },
        Shape { sources: 2, keys: 8, writes: 12, ranges: 4, long: false },
    ];
    for (number, shape) in shapes.into_iter().enumerate() {
        let pairs: usize = (0..500).map(|n| run(n << 8 | number as u64, shape)).sum();
        assert!(pairs > 500, "shape {number} shows nothing: {pairs}");
    }
}

fn put(user: &[u8], seqno: u64) -> Entry {
    Entry { key: full(HERE, user), trailer: seqno << 8 | Kind::Put as u64, value: user.to_vec() }
}

/// A scan over these sources, each with its largest number, and what counts its moves.
fn counted(history: &History, seqno: u64) -> (Scan<Sources>, Vec<Arc<AtomicU64>>) {
    let mut moves = Vec::new();
    let mut sources = Vec::new();
    for part in &history.sources {
        let cursor = VecCursor::new(part.clone());
        moves.push(Arc::clone(&cursor.moves));
        let newest = part.iter().map(|e| e.trailer >> 8).max().unwrap_or(0);
        sources.push(Source::new(cursor, no(newest)));
    }
    let scan =
        Scan::new(Merge::new(sources), history.reader(seqno), Bound::Unbounded, Bound::Unbounded);
    (scan, moves)
}

fn moved(moves: &[Arc<AtomicU64>]) -> u64 {
    moves.iter().map(|m| m.swap(0, Ordering::Relaxed)).sum()
}

#[test]
fn a_range_delete_over_a_hundred_thousand_keys_costs_a_few_steps() {
    let key = |n: u64| n.to_be_bytes();
    let old: Vec<Entry> = (0..100_000).map(|n| put(&key(n), n + 1)).collect();
    let end = 99_000;
    let range = |start: u64, end: u64, seqno| Tombstone {
        start: full(HERE, &key(start)),
        end: full(HERE, &key(end)),
        seqno: no(seqno),
    };
    // One, or the same in a hundred pieces that overlap.
    let one = vec![range(10, end, 200_000)];
    let many = (0..100).map(|n| range(10 + n * 10, end - n * 300, 200_000 + n)).collect();
    for tombstones in [one, many] {
        // Written over afterwards: these must be seen.
        let new = [put(&key(500), 300_000), put(&key(50_000), 300_001)];
        let history = History { sources: vec![new.into(), old.clone()], tombstones };
        let (mut scan, moves) = counted(&history, 400_000);
        let wanted: Vec<u64> = (0..10).chain([500, 50_000]).chain(end..100_000).collect();
        scan.seek_first().unwrap();
        for n in &wanted {
            assert_eq!(scan.key(), key(*n));
            scan.next().unwrap();
        }
        assert!(!scan.is_valid());
        let steps = moved(&moves);
        assert!(steps < 1_700, "forward: {steps}");
        scan.seek_last().unwrap();
        for n in wanted.iter().rev() {
            assert_eq!(scan.key(), key(*n));
            scan.prev().unwrap();
        }
        assert!(!scan.is_valid());
        let steps = moved(&moves);
        assert!(steps < 1_700, "backward: {steps}");
    }
}

#[test]
fn thousands_of_versions_cost_a_few_steps() {
    let versions = |user: &[u8]| (1..=10_000).map(|seqno| put(user, seqno)).collect::<Vec<_>>();
    let all = [versions(b"a"), versions(b"b"), versions(b"c")].concat();
    let history = History { sources: vec![all, vec![put(b"d", 1)]], ..History::default() };
    for reader in [1, 5_000, 10_000] {
        let (mut scan, moves) = counted(&history, reader);
        let mut found = Vec::new();
        scan.seek_first().unwrap();
        while scan.is_valid() {
            found.push(scan.key().to_vec());
            scan.next().unwrap();
        }
        assert_eq!(found, [b"a", b"b", b"c", b"d"]);
        assert!(moved(&moves) < 200, "forward at {reader}");
        scan.seek_last().unwrap();
        for wanted in found.iter().rev() {
            assert_eq!(scan.key(), wanted);
            assert!(wanted == b"d" || scan.trailer() >> 8 == reader);
            scan.prev().unwrap();
        }
        assert!(!scan.is_valid());
        assert!(moved(&moves) < 300, "backward at {reader}");
    }
}

#[test]
fn kinds_that_cannot_be_read_are_errors_that_stay() {
    let unsupported = [(4u8, "range delete"), (0x55, "kind 85")];
    let unsupported = unsupported.map(|(kind, name)| (kind, name, ErrorKind::Unsupported));
    let others = [(2, "merge operator"), (5, "reference")];
    let others = others.map(|(kind, name)| (kind, name, ErrorKind::Corruption));
    for (kind, name, why) in unsupported.into_iter().chain(others) {
        let bad = Entry { trailer: 9 << 8 | u64::from(kind), value: vec![9; 20], ..put(b"b", 0) };
        let sources = vec![vec![put(b"a", 1), bad, put(b"b", 3)], vec![put(b"c", 2)]];
        let history = History { sources, ..History::default() };
        for is_backward in [false, true] {
            let (mut scan, _) = counted(&history, 20);
            if is_backward { scan.seek_last() } else { scan.seek_first() }.unwrap();
            for _ in 0..3 {
                let error = if is_backward { scan.prev() } else { scan.next() }.unwrap_err();
                assert_eq!(error.kind(), why);
                assert!(error.to_string().contains(name), "{error}");
                assert!(!scan.is_valid());
            }
            scan.seek(b"c").unwrap();
            assert_eq!(scan.key(), b"c");
            // Whoever cannot see it is not concerned, and neither is anybody if it is covered.
            let (mut scan, _) = counted(&history, 5);
            scan.seek(b"b").unwrap();
            assert_eq!(scan.trailer() >> 8, 3);
        }
        let start = full(HERE, b"b");
        let tombstones = vec![Tombstone { end: full(HERE, b"c"), start, seqno: no(10) }];
        let (mut scan, _) = counted(&History { tombstones, ..history }, 20);
        scan.seek(b"b").unwrap();
        assert_eq!(scan.key(), b"c");
    }
}

#[test]
fn an_expiring_value_without_its_time_is_damage() {
    let bad =
        Entry { value: vec![0; 7], trailer: 1 << 8 | Kind::PutExpiring as u64, ..put(b"a", 0) };
    let history = History { sources: vec![vec![bad]], ..History::default() };
    let (mut scan, _) = counted(&history, 5);
    assert_eq!(scan.seek_first().unwrap_err().kind(), ErrorKind::Corruption);
    assert_eq!(scan.seek_last().unwrap_err().kind(), ErrorKind::Corruption);
}

#[test]
fn errors_of_the_source_stay_until_the_next_seek() {
    for fails_at in (0..6).chain([u64::MAX]) {
        for is_backward in [false, true] {
            let entries = (0..5u8).map(|n| put(&[n], 1)).collect();
            let mut cursor = VecCursor::new(entries);
            cursor.fails_at = fails_at;
            let cursor = Source::new(cursor, SeqNo::MAX);
            let reader = History::default().reader(9);
            let mut scan = Scan::new(cursor, reader, Bound::Unbounded, Bound::Unbounded);
            let mut result = if is_backward { scan.seek_last() } else { scan.seek_first() };
            while scan.is_valid() {
                result = if is_backward { scan.prev() } else { scan.next() };
            }
            assert_eq!(result.is_err(), fails_at < 6, "{fails_at} {is_backward}");
            assert_eq!(scan.next().is_err(), fails_at < 6);
            assert_eq!(scan.prev().is_err(), fails_at < 6);
            scan.seek(&[3]).unwrap();
            assert_eq!(scan.key(), [3]);
        }
    }
}

#[test]
fn the_longest_keys_and_values_go_through() {
    let long = vec![0xff; 65_535];
    let big = Entry { value: vec![7; 1 << 20], ..put(&long, 3) };
    let history =
        History { sources: vec![vec![put(b"", 1), big], vec![put(b"m", 2)]], ..History::default() };
    let (mut scan, _) = counted(&history, 9);
    scan.seek_last().unwrap();
    assert_eq!((scan.key(), scan.value().len()), (&long[..], 1 << 20));
    scan.prev().unwrap();
    assert_eq!(scan.key(), b"m");
    scan.next().unwrap();
    assert_eq!((scan.key(), scan.value().len()), (&long[..], 1 << 20));
    scan.seek_for_prev(b"").unwrap();
    assert_eq!((scan.key(), scan.value()), (&b""[..], &b""[..]));
    assert!(scan.is_valid());
    scan.prev().unwrap();
    assert!(!scan.is_valid());
}

#[test]
fn other_keyspaces_are_not_seen() {
    let other = |keyspace, user: &[u8]| Entry {
        key: full(KeyspaceId::new(keyspace), user),
        ..put(user, 1)
    };
    let sources = vec![vec![other(0, b"z"), put(b"", 1), other(2, b"")], vec![other(2, b"a")]];
    let history = History { sources, ..History::default() };
    let (mut scan, _) = counted(&history, 9);
    scan.seek_first().unwrap();
    assert!(scan.is_valid() && scan.cursor.key() == full(HERE, b""));
    scan.next().unwrap();
    assert!(!scan.is_valid());
    scan.seek_last().unwrap();
    assert!(scan.is_valid() && scan.key().is_empty());
    scan.prev().unwrap();
    assert!(!scan.is_valid());
}
