//! One segment: a preallocated file that one process writes, by `pwrite` or through a mapping.
//!
//! Both ways leave the same bytes. A mapped segment that can be mapped no longer goes on with
//! `pwrite`; the page cache keeps the two coherent. A segment is used only after its header, its
//! name and its entry in the manifest are durable.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};
use crate::env::fs::{Directory, File, WINDOW_GRAIN, Window, write_all_at};
use crate::record::frame::{FRAME_LEN, Payload, Place, padded_len};
use crate::record::header::{FileHeader, HEADER_LEN};
use crate::record::names;

/// A record with more than this is not assembled in memory before it is written.
const ASSEMBLED_MAX: usize = 128 << 10;
const PADDING: [u8; 8] = [0; 8];

/// Pages that are made present in one step.
const POPULATE_STEP: u64 = 256 << 10;
/// How far ahead of the tail pages are kept present: a part of the segment, within these.
const POPULATE_AHEAD: std::ops::RangeInclusive<u64> = 256 << 10..=2 << 20;
/// The part: one in so many.
const POPULATE_SHARE: u64 = 16;

/// How far ahead of the tail pages of a segment are kept present. Half as far behind it they may
/// stay mapped.
fn populate_ahead(capacity: u64) -> u64 {
    (capacity / POPULATE_SHARE).clamp(*POPULATE_AHEAD.start(), *POPULATE_AHEAD.end())
}

/// How much memory mapped segments of so many bytes take up at most: the active one, the next one's
/// first pages, and what is left of the last.
#[must_use]
pub fn resident_bytes_max(capacity: u64) -> u64 {
    let ahead = populate_ahead(capacity);
    (ahead + ahead / 2 + POPULATE_STEP).min(capacity).saturating_mul(2)
}

/// A segment that is or was written by this process.
#[derive(Debug)]
pub struct Segment {
    header: FileHeader,
    file: Arc<dyn File>,
    capacity: u64,
    is_reserved: bool,
    window: Option<Box<dyn Window>>,
    is_window_off: AtomicBool,
    tail: AtomicU64,
    populated: AtomicU64,
    released: AtomicU64,
}

impl Segment {
    /// Creates the file and makes header and name durable. It has no room for records yet.
    pub fn create(dir: &dyn Directory, header: FileHeader) -> Result<Self> {
        let is_misnamed = planted(Bug::RewriteMisnamed) && header.flags != 0;
        let name = if is_misnamed { names::table } else { names::log };
        let file = dir.create(&name(header.number))?;
        write_all_at(file.as_ref(), &header.encode(), 0)?;
        if !planted(Bug::LogHeaderNotSynced) {
            file.sync_data()?;
        }
        if !planted(Bug::LogDirNotSynced) {
            dir.sync()?;
        }
        Ok(Self {
            header,
            file,
            capacity: 0,
            is_reserved: false,
            window: None,
            is_window_off: AtomicBool::new(false),
            tail: AtomicU64::new(0),
            populated: AtomicU64::new(0),
            released: AtomicU64::new(0),
        })
    }

    /// Makes room for records, up to `capacity` bytes of file in all.
    pub fn prepare(&mut self, capacity: u64, is_mapped: bool) -> Result<()> {
        self.capacity = capacity.next_multiple_of(WINDOW_GRAIN);
        match self.file.allocate(self.capacity) {
            Ok(()) => self.is_reserved = true,
            Err(error) if error.kind() != ErrorKind::Unsupported => return Err(error),
            Err(_) => return Ok(()),
        }
        if is_mapped { self.map() } else { Ok(()) }
    }

    /// Maps the whole segment. Address space is all it costs until pages are populated. Where it
    /// cannot be had, the segment is written instead.
    fn map(&mut self) -> Result<()> {
        self.file.sync_data()?;
        match self.file.map(0, self.capacity) {
            Ok(window) => self.window = Some(window),
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) if error.kind() == ErrorKind::OutOfMemory => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives back the room of a segment that was never begun. If that fails, it stays taken until
    /// the segment is retired.
    pub fn give_back_room(&self) {
        let _stays_taken = self.file.set_len(Self::start());
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The id in its header.
    #[must_use]
    pub fn file_id(&self) -> u64 {
        self.header.file_id
    }

    /// The check that the first record chains to.
    #[must_use]
    pub fn header_check(&self) -> u64 {
        self.header.check()
    }

    /// Where its records live.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::of(&self.header)
    }

    /// Where the first record goes.
    #[must_use]
    pub const fn start() -> u64 {
        HEADER_LEN as u64
    }

    /// Bytes of file that records may take up.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// True if records go through a mapping.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.live_window().is_some()
    }

    fn live_window(&self) -> Option<&dyn Window> {
        if self.is_window_off.load(Ordering::Relaxed) { None } else { self.window.as_deref() }
    }

