//! Memory for frames: pages, each cut into cells of one size.
//!
//! An allocator keeps what it is given back between what is still in use: a cache that has become
//! smaller would leave all its memory there. Here a page goes back to the system with its last
//! cell, and a cache that has to become smaller empties whole pages. What is taken up and not in
//! use counts as used, so that the budget is what the process has.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::env::os::memory::{LARGE_REGION, Region};

/// Bytes of a page.
pub(crate) const PAGE: usize = 256 << 10;
/// So many pages are asked of the system at a time. They take up nothing before they are used: the
/// region is too small for the system's large pages.
const PAGES_AT_ONCE: usize = 16;
const _: () = assert!(PAGES_AT_ONCE * PAGE < LARGE_REGION);

/// Cells have sizes in steps of this,
const FINE: usize = 128;
/// up to here,
const FINE_MAX: usize = 8 << 10;
/// and from there on in steps of this,
const COARSE: usize = 1 << 10;
/// up to the largest, which holds a full block of an index.
const CELL_MAX: usize = 66 << 10;
/// One part in so many a cell may be too long.
const LONGER: usize = 8;

/// Of a cell that nothing was noted of.
pub(crate) const NO_NOTE: u32 = u32::MAX;

/// Which cell it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CellId {
    page: u32,
    at: u32,
}

impl CellId {
    /// The number of its page.
    pub(crate) fn page(self) -> u32 {
        self.page
    }
}

/// Memory of whoever took it, until it is given back: as long as a multiple of a line, and aligned
/// to one.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) start: NonNull<u8>,
    pub(crate) len: usize,
    pub(crate) id: CellId,
}

/// Pages of cells. They stay for as long as any cell is in use.
pub(crate) struct Slab {
    state: Mutex<State>,
    /// What the state's slack is, for those who ask without the lock: every miss does.
    slack: AtomicU64,
    /// How many pages take up memory.
    in_use: AtomicUsize,
}

struct State {
    regions: Vec<Region>,
    pages: Vec<Page>,
    /// Pages that take up nothing.
    unused: Vec<u32>,
    /// Pages with room, by the size of their cells.
    open: BTreeMap<usize, Vec<u32>>,
    /// What pages take up beside the cells that are in use.
    slack: Charge,
}

/// What is known of a page.
#[derive(Debug, Default)]
struct Page {
    /// The size of its cells; 0 if it takes up nothing.
    cell: usize,
    /// How many are in use.
    used: u32,
    /// A bit for each cell that is.
    bits: Vec<u64>,
    /// What was noted of each cell.
    notes: Vec<u32>,
    /// It is being emptied, and takes nothing in.
    is_leaving: bool,
}

/// How long a cell for so many bytes is; none is as long as that if there is no answer.
pub(crate) fn cell_len(bytes: usize) -> Option<usize> {
    let step = if bytes <= FINE_MAX { FINE } else { COARSE };
    bytes.checked_next_multiple_of(step).filter(|len| *len <= CELL_MAX)
}

impl Slab {
    /// Without a page. What pages take up beside their cells is charged to `budget`.
    pub(crate) fn new(budget: &Arc<Budget>) -> Arc<Self> {
        let state = State {
            regions: Vec::new(),
            pages: Vec::new(),
            unused: Vec::new(),
            open: BTreeMap::new(),
            slack: budget.charge(MemoryKind::Block, 0),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            slack: AtomicU64::new(0),
            in_use: AtomicUsize::new(0),
        })
    }

    /// A cell for so many bytes, if a page has one, or if another page may be taken up. Rather than
    /// none it is one that is a little longer.
    pub(crate) fn take(&self, bytes: usize, may_grow: bool) -> Option<Cell> {
        let len = cell_len(bytes)?;
        self.change(|state| {
            let page = match state.open_page(len..=len) {
                Some(page) => page,
                None if may_grow => state.begin_page(len)?,
                None => state.open_page(len..=len + len / LONGER)?,
            };
            state.take_of(page)
        })
    }

    /// Takes a cell back, which nobody uses any more.
    pub(crate) fn give(&self, id: CellId) {
        self.change(|state| state.give(id));
    }

    /// True if any page takes up memory.
    pub(crate) fn has_pages(&self) -> bool {
        self.in_use.load(Ordering::Relaxed) > 0
    }

    /// What pages take up beside the cells that are in use.
    pub(crate) fn slack(&self) -> u64 {
        self.slack.load(Ordering::Relaxed)
    }

    /// Notes something of a cell in use, until it is given back.
    pub(crate) fn note(&self, id: CellId, note: u32) {
        let mut state = self.state.lock();
        let page = state.pages.get_mut(id.page as usize);
        if let Some(old) = page.and_then(|page| page.notes.get_mut(id.at as usize)) {
            *old = note;
        }
    }

    /// The page that has least in use.
    pub(crate) fn emptiest(&self) -> Option<u32> {
        let state = self.state.lock();
        let pages = (0..).zip(&state.pages);
        let pages = pages.filter(|(_, page)| page.cell > 0 && !page.is_leaving);
        pages.min_by_key(|(_, page)| page.used as usize * page.cell).map(|(number, _)| number)
    }

    /// Begins to empty a page: it takes nothing in any more, and goes when the last of its cells
    /// does. Answers what was noted of these.
    pub(crate) fn leave(&self, page: u32) -> Vec<u32> {
        self.change(|state| {
            let notes = state.pages.get(page as usize).map(|page| page.notes.clone());
            state.let_go(page);
            notes.unwrap_or_default()
        })
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let done = act(&mut state);
        self.slack.store(state.slack.bytes(), Ordering::Relaxed);
        self.in_use.store(state.pages.len() - state.unused.len(), Ordering::Relaxed);
        done
    }
}

