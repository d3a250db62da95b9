//! What merging and scanning cost by themselves: sources in memory, 16-byte keys, 100-byte values.
//!
//! The merges of this crate and one over the standard library's heap alternate in one run. Figures
//! are nanoseconds an entry, the best and the median of the rounds. The first half fits into the
//! processor's cache and shows the merging; the second half shows memory too. `--quick` makes fewer
//! rounds.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program for people that may fail"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Instant;

use lsm_core::base::error::Result;
use lsm_core::cursor::contract::Cursor;
use lsm_core::cursor::merge::Merge;
use lsm_core::cursor::skip::Source;
use lsm_core::cursor::tombstone::{Fragments, Tombstone};
use lsm_core::key::full::{FullKey, big_endian};
use lsm_core::key::keyspace::KeyspaceId;
use lsm_core::key::kind::Kind;
use lsm_core::key::seqno::SeqNo;
use lsm_core::key::trailer::{entry_order, trailer_of};
use lsm_core::read::as_of::AsOf;
use lsm_core::read::scan::{Reader, Scan};

const KEY: usize = 20;
const VALUE: usize = 100;

/// Sorted entries in flat arrays.
struct Run {
    keys: Vec<[u8; KEY]>,
    heads: Vec<u64>,
    trailers: Vec<u64>,
    values: Vec<[u8; VALUE]>,
}

/// How the keys look.
#[derive(Clone, Copy)]
enum Keys {
    /// Sixteen digits of chance: the first eight bytes tell nearly all apart.
    Random,
    /// A counter behind zeros: the first eight bytes tell nothing.
    Counted,
}

