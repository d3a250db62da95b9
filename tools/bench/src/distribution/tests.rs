//! Orders hold each number once, and ranks come as often as they should.

use super::{Permutation, Random, THETA, Zipfian, zeta, zeta_exact};

#[test]
fn an_order_holds_each_number_once() {
    for count in [1, 2, 3, 5, 64, 100, 1023, 4097, 70_000] {
        for seed in 0..3 {
            let order = Permutation::new(count, seed);
            let mut numbers: Vec<u64> = (0..count).map(|place| order.at(place)).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>(), "{count} with {seed}");
        }
    }
}

#[test]
fn an_order_looks_random() {
    let count = 100_000;
    let order = Permutation::new(count, 1);
    let numbers: Vec<u64> = (0..count).map(|place| order.at(place)).collect();
    // Of two neighbours the first is the smaller one about every other time, and the distance of
    // two random numbers is a third of all on average.
    let rising = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count() as f64;
    assert!((rising / count as f64 - 0.5).abs() < 0.01, "{rising}");
    let apart: u64 = numbers.windows(2).map(|pair| pair[0].abs_diff(pair[1])).sum();
    let mean = apart as f64 / (count * count) as f64;
    assert!((mean - 1.0 / 3.0).abs() < 0.01, "{mean}");
}

#[test]
fn another_seed_is_another_order() {
    let same = |a: u64, b: u64| {
        let orders = [a, b].map(|seed| Permutation::new(1000, seed));
        (0..1000).filter(|place| orders[0].at(*place) == orders[1].at(*place)).count()
    };
    assert_eq!(same(1, 1), 1000);
    assert!(same(1, 2) < 20);
}

#[test]
fn below_is_even() {
    let mut random = Random::new(3);
    let mut counts = [0_u32; 10];
    for _ in 0..100_000 {
        counts[random.below(10) as usize] += 1;
    }
    assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
}

#[test]
fn the_weight_of_many_ranks_is_the_sum() {
    let count = 300_000;
    assert!((zeta(count) / zeta_exact(count) - 1.0).abs() < 1e-7);
}

#[test]
fn ranks_come_as_often_as_they_weigh() {
    let (count, drawn) = (10_000_u64, 1_000_000_u32);
    let zipfian = Zipfian::new(count);
    let mut random = Random::new(9);
    let mut counts = vec![0_u32; count as usize];
    for _ in 0..drawn {
        counts[zipfian.rank(&mut random) as usize] += 1;
    }
    let weight = |ranks: u64| zeta_exact(ranks) / zeta_exact(count);
    for ranks in [1, 2, 10, 100, 1000, 5000] {
        let seen: u32 = counts.iter().take(ranks as usize).sum();
        let share = f64::from(seen) / f64::from(drawn);
        assert!((share - weight(ranks)).abs() < 0.02, "{share} of {ranks} is {}", weight(ranks));
    }
    // The first two are exact.
    let twice = f64::from(counts[0]) / f64::from(counts[1]);
    assert!((twice - 2_f64.powf(THETA)).abs() < 0.05, "{twice}");
}

#[test]
fn few_ranks_are_ranks_too() {
    for count in 1..5 {
        let zipfian = Zipfian::new(count);
        let mut random = Random::new(count);
        assert!((0..1000).all(|_| zipfian.rank(&mut random) < count));
    }
}
