//! Files of large values from beginning to end: which of them have too much in them that nothing
//! refers to, which of them nothing refers to at all, and how they go.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::blob::file::BlobFile;
use crate::blob::reference::BlobRef;
use crate::cache::purpose::Use;
use crate::compaction::apart::{Moving, garbage_share};
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::gather::plan_to;
use crate::compaction::place::Place;
use crate::compaction::plan::{Input, Plan, PlanKind, Reason};
use crate::cursor::contract::Cursor;
use crate::engine::state::Engine;
use crate::key::full::keyspace_of;
use crate::read::view::View;
use crate::read::visible::is_apart;
use crate::record::header::HEADER_LEN;
use crate::table::reader::Table;
use crate::version::current::Version;
use crate::version::edit::Edit;
use crate::version::tree::{Slice, Tree};

/// A merge that meets values in a file of which so much is of no use moves them, in hundredths.
const MOVED_FROM: u64 = 25;
/// A file of which so much is of no use is given up although no merge comes along.
const GIVEN_UP_FROM: u64 = 35;
/// If there are more files than this that are much smaller than they could be, a merge that meets
/// values in several of them puts those together.
const SMALL_MAX: usize = 16;
/// So many times smaller.
const SMALL_SHARE: u64 = 8;

impl Engine {
    /// What a merge that takes these inputs moves.
    #[must_use]
    pub fn moving_for(&self, plan: &Plan) -> Moving {
        let blobs = self.journal.blobs();
        if blobs.is_empty() || plan.kind != PlanKind::Merge {
            return Moving::default();
        }
        let view = self.view.load();
        let mut files = self.wasteful(&view.version, MOVED_FROM);
        let met: BTreeSet<u64> =
            plan.slices().flat_map(|slice| slice.blobs().map(|blob| blob.file)).collect();
        let is_small = |file: &Arc<BlobFile>| file.end() < blobs.file_bytes() / SMALL_SHARE;
        let settled = blobs.all().into_iter().filter(|file| blobs.is_settled(file));
        let small: Vec<u64> = settled.filter(is_small).map(|file| file.number).collect();
        let together: Vec<u64> = small.iter().copied().filter(|it| met.contains(it)).collect();
        if small.len() > SMALL_MAX && together.len() > 1 {
            files.extend(together);
        }
        Moving { blobs: Some(Arc::clone(blobs)), files: Arc::new(files) }
    }

    /// Files of which so much, in hundredths, is referred to by nothing.
    fn wasteful(&self, version: &Version, from: u64) -> BTreeSet<u64> {
        let blobs = self.journal.blobs();
        let is_wasteful = |file: &Arc<BlobFile>| {
            let live = version.blobs().get(&file.number).copied().unwrap_or_default();
            let is_worn = live > 0 && garbage_share(file, live) >= from;
            is_worn && !file.is_damaged() && blobs.is_settled(file)
        };
        let wasteful = blobs.all().into_iter().filter(is_wasteful);
        wasteful.map(|file| file.number).collect()
    }

    /// The plan that rewrites a slice of a tree where it stands, for the values that it has in
    /// files that are given up.
    #[must_use]
    pub fn pick_wasteful(
        &self,
        version: &Version,
        tree: &Tree,
        busy: &Busy,
        context: &Context,
    ) -> Option<Plan> {
        if self.journal.blobs().is_empty() {
            return None;
        }
        let files = self.wasteful(version, GIVEN_UP_FROM);
        if files.is_empty() {
            return None;
        }
        for run in &tree.runs {
            for slice in &run.slices {
                let mut has = slice.blobs().map(|blob| blob.file);
                if busy.holds(slice) || !has.any(|file| files.contains(&file)) {
                    continue;
                }
                let chosen = [Input::only(run, slice)];
                let plan = plan_to(tree, context, &chosen, Place::of(run), Reason::SpaceWasted);
                let plan = plan.map(|plan| Plan { kind: PlanKind::Merge, ..plan });
                if let Some(plan) = plan.filter(|plan| busy.allows(plan)) {
                    return Some(plan);
                }
            }
        }
        None
    }

    /// The files that nothing refers to.
    fn dead_blobs(&self) -> Vec<Arc<BlobFile>> {
        let blobs = self.journal.blobs();
        if blobs.is_empty() {
            return Vec::new();
        }
        // Whether only tables refer to them comes first: the view then has all of those.
        let all = blobs.all().into_iter().filter(|file| blobs.is_settled(file));
        let settled: Vec<Arc<BlobFile>> = all.filter(|file| !file.is_removed()).collect();
        let view = self.view.load();
        let is_dead = |file: &Arc<BlobFile>| {
            view.version.blobs().get(&file.number).copied().unwrap_or_default() == 0
        };
        settled.into_iter().filter(is_dead).collect()
    }

    /// True if there are files that nothing refers to.
    #[must_use]
    pub fn has_dead_blobs(&self) -> bool {
        !self.dead_blobs().is_empty()
    }

