//! One sort for all, and the standard library's.

use super::{sort_by, sort_by_key};

#[test]
fn things_are_sorted_as_the_standard_library_sorts_them() {
    for len in [0, 1, 2, 3, 20, 21, 1000] {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 28
        };
        let items: Vec<(u32, usize)> = (0..len).map(|at| (next(), at)).collect();
        let (mut ours, mut theirs) = (items.clone(), items.clone());
        sort_by(&mut ours, |a, b| b.0.cmp(&a.0));
        theirs.sort_by_key(|item| std::cmp::Reverse(item.0));
        assert_eq!(ours, theirs);
        let (mut ours, mut theirs) = (items.clone(), items);
        sort_by_key(&mut ours, |item| item.0);
        theirs.sort_by_key(|item| item.0);
        assert_eq!(ours, theirs);
    }
}
