//! Damage: every byte, every length and every file of a database, made wrong in turn.
//!
//! A database that was closed in order gives the same data or an error that names the place, for
//! whatever is done to it. After an unclean stop there is one exception: damage behind the last
//! watermark of the log cannot be told from a torn write, and costs the batches from there on.

use std::collections::BTreeSet;

use lsm_core::options::log_mode::LogMode;

use crate::harness::disk::{Files, PATH};
use crate::harness::ground::specimen::{Specimen, Verdict};
use crate::machine::kit::{MODES, mode_name};

/// What a round of damage came to.
#[derive(Default)]
pub struct Damages {
    pub cases: u64,
    same: u64,
    refused: u64,
    /// Bytes that fell under the exception.
    excepted: BTreeSet<(String, u64)>,
    /// Cuts that took the witnesses along, and cost the batches behind them.
    cut: u64,
    pub violations: Vec<String>,
}

impl Damages {
    fn note(&mut self, what: &str, verdict: Result<Verdict, String>) {
        self.cases += 1;
        match verdict {
            Ok(Verdict::Same) => self.same += 1,
            Ok(Verdict::Refused) => self.refused += 1,
            Ok(Verdict::Shorter(count)) => {
                self.violations.push(format!("{what}: silently only {count} batches"));
            }
            Err(why) => self.violations.push(format!("{what}: {why}")),
        }
    }

    fn report(&self, name: &str) {
        println!(
            "{name}: {} cases, {} the same data, {} refused, {} bytes under the exception, \
             {} cuts that took their witnesses, {} violations",
            self.cases,
            self.same,
            self.refused,
            self.excepted.len(),
            self.cut,
            self.violations.len(),
        );
        self.violations.iter().take(20).for_each(|violation| println!("  {violation}"));
        assert!(self.violations.is_empty(), "{name}: {}", self.violations[0]);
    }
}

/// The masks that change a byte.
fn masks(byte: u8) -> Vec<u8> {
    let masks = BTreeSet::from([0x01, 0x80, 0xff, byte]);
    masks.into_iter().filter(|&mask| mask != 0).collect()
}

/// Flips every `step`-th byte of every file, four ways.
pub fn flip_bytes(specimen: &Specimen, step: usize, damages: &mut Damages) {
    // What a table holds it checks itself, when the opening is over. Here the reader of tables does
    // so, after an unclean opening has written.
    let is_closed = specimen.vouched.is_empty();
    let files = specimen.files.iter();
    for (path, bytes) in files.filter(|(path, _)| is_closed || !path.ends_with(".sst")) {
        for (offset, &byte) in bytes.iter().enumerate().step_by(step) {
            for mask in masks(byte) {
                flip(specimen, (path, offset as u64), mask, damages);
            }
        }
    }
}

fn flip(specimen: &Specimen, place: (&str, u64), mask: u8, damages: &mut Damages) {
    let (path, offset) = place;
    let disk = specimen.copy();
    disk.rot(path, offset, mask).unwrap();
    let verdict = specimen.judge(&disk, true);
    if let (Ok(Verdict::Shorter(count)), Some(&vouched)) = (&verdict, specimen.vouched.get(path)) {
        let is_log = path.ends_with(".wal");
        if is_log && offset >= vouched && *count >= specimen.vouched_batches {
            damages.cases += 1;
            damages.excepted.insert((path.to_owned(), offset));
            return;
        }
    }
    damages.note(&format!("{path} byte {offset} ^ {mask:#04x}"), verdict);
}

/// Cuts every file of a database that was not closed. A cut log takes its own watermarks along;
/// what the manifest knows to be durable stays safe all the same.
pub fn cut_unclean(specimen: &Specimen, step: usize, damages: &mut Damages) {
    let known = specimen.truth.0.batches.len() - Specimen::BATCHES_SINCE_LAST_EDIT;
    for (path, bytes) in &specimen.files {
        for len in (0..bytes.len()).step_by(step) {
            let disk = specimen.copy();
            disk.plant(path, &bytes[..len]).unwrap();
            match specimen.judge(&disk, true) {
                Ok(Verdict::Shorter(count)) if path.ends_with(".wal") && count >= known => {
                    damages.cases += 1;
                    damages.cut += 1;
                }
                verdict => damages.note(&format!("{path} cut to {len}"), verdict),
            }
        }
    }
}

/// Cuts every file at every `step`-th length, lengthens it, and zeroes its blocks.
pub fn cut_and_zero(specimen: &Specimen, step: usize, damages: &mut Damages) {
    let mut put = |path: &str, what: &str, bytes: &[u8]| {
        let disk = specimen.copy();
        disk.plant(path, bytes).unwrap();
        damages.note(&format!("{path} {what}"), specimen.judge(&disk, true));
    };
    for (path, bytes) in &specimen.files {
        for len in (0..bytes.len()).step_by(step) {
            put(path, &format!("cut to {len}"), &bytes[..len]);
        }
        for extra in [1, 7, 8, 31, 32, 100, 512, 5000] {
            for junk in [0x00, 0x01, 0xff] {
                let longer: Vec<u8> = bytes.iter().copied().chain(vec![junk; extra]).collect();
                put(path, &format!("with {extra} bytes of {junk:#04x}"), &longer);
            }
        }
        let again: Vec<u8> = bytes.iter().chain(bytes).copied().collect();
        put(path, "twice", &again);
        for block in 0..bytes.len().div_ceil(512) {
            let mut zeroed = bytes.clone();
            let until = (block * 512 + 512).min(bytes.len());
            zeroed[block * 512..until].fill(0);
            put(path, &format!("with block {block} zeroed"), &zeroed);
        }
    }
}

