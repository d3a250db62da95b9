//! All tables as one: for each key the newest entry, if the key has a value by it; of merge
//! operands all, and what they are applied to.
//!
//! A table is opened when the walk comes to its first key and let go behind its last one, so that
//! only those are open that overlap.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::cursor::cover::Cover;
use crate::cursor::tombstone::Fragments;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{kind_of, seqno_of};
use crate::salvage::entries::Entries;
use crate::salvage::findings::{Findings, KeySpan, behind};
use crate::salvage::inventory::Inventory;
use crate::salvage::table::Candidate;

/// Takes a key with its value: full key, trailer and value.
pub type Take<'a> = dyn FnMut(&[u8], u64, &[u8]) -> Result<()> + 'a;

/// Where one table stands.
#[derive(Debug)]
struct Place {
    /// The full key of its entry; before it is opened, no key of it is smaller.
    key: Vec<u8>,
    trailer: u64,
    /// The number of the table: of two that say the same, the newer counts.
    number: u64,
    table: usize,
    is_open: bool,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        // What is not open comes first, for it may hold the newest entry of its key.
        self.key
            .cmp(&other.key)
            .then_with(|| self.is_open.cmp(&other.is_open))
            .then_with(|| other.trailer.cmp(&self.trailer))
            .then_with(|| other.number.cmp(&self.number))
    }
}

/// The walk over all tables.
#[derive(Debug)]
pub struct Merged<'a> {
    inventory: &'a Inventory,
    tables: &'a [Candidate],
    places: BinaryHeap<Reverse<Place>>,
    walks: Vec<Option<Box<Entries>>>,
    cover: Cover,
    passed: u64,
}

impl<'a> Merged<'a> {
    /// Stands before the first key. The range tombstones are those of all tables.
    #[must_use]
    pub fn new(
        inventory: &'a Inventory,
        tables: &'a [Candidate],
        tombstones: Arc<Fragments>,
    ) -> Self {
        let place = |(table, candidate): (usize, &Candidate)| {
            let (key, number) = (candidate.smallest(), candidate.number);
            Reverse(Place { key, trailer: 0, number, table, is_open: false })
        };
        Self {
            inventory,
            tables,
            places: tables.iter().enumerate().map(place).collect(),
            walks: tables.iter().map(|_| None).collect(),
            cover: Cover::new(tombstones),
            passed: 0,
        }
    }

    /// How many bytes of files were passed since this was asked last.
    pub fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// Hands the next key to `take` if it has a value. False behind the last key.
    pub fn next(&mut self, findings: &mut Findings, take: &mut Take<'_>) -> Result<bool> {
        loop {
            let Some(Reverse(place)) = self.places.pop() else { return Ok(false) };
            if !place.is_open {
                self.open(place, findings)?;
                continue;
            }
            let key = place.key.clone();
            if self.judge(&place, findings, take)? {
                let mut operands = vec![(place.trailer, self.value_at(&place).to_vec())];
                self.step(place, findings)?;
                self.collect(&key, &mut operands, findings)?;
                // In the order in which they were written, which the new database keeps.
                operands.iter().rev().try_for_each(|(it, value)| take(&key, *it, value))?;
            } else {
                self.step(place, findings)?;
            }
            self.pass_over(&key, findings)?;
            return Ok(true);
        }
    }

    fn value_at(&self, place: &Place) -> &[u8] {
        let walk = self.walks.get(place.table).and_then(Option::as_ref);
        walk.map(|walk| walk.value()).unwrap_or_default()
    }

    /// Hands an entry to `take` if it is the value of its key; true if it is a merge operand.
    fn judge(
        &mut self,
        place: &Place,
        findings: &mut Findings,
        take: &mut Take<'_>,
    ) -> Result<bool> {
        if self.cover.newest(&place.key, SeqNo::MAX) > seqno_of(place.trailer) {
            return Ok(false);
        }
        match kind_of(place.trailer) {
            Some(Kind::Merge) => return Ok(true),
            Some(Kind::Put | Kind::PutExpiring | Kind::BlobRef) => {
                take(&place.key, place.trailer, self.value_at(place))?;
            }
            Some(Kind::Delete | Kind::SingleDelete) => {}
            _ => self.refuse(place, findings),
        }
        Ok(false)
    }

    /// Adds what is below a merge operand: older ones, and the value that they are applied to.
    fn collect(
        &mut self,
        key: &[u8],
        operands: &mut Vec<(u64, Vec<u8>)>,
        findings: &mut Findings,
    ) -> Result<()> {
        while self.places.peek().is_some_and(|Reverse(place)| place.key == key) {
            let Some(Reverse(place)) = self.places.pop() else { break };
            if !place.is_open {
                self.open(place, findings)?;
                continue;
            }
            let is_twice = operands.last().is_some_and(|(last, _)| *last == place.trailer);
            let mut base = None;
            let is_operand = self.judge(&place, findings, &mut |_, trailer, value| {
                base = Some((trailer, value.to_vec()));
                Ok(())
            })?;
            if is_operand && !is_twice {
                operands.push((place.trailer, self.value_at(&place).to_vec()));
            }
            operands.extend(base);
            self.step(place, findings)?;
            if !is_operand {
                break;
            }
        }
        Ok(())
    }

    /// An entry that this version cannot read.
    fn refuse(&self, place: &Place, findings: &mut Findings) {
        if let Some(table) = self.tables.get(place.table) {
            let why = format!("an entry of kind {} cannot be read", place.trailer & 0xff);
            findings.damage_at(&table.name, None, &why);
            let span = KeySpan { from: place.key.clone(), to: Some(behind(&place.key)) };
            table.lose(findings, &span, (Some(1), None));
        }
    }

    /// Older entries of this key count no more.
    fn pass_over(&mut self, key: &[u8], findings: &mut Findings) -> Result<()> {
        while self.places.peek().is_some_and(|Reverse(place)| place.key == key) {
            let Some(Reverse(place)) = self.places.pop() else { break };
            if place.is_open {
                self.step(place, findings)?;
            } else {
                self.open(place, findings)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, place: Place, findings: &mut Findings) -> Result<()> {
        let Some(table) = self.tables.get(place.table) else { return Ok(()) };
        if !table.is_there {
            return Ok(());
        }
        let walk = table.open(self.inventory).and_then(|source| Entries::new(table, source));
        match walk {
            Ok(walk) => {
                if let Some(place) = self.walks.get_mut(place.table) {
                    *place = Some(Box::new(walk));
                }
                self.step(Place { is_open: true, ..place }, findings)
            }
            Err(error) => {
                findings.damage(&table.name, &error)?;
                table.lose(findings, &KeySpan::all(), (None, Some(table.bytes)));
                Ok(())
            }
        }
    }

    /// Moves a table on to its next entry.
    fn step(&mut self, mut place: Place, findings: &mut Findings) -> Result<()> {
        let Some(slot) = self.walks.get_mut(place.table) else { return Ok(()) };
        let Some(walk) = slot else { return Ok(()) };
        let is_there = walk.advance(findings)?;
        self.passed += walk.take_passed();
        if !is_there {
            *slot = None;
            return Ok(());
        }
        place.key.clear();
        place.key.extend_from_slice(walk.key());
        place.trailer = walk.trailer();
        self.places.push(Reverse(place));
        Ok(())
    }
}
