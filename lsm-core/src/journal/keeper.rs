//! The keeper: makes the next log segment before it is needed, and keeps pages of the mapped one
//! present ahead of its tail. Writers wait for it only when it has fallen behind.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::sync::Ordering;
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;
use crate::journal::recovery::log_header;
use crate::journal::state::State;
use crate::record::names;
use crate::version::edit::Edit;
use crate::version::manifest::Manifest;
use crate::wal::segment::Segment;

/// The job.
pub struct Keeper {
    state: Arc<State>,
    /// A segment that was made and could not be listed: it is tried again before another is made.
    made: Option<Segment>,
    /// It makes pages present until there are as many as there may be: to be woken costs the writer
    /// more than most puts.
    is_paging: bool,
    _place: JobPlace,
}

impl Keeper {
    /// A keeper.
    #[must_use]
    pub fn new(state: Arc<State>, place: JobPlace) -> Self {
        Self { state, made: None, is_paging: false, _place: place }
    }
}

impl Job for Keeper {
    fn step(&mut self) -> Step {
        let state = &self.state;
        if state.is_closing.load(Ordering::Acquire) {
            return Step::Done;
        }
        if let Some(bytes) = state.log.wanted() {
            supply_segment(state, bytes, &mut self.made);
            return Step::Again;
        }
        let active = state.log.active().filter(|log| self.is_paging || log.wants_pages());
        self.is_paging = active.is_some_and(|active| active.step_pages());
        if self.is_paging { Step::Again } else { Step::Idle(None) }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.state.note_end_of_job();
    }
}

/// Hands the log a segment that is safe to use: its header, its name and its entry in the manifest
/// are durable before the first record goes in. All of it happens in one turn of the manifest, so
/// that nobody retires the segment between its listing and its use. Segments that ended are read
/// before it, for that takes long, and a flush may wait for the manifest.
fn supply_segment(state: &State, bytes: u64, made: &mut Option<Segment>) {
    let read = state.read_finished();
    let mut manifest = state.take_manifest();
    // A seal that cannot be made is only a witness less: the seam after it is there.
    let seals = state.seal(&manifest, read).unwrap_or_default();
    let start = manifest.catalog().log_start;
    let kept = made.take().filter(|kept| {
        let is_fit = kept.capacity() >= bytes && kept.number() >= start;
        if !is_fit {
            manifest.forget_later(names::log(kept.number()));
        }
        is_fit
    });
    let segment = match kept {
        Some(segment) => Ok(segment),
        None => make_segment(state, &mut manifest, bytes),
    };
    let listed =
        segment.and_then(|segment| match list_segment(state, &mut manifest, &segment, seals) {
            Ok(()) => Ok(segment),
            Err(error) => {
                *made = Some(segment);
                Err(error)
            }
        });
    state.log.offer(listed);
}

fn list_segment(
    state: &State,
    manifest: &mut Manifest,
    segment: &Segment,
    mut edits: Vec<Edit>,
) -> Result<()> {
    edits.push(Edit::LogAdded { number: segment.number(), file_id: segment.file_id() });
    state.commit(manifest, &edits)
}

fn make_segment(state: &State, manifest: &mut Manifest, bytes: u64) -> Result<Segment> {
    let number = manifest.take_number()?;
    let header = log_header(&state.env, manifest, number)?;
    let usual = state.segment_bytes.load(Ordering::Relaxed);
    let made = Segment::create(state.dir.as_ref(), header).and_then(|mut segment| {
        segment.prepare(usual.max(bytes), state.is_mapped)?;
        Ok(segment)
    });
    let segment = made.inspect_err(|_| {
        // Nothing lists it, and the space may be what is missing.
        let _left_behind = state.dir.unlink(&names::log(number));
    })?;
    let doubled = usual.saturating_mul(2).min(state.options.segment_bytes_max);
    state.segment_bytes.store(doubled, Ordering::Relaxed);
    if segment.is_mapped() {
        segment.step_pages();
    }
    Ok(segment)
}