/// Files that are missing, exchanged, older, or another database's.
pub fn exchange_files(specimen: &Specimen, other: &Specimen, damages: &mut Damages) {
    let files = &specimen.files;
    for (path, bytes) in files {
        let disk = specimen.copy();
        disk.remove(path).unwrap();
        damages.note(&format!("{path} missing"), specimen.judge(&disk, false));
        for (with, theirs) in files.range(path.clone()..).skip(1) {
            let disk = specimen.copy();
            disk.plant(path, theirs).unwrap();
            disk.plant(with, bytes).unwrap();
            damages.note(&format!("{path} and {with} exchanged"), specimen.judge(&disk, true));
            let disk = specimen.copy();
            disk.remove(path).unwrap();
            disk.remove(with).unwrap();
            damages.note(&format!("{path} and {with} missing"), specimen.judge(&disk, false));
        }
        for (age, older) in specimen.older.iter().enumerate() {
            restore(specimen, older, &|name| name == path, &format!("{path} as at {age}"), damages);
        }
        restore(
            specimen,
            &other.files,
            &|name| name == path,
            &format!("{path} of another"),
            damages,
        );
    }
}

/// Groups of files that an older copy of the database takes the place of.
pub fn restore_groups(specimen: &Specimen, other: &Specimen, damages: &mut Damages) {
    let is_head = |name: &str| name.ends_with(".head");
    let is_log = |name: &str| name.ends_with(".wal");
    let is_list = |name: &str| is_head(name) || name.ends_with(".manifest");
    for (age, older) in specimen.older.iter().enumerate() {
        restore(specimen, older, &is_head, &format!("heads as at {age}"), damages);
        restore(specimen, older, &is_list, &format!("manifest and heads as at {age}"), damages);
        restore(specimen, older, &is_log, &format!("logs as at {age}"), damages);
    }
    restore(specimen, &other.files, &is_head, "heads of another", damages);
    restore(specimen, &other.files, &is_list, "manifest and heads of another", damages);
    restore(specimen, &other.files, &is_log, "logs of another", damages);
}

fn restore(
    specimen: &Specimen,
    from: &Files,
    takes: &dyn Fn(&str) -> bool,
    what: &str,
    damages: &mut Damages,
) {
    let disk = specimen.copy();
    let chosen: Vec<_> = from.iter().filter(|(path, _)| takes(path)).collect();
    for (path, bytes) in &chosen {
        disk.plant(path, bytes).unwrap();
    }
    if !chosen.is_empty() {
        damages.note(what, specimen.judge(&disk, false));
    }
}

/// Everything that can be done to a closed database.
pub fn damage_closed(mode: LogMode, step: usize) -> Damages {
    let (specimen, other) = (Specimen::closed(mode, 1), Specimen::closed(mode, 2));
    let mut damages = Damages::default();
    flip_bytes(&specimen, step, &mut damages);
    cut_and_zero(&specimen, step, &mut damages);
    exchange_files(&specimen, &other, &mut damages);
    restore_groups(&specimen, &other, &mut damages);
    damages
}

/// Every byte of a database that was not closed.
pub fn damage_unclean(mode: LogMode, is_power_cut: bool, step: usize) -> Damages {
    let mut damages = Damages::default();
    let specimen = Specimen::unclean(mode, is_power_cut);
    flip_bytes(&specimen, step, &mut damages);
    cut_unclean(&specimen, step, &mut damages);
    damages
}

fn prove(step: usize) {
    for mode in MODES {
        let name = mode_name(mode);
        damage_closed(mode, step).report(&format!("damage, closed, {name}"));
        damage_unclean(mode, false, step).report(&format!("damage, killed, {name}"));
        damage_unclean(mode, true, step).report(&format!("damage, power cut, {name}"));
    }
}

#[test]
fn damage_is_never_silent() {
    prove(13);
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_damage_to_every_byte() {
    prove(1);
}

#[test]
fn specimens_have_something_of_everything() {
    let specimen = Specimen::closed(LogMode::Write, 1);
    let logs = specimen.files.keys().filter(|path| path.ends_with(".wal")).count();
    assert!(logs >= 4, "{:?}", specimen.files.keys());
    assert!(specimen.files.keys().all(|path| path.starts_with(PATH)));
    assert!(specimen.files.keys().any(|path| path.ends_with(".sst")));
    assert_eq!(specimen.truth.0.keyspaces.len(), 4);
    assert!(specimen.truth.0.batches.iter().any(|(_, _, payload)| payload.is_empty()));
}
