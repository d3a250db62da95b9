//! What a fault has left behind, and nobody may meet once it is mended.

use lsm_core::base::error::ErrorKind;
use lsm_core::env::sim::faults::Fault;

use crate::harness::engine::rich::{open_at, reading};
use crate::harness::engine::stage::{Stage, quiet};

fn inject(stage: &Stage, fault: &str) {
    stage.disk.inject(fault.parse::<Fault>().unwrap());
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
