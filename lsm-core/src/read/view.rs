//! A view: everything that a reader looks into, from the newest to the oldest.

use std::sync::Arc;

use crate::key::seqno::SeqNo;
use crate::memtable::handle::Memtable;
use crate::version::current::Version;

/// What there is to read at one moment. Immutable, but for the active memtable, which gets more.
#[derive(Clone, Debug)]
pub struct View {
    /// Where writes go.
    pub active: Arc<Memtable>,
    /// Memtables that wait for their flush, the newest first.
    pub sealed: Vec<Arc<Sealed>>,
    /// The tables.
    pub version: Arc<Version>,
    /// How many merges since the opening have changed, by a compaction filter, what readers see.
    pub sifted: u64,
}

/// A memtable that takes no more writes.
#[derive(Debug)]
pub struct Sealed {
    /// What was written.
    pub memtable: Arc<Memtable>,
    /// Everything in it has this number or a lower one.
    pub last: SeqNo,
    /// Once it is flushed, log segments below this number are not needed any more.
    pub log_start: Option<u64>,
    /// Some of it is in no log: only its flush keeps that.
    pub has_volatile: bool,
}

impl View {
    /// The memtables, the newest first.
    pub fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        let sealed = self.sealed.iter().map(|sealed| &sealed.memtable);
        std::iter::once(&self.active).chain(sealed)
    }

    /// The view once writes go to `active` and `sealed` waits for its flush.
    #[must_use]
    pub fn switched(&self, active: Arc<Memtable>, sealed: Arc<Sealed>) -> Self {
        let older = self.sealed.iter().cloned();
        let sealed = std::iter::once(sealed).chain(older).collect();
        Self { active, sealed, version: self.version.clone(), sifted: self.sifted }
    }

    /// The same tables and memtables, after one more merge that has changed what readers see.
    #[must_use]
    pub fn sifted(self) -> Self {
        Self { sifted: self.sifted.wrapping_add(1), ..self }
    }

    /// The view once the tables are those of `version`, which have what stood in `flushed`.
    #[must_use]
    pub fn installed(&self, version: Arc<Version>, flushed: Option<&Arc<Sealed>>) -> Self {
        let is_kept = |it: &&Arc<Sealed>| flushed.is_none_or(|done| !Arc::ptr_eq(it, done));
        let sealed = self.sealed.iter().filter(is_kept).cloned().collect();
        Self { active: self.active.clone(), sealed, version, sifted: self.sifted }
    }
}
