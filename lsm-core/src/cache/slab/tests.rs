//! The slab against a map of what is in use.

use std::collections::BTreeMap;

use super::{CELL_MAX, Cell, NO_NOTE, PAGE, Slab, cell_len};
use crate::base::budget::{Budget, MemoryKind};

/// Cells in use, by their addresses.
type InUse = BTreeMap<usize, Cell>;

fn note(in_use: &mut InUse, cell: Cell) {
    let (start, len) = (cell.start.as_ptr().addr(), cell.len);
    assert_eq!((start % 64, len % 64), (0, 0));
    let before = in_use.range(..=start).next_back();
    assert!(before.is_none_or(|(other, cell)| other + cell.len <= start), "cells overlap");
    let after = in_use.range(start..).next();
    assert!(after.is_none_or(|(other, _)| start + len <= *other), "cells overlap");
    in_use.insert(start, cell);
}

fn bytes_of(in_use: &InUse) -> u64 {
    in_use.values().map(|cell| cell.len as u64).sum()
}

#[test]
fn cells_are_long_enough_and_hardly_longer() {
    for bytes in 1..=CELL_MAX {
        let len = cell_len(bytes).unwrap();
        assert!(len >= bytes && len - bytes < 128.max(bytes / 7), "{bytes} bytes in {len}");
    }
    assert_eq!([cell_len(CELL_MAX + 1), cell_len(usize::MAX)], [None, None]);
}

#[test]
fn cells_are_apart_and_all_that_pages_take_up_is_counted() {
    let budget = Budget::new(1 << 30);
    let slab = Slab::new(&budget);
    let mut in_use = InUse::new();
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) as usize % below
    };
    for step in 0..20_000 {
        if draw(100) < if step % 8000 < 4000 { 70 } else { 30 } {
            let bytes = [100, 4160, 4300, 9000, 65_600][draw(5)];
            let cell = slab.take(bytes, true).unwrap();
            assert!(cell.len >= bytes);
            note(&mut in_use, cell);
        } else if !in_use.is_empty() {
            let at = *in_use.keys().nth(draw(in_use.len())).unwrap();
            slab.give(in_use.remove(&at).unwrap().id);
        }
        assert_eq!(budget.used(), slab.slack());
        assert_eq!((slab.slack() + bytes_of(&in_use)) % PAGE as u64, 0);
    }
    in_use.into_values().for_each(|cell| slab.give(cell.id));
    assert_eq!(slab.slack(), 5 * PAGE as u64, "a page of each size stays");
    drop(slab);
    assert_eq!(budget.used_by(MemoryKind::Block), 0);
}

#[test]
fn a_page_that_leaves_takes_nothing_in_and_goes_with_its_last_cell() {
    let budget = Budget::new(1 << 30);
    let slab = Slab::new(&budget);
    assert_eq!((slab.emptiest(), slab.has_pages()), (None, false));
    let each = PAGE / 4224;
    let mut cells: Vec<Cell> = (0..3 * each).map(|_| slab.take(4160, true).unwrap()).collect();
    assert!(slab.take(4160, false).is_none(), "three pages are full");
    (0..).zip(&cells).for_each(|(note, cell)| slab.note(cell.id, note));
    let pages: Vec<u32> = cells.iter().map(|cell| cell.id.page()).collect();
    // Of the second page only three stay.
    let mut left: Vec<Cell> = cells.drain(each..2 * each).collect();
    left.drain(3..).for_each(|cell| slab.give(cell.id));
    let before = slab.slack();
    assert_eq!(slab.emptiest(), Some(pages[each]));
    let mut notes = slab.leave(pages[each]);
    notes.retain(|note| *note != NO_NOTE);
    assert_eq!(notes, (each as u32..).take(3).collect::<Vec<u32>>());
    assert!(slab.take(4160, false).is_none(), "what leaves takes nothing in");
    assert_ne!(slab.emptiest(), Some(pages[each]), "it leaves already");
    left.drain(1..).for_each(|cell| slab.give(cell.id));
    assert_eq!(slab.slack(), before + 2 * 4224);
    left.into_iter().for_each(|cell| slab.give(cell.id));
    assert_eq!(slab.slack(), 2 * (PAGE % 4224) as u64, "the other two are full");
    // Its memory is there again when it is needed.
    let cell = slab.take(1000, true).unwrap();
    assert_eq!(cell.id.page(), pages[each]);
    slab.give(cell.id);
    assert_eq!(slab.leave(pages[each]).iter().max(), Some(&NO_NOTE));
    assert_eq!(slab.slack(), 2 * (PAGE % 4224) as u64, "an empty page goes at once");
}
