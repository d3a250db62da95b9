//! The face as a program meets it: code that is generic over what it reads, text forms, priorities.

use std::path::Path;
use std::time::Duration;

use lsm_core::env::sim::world::SimWorld;
use lsm_core::strategy::{Busy, Context, Debt, Plan, Tree};
use lsm_core::{
    Batch, Db, ErrorKind, KeyspaceOptions, Listener, Options, Range, Read, Result, Slice, Strategy,
    WriteOptions,
};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::{Stage, quiet};

/// Written once for everything that can be read.
fn total(from: &impl Read) -> Result<u64> {
    let mut sum = 0;
    for pair in from.range("a".."z") {
        sum += pair?.1.len() as u64;
    }
    let (first, last) = (from.first()?.unwrap(), from.last()?.unwrap());
    assert_eq!(from.get(&first.0)?.as_ref(), Some(&first.1));
    assert_eq!(from.count(&first.0[..]..=&last.0[..])?, from.iter().count() as u64);
    assert_eq!(from.get_many(["a", "none"])?, [Some(Slice::from("1")), None]);
    Ok(sum)
}

/// What a program may keep in its own types.
struct Holder<R: Read> {
    read: R,
    open: Option<Range>,
}

#[test]
fn code_is_generic_over_what_it_reads() {
    let stage = Stage::new(quiet());
    let db: &Db = stage.db();
    let keyspace = db.keyspace("other").unwrap();
    for (at, key) in ["a", "b", "c"].into_iter().enumerate() {
        db.put(key, "1".repeat(at + 1)).unwrap();
        keyspace.put(key, "1".repeat(2 * at + 1)).unwrap();
    }
    let snapshot = db.snapshot().unwrap();
    db.put("b", "much longer than before").unwrap();
    let before = db.at(&snapshot);
    assert_eq!(total(db).unwrap(), 27);
    assert_eq!(total(db.default_keyspace()).unwrap(), 27);
    assert_eq!(total(&before).unwrap(), 6);
    assert_eq!(total(&keyspace).unwrap(), 9);
    let mut holder = Holder { read: db.clone(), open: None };
    holder.open = Some(holder.read.iter());
    assert_eq!(holder.open.unwrap().count(), 3);
}

#[test]
fn a_database_knows_where_it_lies_and_how_far_it_is() {
    let stage = Stage::new(quiet());
    let db = stage.db();
    assert_eq!(db.path(), Path::new(PATH));
    let before = db.latest_seqno();
    assert_eq!(before, db.snapshot().unwrap().seqno());
    assert_eq!(db.put("a", "1").unwrap(), db.latest_seqno());
    let mut batch = Batch::new();
    batch.put(db, "b", "2").delete(db, "a").delete_range(db, "c".."d");
    assert_eq!(db.write(&batch).unwrap(), db.latest_seqno());
    assert_eq!(db.latest_seqno().get(), before.get() + 4);
    let (last, handle) = (db.latest_seqno(), db.clone());
    handle.clone().close().unwrap();
    assert_eq!((handle.latest_seqno(), handle.path()), (last, Path::new(PATH)));
    let again = Stage::on(stage.disk.clone(), quiet());
    assert_eq!(again.db().latest_seqno(), last, "a restart forgets no number");
}

#[test]
fn bytes_compare_with_what_bytes_are_written_as() {
    let slice = Slice::from("abc");
    assert!(slice == *"abc".as_bytes() && slice == b"abc" && slice == *b"abc");
    assert!(slice == "abc" && slice == "abc".as_bytes() && slice == b"abc".to_vec());
    assert_eq!(Vec::from(slice), b"abc");
}

#[test]
fn options_are_plain_data_with_a_text_form() {
    let text = "memory_limit=64MiB; durability=durable; background_threads=3";
    let options: Options = text.parse().unwrap();
    assert_eq!(options.to_string().parse::<Options>().unwrap(), options);
    let keyspace: KeyspaceOptions = "strategy=user:by-day; compression=none".parse().unwrap();
    assert_eq!(*keyspace.get_strategy(), Strategy::user("by-day"));
    assert_eq!(keyspace.to_string().parse::<KeyspaceOptions>().unwrap(), keyspace);
    // A listener may be a closure, and both kinds of plug-in chain.
    fn is_listener(_: &impl Listener) {}
    is_listener(&|_: &lsm_core::Event| {});
}

/// A strategy that never does what it says is to be done.
#[derive(Debug)]
struct Debtor;

impl lsm_core::strategy::Strategy for Debtor {
    fn name(&self) -> &str {
        "debtor"
    }

    fn pick(&self, _: &Tree, _: &Busy, _: &Context) -> Option<Plan> {
        None
    }

    fn debt(&self, _: &Tree, _: &Context) -> Debt {
        Debt { bytes: u64::MAX, runs_over: 0 }
    }
}

#[test]
fn a_write_of_low_priority_lets_others_go_first() {
    let waited = |is_low: bool| {
        let world = SimWorld::from_disk(new_disk(), 4);
        let builder = Db::builder(PATH).options(quiet()).env(world.env());
        let db = builder.strategy(Debtor).open().unwrap();
        let options = KeyspaceOptions::new().strategy(Strategy::user("debtor"));
        let keyspace = db.keyspace_with("k", options).unwrap();
        keyspace.put("first", "is not held back").unwrap();
        keyspace.flush().unwrap();
        assert_eq!(db.stats().pacing.waits, 0);
        let write = WriteOptions::new().low_priority(is_low);
        for at in 0..100u32 {
            keyspace.put_with(at.to_be_bytes(), [7; 1000], &write).unwrap();
        }
        let timely = write.timeout(Duration::from_micros(1));
        let late = (0..10u32).find_map(|_| keyspace.put_with("k", [7; 9000], &timely).err());
        assert_eq!(late.map(|error| error.kind()), Some(ErrorKind::TimedOut));
        db.stats().pacing.waited_for_debt
    };
    let (usual, low) = (waited(false), waited(true));
    assert!(usual > Duration::ZERO && low > usual * 3, "usual {usual:?}, low {low:?}");
}
