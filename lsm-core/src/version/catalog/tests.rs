//! The catalog: a snapshot makes the same one again, and what contradicts it is refused.

#![allow(clippy::unwrap_used)]

use crate::blob::file::BlobEnd;
use crate::key::keyspace::KeyspaceId;
use crate::key::seqno::SeqNo;
use crate::version::catalog::Catalog;
use crate::version::edit::tests::{slice, table};
use crate::version::edit::{Edit, LogPosition, Seal};
use crate::version::tree::{SliceMeta, TableMeta};

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
        Edit::KeyspaceOptions { id: KeyspaceId::DEFAULT, text: "block_bytes=512".into() },
        Edit::KeyspaceOptions { id: KeyspaceId::new(1), text: "compression=none".into() },
        Edit::TableAdded {
            meta: table(9),
            slices: vec![slice(0, 0, 9, b"", b"z"), slice(1, 0, 9, b"k", b"k")],
        },
        Edit::TableAdded { meta: table(8), slices: vec![slice(0, 0, 8, b"a", b"b")] },
        Edit::Flushed(SeqNo::new(1 << 30).unwrap()),
    ]);
    let mut again = Catalog::default();
    catalog.snapshot().iter().for_each(|edit| again.apply(edit).unwrap());
    assert_eq!(again, catalog);
    assert_eq!(catalog.next_number, 10);
    assert_eq!(catalog.next_seqno.get(), (1 << 40) + 1, "the tables have numbers up to there");
    assert_eq!(catalog.options_of(KeyspaceId::new(1)), "compression=none");
    assert_eq!(catalog.options_of(KeyspaceId::new(7)), "");
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

#[test]
fn two_files_of_one_number_are_refused() {
    let blob = |number| Edit::BlobAdded { number, file_id: 7 };
    let sealed = |number, place| Edit::BlobSealed(BlobEnd { number, place, bytes: 200 });
    let log = |number| Edit::LogAdded { number, file_id: 8 };
    let listed = || {
        let table = added(10, vec![slice(0, 1, 0, b"d", b"h")]);
        with(&[log(5), table, blob(20), sealed(20, 21), blob(22)])
    };
    let another = |number| added(number, vec![slice(0, 1, 0, b"k", b"m")]);
    for number in [0, 5, 10, 20, 21, 22] {
        assert!(listed().apply(&blob(number)).is_err(), "large values, {number}");
        assert!(listed().apply(&another(number)).is_err(), "a table, {number}");
        assert!(listed().apply(&log(number)).is_err(), "a log, {number}");
        let is_its_own = number == 22;
        assert_eq!(listed().apply(&sealed(22, number)).is_ok(), is_its_own, "copied, {number}");
    }
    for right in [blob(23), another(23), log(23), sealed(22, 23), sealed(20, 20), sealed(20, 21)] {
        assert_eq!(listed().apply(&right), Ok(()), "{right:?}");
    }
}

fn added(number: u64, slices: Vec<SliceMeta>) -> Edit {
    Edit::TableAdded { meta: table(number), slices }
}

fn with_tables() -> Catalog {
    with(&[
        Edit::KeyspaceCreated { id: KeyspaceId::new(1), name: "a".into() },
        Edit::LogAdded { number: 5, file_id: 50 },
        added(10, vec![slice(0, 1, 0, b"d", b"h"), slice(1, 0, 10, b"d", b"h")]),
        added(11, vec![slice(0, 1, 0, b"k", b"m")]),
        added(12, vec![slice(0, 0, 12, b"a", b"z")]),
    ])
}

