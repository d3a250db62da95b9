//! Spans against sets of numbers.

use std::sync::Arc;

use super::{Bounds, Span, bytes_of, overlapping};
use crate::compaction::tests::fake::{key, simple, tree};

/// The numbers from 0 to 11 in halves: `3` is the key 3, and `3.5` something between it and 4.
fn members(from: u32, to: u32, is_excluded: bool) -> Vec<u32> {
    (0..24)
        .filter(|at| from * 2 <= *at && (*at < to * 2 || (*at == to * 2 && !is_excluded)))
        .collect()
}

fn all() -> Vec<(u32, u32, bool)> {
    let mut spans = Vec::new();
    for from in 0..6 {
        for to in from..6 {
            spans.push((from, to, false));
            if from < to {
                spans.push((from, to, true));
            }
        }
    }
    spans
}

fn bounds((from, to, is_largest_excluded): (u32, u32, bool)) -> Bounds {
    Bounds { smallest: key(from), largest: key(to), is_largest_excluded }
}

#[test]
fn overlap_hull_and_holding_are_those_of_sets() {
    for a in all() {
        for b in all() {
            let (x, y) = (bounds(a), bounds(b));
            let (left, right) = (members(a.0, a.1, a.2), members(b.0, b.1, b.2));
            let both = left.iter().any(|at| right.contains(at));
            assert_eq!(x.span().overlaps(&y.span()), both, "{a:?} {b:?}");
            let inside = right.iter().all(|at| left.contains(at));
            assert_eq!(x.span().holds(&y.span()), inside, "{a:?} {b:?}");
            let hull = x.span().with(y.span());
            assert!(hull.holds(&x.span()) && hull.holds(&y.span()));
            assert!(
                hull == Span { smallest: hull.smallest, ..x.span() } || hull.largest == y.largest
            );
        }
    }
}

#[test]
fn a_run_finds_what_touches() {
    let tree = tree([
        simple(1, (1, 0), (0, 2)),
        simple(2, (1, 0), (4, 6)),
        simple(3, (1, 0), (7, 7)),
        simple(4, (1, 0), (9, 11)),
    ]);
    let run = &tree.runs[0];
    for span in all() {
        let bounds = bounds(span);
        let found = overlapping(run, &bounds.span());
        let wanted: Vec<_> =
            run.slices.iter().filter(|slice| Span::of(slice).overlaps(&bounds.span())).collect();
        assert!(found.iter().map(Arc::as_ptr).eq(wanted.into_iter().map(Arc::as_ptr)), "{span:?}");
        assert_eq!(bytes_of(found), 1000 * found.len() as u64);
    }
}