impl fmt::Debug for Slab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        let pages = state.pages.len() - state.unused.len();
        write!(f, "Slab({pages} pages, {} bytes of them unused)", state.slack.bytes())
    }
}

impl State {
    /// A page with room whose cells have such a size, the smallest that there is.
    fn open_page(&self, cell: RangeInclusive<usize>) -> Option<u32> {
        self.open.range(cell).find_map(|(_, open)| open.last().copied())
    }

    /// A page for cells of this size; `None` if the system has no memory.
    fn begin_page(&mut self, cell: usize) -> Option<u32> {
        if self.unused.is_empty() {
            self.map_more()?;
        }
        let number = self.unused.pop()?;
        let page = self.pages.get_mut(number as usize)?;
        let cells = PAGE / cell;
        let (bits, notes) = (vec![0; cells.div_ceil(64)], vec![NO_NOTE; cells]);
        *page = Page { cell, used: 0, bits, notes, is_leaving: false };
        // What is behind the last cell is never in use.
        if let (Some(last), rest @ 1..) = (page.bits.last_mut(), cells % 64) {
            *last = !0 << rest;
        }
        self.open.entry(cell).or_default().push(number);
        self.slack.resize(self.slack.bytes() + PAGE as u64);
        Some(number)
    }

    fn map_more(&mut self) -> Option<()> {
        let first = u32::try_from(self.pages.len()).ok()?;
        let end = first.checked_add(PAGES_AT_ONCE as u32)?;
        self.regions.push(Region::new(PAGES_AT_ONCE * PAGE).ok()?);
        self.pages.resize_with(end as usize, Page::default);
        self.unused.extend((first..end).rev());
        Some(())
    }

    fn take_of(&mut self, number: u32) -> Option<Cell> {
        let region = self.regions.get(number as usize / PAGES_AT_ONCE)?.start();
        let page = self.pages.get_mut(number as usize)?;
        let (word, bits) = page.bits.iter_mut().enumerate().find(|(_, bits)| **bits != !0)?;
        let bit = bits.trailing_ones();
        *bits |= 1 << bit;
        page.used += 1;
        let (len, at) = (page.cell, word as u32 * 64 + bit);
        let offset = number as usize % PAGES_AT_ONCE * PAGE + at as usize * len;
        if page.used as usize == PAGE / len {
            self.close(len, number);
        }
        self.slack.resize(self.slack.bytes() - len as u64);
        // In the region: the page is one of its pages, and the cell one of the page's.
        let start = NonNull::new(region.as_ptr().wrapping_add(offset))?;
        Some(Cell { start, len, id: CellId { page: number, at } })
    }

    fn give(&mut self, id: CellId) {
        let Some(page) = self.pages.get_mut(id.page as usize) else { return };
        let Some(bits) = page.bits.get_mut(id.at as usize / 64) else { return };
        debug_assert!(*bits >> (id.at % 64) & 1 == 1, "a cell is given back twice");
        *bits &= !(1 << (id.at % 64));
        if let Some(note) = page.notes.get_mut(id.at as usize) {
            *note = NO_NOTE;
        }
        let (cell, was_full) = (page.cell, page.used as usize == PAGE / page.cell);
        page.used -= 1;
        let (is_empty, is_leaving) = (page.used == 0, page.is_leaving);
        self.slack.resize(self.slack.bytes() + cell as u64);
        if was_full && !is_leaving {
            self.open.entry(cell).or_default().push(id.page);
        }
        // The last page of a size stays: the next frame would only ask for it again.
        let has_another = self.open.get(&cell).is_some_and(|open| open.len() > 1);
        if is_empty && (is_leaving || has_another) {
            self.release(id.page);
        }
    }

    /// Takes nothing in any more; an empty page goes at once.
    fn let_go(&mut self, number: u32) {
        let Some(page) = self.pages.get_mut(number as usize) else { return };
        page.is_leaving = true;
        let (cell, is_empty) = (page.cell, page.used == 0);
        self.close(cell, number);
        if is_empty {
            self.release(number);
        }
    }

    /// There is no room in this page.
    fn close(&mut self, cell: usize, number: u32) {
        let Some(open) = self.open.get_mut(&cell) else { return };
        open.retain(|other| *other != number);
        if open.is_empty() {
            self.open.remove(&cell);
        }
    }

    /// Gives the memory of an empty page back to the system.
    fn release(&mut self, number: u32) {
        let Some(page) = self.pages.get_mut(number as usize) else { return };
        let cell = std::mem::take(page).cell;
        self.close(cell, number);
        if let Some(region) = self.regions.get(number as usize / PAGES_AT_ONCE) {
            region.give_back(number as usize % PAGES_AT_ONCE * PAGE, PAGE);
        }
        self.unused.push(number);
        self.slack.resize(self.slack.bytes() - PAGE as u64);
    }
}

#[cfg(test)]
mod tests;
