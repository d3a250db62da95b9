//! Whoever waits until nothing is left to do finds only the files that are needed.

use lsm_core::api::db::Db;
use lsm_core::api::read::Read;
use lsm_core::options::database::Options;

use crate::machine::kit::TempDir;

/// The tables that lie in the directory.
fn tables_on_disk(dir: &TempDir) -> usize {
    let entries = std::fs::read_dir(dir.db()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".sst")).count()
}

#[test]
fn the_tables_of_finished_merges_are_gone_when_waiting_is_over() {
    let dir = TempDir::new();
    let options = Options::new().memory_limit(32 << 20).memtable_bytes(1 << 20);
    let db = Db::builder(dir.db()).options(options).open().unwrap();
    for round in 0..12_u64 {
        for at in 0..30_000_u64 {
            let key = (at * 7919 + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            db.put(key.to_be_bytes(), [round as u8; 100]).unwrap();
        }
        db.flush().unwrap();
        // The cache has blocks of the tables that go, and takes leave of each.
        for at in (0..30_000_u64).step_by(7) {
            let key = (at * 7919 + round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            assert!(db.get(key.to_be_bytes()).unwrap().is_some());
        }
        db.wait_idle().unwrap();
        let stats = db.stats();
        let live: u64 = stats
            .keyspaces
            .iter()
            .flat_map(|keyspace| &keyspace.levels)
            .map(|level| level.tables)
            .sum();
        assert_eq!(tables_on_disk(&dir) as u64, live, "round {round}");
    }
}
