//! The catalog: a snapshot makes the same one again, and what contradicts it is refused.

#![allow(clippy::unwrap_used)]

use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::catalog::Catalog;
use crate::version::edit::{Edit, LogPosition, Seal};

fn with(edits: &[Edit]) -> Catalog {
    let mut catalog = Catalog::new([3; 16], 4);
    edits.iter().for_each(|edit| catalog.apply(edit).unwrap());
    catalog
}

#[test]
fn a_snapshot_makes_the_same_catalog() {
    let seal = Seal { end: 512, check: 1, crc: 2, next_seqno: SeqNo::new(9).unwrap() };
    let catalog = with(&[
        Edit::LogAdded { number: 2, file_id: 20 },
        Edit::LogSealed { number: 2, seal },
        Edit::LogAdded { number: 5, file_id: 50 },
        Edit::LogDurable(LogPosition { number: 5, offset: 256 }),
        Edit::KeyspaceCreated { id: KeyspaceId::new(1), name: "a".into() },
        Edit::KeyspaceCreated { id: KeyspaceId::new(2), name: "b".into() },
        Edit::KeyspaceDropped(KeyspaceId::new(2)),
        Edit::Clock(77),
    ]);
    let mut again = Catalog::default();
    catalog.snapshot().iter().for_each(|edit| again.apply(edit).unwrap());
    assert_eq!(again, catalog);
    assert_eq!(again.next_keyspace, 3, "the number of a dropped keyspace is not given again");
}

#[test]
fn a_new_log_start_drops_what_is_below_it() {
    let catalog = with(&[
        Edit::LogAdded { number: 2, file_id: 20 },
        Edit::LogAdded { number: 5, file_id: 50 },
        Edit::LogStart(5),
    ]);
    assert_eq!(catalog.logs.keys().copied().collect::<Vec<_>>(), [5]);
}

#[test]
fn contradictions_are_refused() {
    let mut catalog = with(&[Edit::LogAdded { number: 5, file_id: 50 }, Edit::LogStart(5)]);
    let seal = Seal { end: 512, check: 1, crc: 2, next_seqno: SeqNo::ZERO };
    let wrong = [
        Edit::LogAdded { number: 5, file_id: 51 },
        Edit::LogAdded { number: 4, file_id: 40 },
        Edit::LogSealed { number: 6, seal },
        Edit::KeyspaceCreated { id: KeyspaceId::DEFAULT, name: "x".into() },
        Edit::KeyspaceDropped(KeyspaceId::new(1)),
    ];
    for edit in wrong {
        assert!(catalog.apply(&edit).is_err(), "{edit:?}");
    }
}
