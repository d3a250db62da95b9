//! One area under watch, and the stretches in it over which nothing lives.

use crate::key::seqno::SeqNo;
use crate::read::as_of::AsOf;
use crate::read::dead::{Found, Way};

/// Stretches of one area. Neighbours become one when there are more.
const STRETCHES_MAX: usize = 16;

/// From one key up to another, without that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    /// Who reads at this number or later sees nothing in it; `None` while nobody has looked.
    pub(super) from: Option<SeqNo>,
    /// And at this time or later.
    pub(super) now_millis: u64,
    /// And in a view in which a compaction filter has taken away as much.
    pub(super) sifted: u64,
}

/// Keys that are watched.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) low: Vec<u8>,
    pub(super) high: Vec<u8>,
    /// Every put with a larger number has been cut out, or will be before it is seen.
    pub(super) since: SeqNo,
    /// When it was last of use.
    pub(super) used: u64,
    /// In the order of their keys; they do not overlap.
    stretches: Vec<Stretch>,
}

impl Stretch {
    /// What was found, not believed yet.
    pub(super) fn of(found: &Found<'_>) -> Self {
        let (start, end) = (found.start.to_vec(), found.end.to_vec());
        let AsOf { millis: now_millis, sifted, .. } = found.as_of;
        Self { start, end, from: None, now_millis, sifted }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.start.capacity() + self.end.capacity()
    }

    fn is_for(&self, reader: AsOf) -> bool {
        self.from.is_some_and(|from| from <= reader.seqno)
            && self.now_millis <= reader.millis
            && self.sifted <= reader.sifted
    }
}

impl Area {
    /// Everything from `low` up to `high`, watched from `since` on, and what was known in `inside`.
    pub(super) fn around(low: Vec<u8>, high: Vec<u8>, since: SeqNo, inside: Vec<Area>) -> Self {
        let known = inside.into_iter().flat_map(|area| area.stretches);
        let stretches = known.filter(|stretch| stretch.from.is_some()).collect();
        Self { low, high, since, used: 0, stretches }
    }

    pub(super) fn bytes(&self) -> usize {
        let own = size_of::<Self>() + self.low.capacity() + self.high.capacity();
        own + self.stretches.iter().map(Stretch::bytes).sum::<usize>()
    }

    pub(super) fn overlaps(&self, found: &Found<'_>) -> bool {
        self.low.as_slice() < found.end && found.start < self.high.as_slice()
    }

    pub(super) fn holds(&self, found: &Found<'_>) -> bool {
        self.low.as_slice() <= found.start && found.end <= self.high.as_slice()
    }

    /// How far a reader may leap who is at `key`: over the stretch that holds it and over those
    /// that go on where it ends.
    pub(super) fn edge(&self, key: &[u8], reader: AsOf, way: Way) -> Option<&[u8]> {
        let mut at = self.stretches.partition_point(|stretch| stretch.end.as_slice() <= key);
        let mut here = self.stretches.get(at)?;
        if here.start.as_slice() > key || !here.is_for(reader) {
            return None;
        }
        loop {
            at = match way {
                Way::Forward => at + 1,
                Way::Backward => at.wrapping_sub(1),
            };
            let next = self.stretches.get(at).filter(|next| next.is_for(reader));
            here = match (way, next) {
                (Way::Forward, Some(next)) if next.start == here.end => next,
                (Way::Backward, Some(next)) if next.end == here.start => next,
                (Way::Forward, _) => return Some(&here.end),
                (Way::Backward, _) => return Some(&here.start),
            };
        }
    }

    /// Takes in that nothing lives where a scan has looked, as far as this area goes. The caller
    /// has made sure that the scan does not read from before the watch.
    pub(super) fn prove(&mut self, found: &Found<'_>) {
        let start = found.start.max(&self.low).to_vec();
        let end = found.end.min(&self.high).to_vec();
        let AsOf { seqno, millis: now_millis, sifted } = found.as_of;
        self.add(Stretch { start, end, from: Some(seqno), now_millis, sifted });
    }

    /// Keeps an eye on `stretch`, or takes it in, if it is known to be true from `from` on.
    pub(super) fn expect(&mut self, stretch: Stretch, from: Option<SeqNo>) {
        self.add(Stretch { from, ..stretch });
    }

