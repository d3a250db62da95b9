//! A whole directory to which anything was done: opened, verified, read and salvaged.

use std::collections::BTreeMap;
use std::path::Path;

use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::record::header::FileKind;
use lsm_core::record::names::FileName;
use lsm_core::{Db, IfMissing, Result};

use crate::forge;
use crate::input::Input;
use crate::place::PATH;
use crate::specimen::{
    Files, Pairs, SUMS, Specimen, disk_of, files_of, kill, options, pairs_of, read_all,
};
use crate::target::{DATABASE, Target};
use crate::targets::table::blocks;

/// The whole directory.
pub const DIRECTORY: Target = Target {
    name: "directory",
    about: "a database to whose files anything was done",
    run: directory,
    seeds,
    memory: DATABASE,
};

/// What can be done to a file.
mod act {
    pub(super) const CHANGE: u8 = 0;
    pub(super) const CUT: u8 = 1;
    pub(super) const REMOVE: u8 = 2;
    pub(super) const ZERO: u8 = 3;
    pub(super) const EXCHANGE: u8 = 4;
    pub(super) const COPY: u8 = 5;
    pub(super) const LENGTHEN: u8 = 6;
    pub(super) const RENAME: u8 = 7;
    pub(super) const FORGE: u8 = 8;
    pub(super) const OLDER: u8 = 9;
    pub(super) const FOREIGN: u8 = 10;
    pub(super) const COUNT: u8 = 11;
}

fn seeds(specimen: &Specimen) -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![1]];
    for is_killed in [0, 1] {
        let files = if is_killed == 1 { &specimen.killed } else { &specimen.closed };
        for (at, bytes) in files.values().enumerate() {
            let [low, high] = ((bytes.len() / 2) as u16).to_le_bytes();
            let file = at as u8;
            seeds.push(vec![is_killed, act::CHANGE, file, 0, low, high, 4]);
            seeds.push(vec![is_killed, act::FORGE, file, 0, 150, 0, 1]);
            if at % 3 == 0 {
                seeds.push(vec![is_killed, act::CUT, file, 0, low, high]);
                seeds.push(vec![is_killed, act::REMOVE, file, 0]);
            }
        }
        seeds.push(vec![is_killed, act::EXCHANGE, 1, 0, 2, 0]);
        seeds.push(vec![is_killed, act::OLDER, 2, 0, act::FOREIGN, 1, 0]);
    }
    seeds
}

/// How far what was done goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    /// Whoever reads sees that something is wrong, or all is as it was.
    Told,
    /// Files are there that were good at another time.
    Stale,
    /// Checks were made good behind it: values may be anything.
    Forged,
}

/// A database and what was done to it.
struct Subject {
    files: Files,
    before: Files,
    harm: Harm,
}

impl Subject {
    /// The name of a file, by its place in the list.
    fn pick(&self, input: &mut Input<'_>) -> Option<String> {
        let at = input.below(self.files.len());
        self.files.keys().nth(at).cloned()
    }

    fn act(&mut self, input: &mut Input<'_>, specimen: &Specimen) -> Option<()> {
        let what = input.u8() % act::COUNT;
        let name = self.pick(input)?;
        let mut bytes = self.files.get(&name)?.clone();
        match what {
            act::CHANGE => *bytes.get_mut(far(input, &name))? ^= input.u8(),
            act::CUT => bytes.truncate(usize::from(input.u16())),
            act::REMOVE => {
                self.files.remove(&name);
                return Some(());
            }
            act::ZERO => {
                let (from, len) = (far(input, &name), usize::from(input.u16()));
                let end = bytes.len().min(from + len);
                bytes.get_mut(from..end)?.fill(0);
            }
            act::EXCHANGE | act::COPY => {
                let other = self.pick(input)?;
                let theirs = self.files.insert(other.clone(), bytes)?;
                if what == act::EXCHANGE || other == name {
                    self.files.insert(name, theirs);
                }
                return Some(());
            }
            act::LENGTHEN => bytes.extend_from_slice(input.piece()),
            act::RENAME => {
                let (_, kind) = name.split_once('.')?;
                let name = format!("{:06}.{kind}", input.u16());
                self.files.insert(name, bytes);
                self.harm = self.harm.max(Harm::Stale);
                return Some(());
            }
            act::FORGE => {
                self.harm = Harm::Forged;
                bytes = self.forged(&name, input)?;
            }
            _ => {
                let from = if what == act::OLDER { &specimen.older } else { &specimen.foreign };
                bytes = from.get(&name)?.clone();
                self.harm = self.harm.max(Harm::Stale);
            }
        }
        self.files.insert(name, bytes);
        Some(())
    }

