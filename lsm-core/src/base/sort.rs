//! Sorting where nobody waits for it: one sort for all, not one for each type.
//!
//! The standard library's sort is made anew for every type that is sorted, seven kilobytes each
//! time. Few things are sorted here, and seldom: places among them are, by one sort that asks what
//! is smaller.

use std::cmp::Ordering;

/// Sorts as `Vec::sort_by` does: what is equal stays in its order.
pub fn sort_by<T>(items: &mut Vec<T>, order: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|a, b| match (items.get(a), items.get(b)) {
        (Some(left), Some(right)) => order(left, right),
        _ => a.cmp(&b),
    });
    let mut left: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(places.into_iter().filter_map(|place| left.get_mut(place)?.take()));
}

/// Sorts as `Vec::sort_by_key` does.
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

#[inline(never)]
fn sort_places(places: &mut [usize], order: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|a, b| order(*a, *b));
}

#[cfg(test)]
mod tests;
