//! A key whose newest entry is a merge operand: everything of it is collected, from the newest
//! source to the oldest, until something says what the oldest operand is applied to.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::slice::Slice;
use crate::cache::purpose::Use;
use crate::cursor::contract::Cursor;
use crate::key::full::{keyspace_of, user_key};
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{ceiling, kind_of, seqno_of};
use crate::memtable::handle::Memtable;
use crate::merge::chain::Chain;
use crate::merge::merger::Merger;
use crate::read::access::Access;
use crate::read::question::{Found, Question, cover_in, fetch};
use crate::read::trace::Trace;
use crate::read::view::View;
use crate::read::visible::{Sight, expiry_of, unsupported, user_value};
use crate::version::tree::Run;

/// What an entry below operands means to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// There is more below it.
    Operand,
    /// It is the last that counts.
    End,
}

/// Adds an entry, older than all before, of which the newest range tombstone over it is known.
/// `fetch` reads the value that a reference stands for.
pub fn collect(
    chain: &mut Chain,
    cover: SeqNo,
    (trailer, value): (u64, &[u8]),
    fetch: impl FnOnce(&[u8]) -> Result<Slice>,
) -> Result<Below> {
    if cover > seqno_of(trailer) {
        chain.set_absent();
        return Ok(Below::End);
    }
    match kind_of(trailer) {
        Some(Kind::Merge) => {
            chain.push(trailer, value)?;
            return Ok(Below::Operand);
        }
        // Whether it was there for an operand the operand says.
        Some(Kind::Put | Kind::PutExpiring) => {
            chain.set_base(user_value(trailer, value), expiry_of(trailer, value))?;
        }
        Some(Kind::Delete | Kind::SingleDelete) => chain.set_absent(),
        Some(Kind::BlobRef) => chain.set_base(&fetch(value)?, expiry_of(trailer, value))?,
        Some(Kind::RangeDelete) => return Err(unsupported("a range delete among entries")),
        None => return Err(unsupported(&format!("an entry of kind {}", trailer & 0xff))),
    }
    Ok(Below::End)
}

/// Folds what was collected into `out`; answers when it expires, or 0.
pub fn fold(
    chain: &Chain,
    merger: Option<&Merger>,
    user_key: &[u8],
    out: &mut Vec<u8>,
) -> Result<u64> {
    let Some(merger) = merger else {
        let message = "there is a merge operand, and the keyspace has no merge operator";
        return Err(Error::new(ErrorKind::Corruption, message));
    };
    chain.fold(merger, user_key, out)
}

/// What is collected, and what is known of range tombstones over the key so far.
struct Walk<'a> {
    question: &'a Question<'a>,
    chain: Chain,
    cover: SeqNo,
    /// They are applied to a large value, which is not wanted.
    is_left_out: bool,
}

/// The value that the operands of a key come to, handed to `take`. `trace` knows of the sources up
/// to that of the newest operand.
#[cold]
pub(super) fn resolve<T>(
    (access, view): (impl Access, &View),
    question: &Question<'_>,
    trace: &mut impl Trace,
    take: &mut impl FnMut(Found<'_>) -> T,
) -> Result<Option<T>> {
    Ok(resolved((access, view), question, trace)?.map(take))
}

#[inline(never)]
fn resolved(
    (access, view): (impl Access, &View),
    question: &Question<'_>,
    trace: &mut impl Trace,
) -> Result<Option<Found<'static>>> {
    let (chain, cover) = (Chain::default(), SeqNo::ZERO);
    let mut walk = Walk { question, chain, cover, is_left_out: false };
    walk.through((access, view), trace)?;
    if walk.chain.is_empty() {
        return Ok(None);
    }
    let end = walk.chain.end();
    if end != 0 && end <= question.now.millis() {
        return Ok(None);
    }
    let mut value = Vec::new();
    if !walk.is_left_out {
        fold(&walk.chain, question.merger, user_key(question.key), &mut value)?;
    }
    Ok(Some(Found::made(Slice::from(value), end)))
}

