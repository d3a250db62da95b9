//! Every byte of a whole database: one that has files of every kind and something of every feature
//! is damaged in every way, opened to be read and to be written, and read. What comes out is the
//! same, or an error that says what and where; never anything else, no panic, no more memory than
//! four times the files and 64 MiB, and no more than twenty seconds.
//!
//! A log that is cut, or whose blocks are not there, takes along what vouched for its end: what it
//! gives then is a state that the database was in.

use std::path::Path;
use std::time::{Duration, Instant};

use lsm_core::api::db::Db;
use lsm_core::base::error::{Error, ErrorKind, Result};
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::options::keyspace::{Compression, KeyspaceOptions, Strategy};
use lsm_core::options::log_mode::LogMode;
use lsm_core::{Durability, Expiry, Options, WriteOptions};

use crate::harness::disk::{Files, PATH, files_of};
use crate::harness::engine::reference::Shown;
use crate::harness::engine::rich::{open_at, read_all};
use crate::harness::engine::subject::{Trouble, kill, show};
use crate::harness::images::caught;
use crate::harness::memory::peak_of;
use crate::machine::kit::{MODES, mode_name};

/// Memory beside four times what the files have.
const MEMORY: u64 = 64 << 20;
/// What one case may take, on a busy machine too. It takes less than a thousandth of that.
const TIME: Duration = Duration::from_secs(20);

fn options(mode: LogMode) -> Options {
    Options::new()
        .memory_limit(16 << 20)
        .memtable_bytes(16 << 10)
        .background_threads(1)
        .log_mode(mode)
        .log_segment_bytes_max(4 << 10)
}

/// A database of some KiB, at its end and at moments before.
struct Specimen {
    mode: LogMode,
    is_clean: bool,
    disk: SimDisk,
    files: Files,
    older: Vec<Files>,
    /// What it shows, and has shown since its last table was made.
    shown: Vec<Shown>,
}

/// Writes one round: something of everything.
fn write(db: &Db, round: u8) -> Result<()> {
    let apart = KeyspaceOptions::new().blob_threshold(64).compression(Compression::None);
    let counts = KeyspaceOptions::new().merge_operator("add_i64");
    let runs = KeyspaceOptions::new().strategy(Strategy::Tiered { runs_max: 3 });
    let (apart, counts) = (db.keyspace_with("a", apart)?, db.keyspace_with("c", counts)?);
    let runs = db.keyspace_with("r", runs)?;
    for key in 0..4u8 {
        db.put([b'k', key * 3 + round], vec![key ^ round; 3 + usize::from(key) * 7])?;
        apart.put([b'a', key], vec![round; 60 + usize::from(key) * 9])?;
        counts.merge([b'c', key % 2], 1i64.to_le_bytes())?;
    }
    let late = WriteOptions::new().expiry(Expiry::At(1 << 50));
    runs.put_with([b'r', round], [round; 20], &late)?;
    db.delete([b'k', round])?;
    runs.put([b's', round], "once")?;
    runs.single_delete([b's', round])?;
    db.delete_range([b'k', 9 + round]..[b'k', 11 + round])?;
    Ok(())
}

impl Specimen {
    fn new(mode: LogMode, is_clean: bool, seed: u64) -> Self {
        let (disk, mut older) = (SimDisk::new(), Vec::new());
        let (world, opened) = open_at(&disk, options(mode), seed);
        let db = opened.unwrap();
        for round in 0..3 {
            write(&db, round).unwrap();
            older.push(files_of(&disk));
            db.flush().unwrap();
            if round == 1 {
                db.compact(..).unwrap();
            }
            older.push(files_of(&disk));
        }
        let mut shown = vec![show_all(&db)];
        let (apart, durable) = (db.keyspace("a").unwrap(), Durability::Durable);
        for step in 0..3u8 {
            db.put([b'l', step], [step; 30]).unwrap();
            shown.push(show_all(&db));
            apart.put([b'l', step], [step; 90]).unwrap();
            shown.push(show_all(&db));
        }
        let durable = WriteOptions::new().durability(durable);
        db.put_with("end", "of it", &durable).unwrap();
        shown.push(show_all(&db));
        if is_clean {
            db.close().unwrap();
        } else {
            // Somebody vouches for the end of the log.
            rest(&world);
            older.push(files_of(&disk));
            kill(&world, db);
        }
        drop(world);
        let disk = disk.process_crash();
        let files = files_of(&disk);
        Self { mode, is_clean, disk, files, older, shown }
    }

    fn name(&self) -> String {
        let how = if self.is_clean { "closed" } else { "killed" };
        format!("{}, {how}", mode_name(self.mode))
    }
}

