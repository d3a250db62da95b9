//! The keeper: makes the next log segment before it is needed, and keeps pages of the mapped one
//! present ahead of its tail. Writers wait for it only when it has fallen behind.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::sync::Ordering;
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;
use crate::journal::recovery::log_header;
use crate::journal::state::State;
use crate::version::edit::Edit;
use crate::wal::segment::Segment;

/// The job.
pub struct Keeper {
    state: Arc<State>,
    _place: JobPlace,
}

impl Keeper {
    /// A keeper.
    #[must_use]
    pub fn new(state: Arc<State>, place: JobPlace) -> Self {
        Self { state, _place: place }
    }
}

impl Job for Keeper {
    fn step(&mut self) -> Step {
        let state = &self.state;
        if state.is_closing.load(Ordering::Acquire) {
            return Step::Done;
        }
        if let Some(bytes) = state.log.wanted() {
            state.log.offer(make_segment(state, bytes));
            return Step::Again;
        }
        match state.log.active() {
            Some(active) if active.wants_pages() && active.step_pages() => Step::Again,
            _ => Step::Idle(None),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.state.note_end_of_job();
    }
}

/// Makes a segment that is safe to use: its header, its name and its entry in the manifest are
/// durable before the first record goes in.
fn make_segment(state: &State, bytes: u64) -> Result<Segment> {
    let mut manifest = state.take_manifest();
    let mut edits = state.seal_finished(manifest.catalog())?;
    let number = manifest.take_number();
    let header = log_header(&state.env, &manifest, number)?;
    let mut segment = Segment::create(state.dir.as_ref(), header)?;
    edits.push(Edit::LogAdded { number, file_id: segment.file_id() });
    state.commit(&mut manifest, &edits)?;
    drop(manifest);

    let usual = state.segment_bytes.load(Ordering::Relaxed);
    segment.prepare(usual.max(bytes), state.is_mapped)?;
    let doubled = usual.saturating_mul(2).min(state.options.segment_bytes_max);
    state.segment_bytes.store(doubled, Ordering::Relaxed);
    if segment.is_mapped() {
        segment.step_pages();
    }
    Ok(segment)
}