    /// Fills the gaps that are known of a stretch. What is known from an earlier number stays so:
    /// there may be readers who need that.
    fn add(&mut self, new: Stretch) {
        let is_apart = |old: &Stretch| old.end <= new.start || new.end <= old.start;
        self.stretches.retain(|old| old.from.is_some() || is_apart(old));
        let mut at = self.stretches.partition_point(|old| old.end <= new.start);
        let mut start = new.start.clone();
        while start < new.end {
            let next = self.stretches.get(at);
            let gap_end = next.map_or(&new.end, |next| (&next.start).min(&new.end)).clone();
            let behind = next.map_or(&new.end, |next| &next.end).clone();
            if start < gap_end {
                self.stretches.insert(at, Stretch { start, end: gap_end, ..new.clone() });
                at += 1;
            }
            start = behind;
            at += 1;
        }
        while self.stretches.len() > STRETCHES_MAX {
            self.unite_two();
        }
    }

    /// Makes two neighbours one that is true for those who could use both; where no two touch, the
    /// oldest is forgotten. It is done where readers of those numbers lose the least for their age:
    /// what is left is the coarser the older it is, and a reader of any age steps over a few times
    /// as many deletes as came since.
    fn unite_two(&mut self) {
        let number_of = |stretch: &Stretch| stretch.from.map_or(0, SeqNo::get);
        let numbers: Vec<u64> = self.stretches.iter().map(number_of).collect();
        let newest = numbers.iter().copied().max().unwrap_or(0);
        let loss = |(_, (a, b)): &(usize, (&Stretch, &Stretch))| {
            let (a, b) = (number_of(a), number_of(b));
            let before = numbers.iter().copied().filter(|other| *other < a.min(b)).max();
            let lost = u128::from(a.max(b) - before.unwrap_or(0));
            (lost << 64) / u128::from(newest - a.max(b) + 1)
        };
        let pairs = self.stretches.iter().zip(self.stretches.iter().skip(1)).enumerate();
        let touching =
            pairs.filter(|(_, (a, b))| a.end == b.start && a.from.is_some() == b.from.is_some());
        let Some((at, (a, b))) = touching.min_by_key(loss) else {
            let all = self.stretches.iter().enumerate();
            let oldest = all.min_by_key(|(_, stretch)| stretch.from).map_or(0, |(at, _)| at);
            self.stretches.remove(oldest);
            return;
        };
        let from = a.from.max(b.from);
        let now_millis = a.now_millis.max(b.now_millis);
        let sifted = a.sifted.max(b.sifted);
        let (start, end) = (a.start.clone(), b.end.clone());
        let united = Stretch { start, end, from, now_millis, sifted };
        self.stretches.splice(at..at + 2, [united]);
    }

    /// Takes `key` out. Answers whether this area, which is then what lies before the key, is of
    /// any use, and what lies behind it, if that is.
    pub(super) fn cut(&mut self, key: &[u8]) -> (bool, Option<Self>) {
        let next = [key, &[0]].concat();
        let at = self.stretches.partition_point(|stretch| stretch.end.as_slice() <= key);
        let mut behind = self.stretches.split_off(at);
        if let Some(first) = behind.first_mut().filter(|first| first.start.as_slice() <= key) {
            if first.start.as_slice() < key {
                self.stretches.push(Stretch { end: key.to_vec(), ..first.clone() });
            }
            first.start.clone_from(&next);
        }
        behind.retain(|stretch| stretch.start < stretch.end);
        let high = std::mem::replace(&mut self.high, key.to_vec());
        let behind = (!behind.is_empty()).then_some(Self {
            low: next,
            high,
            since: self.since,
            used: self.used,
            stretches: behind,
        });
        (!self.stretches.is_empty(), behind)
    }
}

#[cfg(test)]
impl Area {
    pub(super) fn check(&self) {
        let mut last = &self.low;
        assert!(!self.stretches.is_empty() && self.stretches.len() <= STRETCHES_MAX);
        for stretch in &self.stretches {
            assert!(last <= &stretch.start && stretch.start < stretch.end, "{self:?}");
            last = &stretch.end;
        }
        assert!(last <= &self.high, "{self:?}");
    }
}
