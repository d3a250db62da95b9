//! The scrub: what it reads in a second, how soon it finds damage, and that it stops nothing.

use std::path::Path;
use std::time::Duration;

use lsm_core::api::db::Db;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{ErrorKind, Options};

use crate::harness::disk::PATH;
use crate::harness::engine::stage::{Stage, quiet};

const RATE: u64 = 64 << 10;

fn scrubbing() -> Options {
    quiet().scrub_bytes_per_second(RATE)
}

fn fill(db: &Db, rounds: u32) {
    let mut noise = 1u32;
    for round in 0..rounds {
        for number in 0..900u32 {
            let mut value = vec![0u8; 300];
            for byte in &mut value {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (noise >> 24) as u8;
            }
            db.put(format!("{round} key {number:05}"), &value).unwrap();
        }
        db.flush().unwrap();
    }
}

fn seconds(stage: &Stage, count: u64) {
    for _ in 0..count * 2 {
        stage.world.clock.advance(Duration::from_millis(500));
        stage.world.scheduler.run_until_idle();
    }
}

fn counter(db: &Db, name: &str) -> u64 {
    db.stats().counter(name).unwrap()
}

#[test]
fn it_keeps_its_rate_and_comes_round() {
    let stage = Stage::new(scrubbing());
    fill(stage.db(), 4);
    let bytes = stage.db().stats().table_bytes;
    assert!(bytes > 12 * RATE, "{bytes}");
    seconds(&stage, 60);
    let before = (counter(stage.db(), "scrubbed_bytes"), counter(stage.db(), "scrub_rounds"));
    for _ in 0..10 {
        let at = counter(stage.db(), "scrubbed_bytes");
        seconds(&stage, 10);
        let read = counter(stage.db(), "scrubbed_bytes") - at;
        // A step may end a little behind its time.
        assert!(read <= RATE * 11 + (80 << 10), "{read}");
    }
    let rounds = counter(stage.db(), "scrub_rounds") - before.1;
    assert!((1..=3).contains(&rounds), "a round a minute at most: {rounds}");
    let read = counter(stage.db(), "scrubbed_bytes") - before.0;
    // The first one had begun before.
    assert!(read >= bytes * (rounds - 1), "{read} of {bytes} in {rounds} rounds");
    assert!(stage.db().stats().damage.is_empty());
}

#[test]
fn damage_is_found_within_a_round_and_stops_nothing() {
    let stage = Stage::new(scrubbing());
    fill(stage.db(), 3);
    seconds(&stage, 80);
    let tables = stage.tables();
    // A data block, and what stands at the end.
    let places =
        [(&tables[0], 3000), (&tables[1], stage.disk.contents(&tables[1]).unwrap().len() - 40)];
    for (table, at) in &places {
        stage.disk.rot(table, *at as u64, 0x08).unwrap();
    }
    let bytes = stage.db().stats().table_bytes;
    // What is left of the present round, and a whole one.
    seconds(&stage, 2 * (bytes / RATE + 61));
    let stats = stage.db().stats();
    assert_eq!(stats.damage.len(), 2, "{stats}");
    for (table, _) in &places {
        let found = stats.damage.iter().find(|found| table.ends_with(&found.file)).unwrap();
        assert!(found.offset.is_some() && !found.message.is_empty() && !found.is_set_aside);
    }
    assert!(stats.fault.is_none());
    assert!(stats.to_json().contains("\"damage\":[{\"file\":\""));
    stage.db().put("more", "writes").unwrap();
    stage.db().flush().unwrap();
    assert_eq!(stage.db().get("more").unwrap().unwrap(), "writes");
}

#[test]
fn a_damaged_segment_of_the_log_is_found() {
    let options = scrubbing().log_segment_bytes_max(16 << 10);
    let options = options.sync_interval(Some(Duration::from_secs(1)));
    let stage = Stage::new(options);
    for number in 0..400u32 {
        stage.db().put(number.to_be_bytes(), [7; 200]).unwrap();
        // An ended segment is sealed once it is durable, with the next one.
        stage.world.clock.advance(Duration::from_millis(50));
        stage.world.scheduler.run_until_idle();
    }
    stage.db().sync().unwrap();
    seconds(&stage, 5);
    let paths = stage.disk.paths();
    let log = paths.iter().find(|path| path.extension().is_some_and(|it| it == "wal")).unwrap();
    stage.disk.rot(log.to_str().unwrap(), 1000, 1).unwrap();
    seconds(&stage, 150);
    let damage = stage.db().stats().damage;
    assert_eq!(damage.len(), 1);
    assert!(damage[0].file.ends_with(".wal"), "{damage:?}");
}

#[test]
fn it_is_off_unless_asked_for_and_ends_with_the_database() {
    let stage = Stage::new(quiet());
    fill(stage.db(), 1);
    seconds(&stage, 100);
    assert_eq!(counter(stage.db(), "scrubbed_bytes"), 0);
    let error = Options::parse("scrub_bytes_per_second=100").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let world = SimWorld::from_disk(stage.kill(), 3);
    let builder = Db::builder(Path::new(PATH)).options(scrubbing()).env(world.env());
    let db = builder.open().unwrap();
    world.scheduler.run_until_idle();
    db.close().unwrap();
    assert_eq!(world.scheduler.job_count(), 0);
}