fn rest(world: &SimWorld) {
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(1));
        world.scheduler.run_until_idle();
    }
}

fn show_all(db: &Db) -> Shown {
    show(db).map_err(|trouble| trouble.to_string()).unwrap()
}

/// What came of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Same,
    Refused,
    /// A state from before: what was damaged had vouched for the rest.
    Before,
}

#[derive(Default)]
struct Tally {
    cases: u64,
    same: u64,
    refused: u64,
    before: u64,
    memory: u64,
    slowest: Duration,
    violations: Vec<String>,
}

struct Story<'a> {
    specimen: &'a Specimen,
    tally: Tally,
}

impl Story<'_> {
    /// Tries a damaged disk; with `may_lose`, a state from before is allowed.
    fn case(&mut self, disk: &SimDisk, may_lose: bool, what: &dyn Fn() -> String) {
        let read = self.look(disk, true);
        self.note(read, may_lose, &|| format!("{}, read-only", what()));
        let written = self.look(&disk.process_crash(), false);
        self.note(written, may_lose, what);
    }

    fn look(&mut self, disk: &SimDisk, read_only: bool) -> std::result::Result<Outcome, String> {
        let begun = Instant::now();
        let (specimen, options) = (self.specimen, options(self.specimen.mode));
        let looked = || caught(|| look(specimen, disk, options.read_only(read_only)));
        let (found, memory) = peak_of(looked);
        let elapsed = begun.elapsed();
        self.tally.memory = self.tally.memory.max(memory);
        self.tally.slowest = self.tally.slowest.max(elapsed);
        let bytes: usize = specimen.files.values().map(Vec::len).sum();
        if memory > MEMORY + 4 * bytes as u64 {
            return Err(format!("{memory} bytes of memory at once"));
        }
        if elapsed > TIME {
            return Err(format!("it took {elapsed:?}"));
        }
        found.and_then(|found| found)
    }

    fn note(
        &mut self,
        found: std::result::Result<Outcome, String>,
        may_lose: bool,
        what: &dyn Fn() -> String,
    ) {
        let tally = &mut self.tally;
        tally.cases += 1;
        match found {
            Ok(Outcome::Same) => tally.same += 1,
            Ok(Outcome::Refused) => tally.refused += 1,
            Ok(Outcome::Before) if may_lose => tally.before += 1,
            Ok(Outcome::Before) => {
                let name = self.specimen.name();
                tally.violations.push(format!("{name}: {}: something is missing", what()));
            }
            Err(why) => {
                let name = self.specimen.name();
                tally.violations.push(format!("{name}: {}: {why}", what()));
            }
        }
    }

    fn flip(&mut self, stride: usize) {
        let specimen = self.specimen;
        for (path, bytes) in &specimen.files {
            for at in (0..bytes.len()).step_by(stride) {
                for bit in 0..8 {
                    let disk = specimen.disk.process_crash();
                    disk.rot(path, at as u64, 1 << bit).unwrap();
                    self.case(&disk, false, &|| format!("{path} byte {at} ^ {:#04x}", 1 << bit));
                }
            }
        }
    }

    fn put(&mut self, path: &str, bytes: &[u8], may_lose: bool, what: &dyn Fn() -> String) {
        if self.specimen.files.get(path).is_some_and(|whole| whole == bytes) {
            return;
        }
        let disk = self.specimen.disk.process_crash();
        disk.plant(path, bytes).unwrap();
        self.case(&disk, may_lose, &|| format!("{path} {}", what()));
    }

    fn cut(&mut self, stride: usize) {
        for (path, bytes) in &self.specimen.files {
            let loses = self.loses(path);
            for len in (0..bytes.len()).step_by(stride) {
                self.put(path, &bytes[..len], loses, &|| format!("cut to {len}"));
            }
            for more in [1, 8, 100, 512, 4096] {
                let longer = [bytes.as_slice(), &vec![0xa5; more]].concat();
                self.put(path, &longer, false, &|| format!("with {more} bytes more"));
            }
        }
    }

    /// A log whose process died says itself what of it is whole.
    fn loses(&self, path: &str) -> bool {
        !self.specimen.is_clean && path.ends_with(".wal")
    }

    fn blocks(&mut self) {
        for (path, bytes) in &self.specimen.files {
            let loses = self.loses(path);
            for size in [512, 4096] {
                let blocks = bytes.len().div_ceil(size);
                let place = |block: usize| block * size..((block + 1) * size).min(bytes.len());
                for block in 0..blocks {
                    let mut zeroed = bytes.clone();
                    zeroed[place(block)].fill(0);
                    self.put(path, &zeroed, loses, &|| format!("block {block} of {size} zeroed"));
                    for other in block + 1..bytes.len() / size {
                        let mut swapped = bytes.clone();
                        let (one, two) = swapped.split_at_mut(other * size);
                        one[place(block)].swap_with_slice(&mut two[..size]);
                        let what = || format!("blocks {block} and {other} of {size} swapped");
                        self.put(path, &swapped, loses, &what);
                    }
                }
            }
        }
    }

    /// Files that are missing, twice there, in each other's place, older, or another database's.
    fn files(&mut self, other: &Specimen) {
        let specimen = self.specimen;
        for (path, bytes) in &specimen.files {
            let disk = specimen.disk.process_crash();
            disk.remove(path).unwrap();
            self.case(&disk, self.loses(path), &|| format!("{path} missing"));
            for (with, theirs) in &specimen.files {
                self.put(with, bytes, self.loses(with), &|| format!("as {path}"));
                let disk = specimen.disk.process_crash();
                disk.plant(path, theirs).unwrap();
                disk.plant(with, bytes).unwrap();
                let loses = self.loses(path) || self.loses(with);
                self.case(&disk, loses, &|| format!("{path} and {with} exchanged"));
            }
            let copy = again(path);
            self.put(&copy, bytes, false, &|| format!("beside {path}, the same"));
            for (age, older) in specimen.older.iter().enumerate() {
                if let Some(then) = older.get(path) {
                    self.put(path, then, self.loses(path), &|| format!("as at {age}"));
                }
            }
            if let Some(theirs) = other.files.get(path) {
                self.put(path, theirs, self.loses(path), &|| "of another".to_owned());
            }
        }
        self.groups();
    }

    /// Older copies of heads and manifest, which list what was there then.
    fn groups(&mut self) {
        let specimen = self.specimen;
        let is_list = |path: &str| path.ends_with(".head") || path.ends_with(".manifest");
        let is_head = |path: &str| path.ends_with(".head");
        for (age, older) in specimen.older.iter().enumerate() {
            for (name, takes) in
                [("heads", &is_head as &dyn Fn(&str) -> bool), ("heads and manifest", &is_list)]
            {
                let disk = specimen.disk.process_crash();
                let chosen: Vec<_> = older.iter().filter(|(path, _)| takes(path)).collect();
                let is_new =
                    chosen.iter().any(|(path, old)| specimen.files.get(*path) != Some(*old));
                chosen.iter().for_each(|(path, bytes)| disk.plant(path, bytes).unwrap());
                if is_new {
                    self.case(&disk, false, &|| format!("{name} as at {age}"));
                }
            }
        }
    }

    fn report(self, what: &str) -> u64 {
        let Tally { cases, same, refused, before, memory, slowest, violations } = self.tally;
        println!(
            "{}, {what}: {cases} cases, {same} the same, {refused} refused, {before} a state from \
             before; {memory} bytes of memory at most, the slowest took {slowest:?}",
            self.specimen.name()
        );
        violations.iter().take(20).for_each(|violation| println!("  {violation}"));
        assert!(violations.is_empty(), "{} violations: {}", violations.len(), violations[0]);
        cases
    }
}