    /// A file with some bytes changed, and its checks made good.
    fn forged(&self, name: &str, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let mut bytes = self.files.get(name)?.clone();
        let (at, with) = (far(input, name), input.u8());
        *bytes.get_mut(at)? ^= with;
        let also = usize::from(input.u8() % 8);
        let more = input.bytes(also);
        if let Some(place) = bytes.get_mut(at + 1..at + 1 + more.len()) {
            place.copy_from_slice(more);
        }
        forge::seal_header(&mut bytes);
        match FileName::parse(name.as_ref())? {
            FileName::Log(number) => forge::reframe(&mut bytes, FileKind::Log, number),
            FileName::Manifest(number) => {
                forge::reframe(&mut bytes, FileKind::Manifest, number);
            }
            FileName::Head => forge::seal(bytes.get_mut(..184)?),
            FileName::Table(_) => {
                let whole = self.before.get(name)?;
                blocks(whole).iter().for_each(|(handle, _)| forge::seal_block(&mut bytes, *handle));
                let footer = bytes.len().checked_sub(128)?;
                forge::seal(&mut bytes[footer..]);
            }
            _ => {}
        }
        Some(bytes)
    }
}

/// A place in a file. That of a lock file is not far behind its beginning.
fn far(input: &mut Input<'_>, name: &str) -> usize {
    let at = usize::from(input.u16());
    if name == "db.lock" { at % 8192 } else { at }
}

fn opened(disk: &SimDisk, is_read_only: bool) -> (SimWorld, Result<Db>) {
    let world = SimWorld::from_disk(disk.clone(), 3);
    let options = options().if_missing(IfMissing::Fail).read_only(is_read_only);
    let opened = Db::builder(Path::new(PATH)).options(options).env(world.env()).open();
    (world, opened)
}

fn directory(bytes: &[u8]) {
    let specimen = Specimen::get();
    let mut input = Input::new(bytes);
    let is_killed = input.u8() % 2 == 1;
    let before = if is_killed { &specimen.killed } else { &specimen.closed };
    let mut subject = Subject { files: before.clone(), before: before.clone(), harm: Harm::Told };
    for _ in 0..16 {
        if input.is_empty() {
            break;
        }
        let _nothing_there = subject.act(&mut input, specimen);
    }
    let exactly = (!is_killed && subject.harm == Harm::Told).then_some(&specimen.truth);
    read_it(&subject, exactly);
    write_it(&subject, exactly);
    salvage_it(&subject);
}

type Shown = BTreeMap<String, Pairs>;

/// Holds what was found against what was written, and against what must be there.
fn judge(found: &Shown, harm: Harm, exactly: Option<&Shown>, what: &str) {
    if let Some(truth) = exactly {
        assert!(found == truth, "{what}: a closed database silently shows something else");
    }
    if harm == Harm::Forged {
        return;
    }
    let history = &Specimen::get().history;
    let known = found.iter().filter(|(name, _)| *name != SUMS && *name != "gone");
    for (name, pairs) in known {
        let Some(written) = history.get(name) else { continue };
        for (key, value) in pairs {
            let is_known = written.get(key).is_some_and(|values| values.contains(value));
            assert!(is_known, "{what}: {name}: {key:?} has a value that was never written");
        }
    }
}