#[test]
fn contradictions_about_tables_are_refused() {
    let moved = |table, keyspace, level, run| Edit::SliceMoved {
        table,
        keyspace: KeyspaceId::new(keyspace),
        level,
        run,
    };
    let removed =
        |table, keyspace| Edit::SliceRemoved { table, keyspace: KeyspaceId::new(keyspace) };
    let backwards = TableMeta { seqno_max: SeqNo::ZERO, seqno_min: SeqNo::MAX, ..table(20) };
    let endless = TableMeta { seqno_max: SeqNo::MAX, ..table(20) };
    let one = || vec![slice(0, 2, 0, b"a", b"b")];
    let wrong = [
        added(10, one()),
        added(5, one()),
        added(0, one()),
        added(20, vec![]),
        added(20, vec![slice(2, 0, 20, b"a", b"b")]),
        added(20, vec![slice(0, 0, 20, b"a", b"b"), slice(0, 0, 20, b"c", b"d")]),
        added(20, vec![slice(0, 7, 0, b"a", b"b")]),
        added(20, vec![slice(0, 1, 0, b"a", b"d")]),
        added(20, vec![slice(0, 1, 0, b"h", b"i")]),
        added(20, vec![slice(0, 1, 0, b"e", b"f")]),
        added(20, vec![slice(0, 1, 0, b"a", b"z")]),
        added(20, vec![slice(0, 1, 0, b"i", b"h")]),
        Edit::TableAdded { meta: backwards, slices: one() },
        Edit::TableAdded { meta: endless, slices: one() },
        Edit::TableAdded { meta: TableMeta { bytes: 0, ..table(20) }, slices: one() },
        Edit::TableAdded { meta: TableMeta { deletes: 301, ..table(20) }, slices: one() },
        moved(12, 0, 1, 0),
        moved(12, 0, 7, 0),
        moved(12, 1, 1, 0),
        moved(13, 0, 1, 0),
        removed(13, 0),
        removed(11, 1),
        Edit::KeyspaceOptions { id: KeyspaceId::new(2), text: String::new() },
        Edit::LogAdded { number: 12, file_id: 1 },
        Edit::Flushed(SeqNo::MAX),
    ];
    for edit in wrong {
        assert!(with_tables().apply(&edit).is_err(), "{edit:?}");
    }
    let right = [
        added(20, vec![slice(0, 1, 0, b"a", b"c\xff")]),
        added(20, vec![slice(0, 1, 0, b"h\0", b"j")]),
        added(20, vec![slice(0, 1, 1, b"a", b"z"), slice(1, 1, 0, b"a", b"z")]),
        added(1, vec![slice(1, 6, 3, b"", b"")]),
        moved(12, 0, 2, 0),
        moved(10, 0, 1, 0),
        removed(10, 1),
    ];
    for edit in right {
        assert_eq!(with_tables().apply(&edit), Ok(()), "{edit:?}");
    }
    let excluded = SliceMeta { is_largest_excluded: true, ..slice(0, 1, 0, b"h\0", b"k") };
    assert_eq!(with_tables().apply(&added(20, vec![excluded])), Ok(()), "it ends before k");
}

#[test]
fn a_table_leaves_with_its_last_part_and_a_keyspace_takes_its_parts_along() {
    let mut catalog = with_tables();
    let first = KeyspaceId::new(1);
    catalog.apply(&Edit::KeyspaceOptions { id: first, text: "x".into() }).unwrap();
    catalog.apply(&Edit::SliceRemoved { table: 10, keyspace: KeyspaceId::DEFAULT }).unwrap();
    assert_eq!(catalog.tables.keys().copied().collect::<Vec<_>>(), [10, 11, 12]);
    let shared = catalog.clone();
    catalog.apply(&Edit::KeyspaceDropped(first)).unwrap();
    assert_eq!(catalog.tables.keys().copied().collect::<Vec<_>>(), [11, 12]);
    assert!(catalog.options.is_empty());
    assert!(shared.tables.contains_key(&10), "the copy is one of its own");
    assert!(catalog.apply(&Edit::KeyspaceDropped(KeyspaceId::DEFAULT)).is_err());
}

#[test]
fn edits_of_keyspaces_that_were_dropped_meanwhile_are_left_out() {
    let mut catalog = with_tables();
    let first = KeyspaceId::new(1);
    let edits = vec![
        Edit::SliceRemoved { table: 10, keyspace: first },
        Edit::SliceRemoved { table: 10, keyspace: KeyspaceId::DEFAULT },
        Edit::SliceMoved { table: 10, keyspace: first, level: 3, run: 0 },
        added(20, vec![slice(1, 0, 20, b"a", b"b")]),
        added(21, vec![slice(0, 0, 21, b"a", b"b"), slice(1, 0, 21, b"a", b"b")]),
        added(22, vec![slice(2, 0, 22, b"a", b"b")]),
        Edit::KeyspaceOptions { id: first, text: String::new() },
        Edit::Flushed(SeqNo::ZERO),
    ];
    assert_eq!(catalog.without_dropped(edits.clone()), edits);
    catalog.apply(&Edit::KeyspaceDropped(first)).unwrap();
    let left = [
        Edit::SliceRemoved { table: 10, keyspace: KeyspaceId::DEFAULT },
        added(21, vec![slice(0, 0, 21, b"a", b"b")]),
        // There was never such a keyspace: that is for the catalog to refuse.
        added(22, vec![slice(2, 0, 22, b"a", b"b")]),
        Edit::Flushed(SeqNo::ZERO),
    ];
    assert_eq!(catalog.without_dropped(edits), left);
}
