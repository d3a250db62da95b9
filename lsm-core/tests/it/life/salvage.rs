//! Salvage: whatever happens to the files of a database, what comes out was once written, what the
//! report does not name as lost is as it was, and the damaged files are left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use lsm_core::api::db::Db;
use lsm_core::base::error::{ErrorKind, Result};
use lsm_core::env::sim::crash::CrashPolicy;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::rng::Rng;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::{
    CallOptions, Compression, Keyspace, KeyspaceOptions, Options, Progress, SalvageReport, Strategy,
};

use crate::harness::disk::{Files, PATH, files_of, new_disk};
use crate::harness::engine::rich::{open_at, options};
use crate::harness::engine::subject::kill;

const NEW: &str = "/data/new";

/// One write, as the model keeps it.
#[derive(Clone, Debug)]
enum Wrote {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

impl Wrote {
    fn touches(&self, key: &[u8]) -> bool {
        match self {
            Self::Put(its, _) | Self::Delete(its) => its == key,
            Self::DeleteRange(from, to) => key >= from.as_slice() && key < to.as_slice(),
        }
    }
}

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything that was ever written to a database.
#[derive(Clone, Debug, Default)]
struct Model {
    /// By keyspace, in the order of their numbers; the default one first.
    keyspaces: Vec<(String, Vec<(u64, Wrote)>)>,
}

impl Model {
    fn note(&mut self, keyspace: &str, seqno: u64, wrote: Wrote) {
        let place = self.keyspaces.iter_mut().find(|(name, _)| name == keyspace).unwrap();
        place.1.push((seqno, wrote));
    }

    fn pairs(&self, keyspace: &str) -> Pairs {
        let mut pairs = Pairs::new();
        let (_, history) = self.keyspaces.iter().find(|(name, _)| name == keyspace).unwrap();
        for (_, wrote) in history {
            match wrote {
                Wrote::Put(key, value) => drop(pairs.insert(key.clone(), value.clone())),
                Wrote::Delete(key) => drop(pairs.remove(key)),
                Wrote::DeleteRange(from, to) => {
                    pairs.retain(|key, _| key < from || key >= to);
                }
            }
        }
        pairs
    }
}

/// Writes to a database and to the model.
struct Writer<'a> {
    db: &'a Db,
    model: Model,
    rng: Rng,
}

impl Writer<'_> {
    fn keyspace(&self, name: &str) -> Keyspace {
        if name == "default" {
            return self.db.default_keyspace().clone();
        }
        self.db.keyspace(name).unwrap()
    }

    fn key(&mut self) -> Vec<u8> {
        format!("key {:04}", self.rng.below(600)).into_bytes()
    }

    fn write(&mut self, name: &str) {
        let keyspace = self.keyspace(name);
        let key = self.key();
        let (seqno, wrote) = match self.rng.below(24) {
            0 | 1 => (keyspace.delete(&key), Wrote::Delete(key)),
            2 => {
                let mut to = key.clone();
                to.push(b'~');
                let from = format!("key {:04}", self.rng.below(600)).into_bytes();
                let (from, to) = if from < to { (from, to) } else { (key, vec![b'z']) };
                let narrow = self.rng.below(12) > 0;
                let to = if narrow { [from.as_slice(), b"x"].concat() } else { to };
                (keyspace.delete_range(&from[..]..&to[..]), Wrote::DeleteRange(from, to))
            }
            _ => {
                let mut value = vec![0; self.rng.below(160) as usize];
                let fill = self.rng.below(256) as u8;
                value.fill(fill);
                if self.rng.below(3) == 0 {
                    self.rng.garbage(&mut value);
                }
                (keyspace.put(&key, &value), Wrote::Put(key, value))
            }
        };
        self.model.note(name, seqno.unwrap().get(), wrote);
    }
}

