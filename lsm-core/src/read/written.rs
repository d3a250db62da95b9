//! When a key was last written to.
//!
//! Sources are ordered by age for every key, so the first that knows of a write knows the newest. A
//! table at the bottom may have forgotten numbers and deletes that no snapshot tells apart.

use crate::base::error::Result;
use crate::base::planted::{Bug, planted};
use crate::cache::purpose::Use;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{ceiling, seqno_of};
use crate::memtable::handle::Memtable;
use crate::read::access::Access;
use crate::read::get::{Question, cover_in};
use crate::read::view::View;
use crate::stats::looked::Looked;

/// The number of the newest write to the key that the question may see, by itself or with a range;
/// zero if none is known.
pub fn last_written(access: impl Access, view: &View, question: &Question<'_>) -> Result<SeqNo> {
    for memtable in view.memtables() {
        let written = written_in(memtable, question);
        if written > SeqNo::ZERO {
            return Ok(written);
        }
    }
    let Some(tree) = view.version.tree(keyspace_of(question.key)) else { return Ok(SeqNo::ZERO) };
    for run in &tree.runs {
        let Some(slice) = run.slice_for(question.key) else { continue };
        let (is_known, written) = access.visit(&slice.file, Use::Point, |table, how| {
            let (key, hash, looked) = (question.key, question.hash, &mut Looked::default());
            let cover = counted(cover_in(table, question, how, looked)?);
            let found = table.get_counted(key, hash, ceiling(question.seqno), how, looked)?;
            let own = found.as_ref().map_or(SeqNo::ZERO, |found| seqno_of(found.trailer));
            Ok((found.is_some() || cover > SeqNo::ZERO, own.max(cover)))
        })?;
        if is_known {
            return Ok(written);
        }
    }
    Ok(SeqNo::ZERO)
}

/// The same of one memtable.
#[must_use]
pub fn written_in(memtable: &Memtable, question: &Question<'_>) -> SeqNo {
    let own = memtable.get(question.key, question.hash, ceiling(question.seqno));
    let own = own.map_or(SeqNo::ZERO, |entry| seqno_of(entry.trailer));
    own.max(counted(memtable.covering(question.key, question.seqno)))
}

/// The number of a range tombstone over a key: it is a write like any other.
#[inline]
fn counted(cover: SeqNo) -> SeqNo {
    if planted(Bug::ConditionsForgetRangeDeletes) { SeqNo::ZERO } else { cover }
}
