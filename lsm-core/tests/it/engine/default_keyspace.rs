//! What is chosen for the default keyspace when a database is made, and what becomes of it.

use std::time::Duration;

use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    Builder, CompactionFilter, Comparator, Db, Error, ErrorKind, FilterContext, FilterDecision,
    KeyspaceOptions, Result, Strategy,
};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::quiet;
use crate::harness::engine::subject::kill;

fn builder(disk: &SimDisk) -> (SimWorld, Builder) {
    let world = SimWorld::from_disk(disk.clone(), 5);
    let builder = Db::builder(PATH).options(quiet()).env(world.env());
    (world, builder)
}

/// Opens the database, in which nothing goes on meanwhile.
fn open(disk: &SimDisk, chosen: Option<&KeyspaceOptions>) -> Result<(SimWorld, Db)> {
    let (world, mut builder) = builder(disk);
    if let Some(chosen) = chosen {
        builder = builder.default_keyspace(chosen.clone());
    }
    builder.open().map(|db| (world, db))
}

fn refused(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    words.iter().for_each(|word| assert!(error.to_string().contains(word), "{error}"));
}

struct Sweeper;

impl CompactionFilter for Sweeper {
    fn name(&self) -> &str {
        "sweeper"
    }

    fn filter(&self, _: &[u8], value: &[u8], _: &FilterContext<'_>) -> Result<FilterDecision> {
        let is_garbage = value == b"x";
        Ok(if is_garbage { FilterDecision::Remove } else { FilterDecision::Keep })
    }
}

#[test]
fn it_is_what_was_chosen_for_as_long_as_the_database_lives() {
    let disk = new_disk();
    let chosen = KeyspaceOptions::new()
        .merge_operator("append")
        .comparator(Comparator::Reverse)
        .strategy(Strategy::Tiered { runs_max: 5 })
        .ttl(Duration::from_secs(3600))
        .quota_bytes(100 << 20);
    {
        let (_world, db) = open(&disk, Some(&chosen)).unwrap();
        assert_eq!(db.options(), chosen);
        for key in ["a", "b", "c"] {
            db.merge(key, "1").unwrap();
            db.merge(key, "2").unwrap();
        }
        db.flush().unwrap();
        assert_eq!(db.keyspace("usual").unwrap().options(), KeyspaceOptions::default());
        assert_eq!(db.keyspace_with("default", chosen.clone()).unwrap().name(), "default");
        refused(&db.keyspace_with("default", KeyspaceOptions::new()).unwrap_err(), &["default"]);
        db.close().unwrap();
    }
    for again in [None, Some(&chosen)] {
        let (_world, db) = open(&disk, again).unwrap();
        assert_eq!(db.options(), chosen);
        let keys: Vec<_> = db.iter().keys().collect::<Result<_>>().unwrap();
        assert_eq!(keys, ["c", "b", "a"]);
        assert_eq!(db.get("a").unwrap().unwrap(), "12");
        assert!(matches!(db.expiry("a").unwrap(), Some(lsm_core::Expiry::At(_))));
        db.compact(..).unwrap();
        db.verify().unwrap();
        db.close().unwrap();
    }
    let other = chosen.clone().write_once(true);
    refused(&open(&disk, Some(&other)).unwrap_err(), &["default", "strategy=tiered:5"]);
    let other = KeyspaceOptions::new().merge_operator("max");
    refused(&open(&disk, Some(&other)).unwrap_err(), &["default", "append", "max"]);
    let (_world, builder) = builder(&disk);
    let options = quiet().read_only(true);
    let db = builder.options(options).default_keyspace(chosen.clone()).open().unwrap();
    assert_eq!(db.options(), chosen);
    db.close().unwrap();
    assert!(open(&disk, None).is_ok(), "a refusal lets go of the directory");
}

#[test]
fn a_database_that_was_made_without_has_the_usual_one() {
    let disk = new_disk();
    let usual = KeyspaceOptions::new();
    for chosen in [None, Some(&usual), None] {
        let (_world, db) = open(&disk, chosen).unwrap();
        assert_eq!(db.options(), usual);
        db.close().unwrap();
    }
    let other = KeyspaceOptions::new().merge_operator("append");
    refused(&open(&disk, Some(&other)).unwrap_err(), &["no merge operator", "append"]);
}