/// The name of a file of the same kind that is not there.
fn again(path: &str) -> String {
    let (name, kind) = path.rsplit_once('.').unwrap_or((path, "lock"));
    let digits = name.len() - name.rsplit(|c: char| !c.is_ascii_hexdigit()).next().unwrap().len();
    format!("{}{:0width$x}.{kind}", &name[..digits], 0xffff_u64, width = name.len() - digits)
}

/// Opens and reads, all at once and key by key.
fn look(
    specimen: &Specimen,
    disk: &SimDisk,
    options: Options,
) -> std::result::Result<Outcome, String> {
    let is_read_only = options.is_read_only();
    let db = match open_at(disk, options, 51).1 {
        Ok(db) => db,
        Err(error) => return is_typed(specimen, &error),
    };
    let shown = specimen.shown.last().unwrap();
    let outcome = match read_all(&db) {
        Ok(found) if found == *shown => Outcome::Same,
        Ok(found) if specimen.shown.contains(&found) => return Ok(Outcome::Before),
        Ok(found) => return Err(format!("wrong data: {found:?}")),
        Err(Trouble::Failed(error)) => {
            ask_each(&db, specimen)?;
            is_typed(specimen, &error)?
        }
        Err(Trouble::Wrong(why)) => return Err(why),
    };
    if !is_read_only && outcome == Outcome::Same {
        work_on(&db)?;
    }
    Ok(outcome)
}

