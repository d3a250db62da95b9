//! A stage: one database in a simulated world, for stories that look at what the disk is asked for.

use std::time::Duration;

use lsm_core::api::db::{Builder, Db};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::op::Op;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::database::Options;
use lsm_core::options::keyspace::KeyspaceOptions;
use lsm_core::options::log_mode::LogMode;

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::subject::kill;

/// A database in a simulated world.
pub struct Stage {
    pub disk: SimDisk,
    pub world: SimWorld,
    db: Option<Db>,
    options: Options,
}

impl Stage {
    pub fn on(disk: SimDisk, options: Options) -> Self {
        Self::built(disk, options, |builder| builder)
    }

    /// A new database whose default keyspace has long values beside their keys, as it has others.
    pub fn beside(options: Options) -> Self {
        let kept = KeyspaceOptions::new().blob_threshold(0);
        Self::built(new_disk(), options, |builder| builder.default_keyspace(kept))
    }

    fn built(disk: SimDisk, options: Options, more: impl FnOnce(Builder) -> Builder) -> Self {
        let world = SimWorld::from_disk(disk.clone(), 11);
        let builder = Db::builder(PATH).options(options.clone()).env(world.env());
        let db = more(builder).open().unwrap();
        Self { disk, world, db: Some(db), options }
    }

    /// Closes the database in order, and opens it in a world whose clocks have just begun.
    pub fn reopen(&mut self) {
        self.db.take().unwrap().close().unwrap();
        *self = Self::on(self.disk.clone(), self.options.clone());
    }

    pub fn new(options: Options) -> Self {
        Self::on(new_disk(), options)
    }

    pub fn db(&self) -> &Db {
        self.db.as_ref().unwrap()
    }

    /// What the disk is asked for meanwhile.
    pub fn trace(&self, act: impl FnOnce(&Db)) -> Vec<Op> {
        self.disk.record_trace(true);
        act(self.db());
        let trace = self.disk.trace();
        self.disk.record_trace(false);
        trace
    }

    /// The table files there are.
    pub fn tables(&self) -> Vec<String> {
        let names = self.disk.paths().into_iter().map(|path| path.display().to_string());
        names.filter(|name| name.ends_with(".sst")).collect()
    }

    pub fn idle(&self) {
        self.world.clock.advance(Duration::from_secs(2));
        self.world.scheduler.run_until_idle();
    }

    pub fn kill(mut self) -> SimDisk {
        kill(&self.world, self.db.take());
        self.disk.clone()
    }
}

pub fn options() -> Options {
    Options::new().memory_limit(16 << 20).log_mode(LogMode::Write)
}

/// Nothing but flushes and compactions that are asked for.
pub fn quiet() -> Options {
    options().memtable_bytes(4 << 20).sync_interval(None)
}