/// A database with something of everything, closed in order or as a kill has left it.
fn subject(seed: u64, is_clean: bool) -> (SimDisk, Model) {
    let disk = SimDisk::new();
    let (world, opened) = open_at(&disk, options(), seed);
    let db = opened.unwrap();
    let tiered = KeyspaceOptions::new().strategy(Strategy::Tiered { runs_max: 3 });
    let plain = KeyspaceOptions::new().compression(Compression::None).block_bytes(1024);
    db.keyspace_with("tiered", tiered).unwrap();
    db.keyspace("gone").unwrap().put("x", "y").unwrap();
    db.keyspace_with("plain", plain).unwrap();
    let names = ["default", "tiered", "gone", "plain"];
    let keyspaces = names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
    let mut writer = Writer { db: &db, model: Model { keyspaces }, rng: Rng::new(seed) };
    for round in 0..6 {
        for _ in 0..220 {
            let name = ["default", "default", "tiered", "plain"][writer.rng.below(4) as usize];
            writer.write(name);
        }
        match round {
            1 => db.compact(..).unwrap(),
            2 => drop(db.drop_keyspace("gone").unwrap()),
            3 => writer.keyspace("plain").compact(..).unwrap(),
            5 => {}
            _ => db.flush().unwrap(),
        }
    }
    db.sync().unwrap();
    for _ in 0..20 {
        writer.write("default");
    }
    db.sync().unwrap();
    let model = writer.model;
    world.scheduler.run_until_idle();
    if is_clean {
        db.close().unwrap();
        return (disk, model);
    }
    kill(&world, db);
    (disk.process_crash(), model)
}

fn salvage_at(disk: &SimDisk, new: &str) -> Result<SalvageReport> {
    let world = SimWorld::from_disk(disk.clone(), 91);
    let builder = Db::builder(Path::new(PATH)).options(options()).env(world.env());
    builder.salvage(Path::new(new))
}

fn contents(disk: &SimDisk) -> BTreeMap<String, Pairs> {
    let world = SimWorld::from_disk(disk.clone(), 92);
    let options = Options::new().memory_limit(16 << 20);
    let db = Db::builder(Path::new(NEW)).options(options).env(world.env()).open().unwrap();
    db.verify().unwrap();
    let mut all = BTreeMap::new();
    let pairs = |keyspace: &Keyspace| -> Pairs {
        let pair = |pair: Result<(_, _)>| {
            let (key, value): (lsm_core::Slice, lsm_core::Slice) = pair.unwrap();
            (key.to_vec(), value.to_vec())
        };
        keyspace.iter().map(pair).collect()
    };
    all.insert("default".to_owned(), pairs(db.default_keyspace()));
    for name in db.keyspace_names() {
        all.insert(name.clone(), pairs(&db.keyspace(&name).unwrap()));
    }
    kill(&world, db);
    all
}

fn source_of(disk: &SimDisk) -> Files {
    let files = files_of(disk).into_iter();
    files.filter(|(path, _)| path.starts_with(&format!("{PATH}/"))).collect()
}

