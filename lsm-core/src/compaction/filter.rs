//! `CompactionFilter`: what compactions take away or change. Anybody may write one.

use crate::base::error::Result;
use crate::options::expiry::Expiry;

/// Is shown the values that a compaction rewrites, and says which of them stay.
///
/// A keyspace chooses one by its name when it is made (`KeyspaceOptions::compaction_filter`), which
/// is stored; the filter itself is registered with `Builder::compaction_filter` at each opening.
/// Where it is missing everything is kept, and `Db::doctor` says so.
///
/// It is shown a value whenever a compaction rewrites it, for the first time when the value leaves
/// level 0; a flush shows nothing. `compact` over a whole keyspace shows every value that is there.
/// What is deleted or has expired is not shown, nor what a live snapshot sees: a filter never
/// changes what a snapshot or an iterator reads. Merge operands are not shown either, but the
/// values that they are folded to. Large values are read from their own files for it.
///
/// What it answers has to depend on its arguments, and on nothing that goes back: readers see the
/// answer once the compaction is done, and one that is given up, or cut off by a crash, is done
/// again and asks again. A value that it has let stay may be shown again at any time, and so may
/// one that was written over meanwhile. It is called by any thread, several at once, with no lock
/// of the database held. It may read the database; it must neither write to it nor wait for
/// background work, which may be what asks. One that fails or panics keeps the value: the counter
/// `compaction_filter_failures` and `Event::FilterFailed` tell.
///
/// # Examples
///
/// ```
/// use lsm_core::{CompactionFilter, Db, FilterContext, FilterDecision, KeyspaceOptions, Result};
///
/// /// Takes away what is marked as garbage.
/// struct Sweeper;
///
/// impl CompactionFilter for Sweeper {
///     fn name(&self) -> &str {
///         "sweeper"
///     }
///
///     fn filter(
///         &self,
///         _key: &[u8],
///         value: &[u8],
///         _context: &FilterContext<'_>,
///     ) -> Result<FilterDecision> {
///         let is_garbage = value.starts_with(b"garbage");
///         Ok(if is_garbage { FilterDecision::Remove } else { FilterDecision::Keep })
///     }
/// }
///
/// # let dir = std::env::temp_dir().join(format!("lsm-filter-{}", std::process::id()));
/// let db = Db::builder(&dir).compaction_filter(Sweeper).open()?;
/// let options = KeyspaceOptions::new().compaction_filter("sweeper");
/// let things = db.keyspace_with("things", options)?;
/// things.put("a", "garbage: a")?;
/// things.put("b", "of use")?;
/// things.compact(..)?;
/// assert_eq!(things.get("a")?, None);
/// assert_eq!(things.get("b")?.as_deref(), Some(&b"of use"[..]));
/// # db.close()?;
/// # Db::destroy(&dir)?;
/// # Ok::<(), lsm_core::Error>(())
/// ```
pub trait CompactionFilter: Send + Sync + 'static {
    /// The name that keyspaces choose it by: 1 to 64 letters, digits, `-`, `_` and `.`.
    fn name(&self) -> &str;

    /// What becomes of a value.
    fn filter(
        &self,
        key: &[u8],
        value: &[u8],
        context: &FilterContext<'_>,
    ) -> Result<FilterDecision>;
}

/// What becomes of a value that a compaction filter is shown.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterDecision {
    /// It stays.
    Keep,
    /// It goes, as if the key had been deleted: nothing older comes to light.
    Remove,
    /// This takes its place. When it expires stays.
    Replace(Vec<u8>),
}

/// What a compaction filter may know besides key and value. More may come with later versions.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterContext<'a> {
    /// The name of the keyspace.
    pub keyspace: &'a str,
    /// The level where the value will stand.
    pub level: u8,
    /// Nothing older lies beneath what is rewritten.
    pub is_last_level: bool,
    /// When the value expires, or that it never does.
    pub expiry: Expiry,
}
