//! Memtables of every shape become tables; what fails leaves nothing behind.

use crate::env::sim::faults::{Effect, Fault};
use crate::env::sim::op::OpKind;
use crate::env::sim::rng::Rng;
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::trailer_of;
use crate::output::testing::{Mini, Write, user_key};
use crate::version::edit::Edit;

fn put(key: &[u8], seqno: u64, value: &[u8]) -> Write {
    let trailer = trailer_of(SeqNo::new(seqno).unwrap(), Kind::Put);
    Write { key: user_key(0, key), trailer, value: value.to_vec(), end: Vec::new() }
}

fn sweep(start: &[u8], end: &[u8], seqno: u64) -> Write {
    let trailer = trailer_of(SeqNo::new(seqno).unwrap(), Kind::RangeDelete);
    let (key, end) = (user_key(0, start), user_key(0, end));
    Write { key, trailer, value: Vec::new(), end }
}

#[test]
fn random_memtables_read_back() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut rng = Rng::new(seed);
        let mut mini = Mini::new();
        for _ in 0..6 {
            let (count, keys) = (1 + rng.below(300), 1 + rng.below(200));
            let writes = mini.writes(&mut rng, count, keys);
            if rng.chance(1, 2) {
                mini.snapshots.push(mini.latest());
            }
            mini.flush(writes);
            mini.check_readers();
        }
        let made = mini.version.files().count();
        assert_eq!(mini.files().len(), made);
    }
}

#[test]
fn a_table_has_a_slice_for_each_keyspace_in_level_zero() {
    let mut rng = Rng::new(1);
    let mut mini = Mini::new();
    let writes = mini.writes(&mut rng, 200, 100);
    let mut flush = mini.flushing(&writes);
    while !flush.step().unwrap() {}
    let edits = flush.edits();
    let [Edit::TableAdded { meta, slices }] = edits.as_slice() else { panic!("{edits:?}") };
    assert_eq!(slices.iter().map(|slice| slice.keyspace.get()).collect::<Vec<_>>(), [0, 1]);
    assert!(slices.iter().all(|slice| (slice.level, slice.run) == (0, meta.number)));
    assert_eq!(slices.iter().map(|slice| slice.entries).sum::<u64>(), meta.entries);
    mini.sink.dir.sync().unwrap();
    assert!(mini.disk.is_durable("/db/000001.sst"), "{:?}", mini.files());
}

#[test]
fn thousands_of_versions_of_a_key_become_one() {
    let mut mini = Mini::new();
    let mut writes: Vec<Write> = (11..5011).map(|at| put(b"k", at, &[7; 40])).collect();
    writes.push(put(b"", 5011, b"empty key"));
    writes.push(put(&[9; 65_535], 5012, b""));
    writes.push(put(b"large", 5013, &vec![1; 1 << 20]));
    mini.flush(writes.clone());
    assert_eq!(mini.stored().len(), 4);
    mini.check_readers();
    let mut mini = Mini::new();
    mini.snapshots = [500, 501, 4000].map(|at| SeqNo::new(at).unwrap()).to_vec();
    mini.flush(writes);
    assert_eq!(mini.stored().len(), 7);
    mini.check_readers();
}

#[test]
fn nothing_left_makes_no_table_and_tombstones_alone_make_one() {
    let mut mini = Mini::new();
    let mut empty = mini.flushing(&[]);
    while !empty.step().unwrap() {}
    assert!(empty.edits().is_empty() && empty.table().is_none() && mini.files().is_empty());
    mini.flush(vec![put(b"a", 11, b"x"), sweep(b"a", b"c", 12)]);
    let stored = mini.stored();
    assert_eq!((stored.len(), stored[0].end.is_empty()), (1, false), "{stored:?}");
    mini.check_readers();
}

#[test]
fn every_fault_is_an_error_that_leaves_nothing() {
    let kinds = [OpKind::Create, OpKind::Write, OpKind::SyncData, OpKind::Read];
    let io = || Effect::Error(libc::EIO);
    for (kind, effect) in kinds
        .into_iter()
        .flat_map(|kind| [(kind, io()), (kind, Effect::Error(libc::ENOSPC))])
        .chain([(OpKind::SyncData, Effect::SyncFails { drops_cache: true })])
    {
        let mut strikes = 0;
        for nth in 1..10_000 {
            let mut rng = Rng::new(5);
            let mut mini = Mini::new();
            let writes = mini.writes(&mut rng, 1500, 400);
            mini.disk.inject(Fault::new(&[kind], ".sst$", effect.clone()).at(nth));
            let mut flush = mini.flushing(&writes);
            let result = loop {
                match flush.step() {
                    Ok(true) => break Ok(()),
                    Ok(false) => {}
                    Err(error) => break Err(error),
                }
            };
            let struck = mini.disk.fault_strikes().iter().any(|(_, times)| *times > 0);
            assert_eq!(result.is_err(), struck, "{kind:?} {nth}");
            mini.disk.heal();
            if !struck {
                break;
            }
            strikes += 1;
            assert!(mini.files().is_empty(), "{:?}", mini.files());
            assert!(flush.step().is_err() && flush.edits().is_empty());
            mini.flush(writes);
            mini.check_readers();
        }
        assert!(strikes > 0, "{kind:?} never happens");
    }
}

#[test]
fn a_flush_that_is_given_up_at_any_step_leaves_nothing() {
    for steps in 0..1000 {
        let mut rng = Rng::new(6);
        let mut mini = Mini::new();
        let mut writes = mini.writes(&mut rng, 1000, 400);
        writes.extend((20_000..20_004).map(|at| put(&[at as u8], at, &vec![3; 40_000])));
        let mut flush = mini.flushing(&writes);
        let is_done = (0..steps).any(|_| flush.step().unwrap());
        flush.discard();
        assert!(mini.files().is_empty());
        assert!(flush.step().is_err());
        if is_done {
            assert!(steps > 3);
            break;
        }
    }
}

#[cfg(lsm_planted)]
#[test]
fn the_planted_bug_leaves_a_table_that_is_not_durable() {
    use crate::base::planted::{Bug, plant};
    let mut rng = Rng::new(7);
    let mut mini = Mini::new();
    let writes = mini.writes(&mut rng, 50, 40);
    plant(Some(Bug::TableSyncSkipped));
    mini.flush(writes);
    plant(None);
    mini.sink.dir.sync().unwrap();
    let number = mini.version.files().next().unwrap().meta.number;
    assert!(!mini.disk.is_durable(&format!("/db/{}", crate::record::names::table(number))));
}