/// Salvages, and holds what comes out against the model and the report.
fn judge(disk: &SimDisk, model: &Model, what: &str) -> SalvageReport {
    let before = source_of(disk);
    let report = salvage_at(disk, NEW).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert!(source_of(disk) == before, "{what}: the damaged files were changed");
    let found = contents(disk);
    let text = format!("{report}");
    for (number, (name, history)) in model.keyspaces.iter().enumerate() {
        let recovered = format!("recovered-{number}");
        let shown = if found.contains_key(name) { name.clone() } else { recovered };
        let empty = Pairs::new();
        let pairs = found.get(&shown).unwrap_or(&empty);
        let was_put = |key: &[u8], value: &[u8]| {
            let is_it = |wrote: &Wrote| matches!(wrote, Wrote::Put(k, v) if k == key && v == value);
            history.iter().any(|(_, wrote)| is_it(wrote)) || name == "gone"
        };
        for (key, value) in pairs {
            assert!(was_put(key, value), "{what}: {shown}: {key:?} was never written\n{text}");
        }
        if name == "gone" {
            assert!(pairs.is_empty() || !report.is_manifest_whole, "{what}: dropped, and back");
            continue;
        }
        if !found.contains_key(&shown) {
            // Without a manifest nothing tells that there was such a keyspace.
            assert!(!report.is_manifest_whole, "{what}: {shown} is missing\n{text}");
            continue;
        }
        let expected = model.pairs(name);
        let keys: BTreeSet<&Vec<u8>> = expected.keys().chain(pairs.keys()).collect();
        let is_lost = |seqno: u64| {
            let mut parts = report.lost_log.iter();
            parts.any(|part| seqno >= part.from && part.to.is_none_or(|to| seqno < to))
        };
        for key in keys {
            let mut ranges = report.lost.iter().filter(|range| range.keyspace == shown);
            let in_range = ranges.any(|range| range.holds(key));
            let mut touched = history.iter().filter(|(_, wrote)| wrote.touches(key));
            let in_log = touched.any(|(seqno, _)| is_lost(*seqno));
            if !in_range && !in_log {
                assert_eq!(pairs.get(key), expected.get(key), "{what}: {shown}: {key:?}\n{text}");
            }
        }
        let told = report.keyspaces.iter().find(|keyspace| keyspace.name == shown);
        assert_eq!(told.map_or(0, |it| it.pairs), pairs.len() as u64, "{what}: {shown}");
    }
    if report.is_complete {
        assert!(report.lost.is_empty() && report.lost_log.is_empty(), "{what}: {text}");
        for (name, _) in model.keyspaces.iter().filter(|(name, _)| name != "gone") {
            assert!(found[name] == model.pairs(name), "{what}: {name}");
        }
    }
    report
}

#[test]
pub fn an_undamaged_database_is_salvaged_as_it_is() {
    for (seed, is_clean) in [(1, true), (2, false), (3, true), (4, false)] {
        let (disk, model) = subject(seed, is_clean);
        let report = judge(&disk, &model, "whole");
        assert!(report.is_complete && report.is_manifest_whole, "{report}");
        let is_whole = |file: &lsm_core::SalvagedFile| file.damaged_places == 0 && !file.is_lost;
        assert!(report.files.iter().all(is_whole), "{report}");
        let world = SimWorld::from_disk(disk.clone(), 5);
        let db = Db::builder(Path::new(NEW)).options(options()).env(world.env()).open().unwrap();
        assert!(db.open_report().was_clean);
        let plain = db.keyspace("plain").unwrap().options();
        assert_eq!(plain.get_block_bytes(), 1024);
        assert_eq!(plain.get_compression(), Compression::None);
    }
}

/// Damages one file; says how.
fn damage(disk: &SimDisk, rng: &mut Rng, paths: &[String]) -> String {
    let path = &paths[rng.below(paths.len() as u64) as usize];
    let Ok(bytes) = disk.contents(path) else { return format!("{path}: gone already") };
    let len = bytes.len() as u64;
    let at = rng.below(len.max(1));
    match rng.below(9) {
        0..=2 if len > 0 => {
            disk.rot(path, at, 1 << rng.below(8)).unwrap();
            format!("{path}: byte {at}")
        }
        3 => {
            let mut bytes = bytes;
            let end = bytes.len().min(at as usize + 512);
            bytes[at as usize..end].fill(0);
            disk.plant(path, &bytes).unwrap();
            format!("{path}: zeros from {at}")
        }
        4 => {
            disk.plant(path, &bytes[..at as usize]).unwrap();
            format!("{path}: cut to {at}")
        }
        5 => {
            disk.remove(path).unwrap();
            format!("{path}: removed")
        }
        6 => {
            let mut bytes = bytes;
            let mut more = vec![0; 700];
            rng.garbage(&mut more);
            bytes.extend(more);
            disk.plant(path, &bytes).unwrap();
            format!("{path}: longer")
        }
        7 => {
            let other = &paths[rng.below(paths.len() as u64) as usize];
            let Ok(theirs) = disk.contents(other) else { return format!("{other}: gone already") };
            disk.plant(path, &theirs).unwrap();
            disk.plant(other, &bytes).unwrap();
            format!("{path} and {other}: exchanged")
        }
        _ => {
            let mut bytes = bytes;
            let end = bytes.len().min(at as usize + 1500);
            rng.garbage(&mut bytes[at as usize..end]);
            disk.plant(path, &bytes).unwrap();
            format!("{path}: garbage from {at}")
        }
    }
}