#[test]
fn what_it_names_has_to_be_there() {
    let disk = new_disk();
    let nobody = [
        KeyspaceOptions::new().merge_operator("nobody"),
        KeyspaceOptions::new().comparator(Comparator::user("nobody")),
        KeyspaceOptions::new().strategy(Strategy::user("nobody")),
        KeyspaceOptions::new().compaction_filter("nobody"),
    ];
    for chosen in &nobody {
        refused(&open(&disk, Some(chosen)).unwrap_err(), &["nobody"]);
    }
    let error = open(&disk, Some(&KeyspaceOptions::new().block_bytes(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    // Nothing was made of that.
    let (_world, db) = open(&disk, None).unwrap();
    assert!(db.open_report().is_new);
    db.close().unwrap();
    let (disk, sort_key) = (new_disk(), |key: &[u8], out: &mut Vec<u8>| {
        out.extend(key.iter().rev());
        Ok(())
    });
    let chosen = KeyspaceOptions::new().comparator(Comparator::user("backward"));
    {
        let (_world, builder) = builder(&disk);
        let builder = builder.comparator("backward", sort_key).default_keyspace(chosen);
        let db = builder.open().unwrap();
        db.put("ab", "1").unwrap();
        db.put("ba", "2").unwrap();
        assert_eq!(db.first().unwrap().unwrap().0, "ba");
        db.close().unwrap();
    }
    // Without it there is no handle of the database.
    refused(&open(&disk, None).unwrap_err(), &["backward"]);
    let (_world, builder) = builder(&disk);
    let db = builder.comparator("backward", sort_key).open().unwrap();
    assert_eq!(db.get("ab").unwrap().unwrap(), "1");
}

#[test]
fn it_may_be_filtered_and_is_opened_without_its_filter() {
    let disk = new_disk();
    let chosen = KeyspaceOptions::new().compaction_filter("sweeper");
    {
        let (_world, builder) = builder(&disk);
        let builder = builder.compaction_filter(Sweeper).default_keyspace(chosen.clone());
        let db = builder.open().unwrap();
        db.put("a", "x").unwrap();
        db.compact(..).unwrap();
        assert_eq!(db.get("a").unwrap(), None);
        db.close().unwrap();
    }
    let (_world, db) = open(&disk, Some(&chosen)).unwrap();
    db.put("a", "x").unwrap();
    db.compact(..).unwrap();
    assert_eq!(db.get("a").unwrap().unwrap(), "x");
    assert!(db.doctor().unwrap().finding("filter_missing").is_some());
}

/// After any crash there is no database, or one with what was chosen.
#[test]
fn it_is_there_from_the_first_moment_on() {
    let (disk, chosen) = (new_disk(), KeyspaceOptions::new().merge_operator("append"));
    disk.record_history(true);
    let (world, db) = open(&disk, Some(&chosen)).unwrap();
    let moments = disk.history();
    disk.record_history(false);
    kill(&world, Some(db));
    for moment in &moments {
        for policy in CrashPolicy::ALL {
            let disk = SimDisk::crashed(moment, policy, 7);
            let (_world, db) = open(&disk, Some(&chosen)).unwrap();
            assert_eq!(db.options(), chosen, "{policy}");
            db.merge("k", "v").unwrap();
            db.close().unwrap();
        }
    }
}

#[test]
fn a_salvage_keeps_it() {
    let disk = new_disk();
    let chosen = KeyspaceOptions::new().merge_operator("append").comparator(Comparator::Reverse);
    let (world, db) = open(&disk, Some(&chosen)).unwrap();
    db.merge("a", "1").unwrap();
    db.merge("b", "2").unwrap();
    db.merge("a", "3").unwrap();
    db.sync().unwrap();
    kill(&world, Some(db));
    let (world, damaged) = builder(&disk);
    let report = damaged.salvage("/salvaged").unwrap();
    assert!(report.is_complete, "{report:?}");
    let db = Db::builder("/salvaged").options(quiet()).env(world.env()).open().unwrap();
    assert_eq!(db.options(), chosen);
    assert_eq!(db.get("a").unwrap().unwrap(), "13");
    assert_eq!(db.first().unwrap().unwrap().0, "b");
}
