//! Everything that can be measured here.

use lsm_bench::store::Engine;

use crate::leveldb::LevelDb;
use crate::lmdb::Lmdb;
use crate::rocksdb::RocksDb;
use crate::rocksdb_settings::Kind;
use crate::sqlite::Sqlite;

/// The peers, whether they are to be found or not: what is missing says so when it is opened.
#[must_use]
pub fn peers() -> Vec<Box<dyn Engine>> {
    vec![
        Box::new(RocksDb::new(Kind::Same)),
        Box::new(RocksDb::new(Kind::Tuned)),
        Box::new(RocksDb::new(Kind::Usual)),
        Box::new(LevelDb::default()),
        Box::new(Lmdb::default()),
        Box::new(Sqlite::default()),
        fjall(),
        redb(),
    ]
}

#[cfg(feature = "fjall")]
fn fjall() -> Box<dyn Engine> {
    Box::new(crate::fjall::Fjall)
}

#[cfg(not(feature = "fjall"))]
fn fjall() -> Box<dyn Engine> {
    Box::new(crate::absent::Absent("fjall"))
}

#[cfg(feature = "redb")]
fn redb() -> Box<dyn Engine> {
    Box::new(crate::redb::Redb)
}

#[cfg(not(feature = "redb"))]
fn redb() -> Box<dyn Engine> {
    Box::new(crate::absent::Absent("redb"))
}
