//! Fair turns.

use super::order;

#[test]
fn each_comes_first_in_turn() {
    let rounds: Vec<_> = (0..4).map(|round| order(3, round)).collect();
    assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
}

#[test]
fn nobody_is_nobody() {
    assert!(order(0, 3).is_empty());
}
