//! Who comes when: A B C, B C A, C A B, so that over the rounds nobody always comes first, or
//! always behind the same one's dirty pages.

/// The places of so many engines in a round.
pub(crate) fn order(engines: usize, round: usize) -> Vec<usize> {
    (0..engines).map(|place| (place + round) % engines).collect()
}

#[cfg(test)]
#[path = "order_test.rs"]
mod tests;
