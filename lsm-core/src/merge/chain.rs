//! The operands of a key, from the newest back to what they are applied to, and what they come to.

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::base::room::no_memory;
use crate::merge::merger::Merger;
use crate::merge::operand::{KEEPS, NEVER, STAMP_LEN, Stamp, split};

/// What the oldest operand is applied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Base {
    /// Something that is not known, or nothing.
    #[default]
    Unknown,
    /// Nothing.
    Absent,
    /// A value, so long and with this end or 0; its bytes are the last ones.
    Value { len: usize, end: u64 },
}

/// One operand; its bytes stand in the chain's.
#[derive(Clone, Copy, Debug)]
struct Link {
    trailer: u64,
    stamp: Stamp,
    at: usize,
    len: usize,
}

/// Operands of one key, the newest first.
#[derive(Debug, Default)]
pub struct Chain {
    bytes: Vec<u8>,
    links: Vec<Link>,
    base: Base,
}

/// Where folding begins, and the end of what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Course {
    /// So many of the newest operands count; those before were gone when these came.
    counted: usize,
    /// They are applied to the base.
    has_base: bool,
    end: u64,
}

impl Chain {
    /// Forgets everything, and keeps memory that is not large.
    pub fn clear(&mut self) {
        const KEPT_MAX: usize = 64 << 10;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_MAX);
        self.links.clear();
        self.links.shrink_to(KEPT_MAX / size_of::<Link>());
        self.base = Base::Unknown;
    }

    /// Adds an operand as it is stored, older than all before.
    pub fn push(&mut self, trailer: u64, stored: &[u8]) -> Result<()> {
        let (stamp, operand) = split(stored)?;
        self.add(trailer, stamp, operand)
    }

    fn add(&mut self, trailer: u64, stamp: Stamp, operand: &[u8]) -> Result<()> {
        self.reserve(operand.len())?;
        let (at, len) = (self.bytes.len(), operand.len());
        self.bytes.extend_from_slice(operand);
        self.links.push(Link { trailer, stamp, at, len });
        Ok(())
    }

    fn reserve(&mut self, more: usize) -> Result<()> {
        let is_had = self.bytes.try_reserve(more).is_ok() && self.links.try_reserve(1).is_ok();
        if is_had { Ok(()) } else { Err(no_memory("the merge operands of a key")) }
    }

    /// The oldest operand is applied to this value, whose end is 0 for none.
    pub fn set_base(&mut self, value: &[u8], end: u64) -> Result<()> {
        self.reserve(value.len())?;
        self.bytes.extend_from_slice(value);
        self.base = Base::Value { len: value.len(), end };
        Ok(())
    }

    /// The oldest operand is applied to nothing.
    pub fn set_absent(&mut self) {
        self.base = Base::Absent;
    }

    /// True if there is no operand.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// How many operands.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// About how many bytes of memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.links.len() * size_of::<Link>()
    }

    /// The trailers of the newest operand and of the oldest.
    #[must_use]
    pub fn trailers(&self) -> Option<(u64, u64)> {
        Some((self.links.first()?.trailer, self.links.last()?.trailer))
    }

    /// The operands as they are stored, the newest first.
    pub fn stored(&self) -> impl Iterator<Item = (u64, Vec<u8>)> + '_ {
        self.links.iter().map(|link| {
            let mut stored = Vec::with_capacity(STAMP_LEN + link.len);
            stored.extend_from_slice(&link.stamp.bytes());
            stored.extend_from_slice(self.operand(link));
            (link.trailer, stored)
        })
    }

    fn operand(&self, link: &Link) -> &[u8] {
        self.bytes.get(link.at..link.at + link.len).unwrap_or_default()
    }

    /// When what they come to expires, or 0. Nobody is asked for that.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.course().end
    }

    /// True if some operand was written when all before it had expired, whatever that was: then
    /// the chain comes to something without its base.
    #[must_use]
    pub fn has_begun_anew(&self) -> bool {
        self.course().counted < self.links.len()
    }

    fn course(&self) -> Course {
        let mut before = match self.base {
            Base::Unknown => Some(0),
            Base::Absent => None,
            Base::Value { end, .. } => Some(end),
        };
        let mut course = Course { counted: self.links.len(), has_base: true, end: 0 };
        for (at, link) in self.links.iter().enumerate().rev() {
            if before.is_some_and(|end| link.stamp.is_past(end)) {
                course = Course { counted: at + 1, has_base: false, end: 0 };
                before = None;
            }
            before = Some(link.stamp.end_after(before));
        }
        course.has_base &= matches!(self.base, Base::Value { .. });
        Course { end: before.unwrap_or(0), ..course }
    }

    /// Puts what they come to into `out`, and answers when that expires, or 0. A base that is not
    /// known counts as none.
    pub fn fold(&self, merger: &Merger, key: &[u8], out: &mut Vec<u8>) -> Result<u64> {
        let course = self.course();
        let counted = self.links.get(..course.counted).unwrap_or_default();
        let mut operands: Vec<&[u8]> =
            counted.iter().rev().map(|link| self.operand(link)).collect();
        if planted(Bug::OperandsBackwards) {
            operands.reverse();
        }
        let base = match self.base {
            Base::Value { len, .. } if course.has_base => self.bytes.get(self.bytes.len() - len..),
            _ => None,
        };
        merger.merge(key, base, &operands, out)?;
        Ok(course.end)
    }

    /// For each operand, whether what it is applied to may expire at a moment that is not known.
    fn risks(&self, may_base_expire: bool) -> Vec<bool> {
        let mut risks = vec![may_base_expire; self.links.len()];
        let mut may_expire = may_base_expire;
        for (risk, link) in risks.iter_mut().zip(&self.links).rev() {
            *risk = may_expire;
            may_expire = match link.stamp.end {
                KEEPS => may_expire,
                NEVER => false,
                _ => true,
            };
        }
        risks
    }

    /// Makes fewer operands of them, which do the same to any base. If what they are applied to may
    /// expire, some stay apart, for it may have been there for one and gone for the next.
    pub fn combine(&mut self, merger: &Merger, key: &[u8], may_base_expire: bool) {
        let mut joined = Vec::new();
        loop {
            let risks = self.risks(may_base_expire);
            let mut next = Self::default();
            let mut at = 0;
            while let Some(newer) = self.links.get(at) {
                let older = self.links.get(at + 1);
                let may_expire = risks.get(at + 1).is_none_or(|risk| *risk);
                let stamp = older.and_then(|older| join(older.stamp, newer.stamp, may_expire));
                let pair = older.zip(stamp).filter(|(older, _)| {
                    let (older, newer) = (self.operand(older), self.operand(newer));
                    merger.partial(key, older, newer, &mut joined)
                });
                let added = match pair {
                    Some((_, stamp)) => next.add(newer.trailer, stamp, &joined),
                    None => next.add(newer.trailer, newer.stamp, self.operand(newer)),
                };
                if added.is_err() {
                    return;
                }
                at += if pair.is_some() { 2 } else { 1 };
            }
            let is_done = next.links.len() == self.links.len();
            *self = next;
            if is_done || self.links.len() < 2 {
                return;
            }
        }
    }
}

/// The stamp of an operand that does what two do; `None` if there may be none.
fn join(older: Stamp, newer: Stamp, may_base_expire: bool) -> Option<Stamp> {
    let is_between = match older.end {
        // What it is applied to has its own end, and may have been there for the older one alone.
        KEEPS => may_base_expire && newer.millis > older.millis,
        NEVER => false,
        end => newer.is_past(end),
    };
    let end = if newer.end == KEEPS { older.end } else { newer.end };
    (!is_between).then_some(Stamp { millis: older.millis, end })
}

#[cfg(test)]
mod tests;