    /// Places a record at `offset`. `scratch` is a buffer to assemble it in.
    pub fn write(
        &self,
        offset: u64,
        head: &[u8; FRAME_LEN],
        payload: &Payload<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<()> {
        let body = payload.bytes();
        let end = offset + padded_len(body.len());
        if let Some(window) = self.live_window() {
            if !window.publish(offset, head, body) {
                return Err(Error::new(ErrorKind::Internal, "a record lies outside the mapping"));
            }
            self.tail.store(end, Ordering::Relaxed);
            return self.check_window();
        }
        if body.len() > ASSEMBLED_MAX {
            return self.write_large(offset, head, body);
        }
        scratch.clear();
        scratch.extend_from_slice(head);
        scratch.extend_from_slice(body);
        scratch.resize(padded_len(body.len()) as usize, 0);
        write_all_at(self.file.as_ref(), scratch, offset)
    }

    /// Writes a record without a second copy of it in memory, its header last.
    fn write_large(&self, offset: u64, head: &[u8; FRAME_LEN], body: &[u8]) -> Result<()> {
        let file = self.file.as_ref();
        let body_at = offset + FRAME_LEN as u64;
        let body_end = body_at + body.len() as u64;
        let padding = (offset + padded_len(body.len()) - body_end) as usize;
        write_all_at(file, body, body_at)?;
        write_all_at(file, PADDING.get(..padding).unwrap_or_default(), body_end)?;
        write_all_at(file, head, offset)
    }

    /// Makes the bytes from `from` to `to` durable, and with them the length that holds them.
    pub fn sync(&self, from: u64, to: u64) -> Result<()> {
        if planted(Bug::LogSyncSkipped) {
            return Ok(());
        }
        let result = match self.live_window() {
            Some(window) => {
                let start = from - from % WINDOW_GRAIN;
                window.sync(start, to - start).and_then(|()| self.repopulate_tail(window, to))
            }
            None => self.file.sync_data().and_then(|()| self.check_len()),
        };
        if planted(Bug::LogSyncErrorSwallowed) {
            return Ok(());
        }
        result?;
        self.check_window()
    }

    /// A file that was cut under the writer grows again with its next write, and has a hole where
    /// records were: that it is shorter than what was reserved gives it away.
    fn check_len(&self) -> Result<()> {
        let len = self.file.len()?;
        if self.is_reserved && len < self.capacity {
            let message = "the log segment was cut while it was written";
            let error = Error::new(ErrorKind::Io, message).at_path(self.file.path());
            return Err(error.at_offset(len));
        }
        Ok(())
    }

    /// A sync write-protects the pages that it cleaned: the one that the next record goes to is
    /// made writable again here, so that the writer does not fault on it.
    fn repopulate_tail(&self, window: &dyn Window, tail: u64) -> Result<()> {
        let page = tail - tail % WINDOW_GRAIN;
        if page < self.capacity && window.populate(page, WINDOW_GRAIN).is_err() {
            self.is_window_off.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether what was stored through the mapping is still there.
    fn check_window(&self) -> Result<()> {
        match &self.window {
            Some(window) if window.is_lost() => {
                let message = "the log segment was cut, or its medium failed, under the mapping";
                Err(Error::new(ErrorKind::Io, message).at_path(self.file.path()))
            }
            _ => Ok(()),
        }
    }

    /// True if pages ahead of the tail should be made present soon.
    #[must_use]
    pub fn wants_pages(&self) -> bool {
        let wanted = self.tail.load(Ordering::Relaxed) + populate_ahead(self.capacity) / 2;
        self.is_mapped() && self.populated.load(Ordering::Relaxed) < wanted.min(self.capacity)
    }

    /// Up to where pages were made present.
    #[must_use]
    pub fn populated(&self) -> u64 {
        self.populated.load(Ordering::Relaxed)
    }

    /// Makes the next pages ahead of the tail present, and lets go of those far behind it. Answers
    /// whether there is more to do. A failure turns the mapping off.
    pub fn step_pages(&self) -> bool {
        let Some(window) = self.live_window() else { return false };
        let tail = self.tail.load(Ordering::Relaxed);
        let page = tail - tail % WINDOW_GRAIN;
        let from = self.populated.load(Ordering::Relaxed).max(page);
        let until = (tail + populate_ahead(self.capacity)).min(self.capacity);
        let step = POPULATE_STEP.min(until.saturating_sub(from)).next_multiple_of(WINDOW_GRAIN);
        if step > 0 && window.populate(from, step.min(self.capacity - from)).is_err() {
            self.is_window_off.store(true, Ordering::Relaxed);
            return false;
        }
        self.populated.store(from + step, Ordering::Relaxed);
        self.release_behind(window, page);
        from + step < until
    }

    /// Lets go of all pages: no record comes any more, and what is there is durable.
    pub fn release(&self) {
        if let Some(window) = self.live_window() {
            window.release(0, self.capacity);
        }
    }

    fn release_behind(&self, window: &dyn Window, page: u64) {
        let from = self.released.load(Ordering::Relaxed);
        let until = page.saturating_sub(populate_ahead(self.capacity) / 2);
        if until >= from + POPULATE_STEP / 2 {
            window.release(from, until - from);
            self.released.store(until, Ordering::Relaxed);
        }
    }
}