impl Walk<'_> {
    fn through(
        &mut self,
        (access, view): (impl Access, &View),
        trace: &mut impl Trace,
    ) -> Result<()> {
        for memtable in view.memtables() {
            if self.memtable(memtable, trace)? == Below::End {
                return Ok(());
            }
        }
        let tree = view.version.tree(keyspace_of(self.question.key));
        for run in tree.iter().flat_map(|tree| &tree.runs) {
            if self.run(access, run, trace)? == Below::End {
                return Ok(());
            }
        }
        self.chain.set_absent();
        Ok(())
    }

    fn memtable(&mut self, memtable: &Arc<Memtable>, trace: &mut impl Trace) -> Result<Below> {
        let Question { key, hash, seqno, .. } = *self.question;
        let is_known = self.chain.is_empty();
        let cover = memtable.covering(key, seqno);
        self.cover = self.cover.max(cover);
        if !is_known {
            trace.memtable(memtable);
        }
        let newest = memtable.get(key, hash, ceiling(seqno)).map(|entry| entry.trailer);
        if !is_known {
            trace.judged(newest, cover, newest.map(|trailer| sight_below(trailer, self.cover)));
        }
        match newest {
            Some(_) => self.entries(&mut memtable.cursor(), trace),
            None => Ok(self.without_entry()),
        }
    }

    fn run(&mut self, access: impl Access, run: &Run, trace: &mut impl Trace) -> Result<Below> {
        let Question { key, hash, seqno, .. } = *self.question;
        let is_known = self.chain.is_empty();
        let slice = run.slice_for(key);
        if !is_known {
            trace.run(run, slice.map(AsRef::as_ref));
        }
        let Some(slice) = slice else { return Ok(Below::Operand) };
        access.visit(&slice.file, Use::Point, |table, how| {
            if !is_known {
                trace.table();
                trace.opened(table);
            }
            let cover = cover_in(table, self.question, how, trace)?;
            self.cover = self.cover.max(cover);
            let found = table.get_counted(key, hash, ceiling(seqno), how, trace)?;
            let newest = found.as_ref().map(|found| found.trailer);
            if !is_known {
                trace.judged(newest, cover, newest.map(|it| sight_below(it, self.cover)));
            }
            match found {
                None => Ok(self.without_entry()),
                Some(found) if kind_of(found.trailer) != Some(Kind::Merge) => {
                    self.take_in((found.trailer, &found.value), trace)
                }
                Some(_) => self.entries(&mut table.cursor(how), trace),
            }
        })
    }

    fn take_in(&mut self, entry: (u64, &[u8]), trace: &mut impl Trace) -> Result<Below> {
        collect(&mut self.chain, self.cover, entry, |reference| {
            let fetched = fetch(self.question, reference, trace)?;
            self.is_left_out = fetched.is_none();
            Ok(fetched.unwrap_or_default())
        })
    }

    /// A source in which the key has no entry: only a range tombstone says something.
    fn without_entry(&mut self) -> Below {
        if self.cover == SeqNo::ZERO {
            return Below::Operand;
        }
        // Whatever older sources have is under it.
        self.chain.set_absent();
        Below::End
    }

    /// All entries of the key in one source.
    fn entries(&mut self, cursor: &mut impl Cursor, trace: &mut impl Trace) -> Result<Below> {
        let Question { key, seqno, .. } = *self.question;
        cursor.seek(key, ceiling(seqno))?;
        while cursor.is_valid() && cursor.key() == key {
            let (trailer, value) = (cursor.trailer(), cursor.value());
            if self.take_in((trailer, value), trace)? == Below::End {
                return Ok(Below::End);
            }
            cursor.next()?;
        }
        Ok(self.without_entry())
    }
}

/// What an entry is told to be to a reader who collects.
fn sight_below(trailer: u64, cover: SeqNo) -> Sight {
    match kind_of(trailer) {
        _ if cover > seqno_of(trailer) => Sight::Covered(cover),
        Some(Kind::Merge) => Sight::Operand,
        Some(Kind::Put | Kind::PutExpiring | Kind::BlobRef) => Sight::Value,
        _ => Sight::Nothing,
    }
}
