//! Following a log that another process writes: what has come since the last look is read, up to
//! the first record that does not verify. That one may be on its way: "not yet", and no end.
//!
//! It is damage if somebody knows the bytes there to have been written: a seam or a seal that names
//! a later end, the manifest, or a record behind it that verifies. Whoever writes may have come in
//! between, so that is an error which the caller believes only if the next look shows the same.

use crate::base::error::Result;
use crate::key::seqno::SeqNo;
use crate::wal::chain::sound::{self, IsSound, Told};
use crate::wal::chain::{Chain, Replayed, Walk};
use crate::wal::segment::Segment;
use crate::wal::tail::ChainEnd;

/// How far a log has been followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Where; segment 0 if nothing was there yet.
    pub end: ChainEnd,
    /// The sequence number that comes next.
    pub next_seqno: SeqNo,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// All that is there was taken in.
    UpTo(Reached),
    /// The next batch is about something that only a later edit of the manifest tells.
    Behind(Reached),
    /// The log does not go on where it was left: what was taken in must be read anew.
    Elsewhere,
}

/// Whether a batch was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was.
    Yes,
    /// It is about something that the manifest, as it was read, does not know.
    NotYet,
}

/// Takes in batches.
pub type Take<'a> = dyn FnMut(&Replayed<'_>) -> Result<Taken> + 'a;

impl Chain<'_> {
    /// Hands what stands behind `from` to `take`, in commit order; all of it if that is `None`.
    /// `reached` is kept up to date, also when this fails.
    pub fn follow(&self, reached: &mut Option<Reached>, take: &mut Take<'_>) -> Result<Followed> {
        self.follow_sound(reached, &mut |_| Ok(true), take)
    }

    /// The same, where `is_sound` says of a batch whether what it refers to is there. It is asked
    /// of what a machine has left behind that went down since; one that is not sound is where the
    /// log ends.
    pub fn follow_sound(
        &self,
        reached: &mut Option<Reached>,
        is_sound: &mut IsSound<'_>,
        take: &mut Take<'_>,
    ) -> Result<Followed> {
        let mut walk = self.walk();
        let mut at = walk.first();
        let mut from = None;
        if let Some(before) = reached.filter(|before| before.end.number > 0) {
            walk.read.next_seqno = before.next_seqno;
            from = Some((before.end.end, before.end.check));
            match self.find(&walk, at, before.end.number) {
                Some(found) => at = found,
                None => return Ok(Followed::Elsewhere),
            }
        }
        let mut to = (reached, is_sound, take);
        while let Some(next) = self.follow_segment(&mut walk, at, from.take(), &mut to)? {
            match next {
                Next::Segment(next) => at = next,
                Next::Stop(followed) => return Ok(followed),
            }
        }
        if let Some(segment) = self.segments.get(at) {
            if (segment.listed.number, walk.read.end.end) < self.witness.durable {
                return Err(walk.damaged(segment, "a record that was durable does not verify"));
            }
        }
        Ok(Followed::UpTo(*to.0.get_or_insert_default()))
    }

    /// The segment with this number, if it is one of the chain that begins at `at`.
    fn find(&self, walk: &Walk<'_>, mut at: usize, number: u64) -> Option<usize> {
        while self.segments.get(at)?.listed.number != number {
            at = walk.successor(at)?.0;
        }
        Some(at)
    }

    /// Follows one segment; nothing comes after it if this answers `None`.
    fn follow_segment(
        &self,
        walk: &mut Walk<'_>,
        at: usize,
        from: Option<(u64, u64)>,
        (reached, is_sound, take): &mut To<'_, '_, '_>,
    ) -> Result<Option<Next>> {
        let Some(segment) = self.segments.get(at) else { return Ok(None) };
        let next = walk.successor(at);
        let known = segment.listed.sealed.or(next.map(|(_, seam)| (seam.end, seam.check)));
        let (offset, check) = from.unwrap_or((Segment::start(), segment.header.check()));
        if known.is_some_and(|(end, _)| end < offset) {
            // What was taken in last was a write that failed.
            return Ok(Some(Next::Stop(Followed::Elsewhere)));
        }
        let mut reader = segment.reader_from(offset, check)?;
        let mut is_sealed = false;
        while known.is_none_or(|(end, _)| reader.offset() < end) && !is_sealed {
            let offset = reader.offset();
            let Some(record) = reader.next_record()? else { break };
            let is_of_now = segment.ran_in(self.witness.boot_id);
            let mut taken = Taken::Yes;
            let mut told = Told {
                is_sound: &mut |batch| Ok(is_of_now || is_sound(batch)?),
                replay: &mut |batch| {
                    taken = take(&batch)?;
                    Ok(())
                },
            };
            match walk.take_record(at, offset, &record, &mut told)? {
                sound::Taken::Next => {}
                sound::Taken::Seal => is_sealed = true,
                sound::Taken::Torn => {
                    let reached = reached.get_or_insert_default();
                    return Ok(Some(Next::Stop(Followed::UpTo(*reached))));
                }
            }
            if taken == Taken::NotYet {
                let reached = reached.get_or_insert_default();
                return Ok(Some(Next::Stop(Followed::Behind(*reached))));
            }
            walk.read.end = ChainEnd {
                number: segment.listed.number,
                end: reader.offset(),
                check: reader.check(),
                durable: reader.offset(),
            };
            **reached = Some(Reached { end: walk.read.end, next_seqno: walk.read.next_seqno });
        }
        walk.read.end.end = reader.offset();
        match known {
            Some(known) if known != (reader.offset(), reader.check()) => {
                Err(walk.damaged(segment, "the segment ended later, and does not verify here"))
            }
            Some(_) => Ok(next.map(|(next, _)| Next::Segment(next))),
            None => {
                if !reader.is_blank()? {
                    let evidence = reader.evidence_after(reader.offset())?;
                    let is_told = evidence.any_record && segment.ran_in(self.witness.boot_id);
                    if is_told || evidence.undecided || evidence.durable > reader.offset() {
                        return Err(walk.damaged(segment, "a record does not verify"));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// What is kept up to date, and who is asked and told.
type To<'a, 'b, 'c> = (&'a mut Option<Reached>, &'a mut IsSound<'b>, &'a mut Take<'c>);

/// Where to go on.
enum Next {
    Segment(usize),
    Stop(Followed),
}
