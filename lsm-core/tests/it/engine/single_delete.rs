//! Single deletes: they delete, and in keyspaces that write each key once they leave nothing.

use lsm_core::{Db, Keyspace, KeyspaceOptions};

use crate::harness::engine::stage::{Stage, quiet};

fn queue(db: &Db) -> Keyspace {
    db.keyspace_with("queue", KeyspaceOptions::new().write_once(true)).unwrap()
}

fn key(number: u32) -> String {
    format!("job {number:05}")
}

#[test]
fn a_job_that_was_done_in_memory_never_gets_to_disk() {
    let stage = Stage::new(quiet());
    let queue = queue(stage.db());
    for number in 0..500 {
        queue.put(key(number), "to be done").unwrap();
        queue.single_delete(key(number)).unwrap();
    }
    stage.db().flush().unwrap();
    assert_eq!(stage.tables(), Vec::<String>::new());
    assert_eq!(queue.count(..).unwrap(), 0);
    // A delete has to stay: something older may stand below.
    queue.put("other", "value").unwrap();
    queue.delete("other").unwrap();
    stage.db().flush().unwrap();
    assert_eq!(stage.tables().len(), 1);
}

#[test]
pub fn a_job_that_was_done_later_goes_where_the_two_meet() {
    let mut stage = Stage::new(quiet());
    for number in 0..500 {
        queue(stage.db()).put(key(number), "to be done").unwrap();
    }
    stage.db().flush().unwrap();
    let snapshot = stage.db().snapshot().unwrap();
    for number in 0..400 {
        queue(stage.db()).single_delete(key(number)).unwrap();
    }
    stage.db().flush().unwrap();
    let seen = |db: &Db| queue(db).at(&snapshot).count(..).unwrap();
    queue(stage.db()).compact(..).unwrap();
    assert_eq!((seen(stage.db()), queue(stage.db()).count(..).unwrap()), (500, 100));
    drop(snapshot);
    queue(stage.db()).compact(..).unwrap();
    let usage = queue(stage.db()).usage().unwrap();
    assert_eq!((usage.live_keys.at_least, usage.live_keys.at_most), (100, 100));
    assert_eq!(usage.garbage_bytes, 0);
    stage.reopen();
    let left = queue(stage.db());
    assert_eq!(left.first().unwrap().unwrap().0, key(400));
    left.put(key(7), "again").unwrap();
    assert_eq!(left.get(key(7)).unwrap().unwrap(), "again");
    left.single_delete(key(7)).unwrap();
    assert_eq!(left.get(key(7)).unwrap(), None);
}

#[test]
fn where_keys_are_put_again_a_single_delete_is_a_delete() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    for settle in [|_: &Db| {}, |db: &Db| db.flush().unwrap(), |db: &Db| db.compact(..).unwrap()] {
        db.put("key", "one").unwrap();
        settle(db);
        db.put("key", "two").unwrap();
        settle(db);
        db.single_delete("key").unwrap();
        settle(db);
        assert_eq!(db.get("key").unwrap(), None);
    }
    db.single_delete("never there").unwrap();
    db.compact(..).unwrap();
    stage.idle();
    assert_eq!(stage.tables(), Vec::<String>::new());
}
