//! Against all entries in one vector, counting what is open.

use std::sync::Arc;

use super::*;
use crate::base::error::{Error, ErrorKind};
use crate::base::sync::{AtomicI32, Ordering};
use crate::cursor::testing::{Entry, Rng, VecCursor, random_key, sort, walk};

struct Piece {
    entries: Vec<Entry>,
    smallest: Vec<u8>,
    largest: Vec<u8>,
    is_broken: bool,
    open: Arc<AtomicI32>,
    opened: Arc<AtomicI32>,
}

struct Counted {
    cursor: VecCursor,
    open: Arc<AtomicI32>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cursor for Counted {
    fn seek(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.cursor.seek(key, trailer)
    }
    fn seek_before(&mut self, key: &[u8], trailer: u64) -> Result<()> {
        self.cursor.seek_before(key, trailer)
    }
    fn seek_first(&mut self) -> Result<()> {
        self.cursor.seek_first()
    }
    fn seek_last(&mut self) -> Result<()> {
        self.cursor.seek_last()
    }
    fn next(&mut self) -> Result<()> {
        self.cursor.next()
    }
    fn prev(&mut self) -> Result<()> {
        self.cursor.prev()
    }
    fn is_valid(&self) -> bool {
        self.cursor.is_valid()
    }
    fn key(&self) -> &[u8] {
        self.cursor.key()
    }
    fn head(&self) -> u64 {
        self.cursor.head()
    }
    fn trailer(&self) -> u64 {
        self.cursor.trailer()
    }
    fn is_newest(&self) -> bool {
        self.cursor.is_newest()
    }
    fn value(&self) -> &[u8] {
        self.cursor.value()
    }
}

impl Part for Piece {
    type C = Counted;

    fn smallest(&self) -> &[u8] {
        &self.smallest
    }

    fn largest(&self) -> &[u8] {
        &self.largest
    }

    fn open(&self) -> Result<Counted> {
        if self.is_broken {
            return Err(Error::new(ErrorKind::Io, "told to fail"));
        }
        assert_eq!(self.open.fetch_add(1, Ordering::Relaxed), 0, "two are open");
        self.opened.fetch_add(1, Ordering::Relaxed);
        let cursor = VecCursor::new(self.entries.clone());
        Ok(Counted { cursor, open: Arc::clone(&self.open) })
    }
}

/// Sorted entries, cut anywhere, also between versions of a key; some pieces have none.
fn pieces(rng: &mut Rng) -> (Vec<Piece>, Vec<Entry>) {
    let mut all: Vec<Entry> = (0..rng.below(30))
        .map(|n| Entry { key: random_key(rng), trailer: rng.below(10), value: vec![n as u8] })
        .collect();
    sort(&mut all);
    all.dedup_by(|a, b| a.key == b.key && a.trailer == b.trailer);
    let (open, opened) = (Arc::default(), Arc::default());
    let mut pieces = Vec::new();
    let mut rest = &all[..];
    while !rest.is_empty() {
        let (entries, after) = rest.split_at((1 + rng.below(8) as usize).min(rest.len()));
        let piece = |entries: &[Entry], smallest: &[u8], largest: &[u8]| Piece {
            entries: entries.to_vec(),
            smallest: smallest.to_vec(),
            largest: largest.to_vec(),
            is_broken: false,
            open: Arc::clone(&open),
            opened: Arc::clone(&opened),
        };
        let (first, last) = (&entries[0].key, &entries[entries.len() - 1].key);
        if rng.below(4) == 0 {
            pieces.push(piece(&[], pieces.last().map_or(&[], |p: &Piece| &p.largest), first));
        }
        // A tombstone at its end may reach up to the next one's first key.
        let largest = if rng.below(2) == 0 { after.first().map_or(last, |e| &e.key) } else { last };
        pieces.push(piece(entries, first, largest));
        rest = after;
    }
    (pieces, all)
}

fn check(cursor: &impl Cursor, all: &[Entry], at: Option<usize>, seed: u64) {
    assert_eq!(cursor.is_valid(), at.is_some(), "seed {seed}");
    let Some(wanted) = at.map(|at| &all[at]) else { return };
    let found = (cursor.key(), cursor.trailer(), cursor.value());
    let newer = at.and_then(|at| at.checked_sub(1)).map(|at| &all[at].key);
    assert!(!cursor.is_newest() || newer != Some(&wanted.key), "seed {seed}");
    assert_eq!(found, (&wanted.key[..], wanted.trailer, &wanted.value[..]), "seed {seed}");
}

#[test]
fn every_walk_meets_what_one_vector_holds() {
    for seed in 0..1500 {
        let mut rng = Rng(seed);
        let (pieces, all) = pieces(&mut rng);
        let mut concat = Concat::new(pieces);
        let mut at = None;
        check(&concat, &all, at, seed);
        for _ in 0..200 {
            walk(&mut concat, &all, &mut at, &mut rng).unwrap();
            check(&concat, &all, at, seed);
        }
    }
}

#[test]
fn pieces_are_opened_when_needed_and_kept_while_used() {
    let mut rng = Rng(5);
    let (pieces, all) = loop {
        let (pieces, all) = pieces(&mut rng);
        if pieces.len() > 3 && pieces.iter().all(|piece| !piece.entries.is_empty()) {
            break (pieces, all);
        }
    };
    let (count, opened) = (pieces.len() as i32, Arc::clone(&pieces[0].opened));
    let mut concat = Concat::new(pieces);
    assert_eq!(opened.load(Ordering::Relaxed), 0);
    concat.seek_first().unwrap();
    concat.seek_first().unwrap();
    concat.seek(&all[0].key, all[0].trailer).unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    while concat.is_valid() {
        concat.next().unwrap();
    }
    assert_eq!(opened.load(Ordering::Relaxed), count);
}

#[test]
fn a_failing_piece_leaves_no_entry_until_the_next_seek() {
    let mut rng = Rng(8);
    let (mut pieces, all) = loop {
        let (pieces, all) = pieces(&mut rng);
        if pieces.len() > 2 && pieces.iter().all(|piece| !piece.entries.is_empty()) {
            break (pieces, all);
        }
    };
    let first = pieces[0].entries.len();
    pieces[1].is_broken = true;
    let mut concat = Concat::new(pieces);
    concat.seek_first().unwrap();
    for _ in 1..first {
        concat.next().unwrap();
    }
    assert!(concat.next().is_err());
    assert!(!concat.is_valid());
    concat.next().unwrap();
    concat.prev().unwrap();
    assert!(!concat.is_valid());
    concat.seek_last().unwrap();
    check(&concat, &all, Some(all.len() - 1), 8);
}