/// Opens it to be read. Nothing is changed by that.
fn read_it(subject: &Subject, exactly: Option<&Shown>) {
    let disk = disk_of(&subject.files);
    let (world, opened) = opened(&disk, true);
    if let Ok(db) = opened {
        let verified = db.verify();
        if let Ok(found) = read_all(&db) {
            judge(&found, subject.harm, exactly, "read only");
            let is_whole = verified.is_ok() && subject.harm == Harm::Told;
            assert!(!is_whole || look_up(&db, &found).is_ok(), "a scan and lookups differ");
        }
        let _any = (db.stats(), db.doctor().is_ok());
        kill(&world, db);
    }
    let mut after = files_of(&disk);
    // A reader has a slot there.
    let mut before = subject.files.clone();
    after.remove("db.lock");
    before.remove("db.lock");
    assert!(after == before, "a reading changes files");
}

/// Each pair by its key.
fn look_up(db: &Db, found: &Shown) -> Result<()> {
    for (name, pairs) in found {
        let keyspace = db.keyspace(name)?;
        for (key, value) in pairs {
            let looked = keyspace.get(key)?;
            assert_eq!(looked.as_deref(), Some(&value[..]), "a scan and a lookup differ");
        }
    }
    Ok(())
}

/// Opens it to be written, and goes on with it as if nothing were wrong.
fn write_it(subject: &Subject, exactly: Option<&Shown>) {
    let disk = disk_of(&subject.files);
    let (world, opened) = opened(&disk, false);
    let Ok(db) = opened else { return };
    let verified = db.verify();
    let found = read_all(&db);
    if let Ok(found) = &found {
        judge(found, subject.harm, exactly, "opened");
    }
    let _any = (db.put("key of later", "a value of later"), db.flush(), db.compact(..));
    world.scheduler.run_until_idle();
    if subject.harm < Harm::Forged && verified.is_ok() {
        let later = db.get("key of later");
        assert!(matches!(later.as_ref().map(Option::as_deref), Ok(Some(b"a value of later"))));
        let again = read_all(&db);
        if let (Ok(mut again), Ok(found)) = (again, found) {
            again.get_mut("default").unwrap().remove(&b"key of later"[..]);
            assert!(again == found, "a compaction changes what a verified database shows");
        }
    }
    let _any = db.close();
}

/// Salvages it. The damaged files stay as they are.
fn salvage_it(subject: &Subject) {
    const NEW: &str = "/data/new";
    let disk = disk_of(&subject.files);
    let world = SimWorld::from_disk(disk.clone(), 4);
    let builder = Db::builder(Path::new(PATH)).options(options()).env(world.env());
    let report = builder.salvage(Path::new(NEW));
    assert!(files_of(&disk) == subject.files, "a salvage changes the damaged files");
    let Ok(report) = report else { return };
    let world = SimWorld::from_disk(disk, 5);
    let db = Db::builder(Path::new(NEW)).options(options()).env(world.env()).open();
    let db = db.expect("what was salvaged is not opened");
    db.verify().expect("what was salvaged is damaged");
    let mut found = Shown::new();
    for name in std::iter::once("default".to_owned()).chain(db.keyspace_names()) {
        match pairs_of(&db.keyspace(&name).expect("a keyspace is not there")) {
            Ok(pairs) => drop(found.insert(name, pairs)),
            // With the manifest it was lost what the operands of a keyspace mean.
            Err(error) => {
                let is_meant = error.to_string().contains("no merge operator");
                let is_excused = subject.harm == Harm::Forged || !report.is_manifest_whole;
                assert!(is_meant && is_excused, "{name}: what was salvaged is not read: {error}");
            }
        }
    }
    judge(&found, subject.harm, None, "salvaged");
    kill(&world, db);
}