fn damage_many(seeds: std::ops::Range<u64>) {
    let subjects = [subject(21, true), subject(22, false)];
    let mut whole = 0;
    let mut rescued = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let (disk, model) = &subjects[(seed % 2) as usize];
        let disk = disk.process_crash();
        let paths: Vec<String> = source_of(&disk).into_keys().collect();
        let count = 1 + rng.below(3);
        let how: Vec<String> = (0..count).map(|_| damage(&disk, &mut rng, &paths)).collect();
        let what = format!("seed {seed}: {}", how.join(", "));
        let report = judge(&disk, model, &what);
        whole += u64::from(report.is_complete);
        rescued += u64::from(report.keyspaces.iter().any(|keyspace| keyspace.pairs > 0));
    }
    println!("{whole} complete, {rescued} with something");
    assert!(whole > 0 && rescued > 0);
}

#[test]
fn damaged_databases_give_what_was_written_and_tell_what_is_lost() {
    damage_many(0..120);
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_that_salvage_bears_any_damage() {
    damage_many(1000..6000);
}

fn names(disk: &SimDisk, ending: &str) -> Vec<String> {
    source_of(disk).into_keys().filter(|path| path.ends_with(ending)).collect()
}

#[test]
fn without_heads_the_manifest_still_tells_everything() {
    for (seed, is_clean) in [(31, true), (32, false)] {
        let (disk, model) = subject(seed, is_clean);
        for head in names(&disk, ".head") {
            disk.remove(&head).unwrap();
        }
        let report = judge(&disk, &model, "no heads");
        assert!(report.is_manifest_whole && report.lost.is_empty(), "{report}");
        assert!(!report.is_complete, "nothing vouches for the end of the manifest");
    }
}

#[test]
fn without_a_manifest_tables_and_log_speak_for_themselves() {
    let (disk, model) = subject(33, true);
    for path in names(&disk, ".manifest").iter().chain(&names(&disk, ".head")) {
        disk.remove(path).unwrap();
    }
    let report = judge(&disk, &model, "no manifest");
    assert!(!report.is_complete && !report.is_manifest_whole);
    assert!(report.keyspaces.iter().any(|it| it.name == "recovered-3" && it.is_name_lost));
    let found = contents(&disk);
    // Nothing was left over from merges: all of it is there.
    assert_eq!(found["default"], model.pairs("default"));
    assert_eq!(found["recovered-3"], model.pairs("plain"));
}

#[test]
fn a_damaged_block_costs_its_own_keys() {
    let (disk, model) = subject(34, true);
    let tables = names(&disk, ".sst");
    let largest = tables.iter().max_by_key(|path| disk.contents(path).unwrap().len()).unwrap();
    disk.rot(largest, 400, 0x10).unwrap();
    let report = judge(&disk, &model, "one block");
    assert!(report.is_manifest_whole && !report.is_complete);
    assert_eq!(report.lost.len(), 1, "{report}");
    let lost = &report.lost[0];
    assert!(!lost.file.is_empty() && lost.bytes.is_some_and(|bytes| bytes > 0), "{report}");
    assert!(lost.to.is_some());
    let pairs: u64 = report.keyspaces.iter().map(|keyspace| keyspace.pairs).sum();
    let all: usize =
        ["default", "tiered", "plain"].iter().map(|name| model.pairs(name).len()).sum();
    assert!(pairs * 10 > all as u64 * 8, "{pairs} of {all}\n{report}");
}

#[test]
fn a_log_that_is_damaged_in_the_middle_costs_its_own_batches() {
    let (disk, model) = subject(35, false);
    let logs = names(&disk, ".wal");
    let is_begun =
        |path: &&String| disk.contents(path).unwrap()[208..4096].iter().any(|it| *it > 0);
    let log = logs.iter().rfind(is_begun).unwrap();
    disk.rot(log, 300, 0xff).unwrap();
    let report = judge(&disk, &model, "log");
    assert!(report.is_manifest_whole && report.lost.is_empty(), "{report}");
    assert_eq!(report.lost_log.len(), 1, "{report}");
    let part = &report.lost_log[0];
    assert!(part.to.is_some_and(|to| to <= part.from + 4), "{report}");
}

#[test]
fn where_it_is_to_go_must_be_missing_and_where_it_is_from_must_be_a_database() {
    let (disk, _) = subject(36, true);
    let before = files_of(&disk);
    let kind = |new: &str| salvage_at(&disk, new).unwrap_err().kind();
    assert_eq!(kind(PATH), ErrorKind::Exists);
    assert_eq!(kind(&format!("{PATH}/new")), ErrorKind::InvalidArgument);
    let world = SimWorld::from_disk(disk.clone(), 7);
    let from = |path: &str| {
        Db::builder(Path::new(path)).env(world.env()).salvage(Path::new(NEW)).unwrap_err().kind()
    };
    assert_eq!(from("/data/nothing"), ErrorKind::InvalidArgument);
    let read_only = Db::builder(Path::new(PATH)).options(options().read_only(true));
    let error = read_only.env(world.env()).salvage(Path::new(NEW)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(files_of(&disk) == before);
    // A writer that lives keeps it away.
    let (_world, db) = open_at(&disk, options(), 8);
    assert_eq!(kind(NEW), ErrorKind::Locked);
    drop(db);
    assert!(salvage_at(&disk, NEW).unwrap().is_complete);
    assert_eq!(kind(NEW), ErrorKind::Exists);
    world.env().fs.create_dir(Path::new("/data/empty")).unwrap();
    assert_eq!(kind("/data/empty"), ErrorKind::Exists);
    assert_eq!(kind("/data/empty"), ErrorKind::Exists, "it was left alone");
}

#[test]
fn a_salvage_that_is_stopped_leaves_nothing() {
    let (disk, model) = subject(37, true);
    let before = files_of(&disk);
    for calls in [1, 2, 4] {
        let world = SimWorld::from_disk(disk.clone(), 9);
        let mut left = calls;
        let mut told = Vec::new();
        let mut stop = |progress: Progress| {
            told.push(progress);
            left -= 1;
            if left == 0 {
                return std::ops::ControlFlow::Break(());
            }
            std::ops::ControlFlow::Continue(())
        };
        let builder = Db::builder(Path::new(PATH)).options(options()).env(world.env());
        let call = CallOptions::new().progress(&mut stop);
        let error = builder.salvage_with(Path::new(NEW), call).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Aborted);
        assert!(told.iter().all(|it| it.total > 0 && it.done <= it.total));
        assert!(files_of(&disk) == before, "{:?}", files_of(&disk).keys());
    }
    let world = SimWorld::from_disk(disk.clone(), 9);
    let builder = Db::builder(Path::new(PATH)).options(options()).env(world.env());
    let call = CallOptions::new().timeout(Duration::ZERO);
    let error = builder.salvage_with(Path::new(NEW), call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    judge(&disk, &model, "after all");
}

#[test]
fn a_crash_in_the_middle_leaves_the_source_and_a_mark() {
    let (disk, model) = subject(38, false);
    let source = source_of(&disk);
    let disk = {
        let fresh = new_disk();
        for (path, bytes) in &source {
            fresh.plant(path, bytes).unwrap();
        }
        fresh
    };
    disk.record_history(true);
    salvage_at(&disk, NEW).unwrap();
    let history = disk.history();
    disk.record_history(false);
    let (mut refused, mut done) = (0, 0);
    for (at, moment) in history.iter().enumerate() {
        let policy = CrashPolicy::ALL[at % CrashPolicy::ALL.len()];
        let after = SimDisk::crashed(moment, policy, at as u64);
        assert!(source_of(&after) == source, "crash {at}: the source was touched");
        if at % 5 > 0 {
            continue;
        }
        let world = SimWorld::from_disk(after.clone(), 10);
        let open = Options::new().memory_limit(16 << 20).read_only(true);
        let opened = Db::builder(Path::new(NEW)).options(open).env(world.env()).open();
        match opened {
            Ok(db) => {
                let pairs = db.count(..).unwrap();
                assert_eq!(pairs, model.pairs("default").len() as u64, "crash {at}: half of it");
                done += 1;
            }
            Err(error) => {
                let kinds = [ErrorKind::Format, ErrorKind::InvalidArgument];
                assert!(kinds.contains(&error.kind()), "crash {at}: {error:?}");
                refused += u64::from(error.kind() == ErrorKind::Format);
            }
        }
        if after.contents(&format!("{NEW}/salvage.unfinished")).is_ok() {
            Db::builder(Path::new(NEW)).env(world.env()).destroy().unwrap();
            assert_eq!(salvage_at(&after, NEW).unwrap_err().kind(), ErrorKind::Exists);
            after.remove(NEW).unwrap();
            assert!(salvage_at(&after, NEW).unwrap().is_complete);
        }
    }
    assert!(refused > 0 && done > 0, "{refused} {done} of {}", history.len());
}

#[test]
fn files_of_others_and_copies_are_told_and_not_read() {
    let (disk, model) = subject(39, true);
    let (other, _) = subject(40, true);
    for (path, bytes) in source_of(&other).into_iter().filter(|(path, _)| path.ends_with(".sst")) {
        let number: u64 = path[PATH.len() + 1..PATH.len() + 7].parse().unwrap();
        disk.plant(&format!("{PATH}/{:06}.sst", number + 5000), &bytes).unwrap();
    }
    let table = names(&disk, ".sst")[0].clone();
    disk.plant(&format!("{PATH}/009999.sst"), &disk.contents(&table).unwrap()).unwrap();
    disk.plant(&format!("{PATH}/letter.txt"), b"dear").unwrap();
    let report = judge(&disk, &model, "others");
    assert!(report.is_complete, "{report}");
    assert!(report.ignored.iter().any(|name| name == "letter.txt"), "{report}");
    // A table that is gone is found again under the name of its copy.
    disk.remove(&table).unwrap();
    for (path, _) in files_of(&disk).into_iter().filter(|(path, _)| path.starts_with(NEW)) {
        disk.remove(&path).unwrap();
    }
    disk.remove(NEW).unwrap();
    let report = judge(&disk, &model, "a copy");
    assert!(report.is_complete, "{report}");
}

#[test]
fn the_report_is_a_text_for_people_and_one_for_programs() {
    let (disk, model) = subject(41, true);
    disk.remove(&names(&disk, ".sst")[0]).unwrap();
    let report = judge(&disk, &model, "one table");
    let (text, json) = (report.to_string(), report.to_json());
    assert!(text.starts_with("the salvage is not complete\n"), "{text}");
    for word in ["\"is_complete\":false", "\"is_lost\":true", "\"from\":\"", "\"lost_log\":[]"] {
        assert!(json.contains(word), "{word}: {json}");
    }
}
