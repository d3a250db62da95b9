//! Budgets give back what they were charged.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "threads of the real world"
)]

use std::sync::Arc;

use super::{Budget, MemoryKind};

#[test]
fn charges_count_while_they_live() {
    let budget = Budget::new(100);
    let mut one = budget.charge(MemoryKind::Memtable, 60);
    let two = budget.charge(MemoryKind::Pin, 70);
    assert_eq!((budget.used(), budget.left()), (130, 0));
    assert_eq!(budget.used_by(MemoryKind::Memtable), 60);
    one.resize(10);
    assert_eq!((budget.used(), budget.left()), (80, 20));
    one.move_to(MemoryKind::Buffer);
    assert_eq!((one.kind(), one.bytes()), (MemoryKind::Buffer, 10));
    assert_eq!(budget.used_by(MemoryKind::Memtable), 0);
    assert_eq!(budget.used_by(MemoryKind::Buffer), 10);
    drop(two);
    assert_eq!(budget.used(), 10);
    drop(one);
    assert_eq!(budget.used(), 0);
}

#[test]
fn no_more_is_let_in_than_the_limit() {
    let budget = Budget::new(100);
    let charge = budget.try_charge(MemoryKind::Buffer, 100);
    assert!(charge.is_some());
    assert!(budget.try_charge(MemoryKind::Buffer, 1).is_none());
    assert!(budget.try_charge(MemoryKind::Buffer, u64::MAX).is_none());
    assert_eq!(budget.used(), 100);
    budget.set_limit(101);
    assert!(budget.try_charge(MemoryKind::Index, 1).is_some());
    drop(charge);
    assert_eq!((budget.used(), budget.limit()), (0, 101));
}

#[test]
fn threads_never_charge_too_much_together() {
    let budget = Budget::new(10);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..20_000 {
                    let kind = MemoryKind::ALL[turn % 7];
                    let held: Vec<_> = (0..4).map(|_| budget.try_charge(kind, 3)).collect();
                    let bytes: u64 = held.iter().flatten().map(super::Charge::bytes).sum();
                    assert!(bytes <= 9);
                }
            });
        }
    });
    assert_eq!(budget.used(), 0);
}

#[test]
fn kinds_have_their_numbers() {
    for (number, kind) in MemoryKind::ALL.into_iter().enumerate() {
        assert_eq!(MemoryKind::from_number(number as u8), Some(kind));
        let budget = Arc::clone(&Budget::new(0));
        budget.add(kind, 5);
        let used: Vec<_> = MemoryKind::ALL.iter().map(|kind| budget.used_by(*kind)).collect();
        assert_eq!(used.iter().sum::<u64>(), 5);
        assert_eq!(used[number], 5);
        budget.sub(kind, 5);
    }
    assert_eq!(MemoryKind::from_number(7), None);
}