/// `total` keys dealt out to `count` runs by chance, or to each a stretch of its own.
fn runs(total: u64, count: u64, keys: Keys, is_dealt: bool) -> Vec<Arc<Run>> {
    let mut state = 42u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) ^ (state << 43)
    };
    let mut all: Vec<[u8; KEY]> = (0..total)
        .map(|n| {
            let text = match keys {
                Keys::Random => format!("{:016x}", random()),
                Keys::Counted => format!("{n:016}"),
            };
            FullKey::new(KeyspaceId::DEFAULT, text.as_bytes()).bytes().try_into().unwrap()
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut parts: Vec<Run> = (0..count)
        .map(|_| Run { keys: vec![], heads: vec![], trailers: vec![], values: vec![] })
        .collect();
    let len = all.len() as u64;
    for (n, key) in all.into_iter().enumerate() {
        let to = if is_dealt { random() % count } else { n as u64 * count / len } as usize;
        parts[to].keys.push(key);
        parts[to].heads.push(big_endian(&key[4..]));
        parts[to].trailers.push(trailer_of(SeqNo::new(n as u64 + 1).unwrap(), Kind::Put));
        parts[to].values.push([n as u8; VALUE]);
    }
    parts.into_iter().map(Arc::new).collect()
}

struct RunCursor {
    run: Arc<Run>,
    /// One more than the entry's place, so that 0 and whatever is too large are no entry.
    at: usize,
}

impl RunCursor {
    fn lower(&self, key: &[u8], trailer: u64) -> usize {
        let run = &self.run;
        let (mut low, mut high) = (0, run.keys.len());
        while low < high {
            let middle = low.midpoint(high);
            let entry = (&run.keys[middle][..], run.trailers[middle]);
            if entry_order(entry, (key, trailer)).is_lt() {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }
}

impl Cursor for RunCursor {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.at = self.lower(key, trailer) + 1;
        Ok(())
    }
    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.at = self.lower(key, trailer);
        Ok(())
    }
    fn seek_first(&mut self) -> Result<()> {
        self.at = 1;
        Ok(())
    }
    fn seek_last(&mut self) -> Result<()> {
        self.at = self.run.keys.len();
        Ok(())
    }
    #[inline]
    fn next(&mut self) -> Result<()> {
        if self.is_valid() {
            self.at += 1;
        }
        Ok(())
    }
    #[inline]
    fn prev(&mut self) -> Result<()> {
        if self.is_valid() {
            self.at -= 1;
        }
        Ok(())
    }
    #[inline]
    fn is_valid(&self) -> bool {
        self.at.wrapping_sub(1) < self.run.keys.len()
    }
    #[inline]
    fn key(&self) -> &[u8] {
        &self.run.keys[self.at - 1]
    }
    #[inline]
    fn head(&self) -> u64 {
        self.run.heads[self.at - 1]
    }
    #[inline]
    fn trailer(&self) -> u64 {
        self.run.trailers[self.at - 1]
    }
    #[inline]
    fn value(&self) -> &[u8] {
        &self.run.values[self.at - 1]
    }
}

fn cursors(runs: &[Arc<Run>]) -> Vec<RunCursor> {
    runs.iter().map(|run| RunCursor { run: Arc::clone(run), at: 0 }).collect()
}

fn touch(key: &[u8], value: &[u8]) {
    black_box((key.len(), key[KEY - 5], value[VALUE - 1]));
}

fn merge(runs: &[Arc<Run>], is_backward: bool) -> u64 {
    let mut merge = Merge::new(cursors(runs));
    let mut count = 0;
    if is_backward { merge.seek_last() } else { merge.seek_first() }.unwrap();
    while merge.is_valid() {
        touch(merge.key(), merge.value());
        if is_backward { merge.prev() } else { merge.next() }.unwrap();
        count += 1;
    }
    count
}

fn heap(runs: &[Arc<Run>]) -> u64 {
    let mut cursors = cursors(runs);
    let entry = |cursor: &RunCursor, at: usize| {
        let run: &Run = &runs[at];
        Reverse((&run.keys[cursor.at - 1][..], !run.trailers[cursor.at - 1], at))
    };
    let mut heap = BinaryHeap::new();
    for (at, cursor) in cursors.iter_mut().enumerate() {
        cursor.seek_first().unwrap();
        if cursor.is_valid() {
            heap.push(entry(cursor, at));
        }
    }
    let mut count = 0;
    while let Some(mut top) = heap.peek_mut() {
        let at = top.0.2;
        touch(cursors[at].key(), cursors[at].value());
        cursors[at].next().unwrap();
        count += 1;
        if cursors[at].is_valid() {
            *top = entry(&cursors[at], at);
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
        }
    }
    count
}

fn scan(runs: &[Arc<Run>], is_backward: bool, tombstones: &Arc<Fragments>) -> u64 {
    let sources = cursors(runs).into_iter().map(|c| Source::new(c, SeqNo::MAX)).collect();
    let reader = Reader {
        keyspace: KeyspaceId::DEFAULT,
        as_of: AsOf { seqno: SeqNo::MAX, millis: 0, sifted: 0 },
        tombstones: Arc::clone(tombstones),
        is_keys_only: false,
        merger: None,
        blobs: None,
    };
    let mut scan = Scan::new(Merge::new(sources), reader, Bound::Unbounded, Bound::Unbounded);
    let mut count = 0;
    if is_backward { scan.seek_last() } else { scan.seek_first() }.unwrap();
    while scan.is_valid() {
        touch(scan.key(), scan.value());
        if is_backward { scan.prev() } else { scan.next() }.unwrap();
        count += 1;
    }
    count
}

/// What is measured: a name and what counts the entries that it went through.
type Work<'a> = (&'a str, &'a dyn Fn() -> u64);

/// How much of it.
#[derive(Clone, Copy)]
struct Size {
    entries: u64,
    times: u64,
    rounds: usize,
}

impl Size {
    fn timed(self, work: &dyn Fn() -> u64) -> f64 {
        let start = Instant::now();
        let count: u64 = (0..self.times).map(|_| work()).sum();
        let nanos = start.elapsed().as_nanos() as f64;
        assert!(count >= self.entries * self.times * 99 / 100);
        nanos / count as f64
    }

    fn report(self, name: &str, works: &[Work<'_>]) {
        let mut figures = vec![Vec::new(); works.len()];
        for _ in 0..self.rounds {
            for (figures, (_, work)) in figures.iter_mut().zip(works) {
                figures.push(self.timed(work));
            }
        }
        print!("{name:38}");
        for (mut figures, (name, _)) in figures.into_iter().zip(works) {
            figures.sort_by(f64::total_cmp);
            print!("  {name} {:5.1} ({:5.1})", figures[0], figures[figures.len() / 2]);
        }
        println!();
    }
}

fn measure(size: Size) {
    println!("{} entries, nanoseconds an entry: best (median of {})", size.entries, size.rounds);
    for (keys, name) in [(Keys::Random, "random"), (Keys::Counted, "counted")] {
        for (count, is_dealt) in [(1, true), (2, true), (8, true), (12, true), (8, false)] {
            let runs = runs(size.entries, count, keys, is_dealt);
            let how = if is_dealt { "dealt" } else { "in stretches" };
            let works: [Work<'_>; 3] = [
                ("forward", &|| merge(&runs, false)),
                ("backward", &|| merge(&runs, true)),
                ("heap", &|| heap(&runs)),
            ];
            size.report(&format!("{count:2} sources {how}, {name} keys"), &works);
        }
    }
    let none = Fragments::empty();
    let start = FullKey::new(KeyspaceId::DEFAULT, b"zz").bytes().to_vec();
    let end = FullKey::end_of(KeyspaceId::DEFAULT).bytes().to_vec();
    let one = Arc::new(Fragments::build(vec![Tombstone { start, end, seqno: SeqNo::MAX }]));
    for count in [1, 4] {
        let runs = runs(size.entries, count, Keys::Random, true);
        let works: [Work<'_>; 3] = [
            ("forward", &|| scan(&runs, false, &none)),
            ("backward", &|| scan(&runs, true, &none)),
            ("beside a range delete", &|| scan(&runs, false, &one)),
        ];
        size.report(&format!("{count:2} sources scanned, random keys"), &works);
    }
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let (short, long) = if is_quick { (100, 1) } else { (500, 7) };
    // Short rounds, and many: the best ones are those that nothing else broke into.
    measure(Size { entries: 4_000, times: 3, rounds: short });
    measure(Size { entries: 1_000_000, times: 1, rounds: long });
}
