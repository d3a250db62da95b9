//! Edges of the engine where something was wrong once.

use std::ops::Bound;

use lsm_core::api::db::Db;
use lsm_core::base::error::ErrorKind;
use lsm_core::env::sim::faults::{Effect, Fault};
use lsm_core::env::sim::op::OpKind;

use crate::harness::disk::PATH;
use crate::harness::engine::stage::{Stage, quiet};

#[test]
fn a_closed_database_can_be_opened_while_old_handles_live() {
    let stage = Stage::new(quiet());
    let other = stage.db().keyspace("other").unwrap();
    other.put("k", "v").unwrap();
    let mut pairs = other.iter();
    stage.db().clone().close().unwrap();
    assert_eq!(&pairs.next().unwrap().unwrap().1[..], b"v", "an iterator is no handle");
    let again = Stage::on(stage.disk.clone(), quiet());
    let found = again.db().keyspace("other").unwrap().get("k").unwrap();
    assert_eq!(found.as_deref(), Some(&b"v"[..]));
    assert_eq!(other.get("k").unwrap_err().kind(), ErrorKind::Closed);
    drop(other);
    again.db().put("still", "locked by its owner").unwrap();
    let locked = Db::builder(PATH).env(again.world.env()).open().unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::Locked);
}

#[test]
fn range_deletes_reach_behind_the_longest_keys() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    let longest = |end: u8| [vec![b'm'; 65_534], vec![end]].concat();
    let keys = [b"a".to_vec(), longest(1), longest(2), longest(0xff), b"n".to_vec()];
    let left = |range: (Bound<Vec<u8>>, Bound<Vec<u8>>)| {
        keys.iter().for_each(|key| drop(db.put(key, "v").unwrap()));
        db.delete_range(range).unwrap();
        let before: Vec<_> = db.iter().keys().map(|key| key.unwrap().to_vec()).collect();
        db.flush().unwrap();
        let after: Vec<_> = db.iter().keys().map(|key| key.unwrap().to_vec()).collect();
        assert_eq!(before, after);
        keys.iter().map(|key| u8::from(after.contains(key))).collect::<Vec<_>>()
    };
    let (including, excluding) = (Bound::Included, Bound::Excluded);
    assert_eq!(left((excluding(longest(1)), including(longest(2)))), [1, 1, 0, 1, 1]);
    assert_eq!(left((including(longest(2)), including(longest(0xff)))), [1, 1, 0, 0, 1]);
    assert_eq!(left((excluding(longest(0xff)), Bound::Unbounded)), [1, 1, 1, 1, 0]);
    assert_eq!(left((Bound::Unbounded, including(longest(1)))), [0, 0, 1, 1, 1]);
    let too_long = db.delete_range(b"a".to_vec()..vec![b'z'; 65_536]).unwrap_err();
    assert_eq!(too_long.kind(), ErrorKind::TooLarge);
    db.compact(..).unwrap();
    db.verify().unwrap();
}

#[test]
fn a_drop_that_is_in_doubt_can_be_made_again() {
    let stage = Stage::new(quiet());
    let keyspace = stage.db().keyspace("k").unwrap();
    keyspace.put("a", "1").unwrap();
    let fails = Effect::SyncFails { drops_cache: false };
    stage.disk.inject(Fault::new(&[OpKind::SyncData], ".manifest$", fails));
    let error = stage.db().drop_keyspace("k").unwrap_err();
    assert!(error.maybe_committed(), "{error:?}");
    assert_eq!(keyspace.put("b", "2").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(stage.db().keyspace_names(), [""; 0]);
    assert_eq!(stage.db().keyspace("k").unwrap_err().kind(), ErrorKind::Closed);
    stage.disk.heal();
    if stage.db().fault().is_some() {
        stage.db().resume().unwrap();
    }
    assert!(stage.db().drop_keyspace("k").unwrap());
    assert!(!stage.db().drop_keyspace("k").unwrap());
    assert!(stage.db().keyspace("k").unwrap().first().unwrap().is_none());
}
