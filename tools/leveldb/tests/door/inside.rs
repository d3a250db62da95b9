//! What cannot be seen through the interface: what the options and the writes of a program become.

use lsm_core::{Compression, Db, Durability};
use lsm_leveldb::choices::leveldb_writeoptions_t;
use lsm_leveldb::door::{Change, Door, PAIRS};
use lsm_leveldb::filter::leveldb_filterpolicy_create_bloom;
use lsm_leveldb::opening::Opening;

use crate::lab::scratch;

fn made() -> Opening {
    Opening { create_if_missing: true, ..Opening::default() }
}

#[test]
fn a_write_with_sync_is_durable_when_it_is_back() {
    let door = Door::open(&scratch("durable"), &made()).expect("a database");
    let durable = leveldb_writeoptions_t { sync: true };
    let one = Change::Put(b"one", b"1");
    door.write(&one, &durable.engine()).expect("a write");
    let written = door.db.snapshot().expect("a snapshot").seqno();
    assert!(door.db.durable_seqno() >= written);
    door.write_all(&[one, Change::Delete(b"one")], &durable.engine()).expect("a batch");
    let written = door.db.snapshot().expect("a snapshot").seqno();
    assert!(door.db.durable_seqno() >= written);

    let usual = leveldb_writeoptions_t::default().engine();
    assert_eq!(usual.get_durability(), Some(Durability::Buffered));
}

#[test]
fn options_become_those_of_the_keyspace_and_stay() {
    let path = scratch("options");
    let policy = leveldb_filterpolicy_create_bloom(7).0;
    let first =
        Opening { block: 2048, is_compressed: false, policy: Some(policy.clone()), ..made() };
    for opening in [first, Opening { policy: Some(policy), ..made() }, made()] {
        let door = Door::open(&path, &opening).expect("a database");
        let options = door.pairs.options();
        assert_eq!(options.get_block_bytes(), 2048);
        assert_eq!(options.get_compression(), Compression::None);
        assert_eq!(options.get_filter_bits_per_key(), 7);
        door.db.close().expect("it closes");
    }
}

#[test]
fn what_is_asked_for_is_brought_into_bounds() {
    let path = scratch("bounds");
    for (asked, block, bits) in [(0, 1 << 10, 1), (usize::MAX, 64 << 10, 32)] {
        let policy = leveldb_filterpolicy_create_bloom(if asked == 0 { -5 } else { i32::MAX });
        let policy = Some(policy.0);
        let opening = Opening { block: asked, write_buffer: asked, cache: asked, policy, ..made() };
        let door = Door::open(&path.join(bits.to_string()), &opening).expect("a database");
        assert_eq!(door.pairs.options().get_block_bytes(), block);
        assert_eq!(door.pairs.options().get_filter_bits_per_key(), bits);
    }
}

#[test]
fn buffers_and_cache_make_the_memory_limit() {
    let limit = |name: &str, opening: Opening| {
        let door = Door::open(&scratch(name), &opening).expect("a database");
        door.db.stats().memory.limit >> 20
    };
    assert_eq!(limit("usual", made()), 8 + 4 * 4 + 8);
    let large = Opening { cache: 100 << 20, write_buffer: 10 << 20, ..made() };
    assert_eq!(limit("large", large), 100 + 4 * 10 + 8);
    let small = Opening { cache: 0, write_buffer: 0, ..made() };
    assert_eq!(limit("small", small), 16);
}

/// The engine's own programs find the pairs in the keyspace that the README names.
#[test]
fn the_pairs_are_there_for_programs_of_the_engine() {
    let path = scratch("pairs");
    let door = Door::open(&path, &made()).expect("a database");
    let usual = leveldb_writeoptions_t::default().engine();
    door.write(&Change::Put(b"key", b"value"), &usual).expect("a write");
    door.db.close().expect("it closes");
    let db = Db::open(&path).expect("the database");
    let pairs = db.keyspace(PAIRS).expect("its keyspace");
    assert_eq!(PAIRS, "leveldb");
    assert_eq!(pairs.get("key").expect("a lookup").as_deref(), Some(&b"value"[..]));
}
