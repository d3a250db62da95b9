//! What a fault has left behind, and nobody may meet once it is mended.

use std::time::Duration;

use lsm_core::Options;
use lsm_core::base::error::ErrorKind;
use lsm_core::env::sim::faults::Fault;
use lsm_core::options::write::WriteOptions;

use crate::harness::engine::rich::{open_at, reading};
use crate::harness::engine::stage::{Stage, quiet};

fn inject(stage: &Stage, fault: &str) {
    stage.disk.inject(fault.parse::<Fault>().unwrap());
}

/// The segments have their first size for ever.
fn narrow() -> Options {
    quiet().log_segment_bytes_max(4096)
}

/// Whether a keyspace is there is in doubt, and somebody has seen it: another one that is made
/// later must not be taken for it.
#[test]
fn a_keyspace_in_doubt_keeps_its_number() {
    let stage = Stage::new(quiet());
    stage.db().keyspace("first").unwrap();
    inject(&stage, "sync_data(.manifest$)#1:eio-keep");
    let error = stage.db().keyspace("doubtful").unwrap_err();
    assert!(error.maybe_committed(), "{error:?}");
    stage.disk.heal();
    // A reader is shown what was written, whether it is durable or not.
    let (_world, reader) = open_at(&stage.disk, reading(), 5);
    let reader = reader.unwrap();
    assert_eq!(reader.keyspace_names(), ["doubtful", "first"]);
    let doubtful = reader.keyspace("doubtful").unwrap();
    stage.db().keyspace("other").unwrap().put("k", "v").unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.keyspace_names(), ["first", "other"]);
    let found = doubtful.get("k").map_err(|error| error.kind());
    assert_eq!(found.unwrap_err(), ErrorKind::Closed, "another one has its number");
    assert_eq!(reader.keyspace("other").unwrap().get("k").unwrap().as_deref(), Some(&b"v"[..]));
}

/// Who did not wait for a segment is not told why there was none, and nobody else is, later.
#[test]
fn nobody_is_told_an_old_reason_why_the_log_has_no_room() {
    let stage = Stage::new(narrow());
    stage.db().put("a", "1").unwrap();
    inject(&stage, "create(.wal$)#1+:enospc");
    let hasty = WriteOptions::new().timeout(Duration::ZERO);
    let large = vec![b'x'; 3000];
    let refused = (0..8).find_map(|_| stage.db().put_with("b", &large, &hasty).err());
    assert_eq!(refused.unwrap().kind(), ErrorKind::TimedOut);
    stage.world.scheduler.run_until_idle();
    stage.disk.heal();
    stage.db().put("c", &large).unwrap();
    stage.db().put("d", &large).unwrap();
}

/// The same where the log was stopped, and taken up again, between the two.
#[test]
fn nobody_is_told_an_old_reason_after_a_resume() {
    let stage = Stage::new(narrow());
    stage.db().put("a", "1").unwrap();
    inject(&stage, "sync_data(.wal$)#1:eio-keep");
    stage.db().sync().unwrap_err();
    inject(&stage, "create(.wal$)#1+:enospc");
    let hasty = WriteOptions::new().timeout(Duration::ZERO);
    stage.db().put_with("b", "2", &hasty).unwrap_err();
    stage.world.scheduler.run_until_idle();
    stage.disk.heal();
    stage.db().resume().unwrap();
    stage.db().put("c", vec![b'x'; 3000]).unwrap();
    stage.db().sync().unwrap();
}