/// Keys whose place is whole have their values.
fn ask_each(db: &Db, specimen: &Specimen) -> std::result::Result<(), String> {
    for (name, pairs) in specimen.shown.last().unwrap() {
        let keyspace = match name.as_str() {
            "default" => Ok(db.default_keyspace().clone()),
            name => db.keyspace(name),
        };
        let keyspace = match keyspace {
            Ok(keyspace) => keyspace,
            Err(error) => {
                is_typed(specimen, &error)?;
                continue;
            }
        };
        for (key, value) in pairs {
            match keyspace.get(key) {
                Ok(found) if found.as_deref() == Some(&value[..]) => {}
                Ok(found) => {
                    let is_before = |shown: &Shown| {
                        let then = shown.get(name).and_then(|pairs| pairs.get(key));
                        then.map(|value| &value[..]) == found.as_deref()
                    };
                    if !specimen.shown.iter().any(is_before) {
                        return Err(format!("{name}, {key:?}: {found:?}"));
                    }
                }
                Err(error) => drop(is_typed(specimen, &error)?),
            }
        }
    }
    Ok(())
}

/// What can be read can be written to.
fn work_on(db: &Db) -> std::result::Result<(), String> {
    let fine = |error: Error| match error.kind() {
        ErrorKind::Corruption | ErrorKind::Format | ErrorKind::ReadOnly => Ok(()),
        _ => Err(format!("{error:?}")),
    };
    let durable = WriteOptions::new().durability(Durability::Durable);
    db.put_with("one", "more", &durable).map_or_else(fine, |_| Ok(()))?;
    match db.get("one") {
        Ok(Some(value)) if *value == *b"more" => Ok(()),
        Ok(other) => Err(format!("what was just written is {other:?}")),
        Err(error) => fine(error),
    }
}

fn is_typed(specimen: &Specimen, error: &Error) -> std::result::Result<Outcome, String> {
    let is_kind = matches!(error.kind(), ErrorKind::Corruption | ErrorKind::Format);
    let path = error.path().and_then(Path::to_str).unwrap_or_default();
    let is_known = path.starts_with(PATH) || specimen.files.contains_key(path);
    if is_kind && is_known {
        return Ok(Outcome::Refused);
    }
    Err(format!("an error that does not say what and where: {error:?}"))
}

/// Damages a database in every way. Answers how many ways these were.
fn every_way(mode: LogMode, is_clean: bool, stride: usize) -> u64 {
    let specimen = Specimen::new(mode, is_clean, 1);
    let other = Specimen::new(mode, is_clean, 2);
    let mut cases = 0;
    let mut tell = |what: &str, does: &dyn Fn(&mut Story<'_>)| {
        let mut story = Story { specimen: &specimen, tally: Tally::default() };
        does(&mut story);
        cases += story.report(what);
    };
    tell("flips", &|story| story.flip(stride));
    tell("cuts", &|story| story.cut(stride));
    tell("blocks", &|story| story.blocks());
    tell("files", &|story| story.files(&other));
    cases
}

#[test]
fn the_specimen_has_files_of_every_kind() {
    let specimen = Specimen::new(LogMode::Write, false, 1);
    for kind in ["db.lock", ".head", ".manifest", ".wal", ".sst", ".blob"] {
        let of_kind = specimen.files.iter().filter(|(path, _)| path.ends_with(kind));
        let sizes: Vec<_> = of_kind.map(|(_, bytes)| bytes.len()).collect();
        println!("{kind}: {sizes:?}");
        assert!(!sizes.is_empty(), "{kind}");
    }
    let mut story = Story { specimen: &specimen, tally: Tally::default() };
    story.case(&specimen.disk.process_crash(), false, &|| "nothing is damaged".to_owned());
    assert_eq!((story.tally.same, story.tally.cases), (2, 2), "{:?}", story.tally.violations);
}

#[test]
fn damage_anywhere_is_told() {
    for mode in MODES {
        every_way(mode, true, 61);
        every_way(mode, false, 61);
    }
}

// How the log was written makes a difference to the log alone.

#[test]
#[ignore = "a minute: make prove"]
fn prove_damage_to_every_byte_of_a_closed_database() {
    let cases = every_way(LogMode::Write, true, 1) + every_way(LogMode::Mapped, true, 16);
    assert!(cases >= 150_000, "{cases}");
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_damage_to_every_byte_of_a_killed_database() {
    let cases = every_way(LogMode::Write, false, 1) + every_way(LogMode::Mapped, false, 16);
    assert!(cases >= 200_000, "{cases}");
}