    /// Has the manifest forget files that nothing refers to; false if there are none.
    pub fn drop_dead_blobs(&self) -> Result<bool> {
        let dead: Vec<_> = self.dead_blobs().into_iter().filter(|it| it.begin_removal()).collect();
        if dead.is_empty() {
            return Ok(false);
        }
        let edits = dead.iter().map(|file| Edit::BlobRemoved(file.number)).collect();
        self.install_by_themselves(edits)
            .inspect_err(|_| dead.iter().for_each(|file| file.end_removal()))?;
        Ok(true)
    }

    /// Unlinks files of large values that nobody can read any more; false if there are none.
    pub fn sweep_blobs(&self) -> bool {
        let numbers = self.garbage.take_blobs();
        if numbers.is_empty() {
            return false;
        }
        // A name that stays is cleared away by the next opening.
        let _left_behind = self.journal.unlink_blobs(&numbers);
        self.garbage.end_sweep();
        self.progress.notify();
        true
    }

    /// Reads every value that these slices of a table refer to. `told` hears how many bytes were
    /// read.
    pub fn verify_apart(
        &self,
        table: &Arc<Table>,
        slices: &[Arc<Slice>],
        told: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        if slices.iter().all(|slice| slice.blobs().next().is_none()) {
            return Ok(());
        }
        let mut cursor = table.cursor(Use::Bypass);
        cursor.seek_first()?;
        while cursor.is_valid() {
            if is_apart(cursor.trailer()) && is_of(slices, cursor.key()) {
                told(self.verify_reference(cursor.value(), table.path())?)?;
            }
            cursor.next()?;
        }
        Ok(())
    }

    /// The same of every value that the log refers to and no table does yet.
    pub fn verify_apart_in_memory(
        &self,
        view: &View,
        told: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        for memtable in view.memtables().filter(|memtable| memtable.all_apart_bytes() > 0) {
            let mut cursor = memtable.cursor();
            cursor.seek_first()?;
            while cursor.is_valid() {
                if is_apart(cursor.trailer()) {
                    told(self.verify_reference(cursor.value(), &self.path)?)?;
                }
                cursor.next()?;
            }
        }
        Ok(())
    }

    /// Reads the value of a reference that stands in the file at `path`; answers how long its
    /// record is.
    fn verify_reference(&self, reference: &[u8], path: &Path) -> Result<u64> {
        let reference = BlobRef::decode(reference).ok_or_else(|| {
            Error::corruption(path, 0, "a reference to a large value makes no sense")
        })?;
        let _verified = self.journal.blobs().record(&reference)?;
        Ok(u64::from(reference.len))
    }

    /// Reads about so many bytes of the large values that slices of a table refer to, behind an
    /// entry, and answers behind which to go on; `None` if that was all. What cannot be read
    /// `noted` hears of.
    pub fn scrub_apart(
        &self,
        (table, slices): (&Arc<Table>, &[Arc<Slice>]),
        (mut key, mut trailer): (Vec<u8>, u64),
        bytes_max: u64,
        (bytes, noted): (&mut u64, &mut dyn FnMut(&Error)),
    ) -> Result<Option<(Vec<u8>, u64)>> {
        let mut cursor = table.cursor(Use::Bypass);
        cursor.seek(&key, trailer)?;
        if cursor.is_valid() && (cursor.key(), cursor.trailer()) == (key.as_slice(), trailer) {
            cursor.next()?;
        }
        while cursor.is_valid() {
            if is_apart(cursor.trailer()) && is_of(slices, cursor.key()) {
                let Some(reference) = BlobRef::decode(cursor.value()) else { return Ok(None) };
                if let Err(error) = self.journal.blobs().record(&reference) {
                    noted(&error);
                }
                *bytes += u64::from(reference.len);
                if *bytes >= bytes_max {
                    key.clear();
                    key.extend_from_slice(cursor.key());
                    trailer = cursor.trailer();
                    return Ok(Some((key, trailer)));
                }
            }
            cursor.next()?;
        }
        Ok(None)
    }

    /// Bytes of files of large values that nothing refers to, as far as that is known.
    #[must_use]
    pub fn blob_garbage(&self, version: &Version) -> u64 {
        let blobs = self.journal.blobs();
        let settled = blobs.all().into_iter().filter(|file| blobs.is_settled(file));
        let garbage = settled.map(|file| {
            let live = version.blobs().get(&file.number).copied().unwrap_or_default();
            file.end().saturating_sub(HEADER_LEN as u64).saturating_sub(live)
        });
        garbage.fold(0, u64::saturating_add)
    }
}

/// True if the entry with this full key is in one of these slices of its table. What a table has
/// beside them was written anew, and its large values may be gone.
fn is_of(slices: &[Arc<Slice>], key: &[u8]) -> bool {
    let keyspace = keyspace_of(key);
    slices.iter().any(|slice| slice.meta.keyspace == keyspace)
}
